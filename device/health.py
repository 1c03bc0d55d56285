"""How the station fares: what ``health`` says each minute."""

import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from device.model import Frame
from device.system.contained import Contained

REMEMBERED = 600
"""Readings of which the percentiles are taken."""
SMALLEST = 8
"""Pixels of the shorter side below which a picture says nothing about a lens."""
TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")


def percentile(readings: Sequence[float], share: float) -> float | None:
    """Return the reading below which *share* (0 to 1) of all lie, ``None`` of none."""
    ordered = sorted(readings)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


class Health:
    """Counts turns and times; *fps* is the pace that the eye should keep."""

    def __init__(self, fps: float) -> None:
        self._interval = 1 / fps
        self._last: Frame | None = None
        self._read: deque[float] = deque(maxlen=REMEMBERED)
        self._judged: deque[float] = deque(maxlen=REMEMBERED)
        self.frames = 0
        self.skipped = 0
        self.blind = 0
        self.contained = Contained()
        """What was raised, and went no further, outside of the attempts to read."""

    def frame(self, frame: Frame, read_ms: float) -> None:
        """Count one frame that was read in *read_ms*, and those that went by meanwhile."""
        if self._last is not None:
            self.skipped += max(0, round((frame.tick - self._last.tick) / self._interval) - 1)
        self._last = frame
        self.frames += 1
        self._read.append(read_ms)

    def judged(self, took_ms: float) -> None:
        """Count one verdict."""
        self._judged.append(took_ms)

    def away(self) -> None:
        """Count one turn without an eye."""
        self._last = None
        self.blind += 1

    def tell(self, state_folder: Path) -> dict[str, Any]:
        """Return what there is to say; figures that this machine does not have are ``None``."""
        return {
            "frames": {"read": self.frames, "skipped": self.skipped, "blind": self.blind},
            "read_ms": _spread(self._read),
            "judge_ms": _spread(self._judged),
            **_picture(self._last),
            "disk_free": _disk_free(state_folder),
            "temperature": _number(TEMPERATURE, 10, 1000),
            "throttled": _number(THROTTLED, 16),
        }


def _spread(readings: Sequence[float]) -> Mapping[str, float | None]:
    spread = {"p50": percentile(readings, 0.5), "p95": percentile(readings, 0.95)}
    return {name: None if value is None else round(value, 2) for name, value in spread.items()}


def _picture(frame: Frame | None) -> Mapping[str, float | None]:
    """Return brightness (0 to 255) and sharpness (variance between neighbours) of a quarter of the pixels."""
    if frame is None or min(frame.luma.shape) < SMALLEST:
        return {"brightness": None, "sharpness": None}
    quarter = frame.luma[::2, ::2].astype(np.int16)
    return {"brightness": round(float(quarter.mean()), 1), "sharpness": round(float(np.diff(quarter).var()), 1)}


def _disk_free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _number(file: Path, base: int, unit: int = 1) -> float | None:
    try:
        return int(file.read_text(encoding="ascii").strip(), base) / unit
    except (OSError, ValueError):
        return None
