"""The judge: what the lamps showed against what the centre's database holds; knows nothing of the product but tables.

Every showing has a number of its own, which its event carries (``took_ms.read``). So the judge can tell a showing
that is held twice under two ids, and the order in which people really stood there.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

TRUSTED = 1.2
"""Seconds that a time said to be true may be off: a step of 1 s is the smallest that is doubted, and a time server's
own error and the rounding come on top."""

_EVENTS = "SELECT point, id, epoch, seq, body, at, earliest, latest, synced FROM event ORDER BY point, epoch, seq"


class Light(NamedTuple):
    """A lamp that went on for somebody: the station has promised a record."""

    point: str
    showing: int
    """Counts all showings of a run, in true order."""
    at: float
    """True time, Unix seconds."""


class Held(NamedTuple):
    """One showing as the centre holds it; times are Unix seconds, ``None`` where it says none."""

    point: str
    showing: int
    epoch: str
    seq: int
    at: float | None
    earliest: float | None
    latest: float | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Showings that went wrong, by their numbers, and those whose loss nobody could have helped."""

    shown: int
    held: int
    lost: tuple[int, ...]
    doubled: tuple[int, ...]
    disordered: tuple[int, ...]
    mistimed: tuple[int, ...]
    excused: tuple[int, ...]
    """Lost with the only medium that had them."""

    @property
    def faultless(self) -> bool:
        """Whether nothing went wrong that could have been helped."""
        return not (self.lost or self.doubled or self.disordered or self.mistimed)


def held(database: Path) -> list[Held]:
    """Return every showing in *database*; what is no showing (a correction of a clock) is left out."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        made = file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'event'").fetchone()[0]
        rows = file.execute(_EVENTS).fetchall() if made else []  # a centre killed at its first breath made no table
    found = []
    for point, _, epoch, seq, body, at, earliest, latest, _ in rows:
        event = json.loads(body)
        if event["type"] == "id.titik.scan":
            data = event["data"]
            assert (data["point"], data["epoch"], data["seq"]) == (point, epoch, seq)
            showing = int(data["took_ms"]["read"])
            found.append(Held(point, showing, epoch, seq, _seconds(at), _seconds(earliest), _seconds(latest)))
    return found


def judge(lights: Iterable[Light], rows: Iterable[Held], excusable: Iterable[int] = ()) -> Judgement:
    """Return what became of *lights*; a lost one of *excusable* is told apart, and no other fault is excused."""
    shown = {light.showing: light for light in lights}
    rows = list(rows)
    count = Counter(row.showing for row in rows)
    missing = {number for number, light in shown.items() if not count[number]}
    strangers = {row.showing for row in rows if row.showing in shown and shown[row.showing].point != row.point}
    excused = missing & set(excusable)
    return Judgement(
        len(shown),
        len(rows),
        tuple(sorted(missing - excused | strangers)),
        tuple(sorted(number for number, times in count.items() if times > 1)),
        tuple(sorted(_disordered(rows))),
        tuple(
            sorted({row.showing for row in rows if row.showing in shown and not _timely(shown[row.showing].at, row)})
        ),
        tuple(sorted(excused)),
    )


def _disordered(rows: Iterable[Held]) -> set[int]:
    """Return the showings that do not stand behind what was shown before them in their epoch."""
    epochs: defaultdict[tuple[str, str], list[Held]] = defaultdict(list)
    for row in rows:
        epochs[row.point, row.epoch].append(row)
    wrong = set()
    for some in epochs.values():
        some.sort(key=lambda row: (row.seq, row.showing))
        for before, after in pairwise(some):
            if before.seq == after.seq or before.showing > after.showing:
                wrong.add(after.showing)
    return wrong


def _timely(true: float, row: Held) -> bool:
    if row.at is not None:
        return abs(row.at - true) <= TRUSTED
    if row.earliest is None or row.latest is None:
        return False
    return row.earliest - TRUSTED <= true <= row.latest + TRUSTED


def _seconds(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()
