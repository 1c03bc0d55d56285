"""Programs whose power is cut: each runs the product's own outbox or store, and says what it promises.

``python -m tests.faults.power FOLDER outbox|migration|salvage|seal|store|normal|forgetful|honest``. What is said on
standard output is in the recording among the writes: ``about <kind>`` before a statement, and a promise after it.
"""

import os
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from central.events import rows
from central.store.database import Store
from device.model import Event, Place
from device.record.outbox import Outbox, RecordError
from device.wire import Receipt, dumps
from device.wire import digest as digest_of

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
POINT, OTHER = "bupati-1", "dprd-1"


def say(*words: str) -> None:
    """Say it in one call, so that it has one place among the writes."""
    os.write(1, (" ".join(words) + "\n").encode())


def event(place: Place, point: str = POINT) -> Event:
    """Return the event of *point* that stands at *place*: whoever knows both knows all of it."""
    id_ = f"{place.epoch}-{place.seq:06d}"
    told: dict[str, Any] = {"point": point, "epoch": place.epoch, "seq": place.seq, "reason": "x" * 400}
    body = {"specversion": "1.0", "type": "id.titik.scan", "source": f"/titik/{point}", "id": id_, "data": told}
    return Event(place, id_, dumps(body))


def append(outbox: Outbox, count: int, point: str = POINT) -> list[Event]:
    """Record *count* events; each is promised once its append has returned."""
    events = []
    for _ in range(count):
        say("about", "insert")
        events.append(outbox.append(lambda place: event(place, point)))
        say("acked", events[-1].id)
    return events


def settle(outbox: Outbox, events: list[Event]) -> None:
    """Forget *events* on a receipt."""
    ids = [one.id for one in events]
    say("about", "settle", *ids)
    first, last = events[0].place, events[-1].place
    assert outbox.settle(Receipt("c", first.epoch, first.seq, last.seq, len(ids), digest_of(ids)), NOW)
    say("settled", *ids)


def checkpoint(outbox: Outbox) -> None:
    """Let SQLite write its log back, as it does now and then."""
    assert outbox._file is not None
    say("about", "checkpoint")
    outbox._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def live(path: Path, *, synchronous: str | None = None) -> None:
    """Let an outbox live through everything that it does, over three openings, with its own syncs or with fewer."""
    up = {"seconds": 20.0}
    for life in range(3):
        say("about", "opening")
        with Outbox(path, 1000, lambda: NOW, uptime=lambda: up["seconds"]) as outbox:
            assert outbox._file is not None
            if synchronous is not None:
                outbox._file.execute(f"PRAGMA synchronous = {synchronous}")
            events = append(outbox, 12)
            settle(outbox, events[:7])
            events += append(outbox, 4)
            checkpoint(outbox)
            say("about", "recall", *(one.id for one in events[2:4]))
            outbox.recall(outbox.epoch, 3, 4)
            settle(outbox, events[7:11])
            say("about", "request")
            outbox.first_time(f"transaction-{life}")
            say("about", "delete")
            up["seconds"] += 8 * 86_400
            outbox.purge(NOW + timedelta(days=8), timedelta(days=7))
            append(outbox, 4)
            held = [one.id for one in append(outbox, 2)]
            say("about", "settle", *held)
            outbox.hold(held, NOW)
            say("settled", *held)
            say("about", "closing")


def migrate(path: Path) -> None:
    """Open a file of version 1, which is there, and go on."""
    say("about", "migration")
    with Outbox(path, 1000, lambda: NOW) as outbox:
        append(outbox, 3)


def salvage(path: Path) -> None:
    """Open a damaged file, which is there, and go on."""
    say("about", "salvage")
    with Outbox(path, 1000, lambda: NOW) as outbox:
        for _ in range(2):
            try:
                outbox.kept()  # opens it
                outbox.owed(0, 1000)
            except RecordError:
                continue
        append(outbox, 3)


def mix(path: Path) -> list[Event]:
    """Write what a program that asked for no name was given under two; return the events."""
    events: list[Event] = []
    for point in (POINT, OTHER, POINT):
        with Outbox(path, 1000, lambda: NOW) as outbox:
            events += [outbox.append(partial(event, point=point)) for _ in range(4)]
    with closing(sqlite3.connect(path)) as file:
        file.executescript("DROP TABLE owner; DROP TABLE age; DROP TABLE uptime;")
    return events


def seal(path: Path) -> None:
    """Open a file of two points, which is there, under one name after another, and go on each time."""
    for point in (OTHER, POINT, OTHER):
        say("about", "sealing")
        with Outbox(path, 1000, lambda: NOW, point=point) as outbox:
            events = append(outbox, 3, point)
            settle(outbox, events[:2])
            if point == POINT:
                there = outbox.sealed.all[0]
                with closing(sqlite3.connect(f"file:{there.path}?mode=ro", uri=True)) as file:
                    ids = [id_ for (id_,) in file.execute("SELECT id FROM event WHERE held_at IS NULL LIMIT 2")]
                say("about", "settle", *ids)
                outbox.sealed.hold(there.path, ids, NOW)
                say("settled", *ids)
            say("about", "sealing")


def keep(path: Path) -> None:
    """Let a centre's database take batches, one of them twice."""
    say("about", "opening")
    with Store(path, NOW) as store:
        store._file.execute("PRAGMA wal_autocheckpoint = 30")
        for first in (1, 11, 21, 11, 31, 41, 51):
            hold(store, [event(Place("0a0b0c0d", seq)) for seq in range(first, first + 10)])
    say("about", "opening")
    with Store(path, NOW) as store:
        hold(store, [event(Place("0a0b0c0d", 61))])


def hold(store: Store, events: list[Event]) -> None:
    """Hold *events*; what is held is promised by a receipt."""
    say("about", "insert")
    with store.writing():
        store.keep(rows(POINT, b"[" + b",".join(one.body for one in events) + b"]").rows, NOW)
    say("receipted", *(one.id for one in events))


def move(path: Path) -> None:
    """Open a centre's database of version 1, which is there, and go on."""
    say("about", "migration")
    with Store(path, NOW) as store:
        hold(store, [event(Place("0a0b0c0d", 90))])


def deliver(path: Path, *, honest: bool) -> None:
    """Let a station and its centre deliver; one that is not honest forgets when the broker has the message."""
    with Outbox(path, 1000, lambda: NOW) as outbox, Store(path.with_name("central.db"), NOW) as store:
        for _ in range(10):
            events = append(outbox, 3)
            if not honest:
                settle(outbox, events)
            hold(store, events)
            if honest:
                settle(outbox, events)


def older(path: Path, count: int = 12) -> None:
    """Write what the first version of the program wrote."""
    with closing(sqlite3.connect(path)) as file:
        file.executescript("""
            PRAGMA journal_mode = WAL;
            CREATE TABLE event (row INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
                id TEXT NOT NULL UNIQUE, body BLOB NOT NULL, held_at INTEGER, UNIQUE (epoch, seq)) STRICT;
            CREATE INDEX owed ON event (row) WHERE held_at IS NULL;
            CREATE INDEX held ON event (held_at) WHERE held_at IS NOT NULL;
            PRAGMA application_id = 1953068137;
            PRAGMA user_version = 1;
        """)
        with file:
            for seq in range(1, count + 1):
                one = event(Place("0a0b0c0d", seq))
                file.execute(
                    "INSERT INTO event (epoch, seq, id, body) VALUES (?, ?, ?, ?)", (*one.place, one.id, one.body)
                )


def main(folder: Path, manner: str) -> None:
    """Run one of the programs."""
    outbox, database = folder / "outbox.db", folder / "central.db"
    match manner:
        case "outbox":
            live(outbox)
        case "normal":
            live(outbox, synchronous="NORMAL")
        case "migration":
            migrate(outbox)
        case "salvage":
            salvage(outbox)
        case "seal":
            seal(outbox)
        case "store":
            keep(database)
        case "move":
            move(database)
        case "forgetful" | "honest":
            deliver(outbox, honest=manner == "honest")
        case _:
            sys.exit(2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
