"""The loop of the centre: what one turn brought is committed as one, then answered.

    broker ─▶ link.turn ─▶ inbox ─▶ intake ─▶ one commit ─▶ receipts ─▶ broker

A turn is short: it reads so much, takes so much of what waits, of all points alike, and does one piece of what else
there is to do. The broker going away is weather. A disk that cannot be written is said, held out and tried again:
no receipt goes out for what is not on it, so no station forgets.
"""

import logging
import os
import random
import secrets
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from central.alarms import Alarms
from central.broker.bundle_publisher import BundlePublisher
from central.broker.connect import Connector
from central.broker.recall import VERB, Recall, ReplaySpacing
from central.broker.twins import Rival
from central.ingest.inbox import Inbox
from central.ingest.intake import LEAVES, Intake
from central.settings import Settings, password
from central.store.backup import lock_of
from central.store.database import Store
from central.store.file import StoreWriteError
from device.config import BrokerSettings
from device.mqtt.connection import PAUSES
from device.mqtt.pace import Limits
from device.mqtt.weather import Weather
from device.mqtt_client import Link, SessionError
from device.system.back_off import BackOff
from device.system.stop import Stop
from device.system.systemd import Notifier
from device.system.watchdog import Watchdog
from device.wire import MAX_BUNDLE, Acked, Message, Received, State, Topics, dumps

log = logging.getLogger(__name__)

TURN = 0.5
"""Seconds after which a wait for the broker looks round; a stop has two in all."""
TRY_AGAIN = 2.0
"""Seconds between two tries to open or write the database."""
READ = 500
"""Messages read in one turn (some 50 ms): more than are taken, so that what a flood stands before is reached."""
SETTLE = 1.0
"""Seconds of a session before the bundle goes out: what waited at the broker comes, and is answered, first."""
PATIENCE = 30.0
"""Seconds after which it goes out although more waits."""
HELD_UP = 1.0
"""Seconds for which the broker takes no more receipts after which it is no point's doing that others wait."""
DRAIN = 1.0
"""Seconds in which what waits is still taken when the centre is told to stop; it has two in all."""
GOODBYE = 0.8
"""Seconds in which the broker may acknowledge the centre's last word. Who hangs up before that may leave it unsaid:
mosquitto 2.0.11 gives a message up for all, where it cannot give it to one, and the centre hears its own."""
LOOK_ROUND = 10.0
"""Seconds between two looks at what has ended by itself."""
MAX_LOST = 2_000
"""Ranges told lost that are noted at a time; the others are told again."""
LOST_NAMED = 20
"""Of these, how many are logged."""


class Centre:
    """Lives through broker sessions one after another; only the store outlives a session."""

    def __init__(  # noqa: PLR0913 - each is a part of the world
        self,
        store: Store,
        broker: BrokerSettings,
        password: str | None,
        stop: Stop,
        watchdog: Watchdog,
        *,
        posting: BundlePublisher,
        backoff: ReplaySpacing = ReplaySpacing(),  # noqa: B008 - a value that cannot change
    ) -> None:
        self._posting = posting
        self._store = store
        self._broker = broker
        self._password = password
        self._stop = stop
        self._watchdog = watchdog
        self._topics = Topics(broker.root)
        self._intake = Intake(store, self._topics)
        self._recall = Recall(self._topics, backoff)
        self._inbox = Inbox(broker.root)
        self._batch: list[Received] = []
        """What is being taken; it stays until it is on the disk."""
        self._fault: str | None = None
        self._tried = 0.0
        self._boot = secrets.token_hex(8)
        self._rival = Rival(self._boot)
        self._alarms = Alarms(store)
        self._last: int | None = None
        """The number of the last word, until the broker has acknowledged it."""
        self._looked = 0.0
        self._since = 0.0
        """Since when what comes could be taken."""
        self._free = 0.0
        """When the broker last took all that was said to it."""
        self._said: tuple[State, dict[str, Any]] | None = None
        self._refused = False
        self._weather = Weather(_client_id(broker), broker.certificate, "the next try follows")
        self._limits = Limits(broker.most_waiting)

    def serve(self) -> None:
        """Hold one session after another until told to stop. Raises `DatabaseGoneError`."""
        back_off = BackOff(*PAUSES)
        while not self._stop.is_set():
            began = monotonic()
            try:
                self._session()
            except SessionError as broken:
                self._weather.foul(broken)
                if not self._posting.under_way:  # else it is the bundle, which has a way of its own
                    self._limits.ended(broken.cause, broken.in_hand)
            if monotonic() - began > back_off.longest:
                back_off.reset()
            self._rest(random.uniform(back_off.first, back_off.pause))  # noqa: S311 - jitter, no secret
            back_off.lengthen()

    def _session(self) -> None:
        """Speak with the broker until it breaks (`SessionError`) or the centre stops."""
        link = Link(
            self._broker,
            _client_id(self._broker),
            will=self._state(State.OFFLINE),
            clean=False,
            password=self._password,
            most_waiting=self._limits.messages,
        )
        with ExitStack() as stack:
            dial = stack.enter_context(Connector(link))
            while not dial.there(TURN / 5):
                self._watchdog.beat(monotonic())
                if self._stop.is_set():
                    return
            stack.push(link)
            self._weather.fair()
            self._said, self._refused = None, False
            self._since = self._free = began = monotonic()
            self._intake.again()
            self._posting.again(began)
            self._listen(link)
            more = False
            while not self._stop.is_set():
                self._watchdog.beat(monotonic())
                self._say(link)
                self._turn(link, 0 if (more or self._busy()) and not link.congested else TURN)
                self._post(link, began)
                self._ask(link)
                more = self._tend()
            self._leave(link)

    def _leave(self, link: Link) -> None:
        """Take what waits, and what came with the goodbye, as far as there is time, and answer it."""
        until = monotonic() + DRAIN
        while self._busy() and self._fault is None and monotonic() < until:
            self._turn(link, TURN / 10 if link.congested else 0)
        self._last = link.publish(self._state(State.STOPPED))
        log.info("state %s", State.STOPPED)
        until = monotonic() + GOODBYE
        while self._last is not None and monotonic() < until:
            self._turn(link, TURN / 10)

    def _listen(self, link: Link) -> None:
        points = [self._topics.every(leaf) for leaf in (*LEAVES, f"response/{VERB}")]
        link.subscribe([*points, self._topics.centre()])

    def _busy(self) -> bool:
        """Return whether there is something to take, and a disk to put it on."""
        return self._fault is None and (bool(self._batch) or self._inbox.due(monotonic()))

    def _turn(self, link: Link, seconds: float) -> None:
        """Read what comes, commit a turn's worth of what waits as one, and only then answer it."""
        came = link.turn(seconds, most=READ)
        answered = sum(isinstance(happened, Acked) for happened in came)
        for happened in came:
            self._hear(happened)
            if isinstance(happened, Acked):  # so many were under way at once, and went well
                self._limits.acked(self._broker.largest_packet or MAX_BUNDLE, answered)
        now = monotonic()
        if self._fault is not None and now - self._tried < TRY_AGAIN:
            return
        if link.congested:  # receipts wait in one row for all points: what is answered later is taken later
            self._since = now if now - self._free > HELD_UP else self._since
            return
        self._free = now
        more = sum(isinstance(happened, Received) for happened in came) >= READ
        self._batch = self._batch or self._inbox.take(monotonic(), more=more)
        if not self._batch:
            return
        self._tried = monotonic()
        try:
            answers, news = self._intake.take(self._batch, datetime.now(UTC))
        except StoreWriteError as error:
            self._say_fault(str(error))
            return
        for received in self._batch:
            self._recall.hear(received, monotonic())
        self._batch = []
        self._say_fault(None)
        for level, point, text, _ in news:
            log.log(level, "%s: %s", point, text)
        for answer in answers:
            link.publish(answer)

    def _hear(self, happened: Received | Acked) -> None:
        if isinstance(happened, Acked):
            self._take_ack(happened)
        elif happened.topic == self._topics.centre():
            life = self._rival.hear(happened.body, retained=happened.retained)
            if life is not None:
                self._note(lambda: self._alarms.note_rival(life))
        else:
            self._inbox.add(happened, monotonic())

    def _ask(self, link: Link) -> None:
        """Ask one point for what is missing of it, and note what it no longer has."""
        point = None if self._fault is not None else self._recall.next(monotonic())
        if point is None:
            return
        now = datetime.now(UTC)
        try:
            seen = self._store.look(point, self._recall.asked(point))
            requests, lost = self._recall.look(point, seen.gaps, monotonic(), seen.parts)
            lost = lost[:MAX_LOST]
            if lost:
                with self._store.writing():
                    for gap in lost:
                        self._store.lose(point, gap, now)
        except StoreWriteError as error:
            self._say_fault(str(error))
            return
        for gap in lost[:LOST_NAMED]:
            log.error(
                "%s: events %s %d-%d are lost: its card no longer has them. Next: titik-central status;"
                " was a card changed, put the old one in once",
                point,
                ascii(gap.epoch),
                gap.first,
                gap.last,
            )
        if len(lost) > LOST_NAMED:
            log.error("%s: and %d more ranges like these", point, len(lost) - LOST_NAMED)
        for request in requests:
            link.publish(Message(self._topics.of(point, f"request/{VERB}"), request.encode(now)))

    def _tend(self) -> bool:
        """Do a piece of what may wait, and look what began or ended to be out of order; return whether more waits."""
        now = monotonic()
        more = self._note(self._store.tend)
        self._note(lambda: self._alarms.note_late(self._inbox.late(now, self._since)))
        if now - self._looked >= LOOK_ROUND:
            self._looked = now
            self._note(lambda: self._alarms.look_round(datetime.now(UTC)))
        return more

    def _note(self, write: Callable[[], bool | None]) -> bool:
        """Write what can wait for a disk that is well; return what *write* does."""
        if self._fault is not None:
            return False
        try:
            return bool(write())
        except StoreWriteError as error:
            self._say_fault(str(error))
            return False

    def _take_ack(self, acked: Acked) -> None:
        if acked.mid == self._last:
            self._last = None
        size = self._posting.acked(acked.mid, refused=acked.refused)
        if size is not None:
            log.info("the bundle of %d bytes is posted for all points", size)
        if acked.refused and not self._refused:
            self._refused = True
            log.error(
                "the broker refuses what the centre says (%s): no station can forget."
                " Next: check the broker's ACL for the centre",
                acked.name,
            )

    def _state(self, state: State) -> Message:
        fields = {"state": state, "centre": self._store.life, "boot": self._boot}
        return Message(self._topics.centre(), dumps({**fields, **self._alarms.wire()}), retain=True)

    def _say(self, link: Link) -> None:
        state = State.DEGRADED if self._fault is not None else State.ONLINE
        said = state, self._alarms.wire()
        if said != self._said:
            link.publish(self._state(state))
            if self._said is None or self._said[0] is not state:
                log.info("state %s", state)
            self._said = said

    def _post(self, link: Link, began: float) -> None:
        """Give the points a new trust bundle, once what waits is answered; they believe its signature, not us."""
        now = monotonic()
        if now - began < SETTLE or ((self._busy() or link.congested) and now - began < PATIENCE):
            return
        octets = self._posting.newer(self._topics.bundle(), link.largest, now)
        if octets is not None:
            self._posting.sent(link.publish(Message(self._topics.bundle(), octets, retain=True)))
        self._note(lambda: self._alarms.note_fault(self._posting.fault))

    def _say_fault(self, fault: str | None) -> None:
        if (fault is None) != (self._fault is None):
            if fault is None:
                self._since = monotonic()
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
            self._watchdog.beat(monotonic())


def _client_id(broker: BrokerSettings) -> str:
    """Return the centre's name: where the broker takes names from certificates, its session must be found under it."""
    return "central" if broker.certificate is not None else "titik-central"


def run(settings: Settings, notifier: Notifier, env: Mapping[str, str] = os.environ) -> None:
    """Open the store, and serve until SIGTERM or SIGINT.

    Raises `ForeignDatabaseError`, `DatabaseGoneError` and `LockTakenError`.
    """
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
        watchdog = Watchdog([], notifier)
        store = _open(path, stop, stack, watchdog)
        if store is None:
            return
        log.info("the store is open: %s, centre %s", store.path, store.life)
        watchdog.beat(monotonic())
        Centre(store, settings.broker, secret, stop, watchdog, posting=BundlePublisher(settings.trust.bundle)).serve()


def _open(path: Path, stop: Stop, stack: ExitStack, watchdog: Watchdog) -> Store | None:
    """Return the open store, waiting for a disk that is not there yet; ``None`` when told to stop.

    Raises `ForeignDatabaseError` and `LockTakenError`.
    """
    lock = lock_of(path)
    stack.callback(lock.release)
    said: str | None = None
    while not stop.is_set():
        try:
            lock.take()  # a restore beside it would take the open file away
            return stack.enter_context(Store(path, datetime.now(UTC), lambda: watchdog.beat(monotonic())))
        except (StoreWriteError, OSError) as error:
            why = str(error) if isinstance(error, StoreWriteError) else f"{path}: {error.strerror}"
            if why != said:
                said = why
                log.error("%s; trying again each %d s. Next: ls -ld %s", said, TRY_AGAIN, path.parent)  # noqa: TRY400 - the sentence is the whole story
        stop.wait(TRY_AGAIN)
    return None
