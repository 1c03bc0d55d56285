"""Pictures of somebody holding up a code, as the station's camera would see them."""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from demo.codes import Shown
from office.passes import qr

SIZE: Final = (1280, 720)
MODULE: Final = 6
"""Pixels a module: a card of 30 mm at about 20 cm before a Camera Module 3."""
QUIET: Final = 4
LARGEST: Final = 20
"""Version: a health certificate has about 14, and 20 still fits the frame."""
CARD, SCREEN = 235, 12
"""How bright a paper card and a dark screen look."""


def picture(shown: Shown) -> Image.Image:
    """Return the frame, brightness only."""
    scene = Image.linear_gradient("L").resize(SIZE).point(lambda level: 70 + level // 3)
    card = _card(shown)
    margin = card.width // 6
    held = Image.new("L", (card.width + 2 * margin, card.height + 2 * margin), card.getpixel((0, 0)))
    held.paste(card, (margin, margin))
    mask = Image.new("L", held.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, held.width - 1, held.height - 1), radius=margin // 2, fill=255)
    turned = held.rotate(shown.tilt, Image.Resampling.BICUBIC, expand=True)
    edge = mask.rotate(shown.tilt, Image.Resampling.BICUBIC, expand=True)
    scene.paste(turned, ((SIZE[0] - turned.width) // 2, (SIZE[1] - turned.height) // 2), edge)
    return scene


def save(shown: Shown, folder: Path, number: int) -> Path:
    """Write the frame of *shown* as the picture that *folder* shows in place *number*; return its file."""
    file = folder / f"{number:02}-{shown.name}.png"
    picture(shown).save(file, compress_level=1)  # quick, and the file is short-lived
    return file


def _card(shown: Shown) -> Image.Image:
    """Return the code alone with its quiet zone; black is never quite black, nor white white."""
    code = qr.code(shown.text, largest=LARGEST)
    light, dark = (SCREEN, CARD) if shown.dark else (CARD, SCREEN)
    rows = [bytes(dark if module else light for module in row) for row in code.matrix_iter(border=QUIET)]
    small = Image.frombytes("L", (len(rows[0]), len(rows)), b"".join(rows))
    return small.resize((small.width * MODULE, small.height * MODULE), Image.Resampling.NEAREST)
