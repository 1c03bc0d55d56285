"""The Pi's camera, by a stand-in for picamera2 that keeps its manners, the bad ones too.

The real picamera2 runs where libcamera does; what is used of it here is checked against it by hand.
"""

import sys
import types
from concurrent.futures import Future
from typing import Any, ClassVar

import numpy as np
import pytest

from device.config import Camera
from device.eyes import turns
from device.model import Blind, Frame
from device.picamera import CameraGone, frames
from device.stop import Stop

SIZE = (64, 48)
SETTINGS = Camera(size=(160, 120), patience=0.3, fps=30)


class Job:
    """What ``wait=False`` gives: a result, or nothing for ever."""

    def __init__(self, planes: Any) -> None:
        self._future: Future[Any] = Future()
        if planes is not None:
            self._future.set_result(planes)

    def get_result(self, timeout: float) -> Any:
        return self._future.result(timeout)


class Picamera2:
    """Gives each scripted frame once; ``None`` is silence."""

    script: ClassVar[list[Any]] = []
    calls: ClassVar[list[str]] = []
    given: ClassVar[str] = "YUV420"
    plugged: ClassVar[int] = 1
    listed: ClassVar[int] = 0

    class _cm:  # noqa: N801 - picamera2's own name for its list of cameras
        @staticmethod
        def reset() -> None:
            Picamera2.listed = Picamera2.plugged

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return [{"Num": 0}] * cls.listed

    def __init__(self) -> None:
        assert self.listed, "it would leave a descriptor open"
        if self.script and isinstance(self.script[0], Exception):
            raise self.script.pop(0)
        self.calls.append("open")
        self.camera_controls = {"FrameDurationLimits": (1, 2, 3)}

    def create_video_configuration(self, main: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"main": main, **more}

    def configure(self, told: dict[str, Any]) -> None:
        self.calls.append(f"{told['main']['format']} {told['controls']}")
        self._main = {**told["main"], "format": self.given}

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": self._main}

    def start(self) -> None:
        self.calls.append("start")

    def capture_array(self, name: str, wait: bool) -> Job:
        assert (name, wait) == ("main", False)
        return Job(self.script.pop(0) if self.script else None)

    def cancel_all_and_flush(self) -> None:
        self.calls.append("cancel")

    def stop(self) -> None:
        assert self.calls[-1] == "cancel", "it would wait for ever"
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("picamera2")
    module.Picamera2 = Picamera2  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "picamera2", module)
    monkeypatch.setattr(Picamera2, "script", [])
    monkeypatch.setattr(Picamera2, "calls", [])
    monkeypatch.setattr(Picamera2, "given", "YUV420")
    monkeypatch.setattr(Picamera2, "plugged", 1)
    monkeypatch.setattr(Picamera2, "listed", 0)


def planes(grey: int) -> Any:
    """Return what YUV420 gives for 160 x 120: brightness with padding beside it, colour below."""
    whole = np.full((180, 192), 128, np.uint8)
    whole[:120, :160] = grey
    return whole


def test_only_the_brightness_of_the_picture_itself_is_handed_on() -> None:
    Picamera2.script[:] = [planes(7), planes(8)]
    with Stop() as stop:
        stream = frames(SETTINGS, stop)
        seen = [next(stream), next(stream)]
        stream.close()
    assert [(frame.luma.shape, int(frame.luma.min()), int(frame.luma.max())) for frame in seen] == [
        ((120, 160), 7, 7),
        ((120, 160), 8, 8),
    ]
    assert Picamera2.calls == [
        "open",
        "YUV420 {'FrameDurationLimits': (33333, 33333)}",
        "start",
        "cancel",
        "stop",
        "close",
    ]


def test_a_silent_camera_is_noticed_after_its_patience_closed_and_opened_anew() -> None:
    Picamera2.script[:] = [planes(7), None]
    seen: list[str] = []
    with Stop() as stop:
        for turn in turns(SETTINGS, stop):
            seen.append("frame" if isinstance(turn, Frame) else turn.why)
            if isinstance(turn, Blind) and len(seen) == 2:
                Picamera2.script[:] = [planes(9)]
            if len(seen) > 2 and seen[-1] == "frame":
                stop.set()
    assert seen[:2] == ["frame", "the camera has been silent for 0.3 s; check its cable and the power supply"]
    assert seen[-1] == "frame"
    assert [call for call in Picamera2.calls if len(call) < 7] == ["open", "start", "cancel", "stop", "close"] * 2


def test_a_stop_is_heard_while_the_camera_is_silent() -> None:
    with Stop() as stop:
        stream = frames(Camera(patience=9), stop)
        stop.set()
        assert list(stream) == []


@pytest.mark.parametrize("error", [IndexError("list index out of range"), RuntimeError("Camera in use")])
def test_no_camera_is_weather_with_the_next_command(error: Exception) -> None:
    Picamera2.script[:] = [error]
    with Stop() as stop, pytest.raises(CameraGone, match="rpicam-hello --list-cameras"):
        next(frames(SETTINGS, stop))


def test_a_camera_that_is_plugged_in_again_is_found() -> None:
    Picamera2.script[:] = [planes(7)]
    Picamera2.plugged = 0
    seen: list[str] = []
    with Stop() as stop:
        for turn in turns(SETTINGS, stop):
            seen.append("frame" if isinstance(turn, Frame) else turn.why)
            Picamera2.plugged = 1
            if seen[-1] == "frame":
                stop.set()
    assert (seen[0], seen[-1]) == (
        "no camera was found (none is listed); check its cable, then: rpicam-hello --list-cameras",
        "frame",
    )


def test_a_format_without_a_plane_of_brightness_is_refused() -> None:
    Picamera2.given = "BGR888"
    with Stop() as stop, pytest.raises(CameraGone, match="BGR888"):
        next(frames(SETTINGS, stop))
    assert Picamera2.calls[-2:] == ["stop", "close"]
