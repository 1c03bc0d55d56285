"""Whether the other side of a session is still there: by what came, what left, and what it has not acknowledged.

Times come in, monotonic seconds. Bytes that leave are life: a large message on a slow line takes longer than a
keep-alive, and nothing comes back meanwhile. Once they have left, an answer is due: a kernel takes them for a program
that hangs.
"""

from collections import deque
from dataclasses import dataclass

from device.mqtt.connection import ACK_LIMIT, Flow
from device.mqtt.session_end import Sentence, silent, unanswered

SILENCE = 1.5
"""Keep-alives without a sign of life after which the broker is gone: paho pings after one, and itself waits another."""


@dataclass(slots=True)
class Waiting:
    """A message that the broker has not acknowledged."""

    mid: int
    size: int
    mark: int = 0
    """Where it ends in what the kernel took, once it took all of it."""
    left: float | None = None
    """When the other side's TCP had it."""


class Liveness:
    """What is known of one session since *now*."""

    def __init__(self, keepalive: float, now: float, acknowledged: float = ACK_LIMIT) -> None:
        self.keepalive = keepalive
        self.acknowledged = acknowledged
        """Seconds that the broker may take to acknowledge a message that has left."""
        self.waiting: dict[int, Waiting] = {}
        """By packet id, oldest first."""
        self.heard = now
        """When something last came."""
        self.moved = now
        """When something last left."""
        self.midway = 0.0
        """When a piece of a longer packet last came: what comes after it has to wait."""
        self.busy = False
        """Whether something given has not left yet."""
        self._gone = 0
        self._given: list[Waiting] = []
        self._leaving: deque[Waiting] = deque()

    def sent(self, packet_id: int, mid: int, size: int) -> None:
        """Note that a message was given to the line."""
        self._given.append(Waiting(mid, size))
        self.waiting[packet_id] = self._given[-1]

    def acked(self, packet_id: int) -> Waiting | None:
        """Return the message that the broker has acknowledged, ``None`` if it waits for none of that number."""
        return self.waiting.pop(packet_id, None)

    def came(self, now: float, *, whole: bool) -> None:
        """Note that something came; *whole* is whether it ended where a packet ends."""
        self.heard = now
        if not whole:
            self.midway = now

    def look(self, flow: Flow, now: float, *, congested: bool) -> None:
        """Note how far what was given has come; *congested* is whether the kernel has not taken all of it."""
        if flow.gone > self._gone:
            self._gone, self.moved = flow.gone, now
        self.busy = congested or flow.taken > flow.gone
        if not congested:
            for waiting in self._given:
                waiting.mark = flow.taken
            self._leaving += self._given
            self._given = []
        while self._leaving and self._leaving[0].mark <= flow.gone:
            self._leaving.popleft().left = now

    def overdue(self, now: float) -> Sentence | None:
        """Return what is told when the oldest message has left and was not acknowledged in time."""
        left = self._oldest_left
        late = left is not None and now - max(left, self.midway) > self.acknowledged
        return unanswered(self.acknowledged) if late else None

    def silent(self, now: float) -> Sentence | None:
        """Return what is told when nothing came although something should have, and nothing leaves either."""
        since = self.heard
        if self.busy:
            since = max(since, self.moved)
        elif (left := self._oldest_left) is not None:
            since = max(since, left)
        limit = SILENCE * self.keepalive
        return silent(limit) if now - since > limit else None

    @property
    def _oldest_left(self) -> float | None:
        oldest = next(iter(self.waiting.values()), None)
        return None if oldest is None else oldest.left
