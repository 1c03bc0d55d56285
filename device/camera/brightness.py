"""A picture's brightness, whatever Pillow's form of it: made some rows at a time, for a large one is large enough."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

Luma = NDArray[np.uint8]

AT_ONCE = 1_000_000
"""Picture elements that are converted together."""


def grey(image: Image.Image) -> Luma:
    """Return the brightness of a picture of 8 bits, height x width."""
    return _rows(image, lambda band: np.asarray(band.convert("L")))


def scaled(image: Image.Image) -> Luma:
    """Return a picture of more than 8 bits by its own range: no file says which levels were black and white.

    One whose levels fit into 8 bits is a picture of 8 bits, and is left as it is.
    """
    low, high = np.inf, -np.inf
    for _, band in _bands(image):
        levels = np.asarray(band)
        known = levels[np.isfinite(levels)]
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
    if high < low:
        return np.zeros((image.height, image.width), dtype=np.uint8)
    if not image.mode.startswith("F") and low >= 0 and high <= 255:  # noqa: PLR2004 - a byte's largest
        low, high = 0.0, 255.0
    scale = 255 / (high - low) if high > low else 0.0

    def in_bytes(band: Image.Image) -> NDArray[Any]:
        levels = np.nan_to_num(np.asarray(band, dtype=np.float64), nan=low, posinf=high, neginf=low)
        return np.rint((levels - low) * scale)

    return _rows(image, in_bytes)


def laid_on_white_and_black(image: Image.Image) -> list[Luma]:
    """Return a picture that lets its background through as it is on either, the one with more contrast first.

    Once, where nothing shows through, or where one of the two is even.
    """

    def on_black(band: Image.Image) -> NDArray[Any]:
        seen = band.convert("RGBA")
        return np.asarray(ImageChops.multiply(seen.convert("L"), seen.getchannel("A")))

    def on_white(band: Image.Image) -> NDArray[Any]:
        seen = band.convert("RGBA")
        alpha = seen.getchannel("A")
        return np.asarray(ImageChops.add(ImageChops.multiply(seen.convert("L"), alpha), ImageChops.invert(alpha)))

    if all(band.convert("RGBA").getchannel("A").getextrema() == (255, 255) for _, band in _bands(image)):
        return [grey(image)]
    both = sorted((_rows(image, on_white), _rows(image, on_black)), key=lambda plane: -_contrast(plane))
    return [both[0], *(plane for plane in both[1:] if _contrast(plane) > 0)]


def _rows(image: Image.Image, made: Callable[[Image.Image], NDArray[Any]]) -> Luma:
    """Return what is *made* of a picture some rows at a time, so that no second copy of it is needed."""
    plane = np.empty((image.height, image.width), dtype=np.uint8)
    for top, band in _bands(image):
        plane[top : top + band.height] = made(band)
    return plane


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, AT_ONCE // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _contrast(plane: Luma) -> float:
    step = max(1, min(plane.shape) // 500)
    return float(plane[::step, ::step].std())
