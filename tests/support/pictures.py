"""Pictures as files, and a camera that is made of them."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from device.config import CameraSettings
from tests.support.codes import code

TEXT = "SATU"


def grey_picture(path: Path, grey: int = 77, size: tuple[int, int] = (40, 30)) -> Path:
    """Write a picture of one even grey."""
    Image.new("L", size, grey).save(path)
    return path


def camera_of_pictures(*paths: Path, **more: object) -> CameraSettings:
    """Return the settings of a camera that shows *paths*, each once and for a moment."""
    told = {"source": "pictures", "pictures": paths, "fps": 100, "hold": 0.03, "gap": 0.02, "loop": False}
    return CameraSettings(**{**told, **more})  # type: ignore[arg-type]  # a test may say anything


def shown_code(text: str = TEXT, black: int = 0, white: int = 255) -> NDArray[np.uint8]:
    """Return a code of so many levels, in a quiet zone."""
    luma = code(text, 4)
    return np.where(luma < 128, black, white).astype(np.uint8)


def saved_code(form: str, **more: Any) -> bytes:
    """Return a picture of a code in the format *form*."""
    octets = io.BytesIO()
    Image.fromarray(shown_code()).save(octets, form, **more)
    return octets.getvalue()


def chunk(kind: bytes, octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + kind + octets + struct.pack(">I", zlib.crc32(kind + octets))


def png_of(width: int, height: int, colour: int = 2) -> bytes:
    """Return a PNG that says it is as large."""
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
