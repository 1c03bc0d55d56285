"""Keys that are no secret and never change, so that a corpus signed by them stays what it is."""

import zlib
from datetime import UTC, datetime
from typing import Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from device.formats import base45
from device.formats.cose import to_be_signed
from device.model import Domain
from device.trust.bundle import Key, Roots, Trust, kid_of, open_bundle, trusting

AT: Final = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
STAFF: Final = ec.derive_private_key(1001, ec.SECP256R1())
VISITOR: Final = ed25519.Ed25519PrivateKey.from_private_bytes(b"visitor" + bytes(25))
HEALTH: Final = ec.derive_private_key(1002, ec.SECP256R1())
ROOT: Final = ed25519.Ed25519PrivateKey.from_private_bytes(b"root" + bytes(28))
PHONE: Final = ec.derive_private_key(1003, ec.SECP256R1())
PROOF_OF_NOW: Final = cbor2.dumps({1: -7, 3: 61, 15: {6: int(AT.timestamp())}})
"""The protected header of what a phone signs at that time."""

Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def known() -> Trust:
    """Return trust in the three signers above, each in its own domain."""
    return trusting(
        Key(STAFF.public_key(), kid_of(STAFF.public_key()), "luwuutarakab", Domain.STAFF),
        Key(VISITOR.public_key(), kid_of(VISITOR.public_key()), "luwuutarakab", Domain.VISITOR),
        Key(HEALTH.public_key(), kid_of(HEALTH.public_key()), "ID", Domain.HEALTH),
    )


def opened(octets: bytes) -> Trust:
    """Return the trust in a bundle that the root above signed; raises `device.trust.bundle.BundleError`."""
    return open_bundle(octets, Roots(ROOT.public_key()))


def signed(key: Private, payload: bytes, protected: bytes | None = None, external: bytes = b"") -> bytes:
    """Return a COSE_Sign1 by *key*, the same bytes each time, over *protected* or else the usual header."""
    if protected is None:
        protected = cbor2.dumps(
            {1: -7 if isinstance(key, ec.EllipticCurvePrivateKey) else -8, 4: kid_of(key.public_key())}
        )
    octets = to_be_signed(protected, payload, external)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(octets)
    else:
        r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(SHA256(), deterministic_signing=True)))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def packed(message: bytes, prefix: str = "", level: int = 1) -> str:
    """Return the text of a QR that carries *message*."""
    return prefix + base45.encode(zlib.compress(message, level))
