"""What came and is not taken yet: each point has its own row to wait in, and its turn.

A turn is short and takes of all points alike, so that one which floods waits for itself and no other waits for it.
Of what a point says of itself only the newest waits. What finds no room is not taken: nobody is told that it is
held, and its station sends it again.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from central.points import MAX_POINTS
from device.wire import MAX_POINT, MAX_REPORT, POINT, Received

TURN_MESSAGES, TURN_BYTES, TURN_EVENTS = 50, 131_072, 150
"""What one turn takes of all points together (some 15 ms); one message more where it is a large one."""
HASTE = 5
"""Of so many parts of that a turn takes one, while more is to be read: behind a flood may stand who sends one event."""
POINT_BYTES, ALL_BYTES = 50_331_648, 100_663_296
"""What waits in RAM of one point, and of all; an honest one has at most 100 messages under way."""
COST = 512
"""Bytes that a message takes beside its body."""
WORDS = {"state": 8, "info": 1, "health": 1, "response/replay": 100}
"""How many of each leaf wait at most; the newest count."""
PACE = 1.0
"""Seconds in which so many words of one point are taken."""
LATE = 5.0
"""Seconds after which a point counts as waiting for its receipts."""
_MARK = b"specversion"


@dataclass(slots=True)
class Box:
    """What waits of one point."""

    events: deque[tuple[Received, float]] = field(default_factory=deque)
    """And when each came."""
    words: dict[str, deque[Received]] = field(default_factory=dict)
    due: float = float("-inf")
    """When its next words are taken."""
    bytes: int = 0


class Inbox:
    """The rows of all points; times are monotonic seconds."""

    def __init__(self, root: str) -> None:
        self._prefix = f"{root}/"
        self._boxes: dict[str, Box] = {}
        self._bytes = 0

    def add(self, received: Received, now: float) -> None:
        """Let *received* wait, if there is room."""
        point, _, leaf = received.topic.removeprefix(self._prefix).partition("/")
        if len(point) > MAX_POINT or not POINT.match(point):
            point = ""
        if point not in self._boxes and len(self._boxes) >= MAX_POINTS:
            self._boxes = {name: box for name, box in self._boxes.items() if box.events or box.words or box.due > now}
            if len(self._boxes) >= MAX_POINTS:
                point = ""
        box = self._boxes.setdefault(point, Box())
        if leaf in WORDS and point:
            if len(received.body) > MAX_REPORT:
                received = Received(received.topic, received.body[: MAX_REPORT + 1], received.retained)
            box.words.setdefault(leaf, deque(maxlen=WORDS[leaf])).append(received)
            return
        size = len(received.body) + COST
        if box.bytes + size > POINT_BYTES or self._bytes + size > ALL_BYTES:
            return
        box.events.append((received, now))
        box.bytes += size
        self._bytes += size

    def due(self, now: float) -> bool:
        """Return whether there is something to take."""
        return any(box.events or (box.words and box.due <= now) for box in self._boxes.values())

    def take(self, now: float, *, more: bool = False) -> list[Received]:
        """Return, and let go, what this turn takes: of each point in its turn one message, until it is enough.

        *more* is whether the line has not been read to its end. What is of one topic stands together, in the order
        in which it came.
        """
        part = HASTE if more else 1
        taken: list[Received] = []
        size = events = 0
        ring = deque(name for name, box in self._boxes.items() if box.events or (box.words and box.due <= now))
        while ring and max(len(taken) / TURN_MESSAGES, size / TURN_BYTES, events / TURN_EVENTS) < 1 / part:
            name = ring.popleft()
            box = self._boxes[name]
            if box.words and box.due <= now:
                words = list(_emptied(box.words))
                box.due = now + PACE
                taken += words
                size += sum(len(word.body) for word in words)
            if box.events:
                received, _ = box.events.popleft()
                taken.append(received)
                box.bytes -= len(received.body) + COST
                self._bytes -= len(received.body) + COST
                size += len(received.body)
                events += max(1, received.body.count(_MARK))
            if box.events:
                ring.append(name)
            else:  # whoever had a turn stands behind who had none
                self._boxes[name] = self._boxes.pop(name)
        for name in ring:
            self._boxes[name] = self._boxes.pop(name)
        taken.sort(key=lambda received: received.topic)
        return taken

    def late(self, now: float, since: float) -> dict[str, int]:
        """Return the points of which something has waited for long, and how many messages of each wait.

        Before *since* nothing could be taken, of anybody.
        """
        boxes = ((name, box.events) for name, box in self._boxes.items() if name and box.events)
        return {name: len(some) for name, some in boxes if now - max(since, some[0][1]) > LATE}


def _emptied(words: dict[str, deque[Received]]) -> Iterator[Received]:
    for some in words.values():
        yield from some
    words.clear()
