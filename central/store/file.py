"""The file of the database: whose it is, and how it is opened, to be written or to be read beside whoever writes it."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from central.store.schema import APPLICATION_ID, VERSION, there, version_of
from device.system.disk import NotPlainError, check_database
from device.system.errors import TitikError
from device.system.sqlite_errors import damaged, sentence

T = TypeVar("T")

BUSY = 1.0
"""Seconds to wait for another writer; stopping as a whole has two."""
READ_LIMIT = 5.0
"""Seconds that a reader waits for a lock."""
TRIES = 10
"""Times that a commit beside a running centre is tried; each waits a second for the other writer."""
MAX_PAUSE = 0.2
"""Seconds between two commits beside a running centre, at most: the centre writes meanwhile."""


class ForeignDatabaseError(TitikError):
    """A file that this program must not touch; the sentence says which and why."""


class StoreWriteError(TitikError):
    """Nothing can be written now; the sentence says why. Nobody may be told that anything is held."""


class DatabaseGoneError(TitikError):
    """The file was moved or deleted while it was open: what is written now would be on no disk."""


class DatabaseMissingError(TitikError):
    """No database is there, or none that this user may read."""


def check(file: sqlite3.Connection, path: Path) -> bool:
    """Return whether *file* is empty; raises `ForeignDatabaseError` unless it is that or a database of this version."""
    owner, version = file.execute("PRAGMA application_id").fetchone()[0], version_of(file)
    if owner == version == 0 and not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if owner != APPLICATION_ID:
        raise ForeignDatabaseError(
            f"{path} is a database of another program. Next: correct [store] path in the configuration"
        )
    if version > VERSION:
        raise ForeignDatabaseError(
            f"{path} is of version {version}, and this program knows versions to {VERSION}."
            " Next: install the newer titik-central again"
        )
    return False


def writer(path: Path) -> sqlite3.Connection:
    """Return the file at *path*, made where there is none; raises `ForeignDatabaseError` and `StoreWriteError`."""
    try:
        check_database(path)
        # 0600: the rows are pseudonyms of people; SQLite gives its log the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return sqlite3.connect(path, timeout=BUSY, isolation_level=None)
    except NotPlainError as error:
        raise ForeignDatabaseError(f"{path}: {error.strerror}. Next: move it away, or restore a backup") from error
    except OSError as error:
        raise StoreWriteError(f"{path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreWriteError(f"{path}: {sentence(error)}") from error


def make_durable(file: sqlite3.Connection) -> None:
    """Let what is committed in *file* be on the disk before the commit returns."""
    logged = file.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
    # Without a log (some network file systems), FULL loses the last commit in half the power cuts (measured).
    file.execute(f"PRAGMA synchronous = {'FULL' if logged else 'EXTRA'}")
    file.execute("PRAGMA journal_size_limit = 67108864")
    # Random ids touch random pages: more of them in memory, and fewer checkpoints, save a fifth (measured).
    file.execute("PRAGMA cache_size = -65536")
    file.execute("PRAGMA wal_autocheckpoint = 8000")


def reader(path: Path) -> sqlite3.Connection:
    """Return the database at *path*, to be read; raises `NotPlainError`, and sqlite3.Error."""
    check_database(path)
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=READ_LIMIT, isolation_level=None)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Bind the database at *path*, read-only, as of one moment.

    Raises `DatabaseMissingError` and `ForeignDatabaseError`.
    """
    try:
        path.stat()
        check_database(path)
    except NotPlainError as error:
        raise ForeignDatabaseError(f"{path}: {error.strerror}. Next: move it away, or restore a backup") from error
    except FileNotFoundError:
        raise DatabaseMissingError(
            f"{path} does not exist: no centre has run with this configuration. Next: titik-central run"
        ) from None
    except OSError as error:
        raise DatabaseMissingError(
            f"{path}: {error.strerror}. Next: ask as the user of the centre, or with sudo"
        ) from error
    try:
        with closing(reader(path)) as file:
            file.execute("BEGIN")
            if check(file, path):
                raise DatabaseMissingError(f"{path} is still empty: the centre is being started. Next: ask again")
            if version_of(file) < VERSION or "tally" not in there(file):
                raise DatabaseMissingError(
                    f"{path} is of an older version. Next: systemctl restart titik-central, which changes it"
                )
            yield file
    except sqlite3.Error as error:
        if damaged(error):
            raise ForeignDatabaseError(f"{path}: {sentence(error)}. Next: restore a backup") from error
        raise DatabaseMissingError(
            f"{path}: {sentence(error)}. Next: ask as the user of the centre, or with sudo"
        ) from error


def patiently(write: Callable[[], T]) -> T:
    """Return what *write* gives, once it is its turn beside a running centre; raises `StoreWriteError` at last."""
    for _ in range(TRIES - 1):
        with suppress(StoreWriteError):
            return write()
    return write()
