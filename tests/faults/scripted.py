"""A broker that follows a script, and the link to it: what MQTT 5 lets a broker do, and what bad ones did (measured).

It acknowledges before it delivers, drops, repeats, forgets, and plays old receipts again.
"""

import random
import select
import socket
from collections import Counter, deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from types import TracebackType
from typing import Self

from device.config import BrokerSettings
from device.mqtt_client import SessionError
from device.wire import Acked, Message, Received
from tests.faults.stage import Actor, Stage

ROOT = "titik/v1"
QUEUE = 60
"""Messages that the broker keeps for a session that is away; past it it drops, and says success."""


@dataclass
class Session:
    """What the broker knows of one client."""

    clean: bool
    filters: list[str] = field(default_factory=list)
    queue: list[tuple[float, int, Received]] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    """When the newest message of a topic is delivered: MQTT keeps the order within one."""


@dataclass
class Moods:
    """How likely each message meets its fault; all 0 is a good broker."""

    drop: float = 0.0
    double: float = 0.0
    late: float = 0.0
    full: bool = False
    """Whether the queue of a client that is away is limited."""
    refuses: str = ""
    """The leaf that the ACL refuses: ``event``, ``receipt``, or none."""
    cut: float = 0.0


class ScriptedBroker:
    """Sessions, retained messages and moods; *count* counts what was done to messages."""

    def __init__(self, stage: Stage, chance: random.Random, fault: Callable[[str], None]) -> None:
        self.moods = Moods()
        self.up = True
        self.receipts: deque[tuple[str, bytes]] = deque(maxlen=2000)
        self.passed: Counter[str] = Counter()
        self._stage = stage
        self._chance = chance
        self._fault = fault
        self._sessions: dict[str, Session] = {}
        self._retained: dict[str, Message] = {}
        self._links: dict[str, ScriptedLink] = {}
        self._count = count()
        self._saved: tuple[dict[str, Session], dict[str, Message]] = ({}, {})

    def save(self) -> None:
        """Write the state to disk, as mosquitto does now and then."""
        kept = {name: session for name, session in self._sessions.items() if not session.clean}
        self._saved = deepcopy((kept, self._retained))

    def crash(self, state: str) -> None:
        """Go down, keeping all *state*, an ``old`` one, or ``none``."""
        self.up = False
        for link in list(self._links.values()):
            link.cut(will=False)
        if state == "none":
            self._sessions, self._retained = {}, {}
        elif state == "old":
            self._sessions, self._retained = deepcopy(self._saved)

    def rise(self) -> None:
        """Come back."""
        self.up = True

    def connect(self, link: "ScriptedLink") -> None:
        """Take *link* in, and throw out whoever had its name. Raises `SessionError`."""
        if not self.up:
            raise SessionError("no broker: connection refused")
        if (other := self._links.get(link.name)) is not None:
            other.cut()
        session = self._sessions.get(link.name)
        if session is None or link.clean:
            session = self._sessions[link.name] = Session(link.clean)
        link.session = session
        self._links[link.name] = link

    def disconnect(self, link: "ScriptedLink", *, will: bool) -> None:
        """Note that *link* is gone, and say its will when it is due."""
        if self._links.get(link.name) is link:
            del self._links[link.name]
            if link.clean:
                self._sessions.pop(link.name, None)
            if will and self.up:
                self._stage.at(self._stage.now + link.will_delay, lambda: self._say_will(link))

    def _say_will(self, link: "ScriptedLink") -> None:
        if self.up and link.name not in self._links:
            self.take(link.will)

    def subscribe(self, link: "ScriptedLink", topics: list[str], *, retained: bool) -> None:
        """Add *topics*, and give what is retained on them."""
        assert link.session is not None
        for wanted in topics:
            new = wanted not in link.session.filters
            if new:
                link.session.filters.append(wanted)
            if retained or new:
                for message in list(self._retained.values()):
                    if matches(wanted, message.topic):
                        self._give(link.name, link.session, message, retained=True)

    def keep(self, message: Message) -> None:
        """Hold *message* as a retained one, whoever may have said it so."""
        self._retained[message.topic] = message
        if not message.body:
            del self._retained[message.topic]

    def take(self, message: Message) -> int:
        """Pass *message* on, or do to it what the moods say; return the reason code of its PUBACK."""
        leaf = message.topic.rpartition("/")[2]
        self.passed[leaf] += 1
        if leaf == self.moods.refuses:
            self._fault(f"refused: {leaf}")
            return 0x87
        if leaf == "receipt":
            self.receipts.append((message.topic, message.body))
        if message.retain:
            self.keep(message)
        readers = [
            (name, session)
            for name, session in self._sessions.items()
            if any(matches(wanted, message.topic) for wanted in session.filters)
        ]
        if not readers:
            if leaf == "event":
                self._fault("nobody subscribed (0x10)")
            return 0x10
        if self._chance.random() < self.moods.drop:
            self._fault(f"dropped and acknowledged: {leaf}")
            return 0
        for name, session in readers:
            times = 1
            if self._chance.random() < self.moods.double:
                self._fault(f"delivered twice: {leaf}")
                times = 2
            for _ in range(times):
                self._give(name, session, message, retained=False)
        return 0

    def _give(self, name: str, session: Session, message: Message, *, retained: bool) -> None:
        link = self._links.get(name)
        if link is None and self.moods.full and len(session.queue) >= QUEUE:
            self._fault("the queue was full, and it said success")
            return
        delay = self._chance.uniform(0.001, 0.02)
        if self._chance.random() < self.moods.late:
            self._fault("came late, after others")
            delay += self._chance.uniform(0.1, 8)
        due = max(self._stage.now + delay, session.last.get(message.topic, 0.0))
        session.last[message.topic] = due
        heappush(session.queue, (due, next(self._count), Received(message.topic, message.body, retained)))
        if link is not None:
            link.owner.hasten(due)

    def hit(self) -> bool:
        """Return whether a message meets the end of its connection."""
        return self._chance.random() < self.moods.cut

    def random_link(self) -> "ScriptedLink | None":
        """Return one of the connections that stand."""
        return self._chance.choice(list(self._links.values())) if self._links else None

    def spare_all(self) -> None:
        """Let no program be killed at a message any more."""
        for link in self._links.values():
            link.dies_at = None

    def link_of(self, name: str) -> "ScriptedLink | None":
        """Return the connection of the client *name*."""
        return self._links.get(name)


class ScriptedLink:
    """A session with the scripted broker: the same five methods as the real link."""

    def __init__(
        self,
        stage: Stage,
        script: ScriptedBroker,
        fault: Callable[[str], None],
        _broker: BrokerSettings,
        client_id: str,
        *,
        will: Message,
        will_delay: int = 0,
        clean: bool = True,
        password: str | None = None,
        most_waiting: int = 1000,
        timeouts: object = None,
    ) -> None:
        del timeouts  # the scripted broker answers, or the link breaks
        assert password is None
        assert most_waiting > 0
        self.name = client_id
        self.will = will
        self.will_delay = will_delay
        self.clean = clean
        self.session: Session | None = None
        self.owner: Actor = stage.here()
        self.dies_at: int | None = None
        """Publishes after which its program is killed."""
        self._stage = stage
        self._script = script
        self._fault = fault
        self._broken = False
        self._acks: list[tuple[float, Acked]] = []
        self._mid = 0

    def __enter__(self) -> Self:
        self._script.connect(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broken = True
        self._script.disconnect(self, will=kind is not None)

    def cut(self, *, will: bool = True) -> None:
        """Break the connection; what was on its way to the client is lost with it, unless its session is kept."""
        self._broken = True
        self._acks = []
        self._script.disconnect(self, will=will)
        self.owner.hasten(self._stage.now)

    def turn(self, seconds: float, wake: socket.socket | None = None, most: int = 1000) -> list[Received | Acked]:
        """Return what happened, waiting in virtual time; *most* is read at a time."""
        limit = self._stage.now + seconds
        while True:
            self.owner.check()
            if self._broken:
                raise SessionError("the broker closed the connection")
            woken = wake is not None and bool(select.select([wake], [], [], 0)[0]) and bool(wake.recv(4096))
            if (happened := self._due(most)) or woken or self._stage.now >= limit:
                return happened
            self.owner.pause(min([limit, *(due for due, _ in self._acks), *self._next()]))

    def _next(self) -> list[float]:
        return [self.session.queue[0][0]] if self.session is not None and self.session.queue else []

    def _due(self, most: int) -> list[Received | Acked]:
        now = self._stage.now
        happened: list[Received | Acked] = [acked for due, acked in self._acks if due <= now]
        self._acks = [one for one in self._acks if one[0] > now]
        queue = self.session.queue if self.session is not None else []
        while queue and queue[0][0] <= now and len(happened) < most:
            happened.append(heappop(queue)[2])
        return happened

    def publish(self, message: Message) -> int:
        """Hand *message* over; its PUBACK comes before anybody has it."""
        self.owner.check()
        if self.dies_at is not None:
            self.dies_at -= 1
            if self.dies_at < 0:
                self._fault("killed at a message")
                self.owner.die()
        if self._broken:
            raise SessionError("the connection was lost")
        self._mid += 1
        if self._script.hit():
            self._fault("link cut at a message")
            if self._stage.now % 1 < 0.5:  # as likely before the broker had it as after
                self._script.take(message)
            self.cut()
            return self._mid
        code = self._script.take(message)
        self._acks.append((self._stage.now + 0.001, Acked(self._mid, code, f"0x{code:02x}")))
        return self._mid

    largest: int | None = None
    """The largest packet that the broker takes; this one does not say."""

    @property
    def congested(self) -> bool:
        """Whether the line is full; this one never is."""
        return False

    @property
    def room(self) -> int:
        """How many messages may go at once."""
        return 1000

    midway = 0.0
    """When a piece of a longer packet last came: here they come whole."""
    remarks: tuple[str, ...] = ()

    def body_limit(self, topic: str, content_type: str | None = None) -> int:
        """Return how many bytes a message may have."""
        assert topic
        assert content_type
        return 268_435_455

    def subscribe(self, topics: list[str], qos: int = 1, *, retained: bool = True) -> None:
        """Subscribe, at once."""
        assert qos == 1
        self.owner.check()
        if self._broken:
            raise SessionError("the connection was lost")
        self._script.subscribe(self, topics, retained=retained)


def matches(wanted: str, topic: str) -> bool:
    """Return whether *topic* fits the filter *wanted* (``+`` and a last ``#``)."""
    want, have = wanted.split("/"), topic.split("/")
    if want[-1] == "#":
        return len(have) >= len(want) - 1 and matches("/".join(want[:-1]), "/".join(have[: len(want) - 1]))
    return len(want) == len(have) and all(one in ("+", other) for one, other in zip(want, have, strict=True))
