"""A verdict that counted, as a CloudEvent: the schema is ``schemas/event.json``, the words ``design.md``.

What is not written here cannot leak: no text of a code, no name, no birth date, no NIK, no hash of them.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from device.clock import ClockState
from device.config import Point, Privacy
from device.gaze import Sighting
from device.holder import FleetSecret
from device.model import WITA, Belief, Domain, Event, Place
from device.wire import dumps

SCAN = "id.titik.scan"


@dataclass(frozen=True, slots=True)
class Composer:
    """What every event of this point has in common."""

    point: Point
    privacy: Privacy
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
        id_ = secrets.token_hex(16)
        body = {
            "specversion": "1.0",
            "type": SCAN,
            "source": f"/titik/{self.point.name}",
            "id": id_,
            "time": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z",
            "datacontenttype": "application/json",
            "data": {
                "point": self.point.name,
                "epoch": place.epoch,
                "seq": place.seq,
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
            },
        }
        return Event(place, id_, dumps(body))

    def _credential(self, belief: Belief) -> dict[str, Any]:
        credential = belief.credential
        if credential is None:
            return {"kind": belief.kind}
        told: dict[str, Any] = {"kind": credential.kind, "domain": credential.domain, "issuer": credential.issuer}
        if credential.claims.doses is not None:
            told["doses"] = credential.claims.doses
        elif credential.domain is Domain.STAFF and self.privacy.pass_number and credential.claims.pass_number:
            told["pass_number"] = credential.claims.pass_number
        return told

    def _holder(self, belief: Belief, at: datetime, clock: ClockState) -> str | None:
        if belief.credential is None or self.secret is None or not clock.synced:
            return None
        return self.secret.holder(belief.credential.identity, at.astimezone(WITA).date())
