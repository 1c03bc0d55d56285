"""The Pi's camera, by a stand-in for picamera2 that keeps its manners, the bad ones too.

The real picamera2 runs where libcamera does; what is used of it here is checked against it by hand.
"""

import sys
import threading
import types
from time import monotonic
from typing import Any

import numpy as np
import pytest

from device.camera import picamera
from device.camera.picamera import CameraGoneError, CameraHungError, PiCamera, controls, cropped
from device.camera.source import turns
from device.config import CameraSettings
from device.model import Blind, Frame
from device.system.stop import Stop
from tests.support.picamera import Picamera2
from tests.support.world import wait_for

SIZE = (64, 48)
SETTINGS = CameraSettings(size=(160, 120), patience=0.3, fps=30)


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
    monkeypatch.setattr(Picamera2, "has", {"FrameDurationLimits": (1, 2, 3)})
    monkeypatch.setattr(Picamera2, "told", {})
    monkeypatch.setattr(Picamera2, "hang", {})


def planes(grey: int) -> Any:
    """Return what YUV420 gives for 160 x 120: brightness with padding beside it, colour below."""
    whole = np.full((180, 192), 128, np.uint8)
    whole[:120, :160] = grey
    return whole


def test_only_the_brightness_of_the_picture_itself_is_handed_on() -> None:
    Picamera2.script[:] = [planes(7), planes(8)]
    with Stop() as stop:
        stream = PiCamera().frames(SETTINGS, stop)
        seen = [next(stream), next(stream)]
        stream.close()
    assert [(frame.luma.shape, int(frame.luma.min()), int(frame.luma.max())) for frame in seen] == [
        ((120, 160), 7, 7),
        ((120, 160), 8, 8),
    ]
    assert Picamera2.calls == ["open", "configure", "start", "stop", "close"]
    assert Picamera2.told == {
        "main": {"size": (160, 120), "format": "YUV420"},
        "buffer_count": 4,
        "controls": {"FrameDurationLimits": (33333, 33333)},
    }


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
    assert [call for call in Picamera2.calls if len(call) < 6] == ["open", "start", "stop", "close"] * 2


def test_a_stop_is_heard_while_the_camera_is_silent() -> None:
    with Stop() as stop:
        stream = PiCamera().frames(CameraSettings(patience=9), stop)
        stop.set()
        assert list(stream) == []


@pytest.mark.parametrize("error", [IndexError("list index out of range"), RuntimeError("Camera in use")])
def test_no_camera_is_weather_with_the_next_command(error: Exception) -> None:
    Picamera2.script[:] = [error]
    with Stop() as stop, pytest.raises(CameraGoneError, match="rpicam-hello --list-cameras"):
        next(PiCamera().frames(SETTINGS, stop))


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
        "no camera is listed; check its cable, then: rpicam-hello --list-cameras",
        "frame",
    )


def test_a_format_without_a_plane_of_brightness_is_refused() -> None:
    Picamera2.given = "BGR888"
    with Stop() as stop, pytest.raises(CameraGoneError, match="BGR888"):
        next(PiCamera().frames(SETTINGS, stop))
    assert Picamera2.calls == ["open", "configure", "close"]


FIXED = {
    "FrameDurationLimits": (66667, 66667),
    "NoiseReductionMode": 1,
    "ExposureTime": 4000,
    "AnalogueGain": 4.0,
    "AfMode": 0,
    "LensPosition": 1 / 0.17,
}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, FIXED),
        ({"fps": 120, "exposure_us": 66_000}, {**FIXED, "FrameDurationLimits": (8333, 8333), "ExposureTime": 8333}),
        ({"gain": 0, "focus_m": 0}, {name: FIXED[name] for name in list(FIXED)[:3]}),
        (
            {"exposure": "auto", "noise": "minimal", "focus_m": 0.25, "mains": 60},
            {
                "FrameDurationLimits": (66667, 66667),
                "NoiseReductionMode": 3,
                "AeExposureMode": 1,
                "AeFlickerMode": 1,
                "AeFlickerPeriod": 8333,
                "AfMode": 0,
                "LensPosition": 4.0,
            },
        ),
    ],
)
def test_the_configuration_is_told_in_libcameras_own_words(told: dict[str, Any], expected: dict[str, Any]) -> None:
    assert controls(CameraSettings(**told)) == expected


def test_controls_that_the_camera_has_are_set_and_the_others_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """The controls of a Camera Module 3 on a Pi 5, as far as they matter here, but for its lens."""
    Picamera2.has = {
        "FrameDurationLimits": (17_849, 220_535_845, 33_333),
        "NoiseReductionMode": (0, 4, 0),
        "ExposureTime": (26, 220_417_486, 20_000),
        "AnalogueGain": (1.12, 16.0, 1.12),
        "ScalerCrop": ((0, 0, 64, 64), (0, 0, 4608, 2592), (0, 0, 4608, 2592)),
        "ScalerCrops": ((0, 0, 0, 0), (0, 0, 4608, 2592), None),
    }
    told = CameraSettings(crop=0.5)
    eye = PiCamera()
    with Stop() as stop:
        for _ in range(2):
            Picamera2.script[:] = [planes(7)]
            stream = eye.frames(told, stop)
            next(stream)
            stream.close()
    part = (1152, 648, 2304, 1296)
    assert Picamera2.told["controls"] == {
        **{name: FIXED[name] for name in list(FIXED)[:4]},
        "ScalerCrop": part,
        "ScalerCrops": [part],
    }
    assert eye.lacks == ("AfMode", "LensPosition")
    assert caplog.messages == ["this camera has no control for AfMode, LensPosition: left alone"]


@pytest.mark.parametrize(
    ("size", "share", "expected"),
    [
        ((1280, 720), 1.0, (0, 0, 4608, 2592)),
        ((1280, 720), 0.25, (1728, 972, 1152, 648)),
        ((1280, 960), 1.0, (576, 0, 3456, 2592)),
        ((800, 800), 0.5, (1656, 648, 1296, 1296)),
    ],
)
def test_a_crop_is_centred_and_keeps_the_pictures_shape(
    size: tuple[int, int], share: float, expected: tuple[int, int, int, int]
) -> None:
    assert cropped((0, 0, 4608, 2592), size, share) == expected


def test_a_camera_that_ignores_its_frame_rate_is_held_to_it() -> None:
    Picamera2.script[:] = [planes(7)] * 31
    with Stop() as stop:
        stream = PiCamera().frames(CameraSettings(size=(160, 120), fps=60), stop)
        next(stream)
        began = monotonic()
        for _ in range(30):
            next(stream)
        stream.close()
    assert monotonic() - began >= 28 * 0.98 / 60


def test_a_camera_that_hangs_while_it_opens_is_a_blind_turn_and_is_taken_when_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picamera, "OPENED_WITHIN", 0.1)
    Picamera2.hang["start"] = threading.Event()
    Picamera2.script[:] = [planes(7)]
    seen: list[Frame | Blind] = []
    with Stop() as stop:
        for turn in turns(SETTINGS, stop):
            seen.append(turn)
            if len(seen) == 3:
                Picamera2.hang["start"].set()
            if isinstance(turn, Frame):
                stop.set()
    whys = {turn.why for turn in seen[:-1] if isinstance(turn, Blind)}
    assert whys == {"the camera's library hangs, asked to open; check its cable and the power"}
    assert isinstance(seen[-1], Frame)
    assert Picamera2.calls == ["open", "configure", "start", "stop", "close"]


def test_a_camera_that_hangs_while_it_closes_is_not_opened_again_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picamera, "OPENED_WITHIN", 0.1)
    monkeypatch.setattr(picamera, "CLOSED_WITHIN", 0.1)
    Picamera2.hang["stop"] = threading.Event()
    Picamera2.script[:] = [planes(7)]
    eye = PiCamera()
    with Stop() as stop:
        stream = eye.frames(SETTINGS, stop)
        next(stream)
        stream.close()
        with pytest.raises(CameraGoneError, match="hangs, asked to close"):
            next(eye.frames(SETTINGS, stop))
        monkeypatch.setattr(picamera, "HUNG", 0.1)
        with pytest.raises(CameraHungError, match="has hung for 0 s, asked to close"):
            next(eye.frames(SETTINGS, stop))
        Picamera2.hang["stop"].set()
        Picamera2.script[:] = [planes(8)]
        wait_for(lambda: Picamera2.calls[-1] == "close")
        stream = eye.frames(SETTINGS, stop)
        assert int(next(stream).luma[0, 0]) == 8
        stream.close()
    assert Picamera2.calls == ["open", "configure", "start", "stop", "close"] * 2


def test_a_stop_is_heard_while_the_camera_opens() -> None:
    Picamera2.hang["start"] = threading.Event()
    with Stop() as stop:
        threading.Timer(0.1, stop.set).start()
        assert list(PiCamera().frames(SETTINGS, stop)) == []
    Picamera2.hang["start"].set()


def test_a_camera_that_cannot_be_closed_is_said_and_does_no_more_harm(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_self: Picamera2) -> None:
        raise RuntimeError("Failed to release camera")

    monkeypatch.setattr(Picamera2, "close", fails)
    Picamera2.script[:] = [planes(7)]
    with Stop() as stop:
        stream = PiCamera().frames(SETTINGS, stop)
        next(stream)
        stream.close()
    assert caplog.messages[-1] == "the camera was not closed cleanly: Failed to release camera"
