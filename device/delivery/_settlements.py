"""What the centre holds and the card has not forgotten yet: many receipts, one commit.

A commit costs a sync of the card; one for each receipt made a drain sixteen times slower (measured).
Until then the rows are owed: after a power cut they go again, and the centre knows them.
"""

import logging
from datetime import datetime

from device.delivery.in_flight import Batch
from device.record.outbox import Outbox, RecordError

log = logging.getLogger(__name__)

WITHIN = 0.05
"""Seconds that receipts may wait for others; none waits once nothing more is under way."""
AT_ONCE = 5_000
"""Events that may wait to be forgotten; past it nothing more should be sent until the disk takes a commit."""
AGAIN = 1.0
"""Seconds between two tries to forget, while the disk takes no commit."""


class Settlements:
    """Messages that a receipt has named; times are monotonic seconds."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._parcels: list[Batch] = []
        self._events = 0
        self._refused = False
        self.due: float | None = None
        """When the next commit is to be, ``None`` while there is nothing to forget."""

    @property
    def full(self) -> bool:
        """Whether no more should come before the next commit."""
        return self._events > AT_ONCE

    def add(self, batches: list[Batch], now: float) -> None:
        """Note that the centre holds *batches*."""
        self._parcels += batches
        self._events += sum(len(batch.ids) for batch in batches)
        if self.due is None:
            self.due = now + WITHIN

    def settle(self, now: float, trusted: datetime | None, *, idle: bool) -> None:
        """Forget in one commit what was noted, if it is time, or if the courier is *idle*.

        *trusted* is as in `Outbox.hold`. A disk that takes no commit is asked again later.
        """
        if self.due is None or (now < self.due and (self._refused or not idle)):
            return
        try:
            self._outbox.hold([id_ for batch in self._parcels for id_ in batch.ids], trusted)
        except RecordError:  # the outbox has said so itself, and the loop shows it
            self.due, self._refused = now + AGAIN, True
            return
        for epoch in dict.fromkeys(batch.epoch for batch in self._parcels):
            held = [batch for batch in self._parcels if batch.epoch == epoch]
            events, through = sum(len(batch.ids) for batch in held), max(batch.last for batch in held)
            log.info("held events=%d through=%d epoch=%s", events, through, epoch)
        self._parcels, self._events, self._refused, self.due = [], 0, False, None
