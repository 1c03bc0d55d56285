"""What every command of the desk asks in the same way: its folder, a day, a root, the passphrase."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from device.system.command_line import add_command, add_group


def command(among: Any, name: str, says: str, example: str) -> argparse.ArgumentParser:
    """Return the parser of a new command *name*, with its example."""
    return add_command(among, name, says, f"contoh / example:\n  {example}", allow_abbrev=False)


def group(among: Any, name: str, says: str, example: str) -> Any:
    """Return what the commands under *name* are added to."""
    return add_group(among, name, says, f"contoh / example:\n  {example}")


def asks_desk(parser: argparse.ArgumentParser, *, locked: bool = True) -> None:
    """Add ``--desk``, and ``--passphrase-file`` where a key is *locked*."""
    parser.add_argument("--desk", required=True, type=Path, metavar="DIR", help="folder meja / the desk's folder")
    if locked:
        parser.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="untuk skrip / for scripts; else it is asked"
        )


def asks_root(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--root``."""
    parser.add_argument(
        "--root", required=required, metavar="KEY", help="base64, atau berkasnya / or a file that holds it"
    )


def day(text: str) -> date:
    """Return the day that *text* writes, for argparse."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: tanggal seperti 2027-06-30 / a date like 2027-06-30") from None


def days(text: str) -> int:
    """Return a number of days, for argparse."""
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= 3660:  # noqa: PLR2004 - ten years
        raise argparse.ArgumentTypeError(f"{text!r}: hari, 1 sampai 3660 / days, 1 to 3660")
    return int(text)


def issuer(text: str) -> str:
    """Return somebody's short name, for argparse."""
    if not text.isprintable() or not 1 <= len(text) <= 100:  # noqa: PLR2004 - a name, not a text
        raise argparse.ArgumentTypeError(f"{text[:100]!r}: 1 sampai 100 huruf / 1 to 100 letters")
    return text
