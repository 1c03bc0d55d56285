"""Base45 (RFC 9285): bytes as the characters that a QR packs best."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_FOREIGN = 255
_VALUES = bytes(ALPHABET.find(chr(code)) % 256 for code in range(256))
"""By character code, the digit; `_FOREIGN` where there is none."""


def decode(text: str) -> bytes:
    """Return the bytes of *text*; ValueError for a foreign character, a lone one, or an overflow.

    All groups of three are reckoned at once: each stands in 32 bits of its own in one large number, which is
    a third of the time of a loop over them.
    """
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        values = bytes([_FOREIGN])
    if _FOREIGN in values:
        raise ValueError("not in the base45 alphabet")
    groups = len(values) // 3
    whole = 3 * groups
    lanes = bytearray(4 * groups)
    lanes[3::4] = values[0:whole:3]
    number = int.from_bytes(lanes, "big")
    lanes[3::4] = values[1:whole:3]
    number += 45 * int.from_bytes(lanes, "big")
    lanes[3::4] = values[2:whole:3]
    number += 2025 * int.from_bytes(lanes, "big")
    reckoned = number.to_bytes(4 * groups, "big")
    if reckoned[1::4].count(0) < groups:
        raise ValueError("not base45")
    octets = bytearray(2 * groups)
    octets[0::2], octets[1::2] = reckoned[2::4], reckoned[3::4]
    match tuple(values[whole:]):
        case ():
            return bytes(octets)
        case [low, high] if (last := low + 45 * high) <= 0xFF:  # noqa: PLR2004 - one byte
            return bytes(octets) + bytes([last])
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
