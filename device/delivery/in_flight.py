"""What is under way between the outbox and the centre: a few messages, each with its timer; no I/O.

A session has one and throws it away with itself. Times are monotonic seconds.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from device.model import Place
from device.mqtt.pace import BATCH_BYTES, Pace
from device.record.outbox import Owed
from device.wire import batch as batched

log = logging.getLogger(__name__)

BACKLOG = 20
"""Owed rows from which several go in one message."""
BATCH_ROWS = 50
FIRST_RESEND, MAX_RESEND = 5.0, 60.0
"""Seconds without a receipt, from the broker's PUBACK on, after which a message is sent again; doubling."""
MANY = 0xFFFF
"""More messages than ever go at once."""


@dataclass(slots=True, eq=False)
class Batch:
    """One message: consecutive rows of one epoch."""

    ids: list[str]
    epoch: str
    first: int
    last: int
    body: bytes
    wait: float = FIRST_RESEND
    due: float | None = None
    """When it is to go again; ``None`` until the broker has it."""
    flying: bool = True
    """Whether the broker has not acknowledged it."""
    sent: float | None = None
    acked: float | None = None
    """When the broker first had it, of what the centre can have heard."""
    ahead: int = 0
    """Bytes under way when it was sent, its own among them."""
    beside: int = 0
    """Messages under way then, itself among them."""


class InFlight:
    """At most *size* messages that no receipt has named yet, and no more of them on the line than it carries."""

    def __init__(self, size: int) -> None:
        self.batches: list[Batch] = []
        self.cursor = 0
        """The outbox row up to which everything owed has been taken."""
        self.pace = Pace()
        self.batch_bytes = BATCH_BYTES
        """Bytes that a message of several events may have, whatever the pace."""
        self.most: int | None = None
        """Bytes that the broker takes in a message, ``None`` where it does not say."""
        self.large: dict[str, int] = {}
        """Events that are larger than that, by id: left out."""
        self._size = size
        self._row = 64
        """Bytes of one row, as those before it had."""
        self._mids: dict[int, Batch] = {}

    @property
    def flying(self) -> list[Batch]:
        """What the broker has not acknowledged."""
        return [batch for batch in self.batches if batch.flying]

    @property
    def wanted(self) -> int:
        """How many rows it could take, roughly."""
        slots = self._size - len(self.batches)
        flying = self._bytes
        if slots <= 0 or (flying and flying >= self.pace.flight):
            return 0
        return min(slots * BATCH_ROWS, max((self.pace.flight - flying) // self._row, BACKLOG + 1))

    @property
    def _bytes(self) -> int:
        return sum(len(batch.body) for batch in self.batches if batch.flying)

    def fits(self, size: int) -> bool:
        """Whether a message of *size* bytes may go now; one always may when nothing is on its way."""
        flying = self._bytes
        return not flying or flying + size <= self.pace.flight

    def load(self, owed: list[Owed], room: int = MANY, aside: Collection[str] = ()) -> list[Batch]:
        """Take *owed* rows, as many as there is room for, and return the messages they make, *room* at the most.

        What is larger than the broker takes, and what is *aside*, is passed over and stays owed.
        """
        more = len(owed) >= self.wanted
        self._row = max(1, sum(len(row.event.body) for row in owed) // max(1, len(owed)))
        taken = [row for row in owed if not self._passed_over(row, aside)]
        limits = (BATCH_ROWS, min(self.batch_bytes, self.pace.batch_bytes)) if len(owed) > BACKLOG else (1, 0)
        groups = _grouped(taken, *limits)
        if more and len(groups) > 1 and len(groups[-1]) < BATCH_ROWS:
            groups.pop()  # what follows belongs to it
        loaded: list[Batch] = []
        for rows in groups[: max(0, min(self._size - len(self.batches), room))]:
            batch = _parcel(rows)
            if not self.fits(len(batch.body)):
                break
            loaded.append(batch)
            self.batches.append(batch)
            self.cursor = rows[-1].row
        if owed and not taken:
            self.cursor = owed[-1].row
        return loaded

    def _passed_over(self, row: Owed, aside: Collection[str]) -> bool:
        size = len(row.event.body)
        if self.most is not None and size > self.most and row.event.id not in self.large:
            self.large[row.event.id] = size
            log.error(
                "an event of %d bytes is larger than the broker takes (%d); it is kept, and the others go."
                " Next: max_packet_size at the broker; or titik queue export",
                size,
                self.most,
            )
        return row.event.id in self.large or row.event.id in aside

    def sent(self, batch: Batch, mid: int, now: float) -> None:
        """Note that *batch* went out under the number *mid*; each wait for a receipt is twice the one before."""
        if batch.sent is not None:
            batch.wait = min(2 * batch.wait, MAX_RESEND)
        batch.sent, batch.due, batch.flying = now, None, True
        batch.ahead, batch.beside = self._bytes, len(self.flying)
        self._mids[mid] = batch

    def overdue(self, now: float) -> list[Batch]:
        """Return what waited too long for its receipt."""
        return [batch for batch in self.batches if batch.due is not None and batch.due <= now]

    def hurry(self, now: float) -> None:
        """Let everything go again at once: the centre has just come back."""
        for batch in self.batches:
            batch.wait, batch.acked = FIRST_RESEND / 2, None
            if batch.due is not None:
                batch.due = now

    def oldest(self, now: float) -> float | None:
        """Return for how many seconds the broker has had what it had first, ``None`` if it has nothing."""
        acked = [batch.acked for batch in self.batches if batch.acked is not None]
        return now - min(acked) if acked else None

    def acked(self, mid: int, now: float) -> Batch | None:
        """Return the message that the broker's answer *mid* speaks of, and wait for its receipt from *now* on."""
        batch = self._mids.pop(mid, None)
        if batch is not None and batch.sent is not None:
            self.pace.answered(len(batch.body), batch.ahead, now - batch.sent)
            batch.flying, batch.due = False, now + batch.wait
            batch.acked = now if batch.acked is None else batch.acked
        return batch

    def of_rows(self, epoch: str, first: int, last: int) -> list[Batch]:
        """Return the messages that hold just these rows, in their order; none where some rows are in no message."""
        within = [p for p in self.batches if p.epoch == epoch and first <= p.first and p.last <= last]
        follows = all(one.first == before.last + 1 for before, one in pairwise(within))
        whole = bool(within) and (within[0].first, within[-1].last) == (first, last)
        return within if whole and follows else []

    def of_bytes(self, digest: str) -> Batch | None:
        """Return the message whose bytes have this SHA-256 (hex)."""
        return next((p for p in self.batches if sha256(p.body).hexdigest() == digest), None)

    def done(self, batch: Batch) -> None:
        """Forget *batch*: it is where it should be."""
        if batch in self.batches:
            self.batches.remove(batch)


def _parcel(rows: list[Owed]) -> Batch:
    events = [row.event for row in rows]
    return Batch(
        [event.id for event in events],
        events[0].place.epoch,
        events[0].place.seq,
        events[-1].place.seq,
        batched([event.body for event in events]),
    )


def _grouped(owed: list[Owed], most: int, octets: int) -> list[list[Owed]]:
    """Return *owed* in messages: up to *most* rows that follow one another in one epoch, and up to *octets*."""
    groups: list[list[Owed]] = []
    size = 0
    for row in owed:
        last = groups[-1][-1].event.place if groups else None
        size += len(row.event.body) + 1
        if (
            last is not None
            and len(groups[-1]) < most
            and size < octets
            and row.event.place == Place(last.epoch, last.seq + 1)
        ):
            groups[-1].append(row)
        else:
            groups.append([row])
            size = len(row.event.body) + 1
    return groups
