"""From a lit world to a camera's picture: geometry, lens, sensor and the camera's own processing, in that order.

A plane is light, linear, 1.0 = white paper under the room's own lamps; a picture is what JPEG left of it.
Light adds up linearly, so blur and shadow happen before the curve that a camera puts on its pictures.
"""

from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Plane = NDArray[np.float32]
Luma = NDArray[np.uint8]
Points = NDArray[np.float64]

WELL = 10_000.0
"""Electrons that fill one picture element at gain 1: a small sensor's, several of its elements averaged."""
READ_NOISE = 4.0
"""Electrons, at any gain."""
CURVE = 1 / 2.2
SUPERSAMPLED = 2
"""Samples along each side of a picture element, averaged as the element's own area does."""


class CameraMonitor(NamedTuple):
    """What blurs: all lengths in picture elements."""

    disc: float = 0.0
    """Radius of the circle of confusion."""
    drift: tuple[float, float] = (0.0, 0.0)
    """How far the picture moves while the shutter is open."""
    soft: float = 0.5
    """Standard deviation of the lens's own softness."""


class Sensor(NamedTuple):
    """What a camera makes of the light."""

    level: float = 0.8
    """What white paper comes to, 1.0 = saturated."""
    gain: float = 1.0
    smear: float = 0.3
    """How much of the noise, and of what looks like it, the camera smooths away."""
    sharpen: float = 0.6
    quality: int = 90
    """JPEG's; 100 and above: no JPEG."""


def homography(seen: Points, source: Points) -> list[float]:
    """Return the eight numbers that lead from four *seen* points to their *source* points, as Pillow takes them."""
    rows = []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved: list[float] = np.linalg.solve(np.array(rows), source.reshape(8)).tolist()
    return solved


def corners(
    centre: tuple[float, float],
    size: tuple[float, float],
    turned: float,
    tilt: tuple[float, float],
    away: float | None = None,
) -> Points:
    """Return where the corners of a sheet of *size* are seen, clockwise from its upper left; angles in radians.

    *tilt* is how far and about which axis it leans; *away*, in picture elements at the sheet, is the focal length.
    Without it the sheet is seen from 2.2 of its longer sides: a hand's distance.
    """
    wide, high = size
    flat = np.array([[-wide, -high, 0], [wide, -high, 0], [wide, high, 0], [-wide, high, 0]]) / 2
    lean, about = tilt
    turn, axis = _about_z(turned), _about_z(about)
    leaning = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
    there = flat @ turn.T @ axis @ leaning.T @ axis.T
    away = 2.2 * max(size) if away is None else away
    seen: Points = there[:, :2] * (away / (away + there[:, 2:])) + np.array(centre)
    return seen


def _about_z(angle: float) -> Points:
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


class Sheet(NamedTuple):
    """Something flat: its brightness, 0 to 255 for none to white paper, and where it is at all."""

    light: Luma
    cover: Luma | None = None
    """255 where it hides what is behind it; without it, everywhere."""


def lay(plane: Plane, sheet: Sheet, where: Points, bright: float = 1.0, fine: int = SUPERSAMPLED) -> Plane:
    """Lay *sheet* on *plane* so that its corners come to *where*, lost where that is outside; return what it hides.

    It is *bright* times as bright as it says, and sampled *fine* times along a picture element.
    """
    high, wide = plane.shape
    hidden = np.zeros(plane.shape, np.float32)
    left, top = (max(0, int(low) - 1) for low in where.min(axis=0))
    right, bottom = (min(most, int(up) + 2) for most, up in zip((wide, high), where.max(axis=0), strict=True))
    if right <= left or bottom <= top:
        return hidden
    picture = Image.fromarray(sheet.light)
    cover = Image.new("L", picture.size, 255) if sheet.cover is None else Image.fromarray(sheet.cover)
    sides = np.linalg.norm(where - np.roll(where, 1, axis=0), axis=1) * fine
    shrink = int(min(picture.width / max(sides[1], sides[3]), picture.height / max(sides[0], sides[2])))
    if shrink > 1:
        picture, cover = picture.reduce(shrink), cover.reduce(shrink)
    seen = (where - np.array([left, top])) * fine
    edges = np.array([[0, 0], [picture.width, 0], [picture.width, picture.height], [0, picture.height]], dtype=float)
    size, way = ((right - left) * fine, (bottom - top) * fine), homography(seen, edges)
    perspective = Image.Transform.PERSPECTIVE
    light = picture.transform(size, perspective, way, Image.Resampling.BILINEAR).reduce(fine)
    share = cover.transform(size, perspective, way, Image.Resampling.NEAREST).reduce(fine)
    part = plane[top:bottom, left:right]
    opaque = np.asarray(share, dtype=np.float32) / np.float32(255)
    part *= 1 - opaque
    # Beyond its edge the sheet was filled with nothing, so there its light is already weighed by its share.
    weight = np.minimum(1, opaque * 2) if sheet.cover is None else opaque
    part += np.asarray(light, dtype=np.float32) / np.float32(255) * weight * np.float32(bright)
    hidden[top:bottom, left:right] = opaque
    return hidden


def through(plane: Plane, lens: CameraMonitor) -> Plane:
    """Return *plane* as *lens* lays it on the sensor."""
    drift = float(np.hypot(*lens.drift))
    if max(lens.disc, drift, lens.soft) < 0.05:  # noqa: PLR2004 - below any effect
        return plane
    reach = int(np.ceil(lens.disc + drift / 2 + 3 * lens.soft)) + 1
    spread = np.pad(plane, reach, mode="edge")
    high, wide = (_quick(side) for side in spread.shape)
    kernel = np.zeros((high, wide), np.float32)
    small = point_spread(lens, reach)
    kernel[: 2 * reach + 1, : 2 * reach + 1] = small
    kernel = np.roll(kernel, (-reach, -reach), axis=(0, 1))
    spectrum = np.fft.rfft2(spread, s=(high, wide)) * np.fft.rfft2(kernel)
    blurred = np.fft.irfft2(spectrum, s=(high, wide))[reach:-reach, reach:-reach]
    kept: Plane = np.maximum(blurred[: plane.shape[0], : plane.shape[1]], 0).astype(np.float32)
    return kept


def _quick(side: int) -> int:
    """Return the next size that a Fourier transform is quick at."""
    return -(-side // 64) * 64


def point_spread(lens: CameraMonitor, reach: int) -> Plane:
    """Return what *lens* makes of one point, from -reach to reach both ways; it sums to 1."""
    fine = 4
    axis = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    x, y = np.meshgrid(axis, axis)
    if lens.disc:
        spread = np.clip((lens.disc - np.hypot(x, y)) * fine + 0.5, 0, 1)
        if spread.sum() == 0:
            spread = (np.hypot(x, y) <= 1 / fine).astype(float)
    else:
        spread = (np.maximum(abs(x), abs(y)) < 1 / fine).astype(float)
    soft = np.exp(-0.5 * (axis / max(lens.soft, 0.1)) ** 2)
    shape = (len(axis), len(axis))
    spectrum = np.fft.rfft2(spread) * np.fft.rfft2(np.fft.ifftshift(np.outer(soft, soft)))
    steps = max(1, int(np.hypot(*lens.drift) * 2))
    path = np.linspace(-0.5, 0.5, steps) if steps > 1 else np.zeros(1)
    smeared = np.zeros(shape)
    cells = np.rint(path[:, None] * np.array(lens.drift) * fine).astype(int)
    for dx, dy in cells % len(axis):
        smeared[dy, dx] += 1
    whole = np.fft.irfft2(spectrum * np.fft.rfft2(smeared), s=shape)
    coarse: Plane = whole.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).sum(axis=(1, 3)).astype(np.float32)
    positive = np.maximum(coarse, 0)
    kept: Plane = positive / positive.sum()
    return kept


def taken(light: Plane, sensor: Sensor, chance: np.random.Generator) -> Luma:
    """Return the picture that *sensor* takes of *light*."""
    full = WELL / sensor.gain
    electrons = np.clip(light * sensor.level, 0, 4) * full
    noise = chance.standard_normal(light.shape, dtype=np.float32)
    electrons += noise * np.sqrt(electrons + READ_NOISE**2)
    picture = np.clip(electrons / full, 0, 1) ** CURVE
    if sensor.smear:
        picture = _smoothed(picture, sensor)
    image = Image.fromarray((255 * picture + 0.5).astype(np.uint8))
    if sensor.sharpen:
        image = image.filter(ImageFilter.UnsharpMask(1.2, int(100 * sensor.sharpen), 2))
    if sensor.quality < 100:  # noqa: PLR2004 - the field says so
        file = BytesIO()
        image.save(file, "JPEG", quality=sensor.quality)
        with Image.open(file) as stored:
            return np.asarray(stored.convert("L"), dtype=np.uint8).copy()
    return np.asarray(image, dtype=np.uint8).copy()


def _smoothed(picture: Plane, sensor: Sensor) -> Plane:
    """Return *picture* with what differs little from its neighbours drawn to them: a cheap camera's denoising."""
    reach = 1 if sensor.gain < 8 else 2  # noqa: PLR2004 - where cameras take the wider one
    eight = Image.fromarray((255 * picture).astype(np.uint8)).filter(ImageFilter.BoxBlur(reach))
    around = np.asarray(eight, dtype=np.float32) / 255
    expected = 0.6 * np.sqrt(sensor.gain / WELL) + 0.004
    apart = picture - around
    smoothed: Plane = picture - sensor.smear * apart * np.exp(-((apart / (3 * expected)) ** 2))
    return smoothed
