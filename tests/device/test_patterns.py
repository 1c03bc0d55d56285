"""The language of the light: complete, told apart without colour and without hearing, and harmless."""

from itertools import combinations, pairwise

import pytest

from device.model import Outcome, Reason, Verdict
from device.patterns import AMBER, OUT_OF_ORDER, STATES, Pattern, pattern
from device.verdict.judge import REFUSALS

FIVE_DIFFERENT_THINGS = (
    Reason.EXPIRED,
    Reason.UNKNOWN_ISSUER,
    Reason.FORGED,
    Reason.MALFORMED,
    Reason.NOT_A_PASS,
)


def verdicts() -> list[Verdict]:
    return [Verdict(outcome, reason) for outcome in Outcome for reason in Reason]


def every_pattern() -> dict[str, Pattern]:
    told = {f"{v.outcome} {v.reason} {r}": pattern(v, repeat=r) for v in verdicts() for r in (False, True)}
    return {**told, **STATES, "out of order": OUT_OF_ORDER}


def light_rhythm(shown: Pattern) -> tuple[tuple[bool, float], ...]:
    """Return when any lamp is on and off: what a person sees who tells no colours apart."""
    return _runs([(bool(step.lit), step.seconds) for step in shown])


def sound_rhythm(shown: Pattern) -> tuple[tuple[bool, float], ...]:
    """Return when an active buzzer sounds."""
    return _runs([(step.tone is not None, step.seconds) for step in shown])


def far_apart(one: tuple[tuple[bool, float], ...], other: tuple[tuple[bool, float], ...]) -> bool:
    """Whether two rhythms differ in how often they are on, or one time on is half as long again."""
    lit, also = [s for on, s in one if on], [s for on, s in other if on]
    return len(lit) != len(also) or any(max(a, b) >= 1.5 * min(a, b) for a, b in zip(lit, also, strict=True))


def places(shown: Pattern) -> frozenset[str]:
    return frozenset(lamp for step in shown for lamp in step.lit) - {AMBER}


def _runs(steps: list[tuple[bool, float]]) -> tuple[tuple[bool, float], ...]:
    runs: list[tuple[bool, float]] = []
    for on, seconds in steps:
        if runs and runs[-1][0] == on:
            runs[-1] = (on, round(runs[-1][1] + seconds, 3))
        else:
            runs.append((on, seconds))
    return tuple(runs[:-1]) if runs and not runs[-1][0] else tuple(runs)


@pytest.mark.parametrize("shown", every_pattern().values(), ids=every_pattern().keys())
def test_no_pattern_flashes_more_than_three_times_a_second_or_keeps_the_next_person(shown: Pattern) -> None:
    twice = [*shown, *shown]
    starts, at = [], 0.0
    for before, step in pairwise([twice[-1], *twice]):
        if step.lit and not before.lit:
            starts.append(at)
        at += step.seconds
    assert all(sum(1 for other in starts if 0 <= other - one < 1.0) <= 3 for one in starts)
    assert sum(step.seconds for step in shown) <= 3.6
    assert all(step.seconds > 0 for step in shown)


def test_the_five_classes_differ_without_colour_and_without_hearing() -> None:
    classes = {
        "admit": pattern(Verdict(Outcome.ADMIT, Reason.STAFF)),
        "check": pattern(Verdict(Outcome.CHECK, Reason.UNKNOWN)),
        "refuse": pattern(Verdict(Outcome.REFUSE, Reason.NO_DOSE)),
        "again": pattern(Verdict(Outcome.ADMIT, Reason.STAFF), repeat=True),
        "out of service": OUT_OF_ORDER,
    }
    for one, other in combinations(classes, 2):
        assert far_apart(light_rhythm(classes[one]), light_rhythm(classes[other])), (one, other)
        assert far_apart(sound_rhythm(classes[one]), sound_rhythm(classes[other])), (one, other)


def test_five_reasons_to_refuse_look_and_sound_like_five_things() -> None:
    shown = [pattern(Verdict(REFUSALS[reason], reason)) for reason in FIVE_DIFFERENT_THINGS]
    for one, other in combinations(shown, 2):
        assert far_apart(light_rhythm(one), light_rhythm(other))
        assert far_apart(sound_rhythm(one), sound_rhythm(other))


def test_a_repeat_never_looks_better_than_the_first_verdict() -> None:
    for verdict in verdicts():
        if verdict.reason not in {Reason.WAIT, Reason.NOT_A_PASS}:
            assert places(pattern(verdict, repeat=True)) == places(pattern(verdict))


def test_green_alone_is_for_admission_and_service_only() -> None:
    for verdict in verdicts():
        for repeat in (False, True):
            alone = any(step.lit == {"green"} for step in pattern(verdict, repeat=repeat))
            assert alone <= (verdict.outcome is Outcome.ADMIT)


def test_ready_is_never_dark_for_long_and_fault_is_red() -> None:
    assert all(step.seconds <= 2 for step in STATES["ready"] if not step.lit)
    assert places(STATES["fault"]) == {"red"}
    assert len({light_rhythm(shown) for shown in STATES.values()}) == len(STATES)
