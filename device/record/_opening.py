"""How the outbox is opened, whatever a start finds on the card: made, mended, parted, sealed or taken back."""

import logging
import secrets
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from device.record import _recovery, _sealing, schema
from device.record._reserve import Reserve
from device.system.disk import tighten
from device.system.errors import TitikError
from device.system.sqlite_errors import damaged, sentence

log = logging.getLogger(__name__)

TURNS = 4
"""Files that are opened, at the most, until one is this point's: one is sealed, another one taken back."""


PATIENCE = 5.0
"""Seconds that a statement waits for another program that has the file."""


class OutboxOpenError(TitikError):
    """The file cannot be opened; the sentence says why."""


class Opening:
    """Opens the file at *path* for *point*, or for whoever asks where that is ``None``; *at* dates what is set aside.

    *reserve* is given up where the disk has no room to mend.
    """

    def __init__(self, path: Path, point: str | None, reserve: Reserve, at: Callable[[], datetime]) -> None:
        self._path = path
        self._point = point
        self._reserve = reserve
        self._at = at
        self._first = True

    def file(self) -> sqlite3.Connection:
        """Return the file, whole and ours. Raises `OutboxOpenError`, `SealError`, sqlite3.Error and OSError."""
        self._tighten()
        _recovery.finish(self._path)
        for _ in range(TURNS):
            if not self._path.exists() and not (
                self._point is not None and _sealing.back(self._path, self._point, self._stamp())
            ):
                _recovery.begin(self._path, self._stamp())
            file = self._whole()
            try:
                if self._point is None or (whose := _sealing.claim(file, self._path, self._point)) == self._point:
                    return file
                _sealing.away(file, self._path, whose)
            except BaseException as error:
                file.close()
                if not isinstance(error, sqlite3.Error) or not is_damaged(error):
                    raise
                self._mend()
        raise OutboxOpenError("the outbox is damaged, or another point's, again and again")

    def _tighten(self) -> None:
        """Take from others what a program before, or a copy, gave them."""
        for one in self._path.parent.glob(f"{self._path.stem}.*"):
            try:
                tighten(one)
            except FileNotFoundError:
                continue
            except OSError as error:
                log.warning("%s may be open to others: %s. Next: ls -l %s", one.name, error.strerror, one.parent)

    def _whole(self) -> sqlite3.Connection:
        try:
            return self._prepared()
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise
        self._mend()
        return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        first, self._first = self._first, False
        _recovery.look(self._path)
        if first and self._path.exists() and not self._path.stat().st_size:
            raise sqlite3.DatabaseError("malformed: the file is empty")  # one that held events was cut off
        file = schema.connect(self._path, PATIENCE)
        try:
            schema.prepare(file)
        except BaseException:
            file.close()
            raise
        return file

    def _mend(self) -> None:
        """Save what is whole of a damaged file into a new one; nothing is ever deleted. Raises `OutboxOpenError`."""
        try:
            try:
                _recovery.mend(self._path, self._stamp())
            except (sqlite3.Error, OSError):
                self._reserve.drop()  # the disk may be full
                _recovery.mend(self._path, self._stamp())
        except (sqlite3.Error, OSError) as error:
            raise OutboxOpenError(f"the damaged outbox cannot be saved into a new one: {sentence(error)}") from error

    def _stamp(self) -> str:
        return f"{self._at():%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def is_damaged(error: sqlite3.Error) -> bool:
    """Return whether *error*, of SQLite or of `_prepared`, says that the file itself is the matter."""
    return damaged(error) or str(error).startswith("malformed")
