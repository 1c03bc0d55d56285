"""What all programs of a run share: time, disks, the broker, what is random, and what was seen.

Scripted are the world's parts; within `Scene.bound` the product's own modules meet them instead of the real ones.
"""

import logging
import random
import sqlite3
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from time import monotonic
from typing import Any, Protocol
from unittest.mock import patch

from device.config import BrokerSettings
from device.record import schema
from tests.faults.disk import Disk, watched
from tests.faults.referee import Light, showing
from tests.faults.scripted import ScriptedBroker, ScriptedLink
from tests.faults.stage import Actor, Stage

_GIVES_WAY = "SELECT body FROM event WHERE held_at IS NOT NULL ORDER BY row LIMIT ?"


class Timepiece(Protocol):
    """What tells a program the time."""

    def wall(self) -> float:
        """Return Unix seconds, right or wrong."""

    def uptime(self) -> float:
        """Return seconds since there is power."""


class Scene:
    """One world, from one *seed*, with its files in *folder*."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a seed makes a failure repeatable
        self.names = random.Random(seed + 1)  # noqa: S311 - the same
        self.stage = Stage()
        self.disks: dict[Path, Disk] = {}
        self.timepieces: dict[Actor, Timepiece] = {}
        """By program; the others see the true time."""
        self.lights: list[Light] = []
        self.faults: Counter[str] = Counter()
        """What was done on purpose."""
        self.gave_way: set[int] = set()
        """Showings that a card dropped for want of room, while it had the centre's word that they are held."""
        self.met: Counter[str] = Counter()
        """What befell single messages and statements by it."""
        self.journal: deque[str] = deque(maxlen=60)
        self.broker = ScriptedBroker(self.stage, self.chance, self.meet)
        self._folder = folder
        self._fresh = 0
        self._showings = 0
        self._looking: Timepiece | None = None

    def fresh(self, name: str) -> Path:
        """Return a path that nothing is at."""
        self._fresh += 1
        return self._folder / f"{name}-{self._fresh}"

    def made(self, name: str) -> Path:
        """Return a new folder."""
        folder = self.fresh(name)
        folder.mkdir()
        return folder

    def token(self, octets: int = 16) -> str:
        """Return a random name of the seed's own."""
        return self.names.randbytes(octets).hex()

    def next_showing(self) -> int:
        """Return the number of the person who stands there now."""
        self._showings += 1
        return self._showings

    def fault(self, what: str) -> None:
        """Count what was done on purpose."""
        self.faults[what] += 1
        self._write(what)

    def meet(self, what: str) -> None:
        """Count what befell a message or a statement."""
        self.met[what] += 1
        self._write(what)

    def _write(self, what: str) -> None:
        self.journal.append(f"{self.stage.now:9.3f} {what}")

    @contextmanager
    def seen_by(self, timepiece: Timepiece) -> Iterator[None]:
        """Let the time be what *timepiece* tells."""
        before, self._looking = self._looking, timepiece
        try:
            yield
        finally:
            self._looking = before

    def _timepiece(self) -> Timepiece | None:
        if self._looking is not None or self.stage.running is None:
            return self._looking
        return self.timepieces.get(self.stage.running)

    def wall(self) -> float:
        """Return what the clock of whoever runs says."""
        timepiece = self._timepiece()
        return self.stage.true() if timepiece is None else timepiece.wall()

    def uptime(self) -> float:
        """Return for how long the machine of whoever runs has had power."""
        timepiece = self._timepiece()
        assert timepiece is not None, "only stations ask for it"
        return timepiece.uptime()

    @contextmanager
    def bound(self) -> Iterator[None]:
        """Bind the product's modules to this world: time, links, disks, and what is random."""
        scene = self

        class Today(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # an aware one will do
                return datetime.fromtimestamp(scene.wall(), tz)

        def link(broker: BrokerSettings, client_id: str, **told: Any) -> ScriptedLink:
            return ScriptedLink(self.stage, self.broker, self.meet, broker, client_id, **told)

        give_way = schema.give_way

        def watched_give_way(file: sqlite3.Connection, most: int) -> int:
            bodies = file.execute(_GIVES_WAY, (most,)).fetchall()
            gone = give_way(file, most)
            scene.gave_way.update(showing(body) for (body,) in bodies[:gone])
            return gone

        before = logging.root.manager.disable
        with ExitStack() as stack:
            stack.callback(logging.disable, before)
            logging.disable(logging.CRITICAL)
            for module in [one for name, one in sys.modules.items() if name.startswith(("device.", "central."))]:
                for name, ours in (("monotonic", self.stage.tick), ("datetime", Today)):
                    if getattr(module, name, None) in (monotonic, datetime):
                        stack.enter_context(patch.object(module, name, ours))
            stack.enter_context(patch("device.record.schema.give_way", watched_give_way))
            stack.enter_context(patch("device.delivery.courier.Link", link))
            stack.enter_context(patch("device.delivery.courier.boot_time", self.uptime))
            stack.enter_context(patch("central.centre.Link", link))
            stack.enter_context(patch("secrets.token_hex", self.token))
            stack.enter_context(patch("random.uniform", self.names.uniform))
            stack.enter_context(watched(self.disks))
            yield
