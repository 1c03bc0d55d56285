"""Messages that could not be taken as events of their topic's point: listed, shown, and given back to whose they are.

Nothing is ever taken out of it but by `purge`: a message that was released stays, with a note by whom, when and as
whose. An event is inserted as it stands in the message, so only as the event of the point that it names itself.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple

from central import points
from central.events import Claim, Row, Unreadable, claims, rows, stamp
from central.ingest.transfer import LONGEST_PAUSE, patiently
from central.store import audit_log
from central.store.backup import lock_of
from central.store.database import OPEN, CannotWrite, Gone, Store, Taken
from central.store.status import reading
from device.system.log import shown
from device.wire import canonical, parse

SHOWN = 65_536
"""Bytes of a body that are shown."""
LONGEST_WHY = 200
_COLUMNS = "rowid, topic, digest, length(bytes), why, received"


class Span(NamedTuple):
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
    """Good until the next `purge`."""
    point: str
    """The point in its topic; nothing where no point has that name."""
    topic: str
    digest: str
    bytes: int
    why: str
    received: str
    events: int
    """What it holds, whatever that is worth."""
    spans: tuple[Span, ...]
    released: tuple[Taken, ...]

    @property
    def open(self) -> bool:
        """Whether somebody must still look at it."""
        return all(taken.left for taken in self.released)

    def wire(self) -> dict[str, Any]:
        """Return it as its JSON has it."""
        told = asdict(self)
        told["released"] = [taken._asdict() for taken in self.released]
        told["spans"] = [span._asdict() for span in self.spans]
        return {**told, "open": self.open}


class Prospect(NamedTuple):
    """What would become of one message if it were released as *point*."""

    point: str
    new: int
    held: int
    """Events that are held already, or were purged."""
    why: str | None
    """Why not all of it would be taken."""


class Released(NamedTuple):
    """What became of one message."""

    number: int
    new: int
    """Events that were not held before."""
    held: int
    """Events that were held, or purged, before."""
    refused: str | None
    """Why nothing of it, or not all, was taken."""


class NotReleased(Exception):  # noqa: N818 - what is the case; the sentence says why, and what next
    """Nothing, or nothing more, is released; the sentence says which."""


def listed(path: Path, point: str | None = None) -> list[Held]:
    """Return what lies in quarantine, oldest first: all, or what came on the topic of *point* or names it.

    Raises `status.Missing`, `store.NotOurs`, and `points.UnknownPoint` for a name that nothing is known of.
    """
    with reading(path) as file:
        if point is not None:
            points.check(point, points.known(file))
        numbers = [row for (row,) in file.execute("SELECT rowid FROM quarantine ORDER BY rowid")]
        found = (_held(file, number) for number in numbers)  # one body at a time: together they are many megabytes
        return [held for held, _ in found if point is None or point in {held.point, *(one.point for one in held.spans)}]


def look(path: Path, number: int) -> tuple[Held, bytes, list[Prospect]]:
    """Return message *number*, its bytes, and what would become of it as the events of each point that it names.

    Raises `NotReleased` where there is none, `status.Missing` and `store.NotOurs`.
    """
    with reading(path) as file:
        held, body = _held(file, number)
        named = sorted({span.point for span in held.spans if span.point} | ({held.point} - {""}))
        prospects = [prospect for point in named if (prospect := _prospect(file, point, body)) is not None]
        return held, body, prospects


def release(  # noqa: PLR0913 - each is one thing that somebody says when releasing
    store: Store, numbers: Sequence[int] | None, point: str, *, who: str, why: str, now: datetime
) -> Iterator[Released]:
    """Take the events of these messages, or of all open ones that name it, as *point*'s; yield what became of each.

    Each message is one commit: its events, what is therefore no longer missing of another name, and a line in the
    audit. What was taken before is not taken again. Raises `NotReleased`, `store.CannotWrite` and `store.Gone`.
    """
    note = Taken(point, stamp(now), who, why[:LONGEST_WHY], 0, 0)
    for number in _chosen(store, numbers, point):
        began = monotonic()
        yield patiently(lambda number=number: _release(store, number, note))  # type: ignore[misc]  # bound now
        sleep(min(LONGEST_PAUSE, monotonic() - began))  # a centre beside this writes meanwhile


def see(store: Store, numbers: Sequence[int], *, who: str, why: str, now: datetime) -> None:
    """Note that somebody looked at these messages, and that nothing more will become of them; they stay."""
    for number in numbers:
        with store.writing():
            held, _ = _message(store.read, number)
            note = Taken("", stamp(now), who, why[:LONGEST_WHY], 0, 0)
            store.released(held["topic"], held["digest"], note)
            store.note(
                audit_log.line(note.at, who, audit_log.SEEN, message=number, digest=held["digest"], why=note.why)
            )


def opened(path: Path, now: datetime, write: Callable[[Store, bool], int]) -> int:
    """Return what *write* gives of the open store at *path* and of whether a centre runs beside it.

    Raises `NotReleased`, `status.Missing` and `store.NotOurs`.
    """
    with reading(path):  # made here, an absent one would be this user's, and the centre could not open it
        pass
    try:
        with ExitStack() as stack:
            store = patiently(lambda: stack.enter_context(Store(path, now)))
            return write(store, lock_of(path).taken() is True)
    except (CannotWrite, Gone) as error:
        raise NotReleased(f"{path}: {error}. Next: the same again, or with sudo") from error


def lines(found: Sequence[Held], civil: Callable[[str | None], str]) -> Iterator[str]:
    """Yield one line for each message, for a person; *civil* writes a time with its zone."""
    for held in found:
        whose = "; ".join(_span(span) for span in held.spans[:2]) + ("; ..." if len(held.spans) > 2 else "")  # noqa: PLR2004 - the two named here
        yield "  ".join(
            [
                f"{held.number:>4}",
                held.point or "-",
                civil(held.received),
                f"{held.bytes} B",
                f"{held.events} peristiwa/events" + (f": {whose}" if whose else ""),
                _became(held),
                shown(held.why),
            ]
        )


def body_lines(body: bytes) -> Iterator[str]:
    """Yield *body* in ASCII: JSON with one event a line, or bytes, what is not printable of them in hexadecimal."""
    try:
        value = parse(body[: SHOWN + 1], SHOWN)
        events = value if isinstance(value, list) else [value]
        told = [json.dumps(event, sort_keys=True, ensure_ascii=True) for event in events]
    except (ValueError, RecursionError):  # no JSON, or none that can be written back
        told = ["".join(chr(c) if 32 <= c < 127 and c != 92 else f"\\x{c:02x}" for c in body[:SHOWN])]  # noqa: PLR2004 - ASCII
    yield from told
    if len(body) > SHOWN:
        yield f"... {len(body) - SHOWN} B"


def _chosen(store: Store, numbers: Sequence[int] | None, point: str) -> list[int]:
    """Return the messages meant; raises `NotReleased` where none of all open ones names *point*."""
    if numbers is not None:
        return list(dict.fromkeys(numbers))
    named: set[str] = set()
    found = []
    for (number,) in store.read(f"SELECT rowid FROM quarantine WHERE {OPEN} ORDER BY rowid"):  # noqa: S608 - words of ours
        ((body,),) = store.read("SELECT bytes FROM quarantine WHERE rowid = ?", number)
        some = {claim.point for claim in claims(body) if claim.point}
        named |= some
        if point in some:
            found.append(number)
    if not found:
        with_name = f"those there name {', '.join(sorted(named)[:20])}" if named else "none there names a point"
        raise NotReleased(f"no open message holds events of {point}; {with_name}. Next: titik-central quarantine list")
    return found


def _release(store: Store, number: int, note: Taken) -> Released:
    """Take what message *number* holds of the point of *note*, and complete the note."""
    point = note.point
    with store.writing():
        held, body = _message(store.read, number)
        refused = None
        try:
            some, why = rows(point, body)
        except Unreadable as error:
            some, why, refused = [], None, _refusal(str(error), point, claims(body))
        kept = store.keep(some, datetime.fromisoformat(held["received"]))
        taken = [row for row in some if row.id not in kept.false]
        if taken and (of := points.in_topic(held["topic"])) and of != point:
            store.uncharge(of, {row.epoch for row in taken})
        rest = _rest(store.read, body)
        left = 1 if rest is None else len(rest)
        if why is not None and rest:
            refused = _kept_back(why, point, rest)
        if kept.false:
            refused = refused or "an id that is held with another content"
        if taken:
            store.released(held["topic"], held["digest"], note._replace(taken=len(taken), left=left))
        became = {"new": kept.new, "held": len(taken) - kept.new, "left": left, "refused": refused, "why": note.why}
        of_message = {"message": number, "topic": held["topic"], "digest": held["digest"]}
        store.note(audit_log.line(note.at, note.who, audit_log.RELEASE, point=point, **of_message, **became))
        return Released(number, kept.new, len(taken) - kept.new, refused)


def _others(point: str, some: Sequence[Claim]) -> list[str]:
    return sorted({claim.point for claim in some if claim.point and claim.point != point})


def _kept_back(why: str, point: str, rest: Sequence[Claim]) -> str:
    """Return why the *rest* of a message was not taken."""
    others = _others(point, rest)
    if others:
        return f"the rest of it names {', '.join(others[:5])}. Next: the same --as {others[0]}"
    return f"the rest of it cannot be read: {why}. Next: titik-central quarantine show, and report it"


def _refusal(why: str, point: str, some: Sequence[Claim]) -> str:
    """Return why nothing of a message was taken."""
    others = _others(point, some)
    if others:
        return f"its events name {', '.join(others[:5])}. Next: the same --as {others[0]}"
    return f"it cannot be read: {why}. It stays as it is. Next: titik-central quarantine show, and report it"


def _rest(read: Callable[..., list[tuple[Any, ...]]], body: bytes) -> list[Claim] | None:
    """Return the events of *body* that are not held as they stand in it, nor purged; ``None`` where nobody knows."""
    some = claims(body)
    if not some:
        return None
    value = parse(body)
    rest = []
    for claim, event in zip(some, value if isinstance(value, list) else [value], strict=True):
        text = None
        with suppress(ValueError):
            text = canonical(event)
        there = claim.key is not None and (
            read("SELECT 1 FROM event WHERE source = ? AND id = ? AND body = ?", *claim.key, text)
            or read("SELECT 1 FROM purged WHERE source = ? AND id = ?", *claim.key)
        )
        rest += [] if there else [claim]
    return rest


def _prospect(file: sqlite3.Connection, point: str, body: bytes) -> Prospect | None:
    """Return what would become of *body* as *point*'s, ``None`` where nothing of it names that point."""
    try:
        some, why = rows(point, body)
    except Unreadable as error:
        named = {claim.point for claim in claims(body)}
        return Prospect(point, 0, 0, str(error)) if point in named else None
    there = [_there(file, row) for row in some]
    if False in there:
        why = why or "an id that is held with another content"
    return Prospect(point, there.count(None), there.count(True), why)


def _there(file: sqlite3.Connection, row: Row) -> bool | None:
    """Return whether *row* is held as it is, or was purged; ``None`` where nothing has its id."""
    if file.execute("SELECT 1 FROM purged WHERE source = ? AND id = ?", (row.source, row.id)).fetchone():
        return True
    held = file.execute("SELECT body FROM event WHERE source = ? AND id = ?", (row.source, row.id)).fetchone()
    return None if held is None else bool(held[0] == row.body)


def _message(read: Callable[..., list[tuple[Any, ...]]], number: int) -> tuple[Mapping[str, Any], bytes]:
    """Return what is known of message *number*, and its bytes; raises `NotReleased` where there is none."""
    found = read(f"SELECT {_COLUMNS}, bytes FROM quarantine WHERE rowid = ?", number)  # noqa: S608 - columns of ours
    if not found:
        raise NotReleased(f"there is no message {number} in quarantine. Next: titik-central quarantine list")
    (*told, body) = found[0]
    return dict(zip(("number", "topic", "digest", "bytes", "why", "received"), told, strict=True)), body


def _held(file: sqlite3.Connection, number: int) -> tuple[Held, bytes]:
    told, body = _message(lambda sql, *values: file.execute(sql, values).fetchall(), number)
    some = claims(body)
    noted = file.execute(
        'SELECT point, at, who, why, taken, "left" FROM released WHERE topic = ? AND digest = ? ORDER BY at, point',
        (told["topic"], told["digest"]),
    )
    return Held(
        **told,
        point=points.in_topic(told["topic"]),
        events=len(some),
        spans=tuple(_spans(some)),
        released=tuple(Taken(*row) for row in noted),
    ), body


def _spans(some: Sequence[Claim]) -> Iterator[Span]:
    """Yield a span for each point and epoch that the events name, in the order of their first."""
    found: dict[tuple[str | None, str], tuple[int, int]] = {}
    for claim in some:
        if claim.place is not None:
            of, seq = (claim.point, claim.place.epoch), claim.place.seq
            first, last = found.get(of, (seq, seq))
            found[of] = min(first, seq), max(last, seq)
    for (point, epoch), (first, last) in found.items():
        yield Span(point, epoch, first, last)


def _span(span: Span) -> str:
    return f"{span.point or '?'} {shown(span.epoch)} {span.first}-{span.last}"


def _became(held: Held) -> str:
    if not held.released:
        return "terbuka/open"
    last = held.released[-1]
    if not last.point:
        return "dilihat/seen"
    return f"dilepas/released: {last.point}" + ("" if not held.open else f", {last.left} terbuka/open")
