"""The rows of events: each id is held once, with the content that came first."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from central.events import EventRow, stamp
from central.store import lost, tally
from central.store.dates import Dates
from device.model import Place

_TICK = EventRow._fields.index("tick")
"""The columns before it are as the table has them."""
_DATES = ("boot", "uptime", "synced", "at", "earliest", "latest")
_COLUMNS = (*EventRow._fields[:_TICK], "received", *_DATES)
_INSERT = f"INSERT INTO event ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT DO NOTHING"  # noqa: S608 - columns of ours


class Kept(NamedTuple):
    """What became of the rows of one message; those that it does not speak of were held already."""

    new: int
    clashes: int
    """New rows whose place another id holds already: a card restored from an old image."""
    false: frozenset[str]
    """Ids that are held with another content; nothing became of these rows."""


def keep(file: sqlite3.Connection, dates: Dates, rows: Sequence[EventRow], received: datetime) -> Kept:
    """Insert those of *rows*, all of one point, each id once, that are not held yet.

    What was purged is held for ever, as far as its point is concerned.
    """
    if not rows:
        return Kept(0, 0, frozenset())
    source, point, at = rows[0].source, rows[0].point, stamp(received)
    purged = _among(file, "SELECT id FROM purged WHERE source = ? AND id", [row.id for row in rows], source)
    gone = {id_ for (id_,) in purged}
    new = [row for row in rows if row.id not in gone]
    taken = _taken(file, point, new)
    false = frozenset[str]()
    # Most messages hold only what is new: where none of their places is taken, the insertion itself tells.
    if taken or _insert(file, dates, new, at) < len(new):
        sql = "SELECT id, body FROM event WHERE source = ? AND id"
        held = dict(_among(file, sql, [row.id for row in new], source))
        false = frozenset(row.id for row in new if held.get(row.id, row.body) != row.body)
        new = [row for row in new if row.id not in (held if taken else false)]
        if taken:
            _insert(file, dates, new, at)
    clashes = len(new) - len({row.place for row in new} - taken)
    for row in new:
        dates.correct(point, row.tick)
    lost.find(file, point, new)
    tally.count(file, new)
    return Kept(len(new), clashes, false)


def _insert(file: sqlite3.Connection, dates: Dates, new: Sequence[EventRow], at: str) -> int:
    """Insert those of the rows whose ids are not held; return how many."""
    made = [(*row[:_TICK], at, *dates.of(row.point, row.time, row.tick, at)) for row in new]
    return file.executemany(_INSERT, made).rowcount if made else 0


def _taken(file: sqlite3.Connection, point: str, rows: Sequence[EventRow]) -> set[Place]:
    """Return the places of *rows* that are held already."""
    seqs = defaultdict(list)
    for row in rows:
        seqs[row.epoch].append(row.seq)
    sql = "SELECT seq FROM event WHERE point = ? AND epoch = ? AND seq"
    return {Place(epoch, seq) for epoch, some in seqs.items() for (seq,) in _among(file, sql, some, point, epoch)}


def _among(file: sqlite3.Connection, sql: str, some: Sequence[object], *of: object) -> list[tuple[Any, ...]]:
    """Return the rows of *sql*, which ends with a column, where that is one of *some*."""
    if not some:
        return []
    return file.execute(f"{sql} IN ({','.join('?' * len(some))})", (*of, *some)).fetchall()
