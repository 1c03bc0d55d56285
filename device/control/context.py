"""What a verb of the local socket may reach of the station."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from device.record.outbox import Outbox
from device.system.time_floor import TimeFloor
from device.verdict.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of the station of *point* that people speak to; *trusted* gives the time while the clock is trusted."""

    point: str
    outbox: Outbox
    ruleset: Ruleset
    floor: TimeFloor
    trusted: Callable[[], datetime | None]
