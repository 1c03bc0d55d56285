"""Letting go of what is merely said of a point: one that was never ours, or is gone, is then in no list any more.

No event is ever removed by it, no quarantined message and no tombstone: that is what `purge` is for. It works beside
a running centre, for it commits a little at a time and SQLite takes turns.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from central.store.database import Store
from central.store.file import DatabaseGoneError, StoreWriteError, patiently
from central.store.known_points import Known
from device.system.errors import TitikError
from device.wire import MAX_POINT, POINT


class ForgetError(TitikError):
    """Nothing, or nothing more, is forgotten now; the sentence says which."""


class NoDatabaseError(ForgetError):
    """No centre has run with this configuration."""


class Forgotten(NamedTuple):
    """What went, and what stays."""

    gone: Known
    online: bool
    """Whether the point called itself online: it will be back as soon as it says anything."""


def forget(database: Path, point: str, now: datetime, agree: Callable[[Known], bool]) -> Forgotten | None:
    """Let go of what *point* said of itself, if *agree* says so to how much it is, or ``None``.

    Raises `ForgetError`, and `file.ForeignDatabaseError` where *database* is no centre's.
    """
    if len(point) > MAX_POINT or not POINT.match(point):
        raise ForgetError(f"{point!a} is no point's name. Next: titik-central status shows the names")
    if not database.exists():  # made here, it would be this user's, and the centre could not open it
        raise NoDatabaseError(f"{database} does not exist: no centre has run with this configuration")
    try:
        with Store(database, now) as store:
            known = store.known(point)
            if not any(known):
                raise ForgetError(f"nothing is known of {point}. Next: titik-central status shows the names")
            if not agree(known):
                return None
            online = store.state(point) in ("online", "degraded")
            while patiently(lambda: _piece(store, point, now)):
                pass
            return Forgotten(known, online)
    except (StoreWriteError, DatabaseGoneError) as error:
        raise ForgetError(f"{database}: {error}. Next: df -h {database.parent}, then the same again") from error
    except OSError as error:
        raise ForgetError(f"{database}: {error.strerror}. Next: the same with sudo") from error


def _piece(store: Store, point: str, now: datetime) -> bool:
    with store.writing():
        return store.forget(point, now)
