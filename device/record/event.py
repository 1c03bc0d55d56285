"""A verdict that counted, as a CloudEvent: the schema is ``schemas/event.json``, the words ``design.md``.

What is not written here cannot leak: no text of a code, no name, no birth date, no NIK, no hash of them.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from device.config import PointSettings, PrivacySettings
from device.model import WITA, Belief, Domain, Event, Place
from device.system.clock import ClockState, stamp
from device.trust.fleet_secret import FleetSecret
from device.verdict.sightings import Sighting
from device.wire import CLOCK, SCAN, dumps, loads

_IN_DOUBT = re.compile(rb'"clock":\{"boot":"([^"]*)",(?:"floor":"[^"]*",)?"synced":false,"uptime":([0-9.]+)\}')


def in_doubt(body: bytes, boot: str) -> float | None:
    """Return the uptime (seconds) at which *body* was composed, if that was in *boot* and by a clock not trusted."""
    found = _IN_DOUBT.search(body)  # as `wire.dumps` writes it; the quotes of anybody's text are escaped
    return float(found[2]) if found is not None and found[1] == boot.encode() else None


def age(body: bytes, at: datetime, clock: ClockState) -> tuple[str | None, float | None]:
    """Return the time that the event *body* says, and how many seconds ago it was composed, seen from *at* and *clock*.

    By the uptime where it is of this boot; else by the two times, where *clock* is trusted and they make sense.
    """
    try:
        fields = loads(body)
        said, of = str(fields["time"]), fields["data"]["clock"]
        if of["boot"] == clock.boot:
            return said, round(max(0.0, clock.uptime - of["uptime"]), 1)
        seconds = (at - datetime.fromisoformat(said)).total_seconds()
    except (ValueError, KeyError, TypeError):  # a body that is not what was written; the outbox sees to it
        return None, None
    return said, round(seconds, 1) if clock.synced and seconds >= 0 else None


@dataclass(frozen=True, slots=True)
class Composer:
    """What every event of this point has in common."""

    point: PointSettings
    privacy: PrivacySettings
    secret: FleetSecret | None
    simulated: bool

    def compose(
        self,
        place: Place,
        sighting: Sighting,
        at: datetime,
        clock: ClockState,
        took_ms: Mapping[str, float],
    ) -> Event:
        """Return the event of *sighting* at *at*; its id is random, for ever unique, and never derived."""
        verdict, belief = sighting.judged.verdict, sighting.judged.belief
        data = {
            "direction": self.point.direction,
            "outcome": verdict.outcome,
            "colour": verdict.colour,
            "reason": verdict.reason,
            "policy": verdict.policy,
            "credential": self._credential(belief),
            "holder": self._holder(belief, at, clock),
            "repeat": sighting.repeat,
            "simulated": self.simulated,
            "clock": clock.wire(),
            "took_ms": {stage: round(value, 2) for stage, value in took_ms.items()},
        }
        return self._event(SCAN, place, at, data)

    def correct(self, place: Place, at: datetime, clock: ClockState) -> Event:
        """Return the event by which the centre learns the true time of all that this boot recorded in doubt."""
        return self._event(CLOCK, place, at, {"clock": clock.wire(), "offset": round(clock.offset, 3)})

    def _event(self, type_: str, place: Place, at: datetime, data: Mapping[str, object]) -> Event:
        id_ = secrets.token_hex(16)
        body = {
            "specversion": "1.0",
            "type": type_,
            "source": f"/titik/{self.point.name}",
            "id": id_,
            "time": stamp(at),
            "datacontenttype": "application/json",
            "data": {"point": self.point.name, "epoch": place.epoch, "seq": place.seq, **data},
        }
        return Event(place, id_, dumps(body))

    def _credential(self, belief: Belief) -> dict[str, Any]:
        credential = belief.credential
        if credential is None:
            return {"kind": belief.kind}
        fields: dict[str, Any] = {"kind": credential.kind, "domain": credential.domain, "issuer": credential.issuer}
        if credential.claims.doses is not None:
            fields["doses"] = credential.claims.doses
        elif credential.domain is Domain.STAFF and self.privacy.pass_number and credential.claims.pass_number:
            fields["pass_number"] = credential.claims.pass_number
        return fields

    def _holder(self, belief: Belief, at: datetime, clock: ClockState) -> str | None:
        if belief.credential is None or self.secret is None or not clock.synced:
            return None
        return self.secret.holder(belief.credential.identity, at.astimezone(WITA).date())
