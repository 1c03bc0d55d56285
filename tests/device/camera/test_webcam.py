"""A webcam as eyes, by a driver that is played: a real file with real memory, and only ``ioctl`` is made up.

The same against the kernel's own drivers: test_webcam_live.py, where there is one.
"""

import errno
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import videodev2 as v4l2
from PIL import Image

from device.camera import webcam
from device.camera.source import turns
from device.camera.webcam import MAX_BUFFERS, MAX_BYTES, PLAIN, WebcamFormat, WebcamGoneError, best, brightness, frames
from device.config import CameraSettings
from device.model import Blind, Frame
from device.system.stop import Stop
from tests.support.world import wait_for

WIDTH, HEIGHT = 160, 120
STRIDE = 192
ROOM = 65_536
EAGAIN = None
"""In a script: nothing is there yet."""
NAMES = (
    "QUERYCAP", "ENUM_FMT", "ENUMINPUT", "S_FMT", "S_PARM", "S_CTRL",
    "REQBUFS", "QUERYBUF", "QBUF", "DQBUF", "STREAMON", "STREAMOFF",
)  # fmt: skip
QUESTIONS = {getattr(v4l2, f"VIDIOC_{name}") & 0xFFFFFFFF: name for name in NAMES}
"""All that a driver is asked, by the number that the kernel is given."""


def plain(grey: int) -> bytes:
    """Return a GREY frame whose rows are longer in memory than the picture."""
    rows = np.full((HEIGHT, STRIDE), 255 - grey, np.uint8)
    rows[:, :WIDTH] = grey
    return rows.tobytes()


def jpeg(grey: int, size: tuple[int, int] = (WIDTH, HEIGHT), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (grey,) * 3 if mode == "RGB" else grey).save(out, "JPEG", quality=90)
    return out.getvalue()


class Driver:
    """A capture driver: answers as the kernel documents it, and gives what its script says, one item at a time."""

    def __init__(self, path: Path, forms: dict[str, tuple[int, int, int, float]] | None = None) -> None:
        self.path = path
        path.write_bytes(bytes(8 * ROOM))
        self.forms = forms if forms is not None else {"GREY": (WIDTH, HEIGHT, STRIDE, 100.0)}
        self.input_kind = v4l2.V4L2_INPUT_TYPE_CAMERA
        self.able = v4l2.V4L2_CAP_VIDEO_CAPTURE | v4l2.V4L2_CAP_STREAMING
        self.script: list[bytes | int | None] = []
        self.refuses: dict[int, int] = {}
        self.signals: set[int] = set()
        self.endless = False
        self.mute: int | None = None
        self.grants = 0
        self.length = ROOM
        self.flags = 0
        self.controls: dict[int, int] = {}
        self.queued: list[int] = []
        self.held: set[int] = set()
        self.count = 0
        self.form = ""
        self.calls: list[str] = []

    def __call__(self, descriptor: int, request: int, about: Any) -> int:
        if os.fstat(descriptor).st_size != 8 * ROOM and not (self.mute and stat.S_ISFIFO(os.fstat(descriptor).st_mode)):
            raise OSError(errno.ENOTTY, "another file")
        if request not in QUESTIONS:
            raise OSError(errno.ENOTTY, "")
        if request in self.signals:
            self.signals.remove(request)
            raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
        if (refusal := self.refuses.get(request)) is not None:
            raise OSError(refusal, os.strerror(refusal))
        getattr(self, f"_{QUESTIONS[request].lower()}")(about)
        if QUESTIONS[request] == "STREAMON" and self.mute:
            os.dup2(self.mute, descriptor, inheritable=False)  # a file is always ready to be read, this pipe never
        return 0

    def _querycap(self, about: Any) -> None:
        about.capabilities, about.device_caps = v4l2.V4L2_CAP_DEVICE_CAPS | 0x1, self.able

    def _enum_fmt(self, about: Any) -> None:
        if about.index >= len(self.forms) and not self.endless:
            raise OSError(errno.EINVAL, "")
        assert about.index < 1000, "asked without an end"
        about.pixelformat = int.from_bytes([*self.forms][about.index % len(self.forms)].encode(), "little")

    def _enuminput(self, about: Any) -> None:
        about.type = self.input_kind

    def _s_fmt(self, about: Any) -> None:
        given = about.fmt.pix
        self.form = given.pixelformat.to_bytes(4, "little").decode()
        given.width, given.height, given.bytesperline, _ = self.forms[self.form]
        given.sizeimage = ROOM

    def _s_parm(self, about: Any) -> None:
        every = about.parm.capture.timeperframe
        every.numerator, every.denominator = 100, round(100 * self.forms[self.form][3])

    def _s_ctrl(self, about: Any) -> None:
        self.controls[about.id] = about.value

    def _reqbufs(self, about: Any) -> None:
        about.count = about.count and (self.grants or about.count)
        self.count, self.queued, self.held = about.count, [], set()
        self.calls.append(f"buffers {about.count}")

    def _querybuf(self, about: Any) -> None:
        if about.index >= self.count:
            raise OSError(errno.EINVAL, "")
        about.length, about.m.offset = self.length, about.index * ROOM

    def _qbuf(self, about: Any) -> None:
        assert about.index not in self.queued
        self.held.discard(about.index)
        self.queued.append(about.index)

    def _dqbuf(self, about: Any) -> None:
        item = self.script.pop(0) if self.script else EAGAIN
        if item is EAGAIN:
            raise BlockingIOError(errno.EAGAIN, "")
        if isinstance(item, int):
            raise OSError(item, os.strerror(item))
        assert self.queued, "the loop holds every buffer"
        about.index, about.bytesused, about.flags = self.queued.pop(0), len(item), self.flags
        self.held.add(about.index)
        with self.path.open("r+b") as memory:
            memory.seek(about.index * ROOM)
            memory.write(item)

    def _streamon(self, _about: Any) -> None:
        self.calls.append("on")

    def _streamoff(self, _about: Any) -> None:
        self.calls.append("off")


@pytest.fixture
def mute(driver: Driver) -> Iterator[Driver]:
    """Return a driver that never has a frame ready, so that whoever waits for one without a limit waits for ever."""
    driver.mute, other = os.pipe()
    yield driver
    os.close(other)  # which makes the pipe ready, should somebody wait still
    os.close(driver.mute)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver(tmp_path / "video0")
    monkeypatch.setattr(webcam, "ioctl", made)
    monkeypatch.setattr(webcam, "DEVICES", tmp_path)
    return made


def camera(path: Path | None, **more: object) -> CameraSettings:
    told = {"source": "webcam", "device": path, "size": (WIDTH, HEIGHT), "fps": 100, "patience": 9}
    return CameraSettings(**{**told, **more})  # type: ignore[arg-type]  # a test may say anything


def seen(driver: Driver, most: int, **more: object) -> list[int]:
    """Return the grey of so many frames; asserts that each is one grey all over."""
    greys: list[int] = []
    with Stop() as stop:
        for frame in frames(camera(driver.path, **more), stop):
            assert frame.luma.shape == (HEIGHT, WIDTH)
            assert int(frame.luma.max()) - int(frame.luma.min()) <= 1
            assert driver.held == set(), "the buffer was given back before the frame was handed on"
            greys.append(int(frame.luma[0, 0]))
            if len(greys) == most:
                stop.set()
    return greys


# --- the bytes ---


@pytest.mark.parametrize(
    ("form", "octets"),
    [
        ("GREY", b"12"),
        ("NV12", b"12uv"),
        ("NV21", b"12vu"),
        ("YU12", b"12uv"),
        ("YV12", b"12vu"),
        ("YUYV", b"1u2v"),
        ("YVYU", b"1v2u"),
        ("UYVY", b"u1v2"),
        ("VYUY", b"v1u2"),
    ],
)
def test_each_form_is_laid_out_as_its_name_says(form: str, octets: bytes) -> None:
    found = brightness(octets, len(octets), WebcamFormat(form, 2, 1, 2 * PLAIN[form][0]))
    assert found is not None
    assert found.tobytes() == b"12"


def test_every_form_is_tried_above() -> None:
    assert sorted(PLAIN) == ["GREY", "NV12", "NV21", "UYVY", "VYUY", "YU12", "YUYV", "YV12", "YVYU"]


@pytest.mark.parametrize("form", PLAIN)
def test_brightness_is_found_in_every_form(form: str) -> None:
    luma = np.arange(12, dtype=np.uint8).reshape(3, 4)
    step, offset = PLAIN[form]
    rows = np.full((3, 4 * step + 5), 200, np.uint8)
    rows[:, offset : 4 * step : step] = luma
    octets = rows.tobytes() + bytes(range(200, 240))  # the colours, and what is left over in a buffer
    view = WebcamFormat(form, 4, 3, 4 * step + 5)
    found = brightness(octets, len(octets), view)
    assert found is not None
    assert (found.tolist(), found.flags.owndata) == (luma.tolist(), True)
    whole = 2 * view.stride + 4 * step
    assert brightness(octets, whole, view) is not None
    assert brightness(octets, whole - 1, view) is None
    assert brightness(octets[: whole - 1], whole, view) is None


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_is_unpacked_to_its_brightness(mode: str) -> None:
    octets = jpeg(90, mode=mode)
    found = brightness(octets + b"old bytes", len(octets), WebcamFormat("MJPG", WIDTH, HEIGHT, 0))
    assert found is not None
    assert (found.shape, int(found.min()), int(found.max())) == ((HEIGHT, WIDTH), 90, 90)


def test_a_jpeg_without_its_tables_is_read_as_webcams_send_it() -> None:
    """Motion JPEG leaves out the Huffman tables of the standard's annex K; everybody is to know them."""
    octets = jpeg(90)
    kept, at = octets[:2], 2
    while octets[at + 1] != 0xDA:
        length = 2 + int.from_bytes(octets[at + 2 : at + 4], "big")
        kept += b"" if octets[at + 1] == 0xC4 else octets[at : at + length]
        at += length
    bare = kept + octets[at:]
    assert len(bare) < len(octets) - 300
    found = brightness(bare, len(bare), WebcamFormat("MJPG", WIDTH, HEIGHT, 0))
    assert found is not None
    assert int(found[5, 5]) == 90


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\xff\xd8",
        b"no picture",
        jpeg(90)[:-200],
        jpeg(90)[:300],
        jpeg(90, (WIDTH + 8, HEIGHT)),
        jpeg(90).replace(b"\x00\x78\x00\xa0", b"\xff\xff\xff\xff", 1),
        jpeg(90).replace(b"\x00\x78\x00\xa0", b"\x2f\x00\x2f\x00", 1),
    ],
    ids=["empty", "start", "text", "short", "header", "other size", "huge", "large"],
)
def test_a_jpeg_that_is_broken_is_no_frame(octets: bytes) -> None:
    assert brightness(octets, len(octets), WebcamFormat("MJPG", WIDTH, HEIGHT, 0)) is None


def test_a_gif_in_place_of_a_jpeg_is_no_frame() -> None:
    out = io.BytesIO()
    Image.new("L", (WIDTH, HEIGHT)).save(out, "GIF")
    assert brightness(out.getvalue(), len(out.getvalue()), WebcamFormat("MJPG", WIDTH, HEIGHT, 0)) is None


# --- what is chosen ---

WANTED = CameraSettings(source="webcam", size=(1280, 720), fps=15)


@pytest.mark.parametrize(
    ("views", "place"),
    [
        ([WebcamFormat("YUYV", 1280, 720, 2560, 30), WebcamFormat("MJPG", 1280, 720, 0, 30)], 0),
        ([WebcamFormat("YUYV", 1280, 720, 2560, 10), WebcamFormat("MJPG", 1280, 720, 0, 30)], 1),
        ([WebcamFormat("YUYV", 640, 480, 1280, 30), WebcamFormat("MJPG", 1280, 720, 0, 30)], 1),
        ([WebcamFormat("MJPG", 1920, 1080, 0, 30), WebcamFormat("YUYV", 1280, 720, 2560, 15)], 1),
        (
            [
                WebcamFormat("MJPG", 1280, 720, 0, 30),
                WebcamFormat("YUYV", 1280, 720, 2560),
                WebcamFormat("NV12", 1280, 720, 1280),
            ],
            2,
        ),
        ([WebcamFormat("YUYV", 640, 480, 1280, 5)], 0),
    ],
)
def test_the_view_nearest_to_size_and_pace_is_chosen_then_the_cheapest(views: list[WebcamFormat], place: int) -> None:
    assert best(views, WANTED) == views[place]


def test_of_nothing_nothing_is_chosen() -> None:
    assert best([], WANTED) is None


def test_what_the_driver_gives_is_used_not_what_was_asked(driver: Driver) -> None:
    driver.script = [plain(7), EAGAIN, plain(8)]
    assert seen(driver, 2, size=(1280, 720)) == [7, 8]


def test_a_webcam_that_packs_is_unpacked(driver: Driver) -> None:
    driver.forms = {"H264": (0, 0, 0, 30), "MJPG": (WIDTH, HEIGHT, 0, 100.0)}
    driver.script = [jpeg(40), EAGAIN, jpeg(50)]
    assert seen(driver, 2) == [40, 50]


@pytest.mark.parametrize("mains", [50, 60])
def test_exposure_suits_the_mains_and_the_pace(driver: Driver, mains: int) -> None:
    driver.script = [plain(7)]
    assert seen(driver, 1, mains=mains) == [7]
    assert driver.controls == {
        v4l2.V4L2_CID_POWER_LINE_FREQUENCY: getattr(v4l2, f"V4L2_CID_POWER_LINE_FREQUENCY_{mains}HZ"),
        v4l2.V4L2_CID_EXPOSURE_AUTO_PRIORITY: 0,
    }


@pytest.mark.parametrize("request_", [v4l2.VIDIOC_S_CTRL, v4l2.VIDIOC_S_PARM])
def test_a_webcam_without_controls_or_a_pace_is_one_all_the_same(driver: Driver, request_: int) -> None:
    driver.refuses = {request_ & 0xFFFFFFFF: errno.EINVAL}
    driver.script = [plain(7)]
    assert seen(driver, 1) == [7]


# --- the stream ---


def test_only_the_newest_frame_is_handed_on(driver: Driver) -> None:
    driver.script = [plain(1), plain(2), plain(3), EAGAIN, plain(4), EAGAIN]
    assert seen(driver, 2) == [3, 4]


def test_frames_that_waited_for_a_slow_loop_are_given_back_unseen(driver: Driver) -> None:
    driver.script = [plain(1), plain(2), plain(3), plain(4), EAGAIN, plain(5)]
    assert seen(driver, 1) == [5]


def test_a_webcam_that_is_faster_than_wanted_is_thinned(driver: Driver) -> None:
    driver.forms = {"GREY": (WIDTH, HEIGHT, STRIDE, 1000.0)}
    driver.script = [item for grey in range(100) for item in (plain(grey), EAGAIN, EAGAIN)]
    with Stop() as stop, closing(frames(camera(driver.path, fps=20), stop)) as stream:
        ticks = [next(stream).tick for _ in range(4)]
    # A frame comes every 10 ms here, or later on a busy machine; half of one's time may be missing from a 20th second.
    assert all(later >= sooner + 1 / 20 - 0.5 / 1000 for sooner, later in pairwise(ticks))


@pytest.mark.parametrize("grants", [2, 3, 8])
def test_as_many_buffers_are_used_as_the_driver_sets_up(driver: Driver, grants: int) -> None:
    driver.grants = grants
    driver.script = [item for grey in range(10) for item in (plain(grey), EAGAIN)]
    with Stop() as stop:
        stream = frames(camera(driver.path), stop)
        assert int(next(stream).luma[0, 0]) == 0
        assert sorted(driver.queued) == list(range(grants))
        stream.close()
    assert driver.calls == [f"buffers {grants}", "on", "off", "buffers 0"]


@pytest.mark.parametrize(
    ("grants", "length", "says"),
    [
        (1, ROOM, "1 buffers"),
        (MAX_BUFFERS + 1, ROOM, f"{MAX_BUFFERS + 1} buffers"),
        (4, 0, "a buffer of 0 bytes"),
        (4, MAX_BYTES + 1, f"a buffer of {MAX_BYTES + 1} bytes"),
    ],
)
def test_buffers_that_cannot_be_are_not_mapped(driver: Driver, grants: int, length: int, says: str) -> None:
    driver.grants, driver.length = grants, length
    assert why(camera(driver.path)) == (
        f"the webcam {driver.path} fails ({says}). Next: pull it out, plug it in again"
    )  # fmt: skip
    assert driver.calls == [f"buffers {grants}", "buffers 0"]


def test_a_list_of_forms_without_an_end_is_left(driver: Driver) -> None:
    driver.endless = True
    driver.script = [plain(7)]
    assert seen(driver, 1) == [7]


def test_a_signal_at_a_question_only_asks_it_again(driver: Driver) -> None:
    driver.signals = set(QUESTIONS)
    driver.script = [plain(7), EAGAIN, plain(8)]
    assert webcam.first() == driver.path
    assert seen(driver, 2) == [7, 8]
    assert driver.signals == set()


def kept(path: Path) -> tuple[int, bool]:
    """Return how many files are open, and whether memory of *path* is mapped."""
    return len(list(Path("/proc/self/fd").iterdir())), str(path) in Path("/proc/self/maps").read_text(encoding="utf-8")


def test_leaving_stops_the_stream_and_gives_every_buffer_back(driver: Driver) -> None:
    driver.script = [plain(7)]
    before = kept(driver.path)
    with Stop() as stop:
        stream = frames(camera(driver.path), stop)
        next(stream)
        stream.close()
    assert driver.calls == ["buffers 4", "on", "off", "buffers 0"]
    assert (kept(driver.path), before[1]) == (before, False)


def test_an_unplugged_webcam_refuses_all_and_leaves_nothing_open(driver: Driver) -> None:
    """What is left open keeps the device's number, and the webcam comes back under another one."""
    driver.script = [plain(7)]
    before = kept(driver.path)
    with Stop() as stop:
        stream = frames(camera(driver.path), stop)
        next(stream)
        driver.refuses = dict.fromkeys(QUESTIONS, errno.ENODEV)
        with pytest.raises(WebcamGoneError, match=r"was unplugged\. Next: plug it in again"):
            next(stream)
    assert (kept(driver.path), before[1]) == (before, False)


@pytest.mark.parametrize("name", ["QUERYBUF", "QBUF", "STREAMON"])
def test_a_stream_that_never_starts_leaves_nothing_open(driver: Driver, name: str) -> None:
    driver.refuses = {getattr(v4l2, f"VIDIOC_{name}") & 0xFFFFFFFF: errno.EIO}
    before = kept(driver.path)
    assert "fails (Input/output error)" in why(camera(driver.path))
    assert driver.calls == ["buffers 4", "buffers 0"]
    assert (kept(driver.path), before[1]) == (before, False)


def test_a_stop_is_heard_while_the_webcam_is_silent(driver: Driver) -> None:
    driver.script = [plain(7)]
    with Stop() as stop:
        stream = frames(camera(driver.path), stop)
        next(stream)
        stop.set()
        assert list(stream) == []


def test_a_stop_is_heard_while_no_frame_is_ready(mute: Driver) -> None:
    patient = camera(mute.path).model_copy(update={"patience": 1000.0})
    with Stop() as stop:
        given: list[Frame] = []
        other = Thread(target=lambda: given.extend(frames(patient, stop)))
        other.start()
        wait_for(lambda: "on" in mute.calls, "the stream is on")
        stop.set()
        other.join()
        assert given == []
    assert mute.calls == ["buffers 4", "on", "off", "buffers 0"]


def broken_marked(driver: Driver) -> None:
    driver.flags = v4l2.V4L2_BUF_FLAG_ERROR
    driver.script = [plain(7), EAGAIN, EAGAIN] * 200


def broken_short(driver: Driver) -> None:
    driver.script = [plain(7)[:-100], EAGAIN, EAGAIN] * 200


def broken_jpeg(driver: Driver) -> None:
    driver.forms = {"MJPG": (WIDTH, HEIGHT, 0, 100.0)}
    driver.script = [jpeg(7)[:-100], EAGAIN, EAGAIN] * 200


@pytest.mark.parametrize("play", [broken_marked, broken_short, broken_jpeg])
def test_a_webcam_of_broken_frames_alone_is_gone(driver: Driver, play: Callable[[Driver], None]) -> None:
    play(driver)
    with pytest.raises(WebcamGoneError, match=r"has given only broken frames for 0\.3 s\. Next: another cable"):
        seen(driver, 1, patience=0.3)
    assert driver.script, "and it is gone while they still come"
    assert driver.calls[-2:] == ["off", "buffers 0"]


def test_a_broken_frame_among_good_ones_is_passed_over(driver: Driver) -> None:
    driver.script = [plain(1), EAGAIN, plain(2)[:50], EAGAIN, plain(3)]
    assert seen(driver, 2) == [1, 3]


def why(told: CameraSettings) -> str:
    with Stop() as stop, pytest.raises(WebcamGoneError) as error:
        next(frames(told, stop))
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "refusal", "says"),
    [
        ("S_FMT", errno.EBUSY, "{} is in use by another program. Next: sudo fuser -v {}"),
        ("REQBUFS", errno.EBUSY, "{} is in use by another program. Next: sudo fuser -v {}"),
        ("STREAMON", errno.ENOSPC, "{} gets too little of its USB bus. Next: plug it into another port, without a hub"),
        ("STREAMON", errno.EIO, "{} fails (Input/output error). Next: pull it out, plug it in again"),
        ("DQBUF", errno.ENODEV, "{} was unplugged. Next: plug it in again, then: ls -l /dev/v4l/by-id"),
        ("QBUF", errno.ENODEV, "{} was unplugged. Next: plug it in again, then: ls -l /dev/v4l/by-id"),
    ],
)
def test_what_the_kernel_refuses_is_a_sentence_with_the_next_command(
    driver: Driver, name: str, refusal: int, says: str
) -> None:
    driver.refuses = {getattr(v4l2, f"VIDIOC_{name}") & 0xFFFFFFFF: refusal}
    assert why(camera(driver.path)) == "the webcam " + says.format(driver.path, driver.path)
    assert ("off" in driver.calls) == ("on" in driver.calls)


def test_a_silent_webcam_is_gone_after_its_patience(driver: Driver) -> None:
    assert why(camera(driver.path, patience=0.3)) == (
        f"the webcam {driver.path} has been silent for 0.3 s."
        " Next: another cable or USB port, then: sudo journalctl -k -n 20"
    )


def test_a_webcam_that_is_never_ready_is_gone_after_its_patience(mute: Driver) -> None:
    assert "has been silent for 0.3 s. Next: another cable" in why(camera(mute.path, patience=0.3))
    assert mute.calls == ["buffers 4", "on", "off", "buffers 0"]


def test_a_device_that_is_not_there_or_no_camera_is_named(driver: Driver, tmp_path: Path) -> None:
    assert "is not there. Next: plug it in" in why(camera(tmp_path / "video7"))
    driver.able = v4l2.V4L2_CAP_STREAMING
    assert "is no camera. Next: ls -l /dev/v4l/by-id, and name" in why(camera(driver.path))


def test_a_file_that_knows_no_ioctl_is_no_camera() -> None:
    assert "the webcam /dev/null is no camera." in why(camera(Path("/dev/null")))


def test_a_webcam_whose_forms_nobody_reads_is_named_with_them(driver: Driver) -> None:
    driver.forms = {"H264": (WIDTH, HEIGHT, 0, 30.0), "RGB3": (WIDTH, HEIGHT, 480, 30.0)}
    assert f"the webcam {driver.path} gives H264, RGB3, and none of it is read here (GREY, " in why(camera(driver.path))


@pytest.mark.parametrize("given", [(0, HEIGHT, 0, 30.0), (WIDTH, HEIGHT, 100, 30.0), (60_000, 60_000, 60_000, 30.0)])
def test_a_size_that_cannot_be_is_not_believed(driver: Driver, given: tuple[int, int, int, float]) -> None:
    driver.forms = {"GREY": given}
    assert "none of it is read here" in why(camera(driver.path))


# --- which one, and again ---


def test_the_first_camera_is_found_among_files_that_are_none(driver: Driver, tmp_path: Path) -> None:
    driver.path.rename(tmp_path / "video10")
    (tmp_path / "video9").symlink_to("/dev/null")
    (tmp_path / "video2").symlink_to(tmp_path / "gone")
    assert webcam.first() == tmp_path / "video10"


@pytest.mark.parametrize("spoil", ["input_kind", "able", "forms"])
def test_a_codec_or_a_file_of_figures_is_not_taken_for_a_camera(driver: Driver, spoil: str) -> None:
    assert webcam.first() == driver.path
    setattr(driver, spoil, {} if spoil == "forms" else 0)
    with pytest.raises(WebcamGoneError, match=r"no webcam was found\. Next: plug it in"):
        webcam.first()


def test_an_unplugged_webcam_is_reopened_where_it_comes_back(driver: Driver, tmp_path: Path) -> None:
    driver.script = [plain(1), EAGAIN, plain(2), EAGAIN, errno.ENODEV]
    told: list[int | str] = []
    with Stop() as stop:
        for turn in turns(camera(None), stop):
            told.append(int(turn.luma[0, 0]) if isinstance(turn, Frame) else turn.why)
            if len(told) == 3:
                driver.path.unlink()
            elif isinstance(turn, Blind) and turn.why.startswith("no webcam"):
                driver.path = tmp_path / "video1"
                driver.path.write_bytes(bytes(8 * ROOM))
                driver.script = [plain(3)]
            if told[-1] == 3:
                stop.set()
    assert list(dict.fromkeys(told)) == [
        1,
        2,
        f"the webcam {tmp_path / 'video0'} was unplugged. Next: plug it in again, then: ls -l /dev/v4l/by-id",
        "no webcam was found. Next: plug it in, then: ls -l /dev/v4l/by-id",
        3,
    ]


def test_the_kernels_structures_have_the_kernels_sizes() -> None:
    """A request's number holds the size of its structure (asm-generic/ioctl.h), which the kernel compares."""
    names: Sequence[tuple[str, int]] = (("QUERYCAP", 104), ("S_FMT", 208), ("QUERYBUF", 88), ("S_PARM", 204))
    assert [getattr(v4l2, f"VIDIOC_{name}") >> 16 & 0x3FFF for name, _ in names] == [size for _, size in names]
