"""The local socket's verbs for an outbox alone, without a station around it."""

import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

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


def listens(where: Path) -> bool:
    """Return whether anybody takes a call there; between its name and its ear lies a moment."""
    with socket.socket(socket.AF_UNIX) as caller:
        return where.is_socket() and caller.connect_ex(str(where)) == 0
