"""The gate: shut before noise, flicker and drifting light; open before anything that comes, however slowly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import approach
from device.reading.change import ChangeGate
from tests.support.codes import code

SEED = 20261123


@pytest.mark.parametrize("rough", [2.0, 4.0, 6.0])
def test_an_empty_room_opens_it_once(rough: float) -> None:
    gate = ChangeGate()
    opened = [gate.stirred(look.luma) for look in approach.nothing(SEED, 60, rough)]
    assert opened == [True] + [False] * 59


def test_light_that_rises_and_bands_along_the_rows_open_nothing() -> None:
    chance = np.random.default_rng(1)
    room = np.kron(chance.integers(40, 160, (12, 20)), np.ones((60, 64))) + chance.normal(0, 2, (720, 1280))
    gate = ChangeGate()
    gate.stirred(room.astype(np.uint8))
    for turn in range(20):
        bands = 1 + 0.15 * np.sin(np.arange(720) / 40 + turn)[:, None]
        assert not gate.stirred(np.clip(room * bands * (1 + turn / 60), 0, 255).astype(np.uint8))


@given(
    x=st.integers(0, 1080),
    y=st.integers(0, 520),
    wide=st.integers(40, 200),
    change=st.integers(12, 80),
    frames=st.integers(1, 300),
)
def test_what_comes_is_seen_however_slowly_it_comes(x: int, y: int, wide: int, change: int, frames: int) -> None:
    chance = np.random.default_rng(2)
    room = np.full((720, 1280), 120.0)
    noises = [chance.normal(0, 2, room.shape) for _ in range(3)]
    gate = ChangeGate()
    gate.stirred((room + noises[0]).astype(np.uint8))
    seen = False
    for number in sorted({*range(0, frames, max(1, frames // 6)), frames}):
        there = room + noises[number % 3]
        there[y : y + wide, x : x + wide] += change * number / frames
        seen = seen or gate.stirred(there.astype(np.uint8))
    assert seen


def test_a_dark_code_that_fades_in_is_seen_before_its_contrast_is_twenty_levels() -> None:
    mask = np.zeros((720, 1280), bool)
    square = code("TITIK", 6) < 128
    mask[200 : 200 + square.shape[0], 400 : 400 + square.shape[1]] = square
    chance, gate = np.random.default_rng(3), ChangeGate()
    for depth in range(20):
        frame = 120 - depth * mask + chance.normal(0, 2, mask.shape)
        if gate.stirred(np.clip(frame, 0, 255).astype(np.uint8)) and depth:
            return
    raise AssertionError("the code came, and nothing stirred")


def test_another_size_opens_it() -> None:
    gate, small, large = ChangeGate(), np.full((90, 160), 9, np.uint8), np.full((180, 320), 9, np.uint8)
    assert [gate.stirred(luma) for luma in (small, small, large, large, small)] == [True, False, True, False, True]


def test_a_wholly_other_view_opens_it() -> None:
    gate = ChangeGate()
    for seed in range(20):
        coarse = np.random.default_rng(seed).integers(20, 230, (9, 16), dtype=np.uint8)
        assert gate.stirred(np.kron(coarse, np.ones((80, 80), np.uint8)))
