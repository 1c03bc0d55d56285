"""Seeded faults over a town: what may happen, how often, and how many happened while the centre was ill already."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Self

from device.wire import Message, Receipt, digest
from tests.faults.copies import Copies
from tests.faults.machine import Machine
from tests.faults.program import Program
from tests.faults.scripted import ROOT, Moods
from tests.faults.town import Town

YEARS = 10 * 365.25 * 86_400
EACH = (0.2, 0.4, 0.8)
"""Virtual seconds between two faults, on average; a seed has one of them."""
RECOVERY = 3.0
"""Virtual seconds that all must be well before the next of faults that do not overlap."""

Plan = Mapping[str, tuple[int, Callable[[], bool]]]
"""Of each fault: how often, and what does it; false where it finds nothing to hit."""


class Storm:
    """The faults of one *town*; *alone* lets none begin before what was wrong at centre and broker has healed.

    With *cards* off, none is replaced or copied: then nothing that was recorded may be missing for that.
    """

    def __init__(self, town: Town, *, alone: bool = False, cards: bool = True) -> None:
        self.overlapping = 0
        """Faults that began at the centre or its broker while another was there."""
        self.overlaps: Counter[str] = Counter()
        """The same by fault and by each of what was there."""
        self._town = town
        self._scene = town.scene
        self._broker = town.scene.broker
        self._chance = town.scene.chance
        self._copies = Copies(town)
        self._plan = self._gentle() if alone else self._whole()
        if not cards:
            self._plan = {name: what for name, what in self._plan.items() if not name.startswith("card: ")}
        self._alone = alone
        self._well_since = 0.0
        self._each = self._chance.choice(EACH)

    def rage(self, seconds: float) -> Self:
        """Let faults fall for *seconds*."""
        stage = self._scene.stage
        end = stage.now + seconds
        weights = [weight for weight, _ in self._plan.values()]

        def strike() -> None:
            if stage.now >= end:
                return
            self._strike(self._chance.choices(list(self._plan), weights)[0])
            stage.at(stage.now + self._chance.expovariate(1 / self._each), strike)

        with self._scene.bound():
            stage.at(stage.now + 1.0, strike)
            if not self._alone:
                stage.at(stage.now + 5.0, self._copies.keep)
            stage.run(end)
        return self

    def _strike(self, name: str) -> None:
        before = self._town.ills()
        self._well_since = self._scene.stage.now if before else self._well_since
        if self._alone and self._scene.stage.now - self._well_since < RECOVERY:
            return
        if not self._plan[name][1]():
            return
        self._scene.fault(name)
        if before and self._town.ills() - before:
            self.overlapping += 1
            self.overlaps.update(f"{name}, while ill: {ill}" for ill in before)

    def _gentle(self) -> Plan:
        office = self._town.office
        return {
            "broker: crash, all kept": (4, lambda: self._crash("all")),
            "centre: killed": (4, lambda: self._kill(office)),
            "centre: disk full": (2, lambda: self._fill(office)),
            "link cut": (4, self._cut),
            "station: killed": (4, lambda: self._kill(self._town.some())),
            "station: disk full": (2, lambda: self._fill(self._town.some())),
            "station: power lost, a wrong clock": (2, self._power),
        }

    def _whole(self) -> Plan:
        some, office = self._town.some, self._town.office
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
            "centre: killed": (3, lambda: self._kill(office)),
            "centre: to be killed at a statement": (5, lambda: self._kill_at_statement(office)),
            "centre: to be killed before a commit": (4, lambda: self._kill_at_commit(office, "before")),
            "centre: to be killed after a commit": (5, lambda: self._kill_at_commit(office, "after")),
            "centre: to be killed at a message": (4, lambda: self._kill_at_message("titik-central")),
            "centre: restored from an older backup": (2, self._copies.restore_centre),
            "centre: disk full": (2, lambda: self._fill(office)),
            "station: killed": (3, lambda: self._kill(some())),
            "station: to be killed at a statement": (6, lambda: self._kill_at_statement(some())),
            "station: to be killed before a commit": (4, lambda: self._kill_at_commit(some(), "before")),
            "station: to be killed after a commit": (4, lambda: self._kill_at_commit(some(), "after")),
            "station: to be killed at a message": (4, lambda: self._kill_at_message(some().point)),
            "station: stopped": (2, self._stop),
            "station: power lost, a wrong clock": (4, self._power),
            "station: disk full": (2, lambda: self._fill(some())),
            "clock: stepped": (5, self._step),
            "card: restored from an older copy": (1, self._copies.restore_card),
            "card: cloned": (1, self._copies.clone),
        }

    # Broker and links.

    def _cut(self) -> bool:
        link = self._broker.random_link()
        if link is not None:
            link.cut()
        return link is not None

    def _crash(self, state: str) -> bool:
        if not self._broker.up:
            return False
        self._broker.crash(state)
        self._town.later(0.2, 6, self._broker.rise)
        self._town.later(6, 20, self._broker.save)
        return True

    def _mood(self, **mood: Any) -> bool:
        for name, value in mood.items():
            if getattr(self._broker.moods, name) == value:
                return False
            setattr(self._broker.moods, name, value)
            self._town.later(0.5, 6, lambda name=name: setattr(self._broker.moods, name, getattr(Moods(), name)))
        return True

    # Receipts that nobody should believe, and events of nobody.

    def _stale(self) -> bool:
        if not self._broker.receipts:
            return False
        self._broker.take(Message(*self._chance.choice(self._broker.receipts)))
        return True

    def _misled(self) -> bool:
        if not self._broker.receipts:
            return False
        _, body = self._chance.choice(self._broker.receipts)
        self._broker.take(Message(f"{ROOT}/{self._town.some().point}/receipt", body))
        return True

    def _owed(self, machine: Machine) -> list[tuple[str, int, str]]:
        """Return epoch, seq and id of some consecutive rows that *machine* owes, read past its own disk."""
        path = machine.folder / "outbox.db"
        if not machine.alive or not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            made = file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'event'").fetchone()[0]
            sql = "SELECT epoch, seq, id FROM event WHERE held_at IS NULL ORDER BY row LIMIT 20"
            rows = file.execute(sql).fetchall() if made else []
        return [row for n, row in enumerate(rows) if row[:2] == (rows[0][0], rows[0][1] + n)]

    def _forged(self) -> bool:
        machine = self._town.some()
        rows = self._owed(machine)
        if not rows:
            return False
        epoch, first, _ = rows[0]
        last = rows[-1][1]
        lie = self._chance.choice(
            [
                Receipt("0" * 16, epoch, first, last, last - first + 1, self._scene.token(32)),
                Receipt("0" * 16, epoch, 1, 2**62, 2**62, self._scene.token(32)),
                Receipt("0" * 16, epoch, first, last, last - first + 1, digest([])),
                Receipt("0" * 16, epoch, first, last + 5, 1, digest([rows[0][2]])),
            ]
        ).encode()
        word = b'{"centre":"%s","quarantined":"%s"}' % (b"0" * 16, self._scene.token(32).encode())
        self._broker.take(Message(f"{ROOT}/{machine.point}/receipt", self._chance.choice([lie, lie, word, b"\xff{"])))
        return True

    def _retained(self) -> bool:
        machine = self._town.some()
        rows = self._owed(machine)
        link = self._broker.link_of(machine.point)
        if not rows or link is None:
            return False
        true = Receipt("0" * 16, rows[0][0], rows[0][1], rows[-1][1], len(rows), digest(row[2] for row in rows))
        self._broker.keep(Message(f"{ROOT}/{machine.point}/receipt", true.encode(), retain=True))
        link.cut()
        return True

    def _garbage(self) -> bool:
        body = self._chance.choice([b"{}", b"\xff\xfe", b"[]", b"[" * 500, self._scene.token(40).encode()])
        self._broker.take(Message(f"{ROOT}/{self._town.some().point}/event", body))
        return True

    # Programs and disks.

    def _kill(self, program: Program) -> bool:
        if not program.alive:
            return False
        program.back_in = self._chance.uniform(0.2, 8)
        program.kill()
        return True

    def _kill_at_statement(self, program: Program) -> bool:
        if not program.alive or program.disk.dies_in is not None:
            return False
        program.back_in = self._chance.uniform(0.2, 8)
        program.disk.dies_in = self._chance.randrange(60)
        return True

    def _kill_at_commit(self, program: Program, when: str) -> bool:
        if not program.alive or program.disk.dies_at:
            return False
        program.back_in = self._chance.uniform(0.2, 8)
        program.disk.dies_at = when
        return True

    def _kill_at_message(self, client: str) -> bool:
        link = self._broker.link_of(client)
        if link is None or link.dies_at is not None:
            return False
        link.dies_at = self._chance.randrange(20)
        return True

    def _stop(self) -> bool:
        machine = self._town.some()
        if not machine.alive:
            return False
        machine.back_in = 0.5
        machine.stop()
        return True

    def _fill(self, program: Program) -> bool:
        if program.full:
            return False
        program.fill(full=True)
        self._town.later(0.5, 6, lambda: program.fill(full=False))
        return True

    # Clocks.

    def _power(self) -> bool:
        machine = self._town.some()
        if not machine.alive:
            return False
        machine.back_in = self._chance.uniform(0.5, 6)
        machine.kill()
        machine.power_on(self._wrong())
        if self._chance.random() < 0.8:  # else this boot is never synchronised
            self._town.later(8, 60, self._syncing(machine))
        return True

    def _wrong(self) -> float:
        now = self._scene.stage.true()
        return self._chance.choice([-now + 20, YEARS, -3600.0, 3600.0, -self._chance.uniform(10, 86_400)])

    def _syncing(self, machine: Machine) -> Callable[[], None]:
        boot = machine.boots
        return lambda: machine.synchronise() if machine.boots == boot else None

    def _step(self) -> bool:
        machine = self._town.some()
        if machine.unseen:  # a step and a synchronisation before it, both between two looks, are taken for one
            return False
        machine.error += self._chance.choice([self._wrong(), -3600.0, 3600.0, 2.0, -2.0])
        self._town.later(5, 40, self._syncing(machine))
        return True
