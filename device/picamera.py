"""The Pi's camera as eyes: picamera2, brightness only, the newest frame, never waited for without a limit."""

from collections.abc import Generator
from contextlib import ExitStack
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.config import Camera
from device.model import Frame
from device.stop import Stop

PLANAR = frozenset({"YUV420", "YVU420", "NV12", "NV21"})
"""The formats that begin with the brightness of every pixel; a camera may choose among them."""
GLANCE = 0.25
"""Seconds after which a wait for a frame looks whether it should stop."""


class CameraGone(OSError):  # noqa: N818 - what happened, in the operator's word
    """No camera, or one that has fallen silent; the sentence says which."""


def frames(camera: Camera, stop: Stop) -> Generator[Frame, None, None]:
    """Yield the newest frame, again and again; raises `CameraGone` after *patience* seconds of silence.

    YUV420 puts the brightness plane first, so no colour is ever converted. A capture is given limit
    because picamera2 would else wait for ever, and cameras do stop sending (picamera2 issue 1090); after a
    silence the camera is closed, for the capture stays queued and would keep its buffer.
    """
    try:
        from picamera2 import Picamera2  # noqa: PLC0415 - exists only on a Pi, from apt
    except ImportError as error:
        raise CameraGone(
            f"picamera2 is not installed ({error}). Next: sudo apt install python3-picamera2,"
            " and a virtual environment made with --system-site-packages"
        ) from None
    with ExitStack() as stack:
        source = _opened(Picamera2, stack)
        interval = round(1_000_000 / camera.fps)
        try:
            source.configure(
                source.create_video_configuration(
                    {"size": camera.size, "format": "YUV420"},
                    buffer_count=4,
                    controls={"FrameDurationLimits": (interval, interval)}
                    if "FrameDurationLimits" in source.camera_controls
                    else {},
                )
            )
            source.start()
        except (RuntimeError, OSError) as error:
            raise CameraGone(f"the camera cannot be started: {error}") from error
        stack.callback(source.stop)
        # picamera2 works its jobs off in their order: after a silence, stopping would wait for ever behind the capture.
        stack.callback(source.cancel_all_and_flush)
        given = source.camera_configuration()["main"]
        if given["format"] not in PLANAR:
            raise CameraGone(f"the camera gives {given['format']}, whose first plane is not its brightness")
        width, height = given["size"]
        due = monotonic()
        while not stop.wait(due - monotonic()):
            planes = _captured(source, camera.patience, stop)
            if planes is not None:
                # A camera that does not know its pace (libcamera's virtual one) would else be read without a pause;
                # one that keeps it, give or take half a frame, is never waited for here.
                due = max(due, monotonic() - 0.5 / camera.fps) + 1 / camera.fps
                yield Frame(planes[:height, :width], datetime.now(UTC), monotonic())


def _captured(source: Any, patience: float, stop: Stop) -> NDArray[np.uint8] | None:
    """Return the planes of the newest frame, ``None`` if asked to stop; raises `CameraGone`."""
    job = source.capture_array("main", wait=False)
    end = monotonic() + patience
    while not stop.is_set():
        try:
            planes: NDArray[np.uint8] = job.get_result(timeout=min(GLANCE, patience))
        except TimeoutError:
            if monotonic() >= end:
                raise CameraGone(
                    f"the camera has been silent for {patience:g} s; check its cable and the power supply"
                ) from None
        else:
            return planes
    return None


def _opened(kind: Any, stack: ExitStack) -> Any:
    try:
        # picamera2 keeps the first list of cameras that libcamera gave it, and one that is made without a camera
        # leaves a descriptor open for good.
        kind._cm.reset()  # noqa: SLF001 - there is no public word for it
        source = kind() if kind.global_camera_info() else None
    except (IndexError, RuntimeError, OSError) as error:
        raise _none(str(error)) from error
    if source is None:
        raise _none("none is listed")
    stack.callback(source.close)
    return source


def _none(why: str) -> CameraGone:
    return CameraGone(f"no camera was found ({why}); check its cable, then: rpicam-hello --list-cameras")
