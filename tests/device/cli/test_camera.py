"""The commands that look through the camera: what they measure, what they write, and when they will not."""

import json
import sys
import tomllib
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from device.__main__ import main
from device.camera.flicker import banding
from device.cli import _calibration
from device.cli._calibration import Trial, best
from device.cli.camera_calibrate import HEAD
from device.config import StationSettings, load
from device.control.control_socket import ControlSocket
from tests.support.codes import code, view
from tests.support.control import listens
from tests.support.credentials import staff_pass
from tests.support.picamera import Job, Picamera2
from tests.support.point import save
from tests.support.world import wait_for

RNG = np.random.default_rng(8)
SIZE = (640, 480)
HAS = dict.fromkeys(
    ["FrameDurationLimits", "NoiseReductionMode", "ExposureTime", "AnalogueGain", "AfMode", "LensPosition"], (0, 1, 1)
)
PHONE = Image.fromarray(view(code(staff_pass(), 4)))


class Bench(Picamera2):
    """A camera before which a phone is held at 20 cm, under a lamp that flickers 100 times a second."""

    frame = 0

    def capture_array(self, name: str, wait: bool) -> Job:
        assert (name, wait) == ("main", False)
        told = self.told["controls"]
        Bench.frame += 1
        light = told.get("ExposureTime", 4000) * told.get("AnalogueGain", 4.0) / 16_000
        defocus = abs(told.get("LensPosition", 5.0) - 5.0)
        scene = np.full(SIZE[::-1], 30.0)
        sharp = PHONE.filter(ImageFilter.GaussianBlur(4 * defocus)) if defocus > 0.01 else PHONE
        phone = np.asarray(sharp, np.float64)[: SIZE[1] - 20, : SIZE[0] - 20]
        scene[10 : 10 + phone.shape[0], 10 : 10 + phone.shape[1]] = 0.5 * phone
        flicker = 0.0 if told.get("ExposureTime") == 10_000 else self.flicker
        rows = np.arange(SIZE[1]) / SIZE[1]
        scene *= 1 + flicker * np.sin(2 * np.pi * (2.5 * rows + Bench.frame / 3))[:, None]
        luma = np.clip(16 + light * scene + RNG.normal(0, 1.5, scene.shape), 0, 255).astype(np.uint8)
        self._job = Job(np.vstack([luma, np.full((SIZE[1] // 2, SIZE[0]), 128, np.uint8)]))
        return self._job

    flicker = 0.0


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> type[Bench]:
    module = types.ModuleType("picamera2")
    module.Picamera2 = Bench  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "picamera2", module)
    monkeypatch.setattr(Bench, "has", HAS)
    monkeypatch.setattr(Bench, "told", {})
    monkeypatch.setattr(Bench, "script", [])
    monkeypatch.setattr(Bench, "flicker", 0.0)
    # Fewer settings than the command tries, and fewer frames of each: the same search, in a second.
    for name, value in (
        ("EXPOSURES", (4000, 10_000)),
        ("GAINS", (1.0, 4.0)),
        ("DISTANCES", (0.15, 0.2, 0.3)),
        ("SETTLING", 1),
        ("JUDGED", 3),
    ):
        monkeypatch.setattr(_calibration, name, value)
    return Bench


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "titik.toml"
    path.write_text(
        '[point]\nname = "bupati-1"\nsite = "bupati"\n[pins]\nfactory = "mock"\n[camera]\nsize = [640, 480]\nfps = 60\n'
    )
    return path


def titik(config: Path, *words: str | Path) -> int:
    return main([*map(str, words), "--config", str(config), "--socket", str(config.parent / "titik.sock")])


@pytest.mark.usefixtures("bench")
def test_a_test_of_the_camera_says_what_it_sees_and_keeps_the_picture_for_its_owner(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = config.parent / "view.png"
    config.write_text(config.read_text() + "focus_m = 0.2\n")
    assert titik(config, "test", "camera", "--json", "--seconds", "1", "--picture", picture) == 0
    told = capsys.readouterr()
    seen = json.loads(told.out)
    assert {name: seen[name] for name in ("source", "size", "state", "read", "lacks")} == {
        "source": "picamera2",
        "size": [640, 480],
        "state": "clear",
        "read": 1.0,
        "lacks": [],
    }
    assert 2 <= seen["frames"] <= 66
    assert seen["fps"] <= 66
    assert (seen["banding"] < 0.02, 0 < seen["brightness"] < 255, seen["sharpness"] > 0.2) == (True, True, True)
    assert picture.stat().st_mode & 0o777 == 0o600
    with Image.open(picture) as kept:
        assert kept.size == SIZE
    assert "data pribadi" in told.err
    assert titik(config, "test", "camera", "--seconds", "0.3") == 0
    assert "view: clear; a code was read in 100 % of the frames" in capsys.readouterr().out


def test_pictures_of_several_sizes_are_a_test_of_the_camera_too(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, height in (("1", 300), ("2", 400)):
        Image.fromarray(RNG.integers(0, 255, (height, 300), np.uint8)).save(config.parent / f"{name}.png")
    more = f'source = "pictures"\npictures = ["{config.parent}"]\nhold = 0.05\ngap = 0.05\n'
    config.write_text(config.read_text() + more)
    titik(config, "test", "camera", "--json", "--seconds", "1")
    seen = json.loads(capsys.readouterr().out)
    assert (seen["source"], seen["frames"] > 6, 0 <= seen["banding"] <= 1) == ("pictures", True, True)


def test_flicker_and_what_the_camera_lacks_are_said(
    bench: type[Bench], config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.flicker = 0.2
    bench.has = {"FrameDurationLimits": (0, 1, 1)}
    assert titik(config, "test", "camera", "--seconds", "1") == 0
    said = capsys.readouterr().out
    assert "the lamps flicker. Next: titik camera calibrate" in said
    assert "no control for NoiseReductionMode, ExposureTime, AnalogueGain, AfMode, LensPosition" in said


def test_a_covered_lens_fails_the_test(bench: type[Bench], config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def covered(_self: Bench, name: str, wait: bool) -> Job:
        assert (name, wait) == ("main", False)
        return Job(RNG.integers(100, 104, (720, 640), np.uint8))

    monkeypatch.setattr(bench, "capture_array", covered)
    assert titik(config, "test", "camera", "--seconds", "0.3") == 1


def test_a_camera_that_is_not_there_or_is_held_ends_with_the_next_command(
    bench: type[Bench], config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["test", "camera"], ["camera", "calibrate"]):
        bench.script[:] = [RuntimeError("Camera __init__ sequence did not complete.")]
        assert titik(config, *words) == 3
        assert capsys.readouterr().err.endswith("Next: systemctl stop titik\n")
        with ControlSocket(config.parent / "titik.sock", {}):
            wait_for(lambda: listens(config.parent / "titik.sock"))
            assert titik(config, *words) == 1
        assert capsys.readouterr().err == ("the station that runs here holds the camera. Next: systemctl stop titik\n")
        assert titik(config.parent / "gone.toml", *words) == 78
        assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(("flicker", "exposure"), [(0.0, 4000), (0.2, 10_000)])
def test_calibration_finds_the_focus_and_the_shortest_exposure_without_bands(
    bench: type[Bench], config: Path, capsys: pytest.CaptureFixture[str], flicker: float, exposure: int
) -> None:
    bench.flicker = flicker
    config.write_text(config.read_text() + 'exposure_us = 5000\nexposure = "auto"\n')
    assert titik(config, "camera", "calibrate", "--write") == 0
    said = capsys.readouterr()
    target = config.parent / "conf.d" / "camera.toml"
    assert target.read_text() == HEAD + said.out
    assert target.stat().st_mode & 0o777 == 0o644
    found = tomllib.loads(said.out)["camera"]
    assert {name: found[name] for name in ("exposure", "exposure_us", "focus_m")} == {
        "exposure": "fixed",
        "exposure_us": exposure,
        "focus_m": 0.2,
    }
    station, warnings = load(StationSettings, config)
    assert warnings == []
    assert (station.camera.exposure_us, station.camera.gain, station.camera.focus_m) == (exposure, found["gain"], 0.2)
    assert titik(config, "camera", "calibrate", "--write") == 0


def test_calibration_overwrites_nothing_that_is_not_its_own(
    bench: type[Bench], config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = config.parent / "conf.d" / "camera.toml"
    target.parent.mkdir()
    target.write_text("[camera]\nfps = 30\n")
    assert titik(config, "camera", "calibrate", "--write") == 1
    assert "is somebody's own" in capsys.readouterr().err
    assert target.read_text() == "[camera]\nfps = 30\n"
    assert bench.told == {}


def test_a_camera_without_controls_and_a_folder_of_pictures_have_nothing_to_calibrate(
    bench: type[Bench], config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.has = {"FrameDurationLimits": (0, 1, 1)}
    assert titik(config, "camera", "calibrate") == 3
    assert "no control for NoiseReductionMode, ExposureTime" in capsys.readouterr().err
    save(config.parent / "pictures" / "a.png", staff_pass())
    config.write_text(config.read_text() + f'source = "pictures"\npictures = ["{config.parent}/pictures"]\n')
    assert titik(config, "camera", "calibrate") == 3
    assert 'source = "pictures" has no controls' in capsys.readouterr().err
    assert titik(config, "test", "camera", "--json", "--seconds", "0.2") == 0
    assert json.loads(capsys.readouterr().out)["read"] == 1.0


def test_nothing_held_up_is_nothing_found(
    bench: type[Bench], config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.device.cli.test_camera.PHONE", Image.new("L", (300, 300), 90))
    config.write_text(config.read_text() + "focus_m = 0\n")
    assert titik(config, "camera", "calibrate") == 1
    assert "no code was read at any setting" in capsys.readouterr().err
    assert "LensPosition" not in bench.told["controls"]


def trial(**told: Any) -> Trial:
    return Trial(**{**Trial(4000, 4.0, 0.17, 1.0, 0.5, 110, 0.0)._asdict(), **told})


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        ([], None),
        ([trial(read=0.0)], None),
        ([trial(read=0.5), trial(exposure_us=10_000)], 1),
        ([trial(read=0.9, exposure_us=5000), trial(exposure_us=10_000)], 0),
        ([trial(banding=0.2), trial(exposure_us=10_000)], 1),
        ([trial(banding=0.2), trial(exposure_us=10_000, banding=0.2)], 0),
        ([trial(brightness=30), trial(brightness=100), trial(brightness=200)], 1),
    ],
)
def test_the_setting_taken_reads_best_without_bands_is_short_and_well_lit(
    trials: list[Trial], expected: int | None
) -> None:
    assert best(trials) is (None if expected is None else trials[expected])


def profiles(amplitude: float, bands: float, *, noise: float = 0.2, frames: int = 12) -> NDArray[np.float64]:
    rows = np.linspace(0, 1, 480)
    scene = 90 + 40 * np.sin(9 * rows) + 20 * (rows > 0.5)
    shift = np.arange(frames)[:, None] * 100 / 15
    lit = scene * (1 + amplitude * np.sin(2 * np.pi * (bands * rows + shift)))
    whole: NDArray[np.float64] = lit + RNG.normal(0, noise, lit.shape)
    return whole


@pytest.mark.parametrize("bands", [1.2, 2.5, 6.0])
@pytest.mark.parametrize("amplitude", [0.0, 0.05, 0.3])
def test_bands_are_measured_whatever_the_scene(bands: float, amplitude: float) -> None:
    assert banding(profiles(amplitude, bands)) == pytest.approx(amplitude, rel=0.15, abs=0.005)


def test_a_change_of_light_a_single_frame_and_a_passer_by_are_no_bands() -> None:
    quiet = profiles(0.0, 2.5)
    assert banding(quiet * np.linspace(0.5, 1.5, 12)[:, None]) < 0.01
    assert banding(profiles(0.3, 2.5, frames=2)) == 0.0
    passing = quiet.copy()
    passing[3:6, 100:300] += 15
    assert banding(passing) < 0.05
