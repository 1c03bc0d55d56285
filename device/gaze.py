"""One sighting of one showing, however many frames it lasts.

A credential is known by its identity, so that the same pass re-encoded is still the same pass; a code
without one is known by its text. Only digests are kept, never a text, and never more than a fixed number.
"""

from collections import deque
from dataclasses import dataclass
from hashlib import blake2b

from device.judge import Judged
from device.model import Outcome, Reason, Verdict

MOST_KNOWN = 512
"""Codes remembered at once; beyond it strangers are forgotten before credentials, the oldest first."""
MINUTE = 60.0
_WAIT = Verdict(Outcome.REFUSE, Reason.WAIT)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A showing that counts: the verdict it gets, and whether the same was shown just before."""

    judged: Judged
    repeat: bool = False

    @property
    def waits(self) -> bool:
        """Whether it is shown *wait* and makes no event."""
        return self.judged.verdict.reason is Reason.WAIT


@dataclass(slots=True)
class _Known:
    judged: Judged
    last: float
    text: bytes
    """The newest text of it: an older one, as of a phone's pass, is judged again."""


class Gaze:
    """What stands before the lens, and what stood there a moment ago; times are monotonic seconds.

    A showing is over after *quiet* seconds out of view. The same credential within *repeat* seconds
    after that is a repeat, and gets the first verdict again, so that a refused person shown again never
    looks admitted. Codes that nobody vouches for now (not genuine, listed only, or the picture of a phone's pass)
    make at most *strangers* sightings a minute.
    """

    def __init__(self, quiet: float, repeat: float, strangers: int) -> None:
        self._quiet = quiet
        self._repeat = repeat
        self._strangers = strangers
        self._counted: deque[float] = deque()
        self._known: dict[bytes, _Known] = {}
        self._keys: dict[bytes, bytes] = {}
        self.limited = 0
        """Showings that were told to wait since the start."""

    def holds(self, text: str, tick: float) -> bool:
        """Return whether *text* is part of a showing that goes on, which this call prolongs."""
        digest = _digest(text)
        known = self._known.get(self._keys.get(digest, b""))
        if known is None or known.text != digest or tick - known.last > self._quiet:
            return False
        known.last = tick
        return True

    def sight(self, text: str, judged: Judged, tick: float) -> Sighting | None:
        """Return the sighting that *text* makes, ``None`` if its credential is in view already."""
        key = _key(text, judged)
        known = self._known.get(key)
        if known is not None and tick - known.last <= self._quiet:
            known.last, known.text = tick, _digest(text)
            self._keys[known.text] = key
            return None
        repeat = (
            known is not None
            and tick - known.last <= self._quiet + self._repeat
            and known.judged.verdict.reason is not Reason.WAIT
        )
        shown = known.judged if known is not None and repeat else judged
        if not _vouched_for(judged) and not self._room(tick):
            self.limited += 1
            repeat, shown = False, Judged(judged.belief, _WAIT)
        self._remember(key, _digest(text), shown, tick)
        return Sighting(shown, repeat)

    def retract(self, text: str) -> None:
        """Take back the sighting of *text*: it could not be recorded, so its next showing is a first one."""
        known = self._known.get(self._keys.get(_digest(text), b""))
        if known is not None:
            known.judged = Judged(known.judged.belief, _WAIT)

    def _room(self, tick: float) -> bool:
        """Count one stranger if the minute has room for it."""
        while self._counted and tick - self._counted[0] >= MINUTE:
            self._counted.popleft()
        if len(self._counted) >= self._strangers:
            return False
        self._counted.append(tick)
        return True

    def _remember(self, key: bytes, text: bytes, judged: Judged, tick: float) -> None:
        self._known[key] = _Known(judged, tick, text)
        self._keys[text] = key
        if len(self._known) > MOST_KNOWN or len(self._keys) > 2 * MOST_KNOWN:
            self._forget(tick)

    def _forget(self, tick: float) -> None:
        """Drop what can no longer be a repeat; if that is not enough, strangers and the oldest first."""
        fresh = {k: v for k, v in self._known.items() if tick - v.last <= self._quiet + self._repeat}
        order = sorted(fresh, key=lambda k: (fresh[k].judged.belief.credential is None, -fresh[k].last))
        self._known = {k: fresh[k] for k in order[: MOST_KNOWN // 2]}
        live = [(text, key) for text, key in self._keys.items() if key in self._known]
        self._keys = dict(live[-MOST_KNOWN:])


def _key(text: str, judged: Judged) -> bytes:
    """Return what a showing is known by: its credential's identity, or its text.

    *replayed* is said of a showing, not of the credential: the picture of a phone's pass is known apart from the
    living page, so that neither hides behind the other's light.
    """
    credential = judged.belief.credential
    if credential is None:
        return _digest(text)
    return credential.identity + (b"replayed" if judged.verdict.reason is Reason.REPLAYED else b"")


def _vouched_for(judged: Judged) -> bool:
    """Whether somebody's signature speaks for this showing; whoever has none must not fill the outbox."""
    credential = judged.belief.credential
    return credential is not None and credential.genuine and judged.verdict.reason is not Reason.REPLAYED


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
