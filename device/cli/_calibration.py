"""Focus, exposure and gain that see best the code that is held up."""

from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import numpy as np

from device import scanner
from device.camera import picamera
from device.camera.flicker import banding, rows
from device.camera.monitor import view
from device.cli._camera import BANDED, CameraCommandError, looked
from device.cli.say import say
from device.config import CameraSettings
from device.system.exit_codes import FAILED, MISSING

SETTLING, JUDGED = 3, 8
"""Frames that a setting takes to show, and frames that judge it."""
EXPOSURES = (4000, 5000, 7000, 10_000)
"""Microseconds that are tried: below, a dimmed screen's pulses show; above, a hand smears. The last has no bands."""
GAINS = (1.0, 2.0, 4.0, 8.0, 16.0)
DISTANCES = (0.10, 0.12, 0.15, 0.17, 0.20, 0.25, 0.30)
"""Metres that are tried where the lens moves."""
GOOD = 110
"""Brightness (0 to 255) of a picture with room on both sides."""


class Trial(NamedTuple):
    """How well one setting sees the code that is held up."""

    exposure_us: int
    gain: float
    focus_m: float
    read: float
    """Share of the frames that were read."""
    sharpness: float
    brightness: float
    banding: float


def best(trials: Sequence[Trial]) -> Trial | None:
    """Return the setting to take: of those that read best, without bands, the shortest, then the best lit.

    ``None`` where nothing was read. A hand that moves costs more than noise does, so exposure goes before gain.
    """
    most = max((trial.read for trial in trials), default=0.0)
    reading = [trial for trial in trials if trial.read > 0 and trial.read >= most - 0.1]
    steady = [trial for trial in reading if trial.banding < BANDED] or reading
    return min(steady, key=lambda trial: (trial.exposure_us, abs(trial.brightness - GOOD)), default=None)


def toml(found: Trial, *, focus_m: bool) -> str:
    """Return the lines of a configuration that say *found*; its focus only where the *focus_m* moves."""
    focus = f"focus_m = {found.focus_m}\n" if focus_m else ""
    return f'[camera]\nexposure = "fixed"\nexposure_us = {found.exposure_us}\ngain = {found.gain}\n{focus}'


def found(camera: CameraSettings, eye: picamera.PiCamera) -> Trial:
    """Try focus first, then exposures and gains.

    Raises `CameraCommandError` where the camera cannot, or nothing was read.
    """
    setting = camera.model_copy(update={"exposure": "fixed", "gain": camera.gain or 4.0})
    first = _trial(setting, eye)
    if "ExposureTime" in eye.lacks or "AnalogueGain" in eye.lacks:
        raise CameraCommandError(
            MISSING, f"this camera has no control for {', '.join(eye.lacks)}: nothing to calibrate"
        )
    if "LensPosition" not in eye.lacks and camera.focus_m:
        tried = [first, *(_trial(setting.model_copy(update={"focus_m": metres}), eye) for metres in DISTANCES)]
        sharpest = max(tried, key=lambda trial: (round(trial.read, 1), trial.sharpness))
        setting = setting.model_copy(update={"focus_m": sharpest.focus_m})
    longest = 1_000_000 / camera.fps
    taken = best(
        [
            _trial(setting.model_copy(update={"exposure_us": exposure, "gain": gain}), eye)
            for exposure in EXPOSURES
            if exposure <= longest
            for gain in GAINS
        ]
    )
    if taken is None:
        raise CameraCommandError(
            FAILED, "no code was read at any setting. Next: more light, or a larger code; then: titik test camera"
        )
    return taken


def _trial(camera: CameraSettings, eye: picamera.PiCamera) -> Trial:
    """Look with one setting, and say how well."""
    with closing(looked(camera, eye.frames)) as stream:
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
        f"{trial.exposure_us} us, gain {trial.gain:g}, focus {trial.focus_m:g} m: read {100 * trial.read:.0f} %,"
        f" sharpness {trial.sharpness:.2f}, brightness {trial.brightness:.0f}, bands {100 * trial.banding:.0f} %"
    )
    return trial
