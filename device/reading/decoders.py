"""The two readers: brightness in, codes and suspicions out, each with its place in the picture.

zxing-cpp is the first: on 900 photographs it read 78 % where pyzbar read 61 %, in a tenth of its time, and it
says where it found a symbol that it could not read. pyzbar is the second: it reads some that the first does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import hypot
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from device.model import MAX_TEXT

try:
    from pyzbar import pyzbar
    from pyzbar.wrapper import ZBarSymbol
except ImportError:  # libzbar is a shared library of the system's, and may be missing
    pyzbar = None

Luma = NDArray[np.uint8]

ZXING, ZBAR = "zxing-cpp", "zbar"
"""The names of the two, in ``health`` and in the log."""
MAX_CODES = 64
"""Places taken from one picture; a wall of codes must not become a wall of work."""
_QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel1, zxingcpp.BarcodeFormat.QRCodeModel2])
"""Not ``QRCode``, which takes in Micro QR: one finder of a blurred code was read as a Micro QR of four digits."""


def _box(corners: Sequence[tuple[int, int]]) -> tuple[int, int, int, int]:
    """Return left, top, width and height of what has these *corners*, nothing at nowhere if it has none."""
    if not corners:
        return 0, 0, 0, 0
    across, down = zip(*corners, strict=True)
    return min(across), min(down), max(across) - min(across), max(down) - min(down)


if pyzbar is not None:
    # For a message in several symbols libzbar reports its parts, which have no orientation, and the whole, which has no
    # corners; at both pyzbar raises ValueError (its issues 142, 143 and 158), whatever else the picture shows.
    pyzbar.zbar_symbol_get_orientation = None  # as where libzbar is too old to tell it
    pyzbar.bounding_box = _box


class Corners(NamedTuple):
    """Four corners of a symbol, clockwise from its own top left, in picture elements."""

    points: tuple[tuple[float, float], ...]

    @property
    def side(self) -> float:
        """The mean length of the four sides."""
        return sum(hypot(a[0] - b[0], a[1] - b[1]) for a, b in zip(self.points, self._next, strict=True)) / 4

    @property
    def centre(self) -> tuple[float, float]:
        """The mean of the corners."""
        return sum(x for x, _ in self.points) / 4, sum(y for _, y in self.points) / 4

    @property
    def _next(self) -> tuple[tuple[float, float], ...]:
        return (*self.points[1:], self.points[0])

    def moved(self, by: float, factor: float) -> "Corners":
        """Return the same corners moved right and down *by* so many, in a picture then made *factor* times as large."""
        return Corners(tuple((factor * (x + by), factor * (y + by)) for x, y in self.points))


class Code(NamedTuple):
    """A code that was read, and where."""

    text: str
    place: Corners


class Reading(NamedTuple):
    """What one picture shows: the codes that were read, and the places of those that were not."""

    codes: tuple[Code, ...] = ()
    suspects: tuple[Corners, ...] = ()


def second_reader() -> str | None:
    """Return what is wrong with the second reader, ``None`` if it is there."""
    if pyzbar is not None:
        return None
    return (
        "libzbar is missing: codes are read by zxing-cpp alone, and some hard ones are not read."
        " Next: sudo apt install libzbar0"
    )


def builds() -> Mapping[str, str]:
    """Return the readers that are there, each with what tells one build of its library from another.

    The size and date of the file are part of it: a security update keeps libzbar's own number.
    """
    there = {ZXING: _build("zxing-cpp", Path(zxingcpp.__file__).parent, "zxingcpp.*.so")}
    if pyzbar is not None:
        there[ZBAR] = _build("pyzbar", *_libzbar())
    return there


def _build(package: str, folder: Path, pattern: str) -> str:
    try:
        number = version(package)
    except PackageNotFoundError:  # laid beside, not installed
        number = "?"
    try:
        files = [file.stat() for file in sorted(folder.glob(pattern))]
    except OSError:
        files = []
    return " ".join([number, *(f"{one.st_size}-{one.st_mtime_ns}" for one in files)])


def _libzbar() -> tuple[Path, str]:
    """Return folder and name of libzbar's own file, pyzbar's where it cannot be told."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        maps = ""
    mapped = [Path(line.split()[-1]) for line in maps.splitlines() if "/libzbar.so" in line]
    file = mapped[0] if mapped else Path(pyzbar.__file__)
    return file.parent, file.name


def zxing(luma: Luma) -> Reading:
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


def zxing_quick(luma: Luma) -> Reading:
    """Return what zxing-cpp sees at this size alone, dark on light: half the cost."""
    return _strict(luma, zxingcpp.Binarizer.LocalAverage)


def zxing_global(luma: Luma) -> Reading:
    """Return what zxing-cpp sees by one threshold from the whole picture's histogram: a third of the cost."""
    return _strict(luma, zxingcpp.Binarizer.GlobalHistogram)


def zxing_middle(luma: Luma) -> Reading:
    """Return what zxing-cpp sees by the threshold 127, for a picture that was made for it."""
    return _strict(luma, zxingcpp.Binarizer.FixedThreshold)


def _strict(luma: Luma, threshold: Any) -> Reading:
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


def zbar(luma: Luma) -> Reading:
    """Return what zbar sees, in ASCII alone: it guesses the characters of all else, and guesses wrong.

    A part of a message in several symbols (PARTIAL) is no message, and what has no corners stands nowhere.
    """
    if pyzbar is None:
        return Reading()
    height, width = luma.shape
    found = pyzbar.decode((luma.tobytes(), width, height), symbols=[ZBarSymbol.QRCODE])
    whole = [one for one in found[:MAX_CODES] if one.type == ZBarSymbol.QRCODE.name and one.polygon]
    return Reading(_once((one.data.decode("ascii"), _polygon(one)) for one in whole if one.data.isascii()))


def _polygon(symbol: Any) -> Corners:
    points = [(float(x), float(y)) for x, y in symbol.polygon]
    if len(points) != 4:  # noqa: PLR2004 - corners
        left, top, width, height = symbol.rect
        points = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    return Corners(tuple(points))


def _view(found: Sequence[Any]) -> Reading:
    return Reading(
        # A byte order mark says how the bytes before us were packed, and is no part of a text (RFC 3629, 6).
        _once((one.text.removeprefix("\ufeff"), _corners(one)) for one in found[:MAX_CODES] if one.valid),
        tuple(_corners(one) for one in found[:MAX_CODES] if not one.valid),
    )


def _corners(barcode: Any) -> Corners:
    at = barcode.position
    ordered = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    return Corners(tuple((float(point.x), float(point.y)) for point in ordered))


def _once(read: Iterable[tuple[str, Corners]]) -> tuple[Code, ...]:
    """Return each text once, where it is largest."""
    largest: dict[str, Corners] = {}
    for text, place in read:
        if 0 < len(text) <= MAX_TEXT and (text not in largest or place.side > largest[text].side):
            largest[text] = place
    return tuple(Code(text, place) for text, place in largest.items())
