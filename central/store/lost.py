"""What a point said it no longer has: noted once, and taken back where a row, or a whole card, turns up after all.

The spans of one epoch have no number in common, so that a search finds the one that a number is in.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from central.events import EventRow
from central.store.missing import Gap
from central.store.reported import spans

_BEFORE = "SELECT first, last, told FROM lost WHERE point = ? AND epoch = ? AND first <= ? ORDER BY first DESC LIMIT 1"
_AFTER = "SELECT first, last, told FROM lost WHERE point = ? AND epoch = ? AND first > ? AND first <= ? ORDER BY first"

_THERE = """
SELECT seq FROM event WHERE point = :point AND epoch = :epoch AND seq BETWEEN :first AND :last
UNION SELECT seq FROM purged WHERE point = :point AND epoch = :epoch AND seq BETWEEN :first AND :last
UNION SELECT seq FROM unread WHERE point = :point AND epoch = :epoch AND seq BETWEEN :first AND :last
ORDER BY 1
"""


class Loss(NamedTuple):
    """Numbers of a point's epoch, both ends included, and when that was told."""

    point: str
    epoch: str
    first: int
    last: int
    at: str


def lose(file: sqlite3.Connection, loss: Loss) -> None:
    """Note that a point no longer has these numbers; those that were told lost before stay as they were told."""
    first = loss.first
    left = []
    for known in _touched(file, loss):
        if known.first > first:
            left.append(loss._replace(first=first, last=known.first - 1))
        first = max(first, known.last + 1)
    if first <= loss.last:
        left.append(loss._replace(first=first))
    file.executemany("INSERT INTO lost VALUES (?, ?, ?, ?, ?)", left)


def find(file: sqlite3.Connection, point: str, new: Iterable[EventRow]) -> None:
    """Take out of what is lost the *new* rows, which are held now; what is left of a span stays lost."""
    if file.execute("SELECT 1 FROM lost WHERE point = ? LIMIT 1", (point,)).fetchone() is None:
        return
    for row in new:
        for span in _touched(file, Loss(point, row.epoch, row.seq, row.seq, "")):
            _forget(file, span)
            for left in (span._replace(last=row.seq - 1), span._replace(first=row.seq + 1)):
                if left.first <= left.last:
                    lose(file, left)


def reappear(file: sqlite3.Connection, point: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Take back the losses where a card shows numbers that the one *before* did not; return their epochs.

    Only there: a card that always showed a span has said already what of it is lost.
    """
    known = {epoch: (first, last) for epoch, first, last in spans(before)}
    back = []
    for epoch, first, last in spans(after):
        old = known.get(epoch, (last + 1, last))
        for part in ((first, min(last, old[0] - 1)), (max(first, old[1] + 1), last)):
            found = list(_touched(file, Loss(point, epoch, *part, ""))) if part[0] <= part[1] else []
            for span in found:
                _forget(file, span)
            back += [epoch] if found else []
    return back


def still(file: sqlite3.Connection) -> dict[str, list[Gap]]:
    """Return what each point said it has no longer, without what is held after all: parts may have come since."""
    found: defaultdict[str, list[Gap]] = defaultdict(list)
    for point, epoch, first, last in file.execute("SELECT point, epoch, first, last FROM lost ORDER BY 1, 2, 3, 4"):
        before = found[point][-1] if found[point] else None
        begins = first if before is None or before.epoch != epoch else max(first, before.last + 1)
        for (seq,) in file.execute(_THERE, {"point": point, "epoch": epoch, "first": begins, "last": last}):
            if seq > begins:
                found[point].append(Gap(epoch, begins, seq - 1))
            begins = seq + 1
        if begins <= last:
            found[point].append(Gap(epoch, begins, last))
    return found


def _touched(file: sqlite3.Connection, loss: Loss) -> list[Loss]:
    """Return the spans that have a number in common with *loss*, in order."""
    found = file.execute(_BEFORE, (loss.point, loss.epoch, loss.first)).fetchall()
    found += file.execute(_AFTER, (loss.point, loss.epoch, loss.first, loss.last)).fetchall()
    return [Loss(loss.point, loss.epoch, *span) for span in found if span[1] >= loss.first]


def _forget(file: sqlite3.Connection, span: Loss) -> None:
    sql = "DELETE FROM lost WHERE point = ? AND epoch = ? AND first = ? AND last = ?"
    file.execute(sql, (span.point, span.epoch, span.first, span.last))
