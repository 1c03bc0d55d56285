"""Which of several codes in view is meant: the nearest and most central, never the poster on the far wall.

Near is large: a code's side is a share of the frame's height, and counts for half at a corner. What had its light is
not meant again. Of the others, three things keep one waiting, each for a while only:

- a pass got its light just now and is still in view, about as near: its light is seen to the end first;
- something nearer is seen and not read yet, which gets a moment to be read;
- somebody nearer comes, and comes before; but who waited for long comes before all.

And scenery is never meant: what has stood still for long where it stands belongs to the room until it moves. Out of
sight, a pass is soon no scenery any more (somebody took it off the shelf), but a poster is for an hour (somebody
stands before it), and so is whatever has stood there for ten minutes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import hypot
from typing import NamedTuple

from device.reading.decoders import Code, Corners

SCENERY = 20.0
"""Seconds in sight after which a code that has not moved belongs to the room. Hands tremble more than `STILL`."""
BLINK = 2.0
"""Seconds out of sight that still count as in sight: not every frame of a poster can be read."""
AWAY = 2.0
"""Seconds that each second out of sight beyond that takes back: who comes, goes and comes again is no scenery."""
TAKEN = 4.0
"""Seconds out of sight after which a pass that was scenery was taken away; a hand before it hides it for less."""
FURNITURE = 600.0
"""Seconds in sight after which also a pass is no more than a poster: it was forgotten there, or hung up."""
FORGOTTEN = 3600.0
"""Seconds out of sight after which a poster is a code like any other."""
STILL = 0.015
"""Shares of the frame's height by which a code that stands still may seem to move or to grow."""
LIGHT = 2.5
"""Seconds that a pass keeps its light to itself: they take 1.2 to 3.5, the last of it blips (`device.patterns`)."""
OVERDUE = 3.0
"""Seconds after which a code that waits comes before nearer ones."""
CLEARLY = 1.3
"""Times as near: then a new code is meant, although another has its light just now."""
LARGER = 1.5
"""Times as large: a code that is seen and not read may be meant instead of the one that was read."""
PATIENCE = 0.4
"""Seconds that a code that was read waits for a nearer one to be."""
MAX_REMEMBERED = 512
"""Codes whose places are remembered; beyond it those that stand still stay, and the newest."""


class Shown(NamedTuple):
    """What there is to know of a code whose showing goes on."""

    lit: float | None
    """When its light went on (monotonic seconds), ``None`` if it is to have none for now."""
    a_pass: bool = True
    """Whether it is a pass of some kind, be it a bad one."""
    stale: bool = False
    """Whether its verdict may be another by now."""


class Meant(NamedTuple):
    """A text that is to be judged now."""

    text: str
    came: float
    """When it was in view first (monotonic seconds), unless it was away for long since."""


@dataclass(slots=True)
class _Standing:
    where: tuple[float, float, float]
    last: float
    came: float
    """When it was in sight first."""
    waits: float
    """Since when it has been waiting for its turn."""
    stood: float = 0.0
    """Seconds in sight at this place, less those out of sight until it is scenery."""
    scenery: bool = False
    """Whether it belongs to the room."""
    a_pass: bool = True

    @property
    def kept(self) -> float:
        """Seconds out of sight after which nothing is left of it."""
        if not self.scenery:
            return max(BLINK, SCENERY / AWAY)
        return TAKEN if self.a_pass and self.stood < FURNITURE else FORGOTTEN

    def seen(self, where: tuple[float, float, float], tick: float) -> None:
        """Note that it is in sight, and where."""
        gap, self.last = tick - self.last, tick
        if gap > BLINK:
            self.waits = tick
        if any(abs(a - b) > STILL for a, b in zip(self.where, where, strict=True)):
            self.where, self.stood, self.scenery = where, 0.0, False
        elif gap <= BLINK:
            self.stood += gap
        elif not self.scenery:
            self.stood = max(0.0, self.stood - AWAY * gap)

    def note(self, shown: Shown) -> None:
        """Note what is known of it. What still waits for its turn is no scenery, however long that takes."""
        self.a_pass, self.waits = shown.a_pass, self.last
        self.scenery = self.stood >= SCENERY


class InView(NamedTuple):
    """A text that is in view, where it is nearest, and how near that is."""

    near: float
    code: Code
    standing: _Standing

    @property
    def text(self) -> str:
        """What it says."""
        return self.code.text

    @property
    def rests(self) -> bool:
        """Whether it stood there all along, so that what hid it ended no showing."""
        return self.standing.scenery


class TargetSelector:
    """Chooses among the codes of one view after the other; keeps digests and places, never a text.

    Each view is two steps: `seen` says what is there, and once it is known of which of these a showing goes on,
    `chosen` says which one is meant.
    """

    def __init__(self) -> None:
        self._standing: dict[bytes, _Standing] = {}
        self._patient: float | None = None

    def seen(self, codes: Iterable[Code], size: tuple[int, int], tick: float) -> list[InView]:
        """Return each text of *codes* once, and note where it stands.

        *size* is the frame's height and width, *tick* monotonic seconds.
        """
        self._forget(tick)
        return [InView(near, code, self._stands(code, size[0], tick)) for near, code in _each(codes, size)]

    def chosen(
        self, seen: Sequence[InView], shown: Sequence[Shown | None], suspects: tuple[Corners, ...], tick: float
    ) -> Meant | None:
        """Return what is to be judged, ``None`` if nothing is: a code that is stale, or the one that is meant.

        *shown* says of each of *seen* what there is to know of a showing that goes on, and ``None`` of what is new.
        """
        waiting: list[InView] = []
        stale: Meant | None = None
        held = 0.0
        for one, showing in zip(seen, shown, strict=True):
            if showing is None:
                if not one.rests:
                    waiting.append(one)
                continue
            one.standing.note(showing)
            if showing.stale:
                stale = Meant(one.text, one.standing.came)
            if showing.a_pass and showing.lit is not None and tick - showing.lit < LIGHT:
                held = max(held, one.near)
        return stale or self._turn(waiting, held, suspects, tick)

    def _turn(self, waiting: list[InView], held: float, suspects: tuple[Corners, ...], tick: float) -> Meant | None:
        """Return whose turn it is among those *waiting*, while a pass that is *held* so near has its light."""
        overdue = [one for one in waiting if tick - one.standing.waits >= OVERDUE]
        meant = (
            min(overdue, key=lambda one: one.standing.waits)
            if overdue
            else max(waiting, key=lambda one: one.near, default=None)
        )
        if meant is None or CLEARLY * held > meant.near:
            self._patient = None
            return None
        if any(place.side > LARGER * meant.code.place.side for place in suspects):
            if self._patient is None:
                self._patient = tick
            if tick - self._patient < PATIENCE:
                return None
        self._patient = None
        meant.standing.waits = tick
        return Meant(meant.text, meant.standing.came)

    def _stands(self, code: Code, height: int, tick: float) -> _Standing:
        """Return where *code* stands and since when, this view included."""
        key = blake2b(code.text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        (x, y), side = code.place.centre, code.place.side
        where = (x / height, y / height, side / height)
        standing = self._standing.get(key)
        if standing is None:
            standing = self._standing[key] = _Standing(where, tick, tick, tick)
        standing.seen(where, tick)
        return standing

    def _forget(self, tick: float) -> None:
        gone = [key for key, one in self._standing.items() if tick - one.last > one.kept]
        for key in gone:
            del self._standing[key]
        if len(self._standing) > MAX_REMEMBERED:
            order = sorted(self._standing.items(), key=lambda item: (item[1].scenery, item[1].last), reverse=True)
            self._standing = dict(order[: MAX_REMEMBERED // 2])


def _each(codes: Iterable[Code], size: tuple[int, int]) -> Iterable[tuple[float, Code]]:
    """Return each text once, where it is nearest, and how near that is."""
    nearest: dict[str, tuple[float, Code]] = {}
    for code in codes:
        near = nearness(code.place, size)
        if code.text not in nearest or near > nearest[code.text][0]:
            nearest[code.text] = (near, code)
    return nearest.values()


def nearness(place: Corners, size: tuple[int, int]) -> float:
    """Return the side of *place* as a share of the frame's height, halved by degrees from its middle to a corner."""
    height, width = size
    x, y = place.centre
    off = hypot(x - width / 2, y - height / 2) / hypot(width / 2, height / 2)
    return place.side / height * (1 - 0.5 * min(1.0, off))
