"""``titik-office roster``: numbers that carry no signature, kept as keyed hashes, carried by every bundle."""

import argparse
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import cbor2

from device.formats.cbor import MalformedError, loads
from device.model import WITA, Domain
from device.trust.bundle import MAX_BUNDLE_ITEMS, roster
from device.trust.fleet_secret import read_secret
from device.trust.roster import MAX_NUMBER, Listing, Roster, RosterKey
from device.wire import MAX_BUNDLE
from office import bundle
from office.cli import options
from office.desk.desk import FLEET_SECRET, Desk, replace_file
from office.desk.refusal import RefusalError
from office.passes import csv_table

FILE: Final = "roster.cbor"
WANTED: Final = ("number", "domain")
ALSO: Final = ("until", "doses", "series")
MAX_DOSES: Final = 99


@dataclass(frozen=True, slots=True)
class Listed:
    """One row."""

    number: str
    listing: Listing


def add(commands: Any) -> None:
    """Add the commands."""
    under = options.group(
        commands,
        "roster",
        "nomor tanpa tanda tangan / numbers without a signature",
        "titik-office roster import --desk meja kartu-pegawai.csv",
    )
    take = options.command(
        under,
        "import",
        "ganti daftar dari CSV / replace the roster from a CSV",
        "titik-office roster import --desk meja kartu-pegawai.csv",
        run_import,
    )
    options.asks_desk(take, locked=False)
    take.add_argument(
        "file", type=Path, metavar="CSV", help="kolom / columns: number,domain; until,doses,series bila ada / if any"
    )
    remove = options.command(
        under, "remove", "hapus daftar / remove the roster", "titik-office roster remove --desk meja", run_remove
    )
    options.asks_desk(remove, locked=False)


def run_import(told: argparse.Namespace, _now: datetime) -> None:
    """Hash the numbers of a list under the fleet secret's key; the list itself is not kept."""
    desk = Desk.open(told.desk)
    made = of(rows(told.file), _key(desk.folder), desk.book.issuer)
    replace_file(desk.folder / FILE, cbor2.dumps(bundle.roster(made), canonical=True))
    print(f"Nomor terdaftar / listed numbers: {len(made.entries)}")
    print(
        '  Nomor dapat disalin: titik menyuruh penjaga memeriksa, kecuali aturan menyebut kind = "listed".'
        ' / A number can be copied: the guard checks, unless a rule names kind = "listed".'
    )
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")
    print(f"  lalu hapus / then delete {told.file}")


def run_remove(told: argparse.Namespace, _now: datetime) -> None:
    """Leave the roster out of the bundles to come."""
    desk = Desk.open(told.desk)
    if not (desk.folder / FILE).exists():
        raise RefusalError("Tidak ada daftar nomor. / There is no roster.")
    (desk.folder / FILE).unlink()
    print(f"Dihapus. / Removed. Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")


def rows(path: Path) -> tuple[Listed, ...]:
    """Return the rows of the list; raises `RefusalError` that names every wrong one."""
    try:
        found = csv_table.rows(options.read(path), WANTED, ALSO)
    except csv_table.NotATableError as error:
        raise RefusalError(f"{path}: {error}") from None
    listed: dict[str, Listed] = {}
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


def of(listed: tuple[Listed, ...], key: RosterKey, issuer: str) -> Roster:
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
        read = roster(loads(options.read(path, MAX_BUNDLE), MAX_BUNDLE, MAX_BUNDLE_ITEMS))
    except (MalformedError, ValueError) as error:
        raise RefusalError(f"{path}: rusak / damaged: {error}. Berikutnya / next: titik-office roster import") from None
    if read.check != _key(folder).check:
        raise RefusalError(
            f"{path} dibuat dengan rahasia armada yang lain. / It was made under another fleet secret."
            f" Berikutnya / next: titik-office roster import --desk {folder} CSV"
        )
    return read


def _key(folder: Path) -> RosterKey:
    path = folder / FLEET_SECRET
    try:
        return read_secret(options.read(path, 1_000).decode("ascii", "replace").strip()).roster_key()
    except ValueError as error:
        raise RefusalError(f"{path}: {error}") from None


def _listed(row: csv_table.Row) -> Listed:
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
    return Listed(number, Listing(Domain(domain), end, _count(doses, "doses"), _count(series, "series")))


def _count(text: str, name: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 2 or int(text) > MAX_DOSES:  # noqa: PLR2004 - two digits
        raise ValueError(f"{name}: 0 .. {MAX_DOSES}")
    return int(text)
