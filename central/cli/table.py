"""What ``titik-central status`` and ``quarantine`` print for a person: Indonesian first, English beneath."""

from collections.abc import Iterator, Sequence

from central.problems import Problem, civil
from central.store.missing import Gap
from central.store.status import PointStatus, Status
from device.system.log import shown

FIRST = (
    ("titik", "point"),
    ("status", "state"),
    ("terdengar", "heard (WITA)"),
    ("terakhir", "last event (WITA)"),
    ("orang", "people"),
    ("utang", "owed"),
)
SECOND = (
    ("titik", "point"),
    ("hilang", "missing"),
    ("ekor", "tail"),
    ("bentrok", "clashes"),
    ("peristiwa", "events"),
    ("ulang", "again"),
    ("bundel", "bundle"),
    ("jam", "clock"),
    ("versi", "version"),
)
"""Indonesian first; the English word stands beneath."""
LEFT = frozenset({"titik", "status", "terdengar", "terakhir", "versi"})
"""Columns of words; the others are numbers."""


def lines(
    status: Status, problems: Sequence[Problem] = (), never: Sequence[str] = (), bundle: int | None = None
) -> Iterator[str]:
    """Yield two tables, what must be explained, and each problem with the next command; times are the office's (WITA).

    *never* are points that were never heard, *bundle* is the version that all points should follow.
    """
    points = status.points
    unheard = [(name, "belum", "-", "-", "-", "-") for name in never]
    yield from _table(FIRST, [*map(_first, points, points.values()), *unheard])
    if points:
        yield ""
        yield from _table(SECOND, [_second(name, point) for name, point in points.items()])
    elif not never:
        yield "belum ada titik yang terdengar / no point has been heard yet"
    notes = [line for name, point in points.items() for line in _notes(name, point)]
    if notes:
        yield ""
        yield from notes
    yield ""
    yield from _footer(status, bundle)
    for problem in problems:
        yield ""
        yield from _problem(problem)
    yield ""
    yield f"{len(problems)} hal perlu dilihat / things to look at" if problems else "semua baik / all is well"


def _table(headings: Sequence[tuple[str, str]], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    table = [tuple(pair[0] for pair in headings), tuple(pair[1] for pair in headings), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    for row in table:
        cells = (
            f"{text:<{width}}" if heading in LEFT else f"{text:>{width}}"
            for (heading, _), text, width in zip(headings, row, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _first(name: str, point: PointStatus) -> tuple[str, ...]:
    last = _minute(point.last_event) + ("?" if point.last_event_between else "")
    return (
        name,
        point.state or "-",
        _minute(point.seen),
        last,
        str(point.counts.get("admit", 0)),
        "-" if point.owed is None else str(point.owed),
    )


def _second(name: str, point: PointStatus) -> tuple[str, ...]:
    clock = "-" if point.skew is None else _span(point.skew)
    return (
        name,
        str(point.missing),
        str(point.tail),
        str(point.clashes),
        str(point.events),
        str(point.counts.get("repeat", 0)),
        "-" if point.bundle is None else str(point.bundle),
        clock + ("?" if point.synced is False else ""),
        point.version or "-",
    )


def _notes(name: str, point: PointStatus) -> Iterator[str]:
    if point.gaps:
        yield f"hilang / missing  {name}: {_named(point.gaps)}"
    if point.lost_gaps:
        yield f"tidak ada lagi di kartu / lost  {name}: {point.lost}: {_named(point.lost_gaps)}"
    if point.undated_between is not None:
        first, last = (_minute(bound) for bound in point.undated_between)
        yield f"waktunya tidak pasti / time unsure  {name}: {point.undated}: {first} ... {last} WITA"
    if point.owed and point.oldest is not None:
        since = "" if point.owed_since is None else f", sejak / since {civil(point.owed_since)}"
        yield f"utang / owed  {name}: {point.owed}: {point.oldest.epoch} {point.oldest.seq} ...{since}"
    rest = [f"{point.counts[kind]} {word}" for kind, word in _KINDS.items() if point.counts.get(kind)]
    if rest:
        yield f"lain / other  {name}: {', '.join(rest)}"
    if point.foreign:
        of = ", ".join(f"{shown(epoch)} ({owner})" for epoch, owner in point.foreign[:3])
        yield f"tidak ditagih / not charged  {name}: {of}"


_KINDS = {
    "check": "periksa/check",
    "refuse": "tolak/refuse",
    "simulated": "simulasi/simulated",
    "clock": "koreksi jam/clock set right",
    "other": "bukan pindaian/no scan",
}


def _footer(status: Status, bundle: int | None) -> Iterator[str]:
    waits = f" ({status.unreleased} belum dilihat / not looked at)" if status.unreleased else ""
    yield f"pusat / centre: {status.centre}"
    yield f"karantina / quarantined: {status.quarantined}{waits}"
    backup = status.backup
    made = "belum pernah / never" if backup is None else f"{civil(backup.at)}, {backup.events} peristiwa / events"
    yield f"cadangan terakhir / last backup: {made}"
    if bundle is not None:
        yield f"bundel / bundle: {bundle}"


def _problem(problem: Problem) -> Iterator[str]:
    name = problem.point or "pusat"
    pad = " " * (len(name) + 2)
    yield f"{name}: {problem.id}"
    yield f"{pad}{problem.en}"
    for following in problem.next:
        yield f"{pad}→ {following}"


def _named(gaps: Sequence[Gap]) -> str:
    more = " ..." if len(gaps) > 3 else ""  # noqa: PLR2004 - the three named here
    return ", ".join(f"{shown(gap.epoch)} {gap.first}-{gap.last}" for gap in gaps[:3]) + more


def _minute(stamp: str | None) -> str:
    """Return a time to the minute, without its zone, which stands beside it."""
    return "-" if stamp is None else civil(stamp)[: len("2026-11-22 09:02")]


def _span(seconds: float) -> str:
    """Return by how much a clock is ahead (+) or behind (-), in the largest unit of which it is more than two."""
    unit, size = next(((unit, size) for unit, size in _UNITS if abs(seconds) > 2 * size), ("s", 1))
    return f"{seconds / size:+.0f} {unit}"


_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))
