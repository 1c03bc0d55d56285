"""What the centre holds, point by point: read from the database alone, beside whoever writes it."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from central.events import EPOCH_LENGTH, MOST_SEQ, stamp
from central.store import strays
from central.store.audit_log import BACKUP
from central.store.database import OPEN, NotOurs, check
from central.store.missing import Gap
from central.store.schema import VERSION, version_of
from device.model import Place
from device.system.disk import NotPlain, check_database
from device.system.log import shown
from device.system.sqlite_errors import damaged, sentence
from device.wire import State, loads

GAPS_NAMED = 20
"""Gaps of one point that are named; all are counted."""
READ_LIMIT = 5.0
"""Seconds to wait for a lock."""
MOST_LOOKED_AT = 10_000
"""Events of one point that are looked at for the last one, where its clock was ahead or not trusted."""
MOST_TROUBLES = 1000
MOST_FAULTS, LONGEST_WORD = 20, 40
"""Faults of one point, and characters of a word of its, that are told."""

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
LONGEST_AGE = 3_200_000_000.0
"""Seconds, a hundred years."""
_CLASHES = """
SELECT point, count(*), max((
    SELECT max(received) FROM event e WHERE e.point = twice.point AND e.epoch = twice.epoch AND e.seq = twice.seq
)) FROM (SELECT point, epoch, seq FROM event GROUP BY point, epoch, seq HAVING count(*) > 1) twice GROUP BY point
"""
_DOUBTED = """
SELECT point, sum(at IS NULL), min(CASE WHEN at IS NULL THEN earliest END), max(CASE WHEN at IS NULL THEN latest END),
    max(CASE WHEN at IS NOT NULL THEN min(at, received) END)
FROM event WHERE synced = 0 GROUP BY point
"""
_SAID = """
SELECT time, received FROM (
    SELECT time, received, synced FROM event WHERE point = ? AND time {} ? ORDER BY time DESC LIMIT ?
) WHERE synced IS NOT 0
"""
_TIMELESS = """
SELECT max(received) FROM (
    SELECT received FROM event WHERE point = ? AND time IS NULL AND synced IS NOT 0 ORDER BY rowid DESC LIMIT ?
)
"""


class Missing(Exception):  # noqa: N818 - what the file is
    """No database is there, or none that this user may read."""


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
class Trouble:
    """What the running centre noticed, and has not seen end."""

    point: str
    """Nothing where it is the centre's own."""
    word: str
    since: str
    told: Mapping[str, Any]


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
        told = asdict(self)
        for name, point in self.points.items():
            told["points"][name]["oldest"] = point.oldest and point.oldest._asdict()
        return told


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Bind the database at *path*, read-only, as of one moment; raises `Missing` and `NotOurs`."""
    try:
        path.stat()
        check_database(path)
    except NotPlain as error:
        raise NotOurs(f"{path}: {error.strerror}. Next: move it away, or restore a backup") from error
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
            if version_of(file) < VERSION or not _has(file, "tally"):
                raise Missing(f"{path} is of an older version. Next: systemctl restart titik-central, which changes it")
            yield file
    except sqlite3.Error as error:
        if damaged(error):
            raise NotOurs(f"{path}: {sentence(error)}. Next: restore a backup") from error
        raise Missing(f"{path}: {sentence(error)}. Next: ask as the user of the centre, or with sudo") from error


def look(path: Path) -> Status:
    """Return the status of the database at *path*, as of one moment; raises `Missing` and `NotOurs`."""
    with reading(path) as file:
        return _status(file)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=READ_LIMIT, isolation_level=None)


def _has(file: sqlite3.Connection, table: str) -> bool:
    return (
        file.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone() is not None
    )


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
        held[point] |= {"seen": seen, **_said(_told(state), _told(info), _told(health), health_at)}
    _charge(file, held, highest, began)
    _last(file, held)
    return Status(
        centre=file.execute("SELECT centre FROM life").fetchone()[0],
        points={point: PointStatus(**held[point]) for point in sorted(held)},
        quarantined=file.execute("SELECT count(*) FROM quarantine").fetchone()[0],
        unreleased=file.execute(f"SELECT count(*) FROM quarantine WHERE {OPEN}").fetchone()[0],  # noqa: S608 - words of ours
        backup=_backup(file),
        troubles=_troubles(file),
    )


def _charge(
    file: sqlite3.Connection,
    held: Mapping[str, dict[str, Any]],
    highest: Mapping[tuple[str, str], int],
    began: Mapping[tuple[str, str], int],
) -> None:
    """Note what of each point is missing and lost, but for epochs that are another point's, which are noted."""
    foreign: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def charged(point: str, gaps: Sequence[Gap]) -> list[Gap]:
        """Return *gaps* without those of epochs that are another's; they are noted."""
        for epoch in {gap.epoch for gap in gaps if (point, gap.epoch) not in began} - foreign[point].keys():
            if (owner := strays.owner(file, point, epoch)) is not None:
                foreign[point][epoch] = owner
        return [gap for gap in gaps if gap.epoch not in foreign[point]]

    for point, gaps in _gaps(file, began).items():
        due = charged(point, gaps)
        inner = [gap for gap in due if gap.first < highest.get((point, gap.epoch), 0)]
        held[point]["gaps"] = tuple(inner[:GAPS_NAMED])
        held[point]["missing"] = _count(inner)
        held[point]["tail"] = _count(due) - _count(inner)
    told = dict(file.execute("SELECT point, max(told) FROM lost GROUP BY point"))
    for point, gaps in _lost(file).items():
        lost = charged(point, gaps)
        held[point]["lost_gaps"] = tuple(lost[:GAPS_NAMED])
        held[point]["lost"] = _count(lost)
        held[point]["lost_at"] = told[point] if lost else None
    for point, epochs in foreign.items():
        held[point]["foreign"] = tuple(sorted(epochs.items())[:GAPS_NAMED])


def _last(file: sqlite3.Connection, held: Mapping[str, dict[str, Any]]) -> None:
    """Note when each point's last event was, and which of its events have no time."""
    now = file.execute("SELECT max(seen) FROM station").fetchone()[0] or ""
    dated = {point: _last_said(file, point, now) for point, of in held.items() if of.get("events")}
    unsure: dict[str, tuple[str | None, str]] = {}
    for point, undated, earliest, latest, corrected in file.execute(_DOUBTED):
        if corrected is not None:
            dated[point] = max(dated[point] or "", corrected)
        if undated:
            held[point] |= {"undated": undated, "undated_between": (earliest, latest)}
            unsure[point] = earliest, latest
    for point, last in dated.items():
        earliest, latest = unsure.get(point, (None, ""))
        timeless = file.execute(_TIMELESS, (point, MOST_LOOKED_AT)).fetchone()[0] or ""
        if max(latest, timeless) > (last or ""):
            floor = max(filter(None, (last, None if timeless > latest else earliest)), default=None)
            held[point] |= {"last_event": max(latest, timeless), "last_event_between": (floor, max(latest, timeless))}
        else:
            held[point]["last_event"] = last


def _last_said(file: sqlite3.Connection, point: str, now: str) -> str | None:
    """Return when the last event of *point* was whose clock was trusted, and not after it was received.

    From the newest downwards in the index, to where no earlier one can be later: of an honest clock two rows. What a
    wrong clock said of a time after *now* is looked at apart, so that it hides nothing however much it is.
    """
    best: str | None = None
    for side in ("<=", ">"):
        for time, received in file.execute(_SAID.format(side), (point, now, MOST_LOOKED_AT)):
            if best is not None and time <= best:
                break
            best = max(best or "", min(time, received))
    return best


def _said(
    state: Mapping[str, Any], info: Mapping[str, Any], health: Mapping[str, Any], health_at: str | None
) -> dict[str, Any]:
    """Return what a point said of itself, as far as it can be read."""
    clock: Any = health.get("clock")
    clock = clock if isinstance(clock, dict) else {}
    faults = state.get("faults")
    words = [shown(word)[:LONGEST_WORD] for word in faults if isinstance(word, str)] if isinstance(faults, list) else []
    # A will was written when its session began; a health of the same opening of the outbox is newer.
    same = health.get("epoch") == state.get("epoch", health.get("epoch")) and state.get("state") != State.STOPPED
    newest = health if health and same else state
    owed, oldest = _number(newest.get("owed")), _place(newest.get("oldest"))
    at, said = _moment(health_at), _moment(clock.get("time"))
    return {
        "state": state.get("state"),
        "faults": tuple(words[:MOST_FAULTS]) if state.get("state") == State.DEGRADED else (),
        "owed": owed,
        "oldest": oldest if owed else None,
        "owed_since": _since(health, at) if owed and oldest == _place(health.get("oldest")) else None,
        "version": _word(info.get("version")) or _word(health.get("version")),
        "bundle": _number(info.get("bundle", health.get("bundle"))),
        "synced": clock.get("synced") if isinstance(clock.get("synced"), bool) else None,
        "skew": round((said - at).total_seconds(), 1) if said is not None and at is not None else None,
    }


def _since(health: Mapping[str, Any], at: datetime | None) -> str | None:
    """Return when the oldest event that is owed was, by its age or else by its own time; never after *at*."""
    age = health.get("oldest_age")
    if at is not None and isinstance(age, int | float) and not isinstance(age, bool) and 0 <= age <= LONGEST_AGE:
        return stamp(at - timedelta(seconds=age))
    oldest = health.get("oldest")
    said = _moment(oldest.get("time")) if isinstance(oldest, dict) else None
    return stamp(said) if said is not None and at is not None and said <= at else None


def _backup(file: sqlite3.Connection) -> Backup | None:
    row = file.execute("SELECT at, told FROM audit WHERE what = ? ORDER BY at DESC LIMIT 1", (BACKUP,)).fetchone()
    if row is None:
        return None
    told = loads(row[1].encode())
    return Backup(row[0], told["file"], told["events"])


def _troubles(file: sqlite3.Connection) -> tuple[Trouble, ...]:
    """Return what the centre noticed; none where its program has no such table."""
    if not _has(file, "trouble"):
        return ()
    rows = file.execute("SELECT point, word, since, told FROM trouble ORDER BY point, word LIMIT ?", (MOST_TROUBLES,))
    return tuple(Trouble(point, word, since, _told(told)) for point, word, since, told in rows)


def _told(text: str | None) -> dict[str, Any]:
    told = loads(text.encode()) if text else {}
    return told if isinstance(told, dict) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_SEQ else None


def _word(value: Any) -> str | None:
    return shown(value)[:LONGEST_WORD] if isinstance(value, str) else None


def _place(told: Any) -> Place | None:
    match told:
        case {"epoch": str(epoch), "seq": int(seq)} if len(epoch) in EPOCH_LENGTH and _number(seq):
            return Place(shown(epoch), seq)
        case _:
            return None


def _moment(value: Any) -> datetime | None:
    """Return an aware time, ``None`` for what is none."""
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


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
