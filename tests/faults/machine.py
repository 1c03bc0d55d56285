"""A station in virtual time: a card, a clock that may be wrong, and the product's own programs on it."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self, cast

import numpy as np

from device.config import CameraSettings, DeliverySettings, PointSettings, SightingSettings
from device.config import StationSettings as Config
from device.indicators import Indicators
from device.model import Belief, Frame, Kind, Outcome, Reason, Verdict
from device.patterns import OUT_OF_ORDER, Pattern
from device.record.clock_correction import ClockCorrection
from device.record.outbox import RecordError
from device.status import StationStatus
from device.system.clock import Clock
from device.verdict.judge import Judged
from device.verdict.sightings import Sighting
from device.wiring import World, wired
from tests.faults.program import Program
from tests.faults.referee import Light, showing
from tests.faults.scene import Scene
from tests.faults.stage import Actor, Killed, Pause

SIGHTING = Sighting(Judged(Belief(Kind.TEXT, Reason.NOT_A_PASS), Verdict(Outcome.REFUSE, Reason.NOT_A_PASS)))
DARK = np.zeros((1, 1), np.uint8)


class _Lamps:
    """What hangs on the wall: notes for whom it went on."""

    has_light = False

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine

    def show(self, shown: Pattern) -> None:
        """Be seen, by true time."""
        if shown is not OUT_OF_ORDER:
            self._machine.lit()

    def rest(self, _shown: Pattern) -> None:
        """Be seen by nobody in particular."""


class Machine(Program):
    """One station; *forgets* is whether its card drops at once what is held, as a card without a history would."""

    def __init__(
        self, scene: Scene, point: str, folder: Path, delivery: DeliverySettings, *, forgets: bool = False
    ) -> None:
        super().__init__(scene, f"station-{point}", folder)
        self.point = point
        self.delivery = delivery
        self.forgets = forgets
        self.retired = False
        self.showing = 0
        self.boots = 0
        self.unseen = False
        """Whether the clock was synchronised since a look of the loop last trusted it."""
        self._run = scene.made(f"run-{point}")
        self.power_on(0.0)

    def power_on(self, error: float) -> None:
        """Begin a new boot, with a wall clock that is *error* seconds wrong and was synchronised by nobody."""
        if self.boots and not self._mark.exists():
            self.scene.meet("a boot ended that was never synchronised")
        self.boots += 1
        self._began = self.scene.stage.now - 20.0
        self.error = error
        self.unseen = False
        self._boot_id = self._run / f"boot-{self.boots}"
        self._boot_id.write_text(self.scene.token())
        self._mark = self._run / f"synchronised-{self.boots}"

    def uptime(self) -> float:
        """Return seconds since it has power."""
        return self.scene.stage.now - self._began

    def wall(self) -> float:
        """Return what its clock says, Unix seconds."""
        return self.scene.stage.true() + self.error

    def synchronise(self) -> None:
        """Do as timesyncd does: set the clock, and leave a mark."""
        self.error = self.scene.chance.uniform(-0.1, 0.1)
        self._mark.touch()
        at = int(self.wall() * 1e9)
        os.utime(self._mark, ns=(at, at))
        self.unseen = True

    def begin(self) -> None:
        scene = self.scene
        configuration = Config(
            point=PointSettings(name=self.point, site="kantor"),
            delivery=self.delivery,
            camera=CameraSettings(fps=10),
            sighting=SightingSettings(quiet=2, repeat=60, strangers=20),
        )
        clock = Clock(
            "ntp",
            (self._mark,),
            boot_id=self._boot_id,
            wall=self.wall,
            uptime=self.uptime,
            memory=self.folder / "clock",
        )
        lamps = cast("Indicators", _Lamps(self))
        try:
            with scene.seen_by(self):
                self.loop = wired(configuration, World(self.folder, clock, lamps, uptime=self.uptime))
                self.outbox, self.courier = self.loop.outbox, self.loop.courier
                self.courier.stopping = Pause(scene.stage)
                self.correction, self.status = (
                    ClockCorrection(self.outbox, self.loop.composer),
                    StationStatus(self.loop),
                )
                self.actor = Actor(scene.stage, self.name, self.courier.work, dying=self.dying, gone=self.gone)
                scene.timepieces[self.actor] = self
                self.outbox.__enter__()
        except Killed:
            self.kill()

    def gone(self) -> None:
        self.outbox.__exit__(None, None, None)
        assert self.actor is not None
        del self.scene.timepieces[self.actor]
        super().gone()

    def start_again(self) -> None:
        if not self.retired:
            self.start()

    def stop(self) -> None:
        """Ask it to stop, and come back."""
        self.courier.stopping.set()
        if self.actor is not None:
            self.actor.hasten(self.scene.stage.now)

    def turn(self, *, person: bool) -> None:
        """Let one turn of its loop go by, with or without somebody before the lens."""
        if self.actor is None or self.courier.stopping.is_set():
            return
        try:
            with self.scene.seen_by(self):
                self._turn(
                    Frame(DARK, datetime.fromtimestamp(self.wall(), UTC), self.scene.stage.tick()), person=person
                )
        except Killed:
            self.kill()
        else:
            self.actor.hasten(self.scene.stage.now)

    def _turn(self, frame: Frame, *, person: bool) -> None:
        if person:
            self.showing = self.scene.next_showing()
            self.loop._record_then_show(SIGHTING, frame.at, {"read": float(self.showing)}, self.correction)
        clock = self.loop.clock.look(frame.at)
        self.unseen = self.unseen and not clock.synced
        if self.correction.tell(frame.at, clock):
            self.courier.wake()
        self.status.tell(frame)
        if self.forgets:
            try:
                self.outbox.purge(frame.at + timedelta(days=1), timedelta())
            except RecordError:
                self.scene.meet("nothing could be forgotten")

    def lit(self) -> None:
        """Note that somebody saw the light."""
        self.scene.lights.append(Light(self.point, self.showing, self.scene.stage.true()))

    def card(self) -> "Card":
        """Read what is on the card."""
        return Card.read(self.folder)


@dataclass(frozen=True)
class Card:
    """The showings on a card, owed and held."""

    owed: frozenset[int]
    held: frozenset[int]
    waiting: int
    """Events that are owed, corrections of the clock among them."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read them from the outbox in *folder*."""
        path = folder / "outbox.db"
        if not path.exists():
            return cls(frozenset(), frozenset(), 0)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            made = file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'event'").fetchone()[0]
            rows = file.execute("SELECT body, held_at IS NULL FROM event").fetchall() if made else []
        read = [(showing(body), owed) for body, owed in rows]
        return cls(
            frozenset(number for number, owed in read if owed and number),
            frozenset(number for number, owed in read if not owed and number),
            sum(owed for _, owed in read),
        )
