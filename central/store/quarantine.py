"""Messages that could not be taken as events of their topic's point: held as they came, so much of each point.

Nothing is ever taken out of it but by a purge: a message that somebody looked at stays, with a note of what became of
it.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from central import points
from central.events import Claim, claims, stamp
from central.store import known_points
from central.store.file import reading
from device.model import Place
from device.system.errors import TitikError

MAX_UNREAD, MAX_UNREAD_BYTES = 1_000, 67_108_864
"""What the quarantine holds of one point, and of all topics together that are no point's."""
OPEN = (
    "NOT EXISTS (SELECT 1 FROM released r WHERE r.topic = quarantine.topic AND r.digest = quarantine.digest"
    ' AND r."left" = 0)'
)
"""Of a quarantined message: that somebody must still look at it."""
_COLUMNS = ("number", "topic", "digest", "bytes", "why", "received")
_SELECT = "SELECT rowid, topic, digest, length(bytes), why, received, bytes FROM quarantine WHERE rowid = ?"
Read = Callable[..., list[tuple[Any, ...]]]
"""What gives the rows of a statement for its values."""


class NotReleasedError(TitikError):
    """Nothing, or nothing more, is released; the sentence says which."""


class Review(NamedTuple):
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


class ClaimedRange(NamedTuple):
    """Events of one message that say they are of one point and one epoch."""

    point: str | None
    """``None`` where they name no point that is also their source."""
    epoch: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Held:
    """One message in quarantine."""

    number: int
    """Good until the next purge."""
    point: str
    """The point in its topic; nothing where no point has that name."""
    topic: str
    digest: str
    bytes: int
    why: str
    received: str
    events: int
    """What it holds, whatever that is worth."""
    spans: tuple[ClaimedRange, ...]
    released: tuple[Review, ...]

    @property
    def open(self) -> bool:
        """Whether somebody must still look at it."""
        return all(review.left for review in self.released)

    def wire(self) -> dict[str, Any]:
        """Return it as its JSON has it."""
        fields = {**asdict(self), "open": self.open}
        fields["released"] = [review._asdict() for review in self.released]
        fields["spans"] = [span._asdict() for span in self.spans]
        return fields


class Quarantine:
    """Holds messages in *file*, and knows how much room each point has left."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self._held: Counter[str] = Counter()
        """Messages by point, and their bytes by point and a slash; empty until the first is needed."""
        self._counted: int | None = None
        """The file's ``data_version`` when they were counted."""

    def hold(self, topic: str, body: bytes, why: str, received: datetime) -> str | None:
        """Hold a message that cannot be read, once, and return the SHA-256 (hex) of its bytes.

        ``None`` where it is not held, since so much of the point is that it must be looked at first.
        """
        digest = sha256(body).hexdigest()
        if self._one("SELECT 1 FROM quarantine WHERE topic = ? AND digest = ?", topic, digest):
            return digest
        # What was looked at by hand takes no room any more; that is done by another program, beside this one.
        if not self._held or self._counted != self._one("PRAGMA data_version"):
            self._held, self._counted = Counter({"": 0}), self._one("PRAGMA data_version")
            for of, size in self._file.execute(f"SELECT topic, length(bytes) FROM quarantine WHERE {OPEN}"):  # noqa: S608 - words of ours
                self._count_in(of, size)
        name = points.in_topic(topic)
        if self._held[name] >= MAX_UNREAD or self._held[name + "/"] + len(body) > MAX_UNREAD_BYTES:
            return None
        self._file.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?)", (topic, body, digest, why, stamp(received)))
        self._count_in(topic, len(body))
        return digest

    def count_anew(self) -> None:
        """Believe nothing that was counted: a transaction was taken back."""
        self._held.clear()

    def _count_in(self, topic: str, size: int) -> None:
        name = points.in_topic(topic)
        self._held[name] += 1
        self._held[name + "/"] += size

    def _one(self, sql: str, *values: object) -> Any:
        row = self._file.execute(sql, values).fetchone()
        return row and row[0]


def pass_over(file: sqlite3.Connection, point: str, unread: Iterable[Place]) -> None:
    """Note where events of *point* stand that lie in quarantine: if they were asked for, the same would come."""
    some = ((point, *place) for place in unread)
    file.executemany("INSERT INTO unread VALUES (?, ?, ?) ON CONFLICT DO NOTHING", some)


def note(file: sqlite3.Connection, topic: str, digest: str, review: Review) -> None:
    """Note what became of a message; its body stays."""
    file.execute(
        "INSERT INTO released VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (topic, digest, point)"
        ' DO UPDATE SET taken = max(taken, excluded.taken), "left" = min("left", excluded."left")',
        (topic, digest, *review),
    )


def listed(path: Path, point: str | None = None) -> list[Held]:
    """Return what lies in quarantine, oldest first: all, or what came on the topic of *point* or names it.

    Raises `file.DatabaseMissingError`, `file.ForeignDatabaseError`, and `points.UnknownPointError` for a name that
    nothing is known of.
    """
    with reading(path) as file:
        if point is not None:
            points.check(point, known_points.names(file))
        read = asking(file)
        found = (held(read, number) for (number,) in read("SELECT rowid FROM quarantine ORDER BY rowid"))
        # One body at a time: together they are many megabytes.
        return [one for one, _ in found if point is None or point in {one.point, *(span.point for span in one.spans)}]


def asking(file: sqlite3.Connection) -> Read:
    """Return what gives the rows of a statement in *file*."""
    return lambda sql, *values: file.execute(sql, values).fetchall()


def message(read: Read, number: int) -> tuple[dict[str, Any], bytes]:
    """Return the columns of message *number*, and its bytes; raises `NotReleasedError` where there is none."""
    found = read(_SELECT, number)
    if not found:
        raise NotReleasedError(f"there is no message {number} in quarantine. Next: titik-central quarantine list")
    (*columns, body) = found[0]
    return dict(zip(_COLUMNS, columns, strict=True)), body


def held(read: Read, number: int) -> tuple[Held, bytes]:
    """Return message *number*, and its bytes; raises `NotReleasedError` where there is none."""
    columns, body = message(read, number)
    some = claims(body)
    reviews = read(
        'SELECT point, at, who, why, taken, "left" FROM released WHERE topic = ? AND digest = ? ORDER BY at, point',
        columns["topic"],
        columns["digest"],
    )
    return Held(
        **columns,
        point=points.in_topic(columns["topic"]),
        events=len(some),
        spans=tuple(_spans(some)),
        released=tuple(Review(*row) for row in reviews),
    ), body


def _spans(some: Sequence[Claim]) -> Iterator[ClaimedRange]:
    """Yield a range for each point and epoch that the events name, in the order of their first."""
    found: dict[tuple[str | None, str], tuple[int, int]] = {}
    for claim in some:
        if claim.place is not None:
            of, seq = (claim.point, claim.place.epoch), claim.place.seq
            first, last = found.get(of, (seq, seq))
            found[of] = min(first, seq), max(last, seq)
    for (point, epoch), (first, last) in found.items():
        yield ClaimedRange(point, epoch, first, last)
