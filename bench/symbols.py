"""What is printed or shown: QR codes in many a hand, what surrounds them, and what only looks like them.

A sheet is reflectance, 0 black to 255 white, linear.
"""

from typing import NamedTuple

import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from bench.optics import Luma

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
WORDS = ("hadir", "masuk", "kantor", "dinas", "pegawai", "nomor", "tamu", "surat", "pagi", "sore", "ruang", "loket")


class Style(NamedTuple):
    """How a code is drawn; the defaults are what the standard asks for (ISO/IEC 18004)."""

    quiet: float = 4.0
    """The empty border, in modules."""
    dark: int = 8
    light: int = 235
    dots: float = 0.0
    """0: square modules; up to 1: ever smaller round dots."""
    rounded: bool = False
    """Finder patterns with round corners, as designers like them."""
    logo: float = 0.0
    """The side of a picture over the middle, as a share of the code's."""
    spread: float = 0.0
    """How far ink runs beyond a module's edge, in modules; negative: how far it stays short of it."""


def text_of(chance: np.random.Generator, length: int) -> str:
    """Return a text such as codes carry: an address, a pass, a certificate or plain words."""
    letters = "".join(chance.choice(list(BASE45), length))
    match int(chance.integers(0, 4)):
        case 0:
            return f"https://contoh.example/{letters.translate(str.maketrans(' $%*+:', 'abcdef')).lower()}"[:length]
        case 1:
            return f"HC1:{letters}"[:length].strip()
        case 2:
            return " ".join(chance.choice(WORDS, length // 6 + 1))[:length].strip()
    return f"TTK1:{letters}"[:length].strip()


def matrix_of(text: str, error: str) -> NDArray[np.bool_]:
    """Return the modules of *text*, True where dark, without a border."""
    made = segno.make(text, micro=False, error=error, boost_error=False)
    return np.array([[bool(cell) for cell in row] for row in made.matrix])


def drawn(modules: NDArray[np.bool_], style: Style, scale: int, chance: np.random.Generator) -> Luma:
    """Return *modules* as a sheet, *scale* elements a module."""
    count = len(modules)
    cell = np.ones((scale, scale), bool)
    if style.dots:
        axis = (np.arange(scale) + 0.5) / scale - 0.5
        cell = np.hypot(*np.meshgrid(axis, axis)) < 0.72 - 0.34 * style.dots
    ink = np.kron(modules, cell)
    for left, top in ((0, 0), (count - 7, 0), (0, count - 7)):
        place = np.s_[top * scale : (top + 7) * scale, left * scale : (left + 7) * scale]
        ink[place] = (
            _finder(scale, style)
            if style.rounded
            else np.kron(modules[top : top + 7, left : left + 7], np.ones((scale, scale), bool))
        )
    border = round(style.quiet * scale)
    inked = np.pad(ink, border).astype(np.float32)
    if style.spread:
        soft = Image.fromarray((255 * inked).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.3 * scale))
        inked = np.clip((np.asarray(soft, dtype=np.float32) / 255 - 0.5 + style.spread) * 6 + 0.5, 0, 1)
    sheet = style.light + (style.dark - style.light) * inked
    if style.logo:
        _stick(sheet, style, chance)
    finished: Luma = np.clip(sheet + 0.5, 0, 255).astype(np.uint8)
    return finished


def _finder(scale: int, style: Style) -> NDArray[np.bool_]:
    """Return a finder pattern whose corners are round."""
    side = 7 * scale
    image = Image.new("1", (side, side))
    draw = ImageDraw.Draw(image)
    round_ = (1.2 + 1.2 * style.dots) * scale
    for inset, colour in ((0, 1), (1, 0), (2, 1)):
        box = (inset * scale, inset * scale, side - inset * scale - 1, side - inset * scale - 1)
        draw.rounded_rectangle(box, max(1.0, round_ * (1 - 0.35 * inset)), fill=colour)
    return np.asarray(image).copy()


def _stick(sheet: NDArray[np.float32], style: Style, chance: np.random.Generator) -> None:
    """Put a picture over the middle of *sheet*."""
    side = int(len(sheet) * style.logo)
    low = (len(sheet) - side) // 2
    patch = chance.integers(min(style.dark, style.light), max(style.dark, style.light) + 1, (5, 5)).astype(np.uint8)
    picture = Image.fromarray(patch).resize((side, side), Image.Resampling.BICUBIC)
    sheet[low : low + side, low : low + side] = np.asarray(picture)
    margin = max(1, side // 12)
    sheet[low : low + margin, low : low + side] = sheet[low + side - margin : low + side, low : low + side] = (
        style.light
    )


def mounted(code: Luma, margins: tuple[int, int, int, int], paper: int, chance: np.random.Generator) -> Luma:
    """Return *code* on a larger sheet: left, top, right and bottom *margins*, with lines of text above and below."""
    left, top, right, bottom = margins
    image = Image.new("L", (code.shape[1] + left + right, code.shape[0] + top + bottom), paper)
    draw = ImageDraw.Draw(image)
    ink = 25 if paper > 100 else 190  # noqa: PLR2004 - dark print on light, light print on dark
    for low, up in ((0, top), (top + code.shape[0], image.height)):
        line = max(4, int(chance.uniform(0.02, 0.05) * image.width))
        for y in range(low + line, up - line, 2 * line):
            _line_of_text(draw, (line, y, image.width - line), line, ink, chance)
    image.paste(Image.fromarray(code), (left, top))
    return np.asarray(image, dtype=np.uint8).copy()


def _line_of_text(
    draw: ImageDraw.ImageDraw, span: tuple[int, int, int], line: int, ink: int, chance: np.random.Generator
) -> None:
    """Draw something that looks like a line of letters of height *line*."""
    x, y, end = span
    stop = x + (end - x) * chance.uniform(0.3, 1.0)
    stroke = max(1, line // 6)
    while x < stop:
        if chance.random() < 0.8:  # noqa: PLR2004 - letters, and now and then a space
            draw.line((x, y, x, y + line * chance.uniform(0.5, 1)), ink, stroke)
            across = y + line * chance.uniform(0, 1)
            draw.line((x, across, x + line * 0.45, across), ink, stroke)
        x += int(line * chance.uniform(0.5, 0.8)) + 1


def screen(sheet: Luma, pitch: float) -> Luma:
    """Return *sheet* as a screen of stripes shows it, *pitch* of the sheet's elements for each of the screen's."""
    stripes = np.array([0.27, 0.67, 0.06], np.float32)  # what red, green and blue add to brightness, roughly
    across = (np.arange(sheet.shape[1]) / pitch) % 1
    down = (np.arange(sheet.shape[0]) / pitch) % 1
    wide, high = 0.85, 0.88  # of a stripe and of a row: what shines, beside the wires between them
    lit = 3 * stripes[np.minimum((across * 3).astype(int), 2)] * (across * 3 % 1 < wide)
    rows = (down < high).astype(np.float32)
    shown: Luma = np.clip(sheet * lit[None, :] * rows[:, None] * 0.9, 0, 255).astype(np.uint8)
    return shown


def around_a_cylinder(sheet: Luma, arc: float, bow: float) -> Luma:
    """Return *sheet* wrapped on an upright cylinder over *arc* radians and seen from afar, its rows bowed by *bow*."""
    high, wide = sheet.shape
    half = arc / 2
    seen_wide = max(8, int(wide * np.sin(half) / half))
    seen = np.arcsin(np.clip(np.linspace(-1, 1, seen_wide) * np.sin(half), -1, 1))
    columns = np.clip((seen / half + 1) / 2 * (wide - 1), 0, wide - 1)
    low = columns.astype(int)
    part = (columns - low)[None, :]
    flat = sheet[:, low] * (1 - part) + sheet[:, np.minimum(low + 1, wide - 1)] * part
    flat *= (0.25 + 0.75 * np.cos(seen))[None, :]
    lower = (bow * wide * (1 - np.cos(seen)) / arc).astype(int)
    lower -= lower.min()
    bowed = np.full((high + int(lower.max()), seen_wide), 60.0)
    bowed[np.arange(high)[:, None] + lower[None, :], np.arange(seen_wide)[None, :]] = flat
    return bowed.astype(np.uint8)


def cracked(sheet: Luma, force: float, module: float, chance: np.random.Generator) -> Luma:
    """Return *sheet* behind glass cracked from one point: splinters shift what they cover, and their edges shine."""
    high, wide = sheet.shape
    middle = chance.uniform(0.1, 0.9, 2) * (wide, high)
    rays = int(6 + 14 * force)
    angles = np.sort(chance.uniform(-np.pi, np.pi, rays))
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    sector = np.searchsorted(angles, np.arctan2(y - middle[1], x - middle[0])) % rays
    shift = chance.normal(0, 0.35 * force * module, (rays, 2)).astype(np.float32)
    from_x = np.clip(x + shift[sector, 0], 0, wide - 1).astype(int)
    from_y = np.clip(y + shift[sector, 1], 0, high - 1).astype(int)
    image = Image.fromarray(sheet[from_y, from_x])
    draw = ImageDraw.Draw(image)
    for angle in angles:
        _ray(draw, middle, angle, (max(high, wide), module * (0.15 + 0.35 * force)), chance)
    for ring in range(int(1 + 3 * force)):
        radii = (ring + 1) * 0.12 * max(high, wide) * chance.uniform(0.7, 1.3, rays)
        points = [(middle[0] + r * np.cos(a), middle[1] + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)]
        draw.line(points, int(chance.choice((20, 250))), max(1, int(module * 0.25)))
    return np.asarray(image, dtype=np.uint8).copy()


def _ray(
    draw: ImageDraw.ImageDraw,
    start: NDArray[np.float64],
    angle: float,
    size: tuple[float, float],
    chance: np.random.Generator,
) -> None:
    """Draw one crack outwards from *start*, wandering: a bright edge, and its shadow beside it."""
    length, width = size
    point, step = start, length / 12
    for _ in range(int(chance.integers(5, 16))):
        angle += chance.normal(0, 0.15)
        onwards = point + step * np.array([np.cos(angle), np.sin(angle)])
        draw.line([tuple(point + width), tuple(onwards + width)], 15, max(1, int(width)))
        draw.line([tuple(point), tuple(onwards)], 250, max(1, int(width)))
        point = onwards


def worn(sheet: Luma, wear: float, module: float, chance: np.random.Generator) -> Luma:
    """Return *sheet* after a life outdoors: scratches, dirt, a label or two, a corner torn away; *wear* from 0 to 1."""
    image = Image.fromarray(sheet)
    draw = ImageDraw.Draw(image)
    wide, high = image.size
    for _ in range(int(wear * chance.integers(2, 18))):
        ends = [tuple(chance.uniform(0, 1, 2) * (wide, high)) for _ in range(2)]
        draw.line(ends, int(chance.choice((30, 200, 245))), max(1, int(module * chance.uniform(0.1, 0.6))))
    for _ in range(int(wear * chance.integers(0, 14))):
        x, y, radius = *(chance.uniform(0, 1, 2) * (wide, high)), module * chance.uniform(0.3, 1 + 3 * wear)
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius * chance.uniform(0.4, 1)), int(chance.integers(10, 240))
        )
    if chance.random() < 0.4 * wear:
        side = wear * chance.uniform(0.1, 0.35) * wide
        x, y = chance.uniform(0, 1, 2) * (wide - side, high - side / 2)
        draw.rectangle((x, y, x + side, y + side / 2), int(chance.integers(60, 250)))
    if chance.random() < 0.5 * wear:
        cut = wear * chance.uniform(0.1, 0.4) * wide
        corner = [(0.0, 0.0), (cut, 0.0), (0.0, cut * chance.uniform(0.5, 1.5))]
        x, y = chance.integers(0, 2, 2)
        draw.polygon([(abs(x * wide - a), abs(y * high - b)) for a, b in corner], int(chance.integers(20, 160)))
    return np.asarray(image, dtype=np.uint8).copy()


def lookalike(kind: str, scale: int, chance: np.random.Generator) -> Luma:
    """Return a sheet of *kind* that is no QR code: see `LOOKALIKES`."""
    count = int(chance.integers(21, 60))
    cells = chance.random((count, count)) < 0.5  # noqa: PLR2004 - as many dark as light
    match kind:
        case "datamatrix":
            cells[:, 0] = cells[-1] = True
            cells[0] = np.arange(count) % 2 == 0
            cells[:, -1] = np.arange(count) % 2 == 1
        case "aztec":
            middle = np.maximum(*abs(np.mgrid[0:count, 0:count] - count // 2))
            cells = np.where(middle < 9, middle % 2 == 0, cells)  # noqa: PLR2004 - its bull's eye
        case "bars":
            cells = np.repeat((chance.random((1, 95)) < 0.5), 40, axis=0)  # noqa: PLR2004 - as above
        case "squares":
            cells = _three_squares(count, chance, filled=bool(chance.integers(0, 2)))
        case "board":
            step = int(chance.integers(1, 6))
            cells = (np.add.outer(np.arange(count) // step, np.arange(count) // step) % 2).astype(bool)
        case "blinds":
            cells = np.repeat((np.arange(count) % 3 == 0)[:, None], count, axis=1)
        case _:
            return mounted(np.full((4, 30 * scale), 235, np.uint8), (0, 25 * scale, 0, 25 * scale), 235, chance)
    return drawn_plain(cells, scale)


LOOKALIKES = ("page", "datamatrix", "aztec", "bars", "squares", "board", "blinds")


def drawn_plain(cells: NDArray[np.bool_], scale: int) -> Luma:
    """Return *cells* as a sheet with a border, whatever they are."""
    return np.kron(np.where(np.pad(cells, 3), 12, 230), np.ones((scale, scale))).astype(np.uint8)


def _three_squares(count: int, chance: np.random.Generator, *, filled: bool) -> NDArray[np.bool_]:
    """Return what a finder looks for, three times, and chance between them if it is *filled*."""
    cells = (chance.random((count, count)) < 0.5) if filled else np.zeros((count, count), bool)  # noqa: PLR2004 - as above
    ring = np.maximum(*abs(np.mgrid[-4:5, -4:5]))
    square = (ring != 2) & (ring < 4)  # noqa: PLR2004 - 1:1:3:1:1, and its separator
    padded = np.pad(cells, 1)
    for left, top in ((0, 0), (count - 7, 0), (0, count - 7)):
        padded[top : top + 9, left : left + 9] = square
    return padded[1:-1, 1:-1]
