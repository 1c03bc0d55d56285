"""Outboxes with something in them, and what their files hold."""

import json
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from device.model import Event, Place
from device.record.outbox import Outbox
from device.wire import dumps
from tests.support.messages import POINT, event


def filled(outbox: Outbox, count: int, size: int = 10) -> list[Event]:
    """Append *count* events with bodies of *size* bytes."""
    return [
        outbox.append(lambda place: Event(place, f"id-{place.epoch}-{place.seq}", b"x" * size)) for _ in range(count)
    ]


class Uptime:
    """Seconds since boot, as a test tells them."""

    def __init__(self) -> None:
        self.seconds = 20.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, *, days: float) -> None:
        self.seconds += 86_400 * days


def record_scans(outbox: Outbox, count: int, name: str = POINT) -> list[str]:
    """Append *count* events as the station does, with random ids; return the ids."""

    def composed(place: Place) -> Event:
        id_ = secrets.token_hex(16)
        return Event(place, id_, dumps({**event(place.seq, point=name, epoch=place.epoch), "id": id_}))

    return [outbox.append(composed).id for _ in range(count)]


def outbox_rows(path: Path) -> dict[str, str]:
    """Return the ids in the file at *path*, and the points that its rows name."""
    with closing(sqlite3.connect(path)) as file:
        found = file.execute("SELECT id, body FROM event ORDER BY row").fetchall()
    return {id_: json.loads(body)["data"]["point"] for id_, body in found}


def outbox_files(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of all outboxes in *folder*, by the names of their files."""
    return {path.name: outbox_rows(path) for path in sorted(folder.glob("outbox*.db"))}
