"""Codes as pictures, and frames that show them."""

from typing import Any

import numpy as np
import segno
from numpy.typing import NDArray

Luma = NDArray[np.uint8]


def code(text: str, scale: int = 5, **more: Any) -> Luma:
    """Return a QR code of *text* with its quiet zone, dark on light."""
    matrix = np.array(list(segno.make(text, micro=False, **more).matrix_iter(scale=scale, border=4)), dtype=np.uint8)
    return np.where(matrix > 0, 20, 235).astype(np.uint8)


def view(*codes: Luma) -> Luma:
    """Return a frame with *codes* side by side."""
    height = max(one.shape[0] for one in codes) + 80
    frame = np.full((height, sum(one.shape[1] + 60 for one in codes)), 200, np.uint8)
    left = 30
    for one in codes:
        frame[40 : 40 + one.shape[0], left : left + one.shape[1]] = one
        left += one.shape[1] + 60
    return frame
