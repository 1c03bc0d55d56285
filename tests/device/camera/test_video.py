"""A video file as eyes: its brightness, its pace, and files that are none."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from time import monotonic

import av
import numpy as np
import pytest

from device.camera.source import turns
from device.camera.video import VideoError, frames
from device.config import CameraSettings
from device.model import Blind, Frame
from device.system.stop import Stop
from tests.support.codes import code, view
from tests.support.credentials import staff_pass
from tests.support.film import camera_of_video, film
from tests.support.point import DATES, Station
from tests.support.world import free_port


def greys(told: CameraSettings, most: int = 1000) -> list[int]:
    with Stop() as stop:
        seen = []
        for frame in frames(told, stop):
            assert frame.luma.shape == (48, 64)
            assert frame.luma.min() == frame.luma.max()
            assert frame.at.utcoffset() == timedelta(0)
            seen.append(int(frame.luma[0, 0]))
            if len(seen) == most:
                stop.set()
        return seen


@pytest.mark.parametrize("form", ["yuv420p", "yuv444p", "gray", "yuv422p", "gray10le"])
def test_each_picture_is_a_frame_in_its_order_whatever_its_form(tmp_path: Path, form: str) -> None:
    told = (30, 77, 200)
    if form == "gray10le":  # converted on both ways, so within a step or two
        assert np.abs(np.subtract(greys(camera_of_video(film(tmp_path / "a.mkv", *told, form=form))), told)).max() <= 2
    else:
        plain = [int(one) for one in _luma_of(form, told)]
        assert greys(camera_of_video(film(tmp_path / "a.mkv", *told, form=form))) == plain


def _luma_of(form: str, told: tuple[int, ...]) -> list[int]:
    """Return what FFmpeg makes of an even grey in *form*, whose black may be 16."""
    pictures = (av.VideoFrame.from_ndarray(np.full((48, 64), grey, np.uint8), format="gray") for grey in told)
    return [np.frombuffer(one.reformat(format=form).planes[0], np.uint8)[0] for one in pictures]  # type: ignore[call-overload]  # a plane is a buffer


def test_rows_that_are_longer_in_memory_than_the_picture_are_cut(tmp_path: Path) -> None:
    luma = np.tile(np.arange(100, dtype=np.uint8) + 50, (30, 1))
    with av.open(str(tmp_path / "a.mkv"), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 100, 30, "gray"  # type: ignore[attr-defined]  # a video's stream
        picture = av.VideoFrame.from_ndarray(luma, format="gray")
        container.mux(stream.encode(picture))  # type: ignore[attr-defined]  # as above
        container.mux(stream.encode(None))  # type: ignore[attr-defined]  # as above
    with Stop() as stop:
        (seen,) = frames(camera_of_video(tmp_path / "a.mkv"), stop)
    assert seen.luma.tolist() == luma.tolist()


def test_the_pace_is_the_files_own(tmp_path: Path) -> None:
    began = monotonic()
    assert len(greys(camera_of_video(film(tmp_path / "a.mkv", *range(50, 58), fps=20)))) == 8
    assert monotonic() - began >= 7 / 20


def test_a_file_that_is_faster_than_the_camera_is_thinned_to_the_cameras_pace(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", 50, 60, 70, 80, 90, 100, fps=100, form="gray")
    assert greys(camera_of_video(path, fps=50)) == [50, 70, 90]


def test_a_slow_loop_loses_no_frame(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", *range(50, 60), form="gray")
    seen = []
    with Stop() as stop:
        for frame in frames(camera_of_video(path), stop):
            stop.wait(0.03)
            seen.append(int(frame.luma[0, 0]))
    assert seen == list(range(50, 60))


def test_a_loop_opens_the_file_anew_so_that_it_may_be_replaced(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", 50, 60, form="gray")
    seen = []
    with Stop() as stop:
        for frame in frames(camera_of_video(path, loop=True), stop):
            seen.append(int(frame.luma[0, 0]))
            if len(seen) == 4:
                film(tmp_path / "b.mkv", 70, form="gray").rename(path)
            if 70 in seen:
                stop.set()
    assert seen[:4] == [50, 60, 50, 60]


def test_stop_cuts_a_wait_short(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", 50, 60, fps=1)
    with Stop() as stop:
        stream = frames(camera_of_video(path, patience=9, fps=1), stop)
        stop.set()
        assert list(stream) == []


def test_a_jump_in_the_files_clock_is_not_waited_out(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=100)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"  # type: ignore[attr-defined]  # a video's stream
        for n, grey in ((0, 50), (1, 60), (100 * 3600, 70), (100 * 3600 + 1, 80)):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64), grey, np.uint8), format="gray")
            picture.pts, picture.time_base = n, Fraction(1, 100)
            container.mux(stream.encode(picture))  # type: ignore[attr-defined]  # as above
        container.mux(stream.encode(None))  # type: ignore[attr-defined]  # as above
    # Who waited it out would wait for 100 hours.
    assert greys(camera_of_video(tmp_path / "a.mkv", fps=100)) == [50, 60, 70, 80]


def test_a_file_that_is_no_video_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"no video")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\n{film(tmp_path / 'a.mkv', 50)}\n")
    (tmp_path / "concat").write_text("ffconcat version 1.0\nfile a.mkv\n")
    os.mkfifo(tmp_path / "pipe")
    for name, says in (
        ("text", "text cannot be played as a video (Invalid data found when processing input). Next: ffmpeg -i"),
        ("empty", "empty cannot be played as a video"),
        ("list.m3u8", "list.m3u8 cannot be played as a video"),
        ("concat", "concat cannot be played as a video"),
        ("pipe", "there is no video file"),
        ("gone", "there is no video file"),
        (".", "there is no video file"),
    ):
        with Stop() as stop, pytest.raises(VideoError) as told:
            next(frames(camera_of_video(tmp_path / name), stop))
        assert says in str(told.value)
        assert len(str(told.value).splitlines()) == 1


def test_what_is_broken_in_the_middle_is_passed_over(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi", *range(50, 70), form="gray", codec="png")
    octets = bytearray(path.read_bytes())
    tenth = [n for n in range(len(octets)) if octets.startswith(b"IDAT", n)][10] + 4
    octets[tenth : tenth + 8] = bytes(8)
    path.write_bytes(octets)
    assert greys(camera_of_video(path)) == [*range(50, 60), *range(61, 70)]


def test_a_file_of_which_nothing_can_be_decoded_is_one_sentence(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi", 50, 60, form="gray", codec="png")
    path.write_bytes(path.read_bytes().replace(b"IDAT", b"IDAX"))
    for loop in (False, True):
        with Stop() as stop, pytest.raises(VideoError, match=r"not one picture in .* can be decoded"):
            next(frames(camera_of_video(path, loop=loop), stop))


def _until_blind(told: CameraSettings, stop: Stop) -> list[Frame | Blind]:
    seen: list[Frame | Blind] = []
    for turn in turns(told, stop):
        seen.append(turn)
        if isinstance(turn, Blind):
            stop.set()
    return seen


def test_a_file_cut_short_shows_what_it_has(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", *range(50, 90), form="gray")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Stop() as stop:
        seen = [int(turn.luma[0, 0]) for turn in _until_blind(camera_of_video(path), stop) if isinstance(turn, Frame)]
    assert 5 < len(seen) < 40
    assert seen == list(range(50, 50 + len(seen)))


def test_a_picture_larger_than_any_camera_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "big.y4m"
    path.write_bytes(b"YUV4MPEG2 W16000 H16000 F25:1 Ip A1:1 Cmono\nFRAME\n" + bytes(1000))
    with Stop() as stop, pytest.raises(VideoError, match="16000 x 16000"):
        next(frames(camera_of_video(path), stop))


def test_without_the_library_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with Stop() as stop, pytest.raises(VideoError, match="sudo apt install python3-av"):
        next(frames(camera_of_video(tmp_path / "a.mkv"), stop))


def test_a_station_that_looks_at_a_video_says_that_its_events_are_simulated(tmp_path: Path) -> None:
    luma = view(code(staff_pass("0001", **DATES), 4))
    path = tmp_path / "door.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = luma.shape[1], luma.shape[0], "gray"  # type: ignore[attr-defined]  # a video's stream
        container.mux(stream.encode(av.VideoFrame.from_ndarray(luma, format="gray")))  # type: ignore[attr-defined]  # as above
        container.mux(stream.encode(None))  # type: ignore[attr-defined]  # as above
    eye = {"source": '"video"', "video": f'"{path}"'}
    with Station(tmp_path / "point", free_port(), camera=eye) as point:
        point.says("shown id=")
    with closing(sqlite3.connect(point.outbox)) as rows:
        (body,) = rows.execute("SELECT body FROM event").fetchone()
    event = json.loads(body)
    assert (event["data"]["reason"], event["data"]["simulated"]) == ("staff", True)
