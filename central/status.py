"""What the centre holds, point by point: read from the database alone, beside whoever writes it."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from central.store import Gap, NotOurs, check
from device.database import damaged, sentence
from device.model import WITA
from device.wire import loads

GAPS_NAMED = 20
"""Gaps of one point that are named; all are counted."""
READ_LIMIT = 5.0
"""Seconds to wait for a lock."""


class Missing(Exception):  # noqa: N818 - what the file is
    """No database is there, or none that this user may read."""


@dataclass(frozen=True, slots=True)
class PointStatus:
    """What is held of one point, and what it said of itself."""

    events: int = 0
    last_event: str | None = None
    """When somebody last stood there, by the point's own clock."""
    state: str | None = None
    seen: str | None = None
    """When the point itself was last heard."""
    epochs: int = 0
    missing: int = 0
    """Events that must have been, since a later one of the same epoch is held."""
    gaps: tuple[Gap, ...] = ()
    tail: int = 0
    """Events that the point said it has, past the last one held."""
    clashes: int = 0
    """Places of an epoch that more than one event claims."""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that ``titik-central status`` says."""

    centre: str
    points: Mapping[str, PointStatus]
    quarantined: int

    def wire(self) -> dict[str, Any]:
        """Return it as its JSON has it."""
        return {
            "centre": self.centre,
            "points": {name: asdict(point) for name, point in self.points.items()},
            "quarantined": self.quarantined,
        }


def look(path: Path) -> Status:
    """Return the status of the database at *path*, as of one moment; raises `Missing` and `NotOurs`."""
    try:
        path.stat()
    except FileNotFoundError:
        raise Missing(
            f"{path} does not exist: no centre has run with this configuration. Next: titik-central run"
        ) from None
    except OSError as error:
        raise Missing(f"{path}: {error.strerror}. Next: ask as the user of the centre, or with sudo") from error
    try:
        with closing(_reader(path)) as file:
            file.execute("BEGIN")
            if check(file, path):
                raise Missing(f"{path} is still empty: the centre is being started. Next: ask again")
            return _status(file)
    except sqlite3.Error as error:
        if damaged(error):
            raise NotOurs(f"{path}: {sentence(error)}. Next: restore a backup") from error
        raise Missing(f"{path}: {sentence(error)}. Next: ask as the user of the centre, or with sudo") from error


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=READ_LIMIT, isolation_level=None)


def _status(file: sqlite3.Connection) -> Status:
    held: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    highest: dict[tuple[str, str], int] = {}
    # An epoch's first row tells which came first: epochs are random words, and times may be wrong.
    began: dict[tuple[str, str], int] = {}
    for point, epoch, events, places, last, row in file.execute(
        "SELECT point, epoch, count(*), count(DISTINCT seq), max(seq), min(rowid) FROM event GROUP BY point, epoch"
    ):
        of = held[point]
        of["events"] = of.get("events", 0) + events
        of["epochs"] = of.get("epochs", 0) + 1
        of["missing"] = of.get("missing", 0) + last - places
        highest[point, epoch], began[point, epoch] = last, row
    for point, last_event in file.execute("SELECT point, max(time) FROM event GROUP BY point"):
        held[point]["last_event"] = last_event
    for point, clashes in file.execute(
        "SELECT point, count(*) FROM (SELECT point FROM event GROUP BY point, epoch, seq HAVING count(*) > 1)"
        " GROUP BY point"
    ):
        held[point]["clashes"] = clashes
    for point, state, seen in file.execute("SELECT point, state, seen FROM station"):
        held[point] |= {"state": loads(state.encode()).get("state") if state else None, "seen": seen}
    for point, epoch, seq in file.execute("SELECT point, epoch, seq FROM said"):
        held[point]["tail"] = held[point].get("tail", 0) + max(0, seq - highest.get((point, epoch), 0))
    for point, gaps in _gaps(file, began).items():
        held[point]["gaps"] = tuple(gaps[:GAPS_NAMED])
    return Status(
        file.execute("SELECT centre FROM life").fetchone()[0],
        {point: PointStatus(**held[point]) for point in sorted(held)},
        file.execute("SELECT count(*) FROM quarantine").fetchone()[0],
    )


def _gaps(file: sqlite3.Connection, began: Mapping[tuple[str, str], int]) -> dict[str, list[Gap]]:
    """Return each point's gaps, oldest epoch first; numbers begin at 1."""
    found: defaultdict[str, list[Gap]] = defaultdict(list)
    for point, epoch, before, seq in file.execute(
        "SELECT * FROM (SELECT point, epoch, lag(seq, 1, 0) OVER of AS before, seq FROM event"
        " WINDOW of AS (PARTITION BY point, epoch ORDER BY seq)) WHERE seq > before + 1"
    ):
        found[point].append(Gap(epoch, before + 1, seq - 1))
    for point, gaps in found.items():
        gaps.sort(key=lambda gap, point=point: (began[point, gap.epoch], gap.first))  # type: ignore[misc]  # bound now
    return found


HEADINGS = (
    ("titik", "point"),
    ("status", "state"),
    ("terdengar", "last heard"),
    ("peristiwa", "events"),
    ("terakhir", "last event"),
    ("epoch", ""),
    ("hilang", "missing"),
    ("ekor", "tail"),
    ("bentrok", "clashes"),
)
"""Indonesian first; the English word stands beneath."""
_NUMBERS = {3, 5, 6, 7, 8}


def lines(status: Status) -> Iterator[str]:
    """Yield the table for a person, times in the office's own (WITA)."""
    rows = [
        (
            name,
            point.state or "-",
            _civil(point.seen),
            str(point.events),
            _civil(point.last_event),
            str(point.epochs),
            str(point.missing),
            str(point.tail),
            str(point.clashes),
        )
        for name, point in status.points.items()
    ]
    table = [tuple(pair[0] for pair in HEADINGS), tuple(pair[1] for pair in HEADINGS), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
    for row in table:
        cells = (
            f"{text:>{width}}" if column in _NUMBERS else f"{text:<{width}}"
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
    if not status.points:
        yield "belum ada titik yang terdengar / no point has been heard yet"
    for name, point in status.points.items():
        if point.gaps:
            named = ", ".join(f"{_safe(gap.epoch)} {gap.first}-{gap.last}" for gap in point.gaps[:3])
            more = " ..." if len(point.gaps) > 3 else ""  # noqa: PLR2004 - the three named above
            yield f"hilang / missing  {name}: {named}{more}"
    yield f"karantina / quarantined: {status.quarantined}   pusat / centre: {status.centre}"


def _civil(stamp: str | None) -> str:
    return "-" if stamp is None else f"{datetime.fromisoformat(stamp).astimezone(WITA):%Y-%m-%d %H:%M:%S}"


def _safe(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
