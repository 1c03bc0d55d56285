"""Whose an epoch is: what one point's topic brought of another, which the first is not charged with.

A card that was renamed shows its old epochs under the new name. Where events of such an epoch are another point's,
held or in quarantine, none of it is missing of the new name, or lost.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from central.events import Claim


class _OfEpoch(Protocol):
    @property
    def epoch(self) -> str: ...


Spanning = TypeVar("Spanning", bound=_OfEpoch)
"""A stretch of one epoch's numbers."""

MAX_STRAYS = 1000
"""Epochs of others that are noted of one point; whoever sends more is not spared what the rest costs."""
_OWN = """
SELECT EXISTS (SELECT 1 FROM event WHERE point = :point AND epoch = :epoch)
    OR EXISTS (SELECT 1 FROM purged WHERE point = :point AND epoch = :epoch)
"""
_OWNER = """
WITH RECURSIVE one(point) AS (
    SELECT min(point) FROM event
    UNION ALL SELECT (SELECT min(point) FROM event WHERE point > one.point) FROM one WHERE point IS NOT NULL
)
SELECT owner FROM stray WHERE point = :point AND epoch = :epoch
UNION ALL SELECT other.point FROM (SELECT point FROM one UNION SELECT point FROM station) other
WHERE other.point <> :point AND (
    EXISTS (SELECT 1 FROM event e WHERE e.point = other.point AND e.epoch = :epoch)
    OR EXISTS (SELECT 1 FROM purged p WHERE p.point = other.point AND p.epoch = :epoch)
) LIMIT 1
"""
"""From one point to the next in the index, so that a million events cost no more than a few."""


def note(file: sqlite3.Connection, point: str, claims: Iterable[Claim]) -> None:
    """Note of which epochs of others the events *claims* are, that came on the topic of *point*."""
    found = {(claim.place.epoch, claim.point) for claim in claims if claim.place and claim.point not in {None, point}}
    file.executemany(
        "INSERT INTO stray SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM stray WHERE point = ?1) < ?4"
        " ON CONFLICT DO NOTHING",
        ((point, epoch, owner, MAX_STRAYS) for epoch, owner in sorted(found, key=str)),
    )


def owner(file: sqlite3.Connection, point: str, epoch: str) -> str | None:
    """Return the other point whose *epoch* is, ``None`` where it is *point*'s own or nobody's that is known."""
    of = {"point": point, "epoch": epoch}
    if file.execute(_OWN, of).fetchone()[0]:
        return None
    row = file.execute(_OWNER, of).fetchone()
    return row and str(row[0])


def owners(file: sqlite3.Connection, point: str, epochs: Iterable[str]) -> dict[str, str]:
    """Return those of *epochs* that are another point's, each with that point."""
    return {epoch: other for epoch in set(epochs) if (other := owner(file, point, epoch)) is not None}


def charged(file: sqlite3.Connection, point: str, gaps: Sequence[Spanning]) -> list[Spanning]:
    """Return *gaps* of *point* without those in epochs that are another point's."""
    others = owners(file, point, (gap.epoch for gap in gaps))
    return [gap for gap in gaps if gap.epoch not in others]


def uncharge(file: sqlite3.Connection, point: str, epochs: Iterable[str]) -> None:
    """Forget what *point* said of *epochs* and what it was told to have lost of them, unless they are its own."""
    for epoch in epochs:
        if owner(file, point, epoch) is not None:
            for table in ("said", "lost", "unread"):
                file.execute(f"DELETE FROM {table} WHERE point = ? AND epoch = ?", (point, epoch))  # noqa: S608 - words of ours
