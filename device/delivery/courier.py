"""Outbox → broker → centre, and back: only a receipt of the centre makes the station forget.

A broker's PUBACK opens nothing but its own books: measured, brokers acknowledge before their disk and drop
what nobody collects. So a message stays under way until the centre's receipt names it, or is sent again.
"""

import logging
import random
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from time import monotonic

from device.config import BrokerSettings, DeliverySettings
from device.delivery._poison_messages import PoisonMessages
from device.delivery._reachability import Reachability
from device.delivery._settlements import Settlements
from device.delivery.announcements import HEALTH_EVERY, Announcements, Counts, Notice, Sender
from device.delivery.in_flight import FIRST_RESEND, Batch, InFlight
from device.delivery.remote_commands import RemoteCommands
from device.mqtt.connection import PAUSES, USUAL, Timeouts
from device.mqtt.pace import Limits
from device.mqtt.session_end import Cause
from device.mqtt.weather import Weather
from device.mqtt_client import Link, SessionError
from device.record.event import in_doubt
from device.record.outbox import Outbox, Owed, RecordError
from device.system.back_off import BackOff
from device.system.clock import boot_time
from device.system.worker import Worker
from device.trust.bundle import BundleError
from device.verdict.ruleset import Ruleset
from device.wire import (
    CONTENT_TYPE,
    CONTENT_TYPE_BATCH,
    Acked,
    Message,
    Quarantined,
    Received,
    State,
    Topics,
    digest,
    parse_receipt,
)

log = logging.getLogger(__name__)

WILL_DELAY = 15
"""Seconds before the broker says *offline* for us, so that a reconnect is not news."""
LAST_WORD = 0.3
"""Seconds that a stop waits for its own last word to leave."""
DRAIN = 0.8
"""Seconds that a stop waits for the receipts of what is under way; a stop as a whole has two."""
GLANCE = 0.5
"""Seconds after which a wait for the broker looks round."""
PURGE_EVERY = 60.0
ASK_EVERY = 60.0
"""Seconds between two looks whether a centre that said it was going has come back unheard."""
UNDATED_WAITS = 300.0
"""Seconds that an event of this boot waits for the clock to be trusted, before it goes as it is (``design.md``)."""


@dataclass(slots=True)
class _Due:
    """When the next of each chore is due in one session, monotonic seconds, and which bundle was said last."""

    health: float = 0.0
    purge: float = 0.0
    keep: float = 0.0
    centre: float = 0.0
    bundle: int | None = None


class Courier(Worker):
    """Lives through broker sessions one after another; only the outbox outlives a session.

    *timeouts* are those of a session, *pauses* the first and the longest between two of them.
    """

    def __init__(  # noqa: PLR0913 - what it is made of, and its two kinds of waiting
        self,
        outbox: Outbox,
        broker: BrokerSettings,
        delivery: DeliverySettings,
        sender: Sender,
        ruleset: Ruleset | None = None,
        *,
        timeouts: Timeouts = USUAL,
        pauses: tuple[float, float] = PAUSES,
    ) -> None:
        super().__init__("courier")
        self._timeouts = timeouts
        self._pauses = pauses
        self._ruleset = ruleset
        self._outbox = outbox
        self._broker = broker
        self._delivery = delivery
        self._sender = sender
        self._topics = Topics(broker.root)
        self._announcements = Announcements(outbox, sender, self._topics, modern=broker.protocol == 5)  # noqa: PLR2004 - the protocol's own number
        self._commands = RemoteCommands(outbox)
        self._notice, self._noticed = Notice(), monotonic()
        self._waker, self._woken = socket.socketpair()
        self._waker.settimeout(0)
        self._window = InFlight(delivery.window)
        self._counts = Counts()
        self._weather = Weather(sender.point, broker.certificate, "events are kept, and the next try follows")
        self._limits = Limits(broker.most_waiting)
        self._poison = PoisonMessages()
        self._reachability = Reachability(trusting=delivery.until == "puback")
        self._reborn = False
        self._settlements = Settlements(outbox)
        self._epoch = outbox.epoch
        self.linked = False
        """Whether the centre is there to hold what is sent; the loop reads it for its light."""

    def wake(self) -> None:
        """Say that there is something to do; never waits."""
        with suppress(OSError):  # full: it is awake already
            self._waker.send(b"!")

    def tell(self, notice: Notice) -> None:
        """Leave *notice* for the next look round; a change of state is said at once."""
        changed = notice.faults != self._notice.faults
        self._notice, self._noticed = notice, monotonic()
        if changed:
            self.wake()

    def work(self) -> None:
        """Hold one session after another until told to stop."""
        back_off = BackOff(*self._pauses)
        with self._waker, self._woken:
            while not self.stopping.is_set():
                began = monotonic()
                self.leavable = True  # a connection that is not there yet holds nothing
                try:
                    with self._link() as link:
                        self.leavable = False
                        self._weather.fair()
                        self._session(link)
                except SessionError as broken:
                    self._learn(broken)
                    self._counts.reconnects += 1
                finally:
                    self.linked = False
                if monotonic() - began > back_off.longest:
                    back_off.reset()
                self.stopping.wait(random.uniform(back_off.first / 2, back_off.pause))  # noqa: S311 - jitter, no secret
                back_off.lengthen()

    def _link(self) -> Link:
        sender = self._sender
        will = self._announcements.state(State.OFFLINE)
        return Link(
            self._broker,
            sender.point,
            will=will,
            will_delay=WILL_DELAY,
            password=sender.password,
            most_waiting=self._limits.messages,
            timeouts=self._timeouts,
        )

    def _learn(self, broken: SessionError) -> None:
        """Note why the session ended, and what the broker may not have taken."""
        self._weather.foul(broken)
        self._limits.ended(broken.cause, broken.in_hand)
        if broken.cause is Cause.CLOSED_ON:
            self._poison.suspect(self._window.flying, monotonic())
        self._window = InFlight(self._delivery.window)  # nothing of it is under way any more

    def _session(self, link: Link) -> None:
        """Speak with the broker until it breaks (`SessionError`) or the station stops."""
        self._open_window()
        self._reachability.anew()
        for remark in link.remarks:
            log.warning("%s", remark)
        link.subscribe(
            [self._announcements.topic("receipt"), self._announcements.topic("request/+"), self._topics.centre()]
        )
        if self._ruleset is not None:
            link.subscribe([self._topics.bundle()], retained=False)
        said: tuple[str, ...] | None = None
        due = _Due()
        leave_at: float | None = None
        while leave_at is None or ((self._window.batches or self._settlements.due) and monotonic() < leave_at):
            now, notice = monotonic(), self._notice
            faults = (*notice.faults, *self._reachability.faults)
            if self.stopping.is_set():
                leave_at = leave_at or now + DRAIN
            elif faults != said or self._reborn:
                state = State.DEGRADED if faults else State.ONLINE
                link.publish(self._announcements.state(state, faults))
                log.info("state %s", " ".join((state, *faults)))
                said, self._reborn = faults, False
                due.health = now  # it says in a sentence what the fault is in a word
            self._chores(link, notice, now, due)
            if self._outbox.epoch != self._epoch:
                self._open_window()
                said = None  # the new epoch, and what is kept, is news
            self._send(link, now)
            patience = self._patience(now)
            happened = link.turn(patience if leave_at is None else min(patience, 0.1), self._woken)
            self._hear(link, happened, stopping=leave_at is not None)
            self._settle()
            self._judge_line(link, monotonic())
        link.publish(self._announcements.state(State.STOPPED))
        log.info("state %s", State.STOPPED)
        last = monotonic() + LAST_WORD
        link.turn(0.1)
        while link.congested and monotonic() < last:  # it waits for the broker's word on what went before
            link.turn(0.05)

    def _chores(self, link: Link, notice: Notice, now: float, due: _Due) -> None:
        """Do what comes round by the clock, and say which bundle is followed when it is another."""
        if due.bundle != self._bundle():
            due.bundle = self._bundle()
            link.publish(self._announcements.info(due.bundle or 0))
        if self._reachability.centre is not False:
            due.centre = now + ASK_EVERY
        elif now >= due.centre:
            due.centre = now + ASK_EVERY
            link.subscribe([self._topics.centre()])  # what is retained comes again: its last word may be lost
        if notice.health is not None and now >= due.health:
            due.health = now + HEALTH_EVERY
            link.publish(self._announcements.health(notice.health, self._counts, len(self._window.batches)))
        if notice.trusted_time is not None and now >= due.purge:
            due.purge = now + PURGE_EVERY
            self._purge(notice.trusted_time)
        if self._ruleset is not None and now >= due.keep:
            due.keep = now + PURGE_EVERY
            self._ruleset.keep_again()

    def _hear(self, link: Link, happened: list[Received | Acked], *, stopping: bool) -> None:
        """Take what came; of several bundles the newest is enough, and none is worth holding up a stop."""
        bundle = b""
        for one in happened:
            if isinstance(one, Received) and one.topic == self._topics.bundle():
                bundle = one.body
            elif isinstance(one, Received) and one.topic.startswith(self._announcements.topic("request/")):
                self._answer_request(link, one)
            else:
                self._take(one)
        if bundle and not stopping:
            self._take_bundle(bundle)

    def _answer_request(self, link: Link, asked: Received) -> None:
        """Do what an operator or the centre asks, and say what came of it; nothing retained is a request."""
        if asked.retained:
            return
        time, now = self._notice.trusted_time, monotonic()
        trusted = None if time is None else time + timedelta(seconds=now - self._noticed)
        answer = self._commands.take(asked.topic.rpartition("/")[2], asked.body, now, trusted)
        if answer is None:
            return
        link.publish(Message(self._announcements.topic(f"response/{answer.verb}"), answer.body))
        if answer.again:
            self._open_window()  # they stand before the cursor

    def _open_window(self) -> None:
        """Begin from the first row that is owed: at each session, and when the outbox was opened anew."""
        self._epoch = self._outbox.epoch
        self._window = InFlight(self._delivery.window)
        self._settle()  # or what was answered last would go again

    def _judge_line(self, link: Link, now: float) -> None:
        """Say whether the centre hears, which a long packet on the line can hold up, and whether the line is slow."""
        waiting = self._window.oldest(now)
        self._reachability.judge(None if waiting is None else min(waiting, now - link.midway))
        self._reachability.large = bool(self._window.large or self._poison.ids)
        self.linked = self._reachability.linked
        self._weather.line(self._window.pace)

    def _patience(self, now: float) -> float:
        """Return how long nothing needs to be done unless something happens."""
        waiting = [] if self._reachability.centre is False else self._window.batches
        dues = [one.due for one in waiting if one.due is not None and one.due > now]  # what is due had its try
        if self._settlements.due is not None:
            dues.append(self._settlements.due)
        return min([GLANCE, *(max(0.0, due - now) for due in dues)])

    def _send(self, link: Link, now: float) -> None:
        """Fill the window from the outbox, and send again what no receipt came for, unless the centre is away.

        While a longer packet comes in, a receipt may stand behind it.
        """
        if link.congested or self._settlements.full:
            return
        window = self._window
        if not window.batches and self._poison.over(now):  # asked only where it can be begun from the first row
            window.cursor = 0
        window.most = link.body_limit(self._announcements.topic("event"), CONTENT_TYPE_BATCH)
        window.batch_bytes = min(self._limits.batch_bytes, window.most)
        held_up = self._reachability.centre is False or now - link.midway < FIRST_RESEND
        for batch in [] if held_up else window.overdue(now):
            if link.room and window.fits(len(batch.body)):
                self._put(link, batch, now)
        if link.room and (wanted := window.wanted):
            with suppress(RecordError):  # the outbox has said so itself, and the loop shows it
                owed = self._dated(self._outbox.owed(window.cursor, wanted))
                for batch in window.load(owed, link.room, self._poison.ids):
                    self._put(link, batch, now)

    def _put(self, link: Link, batch: Batch, now: float) -> None:
        kind = CONTENT_TYPE if len(batch.ids) == 1 else CONTENT_TYPE_BATCH
        mid = link.publish(Message(self._announcements.topic("event"), batch.body, content_type=kind))
        self._window.sent(batch, mid, now)

    def _dated(self, owed: list[Owed]) -> list[Owed]:
        """Return *owed* as far as it may go: what was taken a moment ago by a clock in doubt waits for its time."""
        if self._notice.trusted_time is not None:
            return owed
        young = boot_time() - UNDATED_WAITS
        return list(takewhile(lambda row: (in_doubt(row.event.body, self._sender.boot) or young) <= young, owed))

    def _take(self, happened: Received | Acked) -> None:
        if isinstance(happened, Acked):
            self._take_ack(happened)
        elif happened.topic == self._topics.centre():
            self._take_centre(happened)
        elif not happened.retained:  # nothing retained ever makes a station forget
            with suppress(RecordError):  # the outbox has said so itself; the receipt comes again
                self._take_receipt(happened.body)

    def _take_ack(self, acked: Acked) -> None:
        batch = self._window.acked(acked.mid, monotonic())
        if acked.refused:
            self._counts.refused += 1
        elif acked.unrouted and batch is not None:
            self._counts.unrouted += 1
        if batch is not None:
            self._limits.acked(len(batch.body), batch.beside)
            self._poison.acked(batch)
        routed = self._reachability.acked(acked, ours=batch is not None)
        if routed and batch is not None and self._delivery.until == "puback":
            self._answer([batch])

    def _take_centre(self, received: Received) -> None:
        # A centre with a new life has another database: it must hear anew which epochs are kept here.
        back, reborn = self._reachability.heard(received)
        self._reborn |= reborn
        if back:  # what was sent may have reached nobody
            self._window.hurry(monotonic())

    def _bundle(self) -> int:
        """Return the version of the bundle in force."""
        return 0 if self._ruleset is None else self._ruleset.rules.trust.version

    def _take_bundle(self, body: bytes) -> None:
        """Offer a bundle that came; the regency's root is believed, not the broker."""
        if self._ruleset is None:
            return
        try:
            offer = self._ruleset.offer(body)
        except BundleError as error:
            log.error("the bundle that the broker holds is refused: %s", error)  # noqa: TRY400 - the sentence is the whole story
            return
        if offer.new:
            log.info("bundle version=%d came over the network and is in force", offer.version)

    def _take_receipt(self, body: bytes) -> None:
        try:
            receipt = parse_receipt(body)
        except ValueError as error:
            log.warning("a receipt that cannot be read was passed over: %s", error)
            return
        if isinstance(receipt, Quarantined):
            batch = self._window.of_bytes(receipt.bytes_digest)
            if batch is not None:
                log.error("the centre could not read %d event(s), and holds their bytes", len(batch.ids))
                self._answer([batch])
                return
        else:
            batches = self._window.of_rows(receipt.epoch, receipt.first, receipt.last)
            ids = [id_ for batch in batches for id_ in batch.ids]
            if batches and len(ids) == receipt.count and digest(ids) == receipt.digest:
                self._answer(batches)
                return
            if self._outbox.settle(receipt, self._notice.trusted_time) is not None:
                return  # what it names went before this session
        log.warning("a receipt that does not fit our own rows was passed over")

    def _answer(self, batches: list[Batch]) -> None:
        """Let *batches*, which the centre holds, make room in the window."""
        self._reachability.receipted()
        for batch in batches:
            self._window.done(batch)
        self._settlements.add(batches, monotonic())

    def _settle(self) -> None:
        self._settlements.settle(monotonic(), self._notice.trusted_time, idle=not self._window.batches)

    def _purge(self, trusted: datetime) -> None:
        """Delete what has been held long enough, by trusted time alone, a little at a time."""
        with suppress(RecordError):  # the outbox has said so itself, and the loop shows it
            self._outbox.purge(trusted, timedelta(days=self._delivery.keep_days))
