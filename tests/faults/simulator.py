"""A town of stations, a broker and a centre under seeded faults, in virtual time and in one process.

The outbox, the courier, the clock, the record before the light, the centre's loop and its database are the product's
own, unchanged, on real SQLite files. Scripted are the world's parts: the broker and its links, the disk's will to
write, the wall clock, and the people.
"""

import json
import logging
import os
import random
import shutil
import sqlite3
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, Literal, Self, cast
from unittest.mock import patch

import numpy as np

from central import centre as central_centre
from central.backup import backup, restore
from central.centre import Centre
from central.posting import Posting
from device.clock import Clock
from device.config import Broker, Delivery, Point, Privacy
from device.config import Station as Config
from device.correction import Correction
from device.courier import Courier, Sender
from device.daemon import Station as Loop
from device.daemon import _Mood
from device.event import Composer
from device.floor import Floor
from device.gaze import Gaze, Sighting
from device.heart import Heart
from device.indicators import Indicators
from device.judge import Judged
from device.model import Belief, Frame, Kind, Outcome, Reason, Verdict
from device.mqtt_client import Message
from device.nearest import Nearest
from device.outbox import Outbox
from device.patterns import OUT_OF_ORDER, Pattern
from device.rulebook import Rulebook
from device.scanner import Scanner
from device.systemd import Notifier
from device.vitals import Vitals
from device.wire import Receipt, digest
from tests.faults.disk import Disk, copy, watched
from tests.faults.referee import Judgement, Light, held, judge
from tests.faults.scripted import ROOT, Moods, ScriptedBroker, ScriptedLink
from tests.faults.stage import START, Actor, Halt, Killed, Pause, Stage

POINTS = ("bupati-1", "dinas-2", "gudang-3", "lobi-4")
SIGHTING = Sighting(Judged(Belief(Kind.TEXT, Reason.NOT_A_PASS), Verdict(Outcome.REFUSE, Reason.NOT_A_PASS)))
DARK = np.zeros((1, 1), np.uint8)
DRAIN = 4 * 3600.0
"""Virtual seconds after the last fault in which all must be where it should."""
YEARS = 10 * 365.25 * 86_400


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


class Program:
    """Something that runs on files of its own, may be killed at any moment, and starts again on what is left."""

    def __init__(self, town: "Town", name: str, folder: Path) -> None:
        self.town = town
        self.name = name
        self.folder = folder
        self.actor: Actor | None = None
        self.disk = Disk(self._die_here, town.fault)
        self.back_in = 1.0
        self.full = False
        self._left: Path | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.actor is not None

    def start(self) -> None:
        """Begin, on what is on the disk."""
        if self.actor is not None:
            return
        self._left = None
        self.disk = Disk(self._die_here, self.town.fault)
        self.disk.full = self.full
        self.town.disks[self.folder] = self.disk
        self.begin()

    def begin(self) -> None:
        """Set `actor`."""
        raise NotImplementedError

    def fill(self, full: bool) -> None:
        """Let the disk be *full*, or not."""
        self.full = self.disk.full = full

    def kill(self) -> None:
        """End it where it waits."""
        if self.actor is not None:
            self.actor.kill()

    def _die_here(self) -> None:
        assert self.actor is not None
        self.actor.die()

    def dying(self) -> None:
        """Keep what the disk holds at this very moment."""
        if self._left is None:
            self._left = copy(self.folder, self.town.fresh(self.name))
            self.disk.dead = True

    def gone(self) -> None:
        """Let what is left be the disk from now on, and come back later."""
        self.actor = None
        if self._left is not None:
            self.town.disks.pop(self.folder, None)
            shutil.rmtree(self.folder)
            self.folder = self._left
        self.town.stage.at(self.town.stage.now + self.back_in, self.start_again)

    def start_again(self) -> None:
        """Begin anew, unless something holds it."""
        self.start()


class Machine(Program):
    """A station: a card, a clock and the programs on it."""

    def __init__(self, town: "Town", point: str, folder: Path, delivery: Delivery) -> None:
        super().__init__(town, f"station-{point}", folder)
        self.point = point
        self.retired = False
        self.delivery = delivery
        self.showing = 0
        self.held_up = False
        self._run = town.fresh(f"run-{point}")
        self._run.mkdir()
        self._boots = 0
        self.unseen = False
        """Whether the clock was synchronised since a look of the loop last trusted it."""
        self.power_on(0.0)

    def power_on(self, error: float) -> None:
        """Begin a new boot, with a wall clock that is *error* seconds wrong and was synchronised by nobody."""
        self._boots += 1
        self._began = self.town.stage.now - 20.0
        self.error = error
        self.unseen = False
        self._boot_id = self._run / f"boot-{self._boots}"
        self._boot_id.write_text(self.town.token(16))
        self._mark = self._run / f"synchronised-{self._boots}"

    def uptime(self) -> float:
        """Return seconds since it has power."""
        return self.town.stage.now - self._began

    def wall(self) -> float:
        """Return what its clock says, Unix seconds."""
        return self.town.stage.true() + self.error

    def synchronise(self) -> None:
        """Do as timesyncd does: set the clock, and leave a mark."""
        self.error = self.town.chance.uniform(-0.1, 0.1)
        self._mark.touch()
        at = int(self.wall() * 1e9)
        os.utime(self._mark, ns=(at, at))
        self.unseen = True

    def begin(self) -> None:
        town = self.town
        told = Config(point=Point(name=self.point, site="kantor"), delivery=self.delivery)
        clock = Clock(
            "ntp",
            (self._mark,),
            boot_id=self._boot_id,
            wall=self.wall,
            uptime=self.uptime,
            memory=self.folder / "clock",
        )
        composer = Composer(told.point, Privacy(), None, True)  # noqa: FBT003 - no pictures are taken here
        try:
            with town.seen_by(self):
                self.outbox = Outbox(self.folder / "outbox.db", told.delivery.most)
                self.courier = Courier(self.outbox, told.broker, told.delivery, Sender(self.point, clock.boot, {}))
                self.courier.stopping = Pause(town.stage)
                self.loop = Loop(
                    town.scanner,
                    Nearest(),
                    Gaze(2, 60, 20),
                    Rulebook(told, self.folder, None, clock.trusted),
                    composer,
                    clock,
                    Floor(self.folder),
                    self.outbox,
                    cast(Indicators, _Lamps(self)),
                    self.courier,
                    Vitals(10),
                )
                self.correction, self.mood = Correction(self.outbox, composer), _Mood(self.loop)
                self.actor = Actor(town.stage, self.name, self.courier.work, dying=self.dying, gone=self.gone)
                self.outbox.__enter__()
        except Killed:
            self.kill()

    def gone(self) -> None:
        self.outbox.__exit__(None, None, None)
        super().gone()

    def start_again(self) -> None:
        if not self.retired:
            self.start()

    def stop(self) -> None:
        """Ask it to stop, and come back."""
        self.courier.stopping.set()
        if self.actor is not None:
            self.actor.hasten(self.town.stage.now)

    def turn(self, *, person: bool) -> None:
        """Let one turn of its loop go by, with or without somebody before the lens."""
        if self.actor is None or self.courier.stopping.is_set():
            return
        try:
            with self.town.seen_by(self):
                frame = Frame(DARK, datetime.fromtimestamp(self.wall(), UTC), self.town.stage.tick())
                if person:
                    self.showing = self.town.next_showing()
                    self.loop._record_then_show(SIGHTING, frame.at, {"read": float(self.showing)}, self.correction)
                clock = self.loop.clock.look(frame.at)
                self.unseen = self.unseen and not clock.synced
                if self.correction.tell(frame.at, clock):
                    self.courier.wake()
                self.mood.tell(frame)
        except Killed:
            self.kill()
        else:
            self.actor.hasten(self.town.stage.now)

    def lit(self) -> None:
        """Note that somebody saw the light."""
        self.town.lights.append(Light(self.point, self.showing, self.town.stage.true()))

    def card(self) -> "Card":
        """Read what is on the card."""
        return Card.read(self.folder)


@dataclass(frozen=True)
class Card:
    """The showings on a card, owed and held."""

    owed: frozenset[int]
    held: frozenset[int]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read them from the outbox in *folder*."""
        path = folder / "outbox.db"
        if not path.exists():
            return cls(frozenset(), frozenset())
        with closing(sqlite3.connect(path)) as file:
            rows = file.execute("SELECT body, held_at IS NULL FROM event").fetchall()
        read = [(_showing(body), owed) for body, owed in rows]
        return cls(
            frozenset(number for number, owed in read if owed and number),
            frozenset(number for number, owed in read if not owed and number),
        )


class Office(Program):
    """The centre."""

    def begin(self) -> None:
        self._stop = Halt(self.town.stage)
        self.actor = Actor(self.town.stage, self.name, self._serve, dying=self.dying, gone=self.gone)

    def _serve(self) -> None:
        stop, heart = self._stop, Heart([], Notifier(None, None))
        with stop, ExitStack() as stack:
            store = central_centre._open(self.folder / "titik.db", stop, stack)
            assert store is not None
            Centre(store, Broker(), None, stop, heart, posting=Posting(None)).serve()

    def showings(self) -> set[int]:
        """Return the showings in its database."""
        path = self.folder / "titik.db"
        return {row.showing for row in held(path)} if path.exists() else set()


class Town:
    """Everything, from one *seed*; *until* is ``[delivery] until`` of all stations."""

    def __init__(self, folder: Path, seed: int, until: Literal["receipt", "puback"] = "receipt") -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a seed makes a failure repeatable
        self.names = random.Random(seed + 1)  # noqa: S311 - the same
        self.stage = Stage()
        self.disks: dict[Path, Disk] = {}
        self.lights: list[Light] = []
        self.faults: Counter[str] = Counter()
        self.journal: deque[str] = deque(maxlen=60)
        self.overlapping = 0
        self.excusable: set[int] = set()
        self.scanner = Scanner(0.1)
        self._folder = folder
        self._fresh = 0
        self._showings = 0
        self._looking: Machine | None = None
        self._once_held: set[int] = set()
        self._cards: list[tuple[Machine, Path]] = []
        self._backups: list[Path] = []
        self._stormy = True
        self._rows_forged = 0
        self.broker = ScriptedBroker(self.stage, self.chance, self.fault)
        with self.bound():
            self.office = Office(self, "centre", self._made("centre"))
            self.machines = [self._machine(point, n, until) for n, point in enumerate(POINTS)]
            self.office.start()
            for machine in self.machines:
                machine.synchronise()
                machine.start()
                self._live(machine)

    def _machine(self, point: str, n: int, until: Literal["receipt", "puback"]) -> Machine:
        delivery = Delivery(until=until, window=(20, 5, 1, 100)[n], most=(200_000, 200_000, 200_000, 150)[n])
        return Machine(self, point, self._made(point), delivery)

    def _made(self, name: str) -> Path:
        folder = self.fresh(name)
        folder.mkdir()
        return folder

    def fresh(self, name: str) -> Path:
        """Return a path that nothing is at."""
        self._fresh += 1
        return self._folder / f"{name}-{self._fresh}"

    def token(self, octets: int) -> str:
        """Return a random name of the seed's own."""
        return self.names.randbytes(octets).hex()

    def next_showing(self) -> int:
        """Return the number of the person who stands there now."""
        self._showings += 1
        return self._showings

    def fault(self, what: str) -> None:
        """Count a fault."""
        if self.stage.now > 0:
            self.faults[what] += 1
            self.journal.append(f"{self.stage.now:9.3f} {what}")

    @contextmanager
    def seen_by(self, machine: Machine) -> Iterator[None]:
        """Let the clock on the wall be that of *machine*."""
        before, self._looking = self._looking, machine
        try:
            yield
        finally:
            self._looking = before

    def _whose(self) -> Machine | None:
        """Return whose program it is that runs, `None` for the centre's."""
        if self._looking is not None:
            return self._looking
        return next((one for one in self.machines if one.alive and one.actor is self.stage.running), None)

    def wall(self) -> float:
        """Return what the clock of whoever runs says."""
        machine = self._whose()
        return self.stage.true() if machine is None else machine.wall()

    def uptime(self) -> float:
        """Return for how long the machine of whoever runs has had power."""
        machine = self._whose()
        assert machine is not None
        return machine.uptime()

    @contextmanager
    def bound(self) -> Iterator[None]:
        """Bind the world to this town: time, links, disks, and what is random."""
        town = self

        class Today(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # an aware one will do
                return datetime.fromtimestamp(town.wall(), tz)

        def link(broker: Broker, client_id: str, **told: Any) -> ScriptedLink:
            return ScriptedLink(self.stage, self.broker, self.fault, broker, client_id, **told)

        before = logging.root.manager.disable
        with ExitStack() as stack:
            stack.callback(logging.disable, before)
            logging.disable(logging.CRITICAL)
            for module in [one for name, one in sys.modules.items() if name.startswith(("device.", "central."))]:
                for name, ours in (("monotonic", self.stage.tick), ("datetime", Today)):
                    if getattr(module, name, None) in (monotonic, datetime):
                        stack.enter_context(patch.object(module, name, ours))
            stack.enter_context(patch("device.courier.Link", link))
            stack.enter_context(patch("device.courier.boot_time", self.uptime))
            stack.enter_context(patch("central.centre.Link", link))
            stack.enter_context(patch("secrets.token_hex", lambda octets=16: self.token(octets)))
            stack.enter_context(patch("random.uniform", self.names.uniform))
            stack.enter_context(watched(self.disks))
            yield

    # People.

    def _live(self, machine: Machine) -> None:
        """Let people come by *machine*, now and then a crowd."""
        if machine.retired:
            return
        machine.turn(person=self._stormy)
        crowd = int(self.stage.now / 7 + machine.point.__len__()) % 5 == 0
        pause = self.chance.uniform(0.02, 0.1) if crowd and self._stormy else self.chance.uniform(0.2, 2.0)
        self.stage.at(self.stage.now + pause, lambda: self._live(machine))

    # Faults.

    def storm(self, seconds: float) -> None:
        """Let faults fall for *seconds*."""
        plan = self._plan()
        end = self.stage.now + seconds

        def strike() -> None:
            if self.stage.now >= end:
                return
            name = self.chance.choices(list(plan), [weight for weight, _ in plan.values()])[0]
            ill = self._central_ills()
            if plan[name][1]():
                if "to be killed" not in name:  # counted when it happens
                    self.fault(name)
                new = self._central_ills() - ill
                self.overlapping += bool(ill and new)
            self.stage.at(self.stage.now + self.chance.expovariate(4), strike)

        with self.bound():
            self.stage.at(self.stage.now, strike)
            self.stage.run(end)

    def _central_ills(self) -> set[str]:
        """Return what is wrong between broker and database."""
        moods = self.broker.moods
        ills = {name for name in ("drop", "full", "refuses") if getattr(moods, name)}
        ills |= set() if self.broker.up else {"broker"}
        ills |= {"centre"} if not self.office.alive else set()
        ills |= {"link"} if self.office.alive and self.broker.link_of("titik-central") is None else set()
        return ills | ({"disk"} if self.office.full else set())

    def _plan(self) -> Mapping[str, tuple[int, Callable[[], bool]]]:
        """Return the faults that are planned: how often, and what does it; false where it finds nothing to hit."""
        return {
            "link cut": (10, self._cut),
            "broker: crash, all kept": (2, lambda: self._crash("all")),
            "broker: crash, all forgotten": (4, lambda: self._crash("none")),
            "broker: crash, an old state restored": (3, lambda: self._crash("old")),
            "broker: drops what it acknowledges": (4, lambda: self._mood(drop=0.5)),
            "broker: delivers twice": (2, lambda: self._mood(double=0.5)),
            "broker: late": (3, lambda: self._mood(late=0.4)),
            "broker: queue limited": (4, lambda: self._mood(full=True)),
            "broker: refuses events": (2, lambda: self._mood(refuses="event")),
            "broker: refuses receipts": (2, lambda: self._mood(refuses="receipt")),
            "broker: cuts at messages": (3, lambda: self._mood(cut=0.1)),
            "receipt: stale": (12, self._stale),
            "receipt: another point's": (4, self._misled),
            "receipt: forged": (6, self._forged),
            "receipt: retained": (4, self._retained),
            "event: garbage of a stranger": (2, self._garbage),
            "centre: killed": (3, lambda: self._kill(self.office)),
            "centre: to be killed at a statement": (5, lambda: self._kill_at_statement(self.office)),
            "centre: to be killed before a commit": (4, lambda: self._kill_at_commit(self.office, "before")),
            "centre: to be killed after a commit": (5, lambda: self._kill_at_commit(self.office, "after")),
            "centre: to be killed at a message": (4, lambda: self._kill_at_message("titik-central")),
            "centre: restored from an older backup": (2, self._restore_centre),
            "centre: disk full": (2, lambda: self._fill(self.office)),
            "station: killed": (3, lambda: self._kill(self._some())),
            "station: to be killed at a statement": (6, lambda: self._kill_at_statement(self._some())),
            "station: to be killed before a commit": (4, lambda: self._kill_at_commit(self._some(), "before")),
            "station: to be killed after a commit": (4, lambda: self._kill_at_commit(self._some(), "after")),
            "station: to be killed at a message": (4, lambda: self._kill_at_message(self._some().point)),
            "station: stopped": (2, self._stop),
            "station: power lost, a wrong clock": (4, self._power),
            "station: disk full": (2, lambda: self._fill(self._some())),
            "clock: stepped": (5, self._step),
            "card: restored from an older copy": (1, self._restore_card),
            "card: cloned": (1, self._clone),
        }

    def _some(self) -> Machine:
        return self.chance.choice(self.machines)

    def _later(self, least: float, most: float, what: Callable[[], None]) -> None:
        self.stage.at(self.stage.now + self.chance.uniform(least, most), what)

    def _cut(self) -> bool:
        link = self.broker.random_link()
        if link is not None:
            link.cut()
        return link is not None

    def _crash(self, state: str) -> bool:
        if not self.broker.up:
            return False
        self.broker.crash(state)
        self._later(0.2, 6, self.broker.rise)
        self._later(6, 20, self.broker.save)
        return True

    def _mood(self, **mood: Any) -> bool:
        for name, value in mood.items():
            if getattr(self.broker.moods, name) == value:
                return False
            setattr(self.broker.moods, name, value)
            self._later(0.5, 6, lambda name=name: setattr(self.broker.moods, name, getattr(Moods(), name)))
        return True

    def _stale(self) -> bool:
        if not self.broker.receipts:
            return False
        self.broker.take(Message(*self.chance.choice(self.broker.receipts)))
        return True

    def _misled(self) -> bool:
        if not self.broker.receipts:
            return False
        _, body = self.chance.choice(self.broker.receipts)
        self.broker.take(Message(f"{ROOT}/{self._some().point}/receipt", body))
        return True

    def _owed(self, machine: Machine) -> list[tuple[str, int, str]]:
        """Return epoch, seq and id of the first rows of one epoch that *machine* owes."""
        if not machine.alive:
            return []
        rows = [one.event for one in machine.outbox.owed(0, 20)]
        return [(row.place.epoch, row.place.seq, row.id) for row in rows if row.place.epoch == rows[0].place.epoch]

    def _forged(self) -> bool:
        machine = self._some()
        rows = self._owed(machine)
        if not rows:
            return False
        epoch, first, _ = rows[0]
        last = rows[-1][1]
        lie = self.chance.choice(
            [
                Receipt("0" * 16, epoch, first, last, last - first + 1, self.token(32)),
                Receipt("0" * 16, epoch, 1, 2**62, 2**62, self.token(32)),
                Receipt("0" * 16, epoch, first, last, last - first + 1, digest([])),
                Receipt("0" * 16, epoch, first, last + 5, 1, digest([rows[0][2]])),
            ]
        ).encode()
        word = json.dumps({"centre": "0" * 16, "quarantined": self.token(32)}).encode()
        self.broker.take(Message(f"{ROOT}/{machine.point}/receipt", self.chance.choice([lie, lie, lie, word, b"\xff{"])))
        return True

    def _retained(self) -> bool:
        machine = self._some()
        rows = self._owed(machine)
        link = self.broker.link_of(machine.point)
        if not rows or link is None:
            return False
        run = [row for n, row in enumerate(rows) if row[1] == rows[0][1] + n]
        true = Receipt("0" * 16, run[0][0], run[0][1], run[-1][1], len(run), digest(row[2] for row in run))
        self.broker.keep(Message(f"{ROOT}/{machine.point}/receipt", true.encode(), retain=True))
        link.cut()
        return True

    def _garbage(self) -> bool:
        body = self.chance.choice([b"{}", b"\xff\xfe", b"[]", b"[" * 500, self.token(40).encode()])
        self.broker.take(Message(f"{ROOT}/{self._some().point}/event", body))
        return True

    def _kill(self, program: Program) -> bool:
        if not program.alive:
            return False
        program.back_in = self.chance.uniform(0.2, 8)
        program.kill()
        return True

    def _kill_at_statement(self, program: Program) -> bool:
        if not program.alive or program.disk.dies_in is not None:
            return False
        program.back_in = self.chance.uniform(0.2, 8)
        program.disk.dies_in = self.chance.randrange(60)
        return True

    def _kill_at_commit(self, program: Program, when: str) -> bool:
        if not program.alive or program.disk.dies_at:
            return False
        program.back_in = self.chance.uniform(0.2, 8)
        program.disk.dies_at = when
        return True

    def _kill_at_message(self, client: str) -> bool:
        link = self.broker.link_of(client)
        if link is None or link.dies_at is not None:
            return False
        link.dies_at = self.chance.randrange(20)
        return True

    def _stop(self) -> bool:
        machine = self._some()
        if not machine.alive:
            return False
        machine.back_in = 0.5
        machine.stop()
        return True

    def _power(self) -> bool:
        machine = self._some()
        if not machine.alive:
            return False
        machine.back_in = self.chance.uniform(0.5, 6)
        machine.kill()
        self._new_boot(machine)
        return True

    def _new_boot(self, machine: Machine) -> None:
        machine.power_on(self._wrong())
        if self.chance.random() < 0.8:  # else this boot is never synchronised
            self._later(8, 60, self._syncing(machine))

    def _wrong(self) -> float:
        now = self.stage.true()
        return self.chance.choice([-now + 20, YEARS, -3600.0, 3600.0, -self.chance.uniform(10, 86_400)])

    def _syncing(self, machine: Machine) -> Callable[[], None]:
        boot = machine._boots
        return lambda: machine.synchronise() if machine._boots == boot else None

    def _step(self) -> bool:
        machine = self._some()
        if machine.unseen:  # a step and a synchronisation before it, both between two looks, are taken for one
            return False
        machine.error += self.chance.choice([self._wrong(), -3600.0, 3600.0, 2.0, -2.0])
        self._later(5, 40, self._syncing(machine))
        return True

    def _fill(self, program: Program) -> bool:
        if program.full:
            return False
        program.fill(full=True)
        self._later(0.5, 6, lambda: program.fill(full=False))
        return True

    # What destroys the only copy of something, and the account of it.

    def _restore_card(self) -> bool:
        """Put an older copy of a card into its station, and throw away the newer."""
        if not self._cards:
            return False
        machine, old = self.chance.choice(self._cards)
        if machine.retired or not machine.alive or self.chance.random() < 0.7:
            return False
        machine.back_in = 2.0
        machine.kill()
        lost = machine.card()
        shutil.rmtree(machine.folder)
        machine.folder = copy(old, self.fresh(machine.name))
        self._new_boot(machine)
        self._excuse_card(lost)
        return True

    def _excuse_card(self, lost: Card) -> None:
        left = self.office.showings() | self._on_cards()
        self.excusable |= (lost.owed | (lost.held & self._once_held)) - left

    def _on_cards(self) -> set[int]:
        cards = [machine.card() for machine in self.machines if machine.folder.exists()]
        return set().union(*(card.owed | card.held for card in cards))

    def _clone(self) -> bool:
        """Let a copy of a station's card run in a second machine of the same name, until it is found and drained."""
        machine = self._some()
        if not machine.alive or len(self.machines) > len(POINTS):
            return False
        clone = Machine(self, machine.point, copy(machine.folder, self.fresh(machine.name)), machine.delivery)
        self.machines.append(clone)
        if self.chance.random() < 0.5:
            clone.synchronise()
        clone.start()
        self._live(clone)
        self._later(20, 60, lambda: self._retire(clone))
        return True

    def _retire(self, clone: Machine) -> None:
        """Take a clone off the wall once its card owes nothing, and destroy the card."""
        if clone.retired:
            return
        if self._stormy and clone.card().owed:
            self._later(5, 10, lambda: self._retire(clone))
            return
        clone.retired = True
        clone.kill()
        lost = clone.card()
        self.machines.remove(clone)
        shutil.rmtree(clone.folder)
        self._excuse_card(lost)

    def _keep_copies(self) -> None:
        """Do what an office does at night: copy a card, back the database up."""
        if not self._stormy:
            return
        machine = self._some()
        if machine.alive and (machine.folder / "outbox.db").exists():
            self._cards = [*self._cards[-3:], (machine, copy(machine.folder, self.fresh("card")))]
        if self.office.alive and self.office.showings():
            made = self._made("backup") / "titik.db"
            backup(self.office.folder / "titik.db", made)
            self._backups = [*self._backups[-2:], made]
        self._later(10, 30, self._keep_copies)

    def _restore_centre(self) -> bool:
        """Put an older backup in the place of the database, as another life of it."""
        if not self._backups or not self.office.alive:
            return False
        self.office.back_in = self.chance.uniform(1, 6)
        self.office.kill()
        before = self.office.showings()
        now = datetime.fromtimestamp(self.stage.true(), UTC)
        aside = restore(self.office.folder / "titik.db", self.chance.choice(self._backups), now)
        assert aside is not None
        aside.unlink()  # nobody looks at it again
        gone = before - self.office.showings()
        self._once_held |= gone
        self.excusable |= gone - self._on_cards()
        return True

    # The end.

    def begin(self) -> None:
        """Start what goes on beside the faults."""
        self.stage.at(5.0, self._keep_copies)

    def calm(self) -> Judgement:
        """End all faults, let everything drain, and give it to the judge."""
        self._stormy = False
        with self.bound():
            self.broker.moods = Moods()
            for clone in self.machines[len(POINTS) :]:
                self._retire(clone)
            for program in (self.office, *self.machines):
                program.fill(full=False)
                program.disk.dies_in, program.disk.dies_at = None, ""
            for link in list(self.broker._links.values()):
                link.dies_at = None
            for machine in self.machines:
                machine.synchronise()
            end = self.stage.now + DRAIN
            told = self._judge()
            while self.stage.now < end:
                self.stage.run(self.stage.now + 30.0)
                told = self._judge()
                if not told.lost and all(machine.alive and not machine.card().owed for machine in self.machines):
                    break
            return told

    def _judge(self) -> Judgement:
        path = self.office.folder / "titik.db"
        return judge(self.lights, held(path) if path.exists() else [], self.excusable)

    def close(self) -> None:
        """End every program."""
        with self.bound():
            for program in (self.office, *self.machines):
                program.kill()


def _showing(body: bytes) -> int:
    return int(json.loads(body)["data"].get("took_ms", {}).get("read", 0))


@dataclass(frozen=True)
class Run:
    """What one seed gave."""

    seed: int
    judgement: Judgement
    faults: Counter[str]
    overlapping: int
    turns: int
    seconds: float
    """Virtual ones."""
    last: tuple[str, ...]


def run(folder: Path, seed: int, seconds: float, until: Literal["receipt", "puback"] = "receipt") -> Run:
    """Return what became of one seed after *seconds* (virtual) of faults; *folder* is emptied again."""
    folder.mkdir(parents=True)
    try:
        town = Town(folder, seed, until)
        try:
            town.begin()
            town.storm(seconds)
            last = tuple(town.journal)
            judgement = town.calm()
            return Run(
                seed, judgement, Counter(town.faults), town.overlapping, town.stage.turns, town.stage.now, last
            )
        finally:
            town.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
