"""The rows in a damaged SQLite file's pages, found without its trees (sqlite.org/fileformat2.html, 1.6 and 2.1).

A table's leaf page names its own cells, so every sound page gives its rows, wherever the way to it is broken. What is
found may be older than what the trees said, or deleted long ago: whoever takes it must check each row by itself.
"""

from collections.abc import Container, Iterator
from mmap import mmap
from typing import TypeAlias

from device.system.errors import TitikError

Value: TypeAlias = int | bytes | str | None

LEAF = 13
"""The first byte of a table's leaf page."""
NULL, ZERO, ONE, BLOB, TEXT = 0, 8, 9, 12, 13
"""Serial types that are no integer of some bytes."""
WIDTHS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer by its serial type."""
VARINT = 9
"""Bytes of the longest varint."""


class DamagedPageError(TitikError, ValueError):
    """A page, or a cell in it, that is not what SQLite writes."""


def pages(octets: mmap, size: int) -> Iterator[bytes]:
    """Yield the pages of a database file, *size* bytes each, the last one first."""
    for at in reversed(range(0, len(octets) - size + 1, size)):
        yield octets[at : at + size]


def rows(page: bytes, columns: int, wanted: Container[int] | None = None) -> Iterator[tuple[int, list[Value]]]:
    """Yield the row number and the values of each sound cell of a leaf page; nothing of any other page.

    With *wanted*, only of those rows. Rows that go on in an overflow page are passed over: no event is as long.
    """
    if len(page) < 8 or page[0] != LEAF:  # noqa: PLR2004 - the header of a leaf page
        return
    for n in range(int.from_bytes(page[3:5], "big")):
        pointer = page[8 + 2 * n : 10 + 2 * n]
        if len(pointer) < 2:  # noqa: PLR2004 - a pointer has two bytes
            return
        try:
            found = _cell(page, int.from_bytes(pointer, "big"), columns, wanted)
        except (DamagedPageError, UnicodeDecodeError):
            continue
        if found is not None:
            yield found


def _cell(page: bytes, at: int, columns: int, wanted: Container[int] | None) -> tuple[int, list[Value]] | None:
    length, at = _varint(page, at)
    row, at = _varint(page, at)
    if wanted is not None and row not in wanted:
        return None
    record = page[at : at + length]
    if len(record) != length or length > len(page) - 35:  # 1.6: more than that goes on elsewhere
        raise DamagedPageError
    end, at = _varint(record, 0)
    types = []
    while at < end:
        type_, at = _varint(record, at)
        types.append(type_)
    if at != end or len(types) != columns:
        raise DamagedPageError
    values: list[Value] = []
    for type_ in types:
        value, at = _value(record, at, type_)
        values.append(value)
    return row, values


def _value(record: bytes, at: int, type_: int) -> tuple[Value, int]:
    if type_ == NULL:
        return None, at
    if type_ in (ZERO, ONE):
        return type_ - ZERO, at
    if type_ in WIDTHS:
        width = WIDTHS[type_]
    elif type_ >= BLOB:
        width = (type_ - BLOB) // 2
    else:
        raise DamagedPageError
    octets = record[at : at + width]
    if len(octets) != width:
        raise DamagedPageError
    if type_ in WIDTHS:
        return int.from_bytes(octets, "big", signed=True), at + width
    return (octets if type_ % 2 == 0 else octets.decode()), at + width


def _varint(octets: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(VARINT):
        if at + n >= len(octets):
            raise DamagedPageError
        octet = octets[at + n]
        if n == VARINT - 1:
            return _signed(value << 8 | octet), at + VARINT
        value = value << 7 | octet & 0x7F
        if octet < 0x80:  # noqa: PLR2004 - the last octet of a varint has its high bit clear
            return value, at + n + 1
    raise DamagedPageError


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
