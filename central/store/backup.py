"""A copy of the database that is whole, and the way back: what a copy lacks is asked of the points again.

A restored database begins a new life, so that nobody takes it for the one that was lost.
"""

import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from central.events import stamp
from central.store import audit_log, schema, tombstones
from central.store.database import Store
from central.store.file import DatabaseGoneError, ForeignDatabaseError, StoreWriteError, check, reader
from device.system.disk import NotPlainError, check_database, give, sync_folder
from device.system.errors import TitikError
from device.system.lock import FileLock, LockTakenError
from device.system.log import shown
from device.system.sqlite_errors import sentence

PAGES = 1000
"""Pages copied at a time; the centre writes on between."""
WAIT = 5.0
"""Seconds to wait for a lock of SQLite's own."""
_DATED = re.compile(r"titik-central-\d{8}T\d{6}Z\.db")


class BackupError(TitikError):
    """There is no copy, or no way back, now; what was there before is there still."""


def lock_of(database: Path) -> FileLock:
    """Return the lock that a running centre holds on *database*."""
    return FileLock(database.with_name(database.name + ".lock"))


def backup(database: Path, copy: Path, *, force: bool = False) -> int:
    """Write a whole *copy* of *database*, beside a running centre or without one; return how many events it holds.

    Raises `BackupError`, and `ForeignDatabaseError` where *database* is no centre's.
    """
    if copy.exists() and not force:
        raise BackupError(f"{copy} exists. Next: another name, or --force")
    if not database.exists():
        raise BackupError(f"{database} does not exist: no centre has run with this configuration")
    _openable(database)
    with _fresh(copy) as fresh, closing(reader(database)) as source:
        if check(source, database):
            raise BackupError(f"{database} is still empty")
        with closing(sqlite3.connect(fresh)) as target:
            # In steps it would begin anew after each commit beside it, and never end; a log lets the writer go on.
            logged = source.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            source.backup(target, pages=-1 if logged else PAGES)
        return _inspected(fresh)


def note(database: Path, copy: Path, events: int, now: datetime, who: str) -> None:
    """Leave a line in *database* that *copy* was made, so that `status` can say how old the last one is.

    Raises `BackupError`: the copy is whole all the same.
    """
    line = audit_log.line(stamp(now), who, audit_log.BACKUP, file=shown(copy.absolute()), events=events)
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT)) as file, file:
            schema.make(file, "audit")
            audit_log.add(file, [line])
    except sqlite3.Error as error:
        raise BackupError(
            f"the copy is made, but status will not know of it: {database}: {sentence(error)}. Next: the same with sudo"
        ) from error


def dated(folder: Path, now: datetime) -> Path:
    """Return the name of a backup made *now* in *folder*; by name, the newest is the last."""
    return folder / f"titik-central-{now:%Y%m%dT%H%M%SZ}.db"


def thin(made: Path, keep: int) -> list[Path]:
    """Delete the dated backups beside *made* but that one and the *keep* - 1 newest; return which.

    Raises `BackupError`.
    """
    others = sorted(path for path in made.parent.iterdir() if _DATED.fullmatch(path.name) and path != made)
    old = others[: -(keep - 1) or None]
    for path in old:
        try:
            path.unlink()
        except OSError as error:
            raise BackupError(f"{path} cannot be deleted: {error.strerror}") from error
    return old


class Restored(NamedTuple):
    """What became of the database that was there, and of what had been purged from it."""

    aside: Path | None
    purged: int | None
    """Events of the copy that were purged after it was made, and are not brought back; ``None`` where there is
    no old database that can be read, so that nobody knows which."""


def restore(database: Path, copy: Path, now: datetime, who: str = "-") -> Restored:
    """Put *copy* in the place of *database*, as a new life, without what was purged since; *who* does it.

    Raises `BackupError` where a centre runs or *copy* is not whole, and `ForeignDatabaseError` where it is no centre's.
    """
    _openable(copy)
    try:
        with lock_of(database), _fresh(database) as fresh:
            with closing(reader(copy)) as source, closing(sqlite3.connect(fresh)) as target:
                if check(source, copy):
                    raise BackupError(f"{copy} is empty")
                source.backup(target)
                target.execute("UPDATE life SET centre = ?, made = ?", (secrets.token_hex(8), stamp(now)))
                target.commit()
            purged = _bury(database, fresh, now)
            _note_restore(database, copy, fresh, now, who)
            _inspected(fresh)
            return Restored(_set_aside(database, now), purged)
    except LockTakenError as error:
        raise BackupError(f"{error}: systemctl stop titik-central, then the same again") from None


def _note_restore(database: Path, copy: Path, fresh: Path, now: datetime, who: str) -> None:
    """Take what was done by hand since *copy* was made along into *fresh*, and add this."""
    lines: list[audit_log.AuditLine] = []
    with suppress(sqlite3.Error, NotPlainError), closing(reader(database)) as old:  # why a restore is made, maybe
        lines = audit_log.read(old)
    try:
        with Store(fresh, now) as store, store.writing():
            there = set(store.noted())
            store.note(*(line for line in lines if line not in there))
            store.note(audit_log.line(stamp(now), who, audit_log.RESTORE, file=shown(copy.absolute())))
    except (StoreWriteError, DatabaseGoneError) as error:
        raise BackupError(f"{fresh}: {error}") from error


def _bury(database: Path, fresh: Path, now: datetime) -> int | None:
    """Keep out of *fresh* what was purged from *database*; return how much, ``None`` where nobody knows."""
    try:
        with closing(reader(database)) as old:
            if check(old, database):
                return None
            if schema.version_of(old) < schema.VERSION:  # nothing could be purged then
                return 0
            some = tombstones.read(old)
    except (
        sqlite3.Error,
        ForeignDatabaseError,
        NotPlainError,
    ):  # a restore is often for the very reason that the old one cannot be read
        return None
    try:
        with Store(fresh, now) as store, store.writing():
            return store.bury(some)
    except (StoreWriteError, DatabaseGoneError) as error:
        raise BackupError(f"{fresh}: {error}") from error


@contextmanager
def _fresh(path: Path) -> Iterator[Path]:
    """Bind a new file beside *path*, which takes its place, durably, once the block has ended well."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        yield fresh
        with fresh.open("rb") as file:
            give(file.fileno(), path.parent)
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise BackupError(f"{path}: {sentence(error)}") from error
    finally:
        for left in (fresh, *(fresh.with_name(fresh.name + ending) for ending in ("-journal", "-wal", "-shm"))):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _openable(path: Path) -> None:
    """Raise `BackupError` for what is no plain file: SQLite would wait at a pipe."""
    try:
        check_database(path)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}. Next: ls -l {path.parent}") from error


def _inspected(fresh: Path) -> int:
    """Return how many events the copy holds; raises `BackupError` unless every page of it is sound."""
    with closing(sqlite3.connect(fresh)) as file:
        # A copy of a database with a log says so in its header; as one file it travels better.
        file.execute("PRAGMA journal_mode = DELETE")
        found = file.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise BackupError(f"the copy is not whole: {found}. Next: another backup")
        return int(file.execute("SELECT count(*) FROM event").fetchone()[0])


def _set_aside(database: Path, now: datetime) -> Path | None:
    if not database.exists():
        return None
    aside = database.with_name(f"{database.stem}.replaced-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}{database.suffix}")
    for ending in ("-wal", "-shm"):  # the log first: a database without its log would be an older one
        with suppress(FileNotFoundError):
            database.with_name(database.name + ending).rename(aside.with_name(aside.name + ending))
    database.rename(aside)
    return aside
