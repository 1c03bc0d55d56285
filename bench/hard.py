"""Photographs that nobody tuned for: QR codes as people and walls hold them up, and scenes that hold none.

A seeded model in the order of the world: ideal code, material, geometry, light, lens, sensor, the camera's processing.
Of each kind there are easy, hard and hopeless ones; the kinds are those of BoofCV's QR benchmark, and cracked screens.

    for one in photographs(600, seed=1): one.kind, one.texts, one.luma
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bench import symbols
from bench.optics import CameraMonitor, Luma, Plane, Points, Sensor, Sheet, corners, lay, taken, through
from bench.symbols import Style

SIZES = ((1280, 960), (960, 1280), (1280, 720), (1024, 768), (800, 600), (640, 480))
SIZE_SHARES = (0.35, 0.2, 0.15, 0.12, 0.1, 0.08)


class Photograph(NamedTuple):
    """A picture, longest side 1280 at most, and every text that stands in it; any of them is a right answer."""

    kind: str
    texts: tuple[str, ...]
    luma: Luma

    @property
    def text(self) -> str:
        """The first text; "" where there is none."""
        return self.texts[0] if self.texts else ""


class Shot(NamedTuple):
    """Everything that is drawn by lot for one code and one picture; the defaults make an easy one."""

    size: tuple[int, int]
    length: int = 60
    error: str = "m"
    module: float = 5.0
    """Picture elements a module, where it is nearest."""
    style: Style = Style()
    turned: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)
    off: float = 0.6
    """How far from the middle, as a share of the room that is left."""
    codes: int = 1
    wear: float = 0.0
    crack: float = 0.0
    arc: float = 0.0
    bow: float = 0.0
    pitch: float = 0.0
    """The screen's own elements, in picture elements; 0: paper."""
    phone: bool = False
    slope: float = 0.2
    """How unevenly the light falls, in powers of e across the picture."""
    shadows: tuple[float, ...] = ()
    """The light that is left in each."""
    spots: tuple[float, ...] = ()
    """How bright, 1.0 = white paper."""
    panes: tuple[float, ...] = ()
    """Reflections of windows, likewise."""
    lens: CameraMonitor = CameraMonitor()
    sensor: Sensor = Sensor()


def photographs(count: int, seed: int) -> Iterator[Photograph]:
    """Yield *count* pictures of codes, the kinds in turn; the first ones of a longer run are those of a shorter."""
    names = list(KINDS)
    for number in range(count):
        chance = np.random.default_rng([seed, number])
        kind = names[number % len(names)]
        yield _photographed(kind, KINDS[kind](_usual(chance), chance), chance)


def empties(count: int, seed: int) -> Iterator[Photograph]:
    """Yield *count* pictures of the same worlds in which no QR code is; what is read in them is wrong."""
    names = list(KINDS)
    for number in range(count):
        chance = np.random.default_rng([seed, number, 0])
        shot = KINDS[names[int(chance.integers(0, len(names)))]](_usual(chance), chance)
        kind = symbols.LOOKALIKES[number % len(symbols.LOOKALIKES)]
        scale = int(np.clip(2 * shot.module, 4, 16))
        sheets = [symbols.lookalike(kind, scale, chance) for _ in range(min(shot.codes, 4))]
        yield Photograph(kind, (), _picture(shot, [(sheet, scale) for sheet in sheets], chance))


def _usual(chance: np.random.Generator) -> Shot:
    """Return what a person's photograph of a code usually is."""
    size = SIZES[int(chance.choice(len(SIZES), p=SIZE_SHARES))]
    phone = bool(chance.random() < 0.4)  # noqa: PLR2004 - the share of screens
    quality = int(chance.integers(70, 96))
    return Shot(
        size,
        length=int(np.exp(chance.uniform(np.log(12), np.log(220)))),
        error=str(chance.choice(["l", "m", "q", "h"], p=[0.3, 0.4, 0.2, 0.1])),
        module=float(np.exp(chance.uniform(np.log(3.0), np.log(9)))),
        style=Style(
            dark=int(chance.integers(3, 40)), light=int(chance.integers(170, 250)), spread=chance.normal(0, 0.06)
        ),
        turned=chance.normal(0, 0.15),
        tilt=(abs(chance.normal(0, 0.15)), chance.uniform(-np.pi, np.pi)),
        phone=phone,
        slope=chance.uniform(0, 0.5),
        lens=CameraMonitor(disc=abs(chance.normal(0, 0.5)), drift=_drift(abs(chance.normal(0, 0.8)), chance)),
        sensor=Sensor(
            chance.uniform(0.5, 1.0), chance.uniform(1, 6), chance.uniform(0, 0.8), chance.uniform(0, 1.2), quality
        ),
    )


def _drift(length: float, chance: np.random.Generator) -> tuple[float, float]:
    angle = chance.uniform(-np.pi, np.pi)
    return float(length * np.cos(angle)), float(length * np.sin(angle))


def _blurred(shot: Shot, chance: np.random.Generator) -> Shot:
    # Blur is felt in modules; what no reader survives starts near one module's width.
    hard = chance.uniform(0.15, 1.25) * shot.module
    if chance.random() < 0.5:  # noqa: PLR2004 - as often out of focus as moved
        return shot._replace(lens=CameraMonitor(disc=hard * 0.8, drift=_drift(hard * 0.1, chance)))
    return shot._replace(lens=CameraMonitor(disc=hard * 0.1, drift=_drift(hard * 1.3, chance)))


def _bright_spots(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(spots=tuple(chance.uniform(0.3, 6, int(chance.integers(1, 7)))))


def _brightness(shot: Shot, chance: np.random.Generator) -> Shot:
    sensor = shot.sensor
    match int(chance.integers(0, 3)):
        case 0:
            level, gain = float(np.exp(chance.uniform(np.log(0.004), np.log(0.2)))), chance.uniform(1, 8)
            return shot._replace(sensor=sensor._replace(level=level, gain=gain))
        case 1:
            level = float(np.exp(chance.uniform(np.log(1.3), np.log(14))))
            return shot._replace(sensor=sensor._replace(level=level))
    return shot._replace(slope=chance.uniform(1, 4.5))


def _close(shot: Shot, chance: np.random.Generator) -> Shot:
    # `module` is meant to fill the frame here; the code's own count is not known yet, so the share is told negative.
    return shot._replace(
        module=-chance.uniform(0.8, 1.06), off=1.0, turned=chance.normal(0, 0.05), length=shot.length // 2 + 8
    )


def _curved(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(arc=chance.uniform(0.5, 2.9), bow=chance.uniform(-0.5, 0.5), phone=False)


def _damaged(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(wear=chance.uniform(0.2, 1.0), phone=False)


def _glare(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(panes=tuple(chance.uniform(0.1, 2.5, int(chance.integers(1, 3)))))


def _high_version(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(
        length=int(chance.choice([590, int(chance.integers(400, 1400))])),
        error=str(chance.choice(["l", "m", "q"])),
        module=float(np.exp(chance.uniform(np.log(1.6), np.log(7)))),
    )


def _lots(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(
        codes=int(chance.integers(4, 25)), length=min(shot.length, 80), module=chance.uniform(2, 6), phone=False
    )


def _monitor(shot: Shot, chance: np.random.Generator) -> Shot:
    pitch = float(np.exp(chance.uniform(np.log(0.6), np.log(3.2))))
    return shot._replace(pitch=pitch, module=min(shot.module, 6.0), phone=False)


def _nominal(shot: Shot, _chance: np.random.Generator) -> Shot:
    return shot


def _noncompliant(shot: Shot, chance: np.random.Generator) -> Shot:
    style = shot.style
    match int(chance.integers(0, 6)):
        case 0:
            style = style._replace(quiet=chance.uniform(0, 1.5))
        case 1:
            style = style._replace(dark=style.light, light=style.dark)
        case 2:
            style = style._replace(dots=chance.uniform(0.1, 1), rounded=bool(chance.integers(0, 2)))
        case 3:
            shot = shot._replace(error="h")
            style = style._replace(logo=chance.uniform(0.12, 0.4))
        case 4:
            dark = int(chance.integers(20, 170))
            style = style._replace(dark=dark, light=dark + int(chance.integers(12, 80)))
        case _:
            style = style._replace(rounded=True, spread=chance.uniform(-0.25, 0.3))
    return shot._replace(style=style)


def _perspective(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(tilt=(chance.uniform(0.35, 1.22), chance.uniform(-np.pi, np.pi)))


def _rotations(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(
        turned=chance.uniform(-np.pi, np.pi), tilt=(chance.uniform(0, 0.5), chance.uniform(-np.pi, np.pi))
    )


def _shadows(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(shadows=tuple(chance.uniform(0.04, 0.6, int(chance.integers(1, 4)))))


def _noisy(shot: Shot, chance: np.random.Generator) -> Shot:
    gain = float(np.exp(chance.uniform(np.log(12), np.log(500))))
    sensor = Sensor(
        chance.uniform(0.15, 0.7), gain, chance.uniform(0, 1), chance.uniform(0, 2), int(chance.integers(12, 61))
    )
    return shot._replace(sensor=sensor, module=min(shot.module, 6.0))


def _cracked(shot: Shot, chance: np.random.Generator) -> Shot:
    return shot._replace(crack=chance.uniform(0.1, 1.0), phone=True)


KINDS: dict[str, Callable[[Shot, np.random.Generator], Shot]] = {
    "blurred": _blurred,
    "bright spots": _bright_spots,
    "brightness": _brightness,
    "close": _close,
    "cracked": _cracked,
    "curved": _curved,
    "damaged": _damaged,
    "glare": _glare,
    "high version": _high_version,
    "lots": _lots,
    "monitor": _monitor,
    "noisy": _noisy,
    "nominal": _nominal,
    "noncompliant": _noncompliant,
    "perspective": _perspective,
    "rotations": _rotations,
    "shadows": _shadows,
}


def _photographed(kind: str, shot: Shot, chance: np.random.Generator) -> Photograph:
    """Return the picture that *shot* describes."""
    texts = [symbols.text_of(chance, max(6, shot.length + int(chance.integers(-4, 5)))) for _ in range(shot.codes)]
    sheets = []
    for text in texts:
        modules = symbols.matrix_of(text, shot.error)
        across = len(modules) + 2 * shot.style.quiet
        module = shot.module if shot.module > 0 else -shot.module * min(shot.size) / len(modules)
        if shot.module > 0 and shot.codes == 1:
            module = min(module, 0.96 * min(shot.size) / across)
        shot = shot._replace(module=module)
        # A screen's stripes need room in the sheet, or the moiré would be the sheet's instead of the camera's.
        scale = int(
            np.clip(max(2.5 * module, 4 * module / shot.pitch if shot.pitch else 0), 6, 40 if shot.pitch else 24)
        )
        sheets.append((_sheet(shot, symbols.drawn(modules, shot.style, scale, chance), scale, chance), scale))
    return Photograph(kind, tuple(texts), _picture(shot, sheets, chance))


def _sheet(shot: Shot, code: Luma, scale: int, chance: np.random.Generator) -> Luma:
    """Return *code* in its material: worn, bent, on a screen, or on a page or a phone with what stands around it."""
    if shot.wear:
        code = symbols.worn(code, shot.wear, scale, chance)
    if shot.pitch:
        code = symbols.screen(code, shot.pitch * scale / shot.module)
    around = (0.02, 0.5) if shot.phone else (0.0, 0.3)
    margins = [int(len(code) * chance.uniform(*around) * (0.2 if n % 2 == 0 and shot.phone else 1)) for n in range(4)]
    paper = shot.style.light if chance.random() < 0.7 else int(chance.integers(20, 240))  # noqa: PLR2004 - mostly its own ground
    if shot.codes == 1 and not shot.pitch:
        code = symbols.mounted(code, (margins[0], margins[1], margins[2], margins[3]), paper, chance)
    if shot.phone:
        bezel = max(2, int(0.03 * len(code)))
        code = np.pad(code, ((2 * bezel, 3 * bezel), (bezel, bezel)), constant_values=int(chance.integers(2, 20)))
    if shot.crack:
        code = symbols.cracked(code, shot.crack, scale, chance)
    return symbols.around_a_cylinder(code, shot.arc, shot.bow) if shot.arc else code


def _picture(shot: Shot, sheets: list[tuple[Luma, int]], chance: np.random.Generator) -> Luma:
    """Return *sheets*, each with its elements a module, before a surround, lit and taken as *shot* says."""
    plane = surround(shot.size, chance)
    wide, high = shot.size
    module = abs(shot.module) if abs(shot.module) > 1.5 else 6.0  # noqa: PLR2004 - a share of the frame, not a length
    for sheet, centre in zip(sheets, _centres(shot, len(sheets), chance), strict=True):
        size = (sheet[0].shape[1] * module / sheet[1], sheet[0].shape[0] * module / sheet[1])
        if len(sheets) > 1:
            room = 0.9 * min(wide, high) / np.ceil(np.sqrt(len(sheets)))
            size = (size[0] * min(1, room / size[0]), size[1] * min(1, room / size[0]))
        where = corners(centre, size, shot.turned, shot.tilt)
        if len(sheets) == 1:
            where = _kept_in(where, shot, chance)
        lay(plane, Sheet(sheet[0]), where)
    _light(plane, shot, chance)
    return taken(through(plane, shot.lens), shot.sensor, chance)


def _centres(shot: Shot, count: int, chance: np.random.Generator) -> list[tuple[float, float]]:
    """Return where the sheets' middles are: the frame's own for one, a loose grid for many."""
    wide, high = shot.size
    if count == 1:
        return [(wide / 2, high / 2)]
    side = int(np.ceil(np.sqrt(count)))
    cells = [((n % side + 0.5) * wide / side, (n // side + 0.5) * high / side) for n in range(count)]
    return [(x + chance.normal(0, 0.02 * wide / side), y + chance.normal(0, 0.02 * high / side)) for x, y in cells]


def _kept_in(where: Points, shot: Shot, chance: np.random.Generator) -> Points:
    """Return *where* moved off the middle, at most as far as the sheet stays in view (its margins may not)."""
    room = np.maximum(np.array(shot.size) - np.ptp(where, axis=0), 0) / 2
    centre = where.mean(axis=0)
    moved: Points = where - centre + np.array(shot.size) / 2 + room * shot.off * chance.uniform(-1, 1, 2)
    return moved


def surround(size: tuple[int, int], chance: np.random.Generator) -> Plane:  # noqa: C901 - five pictures, one by one
    """Return what is behind the code: print, stripes, bricks, blobs like faces, a room; out of focus or not."""
    wide, high = size
    coarse = Image.fromarray(chance.integers(15, 200, (6, 8), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(coarse)
    match int(chance.integers(0, 5)):
        case 0:
            middle = np.full((2, wide), 200, np.uint8)
            page = symbols.mounted(middle, (0, high // 2, 0, high // 2), 200, chance)
            coarse = Image.fromarray(page).resize(size)
        case 1:
            step, lean = int(chance.integers(6, 60)), float(chance.uniform(-0.5, 0.5)) * high
            for start in range(-high, wide + high, 2 * step):
                draw.line((start, 0, start + lean, high), int(chance.integers(10, 220)), step)
        case 2:
            step = int(chance.integers(16, 70))
            for row in range(0, high, step):
                for left in range(-step * (row // step % 2), wide, 2 * step):
                    draw.rectangle((left, row, left + 2 * step - 4, row + step - 4), int(chance.integers(40, 120)))
        case 3:
            for _ in range(int(chance.integers(3, 12))):
                x, y, r = chance.uniform(0, wide), chance.uniform(0, high), chance.uniform(20, 140)
                draw.ellipse((x - r, y - 1.3 * r, x + r, y + 1.3 * r), int(chance.integers(60, 180)))
                for side in (-0.4, 0.4):
                    draw.ellipse((x + side * r - r / 8, y - r / 3, x + side * r + r / 8, y - r / 6), 20)
        case _:
            for _ in range(30):
                x, y = chance.uniform(-60, wide), chance.uniform(-60, high)
                box = (x, y, x + chance.uniform(10, 300), y + chance.uniform(10, 300))
                draw.rectangle(box, int(chance.integers(5, 230)))
    soft = coarse.filter(ImageFilter.GaussianBlur(float(chance.uniform(0, 3))))
    light: Plane = np.asarray(soft, dtype=np.float32) / np.float32(255)
    return light


def _light(plane: Plane, shot: Shot, chance: np.random.Generator) -> None:
    """Let light fall on *plane*: uneven, shaded, and mirrored in what shines."""
    high, wide = plane.shape
    y, x = np.mgrid[-0.5 : 0.5 : high * 1j, -0.5 : 0.5 : wide * 1j].astype(np.float32)
    angle = chance.uniform(-np.pi, np.pi)
    plane *= np.exp(shot.slope * (x * np.cos(angle) + y * np.sin(angle) - 0.5)).astype(np.float32)
    for left in shot.shadows:
        plane *= 1 - (1 - left) * _shape(shot.size, "shade", chance)
    for bright in shot.panes:
        plane += bright * _shape(shot.size, "pane", chance)
    for bright in shot.spots:
        at, reach = chance.uniform(-0.3, 0.3, 2), chance.uniform(0.01, 0.1)
        plane += bright * np.exp(-(((x - at[0]) ** 2 + (y - at[1]) ** 2 * (high / wide) ** 2) / (2 * reach**2)))


def _shape(size: tuple[int, int], kind: str, chance: np.random.Generator) -> Plane:
    """Return 1 where a shadow (half a plane, a hand, slats) or a mirrored window is, and 0 elsewhere."""
    wide, high = size
    image = Image.new("L", size)
    draw = ImageDraw.Draw(image)
    x, y = chance.uniform(0.25, 0.75) * wide, chance.uniform(0.25, 0.75) * high
    angle = chance.uniform(-np.pi, np.pi)
    on, by = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    at, far = np.array([x, y]), float(wide + high)
    soft = float(np.exp(chance.uniform(np.log(0.5), np.log(25))))
    if kind == "pane":
        w, h = chance.uniform(0.04, 0.3, 2) * wide
        for i in (-1, 1):
            for j in (-1, 1):
                middle = at + on * i * w * 0.53 + by * j * h * 0.53
                pane = [middle + on * a * w / 2 + by * b * h / 2 for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
                draw.polygon([tuple(point) for point in pane], int(chance.integers(150, 256)))
    else:
        match int(chance.integers(0, 3)):
            case 0:
                draw.polygon(
                    [
                        tuple(p)
                        for p in (at - by * far, at + by * far, at + by * far + on * far, at - by * far + on * far)
                    ],
                    255,
                )
            case 1:
                width = chance.uniform(0.02, 0.09) * wide
                for finger in range(4):
                    start = at + by * finger * width * 1.4
                    draw.line([tuple(start), tuple(start + on * far)], 255, int(width))
            case _:
                step = chance.uniform(0.02, 0.12) * wide
                for slat in range(-12, 13):
                    middle = at + on * slat * 2 * step
                    draw.line([tuple(middle - by * far), tuple(middle + by * far)], 255, int(step))
    shape: Plane = np.asarray(image.filter(ImageFilter.GaussianBlur(soft)), dtype=np.float32) / np.float32(255)
    return shape
