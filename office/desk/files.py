"""Files that the desk reads and writes: bounded, whole or not at all, and never over what was there."""

from pathlib import Path
from typing import Final

from device.system.disk import read_bounded, read_whole, write_whole
from office.desk.refusal import MissingError, RefusalError

MAX_FILE = 8_000_000
"""Bytes; no file that a command reads is larger."""
MAX_OWN: Final = 100_000_000
"""Bytes of any file that the desk itself writes: a million passes."""


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


def own(path: Path) -> bytes:
    """Return what is in a file of the desk's own; raises OSError, also where it is larger than any of them."""
    return read_whole(path, MAX_OWN)


def write_new(path: Path, octets: bytes) -> None:
    """Write a file that must not be there yet, 0600, whole or not at all; raises `RefusalError`."""
    if path.exists():
        raise RefusalError(f"{path} sudah ada; tidak ditimpa. / {path} is there already; nothing is overwritten.")
    replace_file(path, octets)


def replace_file(path: Path, octets: bytes, mode: int = 0o600) -> None:
    """Write a file, whole or not at all, over what was there; raises `RefusalError`."""
    try:
        write_whole(path, octets, mode)
    except OSError as error:
        raise RefusalError(f"{path}: tidak tertulis / cannot be written: {error.strerror}") from None


def is_there(text: str) -> bool:
    """Return whether *text* is the name of something, not only a text that could be a long name."""
    try:
        return Path(text).exists()
    except OSError:  # longer than any name
        return False


def make_new(folder: Path) -> None:
    """Make *folder* for this user alone, or take an empty one; raises `RefusalError` for one that holds something."""
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
