"""Pictures as eyes: files and folders, each held before the lens for a while, looped or once."""

from collections.abc import Generator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from device.config import Camera
from device.disk import write_whole
from device.model import Frame
from device.stop import Stop

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".pgm"})
MAX_PIXELS = 50_000_000
"""A picture beyond this is refused before it is unpacked."""


class PictureError(OSError):
    """A file that cannot be read as a picture, in one sentence."""


def luma_of(path: Path) -> NDArray[np.uint8]:
    """Return the brightness of the picture in *path*, height x width; raises `PictureError`."""
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise PictureError(f"{path}: more than {MAX_PIXELS} pixels")
            flat: Image.Image = picture
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                seen = picture.convert("RGBA")
                flat = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
            return np.ascontiguousarray(np.asarray(flat.convert("L"), dtype=np.uint8))
    except (UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError):
        raise PictureError(f"{path}: not a picture that can be read") from None
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror or error}") from None


def save(luma: NDArray[np.uint8], path: Path) -> None:
    """Write *luma* as a PNG, whole, for its owner alone; raises OSError."""
    octets = BytesIO()
    Image.fromarray(luma).save(octets, format="PNG")
    write_whole(path, octets.getvalue())


def luma_of_jpeg(octets: bytes, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the brightness of a JPEG of exactly *size* (width, height), colour never decoded; raises `PictureError`.

    The size is compared before anything is unpacked.
    """
    try:
        with Image.open(BytesIO(octets), formats=("JPEG",)) as picture:
            if picture.size != size:
                raise PictureError(f"a JPEG of {picture.width} x {picture.height} in place of {size[0]} x {size[1]}")
            picture.draft("L", None)
            return np.asarray(picture.convert("L"), dtype=np.uint8)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        ValueError,
        SyntaxError,
    ):
        raise PictureError("not a JPEG that can be read") from None
    except OSError as error:  # a PictureError among them, and Pillow's own word for a truncated file
        raise PictureError(str(error)) from None


def listed(paths: tuple[Path, ...]) -> list[Path]:
    """Return the files of *paths*, folders in order of name; raises `PictureError` where there are none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS)
        else:
            found.append(path)
    if not found:
        raise PictureError(f"no pictures in {', '.join(str(path) for path in paths)}")
    return found


def frames(camera: Camera, stop: Stop) -> Generator[Frame, None, None]:
    """Yield frames of the pictures at the camera's pace; ends after the last one unless they loop.

    Folders are read again on every round, so that pictures may come and go.
    """
    width, height = camera.size
    nothing = np.full((height, width), 200, dtype=np.uint8)
    interval = 1 / camera.fps
    due = monotonic()
    while True:
        for path in listed(camera.pictures):
            luma = luma_of(path)
            held, empty = max(1, round(camera.hold * camera.fps)), round(camera.gap * camera.fps)
            for shown, times in ((luma, held), (nothing, empty)):
                for _ in range(times):
                    if stop.wait(max(0.0, due - monotonic())):
                        return
                    due = max(due + interval, monotonic() - interval)
                    yield Frame(shown, datetime.now(UTC), monotonic())
        if not camera.loop:
            return
