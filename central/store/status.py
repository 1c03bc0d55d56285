"""What the centre holds, point by point: read from the database alone, beside whoever writes it."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from central.store import known_points, lost, missing, strays, troubles
from central.store.audit_log import BACKUP
from central.store.condition import condition
from central.store.file import reading
from central.store.last_event import note_last
from central.store.missing import Gap
from central.store.quarantine import OPEN
from central.store.troubles import Trouble
from device.model import Place
from device.wire import MAX_SEQ, loads

GAPS_NAMED = 20
"""Gaps of one point that are named; all are counted."""
MAX_TROUBLES = 1000
_CLASHES = """
SELECT point, count(*), max((
    SELECT max(received) FROM event e WHERE e.point = twice.point AND e.epoch = twice.epoch AND e.seq = twice.seq
)) FROM (SELECT point, epoch, seq FROM event GROUP BY point, epoch, seq HAVING count(*) > 1) twice GROUP BY point
"""


@dataclass(frozen=True, slots=True)
class PointStatus:
    """What is held of one point, and what it said of itself."""

    events: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """Of those how many are people let in (``admit``), or something else: see `tally`."""
    last_event: str | None = None
    """When somebody last stood there: by the corrected time, and never after it was received."""
    last_event_between: tuple[str | None, str] | None = None
    """Where that event's time is not known: surely not before, and received."""
    state: str | None = None
    faults: tuple[str, ...] = ()
    """Why it is degraded, in its own words."""
    seen: str | None = None
    """When the point itself was last heard."""
    owed: int | None = None
    """Events that it said wait on its card; ``None`` where it said nothing."""
    oldest: Place | None = None
    """Of those the first."""
    owed_since: str | None = None
    """When that one was, as far as the point said."""
    version: str | None = None
    bundle: int | None = None
    """The version of the trust bundle that it follows."""
    synced: bool | None = None
    """Whether it trusts its own clock."""
    skew: float | None = None
    """Seconds that its clock was ahead of the centre's when it last told how it fares."""
    epochs: int = 0
    missing: int = 0
    """Events that must have been, since a later one of the same epoch is, or was, held; what was purged is not."""
    gaps: tuple[Gap, ...] = ()
    tail: int = 0
    """Events that the point said it has, past the last one held."""
    lost: int = 0
    """Events of which the point said that it has them no longer, and that are not held."""
    lost_gaps: tuple[Gap, ...] = ()
    lost_at: str | None = None
    """When it last said so."""
    undated: int = 0
    """Events of a boot whose clock was never synchronised."""
    undated_between: tuple[str | None, str] | None = None
    """The bounds in which those were: surely not before, and received."""
    clashes: int = 0
    """Places of an epoch that more than one event claims."""
    clashes_at: str | None = None
    """When the last such event was received."""
    foreign: tuple[tuple[str, str], ...] = ()
    """Epochs that it shows and that are another point's, each with that point: a card that was renamed."""


@dataclass(frozen=True, slots=True)
class Backup:
    """The last copy that `backup` made."""

    at: str
    file: str
    events: int


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the database says of how things are."""

    centre: str
    points: Mapping[str, PointStatus]
    quarantined: int
    """Messages in quarantine."""
    unreleased: int = 0
    """Of those, the ones that somebody must still look at."""
    backup: Backup | None = None
    troubles: tuple[Trouble, ...] = ()

    def wire(self) -> dict[str, Any]:
        """Return it as its JSON has it."""
        fields = asdict(self)
        for name, point in self.points.items():
            fields["points"][name]["oldest"] = point.oldest and point.oldest._asdict()
        fields["troubles"] = [
            {"point": one.point, "word": one.word, "since": one.since, "told": one.details} for one in self.troubles
        ]
        return fields


def look(path: Path) -> Status:
    """Return the status of the database at *path*, as of one moment.

    Raises `file.DatabaseMissingError` and `file.ForeignDatabaseError`.
    """
    with reading(path) as file:
        return _status(file)


def _status(file: sqlite3.Connection) -> Status:
    held: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    highest: dict[tuple[str, str], int] = {}
    # An epoch's first row tells which came first: epochs are random words, and times may be wrong.
    began: dict[tuple[str, str], int] = {}
    for point, epoch, events, last, row in file.execute(
        "SELECT point, epoch, count(*), max(seq), min(rowid) FROM event GROUP BY point, epoch"
    ):
        of = held[point]
        of["events"] = of.get("events", 0) + events
        of["epochs"] = of.get("epochs", 0) + 1
        highest[point, epoch], began[point, epoch] = last, row
    for gone in ("purged", "unread"):
        for point, epoch, last in file.execute(f"SELECT point, epoch, max(seq) FROM {gone} GROUP BY point, epoch"):  # noqa: S608 - words of ours
            highest[point, epoch] = max(last, highest.get((point, epoch), 0))
    for point, kind, events in file.execute("SELECT point, kind, events FROM tally WHERE events > 0"):
        held[point].setdefault("counts", {})[kind] = events
    for point, clashes, at in file.execute(_CLASHES):
        held[point] |= {"clashes": clashes, "clashes_at": at}
    for point, state, info, health, seen, health_at in file.execute(
        "SELECT point, state, info, health, seen, health_at FROM station"
    ):
        held[point] |= {"seen": seen, **condition(_object(state), _object(info), _object(health), health_at)}
    _charge(file, held, highest, began)
    note_last(file, held)
    return Status(
        centre=file.execute("SELECT centre FROM life").fetchone()[0],
        points={point: PointStatus(**held[point]) for point in sorted(held)},
        quarantined=file.execute("SELECT count(*) FROM quarantine").fetchone()[0],
        unreleased=file.execute(f"SELECT count(*) FROM quarantine WHERE {OPEN}").fetchone()[0],  # noqa: S608 - words of ours
        backup=_backup(file),
        troubles=tuple(troubles.known(file, MAX_TROUBLES)),
    )


def _charge(
    file: sqlite3.Connection,
    held: Mapping[str, dict[str, Any]],
    highest: Mapping[tuple[str, str], int],
    began: Mapping[tuple[str, str], int],
) -> None:
    """Note what of each point is missing and lost, but for epochs that are another point's, which are noted."""
    losses, at = lost.still(file), dict(file.execute("SELECT point, max(told) FROM lost GROUP BY point"))
    for point in {*known_points.names(file), *losses}:
        due, gone = missing.everything(file, point), losses.get(point, [])
        if not due and not gone:
            continue
        strange = {gap.epoch for gap in (*due, *gone) if (point, gap.epoch) not in began}
        foreign = strays.owners(file, point, strange)
        due = [gap for gap in due if gap.epoch not in foreign]
        gone = [gap for gap in gone if gap.epoch not in foreign]
        # The oldest epoch first; what nothing is held of comes last.
        due.sort(key=lambda gap, point=point: (began.get((point, gap.epoch), MAX_SEQ), *gap))  # type: ignore[misc]  # bound now
        inner = [gap for gap in due if gap.first < highest.get((point, gap.epoch), 0)]
        held[point] |= {
            "gaps": tuple(inner[:GAPS_NAMED]),
            "missing": _count(inner),
            "tail": _count(due) - _count(inner),
            "lost": _count(gone),
            "lost_gaps": tuple(gone[:GAPS_NAMED]),
            "lost_at": at[point] if gone else None,
            "foreign": tuple(sorted(foreign.items())[:GAPS_NAMED]),
        }


def _backup(file: sqlite3.Connection) -> Backup | None:
    row = file.execute("SELECT at, told FROM audit WHERE what = ? ORDER BY at DESC LIMIT 1", (BACKUP,)).fetchone()
    if row is None:
        return None
    made = loads(row[1].encode())
    return Backup(row[0], made["file"], made["events"])


def _object(text: str | None) -> dict[str, Any]:
    value = loads(text.encode()) if text else {}
    return value if isinstance(value, dict) else {}


def _count(gaps: Sequence[Gap]) -> int:
    return sum(gap.last - gap.first + 1 for gap in gaps)
