"""Base45 (RFC 9285): bytes as the characters that a QR packs best."""

import numpy as np

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_FOREIGN = 255
_VALUES = bytes(ALPHABET.find(chr(code)) % 256 for code in range(256))
"""By character code, the digit; `_FOREIGN` where there is none."""
_WEIGHTS = np.array([1, 45, 2025], np.uint32)


def decode(text: str) -> bytes:
    """Return the bytes of *text*; ValueError for a foreign character, a lone one, or an overflow."""
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        values = bytes([_FOREIGN])
    if _FOREIGN in values:
        raise ValueError("not in the base45 alphabet")
    whole = len(values) // 3 * 3
    numbers = np.frombuffer(values, np.uint8, whole).reshape(-1, 3) @ _WEIGHTS
    if whole and numbers.max() > 0xFFFF:  # noqa: PLR2004 - two bytes
        raise ValueError("not base45")
    octets = numbers.astype(">u2").tobytes()
    match tuple(values[whole:]):
        case ():
            return octets
        case [low, high] if (number := low + 45 * high) <= 0xFF:  # noqa: PLR2004 - one byte
            return octets + bytes([number])
        case _:
            raise ValueError("not base45")


def encode(octets: bytes) -> str:
    """Return *octets* as base45 text."""
    out: list[str] = []
    for at in range(0, len(octets), 2):
        pair = octets[at : at + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            out.append(ALPHABET[digit])
    return "".join(out)
