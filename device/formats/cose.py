"""COSE_Sign1 (RFC 9052): bytes in, a message that nobody believes yet out; then a signature that holds or not.

Signing is the desk's business and lives there; `to_be_signed` is shared, so that both speak of the same bytes.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from device.formats.cbor import LISTS, MAPS, MAX_OCTETS, MalformedError, loads
from device.system.errors import TitikError

ES256: Final = -7
EDDSA: Final = -8
PS256: Final = -37

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

MAX_HEADER: Final = 4_096
"""Bytes of a protected header; a genuine one has about 14, or holds a certificate."""
RSA_SIZES: Final = range(2048, 4097)
"""Bits of a modulus (RFC 8230, 6.1), and a bound on the work it may cost."""

RSA_EXPONENTS: Final = 2**32
"""A bound on the other half of that work; nearly every key has 65537."""
_SMALL_ORDER: Final = frozenset(
    y.to_bytes(32, "little")
    for y in (
        0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
    )
)  # fmt: skip
"""The y of Ed25519's points of small order, and the ways beyond the field's size to write them."""
_ECDSA: Final = ec.ECDSA(SHA256())

TAG_SIGN1: Final = 18
TAG_ENCRYPT0: Final = 16
TAG_CWT: Final = 61
CONTENT_TYPE: Final = 3
"""The header that names what the payload is (RFC 9052, 3.1)."""


class UnsupportedAlgorithmError(TitikError, ValueError):
    """A form that is recognised and not read here."""


class Sign1(NamedTuple):
    """A COSE_Sign1 as it came: nothing in it is believed yet."""

    protected: bytes
    header: Mapping[Any, Any]
    """What *protected* says."""
    algorithm: int | None
    kid: bytes | None
    """From the protected header if it stands there, else from the other (EU DCC spec, 3.2.2)."""
    payload: bytes
    signature: bytes

    @property
    def token(self) -> bytes:
        """The part of the signature that only the signer can choose.

        An ECDSA ``s`` may be negated by anybody and still verifies, so ES256 counts by its ``r``.
        """
        return self.signature[:32] if self.algorithm == ES256 else self.signature

    def signed_by(self, key: PublicKey) -> bool:
        """Return whether *key* signed it, in no context of its own; see `holds`."""
        return holds(self, key)


def parse(octets: bytes, limit: int = MAX_OCTETS) -> Sign1:
    """Return the COSE_Sign1 in *octets*, tagged or not, inside a CWT tag or not.

    Raises `MalformedError`, and `UnsupportedAlgorithmError` for an encrypted message (COSE_Encrypt0).
    """
    message = loads(octets, limit)
    for tag in (TAG_CWT, TAG_SIGN1):
        if isinstance(message, cbor2.CBORTag) and message.tag == tag:
            message = message.value
    if isinstance(message, cbor2.CBORTag) and message.tag == TAG_ENCRYPT0:
        raise UnsupportedAlgorithmError("encrypted")
    if not isinstance(message, LISTS) or len(message) != 4:  # noqa: PLR2004 - RFC 9052, 4.2
        raise MalformedError("not a COSE_Sign1")
    protected, open_header, payload, signature = message
    strings = isinstance(protected, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)
    if not strings or not isinstance(open_header, MAPS):
        raise MalformedError("not a COSE_Sign1")
    header = _header(protected)
    algorithm = header.get(1, open_header.get(1))  # the second place is in the wild, and `holds` asks the key
    kid = header.get(4, open_header.get(4))
    if header.get(2) is not None:
        raise UnsupportedAlgorithmError(
            "a critical header"
        )  # RFC 9052, 3.1: what is critical and not understood is refused
    return Sign1(
        protected,
        header,
        algorithm if isinstance(algorithm, int) else None,
        kid if isinstance(kid, bytes) else None,
        payload,
        signature,
    )


@lru_cache(maxsize=64)  # the passes of one signer have one header
def _header(protected: bytes) -> Mapping[Any, Any]:
    header = loads(protected, MAX_HEADER) if protected else {}
    if not isinstance(header, MAPS):
        raise MalformedError("the protected header is not a map")
    return MappingProxyType(header) if isinstance(header, dict) else header


def usable(key: object) -> PublicKey | None:
    """Return *key* if it is of a kind that signs what is read here, else ``None``."""
    match key:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return key
        case ed25519.Ed25519PublicKey() if not _small_order(key.public_bytes_raw()):
            return key
        case rsa.RSAPublicKey(key_size=size) if size in RSA_SIZES and key.public_numbers().e < RSA_EXPONENTS:
            return key
        case _:
            return None


def _small_order(point: bytes) -> bool:
    """Whether *point* is one of the few under which a signature by nobody holds (RFC 8032, 5.1.7)."""
    return point[:31] + bytes([point[31] & 0x7F]) in _SMALL_ORDER


def to_be_signed(protected: bytes, payload: bytes, external: bytes = b"") -> bytes:
    """Return the Sig_structure (RFC 9052, 4.4); *external* ties a signature to its context."""
    return cbor2.dumps(["Signature1", protected, external, payload])


def holds(message: Sign1, key: PublicKey, external: bytes = b"") -> bool:
    """Return whether *message* was signed by *key*.

    The key says which algorithm is right; a header that names another one fails, so that no message
    can choose how it is checked.
    """
    signed = to_be_signed(message.protected, message.payload, external)
    try:
        match key, message.algorithm:
            case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()), -7 if len(message.signature) == 64:  # noqa: PLR2004 - r and s, 32 bytes each (RFC 9053, 2.1)
                r, s = (int.from_bytes(half, "big") for half in (message.signature[:32], message.signature[32:]))
                key.verify(encode_dss_signature(r, s), signed, _ECDSA)
            case ed25519.Ed25519PublicKey(), -8:
                key.verify(message.signature, signed)
            # OpenSSL also takes a signature whose first zero byte was left out; one credential, two identities.
            case rsa.RSAPublicKey(key_size=size), -37 if len(message.signature) == (size + 7) // 8:
                key.verify(message.signature, signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
            case _:
                return False
    except InvalidSignature:
        return False
    return True
