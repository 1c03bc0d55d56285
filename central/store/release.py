"""What lies in quarantine, given back to whose it is: looked at, released, or seen.

A message that was released stays, with a note by whom, when and as whose. An event is inserted as it stands in the
message, so only as the event of the point that it names itself.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from central import points
from central.events import Claim, EventRow, UnreadableEventError, claims, rows, stamp
from central.store import audit_log
from central.store.backup import lock_of
from central.store.database import Store
from central.store.file import MAX_PAUSE, DatabaseGoneError, StoreWriteError, patiently, reading
from central.store.quarantine import OPEN, Held, NotReleasedError, Read, Review, asking, held, message
from device.wire import canonical, parse

MAX_WHY = 200


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


def look(path: Path, number: int) -> tuple[Held, bytes, list[Prospect]]:
    """Return message *number*, its bytes, and what would become of it as the events of each point that it names.

    Raises `NotReleasedError` where there is none, `file.DatabaseMissingError` and `file.ForeignDatabaseError`.
    """
    with reading(path) as file:
        read = asking(file)
        one, body = held(read, number)
        named = sorted({span.point for span in one.spans if span.point} | ({one.point} - {""}))
        prospects = [prospect for point in named if (prospect := _prospect(read, point, body)) is not None]
        return one, body, prospects


def release(  # noqa: PLR0913 - each is one thing that somebody says when releasing
    store: Store, numbers: Sequence[int] | None, point: str, *, who: str, why: str, now: datetime
) -> Iterator[Released]:
    """Take the events of these messages, or of all open ones that name it, as *point*'s; yield what became of each.

    Each message is one commit: its events, what is therefore no longer missing of another name, and a line in the
    audit. What was taken before is not taken again. Raises `NotReleasedError`, `file.StoreWriteError` and
    `file.DatabaseGoneError`.
    """
    review = Review(point, stamp(now), who, why[:MAX_WHY], 0, 0)
    for number in _chosen(store, numbers, point):
        began = monotonic()
        yield patiently(lambda number=number: _release(store, number, review))  # type: ignore[misc]  # bound now
        sleep(min(MAX_PAUSE, monotonic() - began))  # a centre beside this writes meanwhile


def see(store: Store, numbers: Sequence[int], *, who: str, why: str, now: datetime) -> None:
    """Note that somebody looked at these messages, and that nothing more will become of them; they stay."""
    for number in numbers:
        with store.writing():
            columns, _ = message(store.read, number)
            digest = columns["digest"]
            review = Review("", stamp(now), who, why[:MAX_WHY], 0, 0)
            store.released(columns["topic"], digest, review)
            store.note(audit_log.line(review.at, who, audit_log.SEEN, message=number, digest=digest, why=review.why))


def opened(path: Path, now: datetime, write: Callable[[Store, bool], int]) -> int:
    """Return what *write* gives of the open store at *path* and of whether a centre runs beside it.

    Raises `NotReleasedError`, `file.DatabaseMissingError` and `file.ForeignDatabaseError`.
    """
    with reading(path):  # made here, an absent one would be this user's, and the centre could not open it
        pass
    try:
        with ExitStack() as stack:
            store = patiently(lambda: stack.enter_context(Store(path, now)))
            return write(store, lock_of(path).taken() is True)
    except (StoreWriteError, DatabaseGoneError) as error:
        raise NotReleasedError(f"{path}: {error}. Next: the same again, or with sudo") from error


def _chosen(store: Store, numbers: Sequence[int] | None, point: str) -> list[int]:
    """Return the messages meant; raises `NotReleasedError` where none of all open ones names *point*."""
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
        raise NotReleasedError(
            f"no open message holds events of {point}; {with_name}. Next: titik-central quarantine list"
        )
    return found


def _release(store: Store, number: int, review: Review) -> Released:
    """Take what message *number* holds of the point of *review*, and complete that."""
    point = review.point
    with store.writing():
        columns, body = message(store.read, number)
        topic, digest = columns["topic"], columns["digest"]
        refused = None
        try:
            some, why = rows(point, body)
        except UnreadableEventError as error:
            some, why, refused = [], None, _refusal(str(error), point, claims(body))
        kept = store.keep(some, datetime.fromisoformat(columns["received"]))
        taken = [row for row in some if row.id not in kept.false]
        if taken and (of := points.in_topic(topic)) and of != point:
            store.uncharge(of, {row.epoch for row in taken})
        rest = _rest(store.read, body)
        left = 1 if rest is None else len(rest)
        if why is not None and rest:
            refused = _kept_back(why, point, rest)
        if kept.false:
            refused = refused or "an id that is held with another content"
        if taken:
            store.released(topic, digest, review._replace(taken=len(taken), left=left))
        became = {"new": kept.new, "held": len(taken) - kept.new, "left": left, "refused": refused, "why": review.why}
        of_message = {"message": number, "topic": topic, "digest": digest}
        store.note(audit_log.line(review.at, review.who, audit_log.RELEASE, point=point, **of_message, **became))
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


def _rest(read: Read, body: bytes) -> list[Claim] | None:
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


def _prospect(read: Read, point: str, body: bytes) -> Prospect | None:
    """Return what would become of *body* as *point*'s, ``None`` where nothing of it names that point."""
    try:
        some, why = rows(point, body)
    except UnreadableEventError as error:
        named = {claim.point for claim in claims(body)}
        return Prospect(point, 0, 0, str(error)) if point in named else None
    there = [_there(read, row) for row in some]
    if False in there:
        why = why or "an id that is held with another content"
    return Prospect(point, there.count(None), there.count(True), why)


def _there(read: Read, row: EventRow) -> bool | None:
    """Return whether *row* is held as it is, or was purged; ``None`` where nothing has its id."""
    if read("SELECT 1 FROM purged WHERE source = ? AND id = ?", row.source, row.id):
        return True
    found = read("SELECT body FROM event WHERE source = ? AND id = ?", row.source, row.id)
    return bool(found[0][0] == row.body) if found else None
