"""Cards on paper: A4 sheets of ID-1 cards (ISO/IEC 7810), two by five, with marks to cut along, as one PDF."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from device.model import Domain
from office.desk.refusal import MissingError
from office.passes.qr import QUIET

try:
    import reportlab
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas
except ImportError:  # the desk's own dependency; a station has none of it
    reportlab = None  # asked before it is used

CARD_MM: Final = (85.6, 54.0)
PAGE_MM: Final = (210.0, 297.0)
COLUMNS, ROWS = 2, 5
PER_PAGE: Final = COLUMNS * ROWS
QR_MM: Final = 30.0
"""Without its quiet zone: 0.6 mm a module, and the left half of the card stays free for words."""
MARGIN_MM: Final = 4.0
MARK_MM: Final = (2.0, 6.0)
"""From where to where, outside the cards, a cut mark runs."""
WORDS: Final = {Domain.STAFF: ("PEGAWAI", "STAFF"), Domain.VISITOR: ("TAMU", "VISITOR")}
FONTS: Final = {"Titik": "Vera.ttf", "Titik-Bold": "VeraBd.ttf"}
"""Bitstream Vera, which comes with reportlab and may be embedded."""


@dataclass(frozen=True, slots=True)
class Face:
    """What stands on one card."""

    office: str
    domain: Domain
    number: str
    name: str
    unit: str
    until: date
    modules: Sequence[bytes]
    """The QR's rows, one byte a module, not zero is dark; no quiet zone."""


def check_ready() -> None:
    """Raise `MissingError` if no PDF can be made on this machine."""
    if reportlab is None:
        raise MissingError(
            "reportlab belum terpasang. / reportlab is not installed. Berikutnya / next: pip install 'titik[office]'"
        )


def not_shown(text: str) -> str:
    """Return the characters of *text* that the card's font has no shape for, each once."""
    return "".join(sorted({letter for letter in text if ord(letter) not in _glyphs()}))


class Sheets:
    """One PDF that grows card by card."""

    def __init__(self, title: str) -> None:
        check_ready()
        _glyphs()  # the fonts are known from here on
        self._out = io.BytesIO()
        self._canvas: Any = Canvas(self._out, pagesize=(PAGE_MM[0] * mm, PAGE_MM[1] * mm), pageCompression=1)
        self._canvas.setTitle(title)
        self._count = 0

    def add(self, face: Face) -> None:
        """Draw the next card, on the next page where this one is full."""
        place = self._count % PER_PAGE
        if place == 0 and self._count:
            self._canvas.showPage()
        if place == 0:
            self._marks()
        x, y = _corner(place)
        _draw(self._canvas, face, x, y)
        self._count += 1

    def pdf(self) -> bytes:
        """Return the finished file."""
        self._canvas.save()
        return self._out.getvalue()

    def _marks(self) -> None:
        canvas = self._canvas
        canvas.setLineWidth(0.25)
        left, low = (edge * mm for edge in _lower_left())
        right, top = left + COLUMNS * CARD_MM[0] * mm, low + ROWS * CARD_MM[1] * mm
        near, far = (edge * mm for edge in MARK_MM)
        for column in range(COLUMNS + 1):
            x = left + column * CARD_MM[0] * mm
            canvas.lines([(x, low - far, x, low - near), (x, top + near, x, top + far)])
        for row in range(ROWS + 1):
            y = low + row * CARD_MM[1] * mm
            canvas.lines([(left - far, y, left - near, y), (right + near, y, right + far, y)])


def _lower_left() -> tuple[float, float]:
    return (PAGE_MM[0] - COLUMNS * CARD_MM[0]) / 2, (PAGE_MM[1] - ROWS * CARD_MM[1]) / 2


def _corner(place: int) -> tuple[float, float]:
    """Return the lower left corner, in points, of the card in *place*: along the rows, from the top."""
    left, low = _lower_left()
    row, column = divmod(place, COLUMNS)
    return (left + column * CARD_MM[0]) * mm, (low + (ROWS - 1 - row) * CARD_MM[1]) * mm


def _draw(canvas: Any, face: Face, x: float, y: float) -> None:
    side = len(face.modules)
    module = QR_MM * mm / side
    quiet = QUIET * module
    width, height = (edge * mm for edge in CARD_MM)
    qr_x, qr_y = x + width - quiet - QR_MM * mm, y + (height - QR_MM * mm) / 2
    path = canvas.beginPath()
    for row, dark in enumerate(face.modules):
        for start, length in _runs(dark):
            path.rect(qr_x + start * module, qr_y + (side - 1 - row) * module, length * module, module)
    canvas.drawPath(path, stroke=0, fill=1)  # one path: no hair-lines between its parts

    left = x + MARGIN_MM * mm
    room = qr_x - quiet - left
    line = y + height - MARGIN_MM * mm
    indonesian, english = WORDS[face.domain]
    line = _write(canvas, face.office, left, line, room, "Titik", (7.5, 6.5), 2)
    line = _write(canvas, f"{indonesian} / {english}", left, line - 3, room, "Titik-Bold", (11, 9), 1)
    line = _write(canvas, face.name, left, line - 8, room, "Titik-Bold", (12, 10, 8.5, 7), 3)
    if face.unit:
        _write(canvas, face.unit, left, line - 2, room, "Titik", (8, 7, 6), 2)
    low = y + MARGIN_MM * mm
    _write(canvas, f"No. {face.number}", left, low + 25, room, "Titik-Bold", (9, 7.5, 6, 5), 1)
    _write(canvas, f"Berlaku sampai / until {face.until.isoformat()}", left, low + 10, room, "Titik", (7.5, 6, 5.5), 1)


def _write(  # noqa: PLR0913, PLR0917 - what, where, how wide, how
    canvas: Any, text: str, x: float, y: float, room: float, font: str, sizes: tuple[float, ...], lines: int
) -> float:
    """Write *text* in the largest of *sizes* that fits *room* and *lines*; return where the next may begin."""
    size, broken = next(
        ((size, broken) for size in sizes if len(broken := list(_wrapped(text, font, size, room))) <= lines),
        (sizes[-1], list(_wrapped(text, font, sizes[-1], room))[:lines]),
    )
    canvas.setFont(font, size)
    for line in broken:
        y -= size * 1.15
        canvas.drawString(x, y, line)
    return y


def _wrapped(text: str, font: str, size: float, room: float) -> Iterator[str]:
    """Yield lines no wider than *room*; a word that is wider by itself is cut."""
    line = ""
    for word in text.split():
        rest = word
        if line and pdfmetrics.stringWidth(f"{line} {rest}", font, size) <= room:
            line = f"{line} {rest}"
            continue
        if line:
            yield line
        while pdfmetrics.stringWidth(rest, font, size) > room and len(rest) > 1:
            fits = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or _fits(rest[:n], font, size, room))
            yield rest[:fits]
            rest = rest[fits:]
        line = rest
    if line:
        yield line


def _fits(text: str, font: str, size: float, room: float) -> bool:
    return bool(pdfmetrics.stringWidth(text, font, size) <= room)


def _runs(line: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each stretch of dark modules begins, and its length."""
    start = None
    for at, dark in enumerate((*line, 0)):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            yield start, at - start
            start = None


@cache
def _glyphs() -> frozenset[int]:
    """Return the code points that both faces of the font can show; registers them."""
    known: list[frozenset[int]] = []
    for name, file in FONTS.items():
        font = TTFont(name, str(Path(reportlab.__file__).parent / "fonts" / file))
        pdfmetrics.registerFont(font)
        known.append(frozenset(font.face.charToGlyph))
    return frozenset.intersection(*known)
