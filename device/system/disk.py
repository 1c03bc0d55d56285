"""A file that is whole or not there, also after a power cut; and one that somebody names, opened without waiting."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from device.system.errors import TitikError


class NotPlainError(TitikError, OSError):
    """A name that stands for no plain file of ours: a pipe, a socket, a device, a folder, one without an end."""


def open_plain(path: Path) -> BinaryIO:
    """Return the plain file at *path*, open for reading, at once; raises `NotPlainError` and OSError.

    Whoever names a file names a pipe, too: to open one waits for its other end without a limit, and to open a device
    may do something (a tape turns back, a watchdog starts). So it is looked at before it is opened, and again after,
    for it may have been changed in between.
    """
    _plain(path.stat(), path)
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _plain(os.fstat(handle), path)
    except OSError:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def check_plain(path: Path, most: int | None = None) -> None:
    """Raise `NotPlainError` where *path* is no plain file of at most *most* bytes, or nothing at all.

    For what another library opens by its name. Raises OSError where it cannot be looked at.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    _plain(found, path)
    if most is not None and found.st_size > most:
        raise _larger(path, most)


def check_database(path: Path) -> None:
    """Raise `NotPlainError` where SQLite would open a pipe for the database at *path* or its log, and wait at it."""
    for ending in ("", "-wal", "-shm", "-journal"):
        file = path.with_name(path.name + ending)
        try:
            check_plain(file)
        except NotPlainError as error:
            raise NotPlainError(error.errno, f"{file.name} cannot be opened: {error.strerror}", str(file)) from None


def _larger(path: Path, most: int) -> NotPlainError:
    return NotPlainError(errno.EFBIG, f"it is larger than {most} bytes", str(path))


def _plain(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        what = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise NotPlainError(errno.EINVAL, f"it is {what}, not a plain file", str(path))


_KINDS = {
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


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
    found = path.lstat()
    if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
        path.chmod(found.st_mode & 0o700)


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
        found = folder.stat()
        os.fchown(handle, found.st_uid, found.st_gid)


def read_bounded(path: Path, most: int) -> bytes:
    """Return the plain file, at most one byte more than *most*; raises `NotPlainError` and OSError, and never waits."""
    with open_plain(path) as file:
        return file.read(most + 1)


def read_whole(path: Path, most: int) -> bytes:
    """Return the plain file, all of it.

    Raises `NotPlainError`, also where it is more than *most* bytes, and OSError.
    """
    octets = read_bounded(path, most)
    if len(octets) > most:
        raise _larger(path, most)
    return octets
