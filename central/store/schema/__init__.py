"""What the tables are: one SQL file a version, each with what it adds to the version before.

``later/`` is what version 2 got after its first files were written: a file each, named after what it makes. It is
made where it is absent and never needed by an older program, which therefore still reads the file. What an older
program would read wrongly is a version of its own.
"""

import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

APPLICATION_ID = 0x7469_7463
"""``titc``: in the file's header, so that nobody's other database is ever taken for ours."""
VERSION = 2
_HERE = files(__name__)
LATER = tuple(
    sorted(entry.name.removesuffix(".sql") for entry in (_HERE / "later").iterdir() if entry.name.endswith(".sql"))
)
"""The tables of ``later/``, and a column as ``table.column``."""


@cache
def statements(name: str) -> tuple[str, ...]:
    """Return the statements of the file *name*, without its ending; raises FileNotFoundError."""
    return tuple(_statements((_HERE / f"{name}.sql").read_text(encoding="utf-8")))


def version_of(file: sqlite3.Connection) -> int:
    """Return the version of the tables in *file*; 0 where it has none."""
    return int(file.execute("PRAGMA user_version").fetchone()[0])


def there(file: sqlite3.Connection) -> set[str]:
    """Return what is there: the names of tables, indexes and triggers, and of the columns of `LATER`."""
    names = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
    for table, _, column in (name.partition(".") for name in LATER if "." in name):
        if column in {row[1] for row in file.execute(f"PRAGMA table_info({table})")}:
            names.add(f"{table}.{column}")
    return names


def make(file: sqlite3.Connection, name: str) -> None:
    """Make *name* of `LATER` in *file* where it is absent."""
    if "." not in name or name not in there(file):  # a column cannot be added "if it is not there"
        for statement in statements(f"later/{name}"):
            file.execute(statement)


def _statements(text: str) -> Iterator[str]:
    """Yield the statements in *text* one by one: sqlite3's own ``executescript`` would end a transaction first."""
    statement = ""
    for line in text.splitlines(keepends=True):
        if not statement and (line.startswith("--") or not line.strip()):
            continue
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
    if statement.strip():
        raise ValueError(f"this statement has no end: {statement}")
