"""Passes that shall no longer be believed: which of a number, and how long a bundle lists them."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

from device.model import Domain
from office.desk.issue_log import Entry
from office.desk.refusal import RefusalError

KEPT: Final = timedelta(days=30)
"""How long after its last day a revoked pass stays in the bundle: longer than any station's clock is behind."""


def by_number(log: Iterable[Entry], number: str, domain: str | None, today: date) -> tuple[str, ...]:
    """Return the hashes of all passes of *number* in force on *today*; raises `RefusalError` if there is none."""
    known = [one for one in log if one.number == number and domain in (None, one.domain)]
    if not known:
        where = f" ({domain})" if domain else ""
        raise RefusalError(
            f"Nomor {number!r}{where} tidak ada di catatan. / Number {number!r}{where} is not in the log."
        )
    if not (fit := tuple(dict.fromkeys(one.revocation for one in known if one.until >= today))):
        last = max(one.until for one in known)
        raise RefusalError(
            f"Semua pas nomor {number} sudah habis sejak {last}; tidak ada yang perlu dicabut."
            f" / All passes of {number} ended on {last}; there is nothing to revoke."
        )
    return fit


def still_needed(
    revoked: Mapping[str, tuple[str, ...]], issuer: str, log: Iterable[Entry], today: date
) -> dict[str, tuple[str, ...]]:
    """Return *revoked* without our own passes that have been over for more than `KEPT`: they are refused anyway."""
    over = {one.revocation for one in log if one.until + KEPT < today}
    kept = {name: tuple(one for one in hashes if name != issuer or one not in over) for name, hashes in revoked.items()}
    return {name: hashes for name, hashes in kept.items() if hashes}


def count_in_force(log: Iterable[Entry], domain: Domain, today: date) -> int:
    """Return how many passes of *domain* are in force on *today*."""
    return sum(one.domain is domain and one.until >= today for one in log)


def as_bundled(listed: Mapping[str, Iterable[str]]) -> dict[str, frozenset[bytes]]:
    """Return, by issuer, the 8-byte hashes of a bundle, which *listed* writes in hexadecimal."""
    return {issuer: frozenset(bytes.fromhex(one) for one in hashes) for issuer, hashes in listed.items()}
