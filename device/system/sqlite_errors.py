"""What SQLite says of a file, in an operator's words: shared by the outbox and by the centre's store."""

import sqlite3
from errno import ENOSPC
from pathlib import Path


def damaged(error: sqlite3.Error) -> bool:
    """Return whether the file itself is the matter."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def full(error: sqlite3.Error) -> bool:
    """Return whether the disk has no room left."""
    return _code(error) == sqlite3.SQLITE_FULL


def starved(error: sqlite3.Error | OSError) -> bool:
    """Return whether room on the disk may help: SQLite calls a log that finds none an error of the disk, too."""
    if isinstance(error, OSError):
        return error.errno == ENOSPC
    return _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


def sentence(error: sqlite3.Error | OSError) -> str:
    """Return what is the matter."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return {
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_READONLY: "the database is read-only",
        sqlite3.SQLITE_PERM: "the database may not be opened",
        sqlite3.SQLITE_CANTOPEN: "the database cannot be opened",
        sqlite3.SQLITE_IOERR: "the disk gives an error",
        sqlite3.SQLITE_BUSY: "another program is writing the database",
        sqlite3.SQLITE_CORRUPT: "the database is damaged",
        sqlite3.SQLITE_NOTADB: "this is not a database",
    }.get(_code(error), str(error))


def inode(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at *path* from any other, ``None`` where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
