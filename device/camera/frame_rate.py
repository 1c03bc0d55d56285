"""Whether the pace of the frames and the end of a showing go together: else each frame is a showing of its own."""

from math import ceil

from device.config import StationSettings

MISSED = 2.5
"""Frames' time out of view that a showing outlives at any pace: one is missed, and the next comes half of one late."""

MAX_QUIET = 10
"""Seconds that ``sighting.quiet`` may be."""


def quiet(settings: StationSettings) -> float:
    """Return the seconds out of view after which a showing is over: as configured, but never less than frames allow."""
    return max(settings.sighting.quiet, MISSED / settings.camera.fps)


def doubt(settings: StationSettings) -> str | None:
    """Return a sentence where a showing, as configured, would end between two frames; ``None`` where it would not."""
    fps, configured = settings.camera.fps, settings.sighting.quiet
    if 1 / fps < configured:
        return None
    longest = quiet(settings)
    or_longer = f", or quiet = {longest:.3g}" if longest <= MAX_QUIET else ""
    return (
        f"camera.fps = {fps:g} gives a frame each {1 / fps:.3g} s, and sighting.quiet = {configured:g} is no longer:"
        f" a code in view would be shown anew by every frame. A showing is over after {longest:.3g} s instead."
        f" Next: fps = {ceil(MISSED / configured)} or more{or_longer}"
    )
