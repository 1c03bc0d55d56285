"""How much more an outbox may take: a bound in bytes, well below what the disk has left."""

import os
import sqlite3
from pathlib import Path

OVERHEAD = 600
"""Bytes that a row takes beside its body, its share of the indexes and of half-empty pages among them."""
STEP = 262_144
"""Bytes after which the file and the disk are looked at again."""
SLACK = 65_536
"""Bytes that must be free again before an outbox that was full takes more, so that it does not flap."""


class Quota:
    """The bound of one file: the smaller of *most* bytes and half of what it uses and the disk has free."""

    def __init__(self, path: Path, most: int) -> None:
        self.full: str | None = None
        """Why nothing more may be written, ``None`` while it may."""
        self._path = path
        self._most = most
        self._left = 0

    def forget(self) -> None:
        """Look again before the next row: rows were deleted, or the file is another one."""
        self._left = 0

    def takes(self, file: sqlite3.Connection, size: int) -> bool:
        """Return whether a row of *size* bytes may be written; looks at the disk now and then. Raises sqlite3.Error."""
        need = size + OVERHEAD
        if self._left < need:
            left, bound = self._measured(file)
            if left < need + (SLACK if self.full is not None else 0):
                self.full = (
                    f"the outbox has taken its {bound // 2**20} MiB, and no more may wait"
                    if bound == self._most
                    else "the disk has too little room left, and no more may wait"
                )
                return False
            self._left = min(left, STEP)
        self.full = None
        self._left -= need
        return True

    def excess(self, file: sqlite3.Connection) -> int:
        """Return by how many bytes the file is over its bound, or nearly so. Raises sqlite3.Error."""
        left, _bound = self._measured(file)
        return max(0, SLACK + STEP - left)

    def spare(self, file: sqlite3.Connection) -> int:
        """Return the bytes that the file may still take, below 0 where it is over its bound. Raises sqlite3.Error."""
        return self._measured(file)[0]

    def _measured(self, file: sqlite3.Connection) -> tuple[int, int]:
        """Return the bytes left below the bound, and the bound."""
        count, unused, size = (
            int(file.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
        )
        used = (count - unused) * size
        try:
            disk = os.statvfs(self._path.parent)
        except OSError:  # the disk says nothing, but it will when it is written
            return self._most - used, self._most
        # Pages that the file no longer uses are as good as free: the next rows go there.
        bound = min(self._most, (count * size + disk.f_bavail * disk.f_frsize) // 2)
        return bound - used, bound
