"""A damaged outbox, row by row into a new one; the damaged file stays beside it, under a dated name.

A power cut at any step leaves either the damaged file as it was, or the new one whole: `mend` first makes the new
file under a name of its own, and that name, once it is durable, is the decision; `finish` does the rest, or does it
again at the next start.
"""

import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

from device.record import _sqlite_pages, _sqlite_wal, schema
from device.system.disk import check_database, make_private, sync_folder

log = logging.getLogger(__name__)

BESIDE = ("-wal", "-shm", "-journal")
STRIDE = 1000
"""Rows asked for at once, as long as no page is damaged."""
COLUMNS = 7
"""Columns of the table `event`; version 1 had six."""


MAX_TRIED = 500_000
"""Rows asked for one by one, at the most: a damaged count must not keep the station from its work."""
_INSERT = "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?)"
"""What was found first stays: the trees' row before a page's, the newest page's before an older one's."""


class _Row(NamedTuple):
    """One row as it stands in the file."""

    row: int
    epoch: str
    seq: int
    id: str
    body: bytes
    held_at: int | None
    crc: int | None


def begin(path: Path, stamp: str) -> None:
    """Make a new file at *path*, whole or not at all: an empty one there is one that was cut off.

    Raises OSError and sqlite3.Error.
    """
    fresh = _cleared(path)
    with closing(schema.connect(fresh)) as file:
        make(file)
    put(fresh, path, stamp)


def put(fresh: Path, path: Path, stamp: str) -> None:
    """Let the whole file *fresh* be the one at *path*, where none is; raises OSError.

    A log that lies there without its file is kept under a dated name, for it would be played into the new one.
    """
    for ending in BESIDE:
        with suppress(FileNotFoundError):
            aside = _aside(path, stamp)
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    sync_folder(path.parent)
    fresh.rename(path)
    sync_folder(path.parent)


def mend(path: Path, stamp: str) -> Path:
    """Put a new file with all whole rows of the damaged one in its place; return where the damaged one lies now.

    *stamp* makes the names unique. Raises OSError and sqlite3.Error where the disk does not take it; then the damaged
    file is what it was.
    """
    unfinished = _cleared(path)
    saved, lost = _save(path, unfinished, _aside(path, stamp).name)
    unfinished.rename(path.with_name(f"{path.stem}.salvaged-{stamp}{path.suffix}"))
    sync_folder(path.parent)
    finish(path)
    aside = _aside(path, stamp)
    log.error(
        "the outbox was damaged: %d events are saved, %d are lost as far as is known; the damaged file is %s."
        " Next: keep it, and change the card soon",
        saved,
        lost,
        aside,
    )
    return aside


def suspicion(path: Path) -> Path:
    """Return the name whose presence says that damage was met in the file at *path*, and that it is to be mended."""
    return path.with_name(path.name + ".suspect")


def look(path: Path) -> None:
    """Raise sqlite3.DatabaseError, ``malformed``, where SQLite would open the file at *path* as if it were whole.

    Raises OSError where it cannot be read, and where it or its log is no plain file.
    """
    check_database(path)
    if suspicion(path).exists():  # `finish` takes it away
        raise sqlite3.DatabaseError("malformed: damage was met while it was read")  # whatever a check of pages says
    if _sqlite_wal.forgotten(_log(path), schema.PAGE):
        raise sqlite3.DatabaseError("malformed: its log is damaged")


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def finish(path: Path) -> None:
    """Do what a power cut in `mend` left undone, if it did; raises OSError."""
    for saved in sorted(path.parent.glob(f"{path.stem}.salvaged-*{path.suffix}")):
        aside = _aside(path, saved.stem.removeprefix(f"{path.stem}.salvaged-"))
        for ending in ("", "-wal"):
            with suppress(FileNotFoundError, FileExistsError):
                os.link(path.with_name(path.name + ending), aside.with_name(aside.name + ending))
        sync_folder(path.parent)
        for ending in BESIDE:  # a log beside a file that is not its own would be played into it
            path.with_name(path.name + ending).unlink(missing_ok=True)
        suspicion(path).unlink(missing_ok=True)
        sync_folder(path.parent)
        saved.replace(path)
        sync_folder(path.parent)


def _cleared(path: Path) -> Path:
    """Make an empty file that is not finished, and return its name; what an earlier try left there is gone."""
    unfinished = path.with_name(f"{path.stem}.salvage{path.suffix}")
    for ending in ("", "-journal"):
        unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)
    make_private(unfinished)
    return unfinished


def make(file: sqlite3.Connection) -> None:
    """Make the tables in the new *file*, durably; raises sqlite3.Error."""
    file.execute(f"PRAGMA page_size = {schema.PAGE}")
    file.execute("PRAGMA synchronous = FULL")
    schema.make(file)


def _aside(path: Path, stamp: str) -> Path:
    return path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")


def _save(path: Path, fresh: Path, name: str) -> tuple[int, int]:
    """Write the whole rows of *path* into the new file *fresh*; return how many, and how many are known to be lost."""
    failing: set[int] = set()
    with closing(schema.connect(fresh)) as file:
        make(file)
        file.execute("BEGIN")
        file.executemany(_INSERT, _whole(_by_tree(path, failing), failing))
        failing |= _unfound(path, file)
        if failing or not _count(file):
            known = bool(failing)
            file.executemany(_INSERT, _whole(_by_page(path, failing if known else None), set()))
            found = {row for (row,) in file.execute("SELECT row FROM event")} if known else set()
            lost = len(failing - found) if known else _holes(file)
        else:
            lost = 0
        if _sqlite_wal.forgotten(_log(path), schema.PAGE):
            lost += _follow(path, file)
        _carry_over(path, file)
        file.execute("INSERT INTO damage VALUES (?, ?)", (name, lost))
        file.execute("COMMIT")
        return _count(file), lost


def _carry_over(path: Path, fresh: sqlite3.Connection) -> None:
    """Copy what else the damaged file knows, as far as it can be read: its owner, requests that were done, losses."""
    for table, values in (("owner", "?"), ("uptime", "?"), ("age", "?, ?")):
        with suppress(sqlite3.Error), closing(_looked_at(path)) as file:
            rows = file.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - a table of ours
            fresh.executemany(f"INSERT INTO {table} VALUES ({values})", rows)  # noqa: S608 - as above
    with suppress(sqlite3.Error), closing(_looked_at(path)) as file:
        fresh.executemany("INSERT INTO damage VALUES (?, ?)", file.execute("SELECT file, lost FROM damage").fetchall())
        done = file.execute('SELECT row, "transaction" FROM request ORDER BY row').fetchall()
        fresh.executemany("INSERT OR IGNORE INTO request VALUES (?, ?)", done)


def _looked_at(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1, isolation_level=None)


def _whole(rows: Iterable[_Row], failing: set[int]) -> Iterator[_Row]:
    """Yield those of *rows* that are what was written; add the numbers of the others to *failing*."""
    for row in rows:
        if schema.unchanged(row.epoch, row.seq, row.id, row.body, row.crc):
            yield row
        else:
            failing.add(row.row)


def _unfound(path: Path, fresh: sqlite3.Connection) -> set[int]:
    """Return the owed rows that the index of the damaged file names and *fresh* has not, as far as it can be read.

    A page that says it has fewer rows than it has is no error to SQLite.
    """
    sql = "SELECT row FROM event INDEXED BY owed WHERE held_at IS NULL"
    with suppress(sqlite3.Error), closing(_looked_at(path)) as file:
        named = {row for (row,) in file.execute(sql)}
        return named - {row for (row,) in fresh.execute(sql)}
    return set()


def _follow(path: Path, fresh: sqlite3.Connection) -> int:
    """Take from the log the rows that came after all that the trees know; return how many of them are lost."""
    known = 0
    with suppress(sqlite3.Error), closing(_looked_at(path)) as file:
        known = _highest(file)
    fresh.executemany(_INSERT, _whole(_by_log(path, range(known + 1, sys.maxsize)), set()))
    (lost,) = fresh.execute("SELECT max(row) - ?1 - count(*) FROM event WHERE row > ?1", (known,)).fetchone()
    return int(lost or 0)


def _count(file: sqlite3.Connection) -> int:
    return int(file.execute("SELECT count(*) FROM event").fetchone()[0])


def _holes(file: sqlite3.Connection) -> int:
    """Return how many numbers are missing inside the epochs."""
    held = "SELECT max(seq) - min(seq) + 1 - count(*) AS holes FROM event GROUP BY epoch"
    return int(file.execute(f"SELECT coalesce(sum(holes), 0) FROM ({held})").fetchone()[0])  # noqa: S608 - ours


def _by_tree(path: Path, failing: set[int]) -> Iterator[_Row]:
    """Yield the rows that SQLite finds; add the numbers to *failing* where it finds damage instead."""
    try:
        file = _looked_at(path)
    except sqlite3.Error:
        return
    with closing(file):
        file.text_factory = bytes  # a damaged text need not be one
        crc = "crc" if _has_crc(file) else "NULL"
        sql = f"SELECT row, epoch, seq, id, body, held_at, {crc} FROM event WHERE row"  # noqa: S608 - a column of ours
        last, top, tried = 0, _highest(file), 0
        while last < top and tried <= MAX_TRIED:
            try:
                some = file.execute(f"{sql} > ? ORDER BY row LIMIT ?", (last, STRIDE)).fetchall()
            except sqlite3.Error:  # one by one over the damage, and on in strides behind it
                after, last = last, min(last + STRIDE, top)
                some = list(_one_by_one(file, sql, range(after + 1, last + 1), failing))
                tried += STRIDE
            else:
                last = some[-1][0] if some else top
            for one in some:
                yield from _read(one, failing)


def _one_by_one(file: sqlite3.Connection, sql: str, rows: range, failing: set[int]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        try:
            one = file.execute(f"{sql} = ?", (row,)).fetchone()
        except sqlite3.Error:
            failing.add(row)
        else:
            if one is not None:
                yield one


def _read(values: tuple[Any, ...], failing: set[int]) -> Iterator[_Row]:
    match values:
        case (int(row), bytes(epoch), int(seq), bytes(id_), bytes(body), int() | None as held_at, int() | None as crc):
            with suppress(UnicodeDecodeError):
                yield _Row(row, epoch.decode(), seq, id_.decode(), body, held_at, crc)
                return
    failing.add(int(str(values[0])))


def _has_crc(file: sqlite3.Connection) -> bool:
    with suppress(sqlite3.Error):
        return any(name == b"crc" for _, name, *_ in file.execute("PRAGMA table_info(event)"))
    return True


def _highest(file: sqlite3.Connection) -> int:
    """Return a row number that no row of the file is above, as far as any part of it still says."""
    top = 0
    for sql in (
        "SELECT seq FROM sqlite_sequence WHERE name = 'event'",
        "SELECT max(row) FROM event",
        "SELECT max(row) FROM event INDEXED BY owed WHERE held_at IS NULL",
    ):
        with suppress(sqlite3.Error, TypeError):
            (highest,) = file.execute(sql).fetchone()
            top = max(top, highest or 0)
    return min(top, 100_000_000)


def _by_page(path: Path, wanted: Container[int] | None) -> Iterator[_Row]:
    """Yield what stands in the log, in the file, and in what the log holds of older times, the newest page first."""
    yield from _by_log(path, wanted)
    yield from _within(path, _sqlite_pages.pages, wanted)
    yield from _within(_log(path), partial(_sqlite_wal.pages, current=False), wanted)


def _by_log(path: Path, wanted: Container[int] | None) -> Iterator[_Row]:
    """Yield what stands in the log, also where SQLite does not believe it any more."""
    return _within(_log(path), partial(_sqlite_wal.pages, current=True), wanted)


def _within(path: Path, pages: Callable[[mmap, int], Iterator[bytes]], wanted: Container[int] | None) -> Iterator[_Row]:
    with (
        suppress(FileNotFoundError, ValueError),  # none, or an empty one
        path.open("rb") as file,
        mmap(file.fileno(), 0, access=ACCESS_READ) as octets,
    ):
        for page in pages(octets, schema.PAGE):
            yield from _of_page(page, wanted)


def _of_page(page: bytes, wanted: Container[int] | None) -> Iterator[_Row]:
    for columns in (COLUMNS, COLUMNS - 1):
        for row, values in _sqlite_pages.rows(page, columns, wanted):
            match values[1:] if columns == COLUMNS else [*values[1:], None]:
                case [str(epoch), int(seq), str(id_), bytes(body), int() | None as held_at, int() | None as crc]:
                    yield _Row(row, epoch, seq, id_, body, held_at, crc)
