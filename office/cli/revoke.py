"""``titik-office revoke``: passes that shall no longer be believed, by number or by hash."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from device.model import WITA
from device.system.command_line import answered_by
from office.cli import options
from office.desk.issue_log import HASH


@dataclass(frozen=True, slots=True)
class Revoke:
    """What ``revoke`` is asked: a number, or a hash and whose it is."""

    desk: Path
    number: str | None
    domain: str | None
    issuer: str | None
    hash: str | None


def add(commands: Any) -> None:
    """Add the command."""
    revoke = options.command(
        commands,
        "revoke",
        "cabut pas / revoke passes",
        "titik-office revoke --desk meja 0042\n  titik-office revoke --desk meja --issuer ID --hash 00112233aabbccdd",
    )
    options.asks_desk(revoke, locked=False)
    revoke.add_argument("number", nargs="?", metavar="NUMBER", help="nomor pas / pass number")
    revoke.add_argument("--domain", choices=("staff", "visitor"), help="hanya ini / only this one")
    revoke.add_argument("--issuer", type=options.issuer, help="penerbit lain / another's credential")
    revoke.add_argument("--hash", type=_hash, metavar="HEX16", help="16 angka heksadesimal / hexadecimal characters")
    answered_by(revoke, Revoke, partial(run, usage=revoke.error))


def run(asked: Revoke, now: datetime, *, usage: Callable[[str], Any]) -> None:
    """Put them into the book; the next bundle carries them to the stations. *usage* ends a slip of the keyboard."""
    from office.desk.desk import Desk
    from office.desk.revocations import by_number

    by_hash = asked.issuer is not None and asked.hash is not None
    named = asked.number is not None
    if named == by_hash or (named and (asked.issuer or asked.hash)) or (by_hash and asked.domain):
        usage("NUMBER, atau / or --issuer ISSUER --hash HEX16")
    desk = Desk.open(asked.desk)
    if asked.number is not None:
        issuer = desk.book.issuer
        hashes = by_number(desk.issued(), asked.number, asked.domain, now.astimezone(WITA).date())
    else:
        issuer, hashes = asked.issuer or "", (asked.hash or "",)
    before = desk.book.revoked.get(issuer, ())
    fresh = tuple(one for one in hashes if one not in before)
    what = f"pas nomor / number {asked.number}" if named else f"{issuer} {asked.hash}"
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


def _hash(text: str) -> str:
    if not HASH.match(text.lower()):
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: 16 angka heksadesimal / hexadecimal characters")
    return text.lower()
