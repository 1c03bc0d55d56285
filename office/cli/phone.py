"""``titik-office phone``: the page that phones open, written for a web server."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from office.cli import options
from office.desk.desk import Desk, replace_file
from office.desk.refusal import RefusalError
from office.passes.phone import page_html, shipped


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
        run_page,
    )
    options.asks_desk(page, locked=False)
    page.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder baru / a new folder")


def run_page(told: argparse.Namespace, _now: datetime) -> None:
    """Write the page, with the office's name as its heading."""
    write_page(told.out, Desk.open(told.desk).book.name)
    print(f"Halaman dibuat / page made: {told.out}")
    print(
        "Berikutnya / next: salin ke peladen web dengan https dan nama sendiri (docs/telepon.md)"
        " / copy it to a web server with https and a name of its own"
    )


def write_page(folder: Path, office: str) -> None:
    """Write the page that phones open, with *office* as its heading, into *folder*, made if it is missing.

    Raises `RefusalError` for a folder that holds something, and for a name that cannot be a heading.
    """
    page = page_html(office)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RefusalError(
                f"{folder} tidak kosong; tidak ada yang ditimpa. / {folder} is not empty; nothing is overwritten."
                " Berikutnya / next: folder baru / a new folder"
            )
    except OSError as error:
        raise RefusalError(f"{folder}: {error.strerror}") from None
    replace_file(folder / "index.html", page.encode(), 0o644)  # a web server is another user
    replace_file(folder / "sw.js", shipped("sw.js").encode(), 0o644)
