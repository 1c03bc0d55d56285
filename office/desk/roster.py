"""Numbers that carry no signature: a list read from a spreadsheet, and the hashes of them that the desk keeps."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import cbor2

from device.formats.cbor import MalformedError, loads
from device.model import WITA, Domain
from device.trust.bundle import MAX_BUNDLE_ITEMS
from device.trust.fleet_secret import read_secret
from device.trust.roster import MAX_NUMBER, Listing, Roster, RosterKey, read_roster, written_roster
from device.wire import MAX_BUNDLE
from office import csv_table
from office.csv_table import CsvRow
from office.desk.desk import FLEET_SECRET
from office.desk.files import read, replace_file
from office.desk.refusal import RefusalError

FILE: Final = "roster.cbor"
WANTED: Final = ("number", "domain")
ALSO: Final = ("until", "doses", "series")
MAX_DOSES: Final = 99


@dataclass(frozen=True, slots=True)
class ListedNumber:
    """One row."""

    number: str
    listing: Listing


def take_over(folder: Path, listed: tuple[ListedNumber, ...], issuer: str) -> Roster:
    """Keep the hashes of *listed* at the desk in *folder* from now on, in place of those before; return them."""
    roster = of(listed, roster_key(folder), issuer)
    replace_file(folder / FILE, cbor2.dumps(written_roster(roster), canonical=True))
    return roster


def rows(path: Path) -> tuple[ListedNumber, ...]:
    """Return the rows of the list; raises `RefusalError` that names every wrong one."""
    try:
        found = csv_table.rows(read(path), WANTED, ALSO)
    except csv_table.NotATableError as error:
        raise RefusalError(f"{path}: {error}") from None
    listed: dict[str, ListedNumber] = {}
    wrong: list[str] = []
    for row in found:
        try:
            one = _listed(row)
        except ValueError as error:
            wrong.append(f"  baris / line {row.line}: {error}")
            continue
        if one.number in listed:
            wrong.append(f"  baris / line {row.line}: nomor sudah ada di atas / the number is there already")
        listed[one.number] = one
    if wrong:
        count = len(wrong)
        head = f"{path}: {count} baris salah; tidak ada yang diubah. / {count} wrong rows; nothing was changed."
        raise RefusalError("\n".join([head, *wrong]))
    return tuple(listed.values())


def of(listed: tuple[ListedNumber, ...], key: RosterKey, issuer: str) -> Roster:
    """Return the roster of *listed* under *key*."""
    listings = tuple(dict.fromkeys(one.listing for one in listed))
    places = {listing: number for number, listing in enumerate(listings)}
    entries = {key.hashed(one.number): places[one.listing] for one in listed}
    return Roster(key.check, issuer, listings, entries)


def kept(folder: Path) -> Roster:
    """Return the roster that the desk keeps, an empty one if there is none; raises `RefusalError`.

    One that was made under another fleet secret than the desk's is refused: no point could open it.
    """
    path = folder / FILE
    if not path.exists():
        return Roster()
    try:
        roster = read_roster(loads(read(path, MAX_BUNDLE), MAX_BUNDLE, MAX_BUNDLE_ITEMS))
    except (MalformedError, ValueError) as error:
        raise RefusalError(f"{path}: rusak / damaged: {error}. Berikutnya / next: titik-office roster import") from None
    if roster.check != roster_key(folder).check:
        raise RefusalError(
            f"{path} dibuat dengan rahasia armada yang lain. / It was made under another fleet secret."
            f" Berikutnya / next: titik-office roster import --desk {folder} CSV"
        )
    return roster


def remove(folder: Path) -> None:
    """Keep none from now on; raises `RefusalError` where there is none."""
    if not (folder / FILE).exists():
        raise RefusalError("Tidak ada daftar nomor. / There is no roster.")
    (folder / FILE).unlink()


def roster_key(folder: Path) -> RosterKey:
    """Return the key of the fleet secret at the desk in *folder*; raises `RefusalError`, `MissingError` without one."""
    path = folder / FLEET_SECRET
    try:
        return read_secret(read(path, 1_000).decode("ascii", "replace").strip()).roster_key()
    except ValueError as error:
        raise RefusalError(f"{path}: {error}") from None


def _listed(row: CsvRow) -> ListedNumber:
    """Return what *row* lists; raises ValueError with a sentence, never quoting the number."""
    number = row.fields["number"]
    if not 0 < len(number) <= MAX_NUMBER or not number.isprintable():
        raise ValueError(f"nomor: 1 sampai {MAX_NUMBER} huruf / a number has 1 to {MAX_NUMBER} characters")
    domain = row.fields["domain"].lower()
    if domain not in set(Domain):
        raise ValueError(f"domain: {', '.join(Domain)}")
    until, doses, series = (row.fields.get(name, "") for name in ALSO)
    try:
        end = datetime.combine(date.fromisoformat(until) + timedelta(days=1), time(), WITA) if until else None
    except (ValueError, OverflowError):
        raise ValueError("until: tanggal seperti 2027-06-30 / a date like 2027-06-30") from None
    return ListedNumber(number, Listing(Domain(domain), end, _count(doses, "doses"), _count(series, "series")))


def _count(text: str, name: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 2 or int(text) > MAX_DOSES:  # noqa: PLR2004 - two digits
        raise ValueError(f"{name}: 0 .. {MAX_DOSES}")
    return int(text)
