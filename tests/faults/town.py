"""A town: four points, a centre and people, in one scene; and the end of a run, when all must be where it should."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from device.config import DeliverySettings
from tests.faults.hasty import spoil
from tests.faults.machine import Machine
from tests.faults.office import Office
from tests.faults.referee import Judgement, held, judge
from tests.faults.scene import Scene
from tests.faults.scripted import Moods

POINTS = ("bupati-1", "dinas-2", "gudang-3", "lobi-4")
SMALL = POINTS[3]
"""Whose card has room for 150 events; the others' have it for more than a run has."""


@dataclass(frozen=True, slots=True)
class Design:
    """What the town is built of; all but the default are there to be caught."""

    until: Literal["receipt", "puback"] = "receipt"
    forgets: bool = False
    """Whether cards drop at once what is held, so that no replay makes up for anything."""
    hasty: bool = False
    """Whether the centre answers before its disk has it."""


class Town:
    """Everything that runs; *excused* is filled by whoever destroys the only copy of a showing, by cause."""

    def __init__(self, scene: Scene, design: Design) -> None:
        self.scene = scene
        self.design = design
        self.excused: dict[str, set[int]] = {}
        self.once_held: set[int] = set()
        """Showings that a database held that was replaced by an older one."""
        self.destroyed: set[int] = set()
        """Showings on cards that were destroyed."""
        self.stormy = True
        with scene.bound():
            self.office = Office(scene, scene.made("centre"), spoil if design.hasty else None)
            self.machines = [self._machine(point, n) for n, point in enumerate(POINTS)]
            self.office.start()
            for machine in self.machines:
                machine.synchronise()
                machine.start()
                self.live(machine)

    def _machine(self, point: str, n: int) -> Machine:
        window, most = ((20, 200_000), (5, 200_000), (1, 200_000), (100, 150))[n]
        delivery = DeliverySettings(until=self.design.until, window=window, most=most)
        return Machine(self.scene, point, self.scene.made(point), delivery, forgets=self.design.forgets)

    def live(self, machine: Machine) -> None:
        """Let people come by *machine*, now and then a crowd."""
        if machine.retired:
            return
        stage, chance = self.scene.stage, self.scene.chance
        machine.turn(person=self.stormy)
        crowd = int(stage.now / 7 + len(machine.point)) % 5 == 0
        pause = chance.uniform(0.02, 0.1) if crowd and self.stormy else chance.uniform(0.2, 2.0)
        stage.at(stage.now + pause, lambda: self.live(machine))

    def some(self) -> Machine:
        """Return one of the stations."""
        return self.scene.chance.choice(self.machines)

    def later(self, least: float, most: float, what: Callable[[], None]) -> None:
        """Let *what* happen some seconds later."""
        self.scene.stage.at(self.scene.stage.now + self.scene.chance.uniform(least, most), what)

    def ills(self) -> set[str]:
        """Return what is wrong between broker and database."""
        broker = self.scene.broker
        ills = {name for name in ("drop", "full", "refuses") if getattr(broker.moods, name)}
        ills |= set() if broker.up else {"broker"}
        ills |= {"centre"} if not self.office.alive else set()
        ills |= {"link"} if self.office.alive and broker.link_of("titik-central") is None else set()
        return ills | ({"disk"} if self.office.full else set())

    def on_cards(self) -> set[int]:
        """Return the showings on all cards in the town."""
        cards = [machine.card() for machine in self.machines if machine.folder.exists()]
        return set().union(*(card.owed | card.held for card in cards))

    def calm(self, drain: float) -> Judgement:
        """End all faults, let everything drain for *drain* seconds at the most, and give it to the judge."""
        scene = self.scene
        self.stormy = False
        with scene.bound():
            scene.broker.moods = Moods()
            for program in (self.office, *self.machines):
                program.fill(full=False)
                program.disk.dies_in, program.disk.dies_at = None, ""
            scene.broker.spare_all()
            for machine in self.machines:
                if scene.chance.random() < 0.7:  # else its bounds are all that is known of its time
                    machine.synchronise()
            end = scene.stage.now + drain
            told = self.judge()
            while scene.stage.now < end:
                scene.stage.run(scene.stage.now + 30.0)
                told = self.judge()
                if not told.lost and not any(not machine.alive or machine.card().waiting for machine in self.machines):
                    break
            return told

    def judge(self) -> Judgement:
        """Compare the lights with the centre's database."""
        rows = held(self.office.database) if self.office.database.exists() else []
        # What a card kept for a replay, no more than it has room for, may give way before the replay is asked for.
        gone = self.once_held & self.scene.gave_way
        return judge(self.scene.lights, rows, gone.union(*self.excused.values()))

    def close(self) -> None:
        """End every program."""
        with self.scene.bound():
            for program in (self.office, *self.machines):
                program.kill()
