"""COSE_Sign1 (RFC 9052): bytes in, a message that nobody believes yet out; then a signature that holds or not.

Signing is the desk's business and lives there; `to_be_signed` is shared, so that both speak of the same bytes.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

MAX_CBOR = 16_384
"""Bytes that are ever decoded; the largest genuine one in the test sets has 870."""
MAX_DEPTH = 12
"""Containers in containers; a genuine HCERT has 6."""

ES256: Final = -7
EDDSA: Final = -8
PS256: Final = -37

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

TAG_SIGN1: Final = 18
TAG_ENCRYPT0: Final = 16
TAG_CWT: Final = 61


class Malformed(ValueError):  # noqa: N818 - the word of the closed list of reasons
    """Bytes that are not what they should be; the sentence names the place, never the content."""


class NotSupported(ValueError):  # noqa: N818 - the word of the closed list of reasons
    """A form that is recognised and not read here."""


@dataclass(frozen=True, slots=True)
class Sign1:
    """A COSE_Sign1 as it came: nothing in it is believed yet."""

    protected: bytes
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


def _no_tag(number: int) -> Callable[[Any], Any]:
    def refuse(_decoder: Any) -> Any:
        raise ValueError(f"tag {number} has no business in a credential")

    return refuse


# Tags that a decoder would act upon (regular expressions, shared references, sets, e-mails, addresses …).
# Left are text and epoch times, bignums and the CWT's own.
_REFUSED: Final = {
    number: _no_tag(number)
    for number in (4, 5, 25, 28, 29, 30, 35, 36, 37, 43000, 52, 54, 100, 101, 256, 258, 260, 261, 1004, 55799)
}


def loads(octets: bytes, limit: int = MAX_CBOR) -> Any:
    """Return the one CBOR value that *octets* are; raises `Malformed`.

    Bounded in size and depth, no key twice, no tag that makes a decoder work, nothing behind it.
    """
    if len(octets) > limit:
        raise Malformed("longer than any credential")
    stream = io.BytesIO(octets)
    decoder = cbor2.CBORDecoder(stream, semantic_decoders=_REFUSED, max_depth=MAX_DEPTH, allow_duplicate_keys=False)
    try:
        value = decoder.decode()
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, TypeError, EOFError) as error:
        raise Malformed("not CBOR") from error
    if stream.tell() != len(octets):
        raise Malformed("something stands behind the CBOR")
    return value


def parse(octets: bytes, limit: int = MAX_CBOR) -> Sign1:
    """Return the COSE_Sign1 in *octets*, tagged or not, inside a CWT tag or not.

    Raises `Malformed`, and `NotSupported` for an encrypted message (COSE_Encrypt0).
    """
    message = loads(octets, limit)
    for tag in (TAG_CWT, TAG_SIGN1):
        if isinstance(message, cbor2.CBORTag) and message.tag == tag:
            message = message.value
    if isinstance(message, cbor2.CBORTag) and message.tag == TAG_ENCRYPT0:
        raise NotSupported("encrypted")
    match message:
        case [bytes(protected), Mapping() as open_header, bytes(payload), bytes(signature)]:
            header = loads(protected) if protected else {}
            if not isinstance(header, Mapping):
                raise Malformed("the protected header is not a map")
        case _:
            raise Malformed("not a COSE_Sign1")
    algorithm = header.get(1, open_header.get(1))  # the second place is in the wild, and `holds` asks the key
    kid = header.get(4, open_header.get(4))
    if header.get(2) is not None:
        raise NotSupported("a critical header")  # RFC 9052, 3.1: what is critical and not understood is refused
    return Sign1(
        protected,
        algorithm if isinstance(algorithm, int) else None,
        kid if isinstance(kid, bytes) else None,
        payload,
        signature,
    )


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
                key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
            case ed25519.Ed25519PublicKey(), -8:
                key.verify(message.signature, signed)
            case rsa.RSAPublicKey(key_size=size), -37 if 2048 <= size <= 4096:  # noqa: PLR2004 - RFC 8230, 6.1, and a bound on work
                key.verify(message.signature, signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
            case _:
                return False
    except InvalidSignature:
        return False
    return True
