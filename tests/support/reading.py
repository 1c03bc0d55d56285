"""What a scanner is asked and what it read."""

from device.reading.decoders import Reading

INTERVAL = 1 / 15
"""Seconds from one frame to the next."""


def texts(seen: Reading) -> list[str]:
    """Return the texts of what was *seen*."""
    return [one.text for one in seen.codes]
