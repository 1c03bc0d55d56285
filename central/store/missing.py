"""What of a point is not held, found a piece at a time: however much there is, one look reads so many rows.

A look goes on where the one before it ended, so that after some looks all epochs had their turn.
"""

import sqlite3
import sys
from collections.abc import Sequence
from typing import NamedTuple

from device.wire import MAX_SEQ

LOOK = 20_000
"""Rows that one look reads (some 10 ms); an honest point's epochs are whole, and one look sees them all."""
EPOCH = 25
"""Rows for which going to the next epoch counts: it costs as much (measured)."""
LEAST = 4
"""Rows that are read of an epoch at the least: two of them may be of what is before the place where it goes on."""
REMEMBERED = 20_000
"""Epochs of which is remembered how far they are whole."""

_NEXT = """
SELECT min(epoch) FROM (
    SELECT min(epoch) AS epoch FROM event WHERE point = :point AND epoch > :epoch
    UNION ALL SELECT min(epoch) FROM purged WHERE point = :point AND epoch > :epoch
    UNION ALL SELECT min(epoch) FROM lost WHERE point = :point AND epoch > :epoch
    UNION ALL SELECT min(epoch) FROM said WHERE point = :point AND epoch > :epoch
)
"""
"""From one epoch to the next in the indexes, so that a million events cost no more than a few.

What is unread makes no epoch known: it may say anything of itself.
"""
_PLACES = """
SELECT seq, seq FROM event WHERE point = :point AND epoch = :epoch AND seq > :after
UNION ALL SELECT seq, seq FROM purged WHERE point = :point AND epoch = :epoch AND seq > :after
UNION ALL SELECT seq, seq FROM unread WHERE point = :point AND epoch = :epoch AND seq > :after
UNION ALL SELECT first, last FROM lost WHERE point = :point AND epoch = :epoch AND first > :after
UNION ALL SELECT first, last FROM (
    SELECT first, last FROM lost WHERE point = :point AND epoch = :epoch AND first <= :after ORDER BY first DESC LIMIT 1
)
UNION ALL SELECT seq + 1, seq FROM said WHERE point = :point AND epoch = :epoch AND seq < 9223372036854775807
ORDER BY 1
"""
"""Spans that need not be asked for, read one by one; what was said ends with an empty one: so a lost tail shows."""


class Gap(NamedTuple):
    """Numbers of one epoch that are not held, both ends included."""

    epoch: str
    first: int
    last: int


class Seen(NamedTuple):
    """What one look found."""

    gaps: list[Gap]
    """What is missing of *parts*, in order; what was asked for may stand there twice."""
    parts: list[Gap]
    """What was looked at; of anything else the look says nothing."""


class Gaps:
    """Looks for what is missing in *file*, and remembers how far each epoch is whole.

    A row that is one of them never becomes anything else while the file is open, but by `forget`, or by another
    program (``titik-central forget``): after one has written, all is looked at anew.
    """

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self._whole: dict[tuple[str, str], int] = {}
        self._left: dict[str, tuple[str, int]] = {}
        """Where the next look at a point goes on: an epoch, and the number after which; all before it was seen."""
        self._version: int | None = None
        """The file's ``data_version`` at the last look; another one is another program's commit."""

    def forget(self, point: str, epoch: str) -> None:
        """Note that what was known of *epoch* is known no longer."""
        self._whole.pop((point, epoch), None)

    def _heed_others(self) -> None:
        version = self._file.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            self._whole.clear()

    def look(self, point: str, asked: Sequence[Gap], most: int = LOOK) -> Seen:
        """Return what of *asked*, and of the epochs whose turn it is, is neither held, purged, unread nor told lost.

        An epoch begins at 1. What of *asked* is not reached is not among the parts.
        """
        self._heed_others()
        gaps: list[Gap] = []
        parts: list[Gap] = []
        left = most // 2  # or the epochs would never have their turn
        for gap in asked:
            if left <= 0:
                break
            found, reached, read = self._walk(point, gap.epoch, gap.first - 1, gap.last, left)
            left -= read + EPOCH
            if reached >= gap.last:
                gaps += found
                parts.append(gap)
        left = max(left, 0) + most - most // 2
        began = epoch, after = self._left.get(point, ("", 0))
        again = began == ("", 0)
        """Whether the first epoch was begun with in this look."""
        while left > 0:
            if not after:
                following = self._file.execute(_NEXT, {"point": point, "epoch": epoch}).fetchone()[0]
                if following is None and again:
                    epoch = ""
                    break
                if following is None:
                    epoch, again = "", True
                    continue
                if again and began != ("", 0) and following >= began[0]:
                    break
                epoch = following
            found, reached, read = self._walk(point, epoch, after, MAX_SEQ, left)
            left -= read + EPOCH
            gaps += found
            if reached > after:
                parts.append(Gap(epoch, after + 1, reached))
            after = 0 if reached == MAX_SEQ else reached
        self._left[point] = epoch, after
        return Seen(sorted(gaps), parts)

    def _walk(self, point: str, epoch: str, after: int, until: int, most: int) -> tuple[list[Gap], int, int]:
        """Return the gaps of *epoch* past *after*, how far that is the truth, and how many rows were read.

        It is *until*, unless *most* rows were read before.
        """
        whole = self._whole.get((point, epoch), 0)
        reached = max(after, whole)
        gaps: list[Gap] = []
        read = 0
        for first, last in self._file.execute(_PLACES, {"point": point, "epoch": epoch, "after": reached}):
            if first > reached + 1:
                begins = reached + 1
                if gaps and gaps[-1].last == reached:  # what was said ended in it
                    begins = gaps.pop().first
                gaps.append(Gap(epoch, begins, first - 1))
                reached = first - 1
            elif whole == reached:
                whole = max(whole, last)
            reached = max(reached, last)
            read += 1
            if reached >= until or read >= max(most, LEAST):
                break
        else:
            reached = until
        if (point, epoch) in self._whole or len(self._whole) < REMEMBERED:
            self._whole[point, epoch] = whole
        if gaps and gaps[-1].last > until:
            gaps[-1] = gaps[-1]._replace(last=until)
        return gaps, min(reached, until), read


def everything(file: sqlite3.Connection, point: str) -> list[Gap]:
    """Return all that is missing of *point*, for a reader: one look without an end, by the same rule."""
    return Gaps(file).look(point, (), sys.maxsize).gaps
