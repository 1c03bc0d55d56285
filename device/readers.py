"""The two readers: brightness in, codes and suspicions out, each with its place in the picture.

zxing-cpp is the first: on 900 photographs it read 78 % where pyzbar read 61 %, in a tenth of its time, and it
says where it found a symbol that it could not read. pyzbar is the second: it reads some that the first does not.
"""

from collections.abc import Iterable, Sequence
from math import hypot
from typing import Any, NamedTuple

import numpy as np
import zxingcpp
from numpy.typing import NDArray

try:
    from pyzbar import pyzbar
    from pyzbar.wrapper import ZBarSymbol
except ImportError:  # libzbar is a shared library of the system's, and may be missing
    pyzbar = None

Luma = NDArray[np.uint8]

MAX_TEXT = 4300
"""Characters; no QR holds more."""
MOST = 64
"""Places taken from one picture; a wall of codes must not become a wall of work."""
_QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel1, zxingcpp.BarcodeFormat.QRCodeModel2])
"""Not ``QRCode``, which takes in Micro QR: one finder of a blurred code was read as a Micro QR of four digits."""


class Place(NamedTuple):
    """Four corners of a symbol, clockwise from its own top left, in picture elements."""

    corners: tuple[tuple[float, float], ...]

    @property
    def side(self) -> float:
        """The mean length of the four sides."""
        return sum(hypot(a[0] - b[0], a[1] - b[1]) for a, b in zip(self.corners, self._next, strict=True)) / 4

    @property
    def centre(self) -> tuple[float, float]:
        """The mean of the corners."""
        return sum(x for x, _ in self.corners) / 4, sum(y for _, y in self.corners) / 4

    @property
    def _next(self) -> tuple[tuple[float, float], ...]:
        return (*self.corners[1:], self.corners[0])

    def moved(self, by: float, factor: float) -> "Place":
        """Return the same place moved right and down *by* so many, in a picture then made *factor* times as large."""
        return Place(tuple((factor * (x + by), factor * (y + by)) for x, y in self.corners))


class Code(NamedTuple):
    """A code that was read, and where."""

    text: str
    place: Place


class View(NamedTuple):
    """What one picture shows: the codes that were read, and the places of those that were not."""

    codes: tuple[Code, ...] = ()
    suspects: tuple[Place, ...] = ()


def second_reader() -> str | None:
    """Return what is wrong with the second reader, ``None`` if it is there."""
    if pyzbar is not None:
        return None
    return (
        "libzbar is missing: codes are read by zxing-cpp alone, and some hard ones are not read."
        " Next: sudo apt install libzbar0"
    )


def zxing(luma: Luma) -> View:
    """Return what zxing-cpp sees, by a threshold of each neighbourhood, light on dark and smaller copies as well."""
    return _view(
        zxingcpp.read_barcodes(
            luma,
            formats=_QR,
            try_rotate=False,  # a QR is found at any angle without it
            text_mode=zxingcpp.TextMode.Plain,
            return_errors=True,
        )
    )


def zxing_quick(luma: Luma) -> View:
    """Return what zxing-cpp sees at this size alone, dark on light: half the cost."""
    return _strict(luma, zxingcpp.Binarizer.LocalAverage)


def zxing_global(luma: Luma) -> View:
    """Return what zxing-cpp sees by one threshold from the whole picture's histogram: a third of the cost."""
    return _strict(luma, zxingcpp.Binarizer.GlobalHistogram)


def zxing_middle(luma: Luma) -> View:
    """Return what zxing-cpp sees by the threshold 127, for a picture that was made for it."""
    return _strict(luma, zxingcpp.Binarizer.FixedThreshold)


def _strict(luma: Luma, threshold: Any) -> View:
    return _view(
        zxingcpp.read_barcodes(
            luma,
            formats=_QR,
            try_rotate=False,
            try_downscale=False,
            try_invert=False,
            binarizer=threshold,
            text_mode=zxingcpp.TextMode.Plain,
            return_errors=True,
        )
    )


def zbar(luma: Luma) -> View:
    """Return what zbar sees, in ASCII alone: it guesses the characters of all else, and guesses wrong."""
    if pyzbar is None:
        return View()
    height, width = luma.shape
    found = pyzbar.decode((luma.tobytes(), width, height), symbols=[ZBarSymbol.QRCODE])
    return View(_once((one.data.decode("ascii"), _polygon(one)) for one in found[:MOST] if one.data.isascii()))


def _polygon(symbol: Any) -> Place:
    points = [(float(x), float(y)) for x, y in symbol.polygon]
    if len(points) != 4:  # noqa: PLR2004 - corners
        left, top, width, height = symbol.rect
        points = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    return Place(tuple(points))


def _view(found: Sequence[Any]) -> View:
    return View(
        # A byte order mark says how the bytes before us were packed, and is no part of a text (RFC 3629, 6).
        _once((one.text.removeprefix("\ufeff"), _corners(one)) for one in found[:MOST] if one.valid),
        tuple(_corners(one) for one in found[:MOST] if not one.valid),
    )


def _corners(barcode: Any) -> Place:
    at = barcode.position
    ordered = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    return Place(tuple((float(point.x), float(point.y)) for point in ordered))


def _once(read: Iterable[tuple[str, Place]]) -> tuple[Code, ...]:
    """Return each text once, where it is largest."""
    largest: dict[str, Place] = {}
    for text, place in read:
        if 0 < len(text) <= MAX_TEXT and (text not in largest or place.side > largest[text].side):
            largest[text] = place
    return tuple(Code(text, place) for text, place in largest.items())
