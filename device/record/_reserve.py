"""A file that takes up room, to be thrown overboard when the disk is full: what is owed can then still be delivered.

To forget an event is a write as well. Without this, an outbox on a full disk could neither record nor drain.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

from device.system.disk import sync_folder
from device.system.sqlite_errors import sentence

SIZE = 4_194_304
"""Bytes: room for the log of a few thousand events that are forgotten at once."""
SHARE = 8
"""A disk that is no larger than so many of them gives one part in so many."""


class Reserve:
    """The file at *path*; its room is really taken from the disk, not only promised."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self.path = path
        self._size = size
        self.laid = False
        """Whether it is there, whole."""
        self.why = "the disk is full"
        """What keeps it from being laid, while it is not."""

    def lay(self) -> bool:
        """Take the room, and return whether it is taken; where the disk has none left, nothing of it stays."""
        if self.laid:
            return True
        try:
            size = min(self._size, _total(self.path.parent) // SHARE)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(handle).st_blocks * 512 < size:
                    os.posix_fallocate(handle, 0, size)
                    os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            self.why = "the disk is full" if error.errno == errno.ENOSPC else sentence(error)
            self.drop()
            return False
        self.laid = True
        return True

    def drop(self) -> None:
        """Give the room back, if it was taken; never raises."""
        self.laid = False
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            sync_folder(self.path.parent)


def _total(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_blocks * disk.f_frsize
