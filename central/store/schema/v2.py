"""From version 1 to 2, what no statement says: what version 2 knows of the rows that version 1 held.

Frozen. What it takes out of an event is what version 2 took when it was new, so it uses nothing of this program: what
is changed elsewhere changes nothing of what an old file becomes.
"""

import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

PIECE = 1_000
"""Rows between two signs of life."""
_POINT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_MAX_POINT = 40
_MAX_MESSAGE, _MAX_EVENTS = 262_144, 200
_EPOCH_LENGTH = range(1, 33)
_MAX_SEQ = 2**63 - 1
_MAX_BOOT, _MAX_UPTIME = 64, 3_200_000_000.0
_OFFSETS = 1_577_836_800, 4_102_444_800


class _Clock(NamedTuple):
    """What an event says of its station's clock."""

    synced: bool | None = None
    boot: str | None = None
    uptime: float | None = None
    floor: str | None = None
    offset: float | None = None


def fill(file: sqlite3.Connection, beat: Callable[[], None]) -> None:
    """Give each row what version 2 knows of it; *beat* is called after each piece."""
    _read_clocks(file, beat)
    _date(file, beat)
    for topic, body in file.execute("SELECT topic, bytes FROM quarantine"):
        point = topic.rpartition("/")[0].rpartition("/")[2]
        if _POINT.match(point) and len(point) <= _MAX_POINT:
            some = ((point, *place) for place in _places(body))
            file.executemany("INSERT INTO unread VALUES (?, ?, ?) ON CONFLICT DO NOTHING", some)
        beat()


def _read_clocks(file: sqlite3.Connection, beat: Callable[[], None]) -> None:
    before = -1
    while some := file.execute(
        "SELECT rowid, point, time, body, received FROM event WHERE rowid > ? ORDER BY rowid LIMIT ?", (before, PIECE)
    ).fetchall():
        for rowid, point, time, body, received in some:
            clock = _clock(body)
            known = (None, clock.floor, received) if clock.synced is False else (time, None, None)
            file.execute(
                "UPDATE event SET boot = ?, uptime = ?, synced = ?, at = ?, earliest = ?, latest = ? WHERE rowid = ?",
                (clock.boot, clock.uptime, clock.synced, *known, rowid),
            )
            if clock.offset is not None:
                file.execute(
                    "INSERT INTO clock VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (point, boot, uptime) DO UPDATE SET offset = min(offset, excluded.offset)",
                    (point, clock.boot, clock.uptime, clock.offset),
                )
        before = some[-1][0]
        beat()


def _date(file: sqlite3.Connection, beat: Callable[[], None]) -> None:
    """Date what its station could not, by the first correction of its boot at or after it."""
    before = -1
    while some := file.execute(
        "SELECT rowid, uptime + (SELECT offset FROM clock WHERE clock.point = event.point AND clock.boot = event.boot"
        " AND clock.uptime >= event.uptime ORDER BY clock.uptime LIMIT 1)"
        # Not "synced = 0": the rows are wanted in their order, not by the index of that.
        " FROM event WHERE NOT synced AND rowid > ? ORDER BY rowid LIMIT ?",
        (before, PIECE),
    ).fetchall():
        dated = [(_stamp(datetime.fromtimestamp(at, UTC)), rowid) for rowid, at in some if at is not None]
        file.executemany("UPDATE event SET at = ?, earliest = NULL, latest = NULL WHERE rowid = ?", dated)
        before = some[-1][0]
        beat()


def _clock(body: str) -> _Clock:
    event = json.loads(body)
    data = event.get("data", {})
    clock = data.get("clock")
    if not isinstance(clock, dict) or not isinstance(synced := clock.get("synced"), bool):
        return _Clock()
    boot, uptime, floor = clock.get("boot"), _number(clock.get("uptime")), _time(clock.get("floor"))
    known = isinstance(boot, str) and 1 <= len(boot) <= _MAX_BOOT
    if not known or uptime is None or not 0 <= uptime <= _MAX_UPTIME:
        return _Clock(synced, floor=floor)
    offset = _number(data.get("offset")) if event.get("type") == "id.titik.clock" and synced else None
    if offset is None or not _OFFSETS[0] <= offset <= _OFFSETS[1]:
        return _Clock(synced, boot, uptime, floor)
    return _Clock(synced, boot, uptime, floor, offset)


def _places(body: bytes) -> Iterator[tuple[str, int]]:
    """Yield the epoch and the number that each event of a message says it has, also of those that cannot be taken."""
    try:
        if len(body) > _MAX_MESSAGE:
            return
        value = json.loads(body.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return
    for event in value[:_MAX_EVENTS] if isinstance(value, list) else [value]:
        match event:
            case {"data": {"epoch": str(epoch), "seq": int(seq)}} if (
                len(epoch) in _EPOCH_LENGTH and 1 <= seq <= _MAX_SEQ and not isinstance(seq, bool)
            ):
                yield epoch, seq


def _refuse(word: str) -> None:
    raise ValueError(word)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _time(value: Any) -> str | None:
    try:
        at = datetime.fromisoformat(value)
        return _stamp(at) if at.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
