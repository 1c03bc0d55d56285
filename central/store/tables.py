"""The tables that version 2 got later: made where they are absent, so that an older program still reads the file."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable

from central import points
from central.events import Row, claims
from central.store import audit_log, strays
from device.system.sqlite_errors import damaged

_KIND = """CASE
    WHEN instr({row}.body, '"type":"id.titik.scan"') THEN CASE
        WHEN {row}.simulated THEN 'simulated'
        WHEN {row}.repeat THEN 'repeat'
        WHEN {row}.outcome IN ('admit', 'check', 'refuse') THEN {row}.outcome
        ELSE 'other'
    END
    WHEN instr({row}.body, '"type":"id.titik.clock"') THEN 'clock'
    ELSE 'other'
END"""
"""What an event counts as. The body is compact JSON whose quotes inside a text are escaped, so its words can be found;
SQLite's own JSON refuses what is nested deep, and one such event would stop all others."""
_OUTCOMES = frozenset({"admit", "check", "refuse"})
TALLY = (
    (
        "CREATE TABLE tally (point TEXT NOT NULL, kind TEXT NOT NULL, events INTEGER NOT NULL,"
        " PRIMARY KEY (point, kind)) STRICT, WITHOUT ROWID"
    ),
    (
        f"INSERT INTO tally SELECT point, {_KIND.format(row='event')}, count(*) FROM event"  # noqa: S608 - words of ours
        " WHERE rowid > :after AND rowid <= :after + :most GROUP BY 1, 2"
        " ON CONFLICT (point, kind) DO UPDATE SET events = events + excluded.events"
    ),
    (
        "CREATE TRIGGER event_is_counted_out AFTER DELETE ON event BEGIN"  # noqa: S608 - words of ours
        f" UPDATE tally SET events = events - 1 WHERE point = old.point AND kind = {_KIND.format(row='old')}; END"
    ),
)
"""How many events of each kind a point has: counted as they come and go, for to count them anew reads every row."""
# Over the index of the places alone, and step by step, so that a sign of life is given between.
_MISCOUNTED = "SELECT (SELECT count(seq) FROM event) <> (SELECT coalesce(sum(events), 0) FROM tally)"
PIECE = 10_000
"""Rows that are counted at a time (some 50 ms): to sort millions of them at once gives no sign of life meanwhile."""
_RELEASED = (
    "CREATE TABLE IF NOT EXISTS released (topic TEXT NOT NULL, digest TEXT NOT NULL, point TEXT NOT NULL,"
    ' at TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, taken INTEGER NOT NULL, "left" INTEGER NOT NULL,'
    " PRIMARY KEY (topic, digest, point)) STRICT, WITHOUT ROWID"
)
"""A quarantined message that somebody looked at: as whose events it was taken (nothing: only seen), how many of its
events are that point's, and how many are nobody's still."""
OPEN = (
    "NOT EXISTS (SELECT 1 FROM released r WHERE r.topic = quarantine.topic AND r.digest = quarantine.digest"
    ' AND r."left" = 0)'
)
"""Of a quarantined message: that somebody must still look at it."""


def count(file: sqlite3.Connection, new: Iterable[Row]) -> None:
    """Count the *new* rows of one message; a trigger would take a tenth of the time that an event costs (measured)."""
    file.executemany(
        "INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT (point, kind) DO UPDATE SET events = events + excluded.events",
        [(*of, events) for of, events in Counter((row.point, _kind(row)) for row in new).items()],
    )


def _kind(row: Row) -> str:
    """Return what *row* counts as, by the same rule as `_KIND`."""
    if '"type":"id.titik.scan"' in row.body:
        if row.simulated or row.repeat:
            return "simulated" if row.simulated else "repeat"
        return row.outcome if row.outcome in _OUTCOMES else "other"
    return "clock" if '"type":"id.titik.clock"' in row.body else "other"


def is_behind(file: sqlite3.Connection) -> bool:
    """Return whether an older program, which counts nothing, has taken events or removed some meanwhile."""
    try:
        return bool(file.execute(_MISCOUNTED).fetchone()[0])
    except sqlite3.DatabaseError as error:
        if damaged(error) or "tally" not in _names(file):  # who needs that page says so, and all else goes on
            return False
        raise


def add(file: sqlite3.Connection, beat: Callable[[], None], *, behind: bool) -> None:
    """Make what is absent, in the transaction that is under way; what there is to count is counted once.

    It is counted again where the file `is_behind`. *beat* is called after each piece.
    """
    there = _names(file)
    for statement in (*audit_log.TABLE, _RELEASED):
        file.execute(statement)
    if "health_at" not in {row[1] for row in file.execute("PRAGMA table_info(station)")}:
        file.execute("ALTER TABLE station ADD COLUMN health_at TEXT")
    create, count_some, count_out = TALLY
    if "tally" not in there:
        file.execute(create)
        file.execute(count_out)
    if behind or "tally" not in there:
        file.execute("DELETE FROM tally")
        (last,) = file.execute("SELECT coalesce(max(rowid), 0) FROM event").fetchone()
        for after in range(0, last, PIECE):
            file.execute(count_some, {"after": after, "most": PIECE})
            beat()
    if "stray" not in there:
        file.execute(strays.TABLE)
    if behind or "stray" not in there:
        _note_strays(file, beat)


def _names(file: sqlite3.Connection) -> set[str]:
    return {name for (name,) in file.execute("SELECT name FROM sqlite_master")}


def _note_strays(file: sqlite3.Connection, beat: Callable[[], None]) -> None:
    """Note of which epochs of others the messages in quarantine are; what is noted stays."""
    for row, topic in file.execute("SELECT rowid, topic FROM quarantine").fetchall():
        if point := points.in_topic(topic):
            (body,) = file.execute("SELECT bytes FROM quarantine WHERE rowid = ?", (row,)).fetchone()
            strays.note(file, point, claims(body))
            beat()
