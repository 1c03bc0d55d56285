"""A centre's store in a folder, what takes messages into it, and what older programs left there."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from central.ingest.intake import Intake
from central.store import schema as tables
from central.store.database import Store
from central.store.missing import Gap
from central.store.status import PointStatus, look
from device.wire import Message, Quarantined, Receipt, Received, Topics, parse_receipt
from tests.support.messages import NOW, POINT


class CentreStore:
    """A store in a folder, and what takes messages into it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "central.db"

    def __enter__(self) -> Self:
        self.store = Store(self.path, NOW).__enter__()
        self.intake = Intake(self.store, Topics())
        return self

    def __exit__(self, *_: object) -> None:
        self.store.__exit__(None, None, None)

    def take(self, *batch: Received, now: datetime = NOW) -> list[Message]:
        return self.intake.take(batch, now)[0]

    def answers(self, *batch: Received) -> list[Receipt | Quarantined]:
        return [parse_receipt(answer.body) for answer in self.take(*batch)]

    def point(self, name: str = "bupati-1") -> PointStatus:
        return look(self.path).points[name]

    def missing(self, point: str) -> list[Gap]:
        """Return all that is missing of *point*, which one look sees where it is little."""
        return self.store.look(point).gaps

    def all(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as file:
            return file.execute(sql).fetchall()


def set_back(path: Path) -> None:
    """Make the database at *path* what the first version of the program had."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("DROP INDEX event_boot")
        file.execute("DROP TRIGGER event_is_counted_out")
        for name in tables.LATER:
            table, _, column = name.partition(".")
            file.execute(f"ALTER TABLE {table} DROP COLUMN {column}" if column else f"DROP TABLE {table}")
        for column in ("boot", "uptime", "synced", "at", "earliest", "latest"):
            file.execute(f"ALTER TABLE event DROP COLUMN {column}")
        for table in ("clock", "purged", "lost"):
            file.execute(f"DROP TABLE {table}")
        file.execute("PRAGMA user_version = 1")


def poison(centre: CentreStore, rows: int) -> None:
    """Make the file what a flood made of it when there was no bound."""
    with centre.store.writing():
        centre.store._file.executemany(
            "INSERT INTO said VALUES (?, ?, 5)", ((POINT, f"bad-{n:06d}") for n in range(rows))
        )


def arguments(centre: CentreStore, *more: str, config: str = "") -> list[str]:
    """Return the words of a command that is told of *centre*'s database."""
    file = centre.path.with_name("central.toml")
    file.write_text(f'[store]\npath = "{centre.path}"\n{config}', encoding="utf-8")
    return [*more, "--config", str(file)]


def held_ids(database: Path) -> list[str]:
    """Return the ids in the centre's *database*, as often as they are there."""
    with closing(sqlite3.connect(database)) as file:
        return [id_ for (id_,) in file.execute("SELECT id FROM event ORDER BY rowid")]
