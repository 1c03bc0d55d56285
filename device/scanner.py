"""Codes in a frame: the brightness plane in, the codes on it out, and never more work than the camera's pace allows.

The first reader looks at every frame that changed. Where it reads nothing, the attempts of the chain look in turn, as
many on each frame as its share of time pays for; a person holds a code for many frames, so none is left out for
long. A view that does not change and was searched in vain is left alone, but for a look each second.
"""

from collections.abc import Callable, Collection, Mapping
from math import ceil
from time import thread_time

from device.reading.attempts import (
    ALONE,
    CHAIN,
    CLOSE,
    FIRST,
    WHOLE,
    Attempt,
    Chain,
    Mark,
    Picture,
    ReaderGuard,
    Unmarked,
    look,
    look_close,
)
from device.reading.change import ChangeGate
from device.reading.decoders import Code, Corners, Luma, Reading, second_reader
from device.system.contained import Contained

__all__ = ["Scanner", "read_still", "second_reader", "view_of_still"]

SHARE = 0.35
"""Of a frame's interval, in CPU time, that the attempts after the first take on average at most."""
SAVED = 0.9
"""Of a frame's interval that is saved up for one dear attempt at most; one that costs more is not taken there."""
CHEAPER = 0.95
"""What is remembered of the cost of an attempt that is too dear, from turn to turn: it may have been a busy moment."""
SUSPECTS = 3
"""Symbols found and not read that are looked at closely in one picture, the largest first."""
MAX_SIDE = 1920
"""Picture elements of a still picture's longer side that the whole chain is for."""
SUSPECT_SHARE = 0.4
"""Share of a picture that a suspect takes up whose surroundings are the whole of it."""
CHEAPEST = 2
"""Attempts on the whole picture that cost less than a close look."""
REST = 1.0
"""Seconds after which a view that does not change is looked at once more."""
HELD = 0.15
"""Seconds for which a view that does not change shows what it showed."""


class Scanner:
    """Looks at frame after frame; *interval* is the seconds between two of them, *spent* tells CPU seconds.

    *mark* is told which reader is at work. No picture raises: what is raised in an attempt is counted in *contained*.

    A frame costs the gate and, if it changed, the first attempt; beside them on average `SHARE` of the interval, and
    never more than `SAVED` of it, but where an attempt takes longer than it ever took.
    """

    def __init__(self, interval: float, spent: Callable[[], float] = thread_time, mark: Mark | None = None) -> None:
        self._gate = ChangeGate()
        self._ward = ReaderGuard(Contained(), mark or Unmarked())
        self._chain = CHAIN
        self._rounds = _Rounds()
        self._purse = _Budget(interval)
        self._spent = spent
        self._view = Reading()
        self._looked = float("-inf")
        self.stirred = False
        """Whether the newest frame differs from the one that was looked at before."""

    @property
    def contained(self) -> Mapping[str, int]:
        """How often which attempt raised what, since the start."""
        return self._ward.contained.counts

    def leave_out(self, readers: Collection[str]) -> None:
        """Look without the attempts of these *readers* from now on; with none, all of them look."""
        self._chain = Chain.without(readers)
        self._rounds = _Rounds(self._chain)
        self._looked = float("-inf")
        self._rounds.begin()

    def read(self, luma: Luma, tick: float) -> Reading:
        """Return what is seen on the newest frame of a stream, taken at *tick* (monotonic seconds)."""
        self.stirred = self._gate.stirred(luma)
        if self.stirred:
            self._rounds.begin()
        elif tick - self._looked < self._rest:
            return self._view
        self._looked = tick
        picture = Picture(luma)
        seen = look(self._chain.first, picture, self._ward)
        codes, suspects = seen.codes, _larger(seen.suspects, seen.codes)
        self._purse.earn()
        while (attempt := self._rounds.next(suspected=bool(suspects), read=bool(codes))) is not None:
            if not self._purse.affords(attempt):
                if self._purse.never_affords(attempt):
                    self._rounds.passed()
                    continue
                break
            began = self._spent()
            close = attempt in self._chain.close
            seen = _closely(attempt, picture, suspects, self._ward) if close else look(attempt, picture, self._ward)
            self._purse.pay(attempt, self._spent() - began)
            self._rounds.passed()
            known = {code.text for code in codes}
            codes += tuple(code for code in seen.codes if code.text not in known)
            suspects = _larger(suspects or seen.suspects, codes)
        self._view = Reading(codes, suspects)
        return self._view

    @property
    def _rest(self) -> float:
        """Seconds for which a view that does not change needs no look."""
        if self._view.codes:
            return HELD
        return REST if self._rounds.done(suspected=bool(self._view.suspects)) else 0.0


class _Round:
    """Attempts in turn. What one misses in this view it may see in the next, so that the turn goes on where it was."""

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        self._attempts = attempts
        self._turn = 0
        self.left = 0

    def begin(self) -> None:
        """Let every attempt look at a new view."""
        self.left = len(self._attempts)

    @property
    def attempt(self) -> Attempt:
        """Whose turn it is."""
        return self._attempts[self._turn % len(self._attempts)]

    def passed(self) -> None:
        """Pass the turn on."""
        self._turn += 1
        self.left -= 1


class _Rounds:
    """Whose turn it is among attempts on suspects and attempts on the whole picture: they alternate."""

    def __init__(self, chain: Chain = CHAIN) -> None:
        self._close, self._whole = _Round(chain.close), _Round(chain.whole)
        self._turn = self._whole

    def begin(self) -> None:
        """Let every attempt look at a new view."""
        self._close.begin()
        self._whole.begin()

    def done(self, *, suspected: bool) -> bool:
        """Return whether every attempt has looked at this view."""
        return not self._whole.left and not (suspected and self._close.left)

    def next(self, *, suspected: bool, read: bool) -> Attempt | None:
        """Return the attempt whose turn it is, ``None`` once each has looked.

        What was *read* leaves only a larger suspect to look at; without a suspect there is nothing for dear attempts.
        """
        while not read and not suspected and self._whole.left and self._whole.attempt.dear:
            self._whole.passed()
        close, whole = suspected and self._close.left, not read and self._whole.left
        if not close and not whole:
            return None
        self._turn = self._close if close and (not whole or self._turn is self._whole) else self._whole
        return self._turn.attempt

    def passed(self) -> None:
        """Pass the turn on from the attempt that `next` gave."""
        self._turn.passed()


class _Budget:
    """CPU seconds for attempts: earned by each frame, saved up to a limit, paid for each attempt by what it took."""

    def __init__(self, interval: float) -> None:
        self._income = SHARE * interval
        self._limit = SAVED * interval
        self._saved = 0.0
        self._cost: dict[Attempt, float] = {}

    def earn(self) -> None:
        """Count one frame."""
        self._saved = min(self._limit, self._saved + self._income)

    def affords(self, attempt: Attempt) -> bool:
        """Return whether *attempt* may be taken now; one that was never taken may, while anything is left."""
        return self._saved > 0 and self._cost.get(attempt, 0.0) <= self._saved

    def never_affords(self, attempt: Attempt) -> bool:
        """Return whether *attempt* costs more than can be saved; each time, a little less of that is remembered."""
        cost = self._cost.get(attempt, 0.0)
        if cost <= self._limit:
            return False
        self._cost[attempt] = CHEAPER * cost
        return True

    def pay(self, attempt: Attempt, took: float) -> None:
        """Count what *attempt* took, and remember it."""
        self._saved -= took
        self._cost[attempt] = took


def _fills(suspects: tuple[Corners, ...], picture: Picture) -> bool:
    """Return whether a suspect is most of the picture, so that a close look has seen all there is."""
    height, width = picture.luma.shape
    return bool(max(place.side for place in suspects) ** 2 > SUSPECT_SHARE * height * width)


def _larger(suspects: tuple[Corners, ...], codes: tuple[Code, ...]) -> tuple[Corners, ...]:
    """Return those of *suspects* that are larger than every code that was read."""
    side = max((code.place.side for code in codes), default=0.0)
    return tuple(place for place in suspects if place.side > side)


def read_still(luma: Luma) -> list[str]:
    """Return the texts on a picture that has no next frame."""
    return [code.text for code in view_of_still(luma).codes]


def view_of_still(luma: Luma) -> Reading:
    """Return what is on a picture that has no next frame: every attempt looks until one reads something.

    A picture longer than `MAX_SIDE` is searched in a smaller copy, and as it is by the first attempt, and closely where
    that suspects something small: what is large was searched for in the copy. What is read of the one does not hide
    what is read of the other.
    """
    factor = ceil(max(luma.shape) / MAX_SIDE)
    if factor == 1:
        return _searched(Picture(luma))
    picture = Picture(luma)
    copied = _searched(Picture(picture.smaller(factor)))
    large = tuple(Code(code.text, code.place.moved(0, factor)) for code in copied.codes)
    seen = look(FIRST, picture)
    small = tuple(place for place in seen.suspects if place.side < MAX_SIDE / 2)
    codes = _beside(picture, small, _with(large, seen.codes))
    return Reading(codes, _larger(seen.suspects, codes))


def _searched(picture: Picture) -> Reading:
    """Return what any attempt sees; close attempts come once something is suspected and the cheapest were in vain."""
    suspects: tuple[Corners, ...] = ()
    waiting = [FIRST, *WHOLE]
    closely = list(CLOSE)
    while waiting:
        if suspects and len(waiting) <= len(WHOLE) - CHEAPEST:
            waiting, closely = closely + waiting, []
        attempt = waiting.pop(0)
        if attempt.dear and (not suspects or _fills(suspects, picture)):
            continue
        seen = _closely(attempt, picture, suspects) if attempt in CLOSE else look(attempt, picture)
        if seen.codes:
            codes = _beside(picture, suspects or seen.suspects, seen.codes)
            return Reading(codes, _larger(suspects, codes))
        suspects = suspects or seen.suspects
    return Reading((), suspects)


def _beside(picture: Picture, suspects: tuple[Corners, ...], codes: tuple[Code, ...]) -> tuple[Code, ...]:
    """Return *codes* and what close attempts read of the *suspects* beside them."""
    left = tuple(place for place in suspects if not any(_covers(code.place, place) for code in codes))
    for attempt in CLOSE:
        if not left:
            break
        codes = _with(codes, _closely(attempt, picture, left).codes)
        left = tuple(place for place in left if not any(_covers(code.place, place) for code in codes))
    return codes


def _with(codes: tuple[Code, ...], more: tuple[Code, ...]) -> tuple[Code, ...]:
    known = {code.text for code in codes}
    return codes + tuple(code for code in more if code.text not in known)


def _covers(place: Corners, other: Corners) -> bool:
    """Return whether the middle of *other* lies within *place*: then they are one symbol."""
    return max(abs(a - b) for a, b in zip(place.centre, other.centre, strict=True)) < place.side / 2


def _closely(attempt: Attempt, picture: Picture, suspects: tuple[Corners, ...], ward: ReaderGuard = ALONE) -> Reading:
    """Return what *attempt* reads of the largest *suspects*."""
    codes: dict[str, Code] = {}
    for place in sorted(suspects, key=lambda place: -place.side)[:SUSPECTS]:
        for code in look_close(attempt, picture, place, ward).codes:
            codes.setdefault(code.text, code)
    return Reading(tuple(codes.values()))
