"""Events that seem to end every session they go in: left out for a while, so that the others arrive."""

import logging
from collections.abc import Sequence

from device.delivery.in_flight import Batch

log = logging.getLogger(__name__)

AFTER = 3
"""Sessions that end without a reason while one and the same event, and nothing else, is under way."""
AGAIN = 600.0
"""Seconds after which it may be tried again: it is owed all the while."""


class PoisonMessages:
    """Ids that are not sent now; times are monotonic seconds."""

    def __init__(self) -> None:
        self.ids: dict[str, float] = {}
        """Each with the time at which it may go again."""
        self._suspect = ""
        self._times = 0

    def suspect(self, flying: Sequence[Batch], now: float) -> None:
        """Note that a session ended while *flying* were under way; say when the only one is left out from now on."""
        alone = flying[0].ids if len(flying) == 1 and len(flying[0].ids) == 1 else []
        self._times = self._times + 1 if alone == [self._suspect] else len(alone)
        self._suspect = alone[0] if alone else ""
        if self._times == AFTER:
            self._times = 0
            self.ids[self._suspect] = now + AGAIN
            log.error(
                "%d sessions ended while one event of %d bytes was under way: it waits %d minutes, and the others go."
                " Next: max_packet_size at the broker",
                AFTER,
                len(flying[0].body),
                AGAIN / 60,
            )

    def acked(self, batch: Batch) -> None:
        """Note that the broker has *batch*: it was not the reason."""
        if self._suspect in batch.ids:
            self._times = 0

    def over(self, now: float) -> bool:
        """Let what was left out long enough go again; return whether anything was."""
        ready = [id_ for id_, until in self.ids.items() if until <= now]
        for id_ in ready:
            del self.ids[id_]
        return bool(ready)
