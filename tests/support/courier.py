"""What a courier meets: a centre of a few lines that may be rude, and events to send it."""

import json
from typing import Self

from device.config import BrokerSettings
from device.model import Event, Place
from device.mqtt_client import Link
from device.record.outbox import Outbox
from device.wire import Message, Receipt, Received, Topics, digest, dumps
from tests.support.world import wait_for

TOPICS = Topics()
SOON = (0.1, 0.3)
"""The first and the longest pause between two sessions, where a test waits for the next one."""


class FakeCentre:
    """Says it is there, and answers events as the test tells it; turned by the test itself."""

    def __init__(self, port: int) -> None:
        will = Message(TOPICS.centre(), dumps({"state": "offline", "centre": "c"}), retain=True)
        self.link = Link(BrokerSettings(port=port), "centre", will=will)
        self.got: list[dict[str, object]] = []
        self.messages: list[Received] = []

    def __enter__(self) -> Self:
        self.link.__enter__()
        self.link.subscribe([TOPICS.every(leaf) for leaf in ("event", "state", "info", "health")])
        self.link.publish(Message(TOPICS.centre(), dumps({"state": "online", "centre": "c"}), retain=True))
        return self

    def __exit__(self, *_: object) -> None:
        self.link.__exit__(None, None, None)

    def turn(self, *, answer: bool = True) -> None:
        for happened in self.link.turn(0.02):
            if isinstance(happened, Received):
                self.messages.append(happened)
                if happened.topic.endswith("/event"):
                    told = json.loads(happened.body)
                    events = told if isinstance(told, list) else [told]
                    self.got += events
                    if answer:
                        self.receipt(events)

    def receipt(self, events: list[dict[str, object]], **changed: object) -> None:
        seqs = [int(str(one["seq"])) for one in events]
        ids = [str(one["id"]) for one in events]
        told = Receipt("c", str(events[0]["epoch"]), min(seqs), max(seqs), len(seqs), digest(ids))
        body = dumps({**json.loads(told.encode()), **changed})
        self.link.publish(Message(TOPICS.of("bupati-1", "receipt"), body))

    def states(self) -> list[dict[str, object]]:
        return [json.loads(m.body) for m in self.messages if m.topic.endswith("/state")]


def append(outbox: Outbox, count: int) -> list[str]:
    """Append *count* events that a `FakeCentre` can answer; return their ids."""
    return [outbox.append(numbered).id for _ in range(count)]


def numbered(place: Place) -> Event:
    """Return an event whose id is its place."""
    id_ = f"{place.epoch}-{place.seq}"
    return Event(place, id_, dumps({"id": id_, "epoch": place.epoch, "seq": place.seq}))


def until(centre: FakeCentre, condition: object, *, answer: bool = True) -> None:
    """Turn *centre*, answering or not, until *condition* holds."""

    def turned() -> bool:
        centre.turn(answer=answer)
        return bool(condition())  # type: ignore[operator]  # a function without arguments

    wait_for(turned)
