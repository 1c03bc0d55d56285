"""The camera of a station that does not run, for the commands that look through it themselves."""

import socket
from collections.abc import Callable, Generator
from contextlib import closing
from math import inf
from pathlib import Path

from device import config
from device.camera import picamera, source
from device.cli.say import say
from device.config import CameraSettings, ConfigError
from device.model import Frame
from device.system.errors import TitikError
from device.system.exit_codes import CONFIG, FAILED, MISSING
from device.system.stop import Stop

BANDED = 0.05
"""Banding from which it is worth a word: what a reader's threshold begins to feel."""


class CameraCommandError(TitikError):
    """The command ends here: with this exit code, and these words."""

    def __init__(self, code: int, *sentences: str) -> None:
        super().__init__(*sentences)
        self.code = code
        self.sentences = sentences


def ended(command: Callable[[], int]) -> int:
    """Return the exit code of *command*, once it is said why it ended early."""
    try:
        return command()
    except CameraCommandError as end:
        for sentence in end.sentences:
            say(sentence)
        return end.code


def looked(camera: CameraSettings, open_eye: source.Open, seconds: float = inf) -> Generator[Frame, None, None]:
    """Yield the frames of so many seconds from the first one; raises `CameraCommandError` where the camera is gone."""
    try:
        with Stop() as stop, closing(open_eye(camera, stop)) as stream:
            until = None
            for frame in stream:
                until = until or frame.tick + seconds
                yield frame
                if frame.tick >= until:
                    return
    except OSError as error:
        raise CameraCommandError(
            MISSING, f"{error}. If the station runs, it holds the camera. Next: systemctl stop titik"
        ) from None


def opener(camera: CameraSettings, eye: picamera.PiCamera) -> source.Open:
    """Return what opens the configured camera; *eye* where it is the Pi's own."""
    return eye.frames if camera.source == "picamera2" else source.opener(camera)


def free_camera(configuration: Path, control: Path) -> CameraSettings:
    """Return the configured camera; raises `CameraCommandError` where the station at the socket *control* holds it."""
    try:
        station, warnings = config.load(config.StationSettings, configuration)
    except ConfigError as error:
        raise CameraCommandError(CONFIG, *error.mistakes) from None
    for warning in warnings:
        say(warning)
    if station.camera.sensor and _answers(control):
        raise CameraCommandError(FAILED, "the station that runs here holds the camera. Next: systemctl stop titik")
    return station.camera


def _answers(path: Path) -> bool:
    """Whether a station listens at its socket; where that cannot be told, the camera itself will say."""
    try:
        with socket.socket(socket.AF_UNIX) as station:
            station.settimeout(1)
            station.connect(str(path))
    except OSError:
        return False
    return True
