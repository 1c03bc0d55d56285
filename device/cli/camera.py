"""The commands that look through the camera themselves: ``titik test camera`` and ``titik camera calibrate``."""

import json
import socket
from argparse import Namespace
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device import config, scanner
from device.camera import picamera, pictures, source
from device.camera.flicker import banding, rows
from device.camera.monitor import CameraMonitor, State, view
from device.cli.commands import CONFIG, DONE, FAILED, MISSING, say
from device.config import CameraSettings, ConfigError
from device.model import Frame
from device.system.disk import read_bounded, write_whole
from device.system.errors import TitikError
from device.system.stop import Stop

BANDED = 0.05
"""Banding from which it is worth a word: what a reader's threshold begins to feel."""
SETTLING, JUDGED = 3, 8
"""Frames that a setting takes to show, and frames that judge it."""
EXPOSURES = (4000, 5000, 7000, 10_000)
"""Microseconds that are tried: below, a dimmed screen's pulses show; above, a hand smears. The last has no bands."""
GAINS = (1.0, 2.0, 4.0, 8.0, 16.0)
DISTANCES = (0.10, 0.12, 0.15, 0.17, 0.20, 0.25, 0.30)
"""Metres that are tried where the lens moves."""
GOOD = 110
"""Brightness (0 to 255) of a picture with room on both sides."""
HEAD = "# Made by: titik camera calibrate --write. The next one overwrites this file.\n"


class Trial(NamedTuple):
    """How well one setting sees the code that is held up."""

    exposure_us: int
    gain: float
    lens: float
    read: float
    """Share of the frames that were read."""
    sharpness: float
    brightness: float
    banding: float


class CameraCommandError(TitikError):
    """The command ends here: with this exit code, and these words."""

    def __init__(self, code: int, *sentences: str) -> None:
        super().__init__(*sentences)
        self.code = code
        self.sentences = sentences


def test(told: Namespace) -> int:
    """Say what the configured camera sees; exit 1 where that is nothing to read by."""
    return _ends(_test, told)


def calibrate(told: Namespace) -> int:
    """Find focus, exposure and gain by a code that somebody holds up; print them, and keep them with ``--write``."""
    return _ends(_calibrate, told)


def _ends(command: Callable[[Namespace], int], told: Namespace) -> int:
    try:
        return command(told)
    except CameraCommandError as end:
        for sentence in end.sentences:
            say(sentence)
        return end.code


def _test(told: Namespace) -> int:
    camera = _free_camera(told)
    eye = picamera.PiCamera()
    lens, profiles, ticks, read = CameraMonitor(camera), list[NDArray[np.float64]](), list[float](), 0
    last: Frame | None = None
    with closing(_looked(camera, _opener(camera, eye), told.seconds)) as stream:
        for frame in stream:
            lens.look(frame)
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
        "state": lens.seems.value,
        "banding": round(banding(np.array(profiles)), 3),
        "read": round(read / len(ticks), 2),
        "lacks": list(eye.lacks),
    }
    if told.picture is not None:
        _keep(last.luma, told.picture)
    if told.json:
        print(json.dumps(seen))
    else:
        _print(seen)
    return DONE if lens.seems is State.CLEAR else FAILED


def _calibrate(told: Namespace) -> int:
    camera = _free_camera(told)
    target = told.config.parent / "conf.d" / "camera.toml"
    if told.write and not _ours(target):
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
    found = _found(camera, eye)
    text = toml(found, lens="LensPosition" not in eye.lacks and camera.focus_m > 0)
    print(text, end="")
    if found.banding >= BANDED:
        say(f"bands of {100 * found.banding:.0f} %: no setting is free of the lamps' flicker")
    if told.write:
        try:
            target.parent.mkdir(exist_ok=True)
            write_whole(target, (HEAD + text).encode(), 0o644)
        except OSError as error:
            raise CameraCommandError(FAILED, f"{target} cannot be written: {error.strerror}") from None
        say(f"{target} is written. Next: systemctl start titik")
    return DONE


def best(trials: Sequence[Trial]) -> Trial | None:
    """Return the setting to take: of those that read best, without bands, the shortest, then the best lit.

    ``None`` where nothing was read. A hand that moves costs more than noise does, so exposure goes before gain.
    """
    most = max((trial.read for trial in trials), default=0.0)
    reading = [trial for trial in trials if trial.read > 0 and trial.read >= most - 0.1]
    steady = [trial for trial in reading if trial.banding < BANDED] or reading
    return min(steady, key=lambda trial: (trial.exposure_us, abs(trial.brightness - GOOD)), default=None)


def toml(found: Trial, *, lens: bool) -> str:
    """Return the lines of a configuration that say *found*; its focus only where the *lens* moves."""
    focus = f"focus_m = {found.lens}\n" if lens else ""
    return f'[camera]\nexposure = "fixed"\nexposure_us = {found.exposure_us}\ngain = {found.gain}\n{focus}'


def _found(camera: CameraSettings, eye: picamera.PiCamera) -> Trial:
    """Try focus first, then exposures and gains.

    Raises `CameraCommandError` where the camera cannot, or nothing was read.
    """
    told = camera.model_copy(update={"exposure": "fixed", "gain": camera.gain or 4.0})
    first = _trial(told, eye)
    if "ExposureTime" in eye.lacks or "AnalogueGain" in eye.lacks:
        raise CameraCommandError(
            MISSING, f"this camera has no control for {', '.join(eye.lacks)}: nothing to calibrate"
        )
    if "LensPosition" not in eye.lacks and camera.focus_m:
        tried = [first, *(_trial(told.model_copy(update={"focus_m": metres}), eye) for metres in DISTANCES)]
        sharpest = max(tried, key=lambda trial: (round(trial.read, 1), trial.sharpness))
        told = told.model_copy(update={"focus_m": sharpest.lens})
    longest = 1_000_000 / camera.fps
    found = best(
        [
            _trial(told.model_copy(update={"exposure_us": exposure, "gain": gain}), eye)
            for exposure in EXPOSURES
            if exposure <= longest
            for gain in GAINS
        ]
    )
    if found is None:
        raise CameraCommandError(
            FAILED, "no code was read at any setting. Next: more light, or a larger code; then: titik test camera"
        )
    return found


def _trial(camera: CameraSettings, eye: picamera.PiCamera) -> Trial:
    """Look with one setting, and say how well."""
    with closing(_looked(camera, eye.frames)) as stream:
        lumas = [frame.luma for frame in islice(stream, SETTLING, SETTLING + JUDGED)]
    height, width = lumas[0].shape
    middle = [view(luma[height // 4 : -height // 4, width // 4 : -width // 4]) for luma in lumas]
    trial = Trial(
        camera.exposure_us,
        camera.gain,
        camera.focus_m,
        sum(bool(scanner.read_still(luma)) for luma in lumas) / len(lumas),
        float(np.median([one.sharpness if one is not None else 0.0 for one in middle])),
        float(np.mean([luma[::8, ::8].mean() for luma in lumas])),
        banding(np.array([rows(luma) for luma in lumas])),
    )
    say(
        f"{trial.exposure_us} us, gain {trial.gain:g}, focus {trial.lens:g} m: read {100 * trial.read:.0f} %,"
        f" sharpness {trial.sharpness:.2f}, brightness {trial.brightness:.0f}, bands {100 * trial.banding:.0f} %"
    )
    return trial


def _looked(camera: CameraSettings, open_eye: source.Open, seconds: float = inf) -> Generator[Frame, None, None]:
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


def _opener(camera: CameraSettings, eye: picamera.PiCamera) -> source.Open:
    return eye.frames if camera.source == "picamera2" else source.opener(camera)


def _free_camera(told: Namespace) -> CameraSettings:
    """Return the configured camera; raises `CameraCommandError` where a station holds it."""
    try:
        station, warnings = config.load(config.StationSettings, told.config)
    except ConfigError as error:
        raise CameraCommandError(CONFIG, *error.mistakes) from None
    for warning in warnings:
        say(warning)
    if station.camera.sensor and _answers(told.socket):
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


def _keep(luma: NDArray[np.uint8], path: Path) -> None:
    """Write the picture for its owner alone, and say what it is; raises `CameraCommandError`."""
    try:
        pictures.save(luma, path)
    except OSError as error:
        raise CameraCommandError(FAILED, f"{path} cannot be written: {error.strerror or error}") from None
    say(f"{path}: gambar orang adalah data pribadi; hapus setelah dipakai. / It shows people: personal, delete it.")


def _print(seen: dict[str, Any]) -> None:
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


def _ours(path: Path) -> bool:
    """Whether *path* is absent, or was made here."""
    try:
        return read_bounded(path, len(HEAD)).startswith(HEAD.encode())
    except FileNotFoundError:
        return True
    except OSError:
        return False
