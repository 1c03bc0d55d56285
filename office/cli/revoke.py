"""``titik-office revoke``: passes that shall no longer be believed, by number or by hash."""

import argparse
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from device.model import WITA, Domain
from office.cli import options
from office.desk.desk import Desk
from office.desk.issue_log import Entry
from office.desk.refusal import RefusalError

KEPT: Final = timedelta(days=30)
"""How long after its last day a revoked pass stays in the bundle: longer than any station's clock is behind."""
_HASH = re.compile(r"[0-9a-f]{16}\Z")


def add(commands: Any) -> None:
    """Add the command."""
    revoke = options.command(
        commands,
        "revoke",
        "cabut pas / revoke passes",
        "titik-office revoke --desk meja 0042\n  titik-office revoke --desk meja --issuer ID --hash 00112233aabbccdd",
        run,
    )
    options.asks_desk(revoke, locked=False)
    revoke.add_argument("number", nargs="?", metavar="NUMBER", help="nomor pas / pass number")
    revoke.add_argument("--domain", choices=("staff", "visitor"), help="hanya ini / only this one")
    revoke.add_argument("--issuer", type=options.issuer, help="penerbit lain / another's credential")
    revoke.add_argument("--hash", type=_hash, metavar="HEX16", help="16 angka heksadesimal / hexadecimal characters")
    revoke.set_defaults(usage=revoke.error)


def run(told: argparse.Namespace, now: datetime) -> None:
    """Put them into the book; the next bundle carries them to the stations."""
    named = told.number is not None
    by_hash = told.issuer is not None and told.hash is not None
    if named == by_hash or (named and (told.issuer or told.hash)) or (by_hash and told.domain):
        told.usage("NUMBER, atau / or --issuer ISSUER --hash HEX16")
    desk = Desk.open(told.desk)
    if named:
        issuer = desk.book.issuer
        hashes = by_number(desk.issued(), told.number, told.domain, now.astimezone(WITA).date())
    else:
        issuer, hashes = told.issuer, (told.hash,)
    before = desk.book.revoked.get(issuer, ())
    fresh = tuple(one for one in hashes if one not in before)
    what = f"pas nomor / number {told.number}" if named else f"{issuer} {told.hash}"
    if not fresh:
        print(f"Sudah dicabut / already revoked: {what} ({len(hashes)})")
    else:
        desk.keep(revoked={**desk.book.revoked, issuer: (*before, *fresh)})
        print(f"Dicabut / revoked: {what}: {len(fresh)} pas / passes")
    print(
        f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor,"
        " lalu salin ke tiap titik / then copy it to each point; sampai itu pas ini masih diterima"
        " / until then the pass still works"
    )


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


def of_domain(log: Iterable[Entry], domain: Domain, today: date) -> int:
    """Return how many passes of *domain* are in force on *today*."""
    return sum(one.domain is domain and one.until >= today for one in log)


def _hash(text: str) -> str:
    if not _HASH.match(text.lower()):
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: 16 angka heksadesimal / hexadecimal characters")
    return text.lower()
