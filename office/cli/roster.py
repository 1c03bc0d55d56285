"""``titik-office roster``: numbers that carry no signature, kept as keyed hashes, carried by every bundle."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from device.system.command_line import answered_by
from office.cli import options


@dataclass(frozen=True, slots=True)
class ImportRoster:
    """What ``roster import`` is asked."""

    desk: Path
    file: Path


@dataclass(frozen=True, slots=True)
class RemoveRoster:
    """What ``roster remove`` is asked."""

    desk: Path


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
    )
    options.asks_desk(take, locked=False)
    take.add_argument(
        "file", type=Path, metavar="CSV", help="kolom / columns: number,domain; until,doses,series bila ada / if any"
    )
    answered_by(take, ImportRoster, run_import)
    remove = options.command(
        under, "remove", "hapus daftar / remove the roster", "titik-office roster remove --desk meja"
    )
    options.asks_desk(remove, locked=False)
    answered_by(remove, RemoveRoster, run_remove)


def run_import(asked: ImportRoster, _now: datetime) -> None:
    """Hash the numbers of a list under the fleet secret's key; the list itself is not kept."""
    from office.desk import roster
    from office.desk.desk import Desk

    desk = Desk.open(asked.desk)
    made = roster.take_over(desk.folder, roster.rows(asked.file), desk.book.issuer)
    print(f"Nomor terdaftar / listed numbers: {len(made.entries)}")
    print(
        '  Nomor dapat disalin: titik menyuruh penjaga memeriksa, kecuali aturan menyebut kind = "listed".'
        ' / A number can be copied: the guard checks, unless a rule names kind = "listed".'
    )
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")
    print(f"  lalu hapus / then delete {asked.file}")


def run_remove(asked: RemoveRoster, _now: datetime) -> None:
    """Leave the roster out of the bundles to come."""
    from office.desk import roster
    from office.desk.desk import Desk

    desk = Desk.open(asked.desk)
    roster.remove(desk.folder)
    print(f"Dihapus. / Removed. Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")
