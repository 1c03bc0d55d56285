"""A write-ahead log as it lies on the disk, and how much of it SQLite will believe (sqlite.org/fileformat2.html, 4).

SQLite takes a frame whose checksum is wrong for the end of the log, and forgets all that stands behind it without a
word. After a power cut that is right: behind it is at most the one commit that was not on the disk yet. More than
one can only be there because something that was on the disk was changed.
"""

import struct
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

HEADER, FRAME = 32, 24
"""Bytes before the first frame of a log, and before the page in each."""
BIG_ENDIAN = 1
"""The bit of the magic number that says how the checksums take their words."""
CUT_OFF = 1
"""Commits that a power cut may leave behind the last one that is on the disk: each is waited for (FULL)."""


class WalFrame(NamedTuple):
    """The frame that begins *at* an octet of the log."""

    at: int
    commits: bool
    """Whether a transaction ends with it."""
    current: bool
    """Whether it was written since the log last began anew; an older one was in the file once, if it was committed."""


def frames(octets: mmap, size: int) -> list[WalFrame]:
    """Return the frames of a log of pages of *size* bytes, in the order of the file."""
    places = range(HEADER, len(octets) - FRAME - size + 1, FRAME + size)
    salts = octets[16:24] if _sound(octets) or not places else octets[HEADER + 8 : HEADER + 16]
    return [WalFrame(at, octets[at + 4 : at + 8] != bytes(4), octets[at + 8 : at + 16] == salts) for at in places]


def pages(octets: mmap, size: int, *, current: bool) -> Iterator[bytes]:
    """Yield the pages of the frames that are, or are not, *current*, the last one first."""
    for frame in reversed(frames(octets, size)):
        if frame.current is current:
            yield octets[frame.at + FRAME : frame.at + FRAME + size]


def forgotten(path: Path, size: int) -> bool:
    """Return whether SQLite would forget commits of the log at *path* that were on the disk; raises OSError."""
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as octets:
            found = frames(octets, size)
            commits = [frame.at for frame in found if frame.current and frame.commits]
            if len(commits) <= CUT_OFF:
                return False
            # With the last but one believed, at most one is behind.
            return not _believed(octets, size, [frame.at for frame in found], commits[-1 - CUT_OFF])
    except (FileNotFoundError, ValueError):  # none, or an empty one
        return False


def _believed(octets: mmap, size: int, places: list[int], last: int) -> bool:
    """Return whether all checksums are right up to the frame *last*."""
    if not _sound(octets):
        return False
    order = _order(octets)
    so_far = _checksum(octets[:24], order, (0, 0))
    for at in places:
        if octets[at + 8 : at + 16] != octets[16:24]:
            return False
        so_far = _checksum(octets[at : at + 8], order, so_far)
        so_far = _checksum(octets[at + FRAME : at + FRAME + size], order, so_far)
        if so_far != struct.unpack(">2I", octets[at + 16 : at + 24]):
            return False
        if at == last:
            return True
    return False


def _sound(octets: mmap) -> bool:
    """Return whether the header of the log is what was written."""
    return len(octets) >= HEADER and _checksum(octets[:24], _order(octets), (0, 0)) == struct.unpack(
        ">2I", octets[24:32]
    )


def _order(octets: mmap) -> str:
    return ">" if octets[3] & BIG_ENDIAN else "<"


def _checksum(octets: bytes, order: str, so_far: tuple[int, int]) -> tuple[int, int]:
    """Return the checksum of *octets* after *so_far* (4.2); about 0.1 ms a page on a desktop."""
    one, two = so_far
    words = struct.unpack(f"{order}{len(octets) // 4}I", octets)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = one + first + two & 0xFFFFFFFF
        two = two + second + one & 0xFFFFFFFF
    return one, two
