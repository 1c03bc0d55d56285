"""The white lamp beside the lens: lit when somebody comes, off while a screen is in view, never for long when idle.

A screen has its own light, and ours would only glare in it; paper has none. What tells them apart is our lamp itself:
it is switched, and what does not become brighter or darker by it shines by itself. Every few seconds it is tried
anew, for a quarter of a second, since who comes with paper may take out a phone. Nobody has to stand still for that:
the brightest tenth of the middle is compared, and a sheet in motion stays about as bright. It takes a fixed exposure:
one that adapts hides what our lamp does.
"""

from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

COMES = 0.15
"""Seconds of a stirred view that make somebody; a flicker of the room is shorter."""
GOES = 1.5
"""Seconds of a view at rest after which nobody is there."""
MAX_LIT = 30.0
"""Seconds that it may be lit for one coming: past it something was left standing before the lens."""
SETTLES = 0.25
"""Seconds from switching until the picture shows it: three frames of delay, and the lamp's own."""
TRIED_EVERY = 3.0
"""Seconds between two trials while somebody is there."""
OURS = 1.15
"""How much brighter the brightest part is by our lamp, at least, if it has no light of its own; what is white already
cannot become so, and needs no lamp."""


def bright(luma: NDArray[np.uint8]) -> float:
    """Return the brightness (0 to 255) that a tenth of the middle of the view reaches."""
    height, width = luma.shape
    middle = luma[height // 4 : -height // 4 : max(1, height // 40), width // 4 : -width // 4 : max(1, width // 40)]
    ordered = np.sort(middle, axis=None)
    return float(ordered[ordered.size * 9 // 10]) if ordered.size else 0.0


class _Phase(Enum):
    IDLE = auto()
    TRYING = auto()
    """Switched a moment ago, to see what it changes."""
    DECIDED = auto()
    DONE = auto()
    """Lit for too long: off until nobody is there."""


class FillLight:
    """Decides for one station, frame by frame."""

    def __init__(self) -> None:
        self._phase = _Phase.IDLE
        self._lit = False
        self._stirs: float | None = None
        self._stirred = float("-inf")
        self._came = 0.0
        self._switched = 0.0
        self._before = 0.0

    def look(self, luma: NDArray[np.uint8], tick: float, stirred: bool) -> bool:
        """Return whether the lamp is to be lit, given a frame, its time and whether it differs from the view at rest.

        *tick* is monotonic seconds.
        """
        if stirred:
            self._stirs = tick if self._stirs is None else self._stirs
            self._stirred = tick
        elif tick - self._stirred >= GOES:
            self._phase, self._lit, self._stirs = _Phase.IDLE, False, None
        elif self._phase is _Phase.IDLE:
            self._stirs = None
        if self._phase is _Phase.IDLE:
            if self._stirs is not None and tick - self._stirs >= COMES:
                self._came = tick
                self._switch(luma, tick)
        elif self._phase is not _Phase.DONE:
            self._decide(luma, tick, stirred)
        return self._lit

    def _decide(self, luma: NDArray[np.uint8], tick: float, stirred: bool) -> None:
        if tick - self._came >= MAX_LIT:
            self._phase, self._lit = _Phase.DONE, False
        elif self._phase is _Phase.TRYING and tick - self._switched >= SETTLES:
            now = bright(luma)
            lit, dark = (now, self._before) if self._lit else (self._before, now)
            self._phase, self._lit = _Phase.DECIDED, lit >= OURS * max(dark, 1.0)
        elif stirred and self._phase is _Phase.DECIDED and tick - self._switched >= TRIED_EVERY:
            self._switch(luma, tick)

    def _switch(self, luma: NDArray[np.uint8], tick: float) -> None:
        self._phase, self._lit, self._switched, self._before = _Phase.TRYING, not self._lit, tick, bright(luma)
