"""Frames as a wall's camera gives them: seeded, 1280 x 720, brightness and the colours it came from."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image, ImageFilter

WIDTH, HEIGHT = 1280, 720


class Scene(NamedTuple):
    """One frame twice: as our eye hands it on, and as most projects ask their camera for it."""

    luma: NDArray[np.uint8]
    colour: NDArray[np.uint8]


def of(picture: Image.Image) -> Scene:
    """Return *picture* as a scene."""
    colour = np.ascontiguousarray(np.asarray(picture.convert("RGB"), dtype=np.uint8))
    return Scene(np.ascontiguousarray(np.asarray(picture.convert("L"), dtype=np.uint8)), colour)


def background(chance: np.random.Generator) -> Image.Image:
    """Return a room out of focus: soft blobs of light, some edges, a little sensor noise."""
    coarse = chance.integers(40, 200, (9, 16, 3), dtype=np.uint8)
    room = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    pixels = np.asarray(room, dtype=np.int16)
    for _ in range(6):
        left, top = int(chance.integers(0, WIDTH - 200)), int(chance.integers(0, HEIGHT - 200))
        wide, high = int(chance.integers(40, 200)), int(chance.integers(40, 200))
        pixels = pixels.copy()
        pixels[top : top + high, left : left + wide] += int(chance.integers(-60, 60))
    noise = chance.normal(0, 3, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def held_up(text: str, chance: np.random.Generator) -> Image.Image:
    """Return a background with a phone before it that shows *text*, a little turned and a little soft."""
    matrix = np.array(list(segno.make(text, micro=False, error="m", boost_error=False).matrix_iter(border=4)))
    share = float(chance.uniform(0.35, 0.7))
    side = int(HEIGHT * share)
    code = Image.fromarray(np.where(matrix > 0, 25, 225).astype(np.uint8)).resize((side, side), Image.Resampling.BOX)
    code = code.convert("RGBA").rotate(float(chance.uniform(-12, 12)), Image.Resampling.BICUBIC, expand=True)
    scene = background(chance).convert("RGBA")
    left, top = int(chance.integers(0, WIDTH - code.width)), int(chance.integers(0, max(1, HEIGHT - code.height)))
    scene.alpha_composite(code, (left, top))
    return scene.convert("RGB").filter(ImageFilter.GaussianBlur(float(chance.uniform(0, 1.2))))


def from_folder(folder: Path) -> Iterator[Scene]:
    """Yield the pictures of *folder* that are pictures, each fitted into a camera's frame."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in {".png", ".webp", ".jpg", ".jpeg"}:
            with Image.open(path) as picture:
                yield of(picture.convert("RGBA").convert("RGB").resize((WIDTH, HEIGHT)))
