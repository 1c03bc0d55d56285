"""QR symbols of raw segments: what no honest encoder makes, and what each reader takes apart by itself.

A symbol's data are bits. Here they are put together by hand (ISO/IEC 18004:2015, 7.4 and 8): segments that contradict
each other, that begin and do not end, that announce more than there is, or bits thrown by dice. What stands around the
data (error correction, masks, finders) is sound, so that a reader gets as far as the data.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from segno import consts, encoder

Luma: TypeAlias = NDArray[np.uint8]
Chance: TypeAlias = np.random.Generator
Bits: TypeAlias = tuple[int, ...]

ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
LEVELS: Final = "lmqh"
LARGEST: Final = 40
_LEVEL: Final = {name: getattr(consts, f"ERROR_LEVEL_{name.upper()}") for name in LEVELS}
_STRUCTURED, _FNC1_FIRST, _FNC1_SECOND, _ECI = 0b0011, 0b0101, 0b1001, 0b0111
_NUMERIC, _ALPHANUMERIC, _BYTE, _KANJI, _HANZI = 0b0001, 0b0010, 0b0100, 0b1000, 0b1101
_UNASSIGNED: Final = (0b0110, 0b1010, 0b1011, 0b1100, 0b1110, 0b1111)
_COUNTED: Final = {
    _NUMERIC: (10, 12, 14),
    _ALPHANUMERIC: (9, 11, 13),
    _BYTE: (8, 16, 16),
    _KANJI: (8, 10, 12),
    _HANZI: (8, 10, 12),
}
"""Bits of a segment's length, for versions to 9, to 26 and above."""


def bits(value: int, width: int) -> Bits:
    """Return the lowest *width* bits of *value*, the highest first."""
    return tuple(value >> place & 1 for place in reversed(range(width)))


def of_octets(octets: bytes) -> Bits:
    """Return the bits of *octets*."""
    return tuple(bit for octet in octets for bit in bits(octet, 8))


def _count(mode: int, count: int, version: int) -> Bits:
    return bits(count, _COUNTED[mode][(version > 9) + (version > 26)])


def numeric(digits: str, version: int = 1) -> Bits:
    """Return a segment of *digits*."""
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    body = tuple(bit for group in groups for bit in bits(int(group), 3 * len(group) + 1))
    return bits(_NUMERIC, 4) + _count(_NUMERIC, len(digits), version) + body


def alphanumeric(text: str, version: int = 1) -> Bits:
    """Return a segment of the 45 characters of `ALPHANUMERIC`."""
    values = [ALPHANUMERIC.index(letter) for letter in text]
    pairs = [values[at : at + 2] for at in range(0, len(values), 2)]
    body = tuple(
        bit for pair in pairs for bit in (bits(45 * pair[0] + pair[1], 11) if len(pair) == 2 else bits(pair[0], 6))
    )
    return bits(_ALPHANUMERIC, 4) + _count(_ALPHANUMERIC, len(text), version) + body


def octet(octets: bytes, version: int = 1, count: int | None = None) -> Bits:
    """Return a segment of bytes, which says that it has *count* of them."""
    return bits(_BYTE, 4) + _count(_BYTE, len(octets) if count is None else count, version) + of_octets(octets)


def kanji(values: tuple[int, ...], version: int = 1) -> Bits:
    """Return a segment of Shift JIS in 13 bits each, whether or not a character has that number."""
    body = tuple(bit for value in values for bit in bits(value, 13))
    return bits(_KANJI, 4) + _count(_KANJI, len(values), version) + body


def hanzi(values: tuple[int, ...], version: int = 1, subset: int = 1) -> Bits:
    """Return a segment of GB 2312 (GBT 18284-2000), likewise; only *subset* 1 has a meaning."""
    body = tuple(bit for value in values for bit in bits(value, 13))
    return bits(_HANZI, 4) + bits(subset, 4) + _count(_HANZI, len(values), version) + body


def structured(index: int, last: int, parity: int) -> Bits:
    """Return the header of a part of a message in several symbols: part *index*, of which *last* is the highest."""
    return bits(_STRUCTURED, 4) + bits(index, 4) + bits(last, 4) + bits(parity, 8)


def fnc1_first() -> Bits:
    """Return the mark of a GS1 message; it belongs before everything."""
    return bits(_FNC1_FIRST, 4)


def fnc1_second(application: int) -> Bits:
    """Return the mark of an industry's own message (AIM), and which one; it belongs before everything, too."""
    return bits(_FNC1_SECOND, 4) + bits(application, 8)


def eci(number: int, octets: int = 1) -> Bits:
    """Return a change of character set to *number*, in so many *octets* (1 to 3), right or wrong."""
    return bits(_ECI, 4) + {1: bits(0, 1), 2: bits(2, 2), 3: bits(6, 3)}[octets] + bits(number, 7 * octets)


def capacity(version: int, level: str) -> int:
    """Return how many bits of data fit."""
    return int(consts.SYMBOL_CAPACITY[version][_LEVEL[level]])


def fitting(stream: Bits, level: str) -> int | None:
    """Return the smallest version that holds *stream*."""
    return next((version for version in range(1, LARGEST + 1) if capacity(version, level) >= len(stream)), None)


def modules(stream: Bits, version: int, level: str = "l", mask: int = 0) -> NDArray[np.bool_]:
    """Return the symbol of *stream*, True where dark, without a border; what is too long for it is cut."""
    room = capacity(version, level)
    made = encoder.Buffer()
    made.extend(bytearray(stream[:room]))
    encoder.write_terminator(made, room, None, len(made))
    encoder.write_padding_bits(made, version, len(made))
    encoder.write_pad_codewords(made, version, room, len(made))
    message = encoder.make_final_message(version, _LEVEL[level], made)
    side = encoder.calc_matrix_size(version)
    matrix = encoder.make_matrix(side, side)
    encoder.add_finder_patterns(matrix, side, side)
    encoder.add_alignment_patterns(matrix, side, side)
    encoder.add_codewords(matrix, message, version)
    mask, matrix = encoder.find_and_apply_best_mask(matrix, side, side, mask)
    encoder.add_format_info(matrix, version, _LEVEL[level], mask)
    encoder.add_version_info(matrix, version)
    return np.array([list(row) for row in matrix]) == 1


def drawn(cells: NDArray[np.bool_], scale: int = 5, border: int = 4) -> Luma:
    """Return *cells* as a picture, dark on light."""
    return np.kron(np.where(np.pad(cells, border), 20, 235), np.ones((scale, scale))).astype(np.uint8)


def shown(stream: Bits, level: str = "l", scale: int = 5) -> Luma:
    """Return a picture of the smallest symbol of *stream*."""
    version = fitting(stream, level) or LARGEST
    return drawn(modules(stream, version, level), scale)


LATE_FNC1: Final = octet(b"A") + fnc1_second(5) + octet(b"BC")
"""A mark that comes too late: one reader gives up, and its neighbour goes on."""
LATE_FNC1_IN_PARTS: Final = structured(0, 1, 0x55) + LATE_FNC1


def _some(chance: Chance, most: int = 12) -> int:
    return int(chance.integers(0, most))


def _octets(chance: Chance) -> bytes:
    texts = (
        "é".encode(),
        "漢字".encode("shift_jis"),
        "汉字".encode("gbk"),
        "한글".encode("euc_kr"),
        b"\xff\xfe\x00\xd8",
    )
    whole = (*texts, "😀".encode(), b"\xed\xa0\x80", b"\x00", b"\x1d\x1e\x04", b"%%A%", b"\xef\xbb\xbfHALO")
    return chance.bytes(_some(chance)) if chance.random() < 0.5 else whole[_some(chance, len(whole))]


def _values(chance: Chance) -> tuple[int, ...]:
    return tuple(int(value) for value in chance.integers(0, 1 << 13, _some(chance, 6)))


_ECIS: Final = (*range(31), 170, 899, 900, 127, 128, 999, 16_383, 16_384, 811_799, 999_999, 2_097_151)


def _dice(chance: Chance, most: int) -> Bits:
    return tuple(int(bit) for bit in chance.integers(0, 2, int(chance.integers(1, most))))


def _part(chance: Chance) -> Bits:
    return structured(*(int(part) for part in chance.integers(0, (16, 16, 256))))


def segment(chance: Chance, version: int) -> Bits:
    """Return one random segment, for a symbol of *version*."""
    makers: tuple[Callable[[], Bits], ...] = (
        lambda: numeric("".join(map(str, chance.integers(0, 10, _some(chance)))), version),
        lambda: alphanumeric("".join(chance.choice(list(ALPHANUMERIC), _some(chance))), version),
        lambda: octet(_octets(chance), version),
        lambda: octet(_octets(chance), version, _some(chance, 256)),
        lambda: kanji(_values(chance), version),
        lambda: hanzi(_values(chance), version, int(chance.choice((1, 1, 1, 0, 15)))),
        lambda: _part(chance),
        fnc1_first,
        lambda: fnc1_second(_some(chance, 256)),
        lambda: eci(int(chance.choice(_ECIS)), int(chance.integers(1, 4))),
        lambda: bits(int(chance.choice(_UNASSIGNED)), 4),
        lambda: bits(0, 4),
        lambda: _dice(chance, 60),
    )
    return makers[int(chance.integers(len(makers)))]()


def stream(chance: Chance, version: int = 1) -> Bits:
    """Return the bits of a random message: segments in any order, sometimes cut short, sometimes dice alone."""
    if chance.random() < 0.1:
        return _dice(chance, 400)
    parts = [segment(chance, version) for _ in range(int(chance.integers(1, 6)))]
    if chance.random() < 0.4:
        parts.insert(0, _part(chance))
    if chance.random() < 0.25:
        parts.insert(_some(chance, len(parts) + 1), fnc1_second(_some(chance, 256)))
    whole = sum(parts, ())
    return whole[: int(chance.integers(1, len(whole) + 1))] if whole and chance.random() < 0.15 else whole


def symbol(chance: Chance) -> NDArray[np.bool_]:
    """Return a random symbol."""
    near = int(chance.choice((1, 1, 1, 10, 27), p=(0.3, 0.3, 0.3, 0.07, 0.03)))
    level = LEVELS[int(chance.integers(4))]
    told = stream(chance, near)
    version = max(near, fitting(told, level) or LARGEST)
    return modules(told, version, level, int(chance.integers(8)))
