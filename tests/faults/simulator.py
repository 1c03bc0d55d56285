"""A town of stations, a broker and a centre under seeded faults, in virtual time and in one process.

The outbox, the courier, the clock, the record before the light, the centre's loop and its database are the product's
own, unchanged, on real SQLite files. Scripted are the world's parts: the broker and its links, the disk's will to
write, the wall clock, and the people.
"""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.faults.referee import Judgement
from tests.faults.scene import Scene
from tests.faults.storm import Storm
from tests.faults.town import Design, Town

DRAIN = 4 * 3600.0
"""Virtual seconds after the last fault in which all must be where it should."""


@dataclass(frozen=True)
class Run:
    """What one seed gave."""

    seed: int
    judgement: Judgement
    faults: Counter[str]
    """What was done on purpose."""
    met: Counter[str]
    """What befell single messages and statements by it."""
    overlapping: int
    """Faults that began at the centre or its broker while another was there."""
    overlaps: Counter[str]
    """The same by fault and by each of what was there."""
    excused: dict[str, int]
    """Showings whose last copy was destroyed, by cause, whether another copy came through or not."""
    points: frozenset[str]
    """Whose lights are excused in the end."""
    seconds: float
    """Virtual ones."""
    last: tuple[str, ...]
    """The last things that were done, or that befell something."""

    def __str__(self) -> str:
        one = self.judgement
        return (
            f"seed {self.seed}: {self.faults.total()} faults, {self.overlapping} overlapping at the centre;"
            f" shown {one.shown}, held {one.held}, excused {len(one.excused)};"
            f" lost {one.lost}, doubled {one.doubled}, out of order {one.disordered}, wrongly timed {one.mistimed}"
        )


def run(
    folder: Path,
    seed: int,
    seconds: float,
    design: Design = Design(),  # noqa: B008 - a value that cannot change
    *,
    alone: bool = False,
    cards: bool = True,
    drain: float = DRAIN,
) -> Run:
    """Return what became of one seed after *seconds* (virtual) of faults; *folder* is made, and taken away again.

    *alone* lets no fault at the centre overlap another; *drain* is how long all may take to be where it should.
    """
    folder.mkdir(parents=True)
    try:
        scene = Scene(folder, seed)
        town = Town(scene, design)
        try:
            storm = Storm(town, alone=alone, cards=cards).rage(seconds)
            last = tuple(scene.journal)
            judgement = town.calm(drain)
            excused = {why: len(some) for why, some in town.excused.items()}
            return Run(
                seed,
                judgement,
                scene.faults,
                scene.met,
                storm.overlapping,
                storm.overlaps,
                excused,
                frozenset(light.point for light in scene.lights if light.showing in judgement.excused),
                scene.stage.now,
                last,
            )
        finally:
            town.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
