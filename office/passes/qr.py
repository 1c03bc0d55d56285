"""The QR of a pass as a picture for the printer."""

import io
from typing import Any, Final

import numpy as np
import zxingcpp
from PIL import Image

from office.desk.refusal import MissingError, RefusalError

try:
    import segno
except ImportError:  # the desk's own dependency; a station has none of it
    segno = None  # type: ignore[assignment]  # asked before it is used

DPI: Final = 300
WIDTH_MM: Final = 25
"""What a code is printed at least, without its quiet zone: read at arm's length by a Camera Module 3."""
QUIET: Final = 4
"""Modules of white around it (ISO/IEC 18004, 5.3.8)."""
MAX_VERSION: Final = 8
"""49 modules a side, about half a millimetre each on the card."""
_MM_PER_INCH: Final = 25.4


def check_ready() -> None:
    """Raise `MissingError` if no QR can be drawn on this machine."""
    if segno is None:
        raise MissingError(
            "segno belum terpasang. / segno is not installed. Berikutnya / next: pip install 'titik[office]'"
        )


def code(text: str, largest: int = MAX_VERSION) -> Any:
    """Return segno's QR of *text* at level M or better; raises `RefusalError` beyond version *largest*."""
    check_ready()
    made = segno.make(text, error="m", micro=False)
    version = int(made.version)
    if version > largest:
        raise RefusalError(
            f"QR versi {version}, paling besar {largest}. / The QR is version {version}, at most {largest}."
        )
    return made


def png(text: str, largest: int = MAX_VERSION) -> bytes:
    """Return the QR of *text* as a PNG that prints at `WIDTH_MM` or more; raises as `code` does."""
    made = code(text, largest)
    out = io.BytesIO()
    made.save(out, kind="png", scale=_scale(made.symbol_size(border=0)[0]), border=QUIET, dpi=DPI)
    return out.getvalue()


def modules(text: str) -> list[bytes]:
    """Return the rows of *text*'s QR at level M or better, a byte for each module, 1 is dark, no quiet zone.

    The same standard by another hand than `code`: zxing-cpp's takes 0.6 ms where segno takes 10, which for the
    cards of a whole office is seconds instead of a minute. Raises `RefusalError` beyond `MAX_VERSION`.
    """
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    grey = np.asarray(zxingcpp.write_barcode_to_image(made, scale=1, add_quiet_zones=False))
    version = (len(grey) - 17) // 4
    if version > MAX_VERSION:
        raise RefusalError(
            f"QR versi {version}, paling besar {MAX_VERSION}. / The QR is version {version}, at most {MAX_VERSION}."
        )
    return [(row < 128).astype(np.uint8).tobytes() for row in grey]  # noqa: PLR2004 - halfway between black and white


def png_of(rows: list[bytes]) -> bytes:
    """Return the QR of these *rows* as a PNG like `png`'s."""
    scale = _scale(len(rows))
    dark = np.pad(np.array([list(row) for row in rows], bool), QUIET)
    out = io.BytesIO()
    picture = Image.fromarray(np.kron(~dark, np.ones((scale, scale), bool)))
    picture.save(out, "PNG", dpi=(DPI, DPI))
    return out.getvalue()


def _scale(modules: int) -> int:
    """Return how many pixels a module needs for the code to be `WIDTH_MM` wide or more."""
    return -int(-WIDTH_MM / _MM_PER_INCH * DPI // modules)
