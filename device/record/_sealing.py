"""Whose an outbox is, and what becomes of one that is another point's: a card that was given another name, or moved.

No row goes out under another point's name (``design.md``, The delivery promise). So a file that is another point's is
renamed as it is, and a new one takes its place; given its name back, it becomes the outbox again. A file in which the
program before mixed the rows of several points is parted first.

The power may go away at any step: a name is moved at once or not at all, and rows are in their new file, durably,
before they leave the old one.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from device.record import _recovery, schema
from device.record._held_age import HeldAge
from device.record.sealed import Sealed, alone, count, find, following, opened, paths, transaction
from device.system.disk import make_private, sync_folder
from device.system.errors import TitikError
from device.system.sqlite_errors import damaged, sentence

log = logging.getLogger(__name__)

MAX_SEALED = 16
"""Sealed files; each is a name that somebody gave this card, and a disk has an end."""
AT_A_TIME = 1000
"""Rows that are looked at, or moved, at once."""
_COLUMNS = "epoch, seq, id, body, held_at, crc"
_INSERT = f"({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"


class SealError(TitikError):
    """A file can be neither sealed nor taken back; the sentence says why, and what next."""


class Limit(NamedTuple):
    """How much an outbox may take of what is sealed: rows that are owed then, and bytes."""

    owed: int
    room: int


def claim(file: sqlite3.Connection, path: Path, point: str) -> str:
    """Find out whose *file* at *path* is, write it down and return it; an empty one is *point*'s from now on.

    Rows of several points are parted: those of all but the latest go into sealed files. Raises sqlite3.Error, OSError.
    """
    whose = schema.owner(file)
    if whose is None:
        others = schema.foreign(file, point)
        newest = file.execute("SELECT max(row) FROM event").fetchone()[0]
        whose = next((name for name, rows in others.items() if rows[-1] == newest), point)
        mine = schema.foreign(file, whose) if whose != point else others
        for name, rows in mine.items():
            _part(file, path, name, rows)
        with transaction(file):
            for rows in mine.values():
                file.executemany("DELETE FROM event WHERE row = ?", ((row,) for row in rows))
            schema.own_up(file, whose)
    if whose != point and schema.is_empty(file) and not any(one.point == point for one in find(path)):
        with transaction(file):
            schema.own_up(file, point)
        return point
    return whose


def away(file: sqlite3.Connection, path: Path, whose: str) -> None:
    """Close *file* and seal it under the name of *whose* it is. Raises sqlite3.Error, OSError and `SealError`."""
    empty = schema.is_empty(file)
    if not empty and len(paths(path)) >= MAX_SEALED:
        raise SealError(
            f"the outbox belongs to {whose}, and {MAX_SEALED} of other points are sealed here already."
            " Next: titik queue list; carry them to the centre by titik queue export, then titik queue import"
        )
    owed, held = count(file)
    alone(file)
    if empty:
        path.unlink()
        log.info("the outbox of %s was empty and is taken away", whose)
    else:
        target = _free(path, whose)
        path.rename(target)
        log.error(
            "the outbox belongs to %s: it is sealed as %s with %d events owed and %d held. Next: %s",
            whose,
            target.name,
            owed,
            held,
            following(whose) if owed else "nothing; the centre holds all of it",
        )
    sync_folder(path.parent)


def back(path: Path, point: str, stamp: str) -> bool:
    """Let a sealed file of *point* be the outbox at *path*, where none is; return whether there was one.

    Raises sqlite3.Error and OSError.
    """
    for one in find(path):
        if one.point == point and one.path.is_file():  # what is no file holds nothing, and `look` says that it is there
            try:
                with closing(opened(one.path)) as file:
                    alone(file)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                # Damaged: who opens it saves what is whole. Nothing but settling was ever in a log beside it.
            _recovery.put(one.path, path, stamp)
            log.warning("%s is the outbox of %s again", one.path.name, point)
            return True
    return False


def join(file: sqlite3.Connection, path: Path, point: str, age: HeldAge, limit: Limit) -> None:
    """Take the rows of *point*'s own sealed files into *file*, its outbox, as far as that stays within *limit*.

    Such a file is there where a card was copied. If any row stays behind, it stays sealed. Raises sqlite3.Error where
    *file* is damaged.
    """
    for one in find(path):
        if one.point != point or one.owed is None:
            continue
        if count(file)[0] + one.owed > limit.owed or 2 * one.path.stat().st_size > limit.room:
            log.error("%s is this point's, and its outbox has no room for it yet", one.path.name)
            continue
        try:
            moved = _moved(one, file, age)
        except sqlite3.Error as error:
            if damaged(error) and one in find(path):  # what is damaged is the outbox
                raise
            log.error("%s stays sealed: %s", one.path.name, sentence(error))  # noqa: TRY400 - the sentence is the whole story
        else:
            if moved is None:
                log.error("%s: rows of it are damaged, or stand where others do: it stays sealed", one.path.name)
                continue
            with suppress(OSError):  # then it is found again at the next start, and nothing of it is new
                one.path.unlink()
                sync_folder(path.parent)
            log.warning("%d rows of %s, which is this point's, are in its outbox now", moved, one.path.name)


def _moved(one: Sealed, file: sqlite3.Connection, age: HeldAge) -> int | None:
    """Copy the rows of *one* into *file*; return how many it lacked, ``None`` where any of them is still lacking."""
    with closing(opened(one.path)) as other:
        with transaction(file):
            moved = file.executemany(
                f"INSERT OR IGNORE INTO event {_INSERT}",
                _sound(other),
            ).rowcount
            age.rejuvenate(file)
        if not all(_there(file, ids) for ids in _ids(other)):
            return None
        alone(other)
    return moved


def _part(file: sqlite3.Connection, path: Path, name: str, rows: list[int]) -> None:
    """Copy *rows* of *file*, which are those of the point *name*, into a sealed file; again is nothing."""
    ids = [
        [file.execute("SELECT id FROM event WHERE row = ?", (row,)).fetchone()[0] for row in rows[n : n + AT_A_TIME]]
        for n in range(0, len(rows), AT_A_TIME)
    ]
    for one in find(path):  # a power cut came after the copy
        if one.point == name and one.owed is not None:
            with closing(opened(one.path)) as other:
                if all(_there(other, some) for some in ids):
                    return
    fresh = path.with_name(f"{path.stem}.parting{path.suffix}")
    for ending in ("", "-journal"):
        fresh.with_name(fresh.name + ending).unlink(missing_ok=True)
    make_private(fresh)
    with closing(schema.connect(fresh)) as other:
        _recovery.make(other)
        with transaction(other):
            other.executemany(
                f"INSERT INTO event {_INSERT}",
                (file.execute(f"SELECT {_COLUMNS} FROM event WHERE row = ?", (row,)).fetchone() for row in rows),  # noqa: S608 - ours
            )
            schema.own_up(other, name)
        owed = count(other)[0]
    target = _free(path, name)
    sync_folder(path.parent)
    fresh.rename(target)
    sync_folder(path.parent)
    log.error(
        "%d rows of the outbox belong to %s: they are sealed as %s, %d of them owed. Next: %s",
        len(rows),
        name,
        target.name,
        owed,
        following(name) if owed else "nothing; the centre holds all of them",
    )


def _free(path: Path, point: str) -> Path:
    """Return a name for a sealed file of *point* that nothing has, nor a log left behind."""
    n = 1
    while True:
        free = path.with_name(f"{path.stem}.sealed-{point}{'' if n == 1 else f'.{n}'}{path.suffix}")
        if not any(free.with_name(free.name + ending).exists() for ending in ("", *_recovery.BESIDE)):
            return free
        n += 1


def _sound(file: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    """Yield the rows that are what was written, in their order."""
    for row in file.execute(f"SELECT {_COLUMNS} FROM event ORDER BY row"):  # noqa: S608 - ours
        epoch, seq, id_, body, _held_at, crc = row
        if schema.unchanged(epoch, seq, id_, body, crc):
            yield row


def _ids(file: sqlite3.Connection) -> Iterator[list[str]]:
    found = file.execute("SELECT id FROM event ORDER BY row")
    while some := found.fetchmany(AT_A_TIME):
        yield [id_ for (id_,) in some]


def _there(file: sqlite3.Connection, ids: list[str]) -> bool:
    """Return whether each of *ids* is in *file*."""
    return all(file.execute("SELECT 1 FROM event WHERE id = ?", (id_,)).fetchone() for id_ in ids)
