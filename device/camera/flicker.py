"""Bands across the picture: lamps that flicker while a rolling shutter reads row after row."""

import numpy as np
from numpy.typing import NDArray

MIN_BANDS, MAX_BANDS = 0.8, 16.0
"""Bands a picture that count as such: fewer is a change of light, more is texture."""


def rows(luma: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean brightness of each row, of every fourth pixel."""
    means: NDArray[np.float64] = luma[:, ::4].mean(axis=1)
    return means


def banding(profiles: NDArray[np.float64]) -> float:
    """Return how strong the bands are, as a share (0 to 1) of the brightness; *profiles* is frames x rows.

    What stands still is the scene, so each frame is held against the mean of all; somebody who moves much counts a
    little, too. Bands that stand still are not seen: the frame rate must not divide 100 Hz (15 does not, 20 and 25
    do). Three frames are the least.
    """
    frames, height = profiles.shape
    if frames < 3 or height < 2 * MAX_BANDS:  # noqa: PLR2004 - three phases average a band away
        return 0.0
    scene = profiles.mean(axis=0)
    change = profiles / np.maximum(scene, 1.0) - 1.0
    change -= change.mean(axis=1, keepdims=True)
    window = np.hanning(height)
    spectrum = 2 * np.abs(np.fft.rfft(change * window, n=4 * height, axis=1)) / window.sum()
    bands = np.arange(spectrum.shape[1]) / 4
    peaks = spectrum[:, (bands >= MIN_BANDS) & (bands <= MAX_BANDS)].max(axis=1)
    return min(1.0, float(np.median(peaks)))
