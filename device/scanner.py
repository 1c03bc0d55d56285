"""Codes in a frame: the brightness plane in, the texts of the QR codes on it out.

zxing-cpp (QR only) looks at every frame: on 900 photographs it read 78 % where pyzbar read 61 %, in a tenth
of its time. pyzbar reads some that it misses, so it looks at every eighth frame in which nothing was read,
upright and inverted in turn: bounded work for each frame, and on the wall the next frame is never far.
"""

import logging
from typing import Any

import numpy as np
import zxingcpp
from numpy.typing import NDArray

log = logging.getLogger(__name__)

try:
    from pyzbar import pyzbar
    from pyzbar.wrapper import ZBarSymbol
except ImportError:  # libzbar is a shared library of the system's, and may be missing
    pyzbar = None

SECOND_LOOK = 8
"""A frame in so many without a code is looked at by the second reader."""
MAX_TEXT = 4300
"""Characters; no QR holds more."""


def second_reader() -> str | None:
    """Return what is wrong with the second reader, ``None`` if it is there."""
    if pyzbar is not None:
        return None
    return (
        "libzbar is missing: codes are read by zxing-cpp alone, and some hard ones are not read."
        " Next: sudo apt install libzbar0"
    )


class Scanner:
    """Reads frame after frame; the first reader always, the second now and then."""

    def __init__(self) -> None:
        self._empty = 0

    def read(self, luma: NDArray[np.uint8]) -> list[str]:
        """Return the texts on one frame of a stream, each once, the surest reader's first."""
        texts = _zxing(luma)
        if texts:
            self._empty = 0
            return texts
        self._empty += 1
        if self._empty % SECOND_LOOK:
            return []
        return _zbar(luma if self._empty % (2 * SECOND_LOOK) else ~luma)


def read_still(luma: NDArray[np.uint8]) -> list[str]:
    """Return the texts on a picture that has no next frame: every reader looks until one sees something."""
    return _zxing(luma) or _zbar(luma) or _zbar(~luma)


def _zxing(luma: NDArray[np.uint8]) -> list[str]:
    found: list[Any] = zxingcpp.read_barcodes(
        luma,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        try_rotate=False,  # a QR is found at any angle without it
        text_mode=zxingcpp.TextMode.Plain,
    )
    return _bounded(barcode.text for barcode in found)


def _zbar(luma: NDArray[np.uint8]) -> list[str]:
    if pyzbar is None:
        return []
    height, width = luma.shape
    found = pyzbar.decode((luma.tobytes(), width, height), symbols=[ZBarSymbol.QRCODE])
    return _bounded(symbol.data.decode("utf-8", "replace") for symbol in found)


def _bounded(texts: Any) -> list[str]:
    return list(dict.fromkeys(text for text in texts if 0 < len(text) <= MAX_TEXT))
