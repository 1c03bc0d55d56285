"""``titik-office cards``: the passes of a whole list, as sheets to print and one picture each."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar

from device.model import WITA, Domain
from device.system.command_line import answered_by
from office import csv_table
from office.cli import options
from office.desk import passphrase
from office.desk.files import make_new, read
from office.desk.refusal import RefusalError

T = TypeVar("T")

STEP: Final = 500
"""Cards from one line of progress to the next, where there is no terminal."""


@dataclass(frozen=True, slots=True)
class Cards:
    """What ``cards`` is asked."""

    desk: Path
    passphrase_file: Path | None
    csv: Path
    domain: str
    until: date | None
    out: Path
    no_png: bool
    shorten: bool
    again: bool


def add(commands: Any) -> None:
    """Add the command."""
    cards = options.command(
        commands,
        "cards",
        "buat kartu dari daftar CSV / make the cards of a CSV list",
        "titik-office cards --desk meja --csv pegawai.csv --domain staff --until 2027-06-30 --out kartu",
    )
    options.asks_desk(cards)
    cards.add_argument(
        "--csv", required=True, type=Path, metavar="FILE", help="kolom / columns: number,name,unit; koma / titik koma"
    )
    cards.add_argument("--domain", required=True, choices=("staff", "visitor"))
    cards.add_argument(
        "--until", type=options.day, metavar="YYYY-MM-DD", help="hari terakhir / last day; visitor: today"
    )
    cards.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder baru / a new folder")
    cards.add_argument("--no-png", action="store_true", help="hanya PDF / the PDF only")
    cards.add_argument(
        "--shorten",
        action="store_true",
        help="nama panjang disingkat di QR, dicetak utuh / long names: initials in the QR, whole in print",
    )
    cards.add_argument(
        "--again", action="store_true", help="juga nomor yang pasnya masih berlaku / also numbers with a pass in force"
    )
    answered_by(cards, Cards, run)


def run(asked: Cards, now: datetime) -> None:
    """Make them all, or, where one row is wrong, none."""
    from device.trust.bundle import revocation
    from office.desk.desk import Desk
    from office.desk.issue_log import Entry
    from office.passes import cardholders, sheet
    from office.passes.cards import PDF, PICTURES, Series, make, write
    from office.passes.compose import validity

    sheet.check_ready()
    desk = Desk.open(asked.desk)
    domain = Domain(asked.domain)
    span = validity(domain, now, asked.until)
    try:
        listed = cardholders.parse(read(asked.csv))
    except csv_table.NotATableError as error:
        raise RefusalError(f"{asked.csv}: {error}") from None
    make_new(asked.out)
    entry = desk.key_for(domain, span[0])
    key, signer = desk.unlock(entry, passphrase.given(asked.passphrase_file)), entry.trusted(desk.book.issuer)
    until = asked.until or now.astimezone(WITA).date()
    series = Series(desk.book.name, desk.book.issuer, domain, until, span, key, signer)
    numbers = frozenset() if asked.again else desk.numbers_in_force(domain, now)
    made = make(series, listed, asked.csv, numbers, now=now, progress=progress, shorten=asked.shorten)
    # First: what is not in the log is never revoked.
    desk.log_all(Entry(one.one.number, domain, until, revocation(one.credential.identity).hex(), now) for one in made)
    try:
        write(asked.out, series, made, progress, pictures=not asked.no_png)
    except (OSError, RefusalError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise RefusalError(
            f"{asked.out}: gambar tidak selesai; pasnya sudah tercatat / the pictures are not finished; the passes are"
            f" in the log: {why}. Berikutnya / next: --again --out FOLDER-BARU"
        ) from None
    for each in made:
        if each.name != each.one.name:
            print(f"  baris / line {each.person.line}: di QR / in the QR: {each.name}", file=sys.stderr)
    pages = -(-len(made) // sheet.PER_PAGE)
    print(f"Kartu dibuat / cards made: {len(made)}, {pages} halaman / pages: {asked.out / PDF}")
    print(
        f"  {domain}, sampai / until {until}" + ("" if asked.no_png else f"; gambar / pictures: {asked.out / PICTURES}")
    )
    print(
        "Berikutnya / next: cetak 100 %, tanpa «sesuaikan halaman»; lalu hapus folder itu"
        " / print at 100 %, not “fit to page”; then delete that folder, for it holds names"
    )


def progress(things: Sequence[T], what: str, err: TextIO | None = None) -> Iterable[T]:
    """Yield *things*, saying how far it is: a bar on a terminal, else a line for every `STEP`."""
    err = sys.stderr if err is None else err
    whole, terminal = len(things), err.isatty()
    for done, thing in enumerate(things, 1):
        yield thing
        if terminal and (done == whole or done % 10 == 0):
            bar = "#" * (30 * done // whole)
            err.write(f"\r  [{bar:<30}] {done}/{whole} {what}" + ("\n" if done == whole else ""))
            err.flush()
        elif not terminal and done % STEP == 0:
            err.write(f"  {done}/{whole} {what}\n")
