"""Something that runs on files of its own, may be killed at any moment, and starts again on what is left."""

import shutil
from pathlib import Path

from tests.faults.disk import Disk, copy
from tests.faults.scene import Scene
from tests.faults.stage import Actor


class Program:
    """One of them; *folder* is its disk."""

    def __init__(self, scene: Scene, name: str, folder: Path) -> None:
        self.scene = scene
        self.name = name
        self.folder = folder
        self.actor: Actor | None = None
        self.disk = Disk(self._die_here, scene.meet)
        self.back_in = 1.0
        """Seconds after which somebody starts it again."""
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
        self.disk = Disk(self._die_here, self.scene.meet)
        self.disk.full = self.full
        self.scene.disks[self.folder] = self.disk
        self.begin()

    def begin(self) -> None:
        """Set `actor`."""
        raise NotImplementedError

    def fill(self, *, full: bool) -> None:
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
            self._left = copy(self.folder, self.scene.fresh(self.name))
            self.disk.dead = True

    def gone(self) -> None:
        """Let what is left be the disk from now on, and come back later."""
        self.actor = None
        if self._left is not None:
            self.scene.disks.pop(self.folder, None)
            shutil.rmtree(self.folder)
            self.folder = self._left
        self.scene.stage.at(self.scene.stage.now + self.back_in, self.start_again)

    def start_again(self) -> None:
        """Begin anew, unless something holds it."""
        self.start()
