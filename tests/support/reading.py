"""What a scanner is asked and what it read."""

from device.reading.decoders import Reading

INTERVAL = 1 / 15


def texts(seen: Reading) -> list[str]:
    return [one.text for one in seen.codes]
