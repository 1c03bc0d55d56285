"""Removing what is older than a date for good; what stays is a tombstone, so that nothing of it comes back.

It is done while no centre runs: giving the room back would hold a running one up for as long.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

from central.points import check
from central.store.backup import lock_of
from central.store.database import Store
from central.store.file import DatabaseGoneError, StoreWriteError
from central.store.tombstones import Purged
from device.model import WITA
from device.system.errors import TitikError
from device.system.lock import LockTakenError


class PurgeError(TitikError):
    """Nothing, or nothing more, is removed now; the sentence says which."""


def midnight(day: date) -> datetime:
    """Return when *day* began at the office (WITA)."""
    return datetime.combine(day, time(), WITA)


def purge(
    database: Path, day: date, point: str | None, now: datetime, agree: Callable[[Purged], bool]
) -> Purged | None:
    """Remove what was before *day*, of *point* or of all, if *agree* says so to the numbers, or ``None``.

    Raises `PurgeError`, `UnknownPointError`, and `ForeignDatabaseError` where *database* is no centre's.
    """
    before = midnight(day)
    if before > now:
        raise PurgeError(f"{day} is still to come. Next: a day that was, or today")
    if not database.exists():
        raise PurgeError(f"{database} does not exist: no centre has run with this configuration")
    try:
        with lock_of(database), Store(database, now) as store:
            if point is not None:
                check(point, store.points())
            while store.tend():  # what is still to be dated may be older than it seems
                pass
            if not agree(store.old(before, point)):
                return None
            with store.writing():
                purged = store.purge(before, point)
            _shrink(store)
            return purged
    except LockTakenError as error:
        raise PurgeError(f"{error}: systemctl stop titik-central, then the same again") from None
    except (StoreWriteError, DatabaseGoneError) as error:
        raise PurgeError(f"{database}: {error}; nothing is removed. Next: df -h {database.parent}") from error
    except OSError as error:
        raise PurgeError(f"{database}: {error.strerror}") from error


def _shrink(store: Store) -> None:
    try:
        store.shrink()
    except StoreWriteError as error:
        raise PurgeError(
            f"{store.path}: it is removed, but the room is not given back: {error}."
            " Next: make room, then the same again"
        ) from error
