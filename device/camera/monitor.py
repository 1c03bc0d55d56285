"""What the eye sees of itself: frames in, a state out; no I/O, and no clock but the frames' own.

A state must last before it counts and be over for a second before it is forgotten, so that a hand before the lens
for two seconds is nothing. What counts, and why:

- ``dark``: nothing in view is bright. An office at night is dark, and a phone held up there is its own light, so this
  is no fault: the station rests as ready, and only ``health`` says it. A lens taped over in black looks the same but
  for people who cannot be read; nothing tells it from night by the picture alone.
- ``black``: dark, and without the noise that a living sensor has even at night: no picture at all. Out of service; the
  eye is opened anew. That night has noise holds for a short exposure and some gain, on paper; where a camera proves it
  wrong, ``[camera] black = 0`` makes it dark.
- ``frozen``: the same picture, to the last bit: noise again. Out of service; the eye is opened anew.
- ``covered``: light, but nothing in it: a hand, a sticker, fog. Out of service until it is taken away. What is smooth
  from the beginning may be a bare wall, so only what is flat counts then; later, what is far smoother than usual.
- ``dazzled``: nearly everything is white: the sun, or a lamp. Out of service until it has moved.
- ``smeared``: codes are less sharp than they were for weeks (`device.camera.sharpness`). In service, and to be cleaned.

Pictures and videos are never judged: they have no noise, and their gaps are flat.
"""

from enum import StrEnum
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from device.camera.sharpness import SharpnessHistory
from device.config import CameraSettings
from device.model import Frame


class CameraState(StrEnum):
    """One word for health, and for the lamp."""

    CLEAR = "clear"
    DARK = "dark"
    BLACK = "black"
    FROZEN = "frozen"
    COVERED = "covered"
    DAZZLED = "dazzled"
    SMEARED = "smeared"
    AWAY = "away"
    """Said for an eye that gives no frames: silent, unplugged, being opened anew."""


OUT_OF_SERVICE = frozenset(
    {CameraState.BLACK, CameraState.FROZEN, CameraState.COVERED, CameraState.DAZZLED, CameraState.AWAY}
)
REOPENED = {
    CameraState.BLACK: "the camera gives neither light nor noise; check its cable, then: titik test camera",
    CameraState.FROZEN: "the camera gives the same picture again and again; check its cable and the power supply",
}
"""The states that may end when the eye is opened anew, and what is said then."""

LOOK_EVERY = 0.25
"""Seconds between two looks; a look costs about 0.15 ms on a desk machine, so a frame a twentieth of that at 30 fps."""
CLEAR_AFTER = 1.0
"""Seconds of a good picture that end any state."""
DARK_AFTER = 4.0
ROWS, CELLS = 16, 32
"""Rows that a look takes, and parts of each whose brightness it compares."""
SMALLEST = 64
"""Pixels of the shorter side below which a picture says nothing about a lens."""
DARK = 32
"""Brightness (0 to 255) that no part of a dark view exceeds; video's black is 16."""
WHITE, MAX_WHITE = 230, 0.8
"""Brightness from which a part is white (video's white is 235), and the share of white parts that dazzles."""
FLAT = 8
"""Levels between the brightest and the darkest part below which nothing is there; a sensor's noise makes 2 to 5."""
SMOOTHER = 0.15
"""Share of the usual relief below which, too, nothing is there."""
STIRRED = 6
"""Levels by which the parts differ, on average, from the view at rest when somebody stands there."""
SLOW, SLOWER = 0.01, 0.002
"""Share that each look has in the view at rest (half a minute), and in the usual relief (two minutes)."""


class FrameMeasures(NamedTuple):
    """What one look takes of a frame."""

    brightness: float
    """0 to 255."""
    spread: float
    """Levels between the darkest part and the brightest: a lamp far off in the night is one part, and is something."""
    step: float
    """Levels between neighbouring parts, at most: blurred edges of a room still have it, a lit sticker has not."""
    sharpness: float
    """Steps between pixels two apart that one in 200 exceeds, as a share of the brightness."""
    white: float
    """Share of parts that are white."""
    noiseless: bool
    digest: int
    cells: NDArray[np.float32]

    @property
    def relief(self) -> float:
        """The step as a share of the brightness, which does not change with the light."""
        return self.step / max(self.brightness, DARK)


def view(luma: NDArray[np.uint8]) -> FrameMeasures | None:
    """Return a look at *luma*, ``None`` of one too small to tell."""
    height, width = luma.shape
    if min(height, width) < SMALLEST:
        return None
    rows = np.ascontiguousarray(luma[height // (2 * ROWS) :: height // ROWS][:ROWS, : width - width % CELLS])
    cells = rows.reshape(ROWS, CELLS, -1).mean(axis=2, dtype=np.float32)
    brightness = float(cells.mean())
    right, left = rows[:, 2:], rows[:, :-2]
    counts = np.bincount((np.maximum(right, left) - np.minimum(right, left)).ravel(), minlength=256)
    steep = int(np.searchsorted(np.cumsum(counts), 0.995 * right.size))
    return FrameMeasures(
        brightness=brightness,
        spread=float(np.max(cells) - np.min(cells)),
        step=float(np.abs(np.diff(cells, axis=1)).max()),
        sharpness=steep / max(brightness, DARK),
        white=float((cells >= WHITE).mean()),
        noiseless=int(np.max(rows)) - int(np.min(rows)) <= 1,
        digest=crc32(rows.data),
        cells=cells,
    )


class CameraMonitor:
    """Looks at the frames of one eye, over all its openings."""

    def __init__(self, camera: CameraSettings | None = None, sharpness_history: SharpnessHistory | None = None) -> None:
        self._camera = camera or CameraSettings()
        self._sharpness_history = sharpness_history or SharpnessHistory()
        self._state = CameraState.CLEAR
        self._seems = CameraState.CLEAR
        self._since = self._looked = float("-inf")
        self._view: FrameMeasures | None = None
        self._rest: NDArray[np.float32] | None = None
        self._usual = 0.0
        self.lost: str | None = None
        """Why the eye should be closed and opened anew now, in one sentence."""

    @property
    def state(self) -> CameraState:
        """What is to be said of it."""
        return (
            CameraState.SMEARED if self._state is CameraState.CLEAR and self._sharpness_history.smeared else self._state
        )

    @property
    def seems(self) -> CameraState:
        """What the last look alone would say."""
        return self._seems

    @property
    def serves(self) -> bool:
        """Whether a code held up can be read."""
        return self._state not in OUT_OF_SERVICE

    def opened(self) -> None:
        """Note that the eye was opened anew: a state must last as long again before that is asked for once more."""
        self._since, self._looked, self._view, self.lost = float("inf"), float("-inf"), None, None

    def look(self, frame: Frame) -> None:
        """Look at *frame*, if the last look was long enough ago."""
        if not self._camera.sensor or frame.tick - self._looked < LOOK_EVERY:
            return
        seen = view(frame.luma)
        if seen is None:
            return
        before, self._view = self._view, seen
        seems = self._classified(seen, before)
        if seems is not self._seems or frame.tick < self._since:
            # Two equal pictures were equal since the first of them.
            self._seems, self._since = seems, self._looked if seems is CameraState.FROZEN else frame.tick
        self._looked = frame.tick
        if frame.tick - self._since >= self._patience(seems):
            self._state = seems
            self.lost = REOPENED.get(seems)
        if seems is CameraState.CLEAR:
            self._compare(seen, frame)

    def tell(self) -> dict[str, object]:
        """Return what ``health`` says of it."""
        seen = self._view
        return {
            "state": self.state.value,
            "brightness": seen and round(seen.brightness, 1),
            "relief": seen and round(seen.relief, 2),
            "sharpness": seen and round(seen.sharpness, 2),
            "glass": self._sharpness_history.share and round(self._sharpness_history.share, 2),
        }

    def _classified(self, seen: FrameMeasures, before: FrameMeasures | None) -> CameraState:
        camera = self._camera
        same = camera.frozen > 0 and before is not None and seen.digest == before.digest
        if np.max(seen.cells) <= DARK:
            if seen.noiseless:
                return CameraState.BLACK if camera.black else CameraState.DARK
            return CameraState.FROZEN if same else CameraState.DARK
        white = seen.white >= MAX_WHITE
        if same and not (white and seen.noiseless):  # a sensor that is flooded with light has no noise, either
            return CameraState.FROZEN
        if camera.covered and white:
            return CameraState.DAZZLED
        if camera.covered and (seen.spread < FLAT or seen.relief < SMOOTHER * self._usual):
            return CameraState.COVERED
        return CameraState.CLEAR

    def _patience(self, seems: CameraState) -> float:
        """Return for how many seconds it must seem so."""
        camera = self._camera
        if seems is CameraState.CLEAR:
            return CLEAR_AFTER
        return {CameraState.BLACK: camera.black, CameraState.FROZEN: camera.frozen, CameraState.DARK: DARK_AFTER}.get(
            seems, camera.covered
        )

    def _compare(self, seen: FrameMeasures, frame: Frame) -> None:
        """Hold a good picture against the view at rest, and learn what is usual."""
        if self._rest is None or self._rest.shape != seen.cells.shape:
            self._rest, self._usual = seen.cells, seen.relief
        if float(np.abs(seen.cells - self._rest).mean()) >= STIRRED:
            self._sharpness_history.note(seen.sharpness, frame.at, frame.tick)
        self._rest = self._rest + np.float32(SLOW) * (seen.cells - self._rest)
        self._usual += SLOWER * (seen.relief - self._usual)
