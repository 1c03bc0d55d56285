"""``titik-office init``: a new desk."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from device.system.command_line import answered_by
from office.cli import options
from office.desk import passphrase


@dataclass(frozen=True, slots=True)
class Init:
    """What ``init`` is asked."""

    desk: Path
    passphrase_file: Path | None
    name: str
    issuer: str


def add(commands: Any) -> None:
    """Add the command."""
    example = 'titik-office init --desk meja --name "Kabupaten Luwu Utara"'
    init = options.command(commands, "init", "buat meja baru / make a new desk", example)
    options.asks_desk(init)
    init.add_argument("--name", default="Kabupaten Luwu Utara", help="nama kantor / the office's name")
    init.add_argument(
        "--issuer", default="luwuutarakab", help="nama pendek di pas / short name in passes (%(default)s)"
    )
    answered_by(init, Init, run)


def run(asked: Init, now: datetime) -> None:
    """Make the desk, and say where its keys and its secret go."""
    from office.desk.desk import FLEET_SECRET, ROOT_PUBLIC
    from office.desk.new_desk import found

    desk = found(asked.desk, asked.name, asked.issuer, passphrase.given(asked.passphrase_file, new=True), now)
    print(f"Meja siap / the desk is ready: {desk.folder}")
    for key in desk.book.key:
        print(f"  kunci / key {key.domain:<8} {key.kid}  sampai / until {key.until.date()}")
    print("Kunci akar, umum / the roots, public, untuk / for [trust] roots (" + ROOT_PUBLIC + "; berikutnya / next):")
    print(f"  {desk.book.root}\n  {desk.book.next_root}")
    print(
        f"Rahasia armada / fleet secret: {desk.folder / FLEET_SECRET} (64 angka heksadesimal / hexadecimal characters):"
        " salin hanya ke tiap alat / copy it to the devices only"
    )
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")
