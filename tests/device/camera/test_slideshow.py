"""Pictures as eyes: what cannot be shown is said once and passed over, and nothing keeps the station from its end."""

import os
from collections.abc import Generator
from itertools import groupby
from pathlib import Path

import pytest

from device.camera.source import turns
from device.model import Blind, Frame
from device.system.stop import Stop
from tests.support.credentials import staff_pass
from tests.support.pictures import camera_of_pictures, grey_picture, png_of, saved_code
from tests.support.point import DATES, Station, save
from tests.support.world import free_port, wait_for

EMPTY = 200


def shown(turn: Frame | Blind) -> int | str:
    return turn.why if isinstance(turn, Blind) else int(turn.luma[0, 0])


def bad(folder: Path) -> list[str]:
    """Put into *folder* what cannot be shown, between pictures of grey 10 and 20; return what is said of it."""
    grey_picture(folder / "1.png", 10)
    (folder / "2.png").mkdir()
    (folder / "3.png").write_bytes(saved_code("PNG")[:200])
    os.mkfifo(folder / "4.png")
    (folder / "5.png").symlink_to(folder / "gone")
    (folder / "6.png").symlink_to("6.png")
    (folder / "7.png").write_bytes(png_of(20_000, 10_000))
    (folder / "8.png").write_bytes(b"")
    grey_picture(folder / "9.png", 20)
    return [
        "2.png: it is a folder, not a plain file. Next: the name of a picture",
        "3.png: this PNG is damaged, or not all of it is there. Next: copy it again, or take a new picture",
        "4.png: it is a pipe (FIFO), not a plain file. Next: the name of a picture",
        f"5.png: No such file or directory. Next: ls -l {folder}",
        f"6.png: Too many levels of symbolic links. Next: ls -l {folder}",
        "7.png: too large: 200 megapixels, at most 40 of this form. Next: make it smaller, or cut the code out of it",
        "8.png: the file is empty. Next: copy it again",
    ]


def test_what_cannot_be_shown_is_passed_over_and_the_rest_comes_in_its_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    says = bad(tmp_path)
    (tmp_path / "scan.tif").write_bytes(b"")
    with Stop() as stop:
        seen = [shown(turn) for turn in turns(camera_of_pictures(tmp_path), stop)]
    assert [grey for grey, _ in groupby(seen)] == [10, EMPTY, 20, EMPTY]
    assert caplog.messages == [
        f"left out, for they are not named as PNG, JPEG, WebP, BMP, GIF and PPM: {tmp_path}/scan.tif",
        *(f"passed over: {tmp_path}/{sentence}" for sentence in says),
    ]


def test_a_name_that_is_no_text_is_said_as_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "\udcff.png").write_bytes(b"")
    (tmp_path / "\udcfe.tif").write_bytes(b"")
    with Stop() as stop:
        next(turns(camera_of_pictures(tmp_path), stop))
    assert [message.encode().decode().partition(str(tmp_path))[2][:10] for message in caplog.messages] == [
        "/\\udcfe.ti",
        "/\\udcff.pn",
        "/\\udcff.pn",
    ]


def play(stream: Generator[Frame | Blind, None, None], *until: int | str) -> None:
    """Let it go on until it has shown these, in this order."""
    for one in until:
        while shown(next(stream)) != one:
            pass


def test_a_broken_picture_is_said_once_for_all_rounds_and_again_when_it_changed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    grey_picture(tmp_path / "1.png", 10)
    broken = tmp_path / "2.png"
    broken.write_bytes(b"")
    empty = f"passed over: {broken}: the file is empty. Next: copy it again"
    with Stop() as stop:
        stream = turns(camera_of_pictures(tmp_path, loop=True, hold=0.01, gap=0.01), stop)
        play(stream, 10, EMPTY, 10, EMPTY, 10, EMPTY)
        assert caplog.messages == [empty]
        broken.write_bytes(b"P5 x")
        play(stream, 10, EMPTY, 10, EMPTY)
        damaged = (
            f"passed over: {broken}: this PPM is damaged, or not all of it is there."
            " Next: copy it again, or take a new picture"
        )
        assert caplog.messages == [empty, damaged]
        grey_picture(tmp_path / ".fresh.png", 20).rename(broken)
        play(stream, 20, EMPTY, 10, EMPTY, 20, EMPTY)
        broken.write_bytes(b"")
        play(stream, 10, EMPTY, 10, EMPTY)
        stop.set()
        assert list(stream) == []
    assert caplog.messages == [empty, damaged, empty]


def test_when_none_can_be_shown_the_eye_is_away_and_comes_back_with_the_first_that_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(b"")
    why = f"none of 2 pictures can be shown; the first: {tmp_path}/1.png: the file is empty. Next: copy it again"
    with Stop() as stop:
        stream = turns(camera_of_pictures(tmp_path, loop=True, hold=0.01, gap=0.01), stop)
        # Twice a half second without an eye: it was tried again.
        assert [shown(next(stream)) for _ in range(3)] == [why] * 3
        grey_picture(tmp_path / "2.png", 10)
        play(stream, 10)
    assert caplog.messages == [
        *(f"passed over: {tmp_path}/{n}.png: the file is empty. Next: copy it again" for n in (1, 2)),
        f"the eye is away: {why}",
        "the eye is back",
    ]


def test_a_station_serves_what_is_whole_of_a_folder_and_ends_when_it_is_told(tmp_path: Path) -> None:
    with Station(tmp_path, free_port(), camera={"loop": "true", "gap": 1.0}) as point:
        folder = point.pictures
        bad(folder)
        (folder / "1.png").unlink()
        (folder / "9.png").unlink()
        point.says("the eye is away: ")
        save(folder / "9.png", staff_pass("0001", **DATES))
        point.says("shown id=")
        assert point.child.stop() == 0
        assert point.child.err.count(f"passed over: {folder}/4.png: it is a pipe") == 1


def test_a_station_with_nothing_but_a_pipe_before_its_eye_ends_when_it_is_told(tmp_path: Path) -> None:
    point = Station(tmp_path, free_port(), camera={"pictures": f'["{tmp_path}/pipe"]'})
    point.write()
    os.mkfifo(tmp_path / "pipe")
    with point:
        point.says("the eye is away: ")
        wait_for(point.outbox.exists)
        assert point.child.stop() == 0


def test_a_picture_that_is_not_there_yet_is_shown_once_it_is(tmp_path: Path) -> None:
    grey_picture(tmp_path / "a.png", 10)
    with Stop() as stop:
        stream = turns(camera_of_pictures(tmp_path / "a.png", tmp_path / "b.png", loop=True, hold=0.01, gap=0.01), stop)
        play(stream, 10, EMPTY, 10, EMPTY)
        grey_picture(tmp_path / "b.png", 20)
        play(stream, 20)
