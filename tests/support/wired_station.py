"""A whole station in this process: frames from a test, mock pins, a real outbox."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device import config
from device.config import Pins, PointSettings
from device.indicators import Indicators
from device.model import Blind, Frame
from device.patterns import Pattern
from device.record.outbox import Outbox
from device.system.clock import Clock
from device.system.systemd import Notifier
from device.system.watchdog import Watchdog
from device.trust.bundle import spki_text
from device.wiring import World, wired
from tests.support.credentials import AT, staff_pass
from tests.support.point import ROOT, signed_bundle
from tests.support.world import REPOSITORY, free_port

HEALTH_SCHEMA = json.loads((REPOSITORY / "schemas" / "health.json").read_text(encoding="utf-8"))
EMPTY = np.full((60, 80), 200, np.uint8)
STAFF_PASS = staff_pass()


class Recorder(Indicators):
    """The real thread and pins; what was asked of them is also written down, with what was on the disk then."""

    disk: Outbox

    def __init__(self) -> None:
        super().__init__(Pins(factory="mock", light=12), MockFactory(pin_class=MockPWMPin))
        self.shown: list[tuple[Pattern, int]] = []
        self.rested: list[Pattern] = []
        self.white: list[bool] = []

    def show(self, pattern: Pattern) -> None:
        self.shown.append((pattern, self.disk.depth().last.seq))
        super().show(pattern)

    def illuminate(self, lit: bool) -> None:
        if not self.white or self.white[-1] != lit:
            self.white.append(lit)
        super().illuminate(lit)

    def rest(self, pattern: Pattern) -> None:
        self.rested.append(pattern)
        super().rest(pattern)


class WiredStation:
    """A station before which a test holds codes up."""

    def __init__(
        self, folder: Path, stack: ExitStack, *, most: int = 1000, clock: Clock | None = None, **changed: Any
    ) -> None:
        (folder / "trust.cbor").write_bytes(signed_bundle(**changed))
        configuration = config.StationSettings(
            point=PointSettings(name="bupati-1", site="bupati"),
            broker=config.BrokerSettings(port=free_port()),
            delivery=config.DeliverySettings().model_copy(update={"most": most}),  # fewer than an operator may choose
            trust=config.TrustSettings(bundle=folder / "trust.cbor", roots=(spki_text(ROOT.public_key()),)),
            policy=config.PolicySettings(use=("staff", "brief-2021")),
        )
        self.lights = Recorder()
        self.station = wired(configuration, World(folder, clock or Clock("system"), self.lights))
        self.outbox = self.lights.disk = self.station.outbox
        self.courier = self.station.courier
        for part in (self.outbox, self.courier, self.lights):
            stack.enter_context(part)
        self.tick = 100.0

    def serve(self, *turns: np.ndarray | str, fps: int = 15) -> None:
        """Let it look at pictures, or be blind for a reason, *fps* turns a second."""

        def stream() -> Iterator[Frame | Blind]:
            for turn in turns:
                self.tick += 1 / fps
                at = AT + timedelta(seconds=self.tick - 100)
                yield Blind(turn, at, self.tick) if isinstance(turn, str) else Frame(turn, at, self.tick)

        watchdog = Watchdog([self.courier, self.lights], Notifier(None, None))
        self.station.serve(stream(), watchdog)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(row.event.body)["data"] for row in self.outbox.owed(0, 1000)]

    def verdicts(self) -> list[tuple[str, str, bool]]:
        return [(data["outcome"], data["reason"], data["repeat"]) for data in self.events()]
