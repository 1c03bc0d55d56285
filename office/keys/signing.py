"""Signing, which only the desk does: a payload and a private key in, a COSE_Sign1 or a code's text out."""

import zlib
from typing import Any, Final, TypeAlias

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from device.formats import base45
from device.formats.cose import CONTENT_TYPE, EDDSA, ES256, TAG_SIGN1, to_be_signed

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_ALGORITHM, _KID = 1, 4
"""Header labels (RFC 9052, 3.1)."""
_HALF: Final = 32
"""Bytes of ES256's ``r``, and of its ``s`` (RFC 9053, 2.1)."""


def sign1(payload: bytes, key: PrivateKey, kid: bytes, content_type: int | None = None) -> bytes:
    """Return the tagged COSE_Sign1 over *payload*; the kind of *key* says which algorithm.

    *content_type* (a CoAP content format) says what the payload is, where that is not the usual.

    Raises ValueError for an elliptic curve other than P-256.
    """
    match key:
        case ed25519.Ed25519PrivateKey():
            protected = _header(EDDSA, kid, content_type)
            signature = key.sign(to_be_signed(protected, payload))
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            protected = _header(ES256, kid, content_type)
            r, s = decode_dss_signature(key.sign(to_be_signed(protected, payload), ec.ECDSA(SHA256())))
            signature = r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
        case _:
            raise ValueError(f"signing is by P-256 or Ed25519, not by {key.curve.name}")
    return cbor2.dumps(cbor2.CBORTag(TAG_SIGN1, [protected, {}, payload, signature]))


def code_text(claims: dict[Any, Any], key: PrivateKey, kid: bytes, prefix: str = "") -> str:
    """Return what a QR says: *claims* signed, packed by zlib, written in base45 behind *prefix*."""
    return prefix + packed(sign1(cbor2.dumps(claims, canonical=True), key, kid))


def packed(message: bytes) -> str:
    """Return *message* as a QR carries it."""
    return base45.encode(zlib.compress(message, 9))


def _header(algorithm: int, kid: bytes, content_type: int | None) -> bytes:
    said = {_ALGORITHM: algorithm, _KID: kid} | ({} if content_type is None else {CONTENT_TYPE: content_type})
    return cbor2.dumps(said, canonical=True)
