"""Base45 (RFC 9285): bytes as the characters that a QR packs best."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}


def decode(text: str) -> bytes:
    """Return the bytes of *text*; ValueError for a foreign character, a lone one, or an overflow."""
    try:
        values = [_VALUE[character] for character in text]
    except KeyError:
        raise ValueError("not in the base45 alphabet") from None
    out = bytearray()
    for at in range(0, len(values), 3):
        match values[at : at + 3]:
            case [low, middle, high] if (number := low + 45 * middle + 2025 * high) <= 0xFFFF:  # noqa: PLR2004 - two bytes
                out += number.to_bytes(2, "big")
            case [low, high] if (number := low + 45 * high) <= 0xFF:  # noqa: PLR2004 - one byte
                out.append(number)
            case _:
                raise ValueError("not base45")
    return bytes(out)


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
