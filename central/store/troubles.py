"""What is out of order and not seen in the rows themselves: noted with its time, for `status`, until it has ended."""

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from device.wire import dumps, loads

CENTRE = ""
"""In a point's place: the trouble is the centre's own."""
TWIN = "twin"
"""Two stations take turns under one name; with their boots and epochs."""
LATE = "late"
"""The point sends faster than it is taken, and waits for its receipts; with how many messages wait."""
UNPOSTED = "bundle"
"""The trust bundle cannot be posted; with its bytes, and the largest message that the broker takes, if it said so."""
RIVAL = "rival"
"""Another centre uses this one's name or certificate; with the life of its database."""


class Trouble(NamedTuple):
    """One thing that the running centre noticed, and has not seen end."""

    point: str
    """Nothing where it is the centre's own."""
    word: str
    details: Mapping[str, Any]
    since: str
    seen: str
    """When it was noticed last."""


def begin(file: sqlite3.Connection, point: str, word: str, details: Mapping[str, Any], at: str) -> bool:
    """Note a trouble, or that it is there still, and return whether it is new; *at* is as events write a time."""
    new = file.execute("SELECT 1 FROM trouble WHERE point = ? AND word = ?", (point, word)).fetchone() is None
    file.execute(
        "INSERT INTO trouble VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (point, word) DO UPDATE SET told = excluded.told, seen = excluded.seen",
        (point, word, dumps(details).decode(), at, at),
    )
    return new


def end(file: sqlite3.Connection, point: str, word: str) -> None:
    """Note that a trouble is over."""
    file.execute("DELETE FROM trouble WHERE point = ? AND word = ?", (point, word))


def known(file: sqlite3.Connection, most: int = -1) -> list[Trouble]:
    """Return all troubles, or *most*, by point; none where the file is older than the table."""
    if file.execute("SELECT 1 FROM sqlite_master WHERE name = 'trouble'").fetchone() is None:
        return []
    rows = file.execute(
        "SELECT point, word, told, since, seen FROM trouble ORDER BY point, word LIMIT ?", (most,)
    ).fetchall()
    return [Trouble(point, word, loads(details.encode()), since, seen) for point, word, details, since, seen in rows]
