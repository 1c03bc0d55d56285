"""A roster of two numbers, as a bundle carries it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from device.trust.bundle import Trust
from device.trust.fleet_secret import FleetSecret
from tests.support.bundle import bundle_fields, opened, signed
from tests.support.credentials import AT

SECRET = FleetSecret(b"\x5a" * 32)
KEY = SECRET.roster_key()
UNTIL = datetime(2026, 12, 31, 16, tzinfo=UTC)
LISTINGS = [{"domain": "staff", "until": int(UNTIL.timestamp())}, {"domain": "health", "doses": 2, "series": 2}]


def roster(*numbers: tuple[str, int], **changed: Any) -> dict[str, Any]:
    """Return the fields of a roster of *numbers*, each with the place of its claims in `LISTINGS`."""
    entries = sorted(KEY.hashed(number) + index.to_bytes(2, "big") for number, index in numbers)
    whole = {"check": KEY.check, "issuer": "luwuutarakab", "claims": LISTINGS, "entries": b"".join(entries)}
    return {**whole, **changed}


def unlocked(trust: Trust) -> Trust:
    """Return *trust* with the key to its roster."""
    return replace(trust, roster=replace(trust.roster, key=KEY))


NEXT = int((AT + timedelta(days=9)).timestamp())
TRUST_WITH_ROSTER = unlocked(opened(signed(bundle_fields(next=NEXT, roster=roster(("19800101", 0), ("PL-7F3A", 1))))))
