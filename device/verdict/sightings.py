"""One sighting of one showing, however many frames it lasts; and another once its verdict has become stricter.

A credential is known by its identity, so that the same pass re-encoded is still the same pass; a code
without one is known by its text. Only digests are kept, never a text, and never more than a fixed number.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from device.model import Outcome, Reason, Verdict
from device.reading.target import Shown
from device.verdict.judge import Basis, Judged, Rules, until

MAX_KNOWN = 512
"""Codes remembered at once; beyond it strangers are forgotten before credentials, the oldest first."""
MINUTE = 60.0
QUIET_AFTER_PASS = 2.0
"""Seconds after a pass left the view in which what was seen beside it and is no pass does not shine: its light would
be taken for the answer to the pass."""
PASS_HOLDS = 10.0
"""Seconds after its light in which a pass that stays in view keeps such lights back."""
STRICTNESS = {Outcome.ADMIT: 0, Outcome.CHECK: 1, Outcome.REFUSE: 2}
"""The order of ``design.md``, Verdicts."""
_WAIT = Verdict(Outcome.REFUSE, Reason.WAIT)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A showing that counts: the verdict it gets, and whether the same was shown just before."""

    judged: Judged
    repeat: bool = False

    @property
    def waits(self) -> bool:
        """Whether it is shown *wait* and makes no event."""
        return _waits(self.judged)


@dataclass(slots=True)
class _Known:
    key: bytes
    judged: Judged
    """What its unflagged showing came to, and what a repeat shows."""
    text: bytes
    """The newest text of it: an older one, as of a phone's pass, is judged again."""
    last: float
    """When it was in view last."""
    lit: float | None = None
    """When its newest light went on; ``None`` while it has had none."""
    put_off: bool = False
    """Whether the light of this showing is still to come."""
    ended: float | None = None
    """When its unflagged showing ended, once it was shown again."""
    epoch: int = 0
    """Of the rules by which it was judged the last time."""
    at: datetime | None = None
    until: datetime | None = None
    """The time for which that judgement holds, if it was by a trusted clock."""


class Sightings:
    """What stands before the lens, and what stood there a moment ago; ticks are monotonic seconds.

    A showing is over after *quiet* seconds out of view. The same credential within *repeat* seconds after the end of
    its unflagged showing is a repeat and gets the first verdict again, so that a refused person shown again never
    looks admitted; unless the fresh verdict is stricter, which makes a new sighting, also of what stays in view. A
    milder one changes nothing before the window is over: nobody shall learn to hold a pass up until it is green.

    Codes that nobody vouches for now (not genuine, listed only, or the picture of a phone's pass) make at most
    *strangers* sightings a minute. What is no pass at all, and was in view beside a pass or before one hid it, makes
    none before that pass has been gone for a moment.
    """

    def __init__(self, quiet: float, repeat: float, strangers: int) -> None:
        self._quiet = quiet
        self._repeat = repeat
        self._strangers = strangers
        self._counted: deque[float] = deque()
        self._known: dict[bytes, _Known] = {}
        self._keys: dict[bytes, bytes] = {}
        self._rules: Rules | None = None
        self._epoch = 0
        self._served = float("-inf")
        """When a pass was in view last that had its light a moment ago."""
        self._began = float("-inf")
        """Since when there has been one, without a pause."""
        self.limited = 0
        """Showings that were told to wait since the start."""

    def showings(self, seen: Iterable[tuple[str, bool]], *, tick: float, basis: Basis) -> list[Shown | None]:
        """Return what there is to know of each text in view as part of a showing that goes on, and so is prolonged.

        ``None`` is what must be judged. Beside each text stands whether it rests: whether it was where it is all along,
        however long it was hidden.
        """
        return [self._showing(text, rests, tick, basis) for text, rests in seen]

    def sight(
        self, text: str, judged: Judged, *, tick: float, basis: Basis, came: float | None = None
    ) -> Sighting | None:
        """Return the sighting that *text* makes, judged by *basis*; ``None`` if it makes none, or none yet.

        *came* is when it was first in view, if that was before *tick*.
        """
        fresh = self._fresh(text, judged, tick, basis)
        known = self._same(fresh)
        if known is not None and self._grew_old(known, fresh):
            self._go_on(known, fresh)
            return None
        first = known if known is not None and known.lit is not None else None
        within = first is not None and self._within(first, tick)
        stricter = first is not None and within and _stricter(judged, first.judged)
        put_off = known is not None and known.put_off
        if first is not None and not stricter and not put_off and self._in_view(first, tick):
            self._go_on(first, fresh)
            return None
        if not stricter and not _a_pass(judged) and self._serving(tick):
            if first is not None and not put_off and self._hidden(first):
                self._go_on(first, fresh)
                return None
            if put_off or (tick if came is None else came) <= self._served:
                self._put_off(fresh, first if within else None)
                return None
        return self._shine(fresh, first if within else None, repeat=within and not stricter)

    def retract(self, text: str) -> None:
        """Take back the sighting of *text*: it could not be recorded, so its next showing is a first one."""
        known = self._known.get(self._keys.get(_digest(text), b""))
        if known is not None:
            known.judged = Judged(known.judged.belief, _WAIT)

    def _showing(self, text: str, rests: bool, tick: float, basis: Basis) -> Shown | None:
        digest = _digest(text)
        known = self._known.get(self._keys.get(digest, b""))
        if known is None or known.text != digest or not (rests or self._in_view(known, tick)):
            return None
        known.last = tick
        a_pass = _a_pass(known.judged)
        if known.put_off:
            return Shown(None, a_pass) if self._serving(tick) else None
        if a_pass and known.lit is not None and tick - known.lit <= PASS_HOLDS:
            self._serve(tick)
        return Shown(known.lit, a_pass, self._stale(known, basis))

    def _shine(self, fresh: _Known, first: _Known | None, *, repeat: bool) -> Sighting:
        """Return the sighting of what gets a light now, and remember it; *first* is what it repeats or exceeds."""
        tick, judged = fresh.last, fresh.judged
        shown = first.judged if first is not None and repeat else judged
        waits = not _vouched_for(judged) and not self._room(tick)
        if waits:
            self.limited += 1
            repeat, shown = False, Judged(judged.belief, _WAIT)
        if first is not None and (repeat or waits):  # neither moves the window, nor what a repeat shows
            self._come_again(first, fresh)
            first.lit, first.put_off = tick, False
        else:
            fresh.judged, fresh.lit = shown, tick
            self._remember(fresh)
        if _a_pass(shown):
            self._serve(tick)
        return Sighting(shown, repeat)

    def _put_off(self, fresh: _Known, first: _Known | None) -> None:
        """Keep back the light of a showing until it cannot be taken for another's; *first* is what it repeats."""
        if first is None:
            fresh.put_off = True
            self._remember(fresh)
        else:
            self._come_again(first, fresh)
            first.put_off = True

    def _in_view(self, known: _Known, tick: float) -> bool:
        return tick - known.last <= self._quiet

    def _within(self, known: _Known, tick: float) -> bool:
        """Return whether another showing of *known* is none of its own: in view, or inside the window."""
        if _waits(known.judged):
            return False
        ended = known.last if known.ended is None else known.ended
        in_view = self._in_view(known, tick) and not known.put_off
        return in_view or tick - ended <= self._quiet + self._repeat

    def _serve(self, tick: float) -> None:
        if not self._serving(tick):
            self._began = tick
        self._served = tick

    def _hidden(self, known: _Known) -> bool:
        """Return whether *known* was in view when a pass that is being served came before it."""
        return known.last >= self._began - QUIET_AFTER_PASS

    def _serving(self, tick: float) -> bool:
        """Return whether a pass is being served, or was just now."""
        return tick - self._served < QUIET_AFTER_PASS

    def _stale(self, known: _Known, basis: Basis) -> bool:
        """Return whether *known* may come to another verdict than when it was judged.

        A clock that is no longer trusted is no reason: its doubt says nothing of who was judged before it.
        """
        if _waits(known.judged):
            return False
        if known.epoch != self._epoch_of(basis.rules):
            return True
        if basis.floor is not None:
            return False
        return known.at is None or known.until is None or not known.at <= basis.at < known.until

    def _epoch_of(self, rules: Rules) -> int:
        if rules is not self._rules:
            self._rules = rules
            self._epoch += 1
        return self._epoch

    def _fresh(self, text: str, judged: Judged, tick: float, basis: Basis) -> _Known:
        """Return what there is to know of *text* by this judgement alone."""
        fresh = _Known(_key(text, judged), judged, _digest(text), tick, epoch=self._epoch_of(basis.rules))
        if basis.floor is None:
            fresh.at, fresh.until = basis.at, until(judged.belief, basis.rules, basis.at)
        return fresh

    def _same(self, fresh: _Known) -> _Known | None:
        """Return what is known of the credential of *fresh* already, or of its text.

        A bundle may bring the signer of a text that had none, or take it away: it is known by its text then.
        """
        known = self._known.get(fresh.key)
        by_text = self._known.get(self._keys.get(fresh.text, b""))
        if by_text is None or by_text is known:
            return known
        if _apart(by_text.judged, fresh.judged):
            return by_text if self._grew_old(by_text, fresh) else known
        if known is None:
            del self._known[by_text.key]
            by_text.key = fresh.key
            known = self._known[fresh.key] = by_text
        return known

    def _grew_old(self, known: _Known, fresh: _Known) -> bool:
        """Return whether *fresh* is the text of a living page that is in view, and only the phone's proof grew old.

        It was fresh when it was shown, and the phone will make another; its owner sees no red for that.
        """
        return (
            fresh.judged.verdict.reason is Reason.REPLAYED
            and known.judged.verdict.reason is not Reason.REPLAYED
            and known.text == fresh.text
            and self._in_view(known, fresh.last)
        )

    def _come_again(self, known: _Known, fresh: _Known) -> None:
        """Begin another showing of *known*, which ends its unflagged one."""
        known.ended = known.last if known.ended is None else known.ended
        self._go_on(known, fresh)

    def _go_on(self, known: _Known, fresh: _Known) -> None:
        """Prolong the showing of *known*, of which *fresh* is the newest judgement."""
        if known.text != fresh.text and self._keys.get(known.text) == known.key:
            del self._keys[known.text]
        self._keys[fresh.text] = known.key
        known.text, known.last = fresh.text, fresh.last
        known.epoch, known.at, known.until = fresh.epoch, fresh.at, fresh.until

    def _room(self, tick: float) -> bool:
        """Count one stranger if the minute has room for it."""
        while self._counted and tick - self._counted[0] >= MINUTE:
            self._counted.popleft()
        if len(self._counted) >= self._strangers:
            return False
        self._counted.append(tick)
        return True

    def _remember(self, fresh: _Known) -> None:
        """Remember *fresh* in the place of what was known of the same."""
        self._go_on(self._known.get(fresh.key, fresh), fresh)  # the former one's text is forgotten with it
        self._known[fresh.key] = fresh
        if len(self._known) > MAX_KNOWN:
            self._forget(fresh.last)

    def _forget(self, tick: float) -> None:
        """Drop what can no longer be a repeat; if that is not enough, strangers and the oldest first."""
        recent = [one for one in self._known.values() if tick - one.last <= self._quiet + self._repeat]
        recent.sort(key=lambda one: (one.judged.belief.credential is None, -one.last))
        self._known = {one.key: one for one in recent[: MAX_KNOWN // 2]}
        self._keys = {text: key for text, key in self._keys.items() if key in self._known}


def _key(text: str, judged: Judged) -> bytes:
    """Return what a showing is known by: its credential's identity, or its text.

    *replayed* is said of a showing, not of the credential: the picture of a phone's pass is known apart from the
    living page, so that neither hides behind the other's light.
    """
    credential = judged.belief.credential
    if credential is None:
        return _digest(text)
    return credential.identity + (b"replayed" if judged.verdict.reason is Reason.REPLAYED else b"")


def _apart(one: Judged, other: Judged) -> bool:
    """Whether these are a living page and the picture of one."""
    credentials = one.belief.credential is not None and other.belief.credential is not None
    return credentials and (one.verdict.reason is Reason.REPLAYED) != (other.verdict.reason is Reason.REPLAYED)


def _vouched_for(judged: Judged) -> bool:
    """Whether somebody's signature speaks for this showing; whoever has none must not fill the outbox."""
    credential = judged.belief.credential
    return credential is not None and credential.genuine and judged.verdict.reason is not Reason.REPLAYED


def _a_pass(judged: Judged) -> bool:
    return judged.belief.reason is not Reason.NOT_A_PASS


def _waits(judged: Judged) -> bool:
    return judged.verdict.reason is Reason.WAIT


def _stricter(judged: Judged, than: Judged) -> bool:
    return STRICTNESS[judged.verdict.outcome] > STRICTNESS[than.verdict.outcome]


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
