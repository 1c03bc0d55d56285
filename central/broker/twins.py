"""Two under one name: a broker lets the newer one in and shuts the older one out, who comes back, and so on for ever.

Nothing is lost by it, and nobody but the centre can see it: what was there before, and was followed by another,
is there again. A device that was replaced does not come back, and one that starts anew is another each time: an
epoch is random, and is never gone back to.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from central.points import MAX_POINTS
from device.wire import State, loads

WINDOW = timedelta(minutes=10)
"""Within which one must come back; so long after the last time it is over."""
MAX_LIVES = 8
"""Lives of one point that are remembered."""
MAX_STATE = 4_096
MAX_SHOWN = 64
"""Characters of a boot or an epoch that are repeated in a log."""


class Life(NamedTuple):
    """One run of a station."""

    boot: str
    epoch: str


class Twins:
    """Follows which run of a station speaks under each point's name, within one session with the broker.

    After another session began, the broker may bring again what it brought before.
    """

    def __init__(self) -> None:
        self._points: dict[str, OrderedDict[Life, datetime]] = {}
        """The lives of each point, the one that spoke last at the end, and when each did."""

    def again(self) -> None:
        """Begin anew, with a new session."""
        self._points.clear()

    def hear(self, point: str, state: Mapping[str, Any], at: datetime) -> tuple[Life, Life] | None:
        """Note a state that *point* itself said just now, no will; return the two lives where one came back."""
        life = _life(state)
        if life is None or state.get("state") == State.OFFLINE:
            return None
        if point not in self._points and len(self._points) >= MAX_POINTS:
            return None
        lives = self._points.setdefault(point, OrderedDict())
        before = next(reversed(lives), None)
        came = life in lives and life != before and at - lives[life] <= WINDOW
        lives[life] = at
        lives.move_to_end(life)
        while len(lives) > MAX_LIVES:
            lives.popitem(last=False)
        return (before, life) if came and before is not None else None


class Rival:
    """Notices that another centre speaks under this one's name, by what is said on their common topic.

    A broker keeps a session's order: what comes before the first word of our own, retained or waiting since the
    session before, may be of a centre that was here before. What comes after it is of one that is here as well.
    """

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._spoke = False

    def hear(self, body: bytes, *, retained: bool) -> str | None:
        """Return the life of the other's database where the word is another centre's; its will is none."""
        try:
            word = loads(body, MAX_STATE)
        except ValueError:
            return None
        match word:
            case {"boot": self._boot}:
                self._spoke |= not retained
            case {"state": str(state), "boot": str()} if self._spoke and state != State.OFFLINE:
                return str(word.get("centre"))[:MAX_SHOWN]
            case _:
                pass
        return None


def _life(state: Mapping[str, Any]) -> Life | None:
    boot, epoch = state.get("boot"), state.get("epoch")
    if not isinstance(boot, str) or not isinstance(epoch, str) or max(len(boot), len(epoch)) > MAX_SHOWN:
        return None
    return Life(boot, epoch)
