"""The database: what was taken is on the disk before anybody is told (SQLite, WAL, synchronous=FULL).

One process writes; readers open the file beside it, see `central.status`. Times come in as arguments.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from central.rows import EPOCH_LENGTH, MOST_SEQ, Row, stamp
from device.database import damaged, inode, sentence
from device.wire import State, dumps, loads

APPLICATION_ID = 0x7469_7463
"""``titc``: in the file's header, so that nobody's other database is ever taken for ours."""
VERSION = 1
BUSY = 1.0
"""Seconds to wait for another writer; stopping as a whole has two."""

_SCHEMA = f"""
CREATE TABLE life (
    centre TEXT PRIMARY KEY,
    made TEXT NOT NULL
) STRICT;
CREATE TABLE event (
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    time TEXT,
    outcome TEXT,
    colour TEXT,
    reason TEXT,
    repeat INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    body TEXT NOT NULL,
    received TEXT NOT NULL,
    PRIMARY KEY (source, id)
) STRICT;
CREATE INDEX event_place ON event (point, epoch, seq);
CREATE INDEX event_time ON event (point, time);
CREATE TABLE quarantine (
    topic TEXT NOT NULL,
    bytes BLOB NOT NULL,
    digest TEXT NOT NULL,
    why TEXT NOT NULL,
    received TEXT NOT NULL,
    PRIMARY KEY (topic, digest)
) STRICT;
CREATE TABLE station (
    point TEXT PRIMARY KEY,
    state TEXT,
    info TEXT,
    health TEXT,
    seen TEXT
) STRICT;
CREATE TABLE said (
    point TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (point, epoch)
) STRICT;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""


class NotOurs(Exception):  # noqa: N818 - what the file is
    """A file that this program must not touch; the sentence says which and why."""


class CannotWrite(Exception):  # noqa: N818 - what is the case, until the disk is well
    """Nothing can be written now; the sentence says why. Nobody may be told that anything is held."""


class Gone(Exception):  # noqa: N818 - what the file is
    """The file was moved or deleted while it was open: what is written now would be on no disk."""


class Kept(NamedTuple):
    """What became of the rows of one message."""

    new: int
    clashes: int
    """New rows whose place another id holds already: a card restored from an old image."""


class Store:
    """The file, bound to a ``with`` block; *life* is its random name, made with it.

    Entering makes the file where there is none. Raises `NotOurs` for another program's file, a damaged one or
    a newer version's, `CannotWrite` where there can be no file now. Writing goes through `writing` alone.
    """

    def __init__(self, path: Path, now: datetime) -> None:
        self.path = path
        self.life = ""
        self._now = now

    def __enter__(self) -> Self:
        try:
            # 0600: the rows are pseudonyms of people; SQLite gives its log the same mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._file = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None)
        except OSError as error:
            raise CannotWrite(f"{self.path}: {error.strerror}") from error
        except sqlite3.Error as error:
            raise CannotWrite(f"{self.path}: {sentence(error)}") from error
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(sqlite3.Error):  # a full disk may refuse the last checkpoint; every row is in the log
            self._file.close()

    def _open(self) -> None:
        try:
            fresh = check(self._file, self.path)
            logged = self._file.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
            # Without a log (some network file systems), FULL loses the last commit in half the power cuts (measured).
            self._file.execute(f"PRAGMA synchronous = {'FULL' if logged else 'EXTRA'}")
            self._file.execute("PRAGMA journal_size_limit = 67108864")
            if fresh:
                self._file.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}")
                self._file.execute("INSERT INTO life VALUES (?, ?)", (secrets.token_hex(8), stamp(self._now)))
                self._file.execute("COMMIT")
            self.life = str(self._file.execute("SELECT centre FROM life").fetchone()[0])
            self._inode = inode(self.path)
        except sqlite3.Error as error:
            if damaged(error):
                raise NotOurs(f"{self.path}: {sentence(error)}. Next: restore a backup, or move it away") from error
            raise CannotWrite(f"{self.path}: {sentence(error)}") from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Bind one transaction: on the disk when the block is left, or nothing of it, and `CannotWrite`.

        Raises `Gone` where the file is no longer at its path.
        """
        try:
            self._file.execute("BEGIN IMMEDIATE")
            yield
            self._file.execute("COMMIT")
        except BaseException as error:
            if self._file.in_transaction:  # a full disk may have rolled it back already
                with suppress(sqlite3.Error):
                    self._file.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) or (isinstance(error, sqlite3.Error) and damaged(error)):
                raise CannotWrite(sentence(error)) from error
            raise
        if inode(self.path) != self._inode:
            raise Gone(f"{self.path} was moved or deleted while the centre was using it")

    def contradicts(self, rows: Iterable[Row]) -> bool:
        """Return whether one of *rows* has the id of a held event and says something else."""
        for row in rows:
            held = self._one("SELECT body FROM event WHERE source = ? AND id = ?", row.source, row.id)
            if held not in (None, row.body):
                return True
        return False

    def keep(self, rows: Iterable[Row], received: datetime) -> Kept:
        """Insert those of *rows* that are not held yet."""
        new = clashes = 0
        for row in rows:
            told = self._file.execute(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*(getattr(row, name) for name in Row.__slots__), stamp(received)),
            )
            if told.rowcount:
                new += 1
                clashes += bool(
                    self._one(
                        "SELECT count(*) > 1 FROM event WHERE point = ? AND epoch = ? AND seq = ?",
                        row.point,
                        row.epoch,
                        row.seq,
                    )
                )
        return Kept(new, clashes)

    def quarantine(self, topic: str, body: bytes, why: str, received: datetime) -> str:
        """Hold a message that cannot be read, once, and return the SHA-256 (hex) of its bytes."""
        digest = sha256(body).hexdigest()
        self._file.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (topic, body, digest, why, stamp(received)),
        )
        return digest

    def state(self, point: str) -> str | None:
        """Return what *point* last said its state was."""
        return _word(self._told(point), "state")

    def tell_state(self, point: str, told: dict[str, Any]) -> bool:
        """Note *point*'s state; return whether it is news, which the will of an older boot is not."""
        before = self._told(point)
        if told.get("state") == State.OFFLINE and before and told.get("boot") != before.get("boot"):
            return False
        self._station(point, "state", dumps(told).decode())
        self._said(point, told)
        return told.get("state") != before.get("state")

    def tell_info(self, point: str, told: dict[str, Any]) -> None:
        """Note what *point* is."""
        self._station(point, "info", dumps(told).decode())

    def tell_health(self, point: str, told: dict[str, Any]) -> None:
        """Note how *point* fares."""
        self._station(point, "health", dumps(told).decode())
        self._said(point, told)

    def saw(self, point: str, at: datetime) -> None:
        """Note that *point* itself was heard at *at*."""
        self._station(point, "seen", stamp(at))

    def _told(self, point: str) -> dict[str, Any]:
        text = self._one("SELECT state FROM station WHERE point = ?", point)
        return loads(text.encode()) if text else {}

    def _station(self, point: str, column: str, value: str) -> None:
        self._file.execute(
            f"INSERT INTO station (point, {column}) VALUES (?, ?)"  # noqa: S608 - a column of ours, never a stranger's word
            f" ON CONFLICT (point) DO UPDATE SET {column} = excluded.{column}",
            (point, value),
        )

    def _said(self, point: str, told: dict[str, Any]) -> None:
        """Note the highest seq that *point* said it has, for each epoch, so that a lost tail stays known."""
        match told:
            case {"epoch": str(epoch), "seq": int(seq)} if 0 <= seq <= MOST_SEQ and len(epoch) in EPOCH_LENGTH:
                self._file.execute(
                    "INSERT INTO said VALUES (?, ?, ?)"
                    " ON CONFLICT (point, epoch) DO UPDATE SET seq = max(seq, excluded.seq)",
                    (point, epoch, seq),
                )

    def _one(self, sql: str, *values: object) -> Any:
        row = self._file.execute(sql, values).fetchone()
        return row and row[0]


def check(file: sqlite3.Connection, path: Path) -> bool:
    """Return whether *file* is empty; raises `NotOurs` unless it is that or a database of this version."""
    owner = file.execute("PRAGMA application_id").fetchone()[0]
    version = file.execute("PRAGMA user_version").fetchone()[0]
    if owner == version == 0 and not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if owner != APPLICATION_ID:
        raise NotOurs(f"{path} is a database of another program. Next: correct [store] path in the configuration")
    if version > VERSION:
        raise NotOurs(
            f"{path} is of version {version}, and this program knows versions to {VERSION}."
            " Next: install the newer titik-central again"
        )
    return False


def _word(told: dict[str, Any], key: str) -> str | None:
    value = told.get(key)
    return value if isinstance(value, str) else None
