"""The words on the wire: topics, messages, receipts, states; see ``schemas/`` and ``design.md``, MQTT.

Everything here is bytes in, values out, or the reverse; nothing here talks to anybody.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

ROOT = "titik/v1"
CONTENT_TYPE = "application/cloudevents+json"
CONTENT_TYPE_BATCH = "application/cloudevents-batch+json"
SCAN, CLOCK = "id.titik.scan", "id.titik.clock"
"""The types of event: a sighting; and a correction, which says what time it was when its boot had uptime 0."""
POINT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
MAX_POINT = 40
"""Characters of a point's name."""
MAX_MESSAGE = 262_144
"""Bytes of the largest message that is looked into, but for the trust bundle; a batch of 50 events is under 64 KiB."""
MAX_BUNDLE = 1_048_576
"""Bytes of the trust bundle; 900 keys, 10,000 revocations and a roster of 10,000 are under half of it."""
MAX_SEQ = 2**63 - 1
"""The largest number that a row can have (SQLite's integer)."""
MAX_REPLAY = 10_000
"""Rows that one request may ask for again."""
MAX_REPORT = 16_384
"""Bytes of a state, an info, a health or an answer that the centre looks into."""
TOO_LARGE = 0x95
"""MQTT 5.0, 2.4: Packet too large."""


class State(StrEnum):
    """What a point, or the centre, says of itself; ``offline`` is said by its last will."""

    ONLINE = "online"
    DEGRADED = "degraded"
    STOPPED = "stopped"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one root."""

    root: str = ROOT

    def of(self, point: str, leaf: str) -> str:
        """Return *point*'s topic *leaf*: ``event``, ``receipt``, ``state``, ``info``, ``health``."""
        return f"{self.root}/{point}/{leaf}"

    def centre(self) -> str:
        """Return the topic on which the centre says whether it is there."""
        return f"{self.root}/fleet/centre"

    def bundle(self) -> str:
        """Return the topic of the trust bundle."""
        return f"{self.root}/fleet/bundle"

    def every(self, leaf: str) -> str:
        """Return the filter for *leaf* of all points."""
        return f"{self.root}/+/{leaf}"

    def parse(self, topic: str) -> tuple[str, str] | None:
        """Return (point, leaf) of a point's topic, ``None`` for any other topic."""
        prefix = self.root + "/"
        if not topic.startswith(prefix):
            return None
        point, _, leaf = topic[len(prefix) :].partition("/")
        return (point, leaf) if len(point) <= MAX_POINT and POINT.match(point) and leaf else None


class Message(NamedTuple):
    """What is to be published."""

    topic: str
    body: bytes
    qos: int = 1
    retain: bool = False
    content_type: str | None = None
    expiry: int | None = None
    """Seconds after which the broker forgets it; never set on events."""

    def packet(self, *, modern: bool) -> int:
        """Return how many bytes it has on the line, at most (MQTT 5.0, 3.3; *modern* is whether that is spoken)."""
        return around(self.topic, self.content_type, modern=modern) + len(self.body)


def around(topic: str, content_type: str | None, *, modern: bool) -> int:
    """Return how many bytes a packet has around the body of a message on *topic*, at most."""
    properties = 1 + 3 + len((content_type or "").encode()) + 5 if modern else 0
    return 5 + 2 + len(topic.encode()) + 2 + properties


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came in."""

    topic: str
    body: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Acked:
    """The broker's answer to one publish or subscription; it says nothing about anybody's disk."""

    mid: int
    """What `Link.publish` gave; 0 for a subscription."""
    code: int
    name: str

    @property
    def refused(self) -> bool:
        """Whether the broker refused it (MQTT 5 only; on 3.1.1 a refusal looks like success)."""
        return self.code >= 0x80  # noqa: PLR2004 - MQTT 5.0, 2.4: codes from 0x80 are failures

    @property
    def too_large(self) -> bool:
        """Whether it is larger than the broker takes; such a message is not even sent."""
        return self.code == TOO_LARGE

    @property
    def unrouted(self) -> bool:
        """Whether nobody is subscribed."""
        return self.code == 0x10  # noqa: PLR2004 - MQTT 5.0, 2.4: No matching subscribers


def dumps(value: Mapping[str, Any] | list[Any]) -> bytes:
    """Return compact JSON with sorted keys, the same bytes for the same value; NaN is a ValueError."""
    return _ENCODER.encode(value).encode()


def loads(body: bytes, limit: int = MAX_MESSAGE) -> Any:
    """Return the JSON value in *body*.

    Raises ValueError for anything that is too long, not UTF-8, not JSON, nested too deep, or that
    holds NaN, an infinity or a lone surrogate, none of which can be written back.
    """
    value = parse(body, limit)
    canonical([value])
    return value


def parse(body: bytes, limit: int = MAX_MESSAGE) -> Any:
    """Return the JSON value in *body* as `loads` does, for who writes it back by `canonical` before believing it.

    Raises ValueError for anything that is too long, not UTF-8, not JSON or nested too deep.
    """
    if len(body) > limit:
        raise ValueError(f"longer than {limit} bytes")
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def canonical(value: Any) -> str:
    """Return the text of `dumps` for a *value* that `parse` gave; raises ValueError where there is none, saying why."""
    try:
        text = _REWRITER.encode(value)
        text.encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate") from None
    except ValueError:  # json's own words differ from one Python to the next
        raise ValueError("holds a number out of range") from None
    return text


def _any_bool(*values: object) -> bool:
    """Whether JSON's true or false stands among *values*; Python takes them for 1 and 0."""
    return any(isinstance(value, bool) for value in values)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


# Made once: making one costs as much as a short event.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_REWRITER = json.JSONEncoder(  # what was parsed holds no circle, and the search for one is a tenth of the work
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)
_DECODER = json.JSONDecoder(parse_constant=_refuse)


def batch(bodies: list[bytes]) -> bytes:
    """Return one message for these events: the event alone, or a JSON array of several."""
    return bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"


def digest(ids: Iterable[str]) -> str:
    """Return the SHA-256 (hex) over event ids in ``seq`` order, each followed by a line feed."""
    hashed = sha256()
    for id_ in ids:
        hashed.update(id_.encode() + b"\n")
    return hashed.hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The centre saying: these rows of this epoch are on my disk."""

    centre: str
    epoch: str
    first: int
    last: int
    count: int
    digest: str

    def encode(self) -> bytes:
        """Return it as JSON."""
        return dumps({name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class Quarantined:
    """The centre saying: I could not read this message, and hold its bytes."""

    centre: str
    bytes_digest: str

    def encode(self) -> bytes:
        """Return it as JSON."""
        return dumps({"centre": self.centre, "quarantined": self.bytes_digest})


def parse_receipt(body: bytes) -> Receipt | Quarantined:
    """Return what the centre said on a ``receipt`` topic; raises ValueError for anything else."""
    match loads(body, 4096):
        case {"centre": str(centre), "quarantined": str(seen)}:
            return Quarantined(centre, seen)
        case {
            "centre": str(centre),
            "epoch": str(epoch),
            "first": int(first),
            "last": int(last),
            "count": int(count),
            "digest": str(seen),
        } if 0 < first <= last <= MAX_SEQ and 0 < count <= last - first + 1 and not _any_bool(first, last, count):
            return Receipt(centre, epoch, first, last, count, seen)
        case _:
            raise ValueError("not a receipt")
