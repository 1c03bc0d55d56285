"""``titik queue list``: what is owed to the centre."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from device.cli import options
from device.cli._queue import found
from device.model import WITA
from device.system.command_line import answered_by
from device.system.exit_codes import DONE


@dataclass(frozen=True, slots=True)
class QueueList:
    """What ``queue list`` is asked."""

    json: bool
    socket: Path
    state: Path


def add(commands: Any) -> None:
    """Add the command."""
    one = options.member(
        commands,
        "list",
        "say how much is owed, since when, and what is kept",
        "say how much is owed to the centre, since when, and which epochs are kept on the card",
        "sudo titik queue list --json",
    )
    one.add_argument("--json", action="store_true", help="one JSON object")
    options.asks_socket(one)
    options.asks_state(one)
    answered_by(one, QueueList, run)


def run(asked: QueueList) -> int:
    """Say what is owed, since when, and what is kept."""
    there = found(asked.socket, asked.state)
    if isinstance(there, int):
        return there
    queue = there.rows
    if asked.json:
        print(json.dumps(_without_last(queue), sort_keys=True))
        return DONE
    print(f"{queue['point'] or '?'}: {queue['owed']} peristiwa belum di pusat / events are owed to the centre")
    _show_rows(queue)
    for one in queue["sealed"]:
        owed = "?" if one["owed"] is None else one["owed"]
        print(f"{one['file']}: disegel, milik titik {one['point']} / is sealed, and the point {one['point']}'s:")
        print(f"{one['point']}: {owed} peristiwa belum di pusat / events are owed to the centre")
        if one["why"] is not None:
            print(f"tidak terbaca, simpanlah / cannot be read, keep it: {one['why']}")
            continue
        _show_rows(one)
        if one["owed"]:
            print(f"berikutnya / next: titik queue export --sealed {one['point']} DIR")
    return DONE


def _show_rows(queue: dict[str, Any]) -> None:
    oldest = queue["oldest"]
    if oldest is not None:
        print(f"tertua / oldest: {_civil(oldest['time'])} ({oldest['epoch']}, {oldest['seq']})")
    print(f"{queue['held']} sudah di pusat, masih disimpan / are held by the centre and kept here")
    for epoch, first, last in queue["kept"]:
        print(f"  {epoch}: {first}–{last}")  # noqa: RUF001 - a span of numbers is written with a dash


def _without_last(queue: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in queue.items() if name != "last"}
    return kept | {"sealed": [_without_last(one) for one in queue["sealed"]]} if "sealed" in queue else kept


def _civil(stamp: object) -> str:
    """Return an event's time as the office writes it, with its zone; as the file names have it, it is UTC."""
    try:
        return f"{datetime.fromisoformat(str(stamp)).astimezone(WITA):%Y-%m-%d %H:%M:%S} WITA"
    except (ValueError, OverflowError):
        return "?"
