"""What was done to the database by hand, and each backup: lines that are only ever added (``audit``).

A restore takes the lines of the database that it replaces along, so that none is lost with it.
"""

import os
import pwd
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from device.system.log import shown
from device.wire import dumps

BACKUP, RELEASE, SEEN, RESTORE = "backup", "release", "seen", "restore"
"""What was done; another word is another command's."""
MAX_NAME = 64


class AuditLine(NamedTuple):
    """One thing that was done."""

    at: str
    """UTC, as events write it."""
    who: str
    what: str
    details: str
    """The rest, compact JSON."""


def line(at: str, who: str, what: str, **details: Any) -> AuditLine:
    """Return the line for *what*, done by *who*; *details* are JSON's values."""
    return AuditLine(at, who, what, dumps(details).decode())


def add(file: sqlite3.Connection, lines: Iterable[AuditLine]) -> None:
    """Add *lines*."""
    file.executemany("INSERT INTO audit VALUES (?, ?, ?, ?)", lines)


def read(file: sqlite3.Connection) -> list[AuditLine]:
    """Return all lines, oldest first; none where the file was made by an older program."""
    if not file.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'audit'").fetchone():
        return []
    return [AuditLine(*row) for row in file.execute("SELECT at, who, what, told FROM audit ORDER BY rowid")]


def who(env: Mapping[str, str] = os.environ) -> str:
    """Return who runs this program: who is behind sudo, where it says so to root, else the user by name or number."""
    uid = os.geteuid()
    if uid == 0 and (behind := env.get("SUDO_USER")):
        return f"{shown(behind)[:MAX_NAME]} (sudo)"
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a DynamicUser of another unit
        return f"uid {uid}"
