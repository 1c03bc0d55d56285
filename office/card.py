"""The QR of a pass as a picture for the printer."""

import io
from typing import Any, Final

from office.refusal import MissingError, RefusalError

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


def png(text: str) -> bytes:
    """Return the QR of *text* as a PNG that prints at `WIDTH_MM` or more; raises as `code` does."""
    made = code(text)
    modules = made.symbol_size(border=0)[0]
    scale = -int(-WIDTH_MM / _MM_PER_INCH * DPI // modules)
    out = io.BytesIO()
    made.save(out, kind="png", scale=scale, border=QUIET, dpi=DPI)
    return out.getvalue()
