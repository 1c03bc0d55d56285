"""What came in → rows and answers: one transaction for all of it, and an answer only for what is on the disk."""

import logging
from collections.abc import Container, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from central.broker.twins import Life, Twins
from central.events import Read, UnreadableEventError, claims, receipts, rows
from central.store.database import Store
from central.store.troubles import TWIN
from device.wire import MAX_POINT, MAX_REPORT, POINT, Message, Quarantined, Received, State, Topics, dumps, loads

LEAVES = ("event", "state", "info", "health")
"""What the centre hears of a point."""
FLEET = "fleet"
"""The level beside the points' that is no point."""
AT_ONCE = 100
"""Messages that are looked up together; SQLite takes 32,766 values, and a message has at most 200 events."""
NAMELESS = Read([], "no point has the name in its topic")
LOOK = "Next: titik-central quarantine list"
REMEMBERED = 1000
"""Complaints that are not said twice, at the most."""


class News(NamedTuple):
    """A change worth one line of the log."""

    level: int
    point: str
    text: str
    once: bool
    """Whether it is said once a point, however often it happens."""


class Intake:
    """Takes messages into the store and gives the answers to them; knows no network.

    *live* is whether they come from the points themselves: by what somebody carried here, no point counts as heard.
    """

    def __init__(self, store: Store, topics: Topics, *, live: bool = True) -> None:
        self._live = live
        self._store = store
        self._topics = topics
        self._answers: list[Message] = []
        self._news: list[News] = []
        self._said: set[tuple[str, str]] = set()
        self._twins = Twins()

    def again(self) -> None:
        """Note that another session with the broker began: it may bring again what it brought before."""
        self._twins.again()

    def take(self, batch: Sequence[Received], now: datetime) -> tuple[list[Message], list[News]]:
        """Return the answers to *batch*, all of which is on the disk then, and what is new in it.

        Raises `StoreWriteError`: nothing of it is held then; and `DatabaseGoneError`.
        """
        self._answers, self._news = [], []
        with self._store.writing():
            self._runs(batch, now)
            self._store.mend()
        return self._answers, [news for news in self._news if self._is_new(news)]

    def _runs(self, batch: Sequence[Received], now: datetime) -> None:
        for _, run in groupby(batch, key=attrgetter("topic")):
            some = list(run)
            for first in range(0, len(some), AT_ONCE):
                self._same(some[first : first + AT_ONCE], now)

    def _same(self, some: Sequence[Received], now: datetime) -> None:
        """Take messages of one topic that came one after another."""
        point, _, leaf = some[0].topic.removeprefix(f"{self._topics.root}/").partition("/")
        named = bool(POINT.match(point)) and len(point) <= MAX_POINT and point != FLEET
        wills = [False] * len(some)
        if leaf == "event":
            self._events(point, some, now, named=named)
        elif leaf in LEAVES and named:
            if some[-1].retained and self._store.forgotten(point):  # the broker still keeps its last word
                return
            wills = [self._word(point, leaf, received, now) for received in some]
        if not (self._live and named):
            return
        if any(not (received.retained or will) for received, will in zip(some, wills, strict=True)):
            self._store.saw(point, now)

    def _events(self, point: str, some: Sequence[Received], now: datetime, *, named: bool) -> None:
        reads = [_read(point, received.body) if named else NAMELESS for received in some]
        found = {row.id: row for read in reads for row in read.rows}
        if len(some) > 1 and any(found[row.id].body != row.body for read in reads for row in read.rows):
            for received in some:  # one id with two contents: what was held before the second decides
                self._events(point, [received], now, named=named)
            return
        kept = self._store.keep(list(found.values()), now)
        if kept.clashes:
            text = "two events with one epoch and seq, both kept: was a card copied or restored?"
            self._news.append(News(logging.WARNING, point, text, once=True))
        for received, read in zip(some, reads, strict=True):
            self._answer_events(point, received, read, kept.false, now, named=named)

    def _answer_events(  # noqa: PLR0913 - what one message is, and what became of it
        self, point: str, received: Received, read: Read, false: Container[str], now: datetime, *, named: bool
    ) -> None:
        lies = any(row.id in false for row in read.rows)
        complaint = read.why or ("an id that is held with another content" if lies else None)
        if complaint is None:
            for receipt in receipts(self._store.life, read.rows):
                self._answer(point, receipt.encode())
            return
        # The whole message is set aside, also what could be kept of it: nothing of it may be lost by our reading.
        digest = self._store.quarantine(received.topic, received.body, complaint, now)
        if digest is None:
            text = (
                "its quarantine is full: what cannot be read is neither held nor receipted, and stays at the point."
                " Next: titik-central quarantine list; release or seen makes room"
            )
            self._news.append(News(logging.ERROR, point[:MAX_POINT], text, once=True))
            return
        if named:  # nobody listens under any other name
            held = {row.place for row in read.rows if row.id not in false}
            left = [claim for claim in claims(received.body) if claim.place is not None and claim.place not in held]
            self._store.pass_over(point, [claim.place for claim in left if claim.place is not None])
            self._store.stray(point, left)
            self._answer(point, Quarantined(self._store.life, digest).encode())
        name = point[:MAX_POINT]
        self._news.append(News(logging.WARNING, name, f"a message is quarantined: {complaint}. {LOOK}", once=True))

    def _answer(self, point: str, body: bytes) -> None:
        self._answers.append(Message(self._topics.of(point, "receipt"), body, content_type="application/json"))

    def _word(self, point: str, leaf: str, received: Received, now: datetime) -> bool:
        """Note what *point* says of itself; return whether it was said for it, by its will."""
        report = _table(received.body)
        if report is None or (leaf == "state" and report.get("state") not in tuple(State)):
            if received.body:  # an empty one takes a retained message away
                self._news.append(News(logging.WARNING, point, f"its {leaf} cannot be read", once=True))
            return False
        if leaf == "info":
            self._store.tell_info(point, report)
        elif leaf == "health":
            self._store.tell_health(point, report, now)
        else:
            if self._store.tell_state(point, report):
                self._news.append(News(logging.INFO, point, str(report["state"]), once=False))
            if not received.retained and (twins := self._twins.hear(point, report, now)) is not None:
                self._take_twins(point, twins, now)
        return leaf == "state" and report["state"] == State.OFFLINE

    def _take_twins(self, point: str, twins: tuple[Life, Life], now: datetime) -> None:
        boots, epochs = [life.boot for life in twins], [life.epoch for life in twins]
        if self._store.trouble(point, TWIN, {"boots": boots, "epochs": epochs}, now):
            named = " and ".join(f"boot {boot!a} epoch {epoch!a}" for boot, epoch in twins)
            text = (
                f"two stations use this name and take turns: {named}. Next: find the second one (was a card copied?),"
                " stop it, and give it a name and a certificate of its own"
            )
            self._news.append(News(logging.ERROR, point, text, once=False))

    def _is_new(self, news: News) -> bool:
        if not news.once:
            return True
        key = news.point, news.text
        if key in self._said:
            return False
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said.add(key)
        return True


def _read(point: str, body: bytes) -> Read:
    try:
        return rows(point, body)
    except UnreadableEventError as why:
        return Read([], str(why))


def _table(body: bytes) -> dict[str, Any] | None:
    try:
        value = loads(body, MAX_REPORT)
        # A number may be longer written out than it came; what is kept must be readable again.
        kept = isinstance(value, dict) and len(dumps(value)) <= 4 * MAX_REPORT
    except ValueError:
        return None
    return value if kept else None
