"""Credentials made on the spot, with keys that live for one test run."""

import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from device.formats import base45
from device.formats.cose import to_be_signed
from device.formats.proof import CONTEXT
from device.model import Domain
from device.trust.bundle import Key, Trust, kid_of, trusting

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

STAFF_KEY = ec.generate_private_key(ec.SECP256R1())
VISITOR_KEY = ec.generate_private_key(ec.SECP256R1())
HEALTH_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def trust() -> Trust:
    """Return trust in the three keys above, each for its own domain."""
    return trusting(
        Key(STAFF_KEY.public_key(), kid_of(STAFF_KEY.public_key()), "luwuutarakab", Domain.STAFF),
        Key(VISITOR_KEY.public_key(), kid_of(VISITOR_KEY.public_key()), "luwuutarakab", Domain.VISITOR),
        Key(HEALTH_KEY.public_key(), kid_of(HEALTH_KEY.public_key()), "ID", Domain.HEALTH),
    )


def sign(
    key: Private,
    payload: bytes,
    protected: dict[int, Any],
    unprotected: dict[int, Any] | None = None,
    external: bytes = b"",
) -> bytes:
    """Return a tagged COSE_Sign1 over *payload*."""
    header = cbor2.dumps(protected)
    signed = to_be_signed(header, payload, external)
    match key:
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        case ed25519.Ed25519PrivateKey():
            signature = key.sign(signed)
        case rsa.RSAPrivateKey():
            signature = key.sign(signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    return cbor2.dumps(cbor2.CBORTag(18, [header, unprotected or {}, payload, signature]))


def algorithm(key: Private) -> int:
    """Return the COSE algorithm of *key*."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return -8
    return -7 if isinstance(key, ec.EllipticCurvePrivateKey) else -37


def pack(message: bytes, level: int = 9) -> str:
    """Return *message* compressed and as base45."""
    return base45.encode(zlib.compress(message, level))


def token(key: Private, claims: dict[Any, Any], **more: Any) -> bytes:
    """Return a signed CWT of *claims* under *key*'s own kid."""
    headers = {1: algorithm(key), 4: kid_of(key.public_key()), **more}
    return sign(key, cbor2.dumps(claims), headers)


def staff_pass(
    number: str = "0042",
    name: str = "Pegawai Contoh",
    *,
    key: Private = STAFF_KEY,
    issued: datetime = AT - timedelta(days=1),
    expires: datetime = AT + timedelta(days=300),
) -> str:
    """Return the text of a pass as the desk makes it."""
    claims = {1: "luwuutarakab", 4: int(expires.timestamp()), 6: int(issued.timestamp()), 169: {1: number, 4: name}}
    return pack(token(key, claims))


def cnf(key: ec.EllipticCurvePublicKey) -> dict[int, Any]:
    """Return the claim's value that names a phone's *key*, its point compressed."""
    point = key.public_numbers()
    return {1: {1: 2, -1: 1, -2: point.x.to_bytes(32, "big"), -3: bool(point.y & 1)}}


def phone_pass(
    phone: ec.EllipticCurvePublicKey, *, key: Private = STAFF_KEY, expires: datetime = AT + timedelta(days=300)
) -> bytes:
    """Return a pass for the phone with this key, as the desk signs it."""
    issued = int((AT - timedelta(days=1)).timestamp())
    claims = {1: "luwuutarakab", 4: int(expires.timestamp()), 6: issued, 8: cnf(phone), 169: {1: "0042", 4: "Contoh"}}
    return token(key, claims)


def proof(phone: Private, carried: bytes, at: datetime, **changed: Any) -> str:
    """Return what the phone shows at *at*: *carried*, signed anew."""
    protected = {1: algorithm(phone), 3: 61, 15: {6: int(at.timestamp())}}
    told = {"payload": carried, "protected": protected, "external": CONTEXT, **changed}
    return pack(sign(phone, **told), 0)


def dose(number: int = 2, of: int = 2, on: date = date(2021, 9, 1)) -> dict[str, Any]:
    """Return one vaccination entry."""
    return {"tg": "840539006", "dn": number, "sd": of, "dt": on.isoformat(), "co": "ID", "is": "Kementerian"}


def hcert(
    *,
    v: list[Any] | None = None,
    t: list[Any] | None = None,
    r: list[Any] | None = None,
    born: str = "1990-05-17",
    key: Private = HEALTH_KEY,
    issuer: str = "ID",
    issued: datetime = AT - timedelta(days=1),
    expires: datetime = AT + timedelta(days=300),
) -> str:
    """Return the text of an EU DCC."""
    certificate: dict[str, Any] = {"ver": "1.3.0", "dob": born, "nam": {"fnt": "CONTOH"}}
    certificate |= {name: entries for name, entries in (("v", v), ("t", t), ("r", r)) if entries is not None}
    claims = {1: issuer, 4: int(expires.timestamp()), 6: int(issued.timestamp()), -260: {1: certificate}}
    return "HC1:" + pack(token(key, claims))


def flipped_s(text: str) -> str:
    """Return the same pass with the other valid ``s`` of its ECDSA signature."""
    tagged = cbor2.loads(zlib.decompress(base45.decode(text)))
    header, unprotected, payload, signature = tagged.value
    s = int.from_bytes(signature[32:], "big")
    other = signature[:32] + (P256_ORDER - s).to_bytes(32, "big")
    return pack(cbor2.dumps(cbor2.CBORTag(18, [header, dict(unprotected), payload, other])))
