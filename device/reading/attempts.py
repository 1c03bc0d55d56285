"""The reading chain: attempts from cheap to dear, each a picture made anew and a reader that looks at it.

What is raised in an attempt is contained there: it is an attempt that read nothing, whoever looks.

An attempt sees the whole picture, or, once a reader has found a symbol that it could not read, that symbol's
surroundings alone: a few per cent of the picture, where even dear attempts are cheap.
"""

from collections.abc import Callable, Collection
from functools import cached_property, partial
from math import ceil
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from device.reading.decoders import (
    ZBAR,
    ZXING,
    Code,
    Corners,
    Luma,
    Reading,
    zbar,
    zxing,
    zxing_global,
    zxing_middle,
    zxing_quick,
)
from device.system.contained import Contained

SMALLEST = 8
"""Picture elements of a side below which there is nothing to look at."""
MARGIN = 0.15
"""Of a suspect's side, looked at around it: its quiet zone, and what the guess of its corners left out."""


LARGER = 2.0
"""Times that a picture is enlarged at most: there is no more in it, and it costs the square."""


class Picture:
    """A picture's brightness, and smaller copies that several attempts share."""

    def __init__(self, luma: Luma) -> None:
        self.luma = luma

    @cached_property
    def image(self) -> Image.Image:
        """The same for Pillow."""
        return Image.fromarray(self.luma)

    def smaller(self, factor: int) -> Luma:
        """Return a copy whose sides are *factor* times smaller."""
        return np.asarray(self.image.reduce(factor))

    @cached_property
    def half(self) -> Image.Image:
        """Means of four: less noise, less blur, a quarter of the work."""
        return self.image.reduce(2)


class Attempt(NamedTuple):
    """One way to look; *dear* attempts are taken only where a code is suspected."""

    name: str
    prepare: Callable[[Picture], Luma]
    reader: Callable[[Luma], Reading]
    scale: int = 1
    """How many times smaller it makes a whole picture; what it adds around is as wide on every side."""
    dear: bool = False

    @property
    def library(self) -> str:
        """Whose code looks: a name of `device.reading.decoders`."""
        return ZBAR if self.reader is zbar else ZXING


class Mark(Protocol):
    """Where it stands which reader is at work, for a reader that takes the process along."""

    def enter(self, library: str) -> None:
        """Write down that *library* begins to look."""

    def leave(self) -> None:
        """Write down that nobody looks."""


class Unmarked:
    """A mark that nobody will read."""

    def enter(self, library: str) -> None:
        """Do nothing."""

    def leave(self) -> None:
        """Do nothing."""


class ReaderGuard(NamedTuple):
    """What stands around each attempt: what contains its exceptions, and the mark of who is at work."""

    contained: Contained
    mark: Mark

    def read(self, attempt: Attempt, made: Luma) -> Reading:
        """Return what *attempt*'s reader sees on what the attempt made."""
        self.mark.enter(attempt.library)
        try:
            return attempt.reader(made)
        finally:
            self.mark.leave()


ALONE = ReaderGuard(Contained(), Unmarked())
"""The ward of a command that looks at a few pictures."""

_CURVES = {power: [round(255 * (level / 255) ** power) for level in range(256)] for power in (0.3, 2.0)}
"""Below 1 the dark half of the scale is spread out, above 1 the bright one."""


def _plane(image: Image.Image) -> Luma:
    return np.asarray(image)


def _as_it_is(picture: Picture) -> Luma:
    return picture.luma


def _inverted(picture: Picture) -> Luma:
    return ~picture.luma


def _bright_spread(picture: Picture) -> Luma:
    return _plane(picture.image.point(_CURVES[2.0]))


def _softened(picture: Picture) -> Luma:
    return _plane(picture.image.filter(ImageFilter.BoxBlur(1)))


def _half(picture: Picture) -> Luma:
    return _plane(picture.half)


def _half_spread(power: float, picture: Picture) -> Luma:
    return _plane(picture.half.point(_CURVES[power]))


def _half_softened(picture: Picture) -> Luma:
    return _plane(picture.half.filter(ImageFilter.BoxBlur(1)))


def _half_local(picture: Picture) -> Luma:
    """Return how much brighter than its surroundings each place is, about 127: a threshold that follows shadows."""
    return _plane(ImageChops.subtract(picture.half, picture.half.filter(ImageFilter.BoxBlur(5)), 1, 132))


def _framed_third(picture: Picture) -> Luma:
    """Return a third of the size in a white frame: a quiet zone for a code that fills the view."""
    return _plane(ImageOps.expand(picture.image.reduce(3), max(picture.luma.shape) // 30, 255))


def _to(longest: int, picture: Picture) -> Image.Image:
    """Return *picture* enlarged, or reduced, until its longer side is *longest*."""
    scale = min(LARGER, longest / max(picture.image.size))
    width, height = (max(SMALLEST, round(side * scale)) for side in picture.image.size)
    return picture.image.resize((width, height), Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX)


def _spread_at(longest: int, picture: Picture) -> Luma:
    return _plane(_to(longest, picture).point(_CURVES[2.0]))


def _sharpened_at(longest: int, radius: float, per_cent: int, picture: Picture) -> Luma:
    return _plane(_to(longest, picture).filter(ImageFilter.UnsharpMask(radius, per_cent, 0)))


FIRST = Attempt("as it is", _as_it_is, zxing)
"""What looks at every picture."""

WHOLE: tuple[Attempt, ...] = (
    Attempt("one threshold", _as_it_is, zxing_global),
    Attempt("half", _half, zxing_quick, 2),
    Attempt("third, framed", _framed_third, zxing_global, 3),
    Attempt("half, dark spread", partial(_half_spread, 0.3), zxing_global, 2),
    Attempt("half, bright spread", partial(_half_spread, 2.0), zxing_global, 2),
    Attempt("half, softened", _half_softened, zxing_quick, 2),
    Attempt("half, local threshold", _half_local, zxing_middle, 2),
    Attempt("bright spread", _bright_spread, zxing_quick),
    Attempt("by zbar", _as_it_is, zbar, dear=True),
)
"""Attempts over the whole picture, in the order of what each adds for its cost."""

CLOSE: tuple[Attempt, ...] = (
    Attempt("close, bright spread", _bright_spread, zxing),
    Attempt("close, softened", _softened, zxing_global),
    Attempt("close, sharpened at 300", partial(_sharpened_at, 300, 4, 300), zxing_quick),
    Attempt("close, softened, by zbar", _softened, zbar),
    Attempt("close, bright spread at 500", partial(_spread_at, 500), zxing_quick),
)
"""Attempts over a suspect's surroundings, likewise."""


class Chain(NamedTuple):
    """The attempts of the readers in use."""

    first: Attempt
    """What looks at every picture."""
    whole: tuple[Attempt, ...]
    close: tuple[Attempt, ...]

    @classmethod
    def without(cls, left_out: Collection[str]) -> "Chain":
        """Return the chain for when readers are *left_out*, of which at least one is always in use."""
        if ZXING in left_out:
            return BY_ZBAR
        whole, close = (tuple(one for one in attempts if one.library not in left_out) for attempts in (WHOLE, CLOSE))
        return cls(FIRST, whole, close)


CHAIN = Chain(FIRST, WHOLE, CLOSE)
BY_ZBAR = Chain(
    Attempt("as it is, by zbar", _as_it_is, zbar),
    (
        Attempt("bright spread, by zbar", _bright_spread, zbar),
        Attempt("half, by zbar", _half, zbar, 2),
        Attempt("inverted, by zbar", _inverted, zbar),
        Attempt("softened, by zbar", _softened, zbar),
    ),
    (),  # zbar does not tell where it found what it could not read
)
"""The chain of zbar alone. It reads three of four codes that the whole chain reads, and at a slower pace."""


def look(attempt: Attempt, picture: Picture, ward: ReaderGuard = ALONE) -> Reading:
    """Return what *attempt* sees in the whole *picture*, in the picture's own elements; raises nothing.

    Where its reader raised, something stood that it could not take: all of the picture is a suspect, so that the other
    reader has its turn, and whoever stands beside such a thing is read.
    """
    if min(picture.luma.shape) < 3 * SMALLEST:
        return Reading()
    with ward.contained.at(attempt.name):
        made = attempt.prepare(picture)
        seen = ward.read(attempt, made)
        if made.shape == picture.luma.shape:
            return seen
        border = (made.shape[1] - ceil(picture.luma.shape[1] / attempt.scale)) // 2
        return Reading(
            tuple(Code(text, place.moved(-border, attempt.scale)) for text, place in seen.codes),
            tuple(place.moved(-border, attempt.scale) for place in seen.suspects),
        )
    height, width = picture.luma.shape
    return Reading(
        (), (Corners(((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))),)
    )


def look_close(attempt: Attempt, picture: Picture, place: Corners, ward: ReaderGuard = ALONE) -> Reading:
    """Return what *attempt* reads in the surroundings of *place*; what it reads stands there. Raises nothing."""
    with ward.contained.at(attempt.name):
        margin = MARGIN * place.side
        across, down = zip(*place.points, strict=True)
        left, top = max(0, int(min(across) - margin)), max(0, int(min(down) - margin))
        near = picture.luma[top : int(max(down) + margin) + 1, left : int(max(across) + margin) + 1]
        if min(near.shape) < SMALLEST:
            return Reading()
        seen = ward.read(attempt, attempt.prepare(Picture(np.ascontiguousarray(near))))
        return Reading(tuple(Code(code.text, place) for code in seen.codes))
    return Reading()
