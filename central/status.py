"""What the centre holds, point by point: read from the database alone, beside whoever writes it."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from central.gaps import Gap
from central.rows import MOST_SEQ
from central.store import VERSION, NotOurs, check
from device.database import damaged, sentence
from device.model import WITA
from device.wire import loads

GAPS_NAMED = 20
"""Gaps of one point that are named; all are counted."""
READ_LIMIT = 5.0
"""Seconds to wait for a lock."""


_GAPS = """
WITH known(point, epoch) AS (
    SELECT point, epoch FROM event UNION SELECT point, epoch FROM purged
    UNION SELECT point, epoch FROM lost UNION SELECT point, epoch FROM said
), place(point, epoch, first, last) AS (
    SELECT point, epoch, seq, seq FROM event
    UNION ALL SELECT point, epoch, seq, seq FROM purged
    UNION ALL SELECT point, epoch, seq, seq FROM unread WHERE (point, epoch) IN known
    UNION ALL SELECT point, epoch, first, last FROM lost
    UNION ALL SELECT point, epoch, seq + 1, seq FROM said WHERE seq < 9223372036854775807
)
SELECT point, epoch, before, first FROM (
    SELECT point, epoch, first, coalesce(max(last) OVER (
        PARTITION BY point, epoch ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS before FROM place
) WHERE first > before + 1 ORDER BY point, epoch, first
"""
"""As `store.Store.missing` has it, of all points at once."""
_THERE = """
SELECT seq FROM event WHERE point = :point AND epoch = :epoch AND seq BETWEEN :first AND :last
UNION SELECT seq FROM purged WHERE point = :point AND epoch = :epoch AND seq BETWEEN :first AND :last
UNION SELECT seq FROM unread WHERE point = :point AND epoch = :epoch AND seq BETWEEN :first AND :last
ORDER BY 1
"""


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
    """Events that must have been, since a later one of the same epoch is, or was, held; what was purged is not."""
    gaps: tuple[Gap, ...] = ()
    tail: int = 0
    """Events that the point said it has, past the last one held."""
    lost: int = 0
    """Events of which the point said that it has them no longer, and that are not held."""
    lost_gaps: tuple[Gap, ...] = ()
    undated: int = 0
    """Events of a boot whose clock was never synchronised."""
    undated_between: tuple[str | None, str] | None = None
    """The bounds in which those were: surely not before, and received."""
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
            if file.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                raise Missing(f"{path} is of an older version. Next: systemctl start titik-central, which changes it")
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
    for point, last_event in file.execute("SELECT point, max(time) FROM event GROUP BY point"):
        held[point]["last_event"] = last_event
    for point, clashes in file.execute(
        "SELECT point, count(*) FROM (SELECT point FROM event GROUP BY point, epoch, seq HAVING count(*) > 1)"
        " GROUP BY point"
    ):
        held[point]["clashes"] = clashes
    for point, state, seen in file.execute("SELECT point, state, seen FROM station"):
        held[point] |= {"state": loads(state.encode()).get("state") if state else None, "seen": seen}
    for point, gaps in _gaps(file, began).items():
        inner = [gap for gap in gaps if gap.first < highest.get((point, gap.epoch), 0)]
        held[point]["gaps"] = tuple(inner[:GAPS_NAMED])
        held[point]["missing"] = _count(inner)
        held[point]["tail"] = _count(gaps) - _count(inner)
    for point, lost in _lost(file).items():
        held[point]["lost_gaps"] = tuple(lost[:GAPS_NAMED])
        held[point]["lost"] = _count(lost)
    for point, undated, earliest, latest in file.execute(
        "SELECT point, count(*), min(earliest), max(latest) FROM event WHERE synced = 0 AND at IS NULL GROUP BY point"
    ):
        held[point] |= {"undated": undated, "undated_between": (earliest, latest)}
    return Status(
        file.execute("SELECT centre FROM life").fetchone()[0],
        {point: PointStatus(**held[point]) for point in sorted(held)},
        file.execute("SELECT count(*) FROM quarantine").fetchone()[0],
    )


def _gaps(file: sqlite3.Connection, began: Mapping[tuple[str, str], int]) -> dict[str, list[Gap]]:
    """Return what of each point is neither held, purged nor lost, oldest epoch first; numbers begin at 1."""
    found: defaultdict[str, list[Gap]] = defaultdict(list)
    for point, epoch, before, first in file.execute(_GAPS):
        gaps = found[point]
        if gaps and (gaps[-1].epoch, gaps[-1].last) == (epoch, before):  # what was said ended in it
            gaps[-1] = Gap(epoch, gaps[-1].first, first - 1)
        else:
            gaps.append(Gap(epoch, before + 1, first - 1))
    for point, gaps in found.items():
        # What nothing is held of comes last.
        gaps.sort(key=lambda gap, point=point: (began.get((point, gap.epoch), MOST_SEQ), *gap))  # type: ignore[misc]  # bound now
    return found


def _lost(file: sqlite3.Connection) -> dict[str, list[Gap]]:
    """Return what each point said it has no longer, without what is held after all; a stretch may have come since."""
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


def _count(gaps: Sequence[Gap]) -> int:
    return sum(gap.last - gap.first + 1 for gap in gaps)


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
            yield f"hilang / missing  {name}: {_named(point.gaps)}"
        if point.lost_gaps:
            yield f"tidak ada lagi di kartu / lost  {name}: {point.lost}: {_named(point.lost_gaps)}"
        if point.undated_between is not None:
            first, last = (_civil(bound) for bound in point.undated_between)
            yield f"waktunya tidak pasti / time unsure  {name}: {point.undated}: {first} ... {last}"
    yield f"karantina / quarantined: {status.quarantined}   pusat / centre: {status.centre}"


def _named(gaps: Sequence[Gap]) -> str:
    more = " ..." if len(gaps) > 3 else ""  # noqa: PLR2004 - the three named here
    return ", ".join(f"{_safe(gap.epoch)} {gap.first}-{gap.last}" for gap in gaps[:3]) + more


def _civil(stamp: str | None) -> str:
    return "-" if stamp is None else f"{datetime.fromisoformat(stamp).astimezone(WITA):%Y-%m-%d %H:%M:%S}"


def _safe(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
