"""The trust bundle as bytes: what the stations shall believe, signed by the root; `device.trust.bundle` reads it."""

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device.formats.cose import PublicKey
from device.trust.bundle import COSE_SIGN1, Key, Trust, kid_of
from device.trust.roster import Listing, Roster
from office.keys.signing import sign1

ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""The dates of a bare key, which has none: whoever imports it at the desk vouches for it."""


def payload(trust: Trust) -> bytes:
    """Return *trust* as the canonical CBOR that gets signed; raises ValueError where a bundle must say more.

    The same trust is the same bytes: keys stand in order of issuer, kid and domain, revocations in their own.
    """
    if trust.issued is None or trust.next is None:
        raise ValueError("a bundle says when it was issued, and when the next one is due")
    keys = [_key(one) for group in trust.keys.values() for one in group]
    told = {
        "version": trust.version,
        "issued": int(trust.issued.timestamp()),
        "next": int(trust.next.timestamp()),
        "keys": sorted(keys, key=lambda one: (one["issuer"], one["kid"], one["domain"])),
        "revoked": {issuer: b"".join(sorted(hashes)) for issuer, hashes in trust.revoked.items()},
        "policies": list(trust.policies),
        "capacities": dict(trust.capacities),
    }
    if trust.roster.entries:
        told["roster"] = roster(trust.roster)
    return cbor2.dumps(told, canonical=True)


def roster(listed: Roster) -> dict[str, Any]:
    """Return the roster as a bundle writes it; the form is `device.trust.roster`'s."""
    joined = (hashed + index.to_bytes(2, "big") for hashed, index in sorted(listed.entries.items()))
    return {
        "check": listed.check,
        "issuer": listed.issuer,
        "claims": [_listing(one) for one in listed.claims],
        "entries": b"".join(joined),
    }


def sign(trust: Trust, root: ed25519.Ed25519PrivateKey, old: ed25519.Ed25519PrivateKey | None = None) -> bytes:
    """Return the bundle: *trust* signed by *root*; raises ValueError as `payload` does.

    With the *old* root it is signed by that one inside and by *root* outside: whoever believes the old one and
    knows that *root* is to come after it believes *root* from then on.
    """
    if old is None:
        return sign1(payload(trust), root, kid_of(root.public_key()))
    inner = sign1(payload(trust), old, kid_of(old.public_key()))
    return sign1(inner, root, kid_of(root.public_key()), COSE_SIGN1)


def revocations(listed: Mapping[str, Iterable[str]]) -> dict[str, frozenset[bytes]]:
    """Return, by issuer, the 8-byte hashes that *listed* writes in hexadecimal."""
    return {issuer: frozenset(bytes.fromhex(one) for one in hashes) for issuer, hashes in listed.items()}


def spki(key: PublicKey) -> bytes:
    """Return the public key as DER (SubjectPublicKeyInfo)."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def spki_text(key: PublicKey) -> str:
    """Return the public key as base64 of its SPKI, the form that ``[trust] roots`` takes."""
    return base64.b64encode(spki(key)).decode()


def described(trust: Trust) -> dict[str, Any]:
    """Return what a bundle holds, for a program to read; the policies are told apart by whoever can read them."""
    return {
        "version": trust.version,
        "issued": trust.issued and trust.issued.isoformat(),
        "next": trust.next and trust.next.isoformat(),
        "keys": [
            {
                "kid": (key.kid or b"").hex(),
                "issuer": key.issuer,
                "domain": key.domain,
                "from": key.since and key.since.isoformat(),
                "until": key.until and key.until.isoformat(),
                "usages": None if key.usages is None else sorted(key.usages),
            }
            for group in trust.keys.values()
            for key in group
        ],
        "revoked": {issuer: len(hashes) for issuer, hashes in trust.revoked.items()},
        "capacities": dict(trust.capacities),
        "roster": len(trust.roster.entries),
    }


def _listing(one: Listing) -> dict[str, Any]:
    until = None if one.until is None else int(one.until.timestamp())
    told = {"domain": str(one.domain), "until": until, "doses": one.doses, "series": one.series}
    return {name: value for name, value in told.items() if value is not None}


def _key(key: Key) -> dict[str, Any]:
    if key.kid is None or key.issuer is None or key.domain is None or key.since is None or key.until is None:
        raise ValueError("a key in a bundle has its kid, issuer, domain and dates")
    told: dict[str, Any] = {
        "kid": key.kid,
        "spki": spki(key.public),
        "issuer": key.issuer,
        "domain": str(key.domain),
        "from": int(key.since.timestamp()),
        "until": int(key.until.timestamp()),
    }
    return told if key.usages is None else told | {"usages": sorted(str(usage) for usage in key.usages)}
