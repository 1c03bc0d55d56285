"""Numbers that carry no signature, such as an employee card's, and what the bundle says of them.

The bundle holds keyed hashes only, under a key that is derived from the fleet secret, so that whoever finds
a bundle cannot try out numbers. A listed number is copyable: what it comes to is `device.verdict.policy`'s business,
and never more than *check* unless a rule names it in words.

In the bundle::

    {check: 4 bytes, issuer: text, claims: [{domain, until?, doses?, series?}], entries: bytes}

``check`` tells which secret the hashes were made under; ``entries`` are 18 bytes each, in their own order:
16 of the hash, then the index in ``claims``, big-endian.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from device.model import Domain
from device.trust._fields import COUNT, TEXT, TIME, Field, Form, Table, word

HASH: Final = 16
"""Bytes of a number's hash: nobody finds a second number by trying."""
ENTRY: Final = HASH + 2
CHECK: Final = 4
MAX_NUMBER: Final = 256
"""Characters of a text that may be a listed number."""


@dataclass(frozen=True, slots=True)
class RosterKey:
    """The key under which numbers are hashed; it never leaves the device or the desk."""

    octets: bytes = field(repr=False)
    check: bytes
    """4 bytes that tell it from another key, and nothing else about it."""

    def hashed(self, number: str) -> bytes:
        """Return the hash of *number*, blanks around it apart."""
        mac = HMAC(self.octets, SHA256())
        mac.update(number.strip().encode("utf-8", "surrogatepass"))
        return mac.finalize()[:HASH]


@dataclass(frozen=True, slots=True)
class Listing:
    """What the roster says of a number."""

    domain: Domain
    until: datetime | None = None
    """Until when it is listed, exclusive."""
    doses: int | None = None
    series: int | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """Listings by the hash of their number; without a key nothing is found."""

    check: bytes = b""
    issuer: str = ""
    claims: tuple[Listing, ...] = ()
    entries: Mapping[bytes, int] = field(default_factory=dict, repr=False)
    key: RosterKey | None = None

    @property
    def locked(self) -> bool:
        """Whether there are numbers, and no key to know them by."""
        return self.key is None and bool(self.entries)

    def find(self, text: str) -> tuple[bytes, Listing] | None:
        """Return the hash and the listing of *text*, in the same time whether it is listed or not."""
        if self.key is None or len(text) > MAX_NUMBER:
            return None
        hashed = self.key.hashed(text)
        index = self.entries.get(hashed)
        return None if index is None else (hashed, self.claims[index])


def read_roster(said: Any) -> Roster:
    """Return the roster as a bundle writes it; raises ValueError. Every entry points at a listing."""
    roster = ROSTER.read(said)
    if any(index >= len(roster.claims) for index in roster.entries.values()):
        raise ValueError("a roster entry without its listing")
    return roster


def written_roster(roster: Roster) -> dict[str, Any]:
    """Return *roster* as a bundle writes it."""
    return ROSTER.written(roster)


def _check(octets: bytes, _name: str) -> bytes:
    if len(octets) != CHECK:
        raise ValueError("the roster is not whole")
    return octets


def _entries(joined: bytes, _name: str) -> dict[bytes, int]:
    if len(joined) % ENTRY:
        raise ValueError("the roster is not whole")
    return {
        joined[at : at + HASH]: int.from_bytes(joined[at + HASH : at + ENTRY], "big")
        for at in range(0, len(joined), ENTRY)
    }


def _joined(entries: Mapping[bytes, int]) -> bytes:
    return b"".join(hashed + index.to_bytes(ENTRY - HASH, "big") for hashed, index in sorted(entries.items()))


LISTING: Final = Table(
    Listing,
    Field("domain", word(Domain)),
    Field("until", TIME, optional=True),
    Field("doses", COUNT, optional=True),
    Field("series", COUNT, optional=True),
)
ROSTER: Final = Table(
    Roster,
    Field("check", Form(bytes, _check, bytes)),
    Field("entries", Form(bytes, _entries, _joined)),
    Field(
        "claims",
        Form(
            list,
            lambda listed, _: tuple(LISTING.read(one) for one in listed),
            lambda claims: [LISTING.written(one) for one in claims],
        ),
    ),
    Field("issuer", TEXT),
    beside=("key",),
)
