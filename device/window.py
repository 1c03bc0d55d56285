"""What is under way between the outbox and the centre: a few messages, each with its timer; no I/O.

A session has one and throws it away with itself. Times are monotonic seconds.
"""

from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from device.model import Place
from device.outbox import Owed
from device.wire import batch

BACKLOG = 20
"""Owed rows from which several go in one message."""
BATCH_ROWS, BATCH_BYTES = 50, 65_536
FIRST_RESEND, LONGEST_RESEND = 5.0, 60.0
"""Seconds without a receipt after which a message is sent again; doubling."""


@dataclass(slots=True, eq=False)
class Parcel:
    """One message: consecutive rows of one epoch."""

    ids: list[str]
    epoch: str
    first: int
    last: int
    body: bytes
    wait: float = FIRST_RESEND
    due: float = 0.0
    first_sent: float | None = None


class Window:
    """At most *size* messages that no receipt has named yet."""

    def __init__(self, size: int) -> None:
        self.parcels: list[Parcel] = []
        self.cursor = 0
        """The outbox row up to which everything owed has been taken."""
        self._size = size
        self._mids: dict[int, Parcel] = {}

    @property
    def wanted(self) -> int:
        """How many rows it could take."""
        return max(0, self._size - len(self.parcels)) * BATCH_ROWS

    def load(self, owed: list[Owed]) -> list[Parcel]:
        """Take *owed* rows, as many as there is room for, and return the messages they make."""
        room = self._size - len(self.parcels)
        loaded = [_parcel(rows) for rows in _grouped(owed, BATCH_ROWS if len(owed) > BACKLOG else 1)[:room]]
        if loaded:
            self.parcels += loaded
            self.cursor = owed[sum(len(parcel.ids) for parcel in loaded) - 1].row
        return loaded

    def sent(self, parcel: Parcel, mid: int, now: float) -> None:
        """Note that *parcel* went out under the packet id *mid*, and when it is to go again."""
        parcel.due = now + parcel.wait
        parcel.first_sent = now if parcel.first_sent is None else parcel.first_sent
        self._mids[mid] = parcel

    def overdue(self, now: float) -> list[Parcel]:
        """Return what waited too long for its receipt; each wait is twice the one before."""
        late = [parcel for parcel in self.parcels if parcel.due <= now]
        for parcel in late:
            parcel.wait = min(2 * parcel.wait, LONGEST_RESEND)
        return late

    def hurry(self, now: float) -> None:
        """Let everything go again at once: the centre has just come back."""
        for parcel in self.parcels:
            parcel.due, parcel.wait, parcel.first_sent = now, FIRST_RESEND / 2, None

    def oldest(self, now: float) -> float | None:
        """Return for how many seconds the longest under way has been so, ``None`` if nothing is."""
        sent = [parcel.first_sent for parcel in self.parcels if parcel.first_sent is not None]
        return now - min(sent) if sent else None

    def acked(self, mid: int) -> Parcel | None:
        """Return the message that the broker's answer *mid* speaks of."""
        return self._mids.pop(mid, None)

    def of_rows(self, epoch: str, first: int, last: int) -> list[Parcel]:
        """Return the messages that hold just these rows, in their order; none where some rows are in no message."""
        within = [p for p in self.parcels if p.epoch == epoch and first <= p.first and p.last <= last]
        follows = all(one.first == before.last + 1 for before, one in pairwise(within))
        whole = bool(within) and (within[0].first, within[-1].last) == (first, last)
        return within if whole and follows else []

    def of_bytes(self, digest: str) -> Parcel | None:
        """Return the message whose bytes have this SHA-256 (hex)."""
        return next((p for p in self.parcels if sha256(p.body).hexdigest() == digest), None)

    def done(self, parcel: Parcel) -> None:
        """Forget *parcel*: it is where it should be."""
        if parcel in self.parcels:
            self.parcels.remove(parcel)


def _parcel(rows: list[Owed]) -> Parcel:
    events = [row.event for row in rows]
    return Parcel(
        [event.id for event in events],
        events[0].place.epoch,
        events[0].place.seq,
        events[-1].place.seq,
        batch([event.body for event in events]),
    )


def _grouped(owed: list[Owed], most: int) -> list[list[Owed]]:
    """Return *owed* in messages: up to *most* rows that follow one another in one epoch, within the size."""
    groups: list[list[Owed]] = []
    size = 0
    for row in owed:
        last = groups[-1][-1].event.place if groups else None
        size += len(row.event.body) + 1
        if (
            last is not None
            and len(groups[-1]) < most
            and size <= BATCH_BYTES
            and row.event.place == Place(last.epoch, last.seq + 1)
        ):
            groups[-1].append(row)
        else:
            groups.append([row])
            size = len(row.event.body) + 1
    return groups
