"""What was removed for good, and what stays of it: a tombstone, so that nothing of it comes back."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from central.events import stamp

_OLD_EVENT = "min(coalesce(at, received), received) < :stamp AND (:point IS NULL OR point = :point)"
"""Nothing happened later than it came in, whatever a clock said."""
_OLD_MESSAGE = "received < :stamp AND (:point IS NULL OR substr(topic, -length(:leaf)) = :leaf)"


class Purged(NamedTuple):
    """What is removed for good."""

    events: int
    messages: int
    """Messages that lay in quarantine."""


def old(file: sqlite3.Connection, before: datetime, point: str | None) -> Purged:
    """Return how much `purge` would remove."""
    (counts,) = file.execute(
        f"SELECT (SELECT count(*) FROM event WHERE {_OLD_EVENT}),"  # noqa: S608 - words of ours
        f" (SELECT count(*) FROM quarantine WHERE {_OLD_MESSAGE})",
        _old(before, point),
    )
    return Purged(*counts)


def purge(file: sqlite3.Connection, before: datetime, point: str | None) -> Purged:
    """Remove what happened, or came unreadably, before *before*, of *point* or of all, but for tombstones.

    What is removed is overwritten in the file, once `Store.shrink` has been.
    """
    of = _old(before, point)
    file.execute("PRAGMA secure_delete = ON")
    file.execute(
        f"INSERT INTO purged SELECT source, id, point, epoch, seq FROM event WHERE {_OLD_EVENT}"  # noqa: S608 - as above
        " ON CONFLICT DO NOTHING",
        of,
    )
    events = file.execute(f"DELETE FROM event WHERE {_OLD_EVENT}", of).rowcount  # noqa: S608 - words of ours
    messages = file.execute(f"DELETE FROM quarantine WHERE {_OLD_MESSAGE}", of).rowcount  # noqa: S608 - as above
    file.execute("DELETE FROM released WHERE (topic, digest) NOT IN (SELECT topic, digest FROM quarantine)")
    # Corrections stay: they name nobody, and what comes late needs its true time to be purged by it.
    return Purged(events, messages)


def read(file: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Return all tombstones, as `bury` takes them."""
    return file.execute("SELECT source, id, point, epoch, seq FROM purged").fetchall()


def bury(file: sqlite3.Connection, tombstones: Iterable[tuple[Any, ...]]) -> int:
    """Take *tombstones* over from another life of this database, and remove what they speak of; return how much."""
    file.execute("PRAGMA secure_delete = ON")
    file.executemany("INSERT INTO purged VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", tombstones)
    return file.execute("DELETE FROM event WHERE (source, id) IN (SELECT source, id FROM purged)").rowcount


def _old(before: datetime, point: str | None) -> dict[str, object]:
    return {"stamp": stamp(before), "seconds": before.timestamp(), "point": point, "leaf": f"/{point}/event"}
