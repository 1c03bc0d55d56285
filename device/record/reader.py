"""The outbox's file, only looked at: beside the station that writes it, or without one.

A reader of SQLite's log needs no lock of ours, starts no epoch and sets nothing aside. What looks damaged is
left where it is, and counted: the station that opens the file deals with it.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from device.record import schema
from device.record.sealed import of_name, paths
from device.system.disk import check_database
from device.system.errors import TitikError
from device.system.sqlite_errors import sentence
from device.wire import loads

MAX_EVENTS = 50
"""Events in one message, as over the network."""
BYTES = 65_536
"""Bytes after which a message takes no more events."""
EPOCHS = 100


class OutboxReadError(TitikError):
    """The file cannot be read; the sentence says why."""


class Page(NamedTuple):
    """Some rows that follow one another: one message."""

    after: int
    """The row to go on after; the one that was asked with means that there is no more."""
    bodies: list[bytes]
    damaged: int
    """Rows passed over, for they are not what was written."""


class OutboxReader:
    """The file at *path*, read-only, bound to a ``with`` block. Entering and looking raise `OutboxReadError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        if not self._path.exists():
            raise OutboxReadError(f"there is no {self._path}")
        try:
            check_database(self._path)
        except OSError as error:
            raise OutboxReadError(str(error.strerror)) from error
        try:
            self._file = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        except sqlite3.Error as error:
            raise OutboxReadError(sentence(error)) from error
        try:
            self._version = self._known()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def tell(self) -> dict[str, Any]:
        """Return what is owed, since when, and what is kept, as JSON's values."""
        oldest = self._rows("SELECT epoch, seq, body FROM event WHERE held_at IS NULL ORDER BY row LIMIT 1")
        try:
            kept = schema.kept(self._file, EPOCHS)
        except sqlite3.Error as error:
            raise OutboxReadError(sentence(error)) from error
        return {
            "owed": self._one("SELECT count(*) FROM event WHERE held_at IS NULL"),
            "held": self._one("SELECT count(*) FROM event WHERE held_at IS NOT NULL"),
            "oldest": {"epoch": oldest[0][0], "seq": oldest[0][1], "time": _said(oldest[0][2], "time")}
            if oldest
            else None,
            "kept": [list(span) for span in kept],
            "last": self._one("SELECT coalesce(max(row), 0) FROM event"),
        }

    def point(self) -> str | None:
        """Return the point whose file it is: by its own word, or by its newest rows'; ``None`` by neither."""
        try:
            if (owner := schema.owner(self._file)) is not None:
                return owner
        except sqlite3.OperationalError:
            pass  # no such table: the program before wrote it
        except sqlite3.Error as error:
            raise OutboxReadError(sentence(error)) from error
        for (body,) in self._rows("SELECT body FROM event ORDER BY row DESC LIMIT 10"):
            data = _said(body, "data")
            if isinstance(data, dict) and isinstance(point := data.get("point"), str):
                return point
        return None

    def page(self, after: int, until: int, *, every: bool = False) -> Page:
        """Return the next message of rows past *after* and up to *until*: what is owed, or with *every* all of it.

        Its rows follow one another in one epoch, so that one receipt names them all.
        """
        crc = "crc" if self._version > 1 else "NULL"
        rows = self._rows(
            f"SELECT row, epoch, seq, id, body, {crc} FROM event"  # noqa: S608 - words of ours
            f" WHERE {'' if every else 'held_at IS NULL AND '}row > ? AND row <= ? ORDER BY row LIMIT ?",
            after,
            until,
            MAX_EVENTS,
        )
        bodies: list[bytes] = []
        damaged = size = 0
        before: tuple[str, int] | None = None
        for row, epoch, seq, id_, body, summed in rows:
            sound = schema.unchanged(epoch, seq, id_, body, summed) and b"\n" not in body
            if bodies and (not sound or before != (epoch, seq - 1) or size + len(body) > BYTES):
                break
            after = row
            if not sound:
                damaged += 1
                continue
            bodies.append(body)
            size += len(body)
            before = epoch, seq
        return Page(after, bodies, damaged)

    def bodies(self, ids: Iterable[str]) -> list[bytes] | None:
        """Return the bodies of the rows with these *ids*, in their order; ``None`` unless each is there."""
        found = [self._rows("SELECT body FROM event WHERE id = ?", id_) for id_ in ids]
        return [one[0][0] for one in found] if all(found) else None

    def _known(self) -> int:
        version = int(self._one("PRAGMA user_version"))
        if self._one("PRAGMA application_id") != schema.APPLICATION_ID or not 1 <= version <= schema.VERSION:
            raise OutboxReadError(f"{self._path} is no outbox of this version")
        return version

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._file.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise OutboxReadError(sentence(error)) from error

    def _one(self, sql: str) -> Any:
        return self._rows(sql)[0][0]


def sealed(path: Path) -> list[dict[str, Any]]:
    """Return what `OutboxReader.tell` says of each sealed file beside the outbox at *path*, and whose it is.

    One that cannot be read says why, and ``None`` for what it owes.
    """
    found: list[dict[str, Any]] = []
    for one in paths(path):
        whose = of_name(one)
        try:
            with OutboxReader(one) as outbox_reader:
                found.append(
                    {"file": one.name, "point": outbox_reader.point() or whose, **outbox_reader.tell(), "why": None}
                )
        except OutboxReadError as error:
            unknown: dict[str, Any] = {"owed": None, "held": 0, "oldest": None, "kept": [], "last": 0}
            found.append({"file": one.name, "point": whose, **unknown, "why": str(error)})
    return found


def _said(body: bytes, key: str) -> Any:
    try:
        fields = loads(body)
    except ValueError:
        return None
    return fields.get(key) if isinstance(fields, dict) else None
