"""A showing lasts however slow the frames come, and a pace that is hardly meant is said."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.__main__ import main as titik
from device.camera.frame_rate import doubt, quiet
from device.camera.video import frames
from device.config import CameraSettings, PointSettings, SightingSettings
from device.config import StationSettings as Config
from device.system.stop import Stop
from tests.support.configuration import GOOD, written
from tests.support.credentials import staff_pass
from tests.support.film import camera_of_video, film
from tests.support.point import DATES, Station, save
from tests.support.world import free_port

SLOW = (
    "camera.fps = 1 gives a frame each 1 s, and sighting.quiet = 0.7 is no longer: a code in view would be shown anew"
    " by every frame. A showing is over after 2.5 s instead. Next: fps = 4 or more, or quiet = 2.5"
)


def told(fps: float, seconds: float = 0.7) -> Config:
    return Config(
        point=PointSettings(name="bupati-1", site="bupati"),
        camera=CameraSettings(fps=fps),
        sighting=SightingSettings(quiet=seconds),
    )


def test_a_pace_at_which_a_showing_would_end_between_two_frames_is_said() -> None:
    assert doubt(told(1)) == SLOW
    assert doubt(told(2, 0.5)) is not None
    assert str(doubt(told(0.2))).endswith(" A showing is over after 12.5 s instead. Next: fps = 4 or more")
    assert [doubt(told(fps)) for fps in (1.5, 4, 15)] == [None] * 3


@given(st.floats(0.01, 120), st.floats(0.1, 10))
def test_a_showing_outlives_a_frame_that_is_missed_at_any_pace_and_what_is_advised_needs_no_word(
    fps: float, seconds: float
) -> None:
    config = told(fps, seconds)
    assert quiet(config) >= max(seconds, 2 / fps)
    assert quiet(config) == seconds or seconds < 2.5 / fps
    sentence = doubt(config)
    assert (sentence is None) == (1 / fps < seconds)
    if sentence is not None:
        better = float(sentence.split("fps = ")[-1].split()[0])
        assert doubt(told(better, seconds)) is None
        assert quiet(told(better, seconds)) == seconds


def test_check_config_counts_it_as_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, GOOD + "[camera]\nfps = 1\n")
    assert titik(["check-config", "--config", str(path)]) == 78
    assert capsys.readouterr().err == f"{path}: {SLOW}\n"
    assert titik(["check-config", "--config", str(written(tmp_path, GOOD + "[camera]\nfps = 4\n"))]) == 0


def test_a_station_of_few_frames_a_second_makes_one_event_of_one_showing(tmp_path: Path) -> None:
    point = Station(tmp_path, free_port(), camera={"fps": 4, "hold": 1.5, "gap": 0.5}, more="[sighting]\nquiet = 0.1")
    save(point.pictures / "1.png", staff_pass("0001", **DATES))
    with point:
        point.says("camera.fps = 4 gives a frame each 0.25 s, and sighting.quiet = 0.1 is no longer")
        assert point.child.process.wait() == 0
    with closing(sqlite3.connect(point.outbox)) as rows:
        bodies = [json.loads(body)["data"] for (body,) in rows.execute("SELECT body FROM event ORDER BY row")]
    assert [(body["reason"], body["repeat"]) for body in bodies] == [("staff", False)]


def test_a_film_of_few_pictures_a_second_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = film(tmp_path / "a.mkv", 50, 60, fps=1, form="gray")
    with Stop() as stop:
        stream = frames(camera_of_video(path, patience=9), stop)
        assert [int(next(stream).luma[0, 0]) for _ in range(2)] == [50, 60]
        stream.close()
    assert caplog.messages == [
        (
            f"{path} shows its pictures 1 s apart: a code in it is shown anew by each of them, unless [sighting] quiet"
            " is longer. Next: quiet = 2, or a film of more frames a second"
        )
    ]
