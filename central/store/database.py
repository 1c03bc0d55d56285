"""The database: what was taken is on the disk before anybody is told (SQLite, WAL, synchronous=FULL).

One process writes; readers open the file beside it, see `central.store.status`. Times come in as arguments.
"""

import os
import secrets
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from central import points
from central.events import Claim, Row, stamp
from central.store import audit_log, lost, migrations, reported, strays, tally, troubles
from central.store.dates import Dates
from central.store.lost import Loss
from central.store.missing import Gap, Gaps, Seen
from central.store.schema import APPLICATION_ID, VERSION, version_of
from central.store.troubles import Trouble
from device.model import Place
from device.system.disk import NotPlain, check_database
from device.system.sqlite_errors import damaged, inode, sentence
from device.wire import State, dumps, loads

BUSY = 1.0
"""Seconds to wait for another writer; stopping as a whole has two."""
MOST_UNREAD, MOST_UNREAD_BYTES = 1_000, 67_108_864
"""What the quarantine holds of one point, and of all topics together that are no point's."""

_TICK = Row._fields.index("tick")
"""The columns before it are as the table has them."""
_DATES = ("boot", "uptime", "synced", "at", "earliest", "latest")
_COLUMNS = (*Row._fields[:_TICK], "received", *_DATES)
_INSERT = f"INSERT INTO event ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT DO NOTHING"  # noqa: S608 - columns of ours
_EACH = 1_000
"""Rows of one point that are forgotten at a time."""
OPEN = (
    "NOT EXISTS (SELECT 1 FROM released r WHERE r.topic = quarantine.topic AND r.digest = quarantine.digest"
    ' AND r."left" = 0)'
)
"""Of a quarantined message: that somebody must still look at it."""
TOMBSTONES = "SELECT source, id, point, epoch, seq FROM purged"
_OLD_EVENT = "min(coalesce(at, received), received) < :stamp AND (:point IS NULL OR point = :point)"
"""Nothing happened later than it came in, whatever a clock said."""
_OLD_MESSAGE = "received < :stamp AND (:point IS NULL OR substr(topic, -length(:leaf)) = :leaf)"


class NotOurs(Exception):  # noqa: N818 - what the file is
    """A file that this program must not touch; the sentence says which and why."""


class CannotWrite(Exception):  # noqa: N818 - what is the case, until the disk is well
    """Nothing can be written now; the sentence says why. Nobody may be told that anything is held."""


class Gone(Exception):  # noqa: N818 - what the file is
    """The file was moved or deleted while it was open: what is written now would be on no disk."""


class Kept(NamedTuple):
    """What became of the rows of one message; those that it does not speak of were held already."""

    new: int
    clashes: int
    """New rows whose place another id holds already: a card restored from an old image."""
    false: frozenset[str]
    """Ids that are held with another content; nothing became of these rows."""


class Purged(NamedTuple):
    """What is removed for good."""

    events: int
    messages: int
    """Messages that lay in quarantine."""


class Known(NamedTuple):
    """What is there of one point, in rows."""

    words: int
    """Its last state, info and health, together one."""
    epochs: int
    """Epochs of which it said how far they go."""
    lost: int
    """Ranges of which it said that it has them no longer."""
    troubles: int
    events: int
    messages: int
    """Messages that lie in quarantine."""


class Taken(NamedTuple):
    """What became of a quarantined message that somebody looked at."""

    point: str
    """As whose its events were taken; nothing where it was only seen."""
    at: str
    who: str
    why: str
    taken: int
    """Events of it that are that point's, and held."""
    left: int
    """Events of it that are not held."""


class Store:
    """The file, bound to a ``with`` block; *life* is its random name, made with it.

    Entering makes the file where there is none; *beat* is called after each piece of what may take long.
    Raises `NotOurs` for another program's file, a damaged one or a newer version's, `CannotWrite` where there
    can be no file now. Writing goes through `writing` alone.
    """

    def __init__(self, path: Path, now: datetime, beat: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self.life = ""
        self._now = now
        self._beat = beat
        self._over: list[str] = []
        """Points of which more was said than is remembered, when the file was opened."""
        self._set_aside: Counter[str] = Counter()
        """Quarantined messages by point, and their bytes by point and a slash; empty until the first is needed."""
        self._counted: int | None = None
        """The file's ``data_version`` when they were counted."""

    def __enter__(self) -> Self:
        try:
            check_database(self.path)
            # 0600: the rows are pseudonyms of people; SQLite gives its log the same mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._file = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None)
        except NotPlain as error:
            raise NotOurs(f"{self.path}: {error.strerror}. Next: move it away, or restore a backup") from error
        except OSError as error:
            raise CannotWrite(f"{self.path}: {error.strerror}") from error
        except sqlite3.Error as error:
            raise CannotWrite(f"{self.path}: {sentence(error)}") from error
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(sqlite3.Error):  # a full disk may refuse the last checkpoint; every row is in the log
            self._file.close()

    def _open(self) -> None:
        try:
            fresh = check(self._file, self.path)
            logged = self._file.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
            # Without a log (some network file systems), FULL loses the last commit in half the power cuts (measured).
            self._file.execute(f"PRAGMA synchronous = {'FULL' if logged else 'EXTRA'}")
            self._file.execute("PRAGMA journal_size_limit = 67108864")
            # Random ids touch random pages: more of them in memory, and fewer checkpoints, save a fifth (measured).
            self._file.execute("PRAGMA cache_size = -65536")
            self._file.execute("PRAGMA wal_autocheckpoint = 8000")
            if fresh:
                migrations.begin(self._file, secrets.token_hex(8), stamp(self._now))
            migrations.climb(self._file, self._beat)
            self._over = reported.points(self._file)
            self._dates, self._gaps = Dates(self._file), Gaps(self._file)
            self.life = str(self._file.execute("SELECT centre FROM life").fetchone()[0])
            self._inode = inode(self.path)
        except sqlite3.Error as error:
            if damaged(error):
                raise NotOurs(f"{self.path}: {sentence(error)}. Next: restore a backup, or move it away") from error
            raise CannotWrite(f"{self.path}: {sentence(error)}") from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Bind one transaction: on the disk when the block is left, or nothing of it, and `CannotWrite`.

        Raises `Gone` where the file is no longer at its path.
        """
        try:
            self._file.execute("BEGIN IMMEDIATE")
            yield
            self._file.execute("COMMIT")
        except BaseException as error:
            self._set_aside.clear()
            if self._file.in_transaction:  # a full disk may have rolled it back already
                with suppress(sqlite3.Error):
                    self._file.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) or (isinstance(error, sqlite3.Error) and damaged(error)):
                raise CannotWrite(sentence(error)) from error
            raise
        if inode(self.path) != self._inode:
            raise Gone(f"{self.path} was moved or deleted while the centre was using it")

    def keep(self, rows: Sequence[Row], received: datetime) -> Kept:
        """Insert those of *rows*, all of one point, each id once, that are not held yet.

        What was purged is held for ever, as far as its point is concerned.
        """
        if not rows:
            return Kept(0, 0, frozenset())
        source, point, at = rows[0].source, rows[0].point, stamp(received)
        purged = self._among("SELECT id FROM purged WHERE source = ? AND id", [row.id for row in rows], source)
        gone = {id_ for (id_,) in purged}
        new = [row for row in rows if row.id not in gone]
        taken = self._taken(point, new)
        false = frozenset[str]()
        # Most messages hold only what is new: where none of their places is taken, the insertion itself tells.
        if taken or self._insert(new, at) < len(new):
            held = dict(
                self._among("SELECT id, body FROM event WHERE source = ? AND id", [row.id for row in new], source)
            )
            false = frozenset(row.id for row in new if held.get(row.id, row.body) != row.body)
            new = [row for row in new if row.id not in (held if taken else false)]
            if taken:
                self._insert(new, at)
        clashes = len(new) - len({row.place for row in new} - taken)
        for row in new:
            self._dates.correct(point, row.tick)
        lost.find(self._file, point, new)
        tally.count(self._file, new)
        return Kept(len(new), clashes, false)

    def _insert(self, new: Sequence[Row], at: str) -> int:
        """Insert those of the rows whose ids are not held; return how many."""
        made = [(*row[:_TICK], at, *self._dates.of(row.point, row.time, row.tick, at)) for row in new]
        return self._file.executemany(_INSERT, made).rowcount if made else 0

    def _taken(self, point: str, rows: Sequence[Row]) -> set[Place]:
        """Return the places of *rows* that are held already."""
        seqs = defaultdict(list)
        for row in rows:
            seqs[row.epoch].append(row.seq)
        sql = "SELECT seq FROM event WHERE point = ? AND epoch = ? AND seq"
        return {Place(epoch, seq) for epoch, some in seqs.items() for (seq,) in self._among(sql, some, point, epoch)}

    def _among(self, sql: str, some: Sequence[object], *of: object) -> list[tuple[Any, ...]]:
        """Return the rows of *sql*, which ends with a column, where that is one of *some*."""
        if not some:
            return []
        return self._file.execute(f"{sql} IN ({','.join('?' * len(some))})", (*of, *some)).fetchall()

    def mend(self) -> bool:
        """Date a piece of the events that a correction covers; return whether there was one."""
        return self._dates.mend()

    def tend(self) -> bool:
        """Do a piece of what may wait, in a transaction of its own, and return whether there was anything.

        That is to date events, and to let go what was said beyond what is remembered. Raises `CannotWrite`.
        """
        if not self._over and not self._one("SELECT 1 FROM mend LIMIT 1"):
            return False
        over = self._over[-1:]
        with self.writing():
            whole = [point for point in over if not reported.trim(self._file, point, self._told(point))]
            self.mend()
        if whole:
            self._over.pop()
        return True

    def old(self, before: datetime, point: str | None) -> Purged:
        """Return how much `purge` would remove."""
        (counts,) = self._file.execute(
            f"SELECT (SELECT count(*) FROM event WHERE {_OLD_EVENT}),"  # noqa: S608 - words of ours
            f" (SELECT count(*) FROM quarantine WHERE {_OLD_MESSAGE})",
            _old(before, point),
        )
        return Purged(*counts)

    def purge(self, before: datetime, point: str | None) -> Purged:
        """Remove what happened, or came unreadably, before *before*, of *point* or of all, but for tombstones.

        What is removed is overwritten in the file, once `shrink` has been.
        """
        of = _old(before, point)
        self._file.execute("PRAGMA secure_delete = ON")
        self._file.execute(
            f"INSERT INTO purged SELECT source, id, point, epoch, seq FROM event WHERE {_OLD_EVENT}"  # noqa: S608 - as above
            " ON CONFLICT DO NOTHING",
            of,
        )
        events = self._file.execute(f"DELETE FROM event WHERE {_OLD_EVENT}", of).rowcount  # noqa: S608 - words of ours
        messages = self._file.execute(f"DELETE FROM quarantine WHERE {_OLD_MESSAGE}", of).rowcount  # noqa: S608 - as above
        self._file.execute("DELETE FROM released WHERE (topic, digest) NOT IN (SELECT topic, digest FROM quarantine)")
        # Corrections stay: they name nobody, and what comes late needs its true time to be purged by it.
        return Purged(events, messages)

    def bury(self, tombstones: Iterable[tuple[Any, ...]]) -> int:
        """Take *tombstones* over from another life of this database, and remove what they speak of; return how much."""
        self._file.execute("PRAGMA secure_delete = ON")
        self._file.executemany("INSERT INTO purged VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", tombstones)
        return self._file.execute("DELETE FROM event WHERE (source, id) IN (SELECT source, id FROM purged)").rowcount

    def shrink(self) -> None:
        """Give the room of what was removed back to the disk, and leave none of it in the log. Raises `CannotWrite`.

        Nobody else may have the file open for long; it wants free room of the size of what is left.
        """
        try:
            self._file.execute("VACUUM")
        except sqlite3.Error as error:
            raise CannotWrite(sentence(error)) from error
        finally:
            with suppress(sqlite3.Error):
                self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def said(self) -> list[tuple[str, str, int]]:
        """Return point, epoch and the highest seq of which the point said that it is, or was, its own."""
        return self.read("SELECT point, epoch, seq FROM said ORDER BY rowid")

    def look(self, point: str, asked: Sequence[Gap] = ()) -> Seen:
        """Return a piece of what of *point* is neither held, purged nor unread, and not told lost: see `gaps.Gaps`.

        Raises `NotOurs` where the file is damaged, and `CannotWrite` where it cannot be read.
        """
        try:
            seen = self._gaps.look(point, asked)
            return seen._replace(gaps=strays.charged(self._file, point, seen.gaps))
        except sqlite3.Error as error:
            if damaged(error):
                raise NotOurs(f"{self.path}: {sentence(error)}. Next: restore a backup, or move it away") from error
            raise CannotWrite(sentence(error)) from error

    def lose(self, point: str, gap: Gap, at: datetime) -> None:
        """Note that *point* says it no longer has *gap*: it is not missing any more, and not held either."""
        lost.lose(self._file, Loss(point, *gap, stamp(at)))

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows that *sql*, a statement that only reads, gives for *values*."""
        return self._file.execute(sql, values).fetchall()

    def quarantine(self, topic: str, body: bytes, why: str, received: datetime) -> str | None:
        """Hold a message that cannot be read, once, and return the SHA-256 (hex) of its bytes.

        ``None`` where it is not held, since so much of the point is that it must be looked at first.
        """
        digest = sha256(body).hexdigest()
        if self._one("SELECT 1 FROM quarantine WHERE topic = ? AND digest = ?", topic, digest):
            return digest
        # What was looked at by hand takes no room any more; that is done by another program, beside this one.
        if not self._set_aside or self._counted != self._one("PRAGMA data_version"):
            self._set_aside, self._counted = Counter({"": 0}), self._one("PRAGMA data_version")
            for of, size in self._file.execute(f"SELECT topic, length(bytes) FROM quarantine WHERE {OPEN}"):  # noqa: S608 - words of ours
                self._count_in(of, size)
        name = points.in_topic(topic)
        if self._set_aside[name] >= MOST_UNREAD or self._set_aside[name + "/"] + len(body) > MOST_UNREAD_BYTES:
            return None
        self._file.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?)", (topic, body, digest, why, stamp(received)))
        self._count_in(topic, len(body))
        return digest

    def pass_over(self, point: str, unread: Iterable[Place]) -> None:
        """Note where events of *point* stand that lie in quarantine: if they were asked for, the same would come."""
        some = [(point, *place) for place in unread]
        self._file.executemany("INSERT INTO unread VALUES (?, ?, ?) ON CONFLICT DO NOTHING", some)

    def stray(self, point: str, claims: Iterable[Claim]) -> None:
        """Note which of *claims*, that came on *point*'s topic and cannot be taken, are another point's."""
        strays.note(self._file, point, claims)

    def uncharge(self, point: str, epochs: Iterable[str]) -> None:
        """Forget what was said of *epochs* under the name *point*, where they are another's."""
        strays.uncharge(self._file, point, epochs)

    def released(self, topic: str, digest: str, taken: Taken) -> None:
        """Note what became of a quarantined message; its body stays."""
        self._file.execute(
            "INSERT INTO released VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (topic, digest, point)"
            ' DO UPDATE SET taken = max(taken, excluded.taken), "left" = min("left", excluded."left")',
            (topic, digest, *taken),
        )

    def note(self, *lines: audit_log.Line) -> None:
        """Add *lines* to what was done by hand."""
        audit_log.add(self._file, lines)

    def noted(self) -> list[audit_log.Line]:
        """Return what was done by hand, oldest first."""
        return audit_log.read(self._file)

    def points(self) -> list[str]:
        """Return the points that anything is known of."""
        return points.known(self._file)

    def _count_in(self, topic: str, size: int) -> None:
        name = points.in_topic(topic)
        self._set_aside[name] += 1
        self._set_aside[name + "/"] += size

    def state(self, point: str) -> str | None:
        """Return what *point* last said its state was."""
        return _word(self._told(point), "state")

    def tell_state(self, point: str, told: dict[str, Any]) -> bool:
        """Note *point*'s state; return whether it is news, which the will of an older boot is not."""
        before = self._told(point)
        if told.get("state") == State.OFFLINE and before and told.get("boot") != before.get("boot"):
            return False
        if "kept" not in told and "kept" in before:  # a will says no epochs; those of its card stay known
            told = {**told, "kept": before["kept"]}
        if "kept" in before:
            for epoch in lost.reappear(self._file, point, before, told):
                self._gaps.forget(point, epoch)
        self._station(point, "state", dumps(told).decode())
        reported.note(self._file, point, told, told)
        return told.get("state") != before.get("state")

    def tell_info(self, point: str, told: dict[str, Any]) -> None:
        """Note what *point* is."""
        self._station(point, "info", dumps(told).decode())

    def tell_health(self, point: str, told: dict[str, Any], at: datetime) -> None:
        """Note how *point* fares, as it said at the time *at*."""
        self._station(point, "health", dumps(told).decode())
        self._station(point, "health_at", stamp(at))
        # A health has no list of epochs: that is a state's.
        reported.note(self._file, point, self._told(point), {**told, "kept": None})

    def saw(self, point: str, at: datetime) -> None:
        """Note that *point* itself was heard at *at*."""
        self._station(point, "seen", stamp(at))
        self._file.execute("DELETE FROM forgotten WHERE point = ?", (point,))

    def forgotten(self, point: str) -> bool:
        """Return whether *point* was forgotten, and not heard itself since."""
        return self._one("SELECT 1 FROM forgotten WHERE point = ?", point) is not None

    def trouble(self, point: str, word: str, told: dict[str, Any], at: datetime) -> bool:
        """Note a trouble, see `central.store.troubles`, or that it is there still; return whether it is new."""
        new = self._one("SELECT 1 FROM trouble WHERE point = ? AND word = ?", point, word) is None
        troubles.begin(self._file, point, word, told, stamp(at))
        return new

    def known(self, point: str) -> Known:
        """Return how much is there of *point*."""
        (counts,) = self._file.execute(
            "SELECT (SELECT count(*) FROM station WHERE point = :point),"
            " (SELECT count(*) FROM said WHERE point = :point), (SELECT count(*) FROM lost WHERE point = :point),"
            " (SELECT count(*) FROM trouble WHERE point = :point),"
            " (SELECT count(*) FROM event WHERE point = :point),"
            " (SELECT count(*) FROM quarantine WHERE substr(topic, -length(:leaf)) = :leaf)",
            {"point": point, "leaf": f"/{point}/event"},
        )
        return Known(*counts)

    def forget(self, point: str, at: datetime) -> bool:
        """Remove a piece of what was merely said of *point*; return whether there may be more.

        What the broker keeps of it is passed over until it is heard itself. Corrections stay where an event is held:
        they may be of its boot.
        """
        piece = {"point": point, "most": _EACH}
        gone = 0
        for table in ("said", "lost"):
            gone += self._file.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE point = :point LIMIT :most)",  # noqa: S608 - words of ours
                piece,
            ).rowcount
        if gone:
            return True
        for table in ("station", "trouble"):
            self._file.execute(f"DELETE FROM {table} WHERE point = :point", piece)  # noqa: S608 - as above
        if self._one("SELECT 1 FROM event WHERE point = ? LIMIT 1", point) is None:
            for table in ("clock", "mend"):
                self._file.execute(f"DELETE FROM {table} WHERE point = :point", piece)  # noqa: S608 - as above
        self._file.execute("INSERT INTO forgotten VALUES (?, ?) ON CONFLICT DO NOTHING", (point, stamp(at)))
        return False

    def troubles(self) -> list[Trouble]:
        """Return all troubles that are noted."""
        return troubles.known(self._file)

    def over(self, point: str, word: str) -> None:
        """Note that a trouble has ended."""
        troubles.end(self._file, point, word)

    def _told(self, point: str) -> dict[str, Any]:
        text = self._one("SELECT state FROM station WHERE point = ?", point)
        return loads(text.encode()) if text else {}

    def _station(self, point: str, column: str, value: str) -> None:
        self._file.execute(
            f"INSERT INTO station (point, {column}) VALUES (?, ?)"  # noqa: S608 - a column of ours, never a stranger's word
            f" ON CONFLICT (point) DO UPDATE SET {column} = excluded.{column}",
            (point, value),
        )

    def _one(self, sql: str, *values: object) -> Any:
        row = self._file.execute(sql, values).fetchone()
        return row and row[0]


def _old(before: datetime, point: str | None) -> dict[str, object]:
    return {"stamp": stamp(before), "seconds": before.timestamp(), "point": point, "leaf": f"/{point}/event"}


def check(file: sqlite3.Connection, path: Path) -> bool:
    """Return whether *file* is empty; raises `NotOurs` unless it is that or a database of this version."""
    owner = file.execute("PRAGMA application_id").fetchone()[0]
    version = version_of(file)
    if owner == version == 0 and not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return True
    if owner != APPLICATION_ID:
        raise NotOurs(f"{path} is a database of another program. Next: correct [store] path in the configuration")
    if version > VERSION:
        raise NotOurs(
            f"{path} is of version {version}, and this program knows versions to {VERSION}."
            " Next: install the newer titik-central again"
        )
    return False


def _word(told: dict[str, Any], key: str) -> str | None:
    value = told.get(key)
    return value if isinstance(value, str) else None
