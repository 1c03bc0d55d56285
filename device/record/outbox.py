"""What is owed to the centre, in a file that survives the power cut (SQLite, WAL, synchronous=FULL).

Rows keep the epoch they were written in; every opening starts a new one, so that a restored or cloned card
never continues an old count. Rows that the centre holds are kept some days for a replay. The lock of the
file is here, and of what lies sealed beside it: the loop appends, the courier and the local socket read and settle.
"""

import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self

from device.model import Event, Place
from device.record import _held_age, _recovery, _sealing, schema
from device.record._held_age import SOME, HeldAge
from device.record._opening import Opening, OutboxOpenError, is_damaged
from device.record._quota import Quota
from device.record._reserve import Reserve
from device.record._sealing import Limit, SealError
from device.record.schema import Recalled, Span
from device.record.sealed import SealedFiles
from device.system.clock import boot_time
from device.system.errors import TitikError
from device.system.lock import FileLock, LockTakenError
from device.system.sqlite_errors import full, inode, sentence, starved
from device.wire import Receipt, digest

log = logging.getLogger(__name__)

TRY_AGAIN = 1.0
"""Seconds between two tries to open or write a file that could not be."""
SETTLE_LIMIT = 10_000
"""Rows that one receipt may speak of; a message of ours has at most 50."""

AT_A_TIME = 1000
"""Rows that one transaction forgets, or deletes."""
LEAST = 1000
"""Bytes that a deleted row gives back, at least."""
REQUESTS = 1000
"""Transactions that are remembered, so that none is answered twice."""


class RecordError(TitikError):
    """Nothing can be recorded now; the sentence says why. No light may promise otherwise."""


class Owed(NamedTuple):
    """One row that the centre has not yet said it holds."""

    row: int
    event: Event


class Depth(NamedTuple):
    """How full it is."""

    owed: int
    oldest: Place | None
    last: Place


class Outbox:
    """The file, bound to a ``with`` block; one that cannot be opened is tried again at each append.

    A damaged file is set aside under a dated name; a new one takes its place, so that one bad page is neither
    a crash loop nor silent. *set_aside* is the newest of those files, until somebody takes it away.

    *point* is whose rows these are: a file of another point is sealed beside a new one (`sealed`). Without one, as in
    a bench, nobody asks. *uptime* gives the seconds since boot, by which held rows grow old beside the trusted time.
    """

    def __init__(  # noqa: PLR0913 - each is one thing of the world that it has, or is told
        self,
        path: Path,
        most: int,
        at: Callable[[], datetime] = lambda: datetime.now(UTC),
        most_bytes: int = 268_435_456,
        *,
        point: str | None = None,
        uptime: Callable[[], float] = boot_time,
    ) -> None:
        self.path = path
        self.set_aside: Path | None = None
        self.epoch = secrets.token_hex(4)
        self.lost = 0
        """Rows that were damaged and could not be salvaged, as far as is known."""
        self._most = most
        self._room = Quota(path, most_bytes)
        self._reserve = Reserve(path.with_name(path.name + ".ballast"))
        self._point = point
        self._uptime = uptime
        self._opening = Opening(path, point, self._reserve, at)
        self._age: HeldAge
        self._lock = Lock()
        self.sealed = SealedFiles(path, uptime, self._lock)
        """The outboxes of other points that lie beside this one."""
        self._alone = FileLock(path.with_name(path.name + ".lock"))
        self._file: sqlite3.Connection | None = None
        self._seq = 0
        self._owed = 0
        self._tried = -TRY_AGAIN
        self._fault: str | None = None
        self._suspicion = _recovery.suspicion(path)
        self._inode: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        with self._lock, suppress(RecordError):
            self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._alone.release()

    @property
    def fault(self) -> str | None:
        """Why nothing can be recorded, ``None`` while all is well; looks again now and then."""
        with self._lock:
            if self._fault is not None and monotonic() - self._tried >= TRY_AGAIN:
                with suppress(RecordError):
                    self._probe()
            return self._fault

    def append(self, compose: Callable[[Place], Event]) -> Event:
        """Write the event that *compose* makes for the next place, and return it once it is on the disk.

        The lock is held meanwhile: *compose* asks nothing of the outbox, and takes no time. Raises `RecordError` where
        nothing can be written, which leaves the place free, and ValueError for an event of another place.
        """
        with self._lock:
            file = self._opened()
            if self._owed >= self._most:
                raise self._failing(f"{self._owed} events wait for the centre, and no more may")
            if not self._reserve.laid:
                # What is left is for what is forgotten; `fault` looks again, if people do not come too often for it.
                raise self._failing(self._reserve.why) if self._fault is None else RecordError(self._fault)
            place = Place(self.epoch, self._seq + 1)
            event = compose(place)
            if event.place != place:
                raise ValueError(f"{event.place} is not the next place")
            self._make_room(file, len(event.body))
            with self._writing(file):
                schema.add(file, *event.place, event.id, event.body)
            self._seq += 1
            self._owed += 1
            return event

    def _make_room(self, file: sqlite3.Connection, size: int) -> None:
        """Let held rows give way until a row of *size* bytes may be written; raises `RecordError` if none is left."""
        while True:
            with self._reading(file):
                if self._room.takes(file, size):
                    return
            if not self._thin(file):
                raise self._failing(str(self._room.full))

    def _thin(self, file: sqlite3.Connection) -> int:
        """Delete the oldest rows that the centre holds, a few hundred; return how many. Raises `RecordError`."""
        with self._writing(file):
            gone = schema.give_way(file, AT_A_TIME)
        self._room.forget()
        return gone

    def owed(self, after: int, limit: int) -> list[Owed]:
        """Return up to *limit* rows that are owed, past the row *after*, in the order they were written.

        Raises `RecordError` where the file cannot be read, or where a body is not what was written.
        """
        with self._lock:
            if self._file is None:
                return []
            with self._reading(self._file):
                rows = self._file.execute(
                    "SELECT row, epoch, seq, id, body, crc FROM event"
                    " WHERE held_at IS NULL AND row > ? ORDER BY row LIMIT ?",
                    (after, limit),
                ).fetchall()
                if not all(schema.unchanged(*row[1:]) for row in rows):
                    raise sqlite3.DatabaseError("malformed: an event is not what was written")
        return [Owed(row, Event(Place(epoch, seq), id_, body)) for row, epoch, seq, id_, body, _crc in rows]

    def settle(self, receipt: Receipt, trusted: datetime | None = None) -> int | None:
        """Forget what *receipt* says the centre holds; return how many rows were still owed.

        ``None``, and nothing is forgotten, unless its digest is that of our own rows (``design.md``). *trusted*
        is the time from which they grow old, ``None`` while the clock is not trusted. Raises `RecordError`.
        """
        with self._lock:
            if self._file is None or receipt.count > SETTLE_LIMIT:
                return None
            with self._reading(self._file):
                ids = schema.ids(self._file, receipt.epoch, receipt.first, receipt.last, SETTLE_LIMIT)
            if len(ids) != receipt.count or digest(ids) != receipt.digest:
                return None
            return self._hold(ids, trusted)

    def hold(self, ids: list[str], trusted: datetime | None = None) -> int:
        """Forget the events of these *ids*, on the word of a broker or of a quarantine; return how many were owed.

        By id, for a row number means another event once a damaged file was set aside. Raises `RecordError`.
        """
        with self._lock:
            return self._hold(ids, trusted)

    def _hold(self, ids: list[str], trusted: datetime | None) -> int:
        file, changed = self._opened(), 0
        for after in range(0, len(ids), AT_A_TIME):  # the log of so many rows fits where the reserve was
            with self._writing(file):
                self._age.mark(file, _held_age.stamp(trusted))
                held = schema.hold(file, ids[after : after + AT_A_TIME], _held_age.stamp(trusted))
            self._owed -= held
            changed += held
        self._well()
        return changed

    def purge(self, trusted: datetime, keep: timedelta) -> int:
        """Delete what the centre has held for longer than *keep*, and held rows beyond the bound; return how many.

        Both time and uptime must have passed (`HeldAge`). What was held while the clock was not trusted grows old from
        *trusted* on. Raises `RecordError`.
        """
        now, seconds = _held_age.stamp(trusted), int(keep.total_seconds())
        with self._lock:
            if self._file is None:
                return 0
            with self._writing(self._file) as file:
                old = self._age.outgrow(file, now, seconds)
                kept = file.execute("SELECT count(*) FROM event WHERE held_at IS NOT NULL").fetchone()[0]
                over = max(0, kept - self._most, self._room.excess(file) // LEAST)
                over = schema.give_way(file, min(SOME, over))
            self._room.forget()
            self.sealed.purge(now, seconds)
            return old + over

    def depth(self) -> Depth:
        """Return how much is owed, the oldest place that is (if the file can be read), and the last one written."""
        with self._lock:
            oldest = None
            if self._file is not None:
                with suppress(RecordError), self._reading(self._file):
                    oldest = self._file.execute(
                        "SELECT epoch, seq FROM event WHERE held_at IS NULL ORDER BY row LIMIT 1"
                    ).fetchone()
            return Depth(self._owed, Place(*oldest) if oldest else None, Place(self.epoch, self._seq))

    def recall(self, epoch: str, first: int, last: int) -> Recalled:
        """Make the rows of *epoch* from *first* to *last* that were held owed again, at most `SETTLE_LIMIT` of them.

        Half of what may be owed is left to people: who asked sees that less came. Raises `RecordError`.
        """
        with self._lock:
            with self._writing(self._opened()) as file:
                room = self._most // 2 - self._owed
                recalled = schema.recall(file, Span(epoch, first, last), SETTLE_LIMIT, room)
            self._owed += recalled.again
            return recalled

    def kept(self, most: int = 100) -> list[Span]:
        """Return the newest *most* epochs of which rows are on the card, oldest first; raises `RecordError`."""
        with self._lock:
            file = self._opened()
            with self._reading(file):
                return schema.kept(file, most)

    def first_time(self, transaction: str) -> bool:
        """Remember *transaction* durably and return true; false if it was known. Raises `RecordError`."""
        with self._lock, self._writing(self._opened()) as file:
            return schema.first_time(file, transaction, REQUESTS)

    def uncorrected(self, boot: str) -> bool:
        """Return whether *boot* recorded in doubt, and nothing corrected it yet; slow. Raises `RecordError`."""
        with self._lock:
            file = self._opened()
            with self._reading(file):
                return schema.uncorrected(file, boot)

    def _opened(self) -> sqlite3.Connection:
        """Return the open file, opening it if need be; raises `RecordError`."""
        if self._file is not None:
            return self._file
        self._tried = monotonic()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._alone.take()
            self._file = self._opening.file()
        except (LockTakenError, OutboxOpenError, SealError) as error:
            raise self._failing(str(error)) from error
        except (sqlite3.Error, OSError) as error:
            if starved(error):
                self._reserve.drop()
            raise self._failing(sentence(error)) from error
        self._inode = inode(self.path)
        self.epoch, self._seq = secrets.token_hex(4), 0
        self._room.forget()
        self._reserve.lay()
        with self._reading(self._file):
            self._age = HeldAge(self._file, self._uptime)
            if self._point is not None:
                spare = self._room.spare(self._file)
                _sealing.join(self._file, self.path, self._point, self._age, Limit(self._most // 2, spare))
                self.sealed.look()
            self._owed = self._file.execute("SELECT count(*) FROM event WHERE held_at IS NULL").fetchone()[0]
            self.lost = self._file.execute("SELECT coalesce(sum(lost), 0) FROM damage").fetchone()[0]
        self.set_aside = max(self.path.parent.glob(f"{self.path.stem}.damaged-*{self.path.suffix}"), default=None)
        self._well()
        return self._file

    def _probe(self) -> None:
        """Look whether something can be written again, without writing anything that lasts."""
        self._tried = monotonic()
        file = self._opened()
        if self._owed >= self._most or not self._reserve.lay():
            return
        self._make_room(file, 0)
        with self._writing(file):
            # A page is really taken from the disk and given back: an empty transaction would succeed on a full one.
            file.execute("INSERT INTO event (epoch, seq, id, body) VALUES ('probe', 0, 'probe', zeroblob(8192))")
            file.execute("DELETE FROM event WHERE id = 'probe'")
        self._well()

    @contextmanager
    def _writing(self, file: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Bind one transaction: committed and on the disk, or rolled back and `RecordError`."""
        with self._reading(file):
            try:
                file.execute("BEGIN IMMEDIATE")
                yield file
                file.execute("COMMIT")
            except sqlite3.Error:
                self._age.forget()
                with suppress(sqlite3.Error):
                    file.execute("ROLLBACK")
                raise
            if inode(self.path) != self._inode:
                self._drop(file)
                raise self._failing("the outbox was moved or deleted under a running station")
        self._well()

    @contextmanager
    def _reading(self, file: sqlite3.Connection) -> Iterator[None]:
        """Bind what touches the file: SQLite's error becomes `RecordError`, and a damaged file is let go."""
        try:
            yield
        except sqlite3.Error as error:
            if is_damaged(error):
                self._drop(file)
                with suppress(OSError):  # the next opening saves what is whole, also after a watchdog lost patience
                    self._suspicion.touch(0o600)
            if full(error):
                self._reserve.drop()
            raise self._failing(sentence(error)) from error

    def _drop(self, file: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error):
            file.close()
        self._file = None

    def _failing(self, why: str) -> RecordError:
        if self._fault is None:
            log.error("out of order: nothing can be recorded: %s", why)
        self._fault = why
        self._tried = monotonic()
        return RecordError(why)

    def _well(self) -> None:
        if self._fault is not None and self._owed < self._most and self._reserve.laid and self._room.full is None:
            log.info("events can be recorded again")
            self._fault = None
