"""The language of the light: complete, told apart without colour and without hearing, and harmless."""

import ast
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

import pytest

from central.problems import FAULTS
from device import patterns
from device.model import Fault, Outcome, Reason, Verdict
from device.patterns import (
    AMBER,
    FAULT,
    LIGHTS,
    OFFLINE,
    OUT_OF_ORDER,
    READY,
    RED,
    RESTING,
    SMEARED,
    STALE,
    Pattern,
    Step,
    pattern,
    resting,
)
from device.verdict.judge import REFUSALS
from tests.support.world import REPOSITORY

FIVE_DIFFERENT_THINGS = (
    Reason.EXPIRED,
    Reason.UNKNOWN_ISSUER,
    Reason.FORGED,
    Reason.MALFORMED,
    Reason.NOT_A_PASS,
)


def verdicts() -> list[Verdict]:
    return [Verdict(outcome, reason) for outcome in Outcome for reason in Reason]


def _patterns(value: Any) -> Iterator[Pattern]:
    """Yield the patterns in *value*, however deep they lie."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple) and value and all(isinstance(one, Step) for one in value):
        yield value
    elif isinstance(value, tuple) and not isinstance(value, Step):
        for one in value:
            yield from _patterns(one)


def constants() -> dict[str, Pattern]:
    """Return every pattern that stands in the module, whatever it is for and wherever it is entered."""
    found = ((name, list(_patterns(value))) for name, value in vars(patterns).items())
    return {f"{name} {n}" if n else name: one for name, ones in found for n, one in enumerate(ones)}


def every_pattern() -> dict[str, Pattern]:
    told = {f"{v.outcome} {v.reason} {r}": pattern(v, repeat=r) for v in verdicts() for r in (False, True)}
    return {**told, **constants()}


def states() -> set[Pattern]:
    """Return what a station shows while nobody shows a code."""
    faults = [(), *((fault,) for fault in Fault)]
    return {resting(told, linked=linked) for told in faults for linked in (True, False)}


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
    assert all(step.seconds <= 2 for step in READY if not step.lit)
    assert places(FAULT) == {RED}
    assert len({light_rhythm(shown) for shown in states()}) == len(states())


def test_what_rests_is_the_light_of_the_gravest_fault_and_without_one_says_whether_the_centre_is_there() -> None:
    assert (resting((), linked=True), resting((), linked=False)) == (READY, OFFLINE)
    for linked in (True, False):
        assert resting((Fault.CAMERA,), linked=linked) == resting((Fault.OUTBOX,), linked=linked) == FAULT
        assert resting((Fault.BUNDLE,), linked=linked) == STALE
        assert resting((Fault.GLASS,), linked=linked) == SMEARED
    assert resting(("sealed", "glass", "bundle"), linked=True) == STALE
    assert resting(("glass", "bundle", "reader", "outbox"), linked=True) == FAULT


def test_every_fault_has_a_light_or_says_that_it_has_none_and_the_centre_knows_it() -> None:
    assert set(RESTING) == set(Fault)
    assert set(FAULTS) - {"refused", "unrouted", "deaf", "too-large"} == set(Fault)  # those are the courier's own


def test_a_light_that_there_is_stands_in_the_table_of_the_lights_and_is_shown_for_something() -> None:
    listed = [light for row in LIGHTS.values() for light in row]
    assert {name for name, one in constants().items() if one not in listed} == set()
    shown = [pattern(v, repeat=r) for v in verdicts() for r in (False, True)] + [*states(), OUT_OF_ORDER]
    assert [row for row, lights in LIGHTS.items() for one in lights if one not in [s[: len(one)] for s in shown]] == []


def test_nobody_else_makes_a_pattern() -> None:
    makers = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "device").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if "Step" in (getattr(node, "id", None), getattr(node, "attr", None))
    }
    assert makers == {"device/patterns.py", "device/indicators.py"}  # the latter to turn all of it off
