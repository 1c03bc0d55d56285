"""``titik-office cards``: the passes of a whole list, as sheets to print and one picture each."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO, TypeVar

from device.model import WITA, Credential, Domain
from device.trust.bundle import Key, revocation
from office.cli import options
from office.desk.desk import Desk, replace_file
from office.desk.issue_log import Entry
from office.desk.refusal import RefusalError
from office.keys.signing import PrivateKey
from office.passes import cardholders, csv_table, qr, sheet
from office.passes.cardholders import MAX_UNIT, Person
from office.passes.compose import Pass, TooLongError, compose, issue, validity
from office.passes.sheet import Face, Sheets

PDF: Final = "kartu.pdf"
PICTURES: Final = "png"
STEP: Final = 500
"""Cards from one line of progress to the next, where there is no terminal."""


class Made(NamedTuple):
    """A pass that is signed and believed, and its row."""

    person: Person
    one: Pass
    text: str
    credential: Credential
    said: str
    """The name in the QR, which is shorter than the printed one where it had to be."""


def add(commands: Any) -> None:
    """Add the command."""
    cards = options.command(
        commands,
        "cards",
        "buat kartu dari daftar CSV / make the cards of a CSV list",
        "titik-office cards --desk meja --csv pegawai.csv --domain staff --until 2027-06-30 --out kartu",
        run,
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


def run(told: argparse.Namespace, now: datetime) -> None:
    """Make them all, or, where one row is wrong, none."""
    sheet.check_ready()
    desk = Desk.open(told.desk)
    domain = Domain(told.domain)
    span = validity(domain, now, told.until)
    try:
        listed = cardholders.parse(options.read(told.csv))
    except csv_table.NotATableError as error:
        raise RefusalError(f"{told.csv}: {error}") from None
    _check_new(told.out)
    entry = desk.key_for(domain, span[0])
    key, signer = desk.unlock(entry, options.passphrase(told)), entry.trusted(desk.book.issuer)
    numbers = frozenset() if told.again else in_force(desk, domain, now)
    office = sheet.not_shown(desk.book.name)
    wrong = [(0, f"nama kantor memuat huruf / the office's name has letters {office!r}")] if office else []
    wrong += list(flaws(listed, numbers))
    made: list[Made] = []
    for person in _told(listed, "ditandatangani / signed"):
        try:
            one = compose(desk.book.issuer, person.number, person.name, span)
            text, credential, said = _fitting(one, key, signer, now, shorten=told.shorten)
            made.append(Made(person, one, text, credential, said))
        except RefusalError as refusal:
            wrong.append((person.line, str(refusal)))
    if wrong:
        raise RefusalError(_listed(told.csv, wrong))
    until = told.until or now.astimezone(WITA).date()
    # First: what is not in the log is never revoked.
    desk.log_all(Entry(one.one.number, domain, until, revocation(one.credential.identity).hex(), now) for one in made)
    try:
        _write(told, desk.book.name, domain, until, made)
    except (OSError, RefusalError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise RefusalError(
            f"{told.out}: gambar tidak selesai; pasnya sudah tercatat / the pictures are not finished; the passes are"
            f" in the log: {why}. Berikutnya / next: --again --out FOLDER-BARU"
        ) from None
    for each in made:
        if each.said != each.one.name:
            print(f"  baris / line {each.person.line}: di QR / in the QR: {each.said}", file=sys.stderr)
    pages = -(-len(made) // sheet.PER_PAGE)
    print(f"Kartu dibuat / cards made: {len(made)}, {pages} halaman / pages: {told.out / PDF}")
    print(
        f"  {domain}, sampai / until {until}" + ("" if told.no_png else f"; gambar / pictures: {told.out / PICTURES}")
    )
    print(
        "Berikutnya / next: cetak 100 %, tanpa «sesuaikan halaman»; lalu hapus folder itu"
        " / print at 100 %, not “fit to page”; then delete that folder, for it holds names"
    )


def shorter(name: str) -> Iterator[str]:
    """Yield *name* without its titles, then with ever more initials from its second word on, then its first word.

    Titles are ``H``, ``Hj`` and longer words that end in a full stop before the name, and all behind the first
    comma; where nothing else is left, they are the name.
    """
    words = name.partition(",")[0].split()
    while len(words) > 1 and (words[0].rstrip(".") in {"H", "Hj"} or (len(words[0]) > 2 and words[0].endswith("."))):  # noqa: PLR2004 - `M.` is somebody's name
        words = words[1:]
    first, *rest = words or name.split()
    if " ".join([first, *rest]) != name:
        yield " ".join([first, *rest])
    for at in range(len(rest)):
        yield " ".join([first, *(f"{word[0]}." for word in rest[: at + 1]), *rest[at + 1 :]])
    if rest:
        yield first


def _fitting(one: Pass, key: PrivateKey, signer: Key, now: datetime, *, shorten: bool) -> tuple[str, Credential, str]:
    """Return the text of *one*, what is believed of it, and its name; where it may, shortened until it fits."""
    try:
        return (*issue(one, key, signer, now), one.name)
    except TooLongError as refusal:
        for name in shorter(one.name) if shorten else ():
            try:
                return (*issue(replace(one, name=name), key, signer, now), name)
            except TooLongError:
                continue
        raise RefusalError(f"{refusal}{'' if shorten else ' --shorten'}") from None


def in_force(desk: Desk, domain: Domain, now: datetime) -> frozenset[str]:
    """Return the numbers that have a pass of *domain* which is neither over nor revoked."""
    today = now.astimezone(WITA).date()
    revoked = set(desk.book.revoked.get(desk.book.issuer, ()))
    return frozenset(
        one.number
        for one in desk.issued()
        if one.domain is domain and one.until >= today and one.revocation not in revoked
    )


def flaws(listed: Sequence[Person], numbers: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yield each line that cannot be a card, and why, besides what `compose` and `issue` say of it."""
    first: dict[str, int] = {}
    for person in listed:
        if person.number in first and person.number:
            before = first[person.number]
            yield person.line, f"nomor {person.number} sudah di baris {before} / is on line {before} already"
        first.setdefault(person.number, person.line)
        if person.number in numbers:
            yield (
                person.line,
                f"nomor {person.number} masih punya pas yang berlaku / has a pass in force: revoke, atau / or --again",
            )
        if strange := sheet.not_shown(" ".join((person.name + person.unit).split())):
            yield person.line, f"huruf ini tidak dapat dicetak / these letters cannot be printed: {strange!r}"
        if len(person.unit) > MAX_UNIT:
            yield person.line, f"unit lebih dari {MAX_UNIT} huruf / is longer than {MAX_UNIT} letters"


def _listed(file: Path, wrong: list[tuple[int, str]]) -> str:
    told = "\n".join(f"  baris / line {line}: {why}" if line else f"  {why}" for line, why in sorted(wrong))
    lines = len({line for line, _ in wrong})
    return f"{file}: {lines} baris salah; tidak ada yang dibuat. / {lines} wrong rows; nothing was made.\n{told}"


def _check_new(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RefusalError(
                f"{folder} tidak kosong; tidak ada yang ditimpa. / {folder} is not empty; nothing is overwritten."
                " Berikutnya / next: --out FOLDER-BARU"
            )
        folder.chmod(0o700)  # names will be in it
    except OSError as error:
        raise RefusalError(f"{folder}: {error.strerror}") from None


def _write(told: argparse.Namespace, office: str, domain: Domain, until: date, made: Sequence[Made]) -> None:
    sheets = Sheets(f"{office} {domain} {until}")
    if not told.no_png:
        (told.out / PICTURES).mkdir(mode=0o700)
    for row, one in enumerate(_told(made, "digambar / drawn"), 1):
        rows = qr.modules(one.text)
        sheets.add(Face(office, domain, one.one.number, one.one.name, one.person.unit, until, rows))
        if not told.no_png:  # the row first: on a stick that knows no capitals, a1 and A1 are one name
            name = f"{row:05}-{one.one.number.replace('/', '_')}.png"
            (told.out / PICTURES / name).write_bytes(qr.png_of(rows))
    replace_file(told.out / PDF, sheets.pdf())


T = TypeVar("T")


def _told(things: Sequence[T], what: str, err: TextIO | None = None) -> Iterable[T]:
    """Yield *things*, telling how far it is: a bar on a terminal, else a line for every `STEP`."""
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
