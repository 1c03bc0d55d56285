"""The Pi's camera as eyes: picamera2, brightness only, the newest frame, never waited for without a limit."""

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from contextlib import ExitStack
from datetime import UTC, datetime
from threading import Thread
from time import monotonic
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from device.config import CameraSettings
from device.model import Frame
from device.system.errors import TitikError
from device.system.stop import GLANCE, Stop

log = logging.getLogger(__name__)

PLANAR = frozenset({"YUV420", "YVU420", "NV12", "NV21"})
"""The formats that begin with the brightness of every pixel; a camera may choose among them."""
OPENED_WITHIN = 4.0
"""Seconds that the loop waits for a camera to open, before it turns on without; what comes later is still taken."""
CLOSED_WITHIN = 1.5
"""Seconds that the loop waits for a camera to close; with the longest usual silence, the fault lamp comes within 5."""
HUNG = 60.0
"""Seconds after which a call that does not return ends the program: only the end of a process lets go of a camera."""

# libcamera's own numbers (control_ids.yaml); picamera2 takes them as they are.
_AE_SHORT, _AE_FLICKER_MANUAL, _AF_MANUAL = 1, 1, 0
_NOISE = {"off": 0, "fast": 1, "high-quality": 2, "minimal": 3}

T = TypeVar("T")


class CameraGoneError(TitikError, OSError):
    """No camera, or one that has fallen silent; the sentence says which."""


class CameraHungError(TitikError, RuntimeError):
    """A call into the camera's library that did not return for `HUNG` seconds."""


def controls(camera: CameraSettings) -> dict[str, Any]:
    """Return libcamera's controls, by name, that say what *camera* says.

    ``AeEnable`` is not among them: to set exposure and gain is to fix them, and switching off besides would take the
    values of a moment before instead (picamera2 issue 933), or is not known at all (1269).
    """
    interval = round(1_000_000 / camera.fps)
    wanted: dict[str, Any] = {"FrameDurationLimits": (interval, interval), "NoiseReductionMode": _NOISE[camera.noise]}
    if camera.exposure == "auto":
        wanted["AeExposureMode"] = _AE_SHORT
        wanted["AeFlickerMode"] = _AE_FLICKER_MANUAL
        wanted["AeFlickerPeriod"] = round(1_000_000 / (2 * camera.mains))
    else:
        wanted["ExposureTime"] = min(camera.exposure_us, interval)
        if camera.gain:
            wanted["AnalogueGain"] = camera.gain
    if camera.focus_m:
        wanted["AfMode"] = _AF_MANUAL
        wanted["LensPosition"] = 1 / camera.focus_m
    return wanted


def cropped(full: tuple[int, int, int, int], size: tuple[int, int], share: float) -> tuple[int, int, int, int]:
    """Return x, y, width and height of *share* of *full*, centred and in the shape of *size*, on even pixels."""
    x, y, width, height = full
    scale = share * min(width / size[0], height / size[1])
    wide, high = (2 * round(scale * side / 2) for side in size)
    return x + (width - wide) // 2, y + (height - high) // 2, wide, high


class PiCamera:
    """The camera over all its openings, so that one which hangs is never opened a second time meanwhile."""

    def __init__(self) -> None:
        self._opening: _Call[_Opened] | None = None
        self._closing: _Call[None] | None = None
        self.lacks: tuple[str, ...] = ()
        """The controls that were asked for and that this camera does not have."""

    def frames(self, camera: CameraSettings, stop: Stop) -> Generator[Frame, None, None]:
        """Yield the newest frame, again and again; raises `CameraGoneError` after *patience* seconds of silence.

        YUV420 puts the brightness plane first, so no colour is ever converted. A capture is given a limit because
        picamera2 would else wait for ever, and cameras do stop sending (picamera2 issue 1090). picamera2 keeps the
        newest frame and recycles those before it, so nothing old queues up. A camera that knows no frame rate is
        held to ``fps`` and a fiftieth, so that one which keeps it is never waited for. Raises `CameraHungError` if
        opening or closing has not returned for `HUNG` seconds; a hang between two frames is left to the watchdog.
        """
        opened = self._open(camera, stop)
        if opened is None:
            return
        try:
            width, height = opened.size
            interval = 0.98 / camera.fps
            due = monotonic()
            while not stop.wait(due - monotonic()):
                planes = _captured(opened.source, camera.patience, stop)
                if planes is None:
                    return
                due = max(due + interval, monotonic() - interval)
                yield Frame(planes[:height, :width], datetime.now(UTC), monotonic())
        finally:
            self._closing = _Call("close", lambda: _close(opened.source))
            self._closing.wait(CLOSED_WITHIN)

    def _open(self, camera: CameraSettings, stop: Stop) -> "_Opened | None":
        """Return the camera, started, or ``None`` if asked to stop; raises `CameraGoneError` and `CameraHungError`."""
        try:
            from picamera2 import Picamera2  # noqa: PLC0415 - exists only on a Pi, from apt
        except ImportError as error:
            raise CameraGoneError(
                f"picamera2 is not installed ({error}). Next: sudo apt install python3-picamera2,"
                " and a virtual environment made with --system-site-packages"
            ) from None
        if self._closing is not None:
            self._closing.returned(OPENED_WITHIN, stop)
            self._closing = None
        if stop.is_set():
            return None
        if self._opening is None:
            self._opening = _Call("open", lambda: _started(Picamera2, camera))
        if not self._opening.returned(OPENED_WITHIN, stop):
            return None
        opening, self._opening = self._opening, None
        opened = opening.result()
        if opened.lacks and opened.lacks != self.lacks:
            log.warning("this camera has no control for %s: left alone", ", ".join(opened.lacks))
        self.lacks = opened.lacks
        return opened


class _Opened:
    """A camera that was started: picamera2's own object, the picture's size, and what it has no control for."""

    def __init__(self, source: Any, size: tuple[int, int], lacks: tuple[str, ...]) -> None:
        self.source = source
        self.size = size
        self.lacks = lacks


class _Call(Generic[T]):
    """One call into picamera2, in a thread of its own: it may never return (picamera2 issues 1264, 1275)."""

    def __init__(self, what: str, act: Callable[[], T]) -> None:
        self._what = what
        self._began = monotonic()
        self._future: Future[T] = Future()
        Thread(target=self._run, args=(act,), name=f"picamera2 {what}", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Wait at most *seconds*; return whether it has returned or failed."""
        return bool(wait([self._future], seconds).done)

    def returned(self, seconds: float, stop: Stop) -> bool:
        """Return True once it has, False if asked to stop.

        Raises `CameraGoneError` after *seconds*, or `CameraHungError`.
        """
        end = monotonic() + seconds
        while not self.wait(min(GLANCE, max(0.0, end - monotonic()))):
            if stop.is_set():
                return False
            lasts = monotonic() - self._began
            if lasts >= HUNG:
                raise CameraHungError(f"the camera's library has hung for {lasts:.0f} s, asked to {self._what}")
            if monotonic() >= end:
                raise CameraGoneError(
                    f"the camera's library hangs, asked to {self._what}; check its cable and the power"
                )
        return True

    def result(self) -> T:
        """Return what it returned, or raise what it raised."""
        return self._future.result()

    def _run(self, act: Callable[[], T]) -> None:
        try:
            self._future.set_result(act())
        except BaseException as error:  # noqa: BLE001 - kept for the thread that waits, which raises it
            self._future.set_exception(error)


def _started(kind: Any, camera: CameraSettings) -> _Opened:
    """Return the camera, configured and started; raises `CameraGoneError`, having closed what was opened."""
    try:
        # picamera2 keeps the first list of cameras that libcamera gave it, and one that is made without a camera
        # leaves a descriptor open for good.
        kind._cm.reset()  # noqa: SLF001 - there is no public word for it
        source = kind() if kind.global_camera_info() else None
    except (IndexError, RuntimeError, OSError) as error:
        raise CameraGoneError(
            f"no camera was found ({error}); check its cable, then: rpicam-hello --list-cameras"
        ) from error
    if source is None:
        raise CameraGoneError("no camera is listed; check its cable, then: rpicam-hello --list-cameras")
    with ExitStack() as stack:
        stack.callback(_let_go, source)
        wanted = controls(camera)
        lacks = tuple(name for name in wanted if name not in source.camera_controls)
        try:
            source.configure(
                source.create_video_configuration(
                    {"size": camera.size, "format": "YUV420"},
                    buffer_count=camera.buffers,
                    controls={name: value for name, value in wanted.items() if name not in lacks},
                )
            )
            given = source.camera_configuration()["main"]
            if given["format"] not in PLANAR:
                raise CameraGoneError(f"the camera gives {given['format']}, whose first plane is not its brightness")
            lacks += _crop(source, given["size"], camera.crop)
            source.start()
        except (RuntimeError, OSError) as error:
            if isinstance(error, CameraGoneError):
                raise
            raise CameraGoneError(f"the camera cannot be started: {error}") from error
        stack.pop_all()
    return _Opened(source, given["size"], lacks)


def _crop(source: Any, size: tuple[int, int], share: float) -> tuple[str, ...]:
    """Look at *share* of the sensor, once the mode is known; return the control that is missing for it.

    On a Pi 5 ``ScalerCrops`` goes before ``ScalerCrop``, and configuring has set it already.
    """
    if share == 1:
        return ()
    if "ScalerCrop" not in source.camera_controls:
        return ("ScalerCrop",)
    part = cropped(source.camera_controls["ScalerCrop"][1], size, share)
    source.set_controls({"ScalerCrop": part})
    if "ScalerCrops" in source.camera_controls:
        source.set_controls({"ScalerCrops": [part]})
    return ()


def _let_go(source: Any) -> None:
    """Close a camera that never started; that it cannot even be closed says no more than that."""
    try:
        source.close()
    except (RuntimeError, OSError) as error:
        log.warning("the camera was not closed cleanly: %s", error)


def _close(source: Any) -> None:
    """Close the camera, and what it was asked for last before: a capture still queued would keep ``stop`` waiting."""
    try:
        with ExitStack() as stack:
            stack.callback(source.close)
            stack.callback(source.stop)
            source.cancel_all_and_flush()
    except (RuntimeError, OSError) as error:
        log.warning("the camera was not closed cleanly: %s", error)


def _captured(source: Any, patience: float, stop: Stop) -> NDArray[np.uint8] | None:
    """Return the planes of the newest frame, ``None`` if asked to stop; raises `CameraGoneError`."""
    job = source.capture_array("main", wait=False)
    end = monotonic() + patience
    while not stop.is_set():
        try:
            planes: NDArray[np.uint8] = job.get_result(timeout=min(GLANCE, patience))
        except TimeoutError:
            if monotonic() >= end:
                raise CameraGoneError(
                    f"the camera has been silent for {patience:g} s; check its cable and the power supply"
                ) from None
        else:
            return planes
    return None
