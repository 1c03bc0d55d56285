"""What is out of order and not seen in the rows themselves: noted with its time, for `status`, until it has ended."""

import sqlite3
from typing import Any, NamedTuple

from device.wire import dumps, loads

CENTRE = ""
"""In a point's place: the trouble is the centre's own."""
TWIN = "twin"
"""Two stations take turns under one name; told: their boots and epochs."""
LATE = "late"
"""The point sends faster than it is taken, and waits for its receipts; told: how many messages wait."""
UNPOSTED = "bundle"
"""The trust bundle cannot be posted; told: its bytes, and the largest message that the broker takes, if it said so."""
RIVAL = "rival"
"""Another centre uses this one's name or certificate; told: the life of its database."""


class Trouble(NamedTuple):
    """One thing that is out of order."""

    point: str
    word: str
    told: dict[str, Any]
    since: str
    seen: str
    """When it was noticed last."""


def begin(file: sqlite3.Connection, point: str, word: str, told: dict[str, Any], at: str) -> None:
    """Note a trouble, or that it is there still; *at* is as events write a time."""
    file.execute(
        "INSERT INTO trouble VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (point, word) DO UPDATE SET told = excluded.told, seen = excluded.seen",
        (point, word, dumps(told).decode(), at, at),
    )


def end(file: sqlite3.Connection, point: str, word: str) -> None:
    """Note that a trouble is over."""
    file.execute("DELETE FROM trouble WHERE point = ? AND word = ?", (point, word))


def known(file: sqlite3.Connection) -> list[Trouble]:
    """Return all troubles, by point; none where the file is older than the table."""
    if file.execute("SELECT 1 FROM sqlite_master WHERE name = 'trouble'").fetchone() is None:
        return []
    rows = file.execute("SELECT point, word, told, since, seen FROM trouble ORDER BY point, word").fetchall()
    return [Trouble(point, word, loads(told.encode()), since, seen) for point, word, told, since, seen in rows]
