"""The codes on a picture that lies in a file: every frame of it is looked at, and each text is told once."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from device.camera.brightness import Luma
from device.camera.pictures import PictureError, lumas_of
from device.scanner import read_still


class Still(NamedTuple):
    """What a picture's file gave."""

    texts: tuple[str, ...]
    frames: int
    """Frames that were looked at; with none of them, *wrong* says why."""
    read_ms: float
    """What looking at them took, without the unpacking."""
    wrong: PictureError | None
    """What was not looked at: all, the rest after an error, or, a `pictures.PartlyReadError`, what was too much."""


def read_file(path: Path, read: Callable[[Luma], list[str]] = read_still) -> Still:
    """Return the codes on the picture in *path*, in the order of its frames."""
    texts: dict[str, None] = {}
    frames, took = 0, 0.0
    wrong: PictureError | None = None
    try:
        for luma in lumas_of(path):
            began = perf_counter()
            texts |= dict.fromkeys(read(luma))
            took += perf_counter() - began
            frames += 1
    except PictureError as error:
        wrong = error
    return Still(tuple(texts), frames, 1000 * took, wrong)
