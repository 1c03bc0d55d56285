"""The outbox's file: its tables, how an older one becomes a newer, and what tells a row that is whole.

Version 2 has a checksum for each row, the requests that were answered, and what was lost with damaged files.
Rows of version 1 keep no checksum (NULL): to compute it would rewrite the whole file, perhaps on a full disk,
and vouch for bodies that nobody had vouched for.

Since then tables were added that the program before passes over: whose rows these are, and how long they are held.
"""

import re
import sqlite3
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from device.wire import MAX_POINT, MAX_SEQ, POINT, loads

APPLICATION_ID = 0x7469_7469
VERSION = 2
PAGE = 4096
"""Bytes of a page; set, so that a damaged header is not needed to know it."""

_EVENT = """
CREATE TABLE event (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL,
    held_at INTEGER,
    crc INTEGER,
    UNIQUE (epoch, seq)
) STRICT;
CREATE INDEX owed ON event (row) WHERE held_at IS NULL;
CREATE INDEX held ON event (held_at) WHERE held_at IS NOT NULL;
"""
_SINCE_2 = f"""
CREATE TABLE request (row INTEGER PRIMARY KEY AUTOINCREMENT, "transaction" TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE damage (file TEXT NOT NULL, lost INTEGER NOT NULL) STRICT;
PRAGMA user_version = {VERSION};
"""
ADDED = ("age", "owner", "uptime")
"""Tables that a file of version 2 may still lack."""
_ADDED = """
CREATE TABLE IF NOT EXISTS owner (point TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS uptime (seconds INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS age (held_at INTEGER PRIMARY KEY, uptime INTEGER NOT NULL) STRICT;
"""
_NEW = f"BEGIN IMMEDIATE;{_EVENT}{_SINCE_2}{_ADDED}PRAGMA application_id = {APPLICATION_ID};COMMIT;"
_FROM_1 = f"BEGIN IMMEDIATE;ALTER TABLE event ADD COLUMN crc INTEGER;{_SINCE_2}COMMIT;"
_TAIL = 300
"""Bytes at the end of a body in which its ``source`` stands: the keys are sorted, and those after it are short."""
_SOURCE = re.compile(rb'"source":"/titik/([a-z0-9-]+)","specversion":')


class Span(NamedTuple):
    """An epoch of which rows are on the card, from the first of them to the last."""

    epoch: str
    first: int
    last: int


class Recalled(NamedTuple):
    """What a replay found: rows owed *again*, and rows that are on the card at all, owed ones included."""

    again: int
    kept: int


def connect(path: Path, timeout: float = 5.0) -> sqlite3.Connection:
    """Return the file at *path*, which is there, for whichever thread has the turn; raises sqlite3.Error.

    A file that is missing SQLite would make itself, and for everybody to read.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)


def prepare(file: sqlite3.Connection) -> None:
    """Set *file* up, make the tables if it is empty, or look whether it is ours and whole; version 1 becomes 2.

    Raises sqlite3.DatabaseError; the sentence begins with ``malformed`` where the file itself is damaged.
    """
    file.execute(f"PRAGMA page_size = {PAGE}")
    if file.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise sqlite3.OperationalError("this disk takes no write-ahead log")  # without it, FULL keeps less
    file.execute("PRAGMA synchronous = FULL")
    file.execute("PRAGMA journal_size_limit = 4194304")
    file.execute("PRAGMA temp_store = MEMORY")  # no file but the ones beside it, wherever the disk is full
    ours = file.execute("PRAGMA application_id").fetchone()[0]
    version = file.execute("PRAGMA user_version").fetchone()[0]
    if ours == 0 and not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        make(file)
        return
    if ours != APPLICATION_ID or version not in (1, VERSION):
        raise sqlite3.NotSupportedError("the outbox is of another version of this program")
    if (wrong := file.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(f"malformed: {wrong}")
    if version == 1:
        _whole(file, _FROM_1)
    there = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not there.issuperset(ADDED):
        _whole(file, f"BEGIN IMMEDIATE;{_ADDED}COMMIT;")
    file.execute("BEGIN IMMEDIATE")  # what cannot be written is known now, not at the first person
    file.execute("ROLLBACK")


def make(file: sqlite3.Connection) -> None:
    """Make the tables in an empty *file*, in one transaction; raises sqlite3.Error."""
    _whole(file, _NEW)


def _whole(file: sqlite3.Connection, script: str) -> None:
    try:
        file.executescript(script)
    except sqlite3.Error:
        if file.in_transaction:
            file.execute("ROLLBACK")
        raise


def checksum(epoch: str, seq: int, id_: str, body: bytes) -> int:
    """Return the CRC-32 of a row: of its place, its id and its body."""
    return crc32(body, crc32(f"{epoch} {seq} {id_} ".encode()))


def unchanged(epoch: str, seq: int, id_: str, body: bytes, crc: int | None) -> bool:
    """Return whether the row is what was written: by its checksum, or by its own words where it has none."""
    return checksum(epoch, seq, id_, body) == crc if crc is not None else own(epoch, seq, id_, body)


def own(epoch: str, seq: int, id_: str, body: bytes) -> bool:
    """Return whether *body* is JSON and speaks of itself as this row does; ``wire.dumps`` wrote it, compactly."""
    try:
        loads(body)
    except ValueError:
        return False
    number = b'"seq":%d' % seq
    return (
        f'"id":"{id_}"'.encode() in body
        and f'"epoch":"{epoch}"'.encode() in body
        and (number + b"," in body or number + b"}" in body)
    )


def named(body: bytes) -> str | None:
    """Return the point whose event *body* is, by its own words; ``None`` where they name none. A tail is enough."""
    found = _SOURCE.search(body[-_TAIL:])
    name = "" if found is None else found[1].decode()
    return name if len(name) <= MAX_POINT and POINT.match(name) else None


def owner(file: sqlite3.Connection) -> str | None:
    """Return the point whose file this is; ``None`` where nothing says so, or its newest row says otherwise."""
    # The latter is what the program before leaves, which knows no owner, when it was told another name.
    row = file.execute("SELECT CAST(point AS BLOB) FROM owner").fetchone()
    name = row[0].decode(errors="replace") if row else ""
    newest = file.execute("SELECT substr(body, ?) FROM event ORDER BY row DESC LIMIT 1", (-_TAIL,)).fetchone()
    if not POINT.match(name) or (newest and named(newest[0]) not in (None, name)):
        return None
    return name


def own_up(file: sqlite3.Connection, point: str) -> None:
    """Write down that *file* is *point*'s."""
    file.execute("DELETE FROM owner")
    file.execute("INSERT INTO owner VALUES (?)", (point,))


def foreign(file: sqlite3.Connection, point: str) -> dict[str, list[int]]:
    """Return the rows of other points than *point*, by whose they are, the latest such point last; reads every row."""
    found: dict[str, list[int]] = {}
    for row, tail in file.execute("SELECT row, substr(body, ?) FROM event ORDER BY row", (-_TAIL,)):
        if (name := named(tail)) not in (None, point):
            rows = found.pop(name, [])  # ends up behind the others
            rows.append(row)
            found[name] = rows
    return found


def is_empty(file: sqlite3.Connection) -> bool:
    """Return whether *file* has no row."""
    return file.execute("SELECT 1 FROM event LIMIT 1").fetchone() is None


def add(file: sqlite3.Connection, epoch: str, seq: int, id_: str, body: bytes) -> None:
    """Write one row, owed."""
    file.execute(
        "INSERT INTO event (epoch, seq, id, body, crc) VALUES (?, ?, ?, ?, ?)",
        (epoch, seq, id_, body, checksum(epoch, seq, id_, body)),
    )


def ids(file: sqlite3.Connection, epoch: str, first: int, last: int, most: int) -> list[str]:
    """Return the ids of these rows in ``seq`` order, *most* at the most."""
    sql = "SELECT id FROM event WHERE epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
    return [id_ for (id_,) in file.execute(sql, (epoch, first, last, most))]


def hold(file: sqlite3.Connection, ids: list[str], held_at: int) -> int:
    """Let the rows of these *ids* be held, unless they are; return how many were owed."""
    sql = "UPDATE event SET held_at = ? WHERE id = ? AND held_at IS NULL"
    return file.executemany(sql, [(held_at, id_) for id_ in ids]).rowcount


def give_way(file: sqlite3.Connection, most: int) -> int:
    """Delete the oldest held rows, *most* of them, and return how many."""
    sql = "DELETE FROM event WHERE row IN (SELECT row FROM event WHERE held_at IS NOT NULL ORDER BY row LIMIT ?)"
    return file.execute(sql, (most,)).rowcount


def recall(file: sqlite3.Connection, span: Span, most: int, room: int) -> Recalled:
    """Make held rows of *span* owed again, *room* of them at most; at most *most* rows of it are looked at."""
    rows = file.execute(
        "SELECT row, held_at FROM event WHERE epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
        (span.epoch, span.first, min(span.last, MAX_SEQ), most),
    ).fetchall()
    again = [(row,) for row, held_at in rows if held_at is not None][: max(0, room)]
    file.executemany("UPDATE event SET held_at = NULL WHERE row = ?", again)
    return Recalled(len(again), len(rows))


def kept(file: sqlite3.Connection, most: int) -> list[Span]:
    """Return the spans of the newest *most* epochs, oldest first."""
    # From one epoch to the next in the index, so that 200,000 rows cost no more than a few.
    found = file.execute(
        "WITH RECURSIVE one(epoch) AS (SELECT min(epoch) FROM event UNION ALL"
        " SELECT (SELECT min(epoch) FROM event WHERE epoch > one.epoch) FROM one WHERE epoch IS NOT NULL),"
        " span(epoch, first, last) AS (SELECT epoch,"
        " (SELECT min(seq) FROM event e WHERE e.epoch = one.epoch),"
        " (SELECT max(seq) FROM event e WHERE e.epoch = one.epoch) FROM one WHERE epoch IS NOT NULL)"
        " SELECT epoch, first, last FROM span ORDER BY"
        " (SELECT row FROM event e WHERE e.epoch = span.epoch AND e.seq = span.last) DESC LIMIT ?",
        (most,),
    ).fetchall()
    return [Span(*span) for span in reversed(found)]


def first_time(file: sqlite3.Connection, transaction: str, most: int) -> bool:
    """Keep *transaction* among the newest *most*; return false if it was there."""
    fresh = file.execute('INSERT OR IGNORE INTO request ("transaction") VALUES (?)', (transaction,)).rowcount
    file.execute(
        "DELETE FROM request WHERE row <= (SELECT row FROM request ORDER BY row DESC LIMIT 1 OFFSET ?)", (most,)
    )
    return fresh == 1


def uncorrected(file: sqlite3.Connection, boot: str) -> bool:
    """Return whether an event of *boot* was taken in doubt, and no ``id.titik.clock`` came after it."""
    # Reads every row. The bodies are compact JSON with sorted keys (`wire.dumps`).
    doubted, corrected = file.execute(
        "SELECT max(CASE WHEN instr(body, ?) THEN row END), max(CASE WHEN instr(body, ?) THEN row END)"
        " FROM event WHERE instr(body, ?)",
        (b'"synced":false', b'"type":"id.titik.clock"', f'"boot":"{boot}"'.encode()),
    ).fetchone()
    return doubted is not None and doubted > (corrected or 0)
