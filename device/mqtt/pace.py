"""How large a message may be and how much may be under way: fitted to the time that the broker's answers take.

A slow line is slow for everybody who waits in it: a ping behind a minute of batches comes too late. So what is under
way is what the line carries in `AIM`, told by what it carried before; the first messages are small. The time counts
to the broker's PUBACK, not to the receipt: while the *centre* is busy, few large messages are better than many small.
All times are monotonic seconds.
"""

import logging
from collections.abc import Sequence

from device.mqtt.session_end import Cause

log = logging.getLogger(__name__)

AIM = 2.5
"""Seconds within which the broker should have what is under way."""
FIRST_FLIGHT, LEAST_FLIGHT, MAX_FLIGHT = 8_192, 1_024, 1_048_576
"""Bytes under way: at first, at the least (then one event at a time), at the most."""
BATCH_BYTES = 65_536
"""Bytes of one message at the most."""
SLOW, LATE = 4_000.0, 3
"""Bytes a second under which a line is called slow (an event has some 600), after so many answers that show it."""


class Pace:
    """What the line of one session carries: grows as TCP's slow start does (RFC 5681), shrinks to what was seen."""

    def __init__(self) -> None:
        self.flight = FIRST_FLIGHT
        """Bytes that may be under way at once."""
        self.rate = 0.0
        """Bytes a second, when the line last was the narrow place."""
        self._late = 0

    @property
    def batch_bytes(self) -> int:
        """Bytes that one message may have: two at once fill the line while the first one's answer comes."""
        return min(BATCH_BYTES, self.flight // 2)

    @property
    def slow(self) -> bool:
        """Whether the line carries less than `SLOW`, as several answers in a row have shown."""
        return self._late >= LATE

    @property
    def quick(self) -> bool:
        """Whether it carries clearly more than that."""
        return self.flight > 2 * SLOW * AIM

    def answered(self, size: int, ahead: int, took: float) -> None:
        """Note that the broker answered a message of *size* bytes after *took* seconds.

        *ahead* is what was under way when it was sent, itself included: that much came through in that time.
        """
        if took > AIM / 2:
            self.rate = ahead / took
            self.flight = min(max(int(self.rate * AIM), LEAST_FLIGHT), self.flight)
            self._late += self.rate < SLOW
        elif 4 * ahead >= self.flight:  # what was not used proves nothing
            self.flight = min(self.flight + size, MAX_FLIGHT)
        if self.quick:
            self._late = 0


class Limits:
    """What a broker takes that does not say so: learned from how its sessions end, and kept from one to the next.

    MQTT 5 has two numbers for it in CONNACK; 3.1.1 has none, and some brokers close without a word on either. Two
    sessions in a row that end so while something is under way halve both; what is acknowledged lets them grow again,
    each time after twice as many messages as the time before.
    """

    def __init__(self, messages: int = 1000) -> None:
        self.batch_bytes = BATCH_BYTES
        """Bytes that a batch may have; one event goes alone, whatever it has."""
        self.messages = messages
        """Messages that may wait for their PUBACK."""
        self._most = messages
        self._strikes: list[tuple[int, int]] = []
        self._acked = 0
        self._patience = FIRST_PATIENCE

    def ended(self, cause: Cause, in_hand: Sequence[int]) -> None:
        """Note that a session ended for *cause* while messages of these sizes were under way; say what follows."""
        limited = cause in (Cause.TOO_LARGE, Cause.TOO_MANY)
        if not in_hand or not (limited or cause is Cause.CLOSED_ON):
            return
        self._strikes.append((max(in_hand), len(in_hand)))
        if len(self._strikes) < STRIKES and not limited:
            return
        before = self.batch_bytes, self.messages
        size, count = (min(numbers) for numbers in zip(*self._strikes, strict=True))
        self._strikes = []
        if cause is not Cause.TOO_MANY:
            self.batch_bytes = max(min(self.batch_bytes, size) // 2, LEAST_FLIGHT)
        if cause is not Cause.TOO_LARGE:
            self.messages = max(min(self.messages, count) // 2, 1)
        self._acked = 0
        self._patience = min(2 * self._patience, MAX_PATIENCE)
        if before != (self.batch_bytes, self.messages):
            log.warning(
                "perhaps the broker takes no more: batches of %d bytes from now on, and %d messages at once",
                self.batch_bytes,
                self.messages,
            )

    def acked(self, size: int, beside: int) -> None:
        """Note that the broker acknowledged a message of *size* bytes, one of *beside* that waited for it."""
        if any(size >= suspect and beside >= many for suspect, many in self._strikes):
            self._strikes = []  # as much, and as many, went well since
        if self.batch_bytes == BATCH_BYTES and self.messages == self._most:
            return
        self._acked += 1
        if self._acked >= self._patience:
            self._acked = 0
            self.batch_bytes = min(self.batch_bytes + self.batch_bytes // 2, BATCH_BYTES)
            self.messages = min(self.messages + 1 + self.messages // 4, self._most)


STRIKES = 2
"""Sessions that must end alike before anything is made of it."""
FIRST_PATIENCE, MAX_PATIENCE = 10, 5_000
"""Messages that must be acknowledged before more is tried; doubling."""
