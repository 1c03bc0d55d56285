"""Outboxes of other points, sealed beside the one in use: what is in them, and how it is paid.

Each is a single file without a log, and whole: only receipts that somebody brought, and age, change it.
`_sealing` says how it came there, and how it goes.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from device.record import _held_age, schema
from device.record._held_age import HeldAge
from device.system.disk import NotPlainError, check_database, sync_folder
from device.system.errors import TitikError
from device.system.sqlite_errors import sentence
from device.wire import MAX_POINT, POINT, Receipt, digest

log = logging.getLogger(__name__)

LOOK_EVERY = 3600.0
"""Seconds between two looks at how old the rows are; each writes."""


class Sealed(NamedTuple):
    """One file, and whose it is."""

    path: Path
    point: str
    owed: int | None
    """Rows that the centre has not said it holds, ``None`` where the file cannot be read."""
    held: int


def paths(path: Path) -> list[Path]:
    """Return the sealed files beside the outbox at *path*."""
    return sorted(path.parent.glob(f"{path.stem}.sealed-*{path.suffix}"))


def find(path: Path) -> list[Sealed]:
    """Return the sealed files beside *path* and what is in them, as far as it can be read."""
    return [_looked(one) for one in paths(path)]


def of_name(path: Path) -> str:
    """Return the point that the name of a sealed file says, ``?`` for a name that is none of ours."""
    name = path.stem.partition(".sealed-")[2].partition(".")[0]
    return name if len(name) <= MAX_POINT and POINT.match(name) else "?"


def following(point: str) -> str:
    """Return what an operator does about what is owed in a sealed file."""
    return f"titik queue export --sealed {point} DIR, for the centre; or give this station the name {point} back"


class SettleError(TitikError):
    """A sealed file cannot be written now; the sentence says why."""


class SealedFiles:
    """Those beside the outbox at *path*, under its *lock*; *uptime* as `HeldAge` has it.

    Whoever calls `look` and `purge` has taken the lock.
    """

    def __init__(self, path: Path, uptime: Callable[[], float], lock: Lock) -> None:
        self.all: tuple[Sealed, ...] = ()
        """As they were when somebody looked last."""
        self._lock = lock
        self._path = path
        self._uptime = uptime
        self._looked = uptime()

    def look(self) -> None:
        """Look what there is, and say which of them wait for somebody."""
        self.all = tuple(find(self._path))
        for one in self.all:
            if one.owed is None:
                log.error("%s cannot be read. Next: keep it, it is %s's", one.path.name, one.point)
            elif one.owed:
                state = one.path.name, one.owed, one.point, following(one.point)
                log.error("%s: %d events of %s are owed. Next: %s", *state)

    def settle(self, receipt: Receipt, trusted: datetime | None, most: int) -> int | None:
        """Forget what *receipt* says the centre holds, *most* rows at the most, where its digest is that of our own.

        Return how many were still owed, ``None`` where it fits no file. Raises `SettleError`.
        """
        with self._lock:
            for one in self._readable():
                with _settling(one) as file:
                    ids = schema.ids(file, receipt.epoch, receipt.first, receipt.last, most)
                    if len(ids) == receipt.count and digest(ids) == receipt.digest:
                        return self._hold(one, file, ids, _held_age.stamp(trusted))
        return None

    def hold(self, path: Path, ids: list[str], trusted: datetime | None) -> int:
        """Forget the events of these *ids* in the file at *path*; return how many were owed. Raises `SettleError`."""
        with self._lock:
            for one in self._readable():
                if one.path == path:
                    with _settling(one) as file:
                        return self._hold(one, file, ids, _held_age.stamp(trusted))
        return 0

    def purge(self, now: int, keep: int) -> None:
        """Delete old rows as in the outbox, and a file once no row is left; looks now and then."""
        went_by = self._uptime() - self._looked
        if not self.all or went_by < LOOK_EVERY:
            return
        self._looked = self._uptime()
        for one in self._readable():
            try:
                self._outgrow(one, now, keep, went_by)
            except (sqlite3.Error, OSError) as error:
                log.error("%s cannot be looked through: %s", one.path.name, sentence(error))  # noqa: TRY400 - the sentence is the whole story
        self.all = tuple(find(self._path))

    def _readable(self) -> Iterator[Sealed]:
        return (one for one in self.all if one.owed is not None)

    def _hold(self, one: Sealed, file: sqlite3.Connection, ids: list[str], held_at: int) -> int:
        with transaction(file):
            HeldAge(file, self._uptime).mark(file, held_at)
            held = schema.hold(file, ids, held_at)
        left = count(file)[0]
        if held and not left:
            log.info("%s owes nothing any more; it is kept as long as what the centre holds", one.path.name)
        self.all = tuple(find(self._path))
        return held

    def _outgrow(self, one: Sealed, now: int, keep: int, went_by: float) -> None:
        with closing(opened(one.path)) as file:
            with transaction(file):
                HeldAge(file, self._uptime, went_by).outgrow(file, now, keep)
            if not schema.is_empty(file):
                return
            alone(file)
        one.path.unlink()
        sync_folder(one.path.parent)
        log.info("%s is gone: the centre has held all rows of %s long enough", one.path.name, one.point)


@contextmanager
def _settling(one: Sealed) -> Iterator[sqlite3.Connection]:
    try:
        with closing(opened(one.path)) as file:
            yield file
    except (sqlite3.Error, OSError) as error:
        raise SettleError(f"{one.path.name}: {sentence(error)}") from error


def _looked(one: Path) -> Sealed:
    """Return what is in the file *one*; opened to write, for only so a cut-off transaction of it is undone."""
    try:
        with closing(opened(one)) as file:
            return Sealed(one, schema.owner(file) or of_name(one), *count(file))
    except sqlite3.Error:
        return Sealed(one, of_name(one), None, 0)


def opened(one: Path) -> sqlite3.Connection:
    """Return the file *one*, which is there; raises sqlite3.Error."""
    try:
        check_database(one)
    except NotPlainError as error:
        raise sqlite3.NotSupportedError(error.strerror) from error
    except OSError as error:
        raise sqlite3.OperationalError(error.strerror) from error
    file = schema.connect(one)
    try:
        file.execute("PRAGMA synchronous = EXTRA")  # without a log, FULL leaves it open whether the last commit stays
        file.execute("PRAGMA temp_store = MEMORY")
        marks = [file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    except BaseException:
        file.close()
        raise
    if marks[0] != schema.APPLICATION_ID or marks[1] not in range(2, schema.VERSION + 1):
        file.close()
        raise sqlite3.NotSupportedError("it is no outbox of this version of the program")
    return file


def alone(file: sqlite3.Connection) -> None:
    """Close *file* so that it is one file and no more; raises sqlite3.Error while another program reads it."""
    # SQLite writes the log back and takes it away, in this order and durably; nobody else has the file open then.
    if file.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
        raise sqlite3.OperationalError("another program has the outbox open")
    file.close()


def count(file: sqlite3.Connection) -> tuple[int, int]:
    """Return how many rows are owed, and how many are held."""
    owed = file.execute("SELECT count(*) FROM event WHERE held_at IS NULL").fetchone()[0]
    held = file.execute("SELECT count(*) FROM event WHERE held_at IS NOT NULL").fetchone()[0]
    return owed, held


@contextmanager
def transaction(file: sqlite3.Connection) -> Iterator[None]:
    """Bind one transaction of *file*: committed, or rolled back; raises sqlite3.Error."""
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
        file.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            file.execute("ROLLBACK")
        raise
