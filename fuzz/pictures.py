"""Hostile pictures: symbols of raw segments in every bad light, and picture files that are not what they say."""

from io import BytesIO
from typing import Final, NamedTuple

import numpy as np
import segno
from PIL import Image, ImageFilter

from fuzz.symbols import Chance, Luma, drawn, symbol

TEXTS: Final = ("HALO", "HC1:6BF" + "A" * 300, "https://contoh.example/menu", "\x00\x01", "é漢😀", "1" * 200)
FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM")
MODES: Final = ("L", "RGB", "1", "P", "RGBA", "LA", "CMYK", "I;16")


class File(NamedTuple):
    """A file's name and bytes."""

    name: str
    octets: bytes


def picture(chance: Chance) -> Luma:
    """Return a picture: some codes on some ground, turned, bent, blurred, cut; or none; or hardly a picture."""
    match int(chance.integers(12)):
        case 0:
            return chance.integers(0, 256, tuple(chance.integers(1, 200, 2)), dtype=np.uint8)
        case 1:
            long, short = int(chance.integers(100, 3000)), int(chance.integers(1, 12))
            return chance.integers(0, 256, (long, short) if chance.random() < 0.5 else (short, long), dtype=np.uint8)
    sheet = Image.fromarray(_ground(chance))
    for _ in range(int(chance.integers(1, 4))):
        _lay(sheet, _code(chance), chance)
    for change in chance.permutation(5)[: max(0, int(chance.integers(-2, 4)))]:
        sheet = _worse(sheet, int(change), chance)
    luma = np.array(sheet, dtype=np.uint8)
    return ~luma if chance.random() < 0.15 else luma


def _ground(chance: Chance) -> Luma:
    size = tuple(int(side) for side in chance.integers(*((40, 300) if chance.random() < 0.3 else (300, 640)), 2))
    match int(chance.integers(7)):
        case 0:
            return np.full(size, chance.integers(256), np.uint8)
        case 1:
            return chance.integers(0, 256, size, dtype=np.uint8)
        case 2:
            slope = np.add.outer(np.arange(size[0]), np.arange(size[1]))
            return (slope * int(chance.integers(1, 9)) // 7 % 256).astype(np.uint8)
    return np.full(size, 235, np.uint8)


def _code(chance: Chance) -> Image.Image:
    scale, border = int(chance.integers(2, 9)), int(chance.choice((0, 1, 2, 4, 4, 4)))
    if chance.random() < 0.5:
        cells = symbol(chance)
    else:
        made = segno.make(TEXTS[int(chance.integers(len(TEXTS)))], micro=False, error="l")
        cells = np.array([list(row) for row in made.matrix]) == 1
    if chance.random() < 0.2:
        cells = cells ^ (chance.random(cells.shape) < chance.uniform(0, 0.2))
    return Image.fromarray(drawn(cells, scale, border))


def _lay(sheet: Image.Image, code: Image.Image, chance: Chance) -> None:
    if chance.random() < 0.3:
        code = code.resize([max(1, int(side * chance.uniform(0.4, 1.4))) for side in code.size])
    mask = Image.new("1", code.size, 1)
    if chance.random() < 0.6:
        angle = float(chance.uniform(0, 360))
        code, mask = code.rotate(angle, expand=True), mask.rotate(angle, expand=True)
    within = chance.random() < 0.7
    left, top = (
        int(chance.integers(0, max(1, side - own)) if within else chance.integers(-side // 3 - 1, side))
        for side, own in zip(sheet.size, code.size, strict=True)
    )
    sheet.paste(code, (left, top), mask)


def _worse(sheet: Image.Image, change: int, chance: Chance) -> Image.Image:
    match change:
        case 0:
            return sheet.filter(ImageFilter.GaussianBlur(float(chance.uniform(0, 4))))
        case 1:
            luma = np.asarray(sheet) + chance.normal(0, chance.uniform(1, 60), (sheet.height, sheet.width))
            return Image.fromarray(np.clip(luma, 0, 255).astype(np.uint8))
        case 2:
            left, top = (int(chance.integers(0, side)) for side in sheet.size)
            return sheet.crop(
                (left, top, *(int(chance.integers(a, b)) + 1 for a, b in ((left, sheet.width), (top, sheet.height))))
            )
        case 3:
            low, high = sorted(int(level) for level in chance.integers(0, 256, 2))
            return sheet.point([low + (high - low) * level // 255 for level in range(256)])
    corners = [float(value) for value in chance.uniform(-0.3, 0.3, 8)]
    width, height = sheet.size
    bent = (
        1 + corners[0], corners[1], corners[2] * width, corners[3], 1 + corners[4], corners[5] * height,
        corners[6] / width, corners[7] / height,
    )  # fmt: skip
    return sheet.transform(sheet.size, Image.Transform.PERSPECTIVE, bent, fillcolor=128)


def file(chance: Chance) -> File:
    """Return a picture file, sound or broken: cut, with bytes changed, with another's name, or of dice."""
    kind = FORMATS[int(chance.integers(len(FORMATS)))]
    if chance.random() < 0.05:
        return File(f"x.{kind.lower()}", chance.bytes(int(chance.integers(0, 500))))
    octets = bytearray(_saved(Image.fromarray(picture(chance)), kind, chance))
    match int(chance.integers(6)):
        case 0:
            del octets[int(chance.integers(0, len(octets))) :]
        case 1:
            for at in chance.integers(0, len(octets), int(chance.integers(1, 9))):
                octets[at] = int(chance.integers(256))
        case 2:
            for at in chance.integers(0, min(len(octets), 64), int(chance.integers(1, 5))):
                octets[at] = int(chance.choice((0, 1, 127, 128, 255)))
        case 3:
            first, last = sorted(int(at) for at in chance.integers(0, len(octets), 2))
            octets[first:first] = octets[first:last]
        case 4:
            kind = FORMATS[int(chance.integers(len(FORMATS)))]
    return File(f"x.{kind.lower()}", bytes(octets))


def _saved(image: Image.Image, kind: str, chance: Chance) -> bytes:
    """Return the file of *image* in some mode that *kind* knows."""
    for mode in (MODES[int(chance.integers(len(MODES)))], "L", "RGB"):
        out = BytesIO()
        try:
            (image if mode == "L" else image.convert(mode)).save(out, format=kind)
        except (OSError, ValueError):  # this format has no such mode, or this mode no such format
            continue
        return out.getvalue()
    return b""
