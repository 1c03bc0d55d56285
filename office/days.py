"""Days by the office's calendar."""

from datetime import datetime

from device.model import WITA


def local(at: datetime | None) -> str:
    """Return the day of *at* by the office's calendar."""
    return at.astimezone(WITA).date().isoformat() if at is not None else "-"
