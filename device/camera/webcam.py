"""A webcam as eyes: Video4Linux2, brightness only, the newest frame, never waited for without a limit.

Structures and numbers are the kernel's, as videodev2 gives them (Raspberry Pi's own, and picamera2's); what is asked
of a driver, and in which order, is the kernel's "Streaming I/O (Memory Mapping)". A driver answers at once, but for a
USB device that hangs: uvcvideo waits 5 s for it, then fails; nobody can cut that short, and one failure ends the try.
Why no library asks instead: ``docs/decisions/0011-webcam-over-videodev2.md``.
"""

import errno
import mmap
import os
import select
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ctypes import c_int
from datetime import UTC, datetime
from fcntl import ioctl
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import videodev2 as v4l2
from numpy.typing import NDArray

from device.camera.pictures import PictureError, luma_of_jpeg
from device.config import MAX_PIXELS, CameraSettings
from device.model import Frame
from device.system.errors import TitikError
from device.system.stop import GLANCE, Stop

DEVICES = Path("/dev")
PLAIN = {
    **dict.fromkeys(("GREY", "NV12", "NV21", "YU12", "YV12"), (1, 0)),
    **dict.fromkeys(("YUYV", "YVYU"), (2, 0)),
    **dict.fromkeys(("UYVY", "VYUY"), (2, 1)),
}
"""Forms whose brightness lies in every n-th byte, from byte m on; those that cost the least first."""
PACKED = ("MJPG", "JPEG")
"""Forms that are unpacked, so they come last; a webcam on USB 2 gives its full pace in these alone."""
FORMS = (*PLAIN, *PACKED)
BUFFERS = 4
"""As many as a driver needs to go on while one is read; of more, only the newest would ever be looked at."""
MAX_BUFFERS, MAX_BYTES = 32, 4 * MAX_PIXELS
"""Of what a driver sets up, and of one frame."""
MAX_LISTED = 64
"""Forms, or devices, that are looked at."""
CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE
MAPPED = {"type": CAPTURE, "memory": v4l2.V4L2_MEMORY_MMAP}
"""The kind of buffer that is asked about: the driver fills it, in memory of its own that is mapped here."""

MAINS = {50: v4l2.V4L2_CID_POWER_LINE_FREQUENCY_50HZ, 60: v4l2.V4L2_CID_POWER_LINE_FREQUENCY_60HZ}

WHY = {
    errno.EACCES: "may not be opened. Next: sudo usermod -aG video $USER, and log in anew",
    errno.EPERM: "may not be opened. Next: sudo usermod -aG video $USER, and log in anew",
    errno.EBUSY: "is in use by another program. Next: sudo fuser -v {path}",
    errno.ENOENT: "is not there. Next: plug it in, then: ls -l /dev/v4l/by-id",
    errno.ENODEV: "was unplugged. Next: plug it in again, then: ls -l /dev/v4l/by-id",
    errno.ENXIO: "was unplugged. Next: plug it in again, then: ls -l /dev/v4l/by-id",
    errno.ESHUTDOWN: "was unplugged. Next: plug it in again, then: ls -l /dev/v4l/by-id",
    errno.ENOSPC: "gets too little of its USB bus. Next: plug it into another port, without a hub",
    errno.ENOTTY: "is no camera. Next: ls -l /dev/v4l/by-id, and name one of these in [camera] device",
}


class WebcamGoneError(TitikError, OSError):
    """No webcam, or one that cannot be used, has fallen silent or was unplugged; the sentence says which."""


class WebcamFormat(NamedTuple):
    """What a webcam gives, as its driver says it; *fps* 0 is not said."""

    form: str
    width: int
    height: int
    stride: int
    fps: float = 0.0


def frames(camera: CameraSettings, stop: Stop) -> Generator[Frame, None, None]:
    """Yield the newest frame, again and again, at most *fps* of them a second; raises `WebcamGoneError`.

    A frame that is short or broken is no frame: after *patience* seconds without a whole one the webcam is gone.
    """
    path = camera.device or first()
    with ExitStack() as stack:
        stack.enter_context(_naming(path))
        descriptor = _opened(path, stack)
        view = _agreed(descriptor, path, camera)
        _steadied(descriptor, camera.mains)
        buffers = _streaming(descriptor, stack)
        seen, broken, due = monotonic(), False, 0.0
        while not stop.is_set():
            if monotonic() - seen > camera.patience:
                raise WebcamGoneError(_silence(path, camera.patience, broken=broken))
            if not select.select([descriptor], [], [], min(GLANCE, camera.patience))[0]:
                continue
            filled = _newest(descriptor, len(buffers))
            if filled is None:
                stop.wait(0.01)  # a driver that says "ready" and gives nothing must not take the whole core
                continue
            luma = None
            if wanted := monotonic() >= due:
                whole = not filled.flags & v4l2.V4L2_BUF_FLAG_ERROR
                luma = brightness(buffers[filled.index], filled.bytesused, view) if whole else None
                broken = luma is None
            _ask(descriptor, v4l2.VIDIOC_QBUF, filled)
            if luma is not None:
                now = monotonic()
                due = now + _pause(view.fps, camera.fps)
                yield Frame(luma, datetime.now(UTC), now)
            if luma is not None or not wanted:
                seen = monotonic()


def first() -> Path:
    """Return the first camera with a form that is read here; raises `WebcamGoneError`.

    A Pi has a dozen video files that are no cameras, but codecs and parts of its own camera; what has an input of the
    kind "camera" is one. A device that is named is taken at its word.
    """
    refused: WebcamGoneError | None = None
    for path in sorted(DEVICES.glob("video*"), key=lambda path: (len(path.name), path.name))[:MAX_LISTED]:
        try:
            with ExitStack() as stack:
                stack.enter_context(_naming(path))
                descriptor = _opened(path, stack)
                seen = v4l2.v4l2_input()
                _ask(descriptor, v4l2.VIDIOC_ENUMINPUT, seen)
                if seen.type == v4l2.V4L2_INPUT_TYPE_CAMERA and set(FORMS).intersection(_offered(descriptor)):
                    return path
        except WebcamGoneError as error:
            if isinstance(error.__cause__, PermissionError):
                refused = error
    raise refused or WebcamGoneError("no webcam was found. Next: plug it in, then: ls -l /dev/v4l/by-id")


def brightness(octets: memoryview | bytes, used: int, view: WebcamFormat) -> NDArray[np.uint8] | None:
    """Return a copy of the brightness in the first *used* of *octets*, height x width; ``None`` of a broken frame."""
    if view.form in PACKED:
        try:
            return luma_of_jpeg(bytes(octets[:used]), (view.width, view.height))
        except PictureError:
            return None
    step, offset = PLAIN[view.form]
    if min(used, len(octets)) < (view.height - 1) * view.stride + view.width * step:
        return None
    return np.ndarray((view.height, view.width), np.uint8, octets, offset, (view.stride, step)).copy()


def best(views: list[WebcamFormat], camera: CameraSettings) -> WebcamFormat | None:
    """Return the view that comes nearest to the wanted size and pace; among equals, the one that costs the least."""

    def merit(view: WebcamFormat) -> tuple[float, int]:
        pixels = view.width * view.height / (camera.size[0] * camera.size[1])
        pace = min(1.0, view.fps / camera.fps) if view.fps else 1.0
        return -round(min(pixels, 1 / pixels) * pace, 1), FORMS.index(view.form)

    return min(views, key=merit, default=None)


def _silence(path: Path, patience: float, *, broken: bool) -> str:
    what = "given only broken frames" if broken else "been silent"
    return (
        f"the webcam {path} has {what} for {patience:g} s."
        " Next: another cable or USB port, then: sudo journalctl -k -n 20"
    )


def _pause(given: float, wanted: float) -> float:
    """Return the seconds within which a further frame is one too many, half a frame's time of jitter allowed."""
    return 1 / wanted - 0.5 / given if given > wanted else 0.0


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn what the kernel refuses into a sentence of ours."""
    try:
        yield
    except WebcamGoneError:
        raise
    except OSError as error:
        why = WHY.get(error.errno or 0)
        sentence = (why or f"fails ({error.strerror}). Next: pull it out, plug it in again").format(path=path)
        raise WebcamGoneError(f"the webcam {path} {sentence}") from error


def _ask(descriptor: int, request: int, about: Any) -> None:
    """Ask the driver; *about* is the question and afterwards the answer. Raises OSError."""
    while True:
        with suppress(InterruptedError):  # a signal; unlike read and select, ioctl is not tried again by Python
            ioctl(descriptor, request & 0xFFFFFFFF, about)  # videodev2's numbers are signed
            return


def _tried(descriptor: int, request: int, about: Any) -> bool:
    """Ask what a driver may refuse, for want of such a thing or because it was unplugged; return whether it did it."""
    try:
        _ask(descriptor, request, about)
    except OSError:
        return False
    return True


def _opened(path: Path, stack: ExitStack) -> int:
    """Return a descriptor of the device that streams, closed with *stack*."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    can = v4l2.v4l2_capability()
    _ask(descriptor, v4l2.VIDIOC_QUERYCAP, can)
    # On a driver of several files, device_caps is what this one can; older drivers say only the other.
    able = can.device_caps if can.capabilities & v4l2.V4L2_CAP_DEVICE_CAPS else can.capabilities
    needed = v4l2.V4L2_CAP_VIDEO_CAPTURE | v4l2.V4L2_CAP_STREAMING
    if able & needed != needed:
        raise OSError(errno.ENOTTY, "no capture")
    return descriptor


def _offered(descriptor: int) -> list[str]:
    """Return the forms that the webcam offers, in its own order."""
    offers: list[str] = []
    for index in range(MAX_LISTED):
        form = v4l2.v4l2_fmtdesc(index=index, type=CAPTURE)
        try:
            _ask(descriptor, v4l2.VIDIOC_ENUM_FMT, form)
        except OSError as error:
            if error.errno == errno.EINVAL:  # the list ends here
                break
            raise
        offers.append(form.pixelformat.to_bytes(4, "little").decode("ascii", "replace"))
    return offers


def _agreed(descriptor: int, path: Path, camera: CameraSettings) -> WebcamFormat:
    """Return what the webcam will give, out of all that it offers; raises `WebcamGoneError`."""
    offered = _offered(descriptor)
    views = [_set(descriptor, form, camera) for form in FORMS if form in offered]
    chosen = best([view for view in views if view is not None], camera)
    if chosen is None or (agreed := _set(descriptor, chosen.form, camera)) is None:
        raise WebcamGoneError(
            f"the webcam {path} gives {', '.join(offered) or 'nothing'}, and none of it is read here"
            f" ({', '.join(FORMS)}). Next: another webcam"
        )
    return agreed


def _set(descriptor: int, form: str, camera: CameraSettings) -> WebcamFormat | None:
    """Ask for *form* at the wanted size and pace; return what the driver makes of it, ``None`` if no use."""
    wish = v4l2.v4l2_format(type=CAPTURE)
    code = int.from_bytes(form.encode("ascii"), "little")
    wish.fmt.pix.width, wish.fmt.pix.height = camera.size
    wish.fmt.pix.pixelformat, wish.fmt.pix.field = code, v4l2.V4L2_FIELD_NONE
    _ask(descriptor, v4l2.VIDIOC_S_FMT, wish)
    given = wish.fmt.pix
    step = PLAIN.get(form, (0, 0))[0]
    stride = given.bytesperline or given.width * step
    sound = given.pixelformat == code and 0 < given.width * given.height <= MAX_PIXELS
    if not sound or stride < given.width * step or stride * given.height > MAX_BYTES:
        return None
    return WebcamFormat(form, given.width, given.height, stride, _paced(descriptor, camera.fps))


def _paced(descriptor: int, fps: float) -> float:
    """Ask for so many frames a second; return what the driver makes of it, 0 where it does not say."""
    wish = v4l2.v4l2_streamparm(type=CAPTURE)
    every = wish.parm.capture.timeperframe
    every.numerator, every.denominator = 1000, round(1000 * fps)
    agreed = _tried(descriptor, v4l2.VIDIOC_S_PARM, wish)
    return every.denominator / every.numerator if agreed and every.numerator else 0.0


def _steadied(descriptor: int, mains: int) -> None:
    """Set the exposure's habits where the webcam has them; many lack one or the other, and are none the worse.

    Its length stays the webcam's own, in steps that see no bands under lamps; without the second it would last longer
    than a frame in the dark: fewer frames, and every hand a smear.
    """
    for control, value in (
        (v4l2.V4L2_CID_POWER_LINE_FREQUENCY, MAINS[mains]),
        (v4l2.V4L2_CID_EXPOSURE_AUTO_PRIORITY, 0),
    ):
        _tried(descriptor, v4l2.VIDIOC_S_CTRL, v4l2.v4l2_control(id=control, value=value))


def _streaming(descriptor: int, stack: ExitStack) -> list[memoryview]:
    """Start the stream and return its buffers; leaving *stack* stops it and gives every one of them back."""
    wish = v4l2.v4l2_requestbuffers(count=BUFFERS, **MAPPED)
    _ask(descriptor, v4l2.VIDIOC_REQBUFS, wish)
    stack.callback(_tried, descriptor, v4l2.VIDIOC_REQBUFS, v4l2.v4l2_requestbuffers(count=0, **MAPPED))
    if not 2 <= wish.count <= MAX_BUFFERS:  # noqa: PLR2004 - one to fill while one is read
        raise OSError(errno.EINVAL, f"{wish.count} buffers")
    buffers = []
    for index in range(wish.count):
        buffer = v4l2.v4l2_buffer(index=index, **MAPPED)
        _ask(descriptor, v4l2.VIDIOC_QUERYBUF, buffer)
        if not 0 < buffer.length <= MAX_BYTES:
            raise OSError(errno.EINVAL, f"a buffer of {buffer.length} bytes")
        mapped = mmap.mmap(descriptor, buffer.length, offset=buffer.m.offset)
        stack.callback(mapped.close)
        buffers.append(stack.enter_context(memoryview(mapped)))
        _ask(descriptor, v4l2.VIDIOC_QBUF, buffer)
    _ask(descriptor, v4l2.VIDIOC_STREAMON, c_int(CAPTURE))
    stack.callback(_tried, descriptor, v4l2.VIDIOC_STREAMOFF, c_int(CAPTURE))
    return buffers


def _newest(descriptor: int, all_of_them: int) -> Any | None:
    """Return the newest filled buffer and give the older ones back; ``None`` if the next one will be newer.

    When every buffer is filled, the driver had none left: then the newest is as old as the loop was long.
    """
    filled: list[Any] = []
    while len(filled) < all_of_them:
        buffer = v4l2.v4l2_buffer(**MAPPED)
        try:
            _ask(descriptor, v4l2.VIDIOC_DQBUF, buffer)
        except BlockingIOError:
            break
        filled.append(buffer)
    newest = filled.pop() if 0 < len(filled) < all_of_them else None
    for buffer in filled:
        _ask(descriptor, v4l2.VIDIOC_QBUF, buffer)
    return newest
