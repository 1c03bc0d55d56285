"""When somebody last stood before each point, and which of its events have no certain time."""

import sqlite3
from collections.abc import Mapping
from typing import Any

MAX_LOOKED_AT = 10_000
"""Events of one point that are looked at for the last one, where its clock was ahead or not trusted."""
_DOUBTED = """
SELECT point, sum(at IS NULL), min(CASE WHEN at IS NULL THEN earliest END), max(CASE WHEN at IS NULL THEN latest END),
    max(CASE WHEN at IS NOT NULL THEN min(at, received) END)
FROM event WHERE synced = 0 GROUP BY point
"""
_SAID = """
SELECT time, received FROM (
    SELECT time, received, synced FROM event WHERE point = ? AND time {} ? ORDER BY time DESC LIMIT ?
) WHERE synced IS NOT 0
"""
_TIMELESS = """
SELECT max(received) FROM (
    SELECT received FROM event WHERE point = ? AND time IS NULL AND synced IS NOT 0 ORDER BY rowid DESC LIMIT ?
)
"""


def note_last(file: sqlite3.Connection, held: Mapping[str, dict[str, Any]]) -> None:
    """Note when each point's last event was, and which of its events have no time."""
    now = file.execute("SELECT max(seen) FROM station").fetchone()[0] or ""
    dated = {point: _last_said(file, point, now) for point, of in held.items() if of.get("events")}
    unsure: dict[str, tuple[str | None, str]] = {}
    for point, undated, earliest, latest, corrected in file.execute(_DOUBTED):
        if corrected is not None:
            dated[point] = max(dated[point] or "", corrected)
        if undated:
            held[point] |= {"undated": undated, "undated_between": (earliest, latest)}
            unsure[point] = earliest, latest
    for point, last in dated.items():
        earliest, latest = unsure.get(point, (None, ""))
        timeless = file.execute(_TIMELESS, (point, MAX_LOOKED_AT)).fetchone()[0] or ""
        if max(latest, timeless) > (last or ""):
            floor = max(filter(None, (last, None if timeless > latest else earliest)), default=None)
            held[point] |= {"last_event": max(latest, timeless), "last_event_between": (floor, max(latest, timeless))}
        else:
            held[point]["last_event"] = last


def _last_said(file: sqlite3.Connection, point: str, now: str) -> str | None:
    """Return when the last event of *point* was whose clock was trusted, and not after it was received.

    From the newest downwards in the index, to where no earlier one can be later: of an honest clock two rows. What a
    wrong clock said of a time after *now* is looked at apart, so that it hides nothing however much it is.
    """
    best: str | None = None
    for side in ("<=", ">"):
        for time, received in file.execute(_SAID.format(side), (point, now, MAX_LOOKED_AT)):
            if best is not None and time <= best:
                break
            best = max(best or "", min(time, received))
    return best
