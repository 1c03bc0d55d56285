"""What a station says of itself: state, info and health, as messages; it sends nothing.

The words are those of ``schemas/``; what the loop notices comes in as a `Notice`, what the courier counts as `Counts`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from device.record.outbox import Outbox, RecordError
from device.wire import Message, State, Topics, dumps

HEALTH_EVERY = 60.0
"""Seconds between two messages of health, which the broker forgets after twice that."""
HIDDEN = ("refused", "unrouted")
"""What a broker on MQTT 3.1.1 acknowledges like a success."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the loop wants said of the station: the newest replaces the one before."""

    faults: tuple[str, ...] = ()
    """What is out of order, in words for the operator."""
    health: Mapping[str, Any] | None = None
    trusted_time: datetime | None = None
    """UTC while the clock is trusted; held rows grow old by it alone."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks: what every session says of the station, however often the broker goes away."""

    point: str
    boot: str
    info: Mapping[str, Any]
    password: str | None = None


@dataclass(slots=True)
class Counts:
    """What a courier counted since its station started."""

    reconnects: int = 0
    refused: int = 0
    """Messages that the broker refused; 3.1.1 hides it."""
    unrouted: int = 0
    """Events that the broker took although nobody listens; 3.1.1 hides it."""


class Announcements:
    """Composes what *sender* says; *modern* is whether the broker speaks MQTT 5."""

    def __init__(self, outbox: Outbox, sender: Sender, topics: Topics, *, modern: bool) -> None:
        self._outbox = outbox
        self._sender = sender
        self._topics = topics
        self._modern = modern

    def topic(self, leaf: str) -> str:
        """Return the station's own topic *leaf*."""
        return self._topics.of(self._sender.point, leaf)

    def state(self, state: State, faults: tuple[str, ...] = ()) -> Message:
        """Return what it calls itself now; but for a will, with the epochs on its card, so that a lost tail shows."""
        depth = self._outbox.depth()
        body = {
            "state": state,
            "faults": list(faults),
            "boot": self._sender.boot,
            "epoch": depth.last.epoch,
            "seq": depth.last.seq,
            "oldest": None if depth.oldest is None else {"epoch": depth.oldest.epoch, "seq": depth.oldest.seq},
            "owed": depth.owed,
        }
        if state is not State.OFFLINE:
            with suppress(RecordError):  # the outbox has said so itself; what it keeps is then not known
                body["kept"] = [list(span) for span in self._outbox.kept()]
        return Message(self.topic("state"), dumps(body), retain=True)

    def info(self, bundle: int) -> Message:
        """Return what the station is, and which *bundle* it follows."""
        return Message(self.topic("info"), dumps({**self._sender.info, "bundle": bundle}), retain=True)

    def health(self, health: Mapping[str, Any], counts: Counts, under_way: int) -> Message:
        """Return how it fares: the loop's *health*, and what the courier knows."""
        body = {
            **health,
            "reconnects": counts.reconnects,
            "refused": counts.refused,
            "unrouted": counts.unrouted,
            "hidden": [] if self._modern else list(HIDDEN),
            "lost": self._outbox.lost,
            "under_way": under_way,
        }
        return Message(self.topic("health"), dumps(body), qos=0, expiry=int(2 * HEALTH_EVERY))
