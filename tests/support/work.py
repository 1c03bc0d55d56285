"""Counting work instead of time: the instructions that SQLite runs for a connection."""

import sqlite3
from types import TracebackType
from typing import Self

EACH = 100


class Steps:
    """Counts what *file*'s virtual machine does while its ``with`` block lasts, to a hundred instructions."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self.count = 0

    def _count(self) -> int:
        self.count += EACH
        return 0

    def __enter__(self) -> Self:
        self.count = 0
        self._file.set_progress_handler(self._count, EACH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.set_progress_handler(None, 0)
