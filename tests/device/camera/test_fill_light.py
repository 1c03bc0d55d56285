"""The white lamp: before a room with people, paper and screens in it, one frame after the other."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.camera.fill_light import GOES, MAX_LIT, FillLight, bright

FPS = 20
DELAY = 3
"""Frames until a picture shows what the lamp does."""
NOBODY, PAPER, SCREEN, SUN = (False, 40, 50), (True, 60, 110), (True, 180, 185), (True, 245, 250)
"""Whether the view is stirred, and its brightness without our lamp and with it."""


class Room:
    """A room whose pictures lag behind the lamp."""

    def __init__(self) -> None:
        self.lamp = FillLight()
        self.tick = 10.0
        self.shown = [False] * DELAY

    def seconds(self, thing: tuple[bool, int, int], seconds: float) -> list[tuple[bool, float]]:
        """Have it before the lens for so long; return the runs of lit and dark, in seconds."""
        stirred, dark, lit = thing
        said = []
        for _ in range(round(seconds * FPS)):
            self.tick += 1 / FPS
            luma: NDArray[np.uint8] = np.full((72, 128), 20, np.uint8)
            luma[12:60, 30:100] = lit if self.shown[0] else dark
            said.append(self.lamp.look(luma, self.tick, stirred))
            self.shown = [*self.shown[1:], said[-1]]
        return [(lit, len(list(run)) / FPS) for lit, run in groupby(said)]


def test_an_empty_room_is_never_lit() -> None:
    assert Room().seconds(NOBODY, 60) == [(False, 60.0)]


def test_somebody_with_paper_is_lit_for_and_leaves_it_dark() -> None:
    room = Room()
    runs = room.seconds(PAPER, 5)
    assert runs[0] == (False, 0.15)
    assert sum(seconds for lit, seconds in runs if lit) >= 4.5
    assert room.seconds(NOBODY, 10) == [(True, 1.45), (False, 8.55)]


@pytest.mark.parametrize("thing", [SCREEN, SUN])
def test_a_screen_and_what_is_white_already_are_lit_for_a_moment_only(thing: tuple[bool, int, int]) -> None:
    runs = Room().seconds(thing, 12)
    assert [seconds for lit, seconds in runs if lit] == pytest.approx([0.25] * 4)
    assert runs[1] == (True, 0.25)


def test_paper_that_becomes_a_phone_is_noticed_within_the_next_trial_and_the_reverse() -> None:
    room = Room()
    room.seconds(PAPER, 4)
    assert room.seconds(SCREEN, 4)[-1][0] is False
    assert room.seconds(PAPER, 4)[-1][0] is True


def test_what_is_left_standing_before_the_lens_is_not_lit_for_ever_and_the_next_person_is() -> None:
    room = Room()
    room.seconds(PAPER, MAX_LIT + 0.5)
    assert room.seconds(PAPER, 600) == [(False, 600.0)]
    room.seconds(NOBODY, GOES + 0.1)
    assert room.seconds(PAPER, 2)[-1][0] is True


def test_a_flicker_is_nobody() -> None:
    room = Room()
    for _ in range(50):
        assert room.seconds(PAPER, 0.1) == [(False, 0.1)]
        assert room.seconds(NOBODY, 0.3) == [(False, 0.3)]


@given(st.lists(st.tuples(st.sampled_from([NOBODY, PAPER, SCREEN, SUN]), st.floats(0.05, 20)), max_size=15))
def test_it_is_dark_when_nobody_was_there_a_while_and_never_flashes(
    shown: list[tuple[tuple[bool, int, int], float]],
) -> None:
    room = Room()
    runs: list[bool] = []
    for thing, seconds in shown:
        for lit, lasts in room.seconds(thing, seconds):
            runs += [lit] * round(lasts * FPS)
    assert room.seconds(NOBODY, GOES + 0.1)[-1][0] is False
    starts = [n for n in range(1, len(runs)) if runs[n] and not runs[n - 1]]
    assert all(sum(1 for other in starts if 0 <= other - one < FPS) <= 3 for one in starts)


def test_the_brightest_tenth_of_the_middle_is_what_counts() -> None:
    luma = np.zeros((72, 128), np.uint8)
    luma[:, :20] = 255
    assert bright(luma) == 0
    luma[30:50, 40:90] = 99
    assert bright(luma) == 99
    assert bright(np.zeros((1, 1), np.uint8)) == 0
