"""One iterator of turns from whatever eye there is: frames, and while the eye is away, `Blind` turns.

To stop the station, stop the frames: setting *stop* ends the iterator, and with it everything else.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from time import monotonic

from device.camera.monitor import CameraMonitor
from device.config import CameraSettings
from device.model import Blind, Frame
from device.system.back_off import BackOff
from device.system.errors import TitikError
from device.system.stop import Stop

log = logging.getLogger(__name__)

PAUSES = (0.5, 8.0)
"""Seconds between two tries to open an eye that is away; doubling."""
BLINK = 0.5
"""Seconds between two `Blind` turns, so that the loop turns on, and the watchdog with it."""

Open = Callable[[CameraSettings, Stop], Generator[Frame, None, None]]


class CameraLostError(TitikError, OSError):
    """An eye whose frames say that it does not see; the sentence says why."""


def opener(camera: CameraSettings) -> Open:
    """Return what opens the configured eye; only that one is imported, for each brings a library of its own."""
    if camera.source == "webcam":
        from device.camera import webcam  # noqa: PLC0415 - see above

        return webcam.frames
    if camera.source == "video":
        from device.camera import video  # noqa: PLC0415 - see above

        return video.frames
    if camera.source == "pictures":
        from device.camera import slideshow  # noqa: PLC0415 - see above

        return slideshow.Slideshow().frames
    from device.camera import picamera  # noqa: PLC0415 - see above

    return picamera.PiCamera().frames


def turns(
    camera: CameraSettings, stop: Stop, open_eye: Open | None = None, monitor: CameraMonitor | None = None
) -> Generator[Frame | Blind, None, None]:
    """Yield frames until *stop* or the source's own end; an eye that fails is reopened with back-off.

    Only what an eye raises as OSError (gone, silent, unplugged) is weather; anything else ends the program. *monitor*
    looks at every frame on its way, and an eye that it gives up is closed and opened anew like one that is gone.
    """
    open_eye = open_eye or opener(camera)
    monitor = monitor or CameraMonitor(camera)
    back_off = BackOff(*PAUSES)
    away = False
    seen = monitor.state
    while not stop.is_set():
        try:
            monitor.opened()
            with closing(open_eye(camera, stop)) as frames:
                for frame in frames:
                    monitor.look(frame)
                    if monitor.state is not seen:
                        log.info("the view was %s, and is %s", seen, monitor.state)
                        seen = monitor.state
                    if monitor.lost is not None:
                        raise CameraLostError(monitor.lost)
                    if away and monitor.serves:
                        log.info("the eye is back")
                        away = False
                        back_off.reset()
                    yield frame
        except OSError as error:
            # A path may hold bytes that are no text; what is said of it goes on the wire.
            why = str(error).encode("utf-8", "backslashreplace").decode()
            if not away:
                log.warning("the eye is away: %s", why)
            away = True
            yield from _dark(why, back_off.pause, stop)
            back_off.lengthen()
        else:
            return


def _dark(why: str, seconds: float, stop: Stop) -> Iterator[Blind]:
    """Yield a blind turn at once and then at every blink, for *seconds*."""
    end = monotonic() + seconds
    while True:
        yield Blind(why, datetime.now(UTC), monotonic())
        left = end - monotonic()
        if left <= 0 or stop.wait(min(BLINK, left)):
            return
