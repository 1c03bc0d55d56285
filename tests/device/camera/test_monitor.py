"""What the eye sees of itself: each state by pictures that have it, its patience, and the nights that are none."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.camera.monitor import CLEAR_AFTER, OUT_OF_SERVICE, REOPENED, CameraMonitor, CameraState, view
from device.camera.sharpness import SharpnessHistory
from device.config import CameraSettings
from device.model import Frame
from tests.support.credentials import AT
from tests.support.views import LOBBY, RNG, SIZE, frame_of, noisy

STEP = 0.25
CAMERA = CameraSettings()


class Sightings:
    """A lens before which a test holds views up, four frames a second."""

    def __init__(self, camera: CameraSettings = CAMERA, sharpness_history: SharpnessHistory | None = None) -> None:
        self.lens = CameraMonitor(camera, sharpness_history)
        self.lens.opened()
        self.tick = 50.0

    def see(self, state: CameraState, seconds: float) -> list[CameraState]:
        """Look at it for so long; return what was said after each frame."""
        said = []
        for _ in range(round(seconds / STEP)):
            self.tick += STEP
            self.lens.look(Frame(frame_of(state), AT + timedelta(seconds=self.tick), self.tick))
            said.append(self.lens.state)
        return said


PATIENCE = {
    CameraState.DARK: 4.0,
    CameraState.BLACK: CAMERA.black,
    CameraState.FROZEN: CAMERA.frozen,
    CameraState.COVERED: CAMERA.covered,
    CameraState.DAZZLED: CAMERA.covered,
}


@pytest.mark.parametrize("state", PATIENCE)
def test_each_state_is_said_after_its_patience_and_forgotten_a_second_after_its_end(state: CameraState) -> None:
    sightings = Sightings()
    assert sightings.see(CameraState.CLEAR, 3) == [CameraState.CLEAR] * 12
    said = sightings.see(state, 8)
    assert said == [CameraState.CLEAR] * said.index(state) + [state] * (32 - said.index(state))
    assert STEP * said.index(state) == PATIENCE[state]
    assert sightings.lens.serves is (state not in OUT_OF_SERVICE)
    assert sightings.lens.lost == REOPENED.get(state)
    after = sightings.see(CameraState.CLEAR, 2)
    assert after == [state] * after.index(CameraState.CLEAR) + [CameraState.CLEAR] * (
        8 - after.index(CameraState.CLEAR)
    )
    assert STEP * after.index(CameraState.CLEAR) == CLEAR_AFTER
    assert (sightings.lens.serves, sightings.lens.lost) == (True, None)


@pytest.mark.parametrize("state", PATIENCE)
def test_a_hand_for_two_seconds_is_nothing(state: CameraState) -> None:
    sightings = Sightings()
    for _ in range(5):
        assert set(sightings.see(state, 2) + sightings.see(CameraState.CLEAR, 2)) == {CameraState.CLEAR}


def test_a_night_is_dark_in_service_and_a_phone_in_it_is_its_own_light() -> None:
    sightings = Sightings()
    sightings.see(CameraState.CLEAR, 3)
    night = sightings.see(CameraState.DARK, 600)
    assert set(night) == {CameraState.CLEAR, CameraState.DARK}
    assert sightings.lens.serves
    phone = noisy(17.0, 1.0)
    phone[120:240, 240:400] = np.where(np.indices((120, 160)).sum(0) // 16 % 2, 220, 30)
    for _ in range(8):
        sightings.tick += STEP
        sightings.lens.look(Frame(phone ^ (RNG.integers(0, 2, SIZE, np.uint8)), AT, sightings.tick))
    assert sightings.lens.state is CameraState.CLEAR


@pytest.mark.parametrize("state", REOPENED)
def test_an_eye_that_was_opened_anew_is_given_its_patience_again_and_stays_out_of_service(state: CameraState) -> None:
    sightings = Sightings()
    sightings.see(state, 6)
    assert sightings.lens.lost is not None
    sightings.lens.opened()
    assert sightings.lens.lost is None
    said = sightings.see(state, PATIENCE[state])
    assert (set(said), sightings.lens.lost, sightings.lens.serves) == ({state}, None, False)
    sightings.see(state, STEP)
    assert sightings.lens.lost == REOPENED[state]


def test_a_tape_from_the_beginning_is_told_without_any_usual_view() -> None:
    assert Sightings().see(CameraState.COVERED, 6)[-1] is CameraState.COVERED


def test_a_wall_with_little_on_it_is_no_cover_but_the_same_view_where_there_was_a_room_is() -> None:
    wall = 120.0 + 8 * np.sin(np.linspace(0, 7, SIZE[1]))[None, :]

    def looked(sightings: Sightings) -> CameraState:
        for _ in range(40):
            sightings.tick += STEP
            sightings.lens.look(Frame(noisy(wall), AT, sightings.tick))
        return sightings.lens.state

    assert looked(Sightings()) is CameraState.CLEAR
    sightings = Sightings()
    sightings.see(CameraState.CLEAR, 3)
    assert looked(sightings) is CameraState.COVERED


@pytest.mark.parametrize(
    ("told", "shown", "expected"),
    [
        ({"black": 0}, CameraState.BLACK, CameraState.DARK),
        ({"frozen": 0}, CameraState.FROZEN, CameraState.CLEAR),
        ({"covered": 0}, CameraState.COVERED, CameraState.CLEAR),
        ({"covered": 0}, CameraState.DAZZLED, CameraState.CLEAR),
        ({"source": "pictures", "pictures": ("x",)}, CameraState.FROZEN, CameraState.CLEAR),
        ({"source": "pictures", "pictures": ("x",)}, CameraState.COVERED, CameraState.CLEAR),
    ],
)
def test_each_check_can_be_switched_off_and_pictures_are_never_judged(
    told: dict[str, object], shown: CameraState, expected: CameraState
) -> None:
    sightings = Sightings(CameraSettings(**told))  # type: ignore[arg-type]  # a test may say anything
    assert sightings.see(shown, 10)[-1] is expected


@given(st.lists(st.tuples(st.sampled_from([*PATIENCE, CameraState.CLEAR]), st.integers(1, 40)), max_size=12))
def test_nothing_is_said_that_was_not_seen_for_as_long_as_it_takes(shown: list[tuple[CameraState, int]]) -> None:
    sightings = Sightings(CAMERA.model_copy(update={"covered": 4.0}))
    views: list[CameraState] = []
    said: list[CameraState] = [CameraState.CLEAR]
    for state, looks in shown:
        views += [state] * looks
        said += sightings.see(state, looks * STEP)
    # The first of equal frames looks like any other.
    first = [
        view if was is view or view is not CameraState.FROZEN else CameraState.CLEAR
        for was, view in pairwise([None, *views])
    ]
    for at, (before, after) in enumerate(pairwise(said)):
        needs = round((CLEAR_AFTER if after is CameraState.CLEAR else 4.0) / STEP)
        if after is not before:
            assert set((views if after is CameraState.FROZEN else first)[max(0, at + 1 - needs) : at + 1]) == {after}
    assert (sightings.lens.lost is None) or sightings.lens.state in REOPENED
    assert sightings.see(CameraState.CLEAR, CLEAR_AFTER + STEP)[-1] is CameraState.CLEAR


def test_looks_are_a_quarter_of_a_second_apart_and_tiny_pictures_say_nothing() -> None:
    lens = CameraMonitor(CAMERA)
    for n in range(300):
        lens.look(Frame(np.full((48, 64), 16, np.uint8), AT, n / 30))
    assert lens.tell() == {"state": "clear", "brightness": None, "relief": None, "sharpness": None, "glass": None}
    frames = [Frame(noisy(LOBBY), AT, 100 + n / 30) for n in range(60)]
    looked = []
    for frame in frames:
        lens.look(frame)
        looked.append(lens._looked)
    assert len(set(looked)) == 8


def test_a_look_measures_brightness_contrast_white_and_the_steepness_of_edges() -> None:
    flat = view(np.full((720, 1280), 100, np.uint8))
    assert flat is not None
    assert (flat.brightness, flat.spread, flat.step, flat.sharpness, flat.noiseless) == (100.0, 0.0, 0.0, 0.0, True)
    stripes = np.zeros((720, 1280), np.uint8)
    stripes[:, 640:] = 200
    sharp = view(np.tile(np.repeat(np.array([40, 200], np.uint8), 16), (720, 40)))
    soft = view(np.tile(np.interp(np.arange(64) % 32, [0, 16, 32], [40, 200, 40]).astype(np.uint8), (720, 20)))
    assert sharp is not None
    assert soft is not None
    assert sharp.sharpness == pytest.approx(160 / 120, abs=0.01)
    assert soft.sharpness < 0.2 * sharp.sharpness
    half = view(np.where(stripes, 255, 0).astype(np.uint8))
    assert half is not None
    assert (half.white, half.spread, half.relief, half.noiseless) == (0.5, 255.0, 2.0, False)


def test_somebody_before_the_lens_is_a_look_for_the_glass_and_an_empty_room_is_none() -> None:
    sharpness_history = SharpnessHistory()
    sightings = Sightings(sharpness_history=sharpness_history)
    sightings.see(CameraState.CLEAR, 10)
    assert sharpness_history._looks == 0
    person = noisy(np.where(np.indices(SIZE)[1] > 240, 200.0, LOBBY))
    for _ in range(8):
        sightings.tick += STEP
        sightings.lens.look(Frame(noisy(person.astype(np.float64)), AT, sightings.tick))
    assert sharpness_history._looks == 8


@pytest.mark.parametrize("before", [CameraState.CLEAR, CameraState.DARK])
def test_a_lamp_far_off_in_the_night_and_a_phone_in_the_corner_are_not_nothing(before: CameraState) -> None:
    sightings = Sightings()
    sightings.see(before, 5)
    for _ in range(60):
        sightings.tick += STEP
        luma = noisy(17.0, 1.0)
        luma[160:200, 400:420] = 60
        sightings.lens.look(Frame(luma, AT, sightings.tick))
    assert sightings.lens.state is CameraState.CLEAR


def test_an_eye_that_freezes_in_the_dark_is_not_taken_for_a_night_without_end() -> None:
    sightings = Sightings()
    sightings.see(CameraState.DARK, 60)
    still = noisy(17.0, 1.0)
    for _ in range(20):
        sightings.tick += STEP
        sightings.lens.look(Frame(still, AT, sightings.tick))
    assert sightings.lens.state is CameraState.FROZEN


def test_the_sun_in_every_pixel_dazzles_and_is_not_taken_for_a_frozen_eye() -> None:
    sightings = Sightings()
    for _ in range(30):
        sightings.tick += STEP
        sightings.lens.look(Frame(np.full(SIZE, 235, np.uint8), AT, sightings.tick))
    assert (sightings.lens.state, sightings.lens.lost) == (CameraState.DAZZLED, None)
