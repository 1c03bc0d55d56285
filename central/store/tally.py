"""How many events of each kind a point has: counted as they come and go."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable

from central.events import EventRow
from device.system.sqlite_errors import damaged

_KIND = """CASE
    WHEN instr(body, '"type":"id.titik.scan"') THEN CASE
        WHEN simulated THEN 'simulated'
        WHEN repeat THEN 'repeat'
        WHEN outcome IN ('admit', 'check', 'refuse') THEN outcome
        ELSE 'other'
    END
    WHEN instr(body, '"type":"id.titik.clock"') THEN 'clock'
    ELSE 'other'
END"""
"""What an event counts as; what goes is counted by a trigger in ``schema/later/tally.sql``, by the same rule.

The body is compact JSON whose quotes inside a text are escaped, so its words can be found; SQLite's own JSON refuses
what is nested deep, and one such event would stop all others.
"""
_OUTCOMES = frozenset({"admit", "check", "refuse"})
_COUNT = (
    f"INSERT INTO tally SELECT point, {_KIND}, count(*) FROM event"  # noqa: S608 - words of ours
    " WHERE rowid > :after AND rowid <= :after + :most GROUP BY 1, 2"
    " ON CONFLICT (point, kind) DO UPDATE SET events = events + excluded.events"
)
# Over the index of the places alone, and step by step, so that a sign of life is given between.
_MISCOUNTED = "SELECT (SELECT count(seq) FROM event) <> (SELECT coalesce(sum(events), 0) FROM tally)"
PIECE = 10_000
"""Rows that are counted at a time (some 50 ms): to sort millions of them at once gives no sign of life meanwhile."""


def count(file: sqlite3.Connection, new: Iterable[EventRow]) -> None:
    """Count the *new* rows of one message; a trigger would take a tenth of the time that an event costs (measured)."""
    file.executemany(
        "INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT (point, kind) DO UPDATE SET events = events + excluded.events",
        [(*of, events) for of, events in Counter((row.point, _kind(row)) for row in new).items()],
    )


def recount(file: sqlite3.Connection, beat: Callable[[], None] = lambda: None) -> None:
    """Count all rows anew; *beat* is called after each piece."""
    file.execute("DELETE FROM tally")
    (last,) = file.execute("SELECT coalesce(max(rowid), 0) FROM event").fetchone()
    for after in range(0, last, PIECE):
        file.execute(_COUNT, {"after": after, "most": PIECE})
        beat()


def is_behind(file: sqlite3.Connection) -> bool:
    """Return whether an older program, which counts nothing, has taken events or removed some meanwhile."""
    try:
        return bool(file.execute(_MISCOUNTED).fetchone()[0])
    except sqlite3.DatabaseError as error:
        known = file.execute("SELECT 1 FROM sqlite_master WHERE name = 'tally'")
        if damaged(error) or known.fetchone() is None:  # who needs that page says so, and all else goes on
            return False
        raise


def _kind(row: EventRow) -> str:
    """Return what *row* counts as, by the same rule as `_KIND`."""
    if '"type":"id.titik.scan"' in row.body:
        if row.simulated or row.repeat:
            return "simulated" if row.simulated else "repeat"
        return row.outcome if row.outcome in _OUTCOMES else "other"
    return "clock" if '"type":"id.titik.clock"' in row.body else "other"
