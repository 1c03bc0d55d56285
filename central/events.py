"""One event message as rows, and the receipts for them; bytes in, values out.

What a message must be stands in ``schemas/event.json`` and ``design.md``, MQTT. The centre asks only for
what it needs to hold an event for ever; the rest is kept as it came.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from device.model import Place
from device.system.errors import TitikError
from device.wire import CLOCK, MAX_POINT, MAX_SEQ, POINT, Receipt, canonical, digest, parse

TYPES = "id.titik."
"""The prefix of the types of event that are kept; ``id.titik.scan`` is one."""
MAX_EVENTS = 200
"""Events in one message."""
MAX_EVENT = 16_000
"""Characters of an event; a station's has under a thousand."""
ID_LENGTH = range(8, 65)
EPOCH_LENGTH = range(1, 33)
OFFSETS = 1_577_836_800, 4_102_444_800
"""Unix seconds that an offset may lie in: 2020 to 2100."""
MAX_BOOT = 64
MAX_UPTIME = 3_200_000_000.0
"""Seconds, a hundred years: a sum with an offset is always a time."""


_NO_EVENT = "not a CloudEvent 1.0 with type, id, source and data with point, epoch and seq"
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


class UnreadableEventError(TitikError, ValueError):
    """A message that cannot be taken as rows; the sentence says why, and quotes nothing of it."""


class Tick(NamedTuple):
    """What an event says of its station's clock; ``None`` where it says nothing that can be read."""

    synced: bool | None = None
    boot: str | None = None
    uptime: float | None = None
    """Seconds since the station started."""
    floor: str | None = None
    """Surely not before, as `EventRow.time` is written."""
    offset: float | None = None
    """Of a correction: Unix seconds of uptime 0 of its boot."""


class EventRow(NamedTuple):
    """One event as the database has it."""

    source: str
    id: str
    point: str
    epoch: str
    seq: int
    time: str | None
    """UTC, ISO 8601 with milliseconds; ``None`` where the event says none that can be read."""
    outcome: str | None
    colour: str | None
    reason: str | None
    repeat: bool
    simulated: bool
    body: str
    """The whole CloudEvent, compact JSON with sorted keys."""
    tick: Tick

    @property
    def place(self) -> Place:
        """Where it says that it stands."""
        return Place(self.epoch, self.seq)


def stamp(at: datetime) -> str:
    """Return the aware time *at* as events write it: UTC, ISO 8601 with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class Read(NamedTuple):
    """What one message holds."""

    rows: list[EventRow]
    why: str | None = None
    """Why that is not all of it: some of its events cannot be taken."""


def rows(point: str, body: bytes) -> Read:
    """Return the rows of one message on *point*'s topic, each id once.

    Raises `UnreadableEventError` where there is none.
    """
    try:
        value = parse(body)
        events = value if isinstance(value, list) else [value]
        texts = [canonical(event) for event in events]
    except ValueError as error:
        raise UnreadableEventError(f"not JSON that can be kept: {_reason(error)}") from None
    if not 1 <= len(events) <= MAX_EVENTS:
        raise UnreadableEventError(f"{len(events)} events in one message; 1 to {MAX_EVENTS} are allowed")
    found: dict[str, EventRow] = {}
    why: str | None = None
    for event, text in zip(events, texts, strict=True):
        try:
            row = _row(point, event, text)
        except UnreadableEventError as one:
            why = why or str(one)
            continue
        if found.setdefault(row.id, row) != row:
            why = why or "two different events with one id"
    if why is not None and not found:
        raise UnreadableEventError(why)
    return Read(list(found.values()), why)


class Claim(NamedTuple):
    """What one event of a message says of itself, whoever's topic it came on; ``None`` where it says nothing whole."""

    point: str | None
    """The point that is its source and stands in it."""
    place: Place | None
    key: tuple[str, str] | None
    """Its source and id, by which it is held."""


def claims(body: bytes) -> list[Claim]:
    """Return what the events of a message say of themselves, also of events that cannot be taken.

    Of more events than one message may hold, those of the first.
    """
    try:
        value = parse(body)
    except ValueError:
        return []
    return [_claim(event) for event in (value[:MAX_EVENTS] if isinstance(value, list) else [value])]


def _claim(event: Any) -> Claim:
    fields = event if isinstance(event, dict) else {}
    source, id_ = fields.get("source"), fields.get("id")
    point = place = None
    match fields.get("data"):
        case {"epoch": str(epoch), "seq": int(seq)} if (
            len(epoch) in EPOCH_LENGTH and 1 <= seq <= MAX_SEQ and not isinstance(seq, bool)
        ):
            place = Place(epoch, seq)
    match fields.get("data"):
        case {"point": str(named)} if source == f"/titik/{named}" and len(named) <= MAX_POINT and POINT.match(named):
            point = named
    return Claim(point, place, (source, id_) if isinstance(source, str) and isinstance(id_, str) else None)


def places(body: bytes) -> list[Place]:
    """Return the places that the events of a message say they have, also of events that cannot be taken."""
    return [claim.place for claim in claims(body) if claim.place is not None]


def receipts(centre: str, held: Iterable[EventRow]) -> list[Receipt]:
    """Return the receipts for the *held* rows of one message: one per epoch, in the order of its first row.

    Where two rows claim one place, which no honest message does, each is named in a receipt of its own.
    """
    nth: Counter[Place] = Counter()
    named: defaultdict[tuple[str, int], list[EventRow]] = defaultdict(list)
    for row in held:
        place = row.place
        named[row.epoch, nth[place]].append(row)
        nth[place] += 1
    found = []
    for (epoch, _), some in named.items():
        ordered = sorted(some, key=lambda row: row.seq)
        ids = digest(row.id for row in ordered)
        found.append(Receipt(centre, epoch, ordered[0].seq, ordered[-1].seq, len(ordered), ids))
    return found


def _row(point: str, event: Any, text: str) -> EventRow:
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(data, dict) or event.get("specversion") != "1.0":
        raise UnreadableEventError(_NO_EVENT)
    type_, id_, source = event.get("type"), event.get("id"), event.get("source")
    named, epoch, seq = data.get("point"), data.get("epoch"), data.get("seq")
    if not (isinstance(type_, str) and isinstance(id_, str) and isinstance(source, str)):
        raise UnreadableEventError(_NO_EVENT)
    if not (isinstance(named, str) and isinstance(epoch, str) and isinstance(seq, int)) or isinstance(seq, bool):
        raise UnreadableEventError(_NO_EVENT)
    if not type_.startswith(TYPES):
        raise UnreadableEventError(f"a type that does not begin with {TYPES}")
    if source != f"/titik/{point}" or named != point:
        raise UnreadableEventError("source or point is not the point of its topic")
    if len(id_) not in ID_LENGTH:
        raise UnreadableEventError(f"an id of {len(id_)} characters")
    if len(epoch) not in EPOCH_LENGTH:
        raise UnreadableEventError(f"an epoch of {len(epoch)} characters")
    if not 1 <= seq <= MAX_SEQ:
        raise UnreadableEventError("a seq that no row can have")
    if len(text) > MAX_EVENT:
        raise UnreadableEventError(f"an event of {len(text)} characters")
    return EventRow(
        source,
        id_,
        point,
        epoch,
        seq,
        _time(event.get("time")),
        _word(data.get("outcome")),
        _word(data.get("colour")),
        _word(data.get("reason")),
        data.get("repeat") is True,
        data.get("simulated") is True,
        text,
        _correction(data) if type_ == CLOCK else tick(data),
    )


def tick(data: Mapping[str, Any]) -> Tick:
    """Return what *data*, an event's own, says of the clock."""
    clock = data.get("clock")
    if not isinstance(clock, dict) or not isinstance(synced := clock.get("synced"), bool):
        return Tick()
    boot, uptime, floor = clock.get("boot"), _number(clock.get("uptime")), _time(clock.get("floor"))
    known = isinstance(boot, str) and 1 <= len(boot) <= MAX_BOOT
    if known and uptime is not None and 0 <= uptime <= MAX_UPTIME:
        return Tick(synced, boot, uptime, floor)
    return Tick(synced, floor=floor)


def _correction(data: Mapping[str, Any]) -> Tick:
    said, offset = tick(data), _number(data.get("offset"))
    if not said.synced or said.boot is None:
        raise UnreadableEventError("a correction of the clock without a boot and an uptime that were synchronised")
    if offset is None or not OFFSETS[0] <= offset <= OFFSETS[1]:
        raise UnreadableEventError("a correction of the clock with an absurd offset")
    return said._replace(offset=offset)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: Any) -> str | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        if _STAMP.fullmatch(value):  # written already as it would be
            return str(value)
        return stamp(at) if at.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def _reason(error: ValueError) -> str:
    """Return what kind of mistake it is; a decoder's own sentence may quote the bytes."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return "bad syntax" if isinstance(error, json.JSONDecodeError) else str(error)
