"""Rendered views of a person with a pass and a shirt with a code, through the real scanner and a whole station."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from math import pi, sin
from pathlib import Path

import numpy as np
import pytest
import segno
from PIL import Image

from tests.support.codes import Luma
from tests.support.credentials import AT, staff_pass
from tests.support.wired_station import WiredStation

ADMITTED, NO_PASS = ("admit", "staff", False), ("refuse", "not-a-pass", False)
SHIRT = "https://kaos.contoh.example/halo"
PASS = staff_pass()


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[WiredStation]:
    with ExitStack() as stack:
        yield WiredStation(tmp_path, stack)


def printed(text: str, side: int) -> Luma:
    """Return a code whose symbol is *side* elements wide, with its quiet zone."""
    matrix = np.array(list(segno.make(text, micro=False, error="m", boost_error=False).matrix_iter(border=4)))
    whole = round(side * len(matrix) / (len(matrix) - 8))
    picture = Image.fromarray(np.where(matrix > 0, 25, 225).astype(np.uint8))
    return np.asarray(picture.resize((whole, whole), Image.Resampling.BOX))


SMALL, MIDDLING = printed(PASS, 160), printed(PASS, 200)
CLOTH = printed(SHIRT, 200)


def view(*placed: tuple[Luma, float, float] | None) -> Luma:
    """Return a frame with codes around their centres, the later ones before the earlier."""
    frame = np.full((720, 1280), 170, np.uint8)
    for one in placed:
        if one is not None:
            luma, x, y = one
            half = len(luma) // 2
            top, left = round(y) - half, round(x) - half
            frame[top : top + len(luma), left : left + len(luma)] = luma
    return frame


def serve(wall: WiredStation, seconds: float, seen: Callable[[float], Luma], fps: int = 15) -> None:
    """Let it look at what is *seen* so many seconds after the start."""
    wall.serve(*(seen(n / fps) for n in range(round(seconds * fps))), fps=fps)


def delays(wall: WiredStation) -> list[float]:
    """Return how many seconds after the first frame each event was taken."""
    times = [datetime.fromisoformat(json.loads(row.event.body)["time"]) for row in wall.outbox.owed(0, 9)]
    return [round((at - AT).total_seconds() - 1 / 15, 1) for at in times]


def swaying(t: float, x: float, y: float = 420) -> tuple[Luma, float, float]:
    """Return a shirt that moves by 15 elements to either side, which is more than what stands still."""
    return CLOTH, x + 15 * sin(2 * pi * t / 1.7), y


@pytest.mark.parametrize("x", [1000, 900])
def test_a_pass_beside_a_shirt_that_sways_is_admitted_at_once(wall: WiredStation, x: float) -> None:
    serve(wall, 4, lambda t: view(swaying(t, x), (SMALL, 640, 360) if t >= 2 else None))
    assert wall.verdicts() == [NO_PASS, ADMITTED]
    assert delays(wall) == [0.0, 2.0]


def test_a_pass_shown_twice_beside_a_shirt_that_stays_is_admitted_twice(wall: WiredStation) -> None:
    def seen(t: float) -> Luma:
        held = 3 <= t < 7 or 33 <= t < 37
        return view(swaying(t, 900), (MIDDLING, 500, 420) if held else None)

    serve(wall, 40, seen, fps=5)
    assert wall.verdicts() == [NO_PASS, ADMITTED, ADMITTED]


@pytest.mark.parametrize("held", [1, 4, 8])
def test_a_shirt_that_a_phone_hid_is_not_red_after_the_green(wall: WiredStation, held: int) -> None:
    """The passer-by had its light, was hidden for as long as the pass was held, and comes up as it is taken away."""

    def seen(t: float) -> Luma:
        return view(swaying(t, 640, 360), (printed(PASS, 300), 640, 360) if 1 <= t < 1 + held else None)

    serve(wall, held + 4, seen, fps=5)
    assert wall.verdicts() == [NO_PASS, ADMITTED]


def test_a_shirt_that_comes_with_the_pass_waits_until_nobody_takes_its_light_for_the_answer(wall: WiredStation) -> None:
    def seen(t: float) -> Luma:
        return view(swaying(t, 900) if t >= 1 else None, (SMALL, 640, 360) if t < 3 else None)

    serve(wall, 4.9, seen)
    assert wall.verdicts() == [ADMITTED]
    serve(wall, 0.5, lambda t: seen(t + 4.9))
    assert wall.verdicts() == [ADMITTED, NO_PASS]
