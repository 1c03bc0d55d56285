"""What stands between a program and its files: full when it is told to be, and the program's end at a statement."""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import device.record._reserve

SPARE = 40
WRITES = ("INSERT", "UPDATE", "COMMIT")
_CONNECT = sqlite3.connect


class Disk:
    """One program's files; *die* ends the program, and raises."""

    def __init__(self, die: Callable[[], None], fault: Callable[[str], None]) -> None:
        self.full = False
        self.spare = 0
        """Writes that a full disk still takes: the room of a ballast that was thrown overboard."""
        self.dead = False
        self.dies_in: int | None = None
        """Statements after which the program is killed."""
        self.dies_at: str = ""
        """``before`` or ``after`` the next commit."""
        self._die = die
        self._fault = fault

    def before(self, word: str) -> None:
        """Let the statement that begins with *word* begin, or not."""
        if self.dead:
            return
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                self._end("killed at a statement")
        if word == "COMMIT" and self.dies_at == "before":
            self._end("killed before a commit")
        if self.full and word in WRITES and self.spare > 0:
            self.spare -= 1
        elif self.full and word in WRITES:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    def after(self, word: str) -> None:
        """Let the program know that its statement is done, or not."""
        if not self.dead and word == "COMMIT" and self.dies_at == "after":
            self._end("killed after a commit, before it answered")

    def _end(self, how: str) -> None:
        self._fault(how)
        self._die()


class _Watched(sqlite3.Connection):
    disk: Disk | None = None

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if self.disk is None:
            return super().execute(sql, *values)
        word = sql.split(None, 1)[0].upper()
        self.disk.before(word)
        # What a program wrote outlives it in the page cache; power cuts have a test of their own (``power.py``).
        cursor = super().execute("PRAGMA synchronous = OFF" if "synchronous" in sql else sql, *values)
        self.disk.after(word)
        return cursor

    def executemany(self, sql: str, values: Iterable[Any]) -> sqlite3.Cursor:
        if self.disk is None:
            return super().executemany(sql, values)
        word = sql.split(None, 1)[0].upper()
        self.disk.before(word)
        cursor = super().executemany(sql, values)
        self.disk.after(word)
        return cursor


class Reserve(device.record._reserve.Reserve):
    """A ballast of one page on a disk that may be full."""

    def __init__(self, path: Path, disk: Disk | None) -> None:
        super().__init__(path, 4096)
        self._disk = disk

    def lay(self) -> bool:
        """Take the room, where there is some."""
        if self._disk is not None and self._disk.full and not self.laid:
            return False
        return super().lay()

    def drop(self) -> None:
        """Give the room back."""
        if self._disk is not None and self.laid:
            self._disk.spare = SPARE
        super().drop()


@contextmanager
def watched(disks: dict[Path, Disk]) -> Iterator[None]:
    """Let every database that is opened in one of the folders *disks* be under its disk's eyes."""

    def connect(path: Any, *arguments: Any, **named: Any) -> sqlite3.Connection:
        file = _CONNECT(path, *arguments, factory=_Watched, **named)
        file.disk = disks.get(Path(path).parent)
        return file

    def reserve(path: Path) -> Reserve:
        return Reserve(path, disks.get(path.parent))

    with patch("sqlite3.connect", connect), patch("device.record.outbox.Reserve", reserve):
        yield


def copy(folder: Path, to: Path) -> Path:
    """Copy *folder* as a power cut would leave it on a disk that loses nothing, and return *to*."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*-shm", "*.lock", "*.ballast"))
    return to
