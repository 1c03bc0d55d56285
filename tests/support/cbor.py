"""Maps that cost a careless decoder dear."""


def colliding(count: int) -> bytes:
    """Return a map of *count* keys that all have one hash: arrays of -1 and -2, for ``hash(-1) == hash(-2)``."""
    keys = b"".join(
        b"\x8e" + bytes(0x20 | (number >> bit & 1) for bit in range(14)) + b"\x00" for number in range(count)
    )
    return b"\xb9" + count.to_bytes(2, "big") + keys
