"""What was shown at each point, held against what the centre's database holds: id by id."""

import sqlite3
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from demo.lines import Held, Light, Said, Told


@dataclass(slots=True)
class Tally:
    """One point's account: what its station said."""

    shown: list[str] = field(default_factory=list)
    """Ids of the events whose light went on."""
    receipts: int = 0
    """Events that receipts were heard for."""
    online: bool = False

    def add(self, told: Told) -> None:
        """Enter what the station said."""
        match told:
            case Light(id=id_):
                self.shown.append(id_)
            case Held(events=events):
                self.receipts += events
            case Said(state=state):
                self.online = state == "online"


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the summary."""

    point: str
    shown: int
    held: int
    """Of those, at the centre."""
    missing: int
    """Shown and not at the centre."""
    stray: int
    """At the centre under this point's name, and never shown by it."""
    gaps: int | None
    """What the centre itself misses between two numbers; ``None`` if it was not asked."""

    @property
    def whole(self) -> bool:
        """Whether something was shown, all of it is at the centre, and nothing else."""
        return self.shown > 0 and not (self.missing or self.stray or self.gaps)


def held_ids(database: Path) -> dict[str, set[str]]:
    """Return the ids in the centre's database, by source; none while there is no database or no table yet."""
    if not database.exists():
        return {}
    held: dict[str, set[str]] = {}
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as read:
            for source, id_ in read.execute("SELECT source, id FROM event"):
                held.setdefault(source, set()).add(id_)
    except sqlite3.OperationalError:
        return {}  # it is being made; whoever asks, asks again, within a limit
    return held


def arrived(tallies: Mapping[str, Tally], held: Mapping[str, AbstractSet[str]]) -> bool:
    """Return whether everything shown is held."""
    return all(set(tally.shown) <= held.get(_source(point), set()) for point, tally in tallies.items())


def accounts(
    tallies: Mapping[str, Tally], held: Mapping[str, AbstractSet[str]], gaps: Mapping[str, int] | None
) -> list[Account]:
    """Return the summary, point by point, in the order of *tallies*."""
    lines = []
    for point, tally in tallies.items():
        shown, there = set(tally.shown), held.get(_source(point), set())
        missing = len(shown - there) + len(tally.shown) - len(shown)  # the same id twice is one too few
        told = None if gaps is None else gaps.get(point, 0)
        lines.append(Account(point, len(tally.shown), len(shown & there), missing, len(there - shown), told))
    return lines


def table(lines: list[Account]) -> str:
    """Return the summary as an aligned table."""
    rows = [
        ("titik / point", "tampil / shown", "di pusat / held", "hilang / missing", "asing / stray", "celah / gaps", "")
    ]
    rows += [
        (
            a.point,
            str(a.shown),
            str(a.held),
            str(a.missing),
            str(a.stray),
            "-" if a.gaps is None else str(a.gaps),
            "ok" if a.whole else "TIDAK / NOT OK",
        )
        for a in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(row[n].rjust(widths[n]) for n in range(1, 6)), row[6]]).rstrip()
        for row in rows
    )


def _source(point: str) -> str:
    return f"/titik/{point}"
