"""Databases that older centres wrote, as statements, and what today's makes of each."""

import sqlite3
from contextlib import closing
from pathlib import Path

from central.store.database import Store
from tests.support.messages import NOW

OLD = Path(__file__).parent
"""What older centres wrote, and beside each file every row that it has today: ``__main__`` writes that anew."""
FILES = sorted(path.stem for path in OLD.glob("*.sql"))


def restored(name: str, folder: Path) -> Path:
    """Return the database that stands in the old file *name*."""
    path = folder / "central.db"
    with closing(sqlite3.connect(path)) as file:
        file.executescript((OLD / f"{name}.sql").read_text(encoding="utf-8"))
    return path


def rows(path: Path) -> list[str]:
    """Return every row of every table, a line each."""
    with closing(sqlite3.connect(path)) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [
            f"{table} {row!r}"
            for table in tables
            for row in sorted(file.execute(f"SELECT * FROM {table}"), key=repr)  # noqa: S608 - a table of ours
        ]


def todays(name: str, folder: Path) -> list[str]:
    """Return every row that the old file *name* has once today's centre has opened it in *folder*."""
    path = restored(name, folder)
    with Store(path, NOW) as store:
        assert store.tend() is False
    return rows(path)
