"""Eyes: pictures at their pace, and an eye that fails, comes back, and never stops the loop."""

from collections.abc import Callable, Generator
from itertools import groupby
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from PIL import Image

from device.camera.monitor import CameraMonitor, CameraState
from device.camera.picamera import CameraGoneError, PiCamera
from device.camera.pictures import PictureError, listed, luma_of
from device.camera.source import BLINK, turns
from device.config import CameraSettings
from device.model import Blind, Frame
from device.system.stop import Stop
from tests.support.credentials import AT
from tests.support.pictures import camera_of_pictures, grey_picture


def test_each_picture_is_held_and_followed_by_an_empty_view(tmp_path: Path) -> None:
    grey_picture(tmp_path / "b.png", 20)
    grey_picture(tmp_path / "a.png", 10)
    (tmp_path / "notes.txt").write_text("not a picture")
    with Stop() as stop:
        seen = [turn for turn in turns(camera_of_pictures(tmp_path), stop) if isinstance(turn, Frame)]
    assert [int(frame.luma[0, 0]) for frame in seen] == [10, 10, 10, 200, 200, 20, 20, 20, 200, 200]
    assert [frame.luma.shape for frame in seen[:4]] == [(30, 40)] * 3 + [(720, 1280)]
    assert all(frame.at.tzinfo is not None for frame in seen)


def test_a_looping_folder_is_read_again_on_every_round(tmp_path: Path) -> None:
    grey_picture(tmp_path / "a.png", 10)
    seen = []
    with Stop() as stop:
        for turn in turns(camera_of_pictures(tmp_path, loop=True, gap=0.01), stop):
            assert isinstance(turn, Frame)
            seen.append(int(turn.luma[0, 0]))
            if len(seen) == 4:
                grey_picture(tmp_path / "b.png", 20)
            if 20 in seen:
                stop.set()
    assert seen[:4] == [10, 10, 10, 200]


def test_the_pace_is_kept(tmp_path: Path) -> None:
    grey_picture(tmp_path / "a.png")
    began = monotonic()
    with Stop() as stop:
        assert len(list(turns(camera_of_pictures(tmp_path, fps=50, hold=0.4, gap=0), stop))) == 20
    assert monotonic() - began >= 19 / 50


def test_stop_cuts_a_wait_short(tmp_path: Path) -> None:
    grey_picture(tmp_path / "a.png")
    with Stop() as stop:
        stream = turns(camera_of_pictures(tmp_path, fps=0.02, hold=3600), stop)
        next(stream)
        stop.set()
        assert list(stream) == []


def test_transparent_and_coloured_pictures_are_what_a_person_sees(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "red.png")
    assert (luma_of(tmp_path / "clear.png") == 255).all()
    assert luma_of(tmp_path / "red.png").tolist() == [[76] * 4] * 4


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_a_file_that_is_no_picture_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"x\.png"):
        luma_of(tmp_path / "x.png")


def test_an_empty_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no pictures in"):
        listed((tmp_path,))
    with pytest.raises(PictureError, match=r"gone\.png"):
        luma_of(tmp_path / "gone.png")


def scripted(*scenes: list[int] | Exception) -> Callable[[CameraSettings, Stop], Generator[Frame, None, None]]:
    """Return an eye that plays one scene at each opening: frames and then its end, or an error."""
    left = list(scenes)

    def frames(_camera: CameraSettings, _stop: Stop) -> Generator[Frame, None, None]:
        scene = left.pop(0)
        if isinstance(scene, Exception):
            raise scene
        for grey in scene:
            from datetime import UTC, datetime  # noqa: PLC0415 - the frame's own clock

            yield Frame(np.full((2, 2), grey, np.uint8), datetime.now(UTC), monotonic())
        if left:
            raise CameraGoneError("silent")

    return frames


def test_an_eye_that_goes_away_is_reopened_while_the_loop_turns_on() -> None:
    eye = scripted([1, 2], CameraGoneError("unplugged"), OSError("busy"), [3])
    with Stop() as stop:
        seen = [
            int(turn.luma[0, 0]) if isinstance(turn, Frame) else turn.why for turn in turns(CameraSettings(), stop, eye)
        ]
    assert [one for one in seen if isinstance(one, int)] == [1, 2, 3]
    assert list(dict.fromkeys(one for one in seen if isinstance(one, str))) == ["silent", "unplugged", "busy"]
    # The pauses double, and a blind turn comes at every blink of them.
    assert [seen.count(why) for why in ("silent", "unplugged", "busy")] == [2, 3, 5]
    assert BLINK == 0.5


def test_a_mistake_of_ours_in_an_eye_ends_the_program() -> None:
    with Stop() as stop, pytest.raises(ZeroDivisionError):
        list(turns(CameraSettings(), stop, scripted(ZeroDivisionError())))


def test_a_machine_without_picamera2_is_told_what_to_install() -> None:
    with Stop() as stop, pytest.raises(CameraGoneError, match="sudo apt install python3-picamera2"):
        next(PiCamera().frames(CameraSettings(), stop))


def test_a_hold_shorter_than_a_frame_is_one_frame(tmp_path: Path) -> None:
    grey_picture(tmp_path / "a.png")
    with Stop() as stop:
        assert len(list(turns(camera_of_pictures(tmp_path, hold=0.001, gap=0), stop))) == 1


def test_what_a_blind_turn_says_can_always_be_written(tmp_path: Path) -> None:
    with Stop() as stop:
        turn = next(turns(camera_of_pictures(tmp_path / "\udcff.png"), stop))
    assert isinstance(turn, Blind)
    assert "\\udcff.png" in turn.why


def test_a_blind_turn_comes_at_once() -> None:
    with Stop() as stop:
        turn = next(turns(CameraSettings(), stop, scripted(CameraGoneError("no camera"), [1])))
    assert isinstance(turn, Blind)
    assert turn.why == "no camera"


def sensor(*scenes: list[int]) -> Callable[[CameraSettings, Stop], Generator[Frame, None, None]]:
    """Return a sensor that plays one scene at each opening, four frames a second: each grey's noise, 0 for none."""
    left = list(scenes)
    noise = np.random.default_rng(3)

    def frames(_camera: CameraSettings, _stop: Stop) -> Generator[Frame, None, None]:
        begun = monotonic()
        for n, grey in enumerate(left.pop(0)):
            luma = np.where(np.indices((90, 160))[1] % 80 < 40, 60, 150).astype(np.uint8)
            luma += noise.integers(0, grey + 1, luma.shape, np.uint8)
            yield Frame(luma, AT, begun + n / 4)

    return frames


def test_a_frozen_eye_is_reopened_like_one_that_is_gone_and_is_back_when_it_moves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    monitor = CameraMonitor(CameraSettings())
    seen: list[tuple[str, CameraState]] = []
    with Stop() as stop:
        stream = turns(CameraSettings(), stop, sensor([3] * 8 + [0] * 99, [0] * 99, [3] * 8), monitor)
        seen.extend((turn.why if isinstance(turn, Blind) else "frame", monitor.state) for turn in stream)
    why = "the camera gives the same picture again and again; check its cable and the power supply"
    assert list(dict.fromkeys(seen)) == [
        ("frame", CameraState.CLEAR),
        (why, CameraState.FROZEN),
        ("frame", CameraState.FROZEN),
    ]
    # It froze after four seconds; the first pause is half a second, and the next one as long again.
    assert [len(list(turns_)) for _, turns_ in groupby(seen, key=lambda one: one[0])] == [24, 2, 16, 3, 8]
    assert seen[-1] == ("frame", CameraState.CLEAR)
    assert caplog.messages == [
        "the view was clear, and is frozen",
        f"the eye is away: {why}",
        "the view was frozen, and is clear",
        "the eye is back",
    ]
