"""The trust bundle, signed by the root: what the stations shall believe; `device.trust.bundle` writes and reads it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519

from device.trust.bundle import COSE_SIGN1, Trust, kid_of, payload
from office.keys.signing import sign1

ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""The dates of a bare key, which has none: whoever imports it at the desk vouches for it."""


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
