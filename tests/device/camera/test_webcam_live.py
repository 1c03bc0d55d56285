"""A webcam as eyes, by the kernel's own drivers; skips where there is none.

The kernel's test driver shows patterns and can be told to fail: ``sudo modprobe vivid``, then this file, as root.
A webcam of one's own serves for the first test alone: ``TITIK_WEBCAM=/dev/video0``, then this file.
"""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
import videodev2 as v4l2

from device.camera import webcam
from device.camera.source import turns
from device.camera.webcam import PLAIN, WebcamGoneError, frames
from device.config import CameraSettings
from device.model import Blind, Frame
from device.system.stop import Stop
from tests.support.world import wait_for

BUS = Path("/sys/bus/platform/drivers/vivid")
SIZE = (320, 180)
BACK = 180.0
"""Seconds within which an eye that is plugged in again sees."""

# The controls of vivid's own (drivers/media/test-drivers/vivid/vivid-ctrls.c).
PATTERN, TEXT = 0x00F0F000, 0x00F0F001
BLACK, WHITE, RAMP, NO_TEXT = 5, 6, 20, 2
DROPPED, DISCONNECT, BROKEN = 0x00F0F040, 0x00F0F041, 0x00F0F042
NO_REQBUFS, NO_QBUF, NO_STREAMON, FATAL = 0x00F0F043, 0x00F0F044, 0x00F0F045, 0x00F0F046


def _capture() -> Path | None:
    """Return the file that vivid captures by."""
    for name in Path("/sys/class/video4linux").glob("video*/name"):
        with suppress(OSError):
            if name.read_text(encoding="ascii").strip() == "vivid-000-vid-cap":
                return Path("/dev") / name.parent.name
    return None


def _there() -> Path:
    return wait_for(lambda: (path := _capture()) and path.exists() and path, "vivid's file is there")  # type: ignore[return-value]  # a path, once it is one


def _unplug() -> None:
    (BUS / "unbind").write_text("vivid.0")


def _plug() -> None:
    (BUS / "bind").write_text("vivid.0")


@pytest.fixture
def vivid() -> Iterator[Path]:
    """Return the file of a test driver that is whole and shows grey from left to right."""
    if _capture() is None or os.geteuid() != 0:
        pytest.skip("the kernel's test driver is not here. Next: sudo modprobe vivid, and pytest as root")
    path = _there()
    _tell(path, PATTERN, RAMP)
    _tell(path, TEXT, NO_TEXT)
    yield path
    _unplug()  # so that no fault outlives its test
    _plug()
    _there()


def _tell(path: Path, control: int, value: int = 1) -> None:
    """Set a control as another program does, while the webcam streams."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        webcam._ask(descriptor, v4l2.VIDIOC_S_CTRL, v4l2.v4l2_control(id=control, value=value))
    finally:
        os.close(descriptor)


def camera(path: Path | None, **more: object) -> CameraSettings:
    told = {"source": "webcam", "device": path, "size": SIZE, "fps": 10, "patience": 1.0, "frozen": 0, "covered": 0}
    return CameraSettings(**{**told, **more})  # type: ignore[arg-type]  # a test may say anything


def why(told: CameraSettings) -> str:
    with Stop() as stop, pytest.raises(WebcamGoneError) as error:
        list(frames(told, stop))
    return str(error.value)


def test_a_webcam_gives_whole_frames_and_is_free_afterwards() -> None:
    path = os.environ.get("TITIK_WEBCAM") or _capture()
    if path is None:
        pytest.skip("no webcam is named. Next: TITIK_WEBCAM=/dev/video0, or sudo modprobe vivid")
    for _ in range(2):
        with Stop() as stop, closing(frames(CameraSettings(source="webcam", device=Path(path)), stop)) as stream:
            seen = [next(stream) for _ in range(5)]
        assert {frame.luma.shape for frame in seen} == {seen[0].luma.shape}
        assert [frame.tick for frame in seen] == sorted({frame.tick for frame in seen})


@pytest.mark.parametrize("form", PLAIN)
def test_every_form_shows_the_same_picture(vivid: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webcam, "FORMS", (form,))
    with Stop() as stop, closing(frames(camera(vivid), stop)) as stream:
        ramp = next(stream).luma
        assert ramp.shape == SIZE[::-1]
        assert (ramp == ramp[0]).all()
        steps = np.diff(ramp[0].astype(int))
        assert (int(steps.min()) >= 0, int(steps.max()) <= 2) == (True, True)
        assert int(ramp[0, -1]) - int(ramp[0, 0]) > 200
        for pattern, low, high in ((BLACK, 0, 20), (WHITE, 225, 255)):
            _tell(vivid, PATTERN, pattern)
            assert _soon(stream, low, high)


def _soon(stream: Iterator[Frame], low: int, high: int) -> bool:
    """Return whether one of the next frames lies between the two all over."""
    return any(low <= int(frame.luma.min()) <= int(frame.luma.max()) <= high for frame, _ in zip(stream, range(20)))  # noqa: B905 - the stream has no end


def test_the_first_camera_is_found_among_all_that_the_driver_makes(vivid: Path) -> None:
    assert webcam.first() == vivid


def test_a_webcam_in_use_is_named_and_read_once_it_is_free(vivid: Path) -> None:
    with Stop() as stop, closing(frames(camera(vivid), stop)) as other:
        next(other)
        assert why(camera(vivid)) == (
            f"the webcam {vivid} is in use by another program. Next: sudo fuser -v {vivid}"
        )  # fmt: skip
        next(other)
        other.close()
        next(frames(camera(vivid), stop))


def test_a_webcam_that_falls_silent_is_gone_after_its_patience(vivid: Path) -> None:
    with Stop() as stop, closing(frames(camera(vivid), stop)) as stream:
        next(stream)
        _tell(vivid, DROPPED, 100)
        began = monotonic()
        with pytest.raises(WebcamGoneError, match=r"has been silent for 1 s\."):
            for _ in stream:
                pass
        assert monotonic() - began >= 1.0


def test_a_broken_frame_is_passed_over(vivid: Path) -> None:
    with Stop() as stop, closing(frames(camera(vivid), stop)) as stream:
        before = next(stream)
        _tell(vivid, BROKEN)
        assert [(frame.luma == before.luma).all() for frame, _ in zip(stream, range(5))] == [True] * 5  # noqa: B905 - the stream has no end


@pytest.mark.parametrize("fault", [NO_REQBUFS, NO_QBUF, NO_STREAMON])
def test_a_driver_that_refuses_once_is_a_sentence_and_then_an_eye(vivid: Path, fault: int) -> None:
    _tell(vivid, fault)
    assert why(camera(vivid)).startswith(f"the webcam {vivid} ")
    with Stop() as stop:
        next(frames(camera(vivid), stop))


@pytest.mark.parametrize("fault", ["disconnect", "fatal", "unbind", "silence"])
def test_an_eye_that_fails_is_blind_and_sees_again_when_it_is_back(vivid: Path, fault: str) -> None:
    told: list[str] = []
    broken = back = 0.0
    with Stop() as stop:
        for turn in turns(camera(None if fault == "unbind" else vivid), stop):
            if isinstance(turn, Blind):
                told.append(turn.why)
                if len(told) == 3:
                    _mend(vivid, fault)
                    back = turn.tick
            elif not broken:
                _break(vivid, fault)
                broken = back = turn.tick
            elif told:
                break
            assert turn.tick < (back or turn.tick) + BACK
    # By its own account the driver is whole again once everybody has closed it, after the first two.
    print(f"{fault}: {told[0]!r}; seen {turn.tick - back:.1f} s after it was back, {len(told)} blind turns")  # noqa: T201 - what was measured


def _break(path: Path, fault: str) -> None:
    if fault == "unbind":
        _unplug()
    else:
        _tell(path, {"disconnect": DISCONNECT, "fatal": FATAL, "silence": DROPPED}[fault], 100)


def _mend(path: Path, fault: str) -> None:
    if fault == "unbind":
        _plug()
    elif fault == "silence":
        _tell(path, DROPPED, 0)
