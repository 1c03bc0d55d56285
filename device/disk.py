"""A file that is whole or not there, also after a power cut."""

import os
from pathlib import Path
from stat import S_ISREG


def write_whole(path: Path, octets: bytes, mode: int = 0o600) -> None:
    """Put *octets* in the place of *path*, at once and durably; one writer at a time.

    Raises OSError; then *path* is what it was, or the new whole if only the folder's own entry is in doubt. What a
    kill in the middle leaves behind is overwritten by the next write.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)  # made anew, so that it has this mode and is nobody's link
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_private(path: Path) -> None:
    """Make an empty file at *path* that only its owner may read, whatever the umask.

    Raises OSError, also where one is. SQLite gives its logs the mode of the file that they belong to.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def tighten(path: Path) -> None:
    """Take from all but its owner what they may do with the plain file at *path*, if there is one; raises OSError."""
    told = path.lstat()
    if S_ISREG(told.st_mode) and told.st_mode & 0o077:
        path.chmod(told.st_mode & 0o700)


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* as durable as the bytes under them."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def give(handle: int, folder: Path) -> None:
    """Give the open file *handle* to the owner of *folder*: what root's command makes, the service must open.

    Only root can; for anybody else nothing changes. Raises OSError.
    """
    if os.geteuid() == 0:
        told = folder.stat()
        os.fchown(handle, told.st_uid, told.st_gid)


def read_bounded(path: Path, most: int) -> bytes:
    """Return the file, at most one byte more than *most*; raises OSError."""
    with path.open("rb") as file:
        return file.read(most + 1)
