"""Trust bundles field by field, and the roots that sign them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device.formats.cose import PublicKey
from device.trust.bundle import (
    Roots,
    Trust,
    kid_of,
    open_bundle,
)
from office.keys.signing import sign1
from tests.support.credentials import STAFF_KEY

ROOT, OTHER = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def spki(key: PublicKey | ec.EllipticCurvePublicKey) -> bytes:
    """Return *key* as a bundle carries it."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_fields(key: Any = STAFF_KEY, **changed: Any) -> dict[str, Any]:
    """Return the fields of a key in a bundle; what is ``...`` is left out."""
    told = {
        "kid": b"12345678",
        "spki": spki(key.public_key()),
        "issuer": "luwuutarakab",
        "domain": "staff",
        "from": int(SINCE.timestamp()),
        "until": int(UNTIL.timestamp()),
    }
    return {name: value for name, value in {**told, **changed}.items() if value is not ...}


def bundle_fields(**changed: Any) -> dict[str, Any]:
    """Return the fields of a bundle; what is ``...`` is left out."""
    plain = {
        "version": 7,
        "issued": int(SINCE.timestamp()),
        "next": int((SINCE + timedelta(days=90)).timestamp()),
        "keys": [key_fields()],
        "revoked": {"luwuutarakab": b"AAAAAAAABBBBBBBB"},
        "policies": ["a policy"],
        "capacities": {"bupati": 40},
    }
    return {name: value for name, value in {**plain, **changed}.items() if value is not ...}


def signed(payload: Any, key: ed25519.Ed25519PrivateKey = ROOT) -> bytes:
    """Return the bundle of *payload* as *key* signs it."""
    octets = payload if isinstance(payload, bytes) else cbor2.dumps(payload)
    return sign1(octets, key, kid_of(key.public_key()))


def opened(octets: bytes) -> Trust:
    """Return the trust in a bundle that `ROOT` signed."""
    return open_bundle(octets, Roots(ROOT.public_key()))
