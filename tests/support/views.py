"""Frames of each state in which a camera may find its view."""

from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from device.camera.monitor import CameraState

SIZE = (360, 640)
RNG = np.random.default_rng(4)


def noisy(scene: NDArray[np.float64] | float, noise: float = 1.5) -> NDArray[np.uint8]:
    """Return *scene* as a sensor gives it: never twice the same."""
    return np.clip(scene + RNG.normal(0, noise, SIZE), 0, 255).astype(np.uint8)


LOBBY = (
    90.0
    + 40 * np.sin(np.linspace(0, 7, SIZE[1]))[None, :] * np.linspace(0.4, 1, SIZE[0])[:, None]
    + 40 * np.clip(np.linspace(-40, 24, SIZE[1]), 0, 1)[None, :]
)
"""A blurred room: brighter and darker parts, and the soft edge of a door."""
POOL = {
    CameraState.CLEAR: cycle([noisy(LOBBY) for _ in range(5)]),
    CameraState.DARK: cycle([noisy(17.0, 1.0) for _ in range(5)]),
    CameraState.BLACK: cycle([np.full(SIZE, 16, np.uint8)]),
    CameraState.FROZEN: cycle([noisy(LOBBY)]),
    CameraState.COVERED: cycle([noisy(120.0) for _ in range(5)]),
    CameraState.DAZZLED: cycle([noisy(250.0, 3.0) for _ in range(5)]),
}


def frame_of(state: CameraState) -> NDArray[np.uint8]:
    """Return the next frame of a view that is *state*."""
    return next(POOL[state])
