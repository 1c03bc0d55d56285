"""What a point last said of itself: its state, what it is, how it fares; and when it was heard."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from central.store import lost, reported
from central.store.missing import Gaps
from device.wire import State, dumps, loads


def state(file: sqlite3.Connection, point: str) -> dict[str, Any]:
    """Return the last state of *point*; empty where it said none."""
    row = file.execute("SELECT state FROM station WHERE point = ?", (point,)).fetchone()
    return loads(row[0].encode()) if row and row[0] else {}


def set_state(file: sqlite3.Connection, gaps: Gaps, point: str, new: dict[str, Any]) -> bool:
    """Note *point*'s state; return whether it is news, which the will of an older boot is not."""
    before = state(file, point)
    if new.get("state") == State.OFFLINE and before and new.get("boot") != before.get("boot"):
        return False
    if "kept" not in new and "kept" in before:  # a will says no epochs; those of its card stay known
        new = {**new, "kept": before["kept"]}
    if "kept" in before:
        for epoch in lost.reappear(file, point, before, new):
            gaps.forget(point, epoch)
    _set(file, point, "state", dumps(new).decode())
    reported.note(file, point, new, new)
    return new.get("state") != before.get("state")


def set_info(file: sqlite3.Connection, point: str, info: Mapping[str, Any]) -> None:
    """Note what *point* is."""
    _set(file, point, "info", dumps(info).decode())


def set_health(file: sqlite3.Connection, point: str, health: Mapping[str, Any], at: str) -> None:
    """Note how *point* fares, as it said at the time *at*."""
    _set(file, point, "health", dumps(health).decode())
    _set(file, point, "health_at", at)
    # A health has no list of epochs: that is a state's.
    reported.note(file, point, state(file, point), {**health, "kept": None})


def saw(file: sqlite3.Connection, point: str, at: str) -> None:
    """Note that *point* itself was heard at *at*."""
    _set(file, point, "seen", at)
    file.execute("DELETE FROM forgotten WHERE point = ?", (point,))


def _set(file: sqlite3.Connection, point: str, column: str, value: str) -> None:
    file.execute(
        f"INSERT INTO station (point, {column}) VALUES (?, ?)"  # noqa: S608 - a column of ours, never a stranger's word
        f" ON CONFLICT (point) DO UPDATE SET {column} = excluded.{column}",
        (point, value),
    )
