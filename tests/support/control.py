"""The local socket's verbs for an outbox alone, without a station around it."""

from collections.abc import Mapping
from datetime import datetime

from device.config import PointSettings, StationSettings
from device.control.context import Context
from device.control.control_socket import Verb
from device.control.verbs import answered
from device.record.outbox import Outbox
from device.system.time_floor import TimeFloor
from device.verdict.ruleset import Ruleset


def answers(outbox: Outbox, point: str, now: datetime) -> Mapping[str, Verb]:
    """Return what the station of *point* would answer about *outbox*, by a clock that is trusted and says *now*."""
    folder = outbox.path.parent
    ruleset = Ruleset(StationSettings(point=PointSettings(name=point, site="kantor")), folder, None)
    return answered(Context(point, outbox, ruleset, TimeFloor(folder), lambda: now))
