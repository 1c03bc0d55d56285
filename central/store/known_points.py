"""Which points anything is known of, how much, and how one is forgotten."""

import sqlite3
from typing import NamedTuple

from central.points import in_topic

_KNOWN = """
WITH RECURSIVE one(point) AS (
    SELECT min(point) FROM event
    UNION ALL SELECT (SELECT min(point) FROM event WHERE point > one.point) FROM one WHERE point IS NOT NULL
), gone(point) AS (
    SELECT min(point) FROM purged
    UNION ALL SELECT (SELECT min(point) FROM purged WHERE point > gone.point) FROM gone WHERE point IS NOT NULL
)
SELECT point FROM one WHERE point IS NOT NULL UNION SELECT point FROM gone WHERE point IS NOT NULL
UNION SELECT point FROM station UNION SELECT point FROM said
"""
"""From one point to the next in the index, so that a million events cost no more than a few."""
PIECE = 1_000
"""Rows of one point that are forgotten at a time."""


class Known(NamedTuple):
    """What is there of one point, in rows."""

    words: int
    """Its last state, info and health, together one."""
    epochs: int
    """Epochs of which it said how far they go."""
    lost: int
    """Ranges of which it said that it has them no longer."""
    troubles: int
    events: int
    messages: int
    """Messages that lie in quarantine."""


def names(file: sqlite3.Connection) -> list[str]:
    """Return the points that anything is known of, or was, in alphabetical order."""
    topics = file.execute("SELECT DISTINCT topic FROM quarantine")
    return sorted({point for (point,) in file.execute(_KNOWN)} | {in_topic(topic) for (topic,) in topics} - {""})


def known(file: sqlite3.Connection, point: str) -> Known:
    """Return how much is there of *point*."""
    (counts,) = file.execute(
        "SELECT (SELECT count(*) FROM station WHERE point = :point),"
        " (SELECT count(*) FROM said WHERE point = :point), (SELECT count(*) FROM lost WHERE point = :point),"
        " (SELECT count(*) FROM trouble WHERE point = :point),"
        " (SELECT count(*) FROM event WHERE point = :point),"
        " (SELECT count(*) FROM quarantine WHERE substr(topic, -length(:leaf)) = :leaf)",
        {"point": point, "leaf": f"/{point}/event"},
    )
    return Known(*counts)


def forget(file: sqlite3.Connection, point: str, at: str) -> bool:
    """Remove a piece of what was merely said of *point*; return whether there may be more.

    What the broker keeps of it is passed over until it is heard itself. Corrections stay where an event is held: they
    may be of its boot.
    """
    piece = {"point": point, "most": PIECE}
    gone = 0
    for table in ("said", "lost"):
        gone += file.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE point = :point LIMIT :most)",  # noqa: S608 - words of ours
            piece,
        ).rowcount
    if gone:
        return True
    for table in ("station", "trouble"):
        file.execute(f"DELETE FROM {table} WHERE point = :point", piece)  # noqa: S608 - as above
    if file.execute("SELECT 1 FROM event WHERE point = ? LIMIT 1", (point,)).fetchone() is None:
        for table in ("clock", "mend"):
            file.execute(f"DELETE FROM {table} WHERE point = :point", piece)  # noqa: S608 - as above
    file.execute("INSERT INTO forgotten VALUES (?, ?) ON CONFLICT DO NOTHING", (point, at))
    return False


def forgotten(file: sqlite3.Connection, point: str) -> bool:
    """Return whether *point* was forgotten, and not heard itself since."""
    return file.execute("SELECT 1 FROM forgotten WHERE point = ?", (point,)).fetchone() is not None
