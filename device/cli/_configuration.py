"""The configuration of a station as its commands read it: with all that is worth a warning."""

from pathlib import Path

from device.camera import frame_rate
from device.config import StationSettings, load


def loaded(path: Path) -> tuple[StationSettings, list[str]]:
    """Return the settings in the file *path*, and its warnings, a pace that is hardly meant among them.

    Raises what `load` raises: one error, which names every mistake at once.
    """
    settings, warnings = load(StationSettings, path)
    if (doubt := frame_rate.doubt(settings)) is not None:
        warnings.append(f"{path}: {doubt}")
    return settings, warnings
