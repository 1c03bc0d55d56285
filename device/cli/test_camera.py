"""``titik test camera``: what the configured camera sees."""

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli import options
from device.cli.say import say
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED

if TYPE_CHECKING:  # the picture is numpy's, which whoever asks for help alone does not wait for
    import numpy as np
    from numpy.typing import NDArray

    from device.model import Frame

MAX_SECONDS = 3600.0
"""Seconds that a look may take."""


@dataclass(frozen=True, slots=True)
class CameraTest:
    """What ``test camera`` is asked."""

    picture: Path | None
    seconds: float
    json: bool
    config: Path
    socket: Path


def add(commands: Any) -> None:
    """Add the command."""
    one = options.member(
        commands,
        "camera",
        "say what the camera sees",
        "say what the camera sees: frame rate, sharpness, brightness, bands; exit 1 if that is nothing",
        "sudo titik test camera --picture view.png",
    )
    one.add_argument("--picture", type=Path, metavar="FILE", help="keep the last frame, a PNG for its owner alone")
    one.add_argument("--seconds", type=_positive, default=5.0, metavar="N", help="how long; default: %(default)s")
    one.add_argument("--json", action="store_true", help="one JSON object")
    options.asks_configuration(one)
    options.asks_socket(one)
    answered_by(one, CameraTest, run)


def _positive(text: str) -> float:
    """Return seconds, for argparse; raises ValueError."""
    seconds = float(text)
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError
    return seconds


def run(asked: CameraTest) -> int:
    """Say what the configured camera sees; exit 1 where that is nothing to read by."""
    from device.cli._camera import ended

    return ended(lambda: _look(asked))


def _look(asked: CameraTest) -> int:
    import numpy as np
    from numpy.typing import NDArray

    from device import scanner
    from device.camera import picamera
    from device.camera.flicker import banding, rows
    from device.camera.monitor import CameraMonitor, CameraState, view
    from device.cli._camera import CameraCommandError, free_camera, looked, opener

    camera = free_camera(asked.config, asked.socket)
    eye = picamera.PiCamera()
    monitor, profiles, ticks, read = CameraMonitor(camera), list[NDArray[np.float64]](), list[float](), 0
    last: Frame | None = None
    with closing(looked(camera, opener(camera, eye), asked.seconds)) as stream:
        for frame in stream:
            monitor.look(frame)
            if last is not None and frame.luma.shape != last.luma.shape:
                profiles.clear()  # pictures come in any size, and one may follow another
            profiles.append(rows(frame.luma))
            ticks.append(frame.tick)
            last = frame
            read += bool(scanner.read_still(frame.luma))
    if last is None:
        raise CameraCommandError(FAILED, "the camera gave no frame")
    look = view(last.luma)
    seen = {
        "source": camera.source,
        "size": list(last.luma.shape[::-1]),
        "frames": len(ticks),
        "fps": round((len(ticks) - 1) / (ticks[-1] - ticks[0]), 1) if len(ticks) > 1 else None,
        "brightness": None if look is None else round(look.brightness, 1),
        "relief": None if look is None else round(look.relief, 2),
        "sharpness": None if look is None else round(look.sharpness, 2),
        "state": monitor.seems.value,
        "banding": round(banding(np.array(profiles)), 3),
        "read": round(read / len(ticks), 2),
        "lacks": list(eye.lacks),
    }
    if asked.picture is not None:
        _keep(last.luma, asked.picture)
    if asked.json:
        print(json.dumps(seen))
    else:
        _print(seen)
    return DONE if monitor.seems is CameraState.CLEAR else FAILED


def _keep(luma: "NDArray[np.uint8]", path: Path) -> None:
    """Write the picture for its owner alone, and say what it is; raises `CameraCommandError`."""
    from device.camera import pictures
    from device.cli._camera import CameraCommandError

    try:
        pictures.save(luma, path)
    except OSError as error:
        raise CameraCommandError(FAILED, f"{path} cannot be written: {error.strerror or error}") from None
    say(f"{path}: gambar orang adalah data pribadi; hapus setelah dipakai. / It shows people: personal, delete it.")


def _print(seen: dict[str, Any]) -> None:
    from device.cli._camera import BANDED

    width, height = seen["size"]
    print(f"{seen['source']}, {width} x {height}: {seen['frames']} frames, {seen['fps']} a second")
    print(f"view: {seen['state']}; a code was read in {100 * seen['read']:.0f} % of the frames")
    print(
        f"brightness {seen['brightness']} of 255, relief {seen['relief']}, sharpness {seen['sharpness']},"
        f" bands {100 * seen['banding']:.1f} %"
    )
    if seen["banding"] >= BANDED:
        print("the lamps flicker. Next: titik camera calibrate, or exposure_us = 10000")
    if seen["lacks"]:
        print(f"this camera has no control for {', '.join(seen['lacks'])}")
