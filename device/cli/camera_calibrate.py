"""``titik camera calibrate``: find focus, exposure and gain by a code that is held up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.cli import options
from device.cli.say import say
from device.system.command_line import answered_by
from device.system.disk import read_bounded, write_whole
from device.system.exit_codes import DONE, FAILED, MISSING

HEAD = "# Made by: titik camera calibrate --write. The next one overwrites this file.\n"


@dataclass(frozen=True, slots=True)
class CameraCalibrate:
    """What ``camera calibrate`` is asked."""

    write: bool
    config: Path
    socket: Path


def add(commands: Any) -> None:
    """Add the command."""
    one = options.member(
        commands,
        "calibrate",
        "find focus, exposure and gain by a code that is held up",
        "find focus, exposure and gain by a code that somebody holds where people will hold theirs",
        "sudo titik camera calibrate --write",
    )
    one.add_argument("--write", action="store_true", help="keep it in conf.d/camera.toml beside the configuration")
    options.asks_configuration(one)
    options.asks_socket(one)
    answered_by(one, CameraCalibrate, run)


def run(asked: CameraCalibrate) -> int:
    """Find focus, exposure and gain by a code that somebody holds up; print them, and keep them with ``--write``."""
    from device.cli._camera import ended

    return ended(lambda: _calibrate(asked))


def _calibrate(asked: CameraCalibrate) -> int:
    from device.camera import picamera
    from device.cli._calibration import found, toml
    from device.cli._camera import BANDED, CameraCommandError, free_camera

    camera = free_camera(asked.config, asked.socket)
    target = asked.config.parent / "conf.d" / "camera.toml"
    if asked.write and not _ours(target):
        raise CameraCommandError(
            FAILED,
            f"{target} is somebody's own. Next: move its lines elsewhere, or copy what is printed without --write",
        )
    if camera.source != "picamera2":
        raise CameraCommandError(
            MISSING, f'source = "{camera.source}" has no controls to calibrate; what it sees: titik test camera'
        )
    say("Tunjukkan kode di tempat kerjanya dan tahan. / Hold a code where people will hold it, until this ends.")
    eye = picamera.PiCamera()
    best = found(camera, eye)
    text = toml(best, focus_m="LensPosition" not in eye.lacks and camera.focus_m > 0)
    print(text, end="")
    if best.banding >= BANDED:
        say(f"bands of {100 * best.banding:.0f} %: no setting is free of the lamps' flicker")
    if asked.write:
        try:
            target.parent.mkdir(exist_ok=True)
            write_whole(target, (HEAD + text).encode(), 0o644)
        except OSError as error:
            raise CameraCommandError(FAILED, f"{target} cannot be written: {error.strerror}") from None
        say(f"{target} is written. Next: systemctl start titik")
    return DONE


def _ours(path: Path) -> bool:
    """Whether *path* is absent, or was made here."""
    try:
        return read_bounded(path, len(HEAD)).startswith(HEAD.encode())
    except FileNotFoundError:
        return True
    except OSError:
        return False
