"""Lamps and buzzer on gpiozero's own mock pins: what the copper saw, whole."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device.config import Pins
from device.indicators import Indicators, PinsMissingError
from device.model import Outcome, Reason, Verdict
from device.patterns import FAULT, GREEN, READY, RED, Pattern, Step, pattern
from tests.support.world import wait_for

PINS = Pins(factory="mock")
DARK: frozenset[str] = frozenset()


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    made = MockFactory(pin_class=MockPWMPin)
    yield made
    made.close()


def states(factory: Any, pin: int) -> list[int]:
    """Return the states that a pin went through, without the ones that changed nothing."""
    seen = [int(state.state) for state in factory.pin(f"GPIO{pin}").states]
    return seen[:1] + [after for before, after in pairwise(seen) if before != after]


def quick(*steps: tuple[set[str], int | None]) -> Pattern:
    return tuple(Step(frozenset(lit), tone, 0.02) for lit, tone in steps)


def test_a_verdict_is_played_once_and_the_state_comes_back(factory: Any) -> None:
    with Indicators(PINS, factory) as lights:
        lights.rest(quick((set(), None)))
        lights.show(quick(({GREEN}, 1600), (set(), None), ({RED}, None), ({RED}, 500), (set(), None)))
        wait_for(lambda: len(states(factory, PINS.red)) >= 3)
    assert states(factory, PINS.red) == [0, 1, 0]
    assert states(factory, PINS.buzzer or 0)[:5] == [0, 1, 0, 1, 0]


def test_a_newer_verdict_cuts_an_older_one_short(factory: Any) -> None:
    with Indicators(PINS, factory) as lights:
        lights.rest((Step(DARK, None, 60),))
        lights.show((Step(frozenset({RED}), None, 60),))
        wait_for(lambda: states(factory, PINS.red) == [0, 1])
        lights.show((Step(frozenset({GREEN}), None, 60),))
        wait_for(lambda: states(factory, PINS.red) == [0, 1, 0])
        assert states(factory, PINS.green)[-1] == 1


def test_a_change_of_state_does_not_cut_a_verdict_short(factory: Any) -> None:
    with Indicators(PINS, factory) as lights:
        lights.rest((Step(DARK, None, 60),))
        lights.show((Step(frozenset({GREEN}), None, 0.3), Step(DARK, None, 0.02)))
        wait_for(lambda: states(factory, PINS.green)[-1] == 1)
        lights.rest((Step(frozenset({RED}), None, 60),))
        wait_for(lambda: states(factory, PINS.red) == [0, 1])
        lit = [s.timestamp for s in factory.pin(f"GPIO{PINS.green}").states if s.state] + [
            s.timestamp for s in factory.pin(f"GPIO{PINS.red}").states if s.state
        ]
    assert max(lit) - min(lit) >= 0.25


def test_leaving_drives_every_pin_dark(factory: Any) -> None:
    with Indicators(PINS, factory) as lights:
        lights.rest((Step(frozenset({RED, GREEN}), 500, 60),))
        wait_for(lambda: states(factory, PINS.red)[-1] == 1)
    assert [states(factory, pin)[-1] for pin in (PINS.red, PINS.green, PINS.buzzer or 0)] == [0, 0, 0]


@pytest.mark.parametrize("sound", ["active", "tonal"])
def test_every_pattern_can_be_played_on_either_buzzer(factory: Any, sound: str) -> None:
    pins = Pins(factory="mock", amber=5, sound=sound)  # type: ignore[arg-type]  # one of its two words
    with Indicators(pins, factory) as lights:
        for outcome in Outcome:
            lights.show(pattern(Verdict(outcome, Reason.STAFF)))
            before = len(factory.pin(f"GPIO{pins.buzzer}").states)
            wait_for(lambda before=before: len(factory.pin(f"GPIO{pins.buzzer}").states) > before)
            lights.check()
        lights.rest(FAULT)
        lights.rest(READY)


@pytest.mark.parametrize("sound", ["active", "tonal"])
def test_without_a_buzzer_the_lamps_play_all_the_same_and_no_other_pin_is_touched(factory: Any, sound: str) -> None:
    pins = Pins.model_validate({"factory": "mock", "buzzer": "none", "light": "none", "sound": sound})
    with Indicators(pins, factory) as lights:
        lights.rest(quick((set(), None)))
        lights.show(quick(({GREEN}, 1600), (set(), None), ({GREEN}, 500), (set(), None)))
        wait_for(lambda: len(states(factory, pins.green)) >= 5)
        lights.check()
    assert sorted(pin.info.name for pin in factory.pins.values()) == ["GPIO17", "GPIO27"]


def test_the_white_lamp_is_switched_apart_from_all_patterns_and_leaving_drives_it_dark(factory: Any) -> None:
    with Indicators(Pins(factory="mock", light=6), factory) as lights:
        assert lights.has_light
        for lit in (True, True, False, True):
            lights.illuminate(lit=lit)
        lights.rest(quick(({RED}, None), (set(), None)))
        wait_for(lambda: len(states(factory, PINS.red)) >= 3)
        assert states(factory, 6) == [0, 1, 0, 1]
    assert states(factory, 6) == [0, 1, 0, 1, 0]
    with Indicators(PINS, factory) as lights:
        assert not lights.has_light
        lights.illuminate(lit=True)


def test_the_mock_factory_of_the_configuration_works_without_a_pi() -> None:
    with Indicators(PINS) as lights:
        lights.show(READY)
        lights.check()


def test_a_machine_without_pins_is_told_what_to_do() -> None:
    with pytest.raises(PinsMissingError, match="sudo apt install python3-lgpio"):
        Indicators(Pins(factory="lgpio")).__enter__()


def test_a_lamp_that_fails_ends_the_worker_loudly(factory: Any) -> None:
    lights = Indicators(PINS, factory)
    lights.__enter__()
    factory.pin(f"GPIO{PINS.red}").close()
    factory.close()
    lights._lamps[RED].close()
    lights.show((Step(frozenset({RED}), None, 60),))

    def gone() -> bool:
        try:
            lights.check()
        except RuntimeError as error:
            return "indicators" in str(error)
        return False

    wait_for(gone)
    with pytest.raises(RuntimeError, match="indicators"):
        lights.__exit__(None, None, None)
