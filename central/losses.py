"""What a point said it no longer has: noted once, and taken back where a row, or a whole card, turns up after all."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from central.rows import MOST_SEQ, Row

Loss: TypeAlias = tuple[str, str, int, int, str]
"""A point, an epoch, the first and the last number of it, both included, and when that was told."""


def lose(file: sqlite3.Connection, loss: Loss) -> None:
    """Note that a point no longer has these numbers."""
    file.execute("INSERT INTO lost VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", loss)


def find(file: sqlite3.Connection, point: str, new: Iterable[Row]) -> None:
    """Take out of what is lost the *new* rows, which are held now; what is left of a span stays lost."""
    if file.execute("SELECT 1 FROM lost WHERE point = ? LIMIT 1", (point,)).fetchone() is None:
        return
    for row in new:
        at = point, row.epoch, row.seq, row.seq
        among = "FROM lost WHERE point = ? AND epoch = ? AND first <= ? AND last >= ?"
        spans = file.execute(f"SELECT first, last, told {among}", at).fetchall()
        file.execute(f"DELETE {among}", at)
        for first, last, told in spans:
            for left in ((first, row.seq - 1), (row.seq + 1, last)):
                if left[0] <= left[1]:
                    lose(file, (point, row.epoch, *left, told))


def reappear(file: sqlite3.Connection, point: str, before: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    """Take back the losses where a card shows numbers that the one *before* did not; return their epochs.

    Only there: a card that always showed a span has said already what of it is lost.
    """
    known = {epoch: (first, last) for epoch, first, last in _spans(before)}
    back = []
    for epoch, first, last in _spans(told):
        old = known.get(epoch, (last + 1, last))
        for part in ((first, min(last, old[0] - 1)), (max(first, old[1] + 1), last)):
            sql = "DELETE FROM lost WHERE point = ? AND epoch = ? AND first <= ? AND last >= ?"
            if part[0] <= part[1] and file.execute(sql, (point, epoch, part[1], part[0])).rowcount:
                back.append(epoch)
    return back


def _spans(told: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    kept = told.get("kept")
    found = []
    for span in kept if isinstance(kept, list) else []:
        match span:
            case [str(epoch), int(first), int(last)] if 0 <= first <= last <= MOST_SEQ:
                found.append((epoch, first, last))
    return found
