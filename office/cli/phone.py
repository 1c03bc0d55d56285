"""``titik-office phone``: the page that phones open, written for a web server."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from device.system.command_line import answered_by
from office.cli import options


@dataclass(frozen=True, slots=True)
class PhonePage:
    """What ``phone page`` is asked."""

    desk: Path
    out: Path


def add(commands: Any) -> None:
    """Add the command."""
    under = options.group(
        commands, "phone", "halaman pas telepon / the phones' page", "titik-office phone page --desk meja --out halaman"
    )
    page = options.command(
        under,
        "page",
        "tulis halaman untuk peladen web / write the page for a web server",
        "titik-office phone page --desk meja --out halaman",
    )
    options.asks_desk(page, locked=False)
    page.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder baru / a new folder")
    answered_by(page, PhonePage, run_page)


def run_page(asked: PhonePage, _now: datetime) -> None:
    """Write the page, with the office's name as its heading."""
    from office.desk.desk import Desk
    from office.passes.phone import write_page

    write_page(asked.out, Desk.open(asked.desk).book.name)
    print(f"Halaman dibuat / page made: {asked.out}")
    print(
        "Berikutnya / next: salin ke peladen web dengan https dan nama sendiri (docs/telepon.md)"
        " / copy it to a web server with https and a name of its own"
    )
