"""The loop of the centre: what one turn brought is committed as one, then answered.

    broker ─▶ link.turn ─▶ intake ─▶ one commit ─▶ receipts ─▶ broker

The broker going away is weather. A disk that cannot be written is said, held out and tried again: no receipt
goes out for what is not on it, so no station forgets.
"""

import logging
import os
import random
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from central.backup import lock_of
from central.dial import Dial
from central.intake import LEAVES, Intake
from central.posting import Posting
from central.recall import VERB, Pace, Recall
from central.settings import Settings, password
from central.store import CannotWrite, Store
from device.config import Broker
from device.heart import Heart
from device.mqtt_client import Acked, Broken, Link, Message, Received
from device.stop import Stop
from device.systemd import Notifier
from device.weather import Weather
from device.wire import State, Topics, dumps

log = logging.getLogger(__name__)

TURN = 0.5
"""Seconds after which a wait for the broker looks round; a stop has two in all."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two tries to reach the broker, doubling, with full jitter."""
TRY_AGAIN = 2.0
"""Seconds between two tries to open or write the database."""
WAITING_MESSAGES, WAITING_BYTES = 2_000, 33_554_432
"""What is kept in RAM while the database cannot be written; past it the stations send again."""


class Centre:
    """Lives through broker sessions one after another; only the store outlives a session."""

    def __init__(  # noqa: PLR0913 - each is a part of the world
        self,
        store: Store,
        broker: Broker,
        password: str | None,
        stop: Stop,
        heart: Heart,
        *,
        posting: Posting,
        pace: Pace = Pace(),  # noqa: B008 - a value that cannot change
    ) -> None:
        self._posting = posting
        self._posting_fault: str | None = None
        self._store = store
        self._broker = broker
        self._password = password
        self._stop = stop
        self._heart = heart
        self._topics = Topics(broker.root)
        self._intake = Intake(store, self._topics)
        self._recall = Recall(self._topics, pace)
        self._waiting: list[Received] = []
        self._waiting_bytes = 0
        self._dropped = False
        self._fault: str | None = None
        self._tried = 0.0
        self._said: State | None = None
        self._refused = False
        self._weather = Weather(_client_id(broker), broker.certificate, "the next try follows")

    def serve(self) -> None:
        """Hold one session after another until told to stop. Raises `store.Gone`."""
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            began = monotonic()
            try:
                self._session()
            except Broken as broken:
                self._weather.foul(broken)
            if monotonic() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            self._rest(random.uniform(FIRST_PAUSE, pause))  # noqa: S311 - jitter, no secret
            pause = min(2 * pause, LONGEST_PAUSE)

    def _session(self) -> None:
        """Speak with the broker until it breaks (`Broken`) or the centre stops."""
        link = Link(
            self._broker,
            _client_id(self._broker),
            will=self._state(State.OFFLINE),
            clean=False,
            password=self._password,
        )
        with ExitStack() as stack:
            dial = stack.enter_context(Dial(link))
            while not dial.there(TURN / 5):
                self._heart.beat(monotonic())
                if self._stop.is_set():
                    return
            stack.push(link)
            self._weather.fair()
            self._said, self._refused = None, False
            self._listen(link)
            self._posting.again()
            while not self._stop.is_set():
                self._heart.beat(monotonic())
                self._say(link)
                self._post(link)
                self._turn(link, TURN)
                self._ask(link)
            link.publish(self._state(State.STOPPED))
            log.info("state %s", State.STOPPED)
            self._turn(link, 0.1)  # what came with the goodbye is answered as well

    def _listen(self, link: Link) -> None:
        link.subscribe([self._topics.every(leaf) for leaf in (*LEAVES, f"response/{VERB}")])

    def _turn(self, link: Link, seconds: float) -> None:
        """Take what comes, commit it as one, and only then answer."""
        for happened in link.turn(seconds):
            if isinstance(happened, Acked):
                self._take_ack(happened)
            else:
                self._wait_for_disk(happened)
        if not self._waiting or (self._fault is not None and monotonic() - self._tried < TRY_AGAIN):
            return
        self._tried = monotonic()
        try:
            answers, news = self._intake.take(self._waiting, datetime.now(UTC))
        except CannotWrite as error:
            self._say_fault(str(error))
            return
        for received in self._waiting:
            self._recall.hear(received, monotonic())
        self._waiting, self._waiting_bytes = [], 0
        self._say_fault(None)
        for level, point, text, _ in news:
            log.log(level, "%s: %s", point, text)
        for answer in answers:
            link.publish(answer)
        if self._dropped:
            self._dropped = False
            self._listen(link)  # what is retained comes again

    def _ask(self, link: Link) -> None:
        """Ask one point for what is missing of it, and note what it no longer has."""
        point = None if self._fault is not None else self._recall.next(monotonic())
        if point is None:
            return
        now = datetime.now(UTC)
        try:
            requests, lost = self._recall.look(point, self._store.missing(point), monotonic())
            if lost:
                with self._store.writing():
                    for gap in lost:
                        self._store.lose(point, gap, now)
        except CannotWrite as error:
            self._say_fault(str(error))
            return
        for gap in lost:
            log.error(
                "%s: events %s %d-%d are lost: its card no longer has them. Next: titik-central status;"
                " was a card changed, put the old one in once",
                point,
                ascii(gap.epoch),
                gap.first,
                gap.last,
            )
        for request in requests:
            link.publish(Message(self._topics.of(point, f"request/{VERB}"), request.encode(now)))

    def _wait_for_disk(self, received: Received) -> None:
        """Note *received* for the next commit; while there can be none, no more of them than fit."""
        self._waiting_bytes += len(received.body)
        if self._fault is not None and (len(self._waiting) >= WAITING_MESSAGES or self._waiting_bytes > WAITING_BYTES):
            self._waiting_bytes -= len(received.body)
            self._dropped = True
        else:
            self._waiting.append(received)

    def _take_ack(self, acked: Acked) -> None:
        if acked.refused and not self._refused:
            self._refused = True
            log.error(
                "the broker refuses what the centre says (%s): no station can forget."
                " Next: check the broker's ACL for the centre",
                acked.name,
            )

    def _state(self, state: State) -> Message:
        return Message(self._topics.centre(), dumps({"state": state, "centre": self._store.life}), retain=True)

    def _say(self, link: Link) -> None:
        state = State.DEGRADED if self._fault is not None else State.ONLINE
        if state is not self._said:
            link.publish(self._state(state))
            log.info("state %s", state)
            self._said = state

    def _post(self, link: Link) -> None:
        """Give the points a new trust bundle; they believe its signature, not us."""
        octets = self._posting.newer()
        if octets is not None:
            link.publish(Message(self._topics.bundle(), octets, retain=True))
            log.info("the bundle of %d bytes is posted for all points", len(octets))
        if self._posting.fault != self._posting_fault:
            self._posting_fault = self._posting.fault
            if self._posting_fault is not None:
                log.error("no bundle can be posted: %s. Next: [trust] bundle in central.toml", self._posting_fault)

    def _say_fault(self, fault: str | None) -> None:
        if (fault is None) != (self._fault is None):
            if fault is None:
                log.info("the database can be written again")
            else:
                log.error(
                    "%s: %s; nothing is receipted, and the stations keep their events. Next: df -h %s",
                    self._store.path,
                    fault,
                    self._store.path.parent,
                )
        self._fault = fault

    def _rest(self, seconds: float) -> None:
        until = monotonic() + seconds
        while not self._stop.wait(min(TURN, max(0.0, until - monotonic()))) and monotonic() < until:
            self._heart.beat(monotonic())


def _client_id(broker: Broker) -> str:
    """Return the centre's name: where the broker takes names from certificates, its session must be found under it."""
    return "central" if broker.certificate is not None else "titik-central"


def run(settings: Settings, notifier: Notifier, env: Mapping[str, str] = os.environ) -> None:
    """Open the store, and serve until SIGTERM or SIGINT. Raises `store.NotOurs`, `store.Gone` and `lock.Taken`."""
    secret = password(env)
    if settings.broker.username is not None and secret is None:
        log.warning("broker.username is set, and no password is known. Next: LoadCredential=mqtt-password in the unit")
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        stack.callback(notifier.close)
        stack.callback(notifier.stopping)
        path = settings.database(env)
        store = _open(path, stop, stack)
        if store is None:
            return
        log.info("the store is open: %s, centre %s", store.path, store.life)
        heart = Heart([], notifier)
        heart.beat(monotonic())
        Centre(store, settings.broker, secret, stop, heart, posting=Posting(settings.trust.bundle)).serve()


def _open(path: Path, stop: Stop, stack: ExitStack) -> Store | None:
    """Return the open store, waiting for a disk that is not there yet; ``None`` when told to stop.

    Raises `store.NotOurs` and `lock.Taken`.
    """
    lock = lock_of(path)
    stack.callback(lock.release)
    said: str | None = None
    while not stop.is_set():
        try:
            lock.take()  # a restore beside it would take the open file away
            return stack.enter_context(Store(path, datetime.now(UTC)))
        except (CannotWrite, OSError) as error:
            why = str(error) if isinstance(error, CannotWrite) else f"{path}: {error.strerror}"
            if why != said:
                said = why
                log.error("%s; trying again each %d s. Next: ls -ld %s", said, TRY_AGAIN, path.parent)  # noqa: TRY400 - the sentence is the whole story
        stop.wait(TRY_AGAIN)
    return None
