"""What the station says of itself between verdicts: by its resting light, and through the courier."""

from contextlib import suppress

from device import __version__, patterns
from device.camera.monitor import CameraState
from device.delivery.announcements import Notice
from device.model import Blind, Fault, Frame
from device.parts import Parts
from device.patterns import Pattern
from device.record.event import age
from device.record.outbox import RecordError
from device.system.clock import stamp

MEASURE_EVERY = 5.0
"""Seconds between two looks at how it fares, unless a fault comes or goes; the courier says the newest each minute."""


class StationStatus:
    """Faults, resting light and health of a station, told once a turn."""

    def __init__(self, station: Parts) -> None:
        self._station = station
        self._resting: Pattern | None = None
        self._looked = -MEASURE_EVERY
        self._notice = Notice()

    def tell(self, turn: Frame | Blind) -> None:
        """Say what changed since the last turn."""
        station = self._station
        synced = station.clock.look(turn.at).synced
        station.floor.note(turn.at, turn.tick, synced=synced)
        faults = tuple(
            word
            for word, wrong in (
                (Fault.CAMERA, isinstance(turn, Blind) or not station.monitor.serves),
                (Fault.OUTBOX, station.outbox.fault is not None),
                (Fault.SEALED, any(one.owed != 0 for one in station.outbox.sealed.all)),
                (Fault.POLICY, station.ruleset.rules.broken),
                (Fault.BUNDLE, (synced and station.ruleset.rules.trust.due(turn.at)) or not station.ruleset.kept),
                (Fault.ROSTER, station.ruleset.rules.trust.roster.locked),
                (Fault.GLASS, station.monitor.state is CameraState.SMEARED),
                (Fault.READER, bool(station.crashes.left_out)),
            )
            if wrong
        )
        resting = patterns.resting(faults, linked=station.courier.linked)
        if resting is not self._resting:
            self._resting = resting
            station.lights.rest(resting)
        if faults == self._notice.faults and turn.tick - self._looked < MEASURE_EVERY:
            return
        self._looked = turn.tick
        if station.crashes.expire():
            station.scanner.leave_out(station.crashes.left_out)
        self._notice = Notice(faults, self._health(turn), turn.at if synced else None)
        station.courier.tell(self._notice)

    def _health(self, turn: Frame | Blind) -> dict[str, object]:
        station = self._station
        depth, clock = station.outbox.depth(), station.clock.look(turn.at)
        said = seconds = None
        with suppress(RecordError):  # the outbox has said so itself, and the loop shows it
            for oldest in station.outbox.owed(0, 1):
                said, seconds = age(oldest.event.body, turn.at, clock)
        return {
            **station.health.tell(station.outbox.path.parent),
            "epoch": depth.last.epoch,
            "seq": depth.last.seq,
            "oldest": depth.oldest and {**depth.oldest._asdict(), "time": said},
            "oldest_age": seconds,
            "owed": depth.owed,
            "limited": station.sightings.limited,
            "sealed": sum(one.owed or 0 for one in station.outbox.sealed.all),
            "contained": {**station.scanner.contained, **station.health.contained.counts},
            "readers": station.crashes.tell(),
            "set_aside": station.outbox.set_aside and station.outbox.set_aside.name,
            "clock": {**clock.wire(), "time": stamp(turn.at)},
            "blind": turn.why if isinstance(turn, Blind) else None,
            "camera": station.monitor.tell() | ({"state": CameraState.AWAY.value} if isinstance(turn, Blind) else {}),
            **self._bundle(),
            "version": __version__,
        }

    def _bundle(self) -> dict[str, object]:
        trust = self._station.ruleset.rules.trust
        return {"bundle": trust.version, "bundle_next": trust.next and trust.next.isoformat()}
