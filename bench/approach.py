"""People who hold up a code: frames of whole showings, as the wall's camera would take them, seeded.

Nobody; then a hand brings a phone or a card along a smooth path, holds it still as far as hands can, and takes it away.
The camera is a Camera Module 3 with its focus set to 17 cm; lengths are millimetres, times seconds.

    for showing in showings(20, seed=1):
        for look in showing.frames: look.luma, look.tick
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import symbols
from bench.hard import surround
from bench.optics import CURVE, READ_NOISE, WELL, CameraMonitor, Luma, Plane, Sheet, corners, lay, through
from bench.symbols import Style

WIDTH, HEIGHT, RATE = 1280, 720, 30
FOCAL, APERTURE, ELEMENT = 4.74, 4.74 / 1.8, 0.0014 * 4608 / WIDTH
"""Camera Module 3: f = 4.74 mm, f/1.8, 4608 elements of 1.4 um across, here averaged to 1280."""
FOCUS = 170.0
SCALE = FOCAL / ELEMENT
"""Picture elements for a radian, or for a millimetre at a millimetre."""
ROWS_TAKE = 0.014
"""How long the sensor takes from its first row to its last."""
LAMP, SCREEN = 100.0, 240.0
"""How often a lamp on 50 Hz, and a screen that is dimmed by pulses, flickers."""


class Look(NamedTuple):
    """One frame, when it was taken, and whether any of the sheet is in it."""

    luma: Luma
    tick: float
    shown: bool = False


class Showing(NamedTuple):
    """One person's text, how it is shown, and what the camera sees of it, to be gone through once."""

    text: str
    kind: str
    frames: Iterator[Look]


class Pose(NamedTuple):
    """Where a sheet is, from the lens: right, down, away; how far it is turned, and leans about which axis."""

    x: float
    y: float
    z: float
    turned: float
    lean: float
    about: float


class Person(NamedTuple):
    """What one person does, and with what."""

    sheet: Sheet
    fine: float
    """The sheet's elements for a millimetre."""
    screen: bool
    far: Pose
    held: Pose
    empty: float
    """How long nobody is there, before and after."""
    comes: float
    stays: float
    goes: float
    tremor: tuple[float, float]
    """How far (standard deviation) and how often a second."""
    sway: float
    bright: float
    exposure: float
    adapts: float
    """The time constant of the exposure control; 0: it is fixed."""
    glare: float
    lamp: tuple[float, float]
    """Where a mirror that faces the lens would show the lamp, in the picture."""
    pulses: float
    """How deep the screen's dimming goes, 0 to 1."""


KINDS = (
    "pass on a phone",
    "pass on a card",
    "certificate on a phone",
    "certificate on paper",
    "dark mode",
    "dim screen",
    "glaring screen",
    "cracked screen",
    "hasty",
)


def showings(count: int, seed: int) -> Iterator[Showing]:
    """Yield *count* showings, the kinds in turn; each is drawn when it is asked for."""
    for number in range(count):
        chance = np.random.default_rng([seed, number, 1])
        kind = KINDS[number % len(KINDS)]
        text = _text(kind, chance)
        yield Showing(text, kind, _filmed(_person(kind, text, chance), chance))


def slow(seed: int) -> Iterator[Showing]:
    """Yield what a gate on differences must not sleep through: a hand that takes 10 s, and a code that fades in."""
    chance = np.random.default_rng([seed, 2])
    text = _text("slow hand", chance)
    person = _person("slow hand", text, chance)._replace(comes=10.0, adapts=0.0)
    yield Showing(text, "slow hand", _filmed(person, chance))
    still = person._replace(far=person.held, comes=0.0, stays=10.0, tremor=(0.0, 8.0), sway=0.0)
    yield Showing(text, "fading in", _filmed(still, chance, fades=True))


def nothing(seed: int, count: int = 60 * RATE, rough: float = 3.0) -> Iterator[Look]:
    """Yield *count* frames of an empty room whose grey noise has a standard deviation of about *rough* levels.

    The lamp flickers, and daylight drifts by a tenth in a minute.
    """
    chance = np.random.default_rng([seed, 3])
    room = Room(chance, (rough / 1.25) ** 2)
    for number in range(count):
        tick = number / RATE
        yield Look(room.look(tick, 1 + 0.1 * np.sin(2 * np.pi * tick / 60), chance), tick)


class Room:
    """What is behind everybody: out of focus, under a lamp that flickers, taken by a sensor at *gain*."""

    def __init__(self, chance: np.random.Generator, gain: float, exposure: float = 0.005) -> None:
        soft = CameraMonitor(disc=_disc(2000.0), soft=0.6)
        self.light: Plane = through(surround((WIDTH, HEIGHT), chance) * np.float32(0.7), soft)
        self._full = WELL / gain
        levels = np.linspace(0, 1, 2048, dtype=np.float32)
        self._curve = (255 * levels**CURVE).astype(np.float32)
        slope = 255 * CURVE * np.maximum(levels, 0.01) ** (CURVE - 1)
        self._rough = (slope * np.sqrt(levels / self._full + (READ_NOISE / self._full) ** 2)).astype(np.float32)
        self._rough[-1] = 0
        self._noise = chance.standard_normal((HEIGHT + 128, WIDTH + 128), dtype=np.float32)
        self._deep = 0.06 * chance.uniform(0, 1) * abs(np.sinc(LAMP * exposure))
        self._picture, self._roughness = self._developed(self.light)

    def _developed(self, light: Plane) -> tuple[Plane, Plane]:
        """Return the picture of *light*, and the standard deviation of its noise, both in grey levels."""
        level = np.minimum(light * 2047, 2047).astype(np.int16)
        return self._curve[level], self._rough[level]

    def lamp(self, tick: float) -> Plane:
        """Return how bright each row's lamp is."""
        rows: Plane = (1 + self._deep * np.cos(2 * np.pi * LAMP * (tick + row_times()))).astype(np.float32)
        return rows

    def look(
        self,
        tick: float,
        level: float,
        chance: np.random.Generator,
        patch: tuple[tuple[slice, slice], Plane] | None = None,
    ) -> Luma:
        """Return a frame at *level* times the usual exposure, with *patch* (where, its light) before the room."""
        down, right = chance.integers(0, 128, 2)
        noise = self._noise[down : down + HEIGHT, right : right + WIDTH]
        picture = self._picture * ((self.lamp(tick) * np.float32(level)) ** np.float32(CURVE))[:, None]
        picture += self._roughness * noise
        if patch is not None:
            where, light = patch
            grey, rough = self._developed(light * np.float32(level))
            picture[where] = grey + rough * noise[where]
        np.clip(picture, 0, 255, out=picture)
        return picture.astype(np.uint8)


def row_times() -> NDArray[np.float64]:
    """Return when each row is taken, after the first."""
    return np.arange(HEIGHT, dtype=np.float64) * (ROWS_TAKE / HEIGHT)


def _disc(away: float) -> float:
    """Return the radius of the circle of confusion, in picture elements, of a thing *away* from the lens.

    Thin lens: diameter = A f / (s - f) * |z - s| / z, s the distance in focus.
    """
    return APERTURE * FOCAL / (FOCUS - FOCAL) * abs(away - FOCUS) / away / ELEMENT / 2


def _text(kind: str, chance: np.random.Generator) -> str:
    """Return a pass of 60 to 220 characters, or a health certificate of 590."""
    length = 590 if "certificate" in kind else int(chance.integers(60, 221))
    letters = "".join(chance.choice(list(symbols.BASE45), length)).replace(" ", "0")
    prefix = "HC1:" if "certificate" in kind else "TTK1:"
    return (prefix + letters)[:length]


def _person(kind: str, text: str, chance: np.random.Generator) -> Person:
    """Return somebody who shows *text*; what is drawn by lot is what people differ in."""
    screen = "card" not in kind and "paper" not in kind
    dense = "certificate" in kind
    side = chance.uniform(42, 62) if screen or dense else chance.uniform(24, 42)
    sheet, fine = _held(kind, text, side, chance)
    near = chance.uniform(120, 250)
    held = Pose(
        chance.normal(0, 12), chance.normal(0, 8), near,
        chance.normal(0, 0.12), abs(chance.normal(0, 0.16)), chance.uniform(-np.pi, np.pi),
    )  # fmt: skip
    from_side = chance.uniform(-1, 1)
    far = Pose(
        held.x + 420 * from_side, held.y + chance.uniform(320, 460), chance.uniform(400, 600),
        held.turned + chance.normal(0, 0.6), held.lean + chance.uniform(0.2, 0.9), held.about,
    )  # fmt: skip
    hasty = kind == "hasty"
    bright = {"dim screen": chance.uniform(0.04, 0.15), "glaring screen": chance.uniform(0.3, 0.8)}
    return Person(
        sheet, fine, screen, far, held,
        empty=chance.uniform(0.3, 0.6),
        comes=chance.uniform(0.35, 0.6) if hasty else chance.uniform(0.5, 1.2),
        stays=chance.uniform(0.3, 0.7) if hasty else chance.uniform(1.0, 2.0),
        goes=chance.uniform(0.3, 0.8),
        tremor=(chance.uniform(0.1, 0.5), chance.uniform(8, 12)),
        sway=chance.uniform(0.5, 4),
        bright=bright.get(kind, chance.uniform(0.4, 2.2)) if screen else chance.uniform(0.5, 0.9),
        exposure=float(np.exp(chance.uniform(np.log(0.004), np.log(0.02)))),
        adapts=float(chance.choice([0.0, chance.uniform(0.1, 0.4)])),
        glare=chance.uniform(0.6, 3) if kind == "glaring screen" else chance.choice([0.0, chance.uniform(0, 0.5)]),
        lamp=_lamp(held, chance),
        pulses=chance.choice([0.0, chance.uniform(0.2, 0.9)]) if screen else 0.0,
    )  # fmt: skip


def _lamp(held: Pose, chance: np.random.Generator) -> tuple[float, float]:
    """Return where a lamp must be so that it is mirrored somewhere near the middle of what is *held*."""
    (x, y), away = _seen_at(held), SCALE * np.tan(held.lean)
    return (
        x + away * np.sin(held.about) + chance.normal(0, 90),
        y - away * np.cos(held.about) + chance.normal(0, 90),
    )


def _held(kind: str, text: str, side: float, chance: np.random.Generator) -> tuple[Sheet, float]:
    """Return the phone or card with *text* on it, fingers and all, and its elements for a millimetre."""
    modules = symbols.matrix_of(text, str(chance.choice(["m", "q"])) if "certificate" not in kind else "q")
    style = Style(quiet=float(chance.choice([2, 4])), dark=8, light=235, spread=chance.normal(0, 0.05))
    if kind == "dark mode":
        style = style._replace(dark=225, light=int(chance.integers(4, 40)), quiet=1.0)
    scale = 4 if "certificate" in kind else 6
    fine = len(modules) * scale / side
    code = symbols.drawn(modules, style, scale, chance)
    beside, above, below = (int(fine * chance.uniform(*span)) for span in ((2, 9), (12, 28), (15, 35)))
    sheet = symbols.mounted(code, (beside, above, beside, below), style.light, chance)
    if kind == "cracked screen":
        sheet = symbols.cracked(sheet, chance.uniform(0.1, 0.6), scale, chance)
    if "card" not in kind and "paper" not in kind:
        sheet = np.pad(sheet, int(3 * fine), constant_values=6)
    high, wide = sheet.shape
    hand = int(14 * fine)
    light = np.pad(sheet, ((0, hand), (hand, hand)), constant_values=70)
    cover = np.pad(np.full(sheet.shape, 255, np.uint8), ((0, hand), (hand, hand)))
    y, x = np.ogrid[0 : high + hand, 0 : wide + 2 * hand]
    for middle, reach in ((0.75, (1.5, 0.16)), (0.55, (0.9, 0.07)), (0.92, (1.2, 0.07))):
        for edge in (0, 1):
            at = hand + edge * wide
            finger = ((x - at) / (hand * reach[0] * 0.6)) ** 2 + ((y - middle * high) / (high * reach[1])) ** 2 < 1
            cover[finger] = 255
            light[finger & ((x < hand) | (x >= hand + wide))] = int(70 + 40 * middle)
    return Sheet(light, cover), fine


def _path(person: Person, tick: float, wander: NDArray[np.float64]) -> Pose:
    """Return where *person* holds the sheet *tick* seconds after the beginning; *wander* are phases by lot."""
    since = tick - person.empty
    leaving = since - person.comes - person.stays
    there = _eased(1 - leaving / person.goes) if leaving > 0 else _eased(since / person.comes if person.comes else 1.0)
    pose = [a + (b - a) * there for a, b in zip(person.far, person.held, strict=True)]
    reach, often = person.tremor
    for axis in range(3):
        pose[axis] += reach * np.sqrt(2) * np.sin(2 * np.pi * often * (1 + 0.1 * axis) * tick + wander[axis])
        pose[axis] += person.sway * np.sin(2 * np.pi * (0.3 + 0.2 * axis) * tick + wander[axis + 3])
    pose[4] = abs(pose[4] + 0.01 * person.sway * np.sin(2 * np.pi * 0.7 * tick + wander[6]))
    return Pose(*pose)


def _eased(share: float) -> float:
    """Return how far a hand has come after *share* of its time: the path of least jerk (Flash and Hogan, 1985)."""
    u = min(1.0, max(0.0, share))
    return u**3 * (10 - 15 * u + 6 * u**2)


def _seen_at(pose: Pose) -> tuple[float, float]:
    return WIDTH / 2 + SCALE * pose.x / pose.z, HEIGHT / 2 + SCALE * pose.y / pose.z


def _filmed(person: Person, chance: np.random.Generator, *, fades: bool = False) -> Iterator[Look]:
    """Yield the frames of *person*'s showing; with *fades* the code's light comes up instead of the hand."""
    gain = float(np.clip(0.02 / person.exposure, 1, 6)) * chance.uniform(0.7, 3)
    room = Room(chance, gain, person.exposure)
    wander = chance.uniform(0, 2 * np.pi, 7)
    level = 1.0
    whole = 2 * person.empty + person.comes + person.stays + person.goes
    for number in range(round(whole * RATE)):
        tick = number / RATE
        since = tick - person.empty
        if not 0 <= since < person.comes + person.stays + (0 if fades else person.goes):
            level += _step(1.0 - level, person)
            yield Look(room.look(tick, level, chance), tick)
            continue
        bright = person.bright * (since / person.stays if fades else 1.0)
        patch, covered = _before(room, person._replace(bright=bright), (tick, wander))
        if patch is not None:
            # The control weighs the middle of the frame: what is bright there darkens everything, and so on.
            wished = 1.0 / (1 + covered * (max(bright, 0.15) / 0.5 - 1))
            level += _step(wished - level, person)
        yield Look(room.look(tick, level, chance, patch), tick, patch is not None)


def _step(off: float, person: Person) -> float:
    """Return how far the exposure moves in one frame towards what it lacks."""
    return off * (1 - float(np.exp(-1 / RATE / person.adapts))) if person.adapts else 0.0


def _before(
    room: Room, person: Person, moment: tuple[float, NDArray[np.float64]]
) -> tuple[tuple[tuple[slice, slice], Plane] | None, float]:
    """Return the part of the frame that the sheet changes and its light, None if none; and the share it covers."""
    tick, wander = moment
    pose = _path(person, tick, wander)
    after = _path(person, tick + person.exposure, wander)
    here, there = _seen_at(pose), _seen_at(after)
    drift = (there[0] - here[0], there[1] - here[1])
    high, wide = person.sheet.light.shape
    per_element = SCALE / pose.z / person.fine
    where = corners(here, (wide * per_element, high * per_element), pose.turned, (pose.lean, pose.about), SCALE)
    lens = CameraMonitor(_disc(pose.z), drift, 0.5)
    edge = int(lens.disc + np.hypot(*drift)) + 4
    left, top = (max(0, int(low) - edge) for low in where.min(axis=0))
    right, bottom = (min(most, int(up) + edge) for most, up in zip((WIDTH, HEIGHT), where.max(axis=0), strict=True))
    if right - left < 8 or bottom - top < 8:  # noqa: PLR2004 - a sliver that nobody sees
        return None, 0.0
    part = np.s_[top:bottom, left:right]
    light = room.light[part] * room.lamp(tick)[top:bottom, None]
    hidden = lay(light, person.sheet, where - np.array([left, top]), person.bright, fine=1)
    if person.pulses:
        deep = person.pulses * np.sinc(SCREEN * person.exposure)
        light *= 1 + hidden * (deep * np.cos(2 * np.pi * SCREEN * (tick + row_times()[top:bottom])))[:, None]
    if person.glare:
        # A mirror shows what is near the lens where its perpendicular meets it, and that moves with its lean.
        away = SCALE * np.tan(pose.lean)
        spot = person.lamp[0] - away * np.sin(pose.about), person.lamp[1] + away * np.cos(pose.about)
        reach = 0.1 * wide * per_element
        across = np.exp(-(((np.arange(left, right) - spot[0]) / reach) ** 2) / 2)
        down = np.exp(-(((np.arange(top, bottom) - spot[1]) / reach) ** 2) / 2)
        light += hidden * (person.glare * np.outer(down, across)).astype(np.float32)
    share = float(hidden.sum()) / (WIDTH * HEIGHT)
    return (part, through(light.astype(np.float32), lens)), min(1.0, 2 * share)
