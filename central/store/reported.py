"""How far each epoch of a point goes, as it says itself: it serves to notice a lost tail, and to nothing else.

Delivery does not depend on it, so it may be bounded: a station names the newest hundred epochs on its card, and
begins one at each start. A thousand is a year of three starts a day.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from central.events import EPOCH_LENGTH
from device.wire import MAX_SEQ

MAX_KEPT = 100
"""Epochs that one state may name; the newest, which are the last, count."""
MAX_SAID = 1_000
"""Epochs of one point that are remembered because it said that they are."""
PIECE = 2_000
"""Of what is too much, what goes at a time."""


def spans(state: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """Return what a state says is on its card: epoch, first and last number; of more than a hundred the newest."""
    kept = state.get("kept")
    found = []
    for span in kept[-MAX_KEPT:] if isinstance(kept, list) else []:
        match span:
            case [str(epoch), int(first), int(last)] if (
                0 <= first <= last <= MAX_SEQ and len(epoch) in EPOCH_LENGTH and not isinstance(last, bool)
            ):
                found.append((epoch, first, last))
    return found


def note(file: sqlite3.Connection, point: str, state: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """Note the highest number of each epoch that *report* names, and let go what is too much.

    What *state*, the newest of the point, has on its card stays, and so does the epoch that *report* is of.
    """
    ends = [(epoch, last) for epoch, _, last in spans(report)]
    match report:
        case {"epoch": str(epoch), "seq": int(seq)} if 0 <= seq <= MAX_SEQ and not isinstance(seq, bool):
            ends += [(epoch, seq)] if len(epoch) in EPOCH_LENGTH else []
        case _:
            pass
    file.executemany(
        "INSERT INTO said VALUES (?, ?, ?)"
        " ON CONFLICT (point, epoch) DO UPDATE SET seq = max(seq, excluded.seq) WHERE seq < excluded.seq",
        ((point, epoch, seq) for epoch, seq in ends),
    )
    over = _many(file, point) - MAX_SAID
    if 0 < over <= MAX_KEPT + 1:  # more of it is there from before there was a bound, and goes by `trim`
        mine = {epoch for epoch, _ in ends} | {epoch for epoch, _, _ in spans(state)}
        _let_go(file, point, mine, over, "point = ?")


def points(file: sqlite3.Connection) -> list[str]:
    """Return the points of which more is there than is remembered, which was let in before there was a bound."""
    found, point = [], ""
    while (point := file.execute("SELECT min(point) FROM said WHERE point > ?", (point,)).fetchone()[0]) is not None:
        if _many(file, point) > MAX_SAID:
            found.append(point)
    return found


def trim(file: sqlite3.Connection, point: str, state: Mapping[str, Any]) -> bool:
    """Let a piece go of what is too much of *point*; return whether there was anything."""
    over = min(_many(file, point) - MAX_SAID, PIECE)
    if over <= 0:
        return False
    own = state.get("epoch")
    mine = {epoch for epoch, _, _ in spans(state)} | ({own} if isinstance(own, str) else set())
    # In the order of the rows, not by the index: to sort half a million would take as long each time.
    return _let_go(file, point, mine, over, "+point = ?") > 0


def _many(file: sqlite3.Connection, point: str) -> int:
    """Return how many are there, as far as it matters."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM said WHERE point = ? LIMIT ?)"
    return int(file.execute(sql, (point, MAX_SAID + PIECE)).fetchone()[0])


def _let_go(file: sqlite3.Connection, point: str, but: set[str], most: int, where: str) -> int:
    """Delete the *most* that were said first, *but* not those epochs; return how many went."""
    marks = ",".join("?" * len(but))
    return file.execute(
        f"DELETE FROM said WHERE rowid IN"  # noqa: S608 - words of ours
        f" (SELECT rowid FROM said WHERE {where} AND epoch NOT IN ({marks}) ORDER BY rowid LIMIT ?)",
        (point, *but, most),
    ).rowcount
