"""Which of several codes in view is meant: the nearest and most central, never the poster on the far wall.

Near is large: a code's side is a share of the frame's height, and counts for half at a corner. Three things keep a
code from being meant: it is scenery, having stood still for long where it stands; another is being shown already
and is about as near; or something nearer is seen and not read yet, which gets a moment to be read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from math import hypot

from device.readers import Code, Place, View

SCENERY = 20.0
"""Seconds in sight after which a code that has not moved belongs to the room. Hands tremble more than `STILL`."""
BLINK = 2.0
"""Seconds out of sight that still count as in sight: not every frame of a poster can be read."""
AWAY = 2.0
"""Seconds that each second out of sight beyond that takes back: who comes, goes and comes again is no scenery."""
FORGOTTEN = 30.0
"""Seconds out of sight after which scenery is a code like any other."""
STILL = 0.015
"""Shares of the frame's height by which a code that stands still may seem to move or to grow."""
CLEARLY = 1.3
"""Times as near: then a new code is meant, although another is being shown."""
LARGER = 1.5
"""Times as large: a code that is seen and not read may be meant instead of the one that was read."""
PATIENCE = 0.4
"""Seconds that a code that was read waits for a nearer one to be."""


@dataclass(slots=True)
class _Standing:
    where: tuple[float, float, float]
    last: float
    stood: float = 0.0
    """Seconds in sight at this place, less those out of sight; once it is scenery it stays that."""

    def seen(self, tick: float) -> None:
        """Note that it is in sight, where it was."""
        gap, self.last = tick - self.last, tick
        if self.stood < SCENERY:
            self.stood = max(0.0, self.stood + (gap if gap <= BLINK else -AWAY * gap))


class Nearest:
    """Chooses among the codes of one view after the other; keeps digests and places, never a text."""

    def __init__(self) -> None:
        self._standing: dict[bytes, _Standing] = {}
        self._waiting: float | None = None

    def chosen(self, view: View, size: tuple[int, int], tick: float, shown: Callable[[str], bool]) -> Code | None:
        """Return the code that is meant and is new, ``None`` if there is none.

        *size* is the frame's height and width, *tick* monotonic seconds; *shown* tells of a text whether it is part
        of a showing that goes on, and prolongs that.
        """
        self._forget(tick)
        near: list[tuple[float, Code, bool]] = []
        for code in view.codes:
            held, scenery = shown(code.text), self._is_scenery(code, size[0], tick)
            if not scenery:
                near.append((nearness(code.place, size), code, held))
        if not near:
            self._waiting = None
            return None
        best, meant, held = max(near, key=lambda one: one[0])
        if held or any(CLEARLY * other > best for other, _, held in near if held):
            self._waiting = None
            return None
        if any(place.side > LARGER * meant.place.side for place in view.suspects):
            if self._waiting is None:
                self._waiting = tick
            if tick - self._waiting < PATIENCE:
                return None
        self._waiting = None
        return meant

    def _is_scenery(self, code: Code, height: int, tick: float) -> bool:
        """Return whether *code* has stood where it stands for `SCENERY`; notes where it stands."""
        key = blake2b(code.text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        (x, y), side = code.place.centre, code.place.side
        where = (x / height, y / height, side / height)
        known = self._standing.get(key)
        if known is None or any(abs(a - b) > STILL for a, b in zip(known.where, where, strict=True)):
            self._standing[key] = _Standing(where, tick)
            return False
        known.seen(tick)
        return known.stood >= SCENERY

    def _forget(self, tick: float) -> None:
        gone = [key for key, known in self._standing.items() if tick - known.last > FORGOTTEN]
        for key in gone:
            del self._standing[key]


def nearness(place: Place, size: tuple[int, int]) -> float:
    """Return the side of *place* as a share of the frame's height, halved by degrees from its middle to a corner."""
    height, width = size
    x, y = place.centre
    off = hypot(x - width / 2, y - height / 2) / hypot(width / 2, height / 2)
    return place.side / height * (1 - 0.5 * min(1.0, off))
