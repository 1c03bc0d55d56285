"""What every command of the desk asks in the same way: its folder, a day, a file, the passphrase."""

import argparse
import getpass
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from device.model import WITA
from device.system.disk import read_bounded
from device.trust.bundle import BundleError, Roots, Trust, open_bundle, root_key
from office.desk.desk import check_passphrase
from office.desk.refusal import MissingError, RefusalError

Run = Callable[[argparse.Namespace, datetime], None]
"""What a command does, told its arguments and the time (aware)."""

FORM = argparse.RawDescriptionHelpFormatter
MAX_FILE = 8_000_000
"""Bytes; no file that a command reads is larger."""


def command(among: Any, name: str, says: str, example: str, run: Run) -> argparse.ArgumentParser:
    """Return the parser of a new command *name*, with its example."""
    made: argparse.ArgumentParser = among.add_parser(
        name,
        help=says,
        description=says,
        epilog=f"contoh / example:\n  {example}",
        formatter_class=FORM,
        allow_abbrev=False,
    )
    made.set_defaults(run=run)
    return made


def group(among: Any, name: str, says: str, example: str) -> Any:
    """Return what the commands under *name* are added to."""
    made = among.add_parser(
        name, help=says, description=says, epilog=f"contoh / example:\n  {example}", formatter_class=FORM
    )
    return made.add_subparsers(required=True, metavar="COMMAND")


def asks_desk(parser: argparse.ArgumentParser, *, locked: bool = True) -> None:
    """Add ``--desk``, and ``--passphrase-file`` where a key is *locked*."""
    parser.add_argument("--desk", required=True, type=Path, metavar="DIR", help="folder meja / the desk's folder")
    if locked:
        parser.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help="untuk skrip / for scripts; else it is asked"
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


def read(path: Path, limit: int = MAX_FILE) -> bytes:
    """Return what is in *path*.

    Raises `MissingError` where there is none, `RefusalError` if it is unreadable or larger than *limit*.
    """
    try:
        octets = read_bounded(path, limit)
    except FileNotFoundError:
        raise MissingError(f"{path} tidak ada / is missing") from None
    except OSError as error:
        raise RefusalError(f"{path}: tidak terbaca / cannot be read: {error.strerror}") from None
    if len(octets) > limit:
        raise RefusalError(f"{path}: lebih dari {limit} byte / larger than {limit} bytes")
    return octets


def is_there(text: str) -> bool:
    """Return whether *text* is the name of something, not only a text that could be a long name."""
    try:
        return Path(text).exists()
    except OSError:  # longer than any name
        return False


def passphrase(told: argparse.Namespace, *, new: bool = False) -> str:
    """Return the passphrase, from a file or asked; a new one is asked twice."""
    if told.passphrase_file is not None:
        try:
            return read(told.passphrase_file).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise RefusalError(f"{told.passphrase_file}: bukan teks UTF-8 / not UTF-8 text") from None
    first = getpass.getpass("Kata sandi / passphrase: ")
    if new:
        check_passphrase(first)
        if getpass.getpass("Sekali lagi / once more: ") != first:
            raise RefusalError("Kedua kata sandi berbeda. / The two passphrases differ.")
    return first


def asks_root(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--root``."""
    parser.add_argument(
        "--root", required=required, metavar="KEY", help="base64, atau berkasnya / or a file that holds it"
    )


def opened(file: Path, root: str) -> Trust:
    """Return the trust in the bundle *file*, if *root* signed it: base64, or a file that holds it."""
    text = read(Path(root)).decode("utf-8", "replace") if is_there(root) else root
    try:
        key = root_key(text)
    except ValueError as error:
        raise RefusalError(f"--root: bukan kunci akar / {error}") from None
    try:
        return open_bundle(read(file), Roots(key))
    except BundleError as error:
        raise RefusalError(f"{file}: tidak dipercaya / not believed: {error}") from None


def local(at: datetime | None) -> str:
    """Return the day of *at* by the office's calendar."""
    return at.astimezone(WITA).date().isoformat() if at is not None else "-"
