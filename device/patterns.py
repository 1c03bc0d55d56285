"""The language of the light, as data: what every verdict and every state looks and sounds like.

Five classes that a guard tells at 5 m without colour and without hearing, each by place, colour and rhythm
and by its own sound rhythm; a suffix of short blips says why. Lamps: red left, green right; amber repeats
what red and green say together, and nothing depends on it. At most three flashes a second (WCAG 2.3.1).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from device.model import Fault, Outcome, Reason, Verdict

GREEN, RED, AMBER = "green", "red", "amber"

HIGH, MIDDLE, LOW = 1600, 1000, 500
"""Hz; fixed tones between 0.5 and 2.5 kHz are heard best (ISO 24500). An active buzzer keeps the rhythm."""


class Step(NamedTuple):
    """So many seconds of these lamps and this tone (Hz), or none."""

    lit: frozenset[str]
    tone: int | None
    seconds: float


Pattern = tuple[Step, ...]

_ADMIT, _REFUSE, _CHECK = frozenset({GREEN}), frozenset({RED}), frozenset({RED, GREEN, AMBER})
_DARK: frozenset[str] = frozenset()


def _blinks(lamps: frozenset[str], tone: int | None, seconds: float, times: int, gap: float = 0.2) -> Iterator[Step]:
    """Yield *times* equal blinks with their beeps, dark for *gap* after each."""
    for _ in range(times):
        yield Step(lamps, tone, seconds)
        yield Step(_DARK, None, gap)


def _blips(lamps: frozenset[str], tone: int, times: int) -> Pattern:
    """Return the suffix that says why: *times* short blips after a pause, 2.5 a second."""
    return (Step(_DARK, None, 0.35), *_blinks(lamps, tone, 0.12, times, 0.28)) if times else ()


_BODY: Mapping[Outcome, Pattern] = {
    Outcome.ADMIT: (Step(_ADMIT, HIGH, 0.15), Step(_ADMIT, None, 1.05)),
    Outcome.CHECK: (
        Step(_CHECK, MIDDLE, 0.4),
        Step(_CHECK, None, 0.4),
        Step(_DARK, None, 0.2),
        Step(_CHECK, MIDDLE, 0.15),
        Step(_DARK, None, 0.25),
    ),
    Outcome.REFUSE: tuple(_blinks(_REFUSE, LOW, 0.5, 2, 0.25)),
}
_LAMPS = {Outcome.ADMIT: _ADMIT, Outcome.CHECK: _CHECK, Outcome.REFUSE: _REFUSE}
_PITCH = {Outcome.ADMIT: HIGH, Outcome.CHECK: MIDDLE, Outcome.REFUSE: LOW}
_AGAIN: Mapping[Outcome, Pattern] = {
    outcome: (*_blinks(lamps, _PITCH[outcome], 0.1, 2, 0.25), Step(lamps, None, 0.6))
    for outcome, lamps in _LAMPS.items()
}

SUFFIX: Mapping[Reason, int] = {
    Reason.EXPIRED: 1,
    Reason.NOT_YET_VALID: 1,
    Reason.UNKNOWN_ISSUER: 2,
    Reason.WRONG_DOMAIN: 2,
    Reason.FORGED: 3,
    Reason.REVOKED: 3,
    Reason.REPLAYED: 3,
    Reason.MALFORMED: 4,
    Reason.CLOCK_UNTRUSTED: 1,
    Reason.POLICY_ERROR: 2,
    Reason.NO_RULE: 3,
}
"""Short blips after the body; the reasons that are not here have none."""

NOT_OURS: Pattern = (Step(_REFUSE, LOW, 0.2), Step(_DARK, None, 0.2), Step(_CHECK, None, 0.8), Step(_DARK, None, 0.2))
"""No pass at all: one short low beep, then both lamps; kinder than a refusal, and unlike it."""
WAIT: Pattern = (Step(_CHECK, None, 0.3), Step(_DARK, None, 0.3), Step(_CHECK, None, 0.3), Step(_DARK, None, 0.3))
"""Too many strange codes: silent."""
OUT_OF_ORDER: Pattern = (Step(_REFUSE, LOW, 1.2), Step(_REFUSE, None, 1.2), Step(_DARK, None, 0.3))
"""A code was shown and cannot be recorded: one long low tone, and no verdict."""

READY: Pattern = (Step(_ADMIT, None, 0.1), Step(_DARK, None, 1.9))
OFFLINE: Pattern = (
    Step(_ADMIT, None, 0.1),
    Step(_DARK, None, 0.3),
    Step(frozenset({GREEN, AMBER}), None, 0.1),
    Step(_DARK, None, 1.5),
)
"""Ready, and recording for later: two blips instead of one."""
STALE: Pattern = (
    Step(_ADMIT, None, 0.1),
    Step(_DARK, None, 0.3),
    Step(_REFUSE, None, 0.4),
    Step(_DARK, None, 1.2),
)
"""Ready, by a trust bundle that should have been followed by a newer one: a green blip, then a longer red one."""
SMEARED: Pattern = (
    Step(_ADMIT, None, 0.1),
    Step(_DARK, None, 0.3),
    *_blinks(_REFUSE, None, 0.1, 2, 0.3),
    Step(_DARK, None, 0.8),
)
"""Ready, by a glass that wants cleaning: a green blip, then two short red ones."""
FAULT: Pattern = (Step(_REFUSE, None, 1.0), Step(_DARK, None, 1.0))

RESTING: Mapping[Fault, Pattern | None] = {
    Fault.CAMERA: FAULT,
    Fault.OUTBOX: FAULT,
    Fault.BUNDLE: STALE,
    Fault.GLASS: SMEARED,
    Fault.SEALED: None,
    Fault.POLICY: None,
    Fault.ROSTER: None,
    Fault.READER: None,
}
"""The light of each fault while nobody shows a code, the gravest first; ``None`` where nobody at the wall sees it."""

LIGHTS: Mapping[str, tuple[Pattern, ...]] = {
    "ready": (READY,),
    "ready, recording for later": (OFFLINE,),
    "ready, but a newer trust bundle is due": (STALE,),
    "ready, but clean the glass before the lens": (SMEARED,),
    "admitted": (_BODY[Outcome.ADMIT],),
    "check, ask the guard": (_BODY[Outcome.CHECK],),
    "refused": (_BODY[Outcome.REFUSE],),
    "again, already recorded": tuple(_AGAIN.values()),
    "not a pass": (NOT_OURS,),
    "wait, too many strange codes": (WAIT,),
    "cannot record, nobody is admitted": (OUT_OF_ORDER,),
    "out of order, use the book": (FAULT,),
}
"""All that the lamps say, under the words of README's table, to which tests hold it; *why* follows as a suffix."""


def resting(faults: Collection[str], *, linked: bool) -> Pattern:
    """Return the light of a station before which nobody stands: that of its gravest fault, if one has any."""
    lights = (light for fault, light in RESTING.items() if fault in faults and light is not None)
    return next(lights, READY if linked else OFFLINE)


def pattern(verdict: Verdict, *, repeat: bool = False) -> Pattern:
    """Return what *verdict* looks and sounds like.

    A repeat is the first verdict's own lamp in the rhythm of *again*: two short blinks, two short beeps.
    """
    if verdict.reason is Reason.WAIT:
        return WAIT
    if repeat:
        return _AGAIN[verdict.outcome]
    if verdict.reason is Reason.NOT_A_PASS:
        return NOT_OURS
    times = SUFFIX.get(verdict.reason, 0)
    return _BODY[verdict.outcome] + _blips(_LAMPS[verdict.outcome], _PITCH[verdict.outcome], times)
