"""What copies a card or a database, puts an older one back, or destroys one; and the account of what went with it.

A showing may be excused only where its last copy was destroyed on purpose: a row written after the image and not
yet at the centre when the card was replaced, or one that only the lost database, and no card any more, had.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from central.store.backup import backup, restore
from tests.faults.disk import copy
from tests.faults.machine import Card, Machine
from tests.faults.town import POINTS, Town

SELDOM = 60.0
"""Virtual seconds between two cards that are replaced: what is excused with them must stay the exception."""


class Copies:
    """The images and backups of one *town*; a fault returns false where it finds nothing to hit."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._cards: list[tuple[Machine, Path]] = []
        self._backups: list[Path] = []
        self._replaced = -SELDOM

    def keep(self) -> None:
        """Do what an office does at night, over and over: copy a card, back the database up."""
        town = self._town
        if not town.stormy:
            return
        machine = town.some()
        if machine.alive and (machine.folder / "outbox.db").exists():
            self._cards = [*self._cards[-3:], (machine, copy(machine.folder, town.scene.fresh("card")))]
        if town.office.alive and town.office.showings():
            made = town.scene.made("backup") / "titik.db"
            backup(town.office.database, made)
            self._backups = [*self._backups[-2:], made]
        town.later(10, 30, self.keep)

    def restore_card(self) -> bool:
        """Put an older copy of a card into its station, and throw away the newer; false without one."""
        town = self._town
        if town.scene.stage.now - self._replaced < SELDOM:
            return False
        there = [(machine, old) for machine, old in self._cards if machine.alive and not machine.retired]
        if not there:
            return False
        machine, old = town.scene.chance.choice(there)
        self._replaced = town.scene.stage.now
        machine.back_in = 2.0
        machine.kill()
        lost = machine.card()
        shutil.rmtree(machine.folder)
        machine.folder = copy(old, town.scene.fresh(machine.name))
        machine.power_on(-3600.0)
        town.later(8, 60, machine.synchronise)
        self._excuse("a card was replaced by an older image", lost)
        return True

    def clone(self) -> bool:
        """Let a copy of a card run in a second machine of the same name, until it is found and drained."""
        town = self._town
        machine = town.some()
        if not machine.alive or len(town.machines) > len(POINTS):
            return False
        folder = copy(machine.folder, town.scene.fresh(machine.name))
        clone = Machine(town.scene, machine.point, folder, machine.delivery, forgets=machine.forgets)
        town.machines.append(clone)
        if town.scene.chance.random() < 0.5:
            clone.synchronise()
        clone.start()
        town.live(clone)
        town.later(20, 60, lambda: self._retire(clone))
        return True

    def _retire(self, clone: Machine) -> None:
        """Take a clone off the wall once its card owes nothing, and destroy the card."""
        town = self._town
        if clone.card().waiting:
            town.later(5, 10, lambda: self._retire(clone))
            return
        clone.retired = True
        clone.kill()
        lost = clone.card()
        town.machines.remove(clone)
        shutil.rmtree(clone.folder)
        self._excuse("a clone's card was destroyed", lost)

    def _excuse(self, why: str, lost: Card) -> None:
        left = self._town.office.showings() | self._town.on_cards()
        self._town.destroyed |= lost.owed | lost.held
        gone = (lost.owed | (lost.held & self._town.once_held)) - left
        self._town.excused.setdefault(why, set()).update(gone)

    def restore_centre(self) -> bool:
        """Put an older backup in the place of the database, as an operator does."""
        town = self._town
        office, scene = town.office, town.scene
        if not self._backups or not office.alive:
            return False
        office.back_in = scene.chance.uniform(1, 6)
        office.kill()
        before = office.showings()
        restored = restore(
            office.database, scene.chance.choice(self._backups), datetime.fromtimestamp(scene.stage.true(), UTC)
        )
        assert restored.aside is not None
        for file in office.folder.glob(f"{restored.aside.name}*"):
            file.unlink()  # nobody looks at it again
        gone = before - office.showings()
        self._town.once_held |= gone
        why = "a database was replaced by an older one, and its card was destroyed before"
        # A card that forgets at once may have what it was told is held, and will not be asked for it any more.
        destroyed = gone if town.design.forgets else gone & town.destroyed - town.on_cards()
        town.excused.setdefault(why, set()).update(destroyed)
        return True
