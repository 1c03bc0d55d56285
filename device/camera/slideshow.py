"""Pictures as eyes: files and folders, each held before the lens for a while, looped or once."""

import logging
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import numpy as np

from device.camera.brightness import Luma
from device.camera.pictures import PictureError, left_out, listed, luma_of, told_of
from device.config import CameraSettings
from device.model import Frame
from device.system.stop import Stop

log = logging.getLogger(__name__)


class Slideshow:
    """Shows the pictures; what cannot be shown is said once for each file and reason, and passed over.

    It remembers what it said from one opening to the next.
    """

    def __init__(self) -> None:
        self._said: dict[Path, tuple[str, tuple[int, ...]]] = {}
        self._left_out: list[Path] = []

    def frames(self, camera: CameraSettings, stop: Stop) -> Generator[Frame, None, None]:
        """Yield frames of the pictures at the camera's pace; ends after the last one unless they loop.

        Folders are read again on every round, so that pictures may come and go. Raises `PictureError` after a round
        without one that can be shown.
        """
        width, height = camera.size
        nothing = np.full((height, width), 200, dtype=np.uint8)
        interval = 1 / camera.fps
        held, empty = max(1, round(camera.hold * camera.fps)), round(camera.gap * camera.fps)
        due = monotonic()
        while True:
            shown = False
            files = self._listed(camera.pictures)
            for path in files:
                if stop.is_set():
                    return
                luma = self._look(path)
                if luma is None:
                    continue
                shown = True
                for view, times in ((luma, held), (nothing, empty)):
                    for _ in range(times):
                        if stop.wait(max(0.0, due - monotonic())):
                            return
                        due = max(due + interval, monotonic() - interval)
                        yield Frame(view, datetime.now(UTC), monotonic())
            if not shown:
                raise PictureError(self._why(files))
            if not camera.loop:
                return

    def _listed(self, paths: tuple[Path, ...]) -> list[Path]:
        """Return the files to show, and say what else the folders hold whenever that is something new."""
        out = left_out(paths)
        if out != self._left_out:
            self._left_out = out
            if (sentence := told_of(out)) is not None:
                log.warning("%s", _plain(sentence))
        files = listed(paths)
        self._said = {path: self._said[path] for path in files if path in self._said}
        return files

    def _look(self, path: Path) -> Luma | None:
        """Return the picture in *path*; ``None`` once it is said why there is none."""
        try:
            luma = luma_of(path)
        except PictureError as error:
            said = (str(error), _state(path))
            if self._said.get(path) != said:
                self._said[path] = said
                log.warning("passed over: %s", _plain(str(error)))
            return None
        self._said.pop(path, None)
        return luma

    def _why(self, files: list[Path]) -> str:
        first = self._said[files[0]][0]
        return first if len(files) == 1 else f"none of {len(files)} pictures can be shown; the first: {first}"


def _plain(sentence: str) -> str:
    """Return *sentence* as text: a path may hold bytes that are none."""
    return sentence.encode("utf-8", "backslashreplace").decode()


def _state(path: Path) -> tuple[int, ...]:
    """Return what tells a file from what it was before; nothing where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
