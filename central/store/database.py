"""The database: what was taken is on the disk before anybody is told (SQLite, WAL, synchronous=FULL).

One process writes; readers open the file beside it, see `central.store.status`. Times come in as arguments. What is
done to the rows of one kind stands in a file of its own; here they are one thing that is open.
"""

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from central.events import Claim, EventRow, stamp
from central.store import (
    audit_log,
    event_rows,
    known_points,
    lost,
    migrations,
    quarantine,
    reported,
    stations,
    strays,
    tombstones,
    troubles,
)
from central.store.dates import Dates
from central.store.event_rows import Kept
from central.store.file import DatabaseGoneError, ForeignDatabaseError, StoreWriteError, check, make_durable, writer
from central.store.known_points import Known
from central.store.lost import Loss
from central.store.missing import Gap, Gaps, Seen
from central.store.quarantine import Quarantine, Review
from central.store.tombstones import Purged
from central.store.troubles import Trouble
from device.model import Place
from device.system.sqlite_errors import damaged, inode, sentence


class Store:
    """The file, bound to a ``with`` block; *life* is its random name, made with it.

    Entering makes the file where there is none; *beat* is called after each piece of what may take long. Raises
    `ForeignDatabaseError` for another program's file, a damaged one or a newer version's, `StoreWriteError` where there
    can be no file now. Writing goes through `writing` alone.
    """

    def __init__(self, path: Path, now: datetime, beat: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self.life = ""
        self._now = now
        self._beat = beat
        self._over: list[str] = []
        """Points of which more was said than is remembered, when the file was opened."""

    def __enter__(self) -> Self:
        self._file = writer(self.path)
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
            make_durable(self._file)
            with migrations.beating(self._file, self._beat):
                if fresh:
                    migrations.begin(self._file, secrets.token_hex(8), stamp(self._now))
                migrations.climb(self._file, self._beat)
                self._over = reported.points(self._file)
            self._dates, self._gaps, self._quarantine = Dates(self._file), Gaps(self._file), Quarantine(self._file)
            self.life = str(self._file.execute("SELECT centre FROM life").fetchone()[0])
            self._inode = inode(self.path)
        except sqlite3.Error as error:
            raise self._unusable(error) or StoreWriteError(f"{self.path}: {sentence(error)}") from error

    def _unusable(self, error: sqlite3.Error) -> ForeignDatabaseError | None:
        """Return what is to be raised where the file itself is the matter."""
        if not damaged(error):
            return None
        return ForeignDatabaseError(f"{self.path}: {sentence(error)}. Next: restore a backup, or move it away")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Bind one transaction: on the disk when the block is left, or nothing of it, and `StoreWriteError`.

        Raises `DatabaseGoneError` where the file is no longer at its path.
        """
        try:
            self._file.execute("BEGIN IMMEDIATE")
            yield
            self._file.execute("COMMIT")
        except BaseException as error:
            self._quarantine.count_anew()
            if self._file.in_transaction:  # a full disk may have rolled it back already
                with suppress(sqlite3.Error):
                    self._file.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) or (isinstance(error, sqlite3.Error) and damaged(error)):
                raise StoreWriteError(sentence(error)) from error
            raise
        if inode(self.path) != self._inode:
            raise DatabaseGoneError(f"{self.path} was moved or deleted while the centre was using it")

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows that *sql*, a statement that only reads, gives for *values*."""
        return self._file.execute(sql, values).fetchall()

    # --- events ---

    def keep(self, rows: Sequence[EventRow], received: datetime) -> Kept:
        """Insert those of *rows*, all of one point, each id once, that are not held yet.

        What was purged is held for ever, as far as its point is concerned.
        """
        return event_rows.keep(self._file, self._dates, rows, received)

    def mend(self) -> bool:
        """Date a piece of the events that a correction covers; return whether there was one."""
        return self._dates.mend()

    def tend(self) -> bool:
        """Do a piece of what may wait, in a transaction of its own, and return whether there was anything.

        That is to date events, and to let go what was said beyond what is remembered. Raises `StoreWriteError`.
        """
        if not self._over and not self.read("SELECT 1 FROM mend LIMIT 1"):
            return False
        over = self._over[-1:]
        with self.writing():
            whole = [point for point in over if not reported.trim(self._file, point, self._state(point))]
            self.mend()
        if whole:
            self._over.pop()
        return True

    # --- what is removed for good ---

    def old(self, before: datetime, point: str | None) -> Purged:
        """Return how much `purge` would remove."""
        return tombstones.old(self._file, before, point)

    def purge(self, before: datetime, point: str | None) -> Purged:
        """Remove what happened, or came unreadably, before *before*, of *point* or of all, but for tombstones.

        What is removed is overwritten in the file, once `shrink` has been.
        """
        return tombstones.purge(self._file, before, point)

    def bury(self, some: Iterable[tuple[Any, ...]]) -> int:
        """Take tombstones over from another life of this database, and remove what they speak of; return how much."""
        return tombstones.bury(self._file, some)

    def shrink(self) -> None:
        """Give the room of what was removed back to the disk, and leave none of it in the log.

        Raises `StoreWriteError`.

        Nobody else may have the file open for long; it wants free room of the size of what is left.
        """
        try:
            self._file.execute("VACUUM")
        except sqlite3.Error as error:
            raise StoreWriteError(sentence(error)) from error
        finally:
            with suppress(sqlite3.Error):
                self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- what is missing ---

    def said(self) -> list[tuple[str, str, int]]:
        """Return point, epoch and the highest seq of which the point said that it is, or was, its own."""
        return self.read("SELECT point, epoch, seq FROM said ORDER BY rowid")

    def look(self, point: str, asked: Sequence[Gap] = ()) -> Seen:
        """Return a piece of what of *point* is neither held, purged nor unread, and not told lost: see `missing.Gaps`.

        Raises `ForeignDatabaseError` where the file is damaged, and `StoreWriteError` where it cannot be read.
        """
        try:
            seen = self._gaps.look(point, asked)
            return seen._replace(gaps=strays.charged(self._file, point, seen.gaps))
        except sqlite3.Error as error:
            raise self._unusable(error) or StoreWriteError(sentence(error)) from error

    def lose(self, point: str, gap: Gap, at: datetime) -> None:
        """Note that *point* says it no longer has *gap*: it is not missing any more, and not held either."""
        lost.lose(self._file, Loss(point, *gap, stamp(at)))

    # --- quarantine, and what was done by hand ---

    def quarantine(self, topic: str, body: bytes, why: str, received: datetime) -> str | None:
        """Hold a message that cannot be read, once, and return the SHA-256 (hex) of its bytes.

        ``None`` where it is not held, since so much of the point is that it must be looked at first.
        """
        return self._quarantine.hold(topic, body, why, received)

    def pass_over(self, point: str, unread: Iterable[Place]) -> None:
        """Note where events of *point* stand that lie in quarantine: if they were asked for, the same would come."""
        quarantine.pass_over(self._file, point, unread)

    def stray(self, point: str, claims: Iterable[Claim]) -> None:
        """Note which of *claims*, that came on *point*'s topic and cannot be taken, are another point's."""
        strays.note(self._file, point, claims)

    def uncharge(self, point: str, epochs: Iterable[str]) -> None:
        """Forget what was said of *epochs* under the name *point*, where they are another's."""
        strays.uncharge(self._file, point, epochs)

    def released(self, topic: str, digest: str, review: Review) -> None:
        """Note what became of a quarantined message; its body stays."""
        quarantine.note(self._file, topic, digest, review)

    def note(self, *lines: audit_log.AuditLine) -> None:
        """Add *lines* to what was done by hand."""
        audit_log.add(self._file, lines)

    def noted(self) -> list[audit_log.AuditLine]:
        """Return what was done by hand, oldest first."""
        return audit_log.read(self._file)

    # --- points ---

    def points(self) -> list[str]:
        """Return the points that anything is known of."""
        return known_points.names(self._file)

    def known(self, point: str) -> Known:
        """Return how much is there of *point*."""
        return known_points.known(self._file, point)

    def forget(self, point: str, at: datetime) -> bool:
        """Remove a piece of what was merely said of *point*; return whether there may be more."""
        return known_points.forget(self._file, point, stamp(at))

    def forgotten(self, point: str) -> bool:
        """Return whether *point* was forgotten, and not heard itself since."""
        return known_points.forgotten(self._file, point)

    def state(self, point: str) -> str | None:
        """Return what *point* last said its state was."""
        word = self._state(point).get("state")
        return word if isinstance(word, str) else None

    def tell_state(self, point: str, state: dict[str, Any]) -> bool:
        """Note *point*'s state; return whether it is news, which the will of an older boot is not."""
        return stations.set_state(self._file, self._gaps, point, state)

    def tell_info(self, point: str, info: dict[str, Any]) -> None:
        """Note what *point* is."""
        stations.set_info(self._file, point, info)

    def tell_health(self, point: str, health: dict[str, Any], at: datetime) -> None:
        """Note how *point* fares, as it said at the time *at*."""
        stations.set_health(self._file, point, health, stamp(at))

    def saw(self, point: str, at: datetime) -> None:
        """Note that *point* itself was heard at *at*."""
        stations.saw(self._file, point, stamp(at))

    def _state(self, point: str) -> dict[str, Any]:
        return stations.state(self._file, point)

    # --- what is out of order ---

    def trouble(self, point: str, word: str, details: dict[str, Any], at: datetime) -> bool:
        """Note a trouble, see `central.store.troubles`, or that it is there still; return whether it is new."""
        return troubles.begin(self._file, point, word, details, stamp(at))

    def troubles(self) -> list[Trouble]:
        """Return all troubles that are noted."""
        return troubles.known(self._file)

    def over(self, point: str, word: str) -> None:
        """Note that a trouble has ended."""
        troubles.end(self._file, point, word)
