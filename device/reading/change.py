"""The gate before the readers: whether a view differs from the one that was looked at last.

Brightness is averaged over small blocks, so that noise is; each block is compared with its row's usual change, so
that lamps that flicker, whose bands lie along the rows, and light that rises everywhere open nothing. What is
compared with stays the same until the gate opens: an approach too slow to see from frame to frame adds up.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from device.reading.decoders import Luma

BLOCK = 16
"""Picture elements of a block's side."""
EVERY = 4
"""One row in so many is looked at."""
LEAST = 2.5
"""Grey levels: a smaller change of a block is none."""
NOISES = 7.0
"""Times the usual deviation of all blocks: a change within is noise. The deviation follows the camera's gain."""
NOISIEST = 1.2
"""Grey levels: no sensor's noise leaves more in a block's mean. If half the view changes by more, that is no noise."""

Blocks = NDArray[np.float32]


class ChangeGate:
    """Opens when something stirs."""

    def __init__(self) -> None:
        self._rest: Blocks | None = None

    def stirred(self, luma: Luma) -> bool:
        """Return whether *luma* differs from the view at which this last said so; a first view does."""
        now = blocks(luma)
        if self._rest is not None and self._rest.shape == now.shape and not _differs(self._rest, now):
            return False
        self._rest = now
        return True


def blocks(luma: Luma) -> Blocks:
    """Return the mean of each block, and 1 added, so that a share of it is a number."""
    rows = np.ascontiguousarray(luma[::EVERY])
    return np.asarray(Image.fromarray(rows).reduce((BLOCK, BLOCK // EVERY)), dtype=np.float32) + 1


def _differs(rest: Blocks, now: Blocks) -> bool:
    usual: Any = np.median(now / rest, axis=1, keepdims=True)
    change = np.abs(now - rest * usual)
    noise = min(NOISIEST, 1.4826 * float(np.median(change)))  # of a normal distribution, from the median
    return float(np.max(change)) > max(LEAST, NOISES * noise)
