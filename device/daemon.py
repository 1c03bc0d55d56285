"""Read this first: the loop, and what it is made of.

Frames flow through one loop in the main thread. A sighting becomes a verdict, the verdict is written to disk,
then shown as light. Three workers hang off the loop: the lights, the courier and the local socket; none ever calls
back. To stop the station, stop the frames.

    camera ─▶ scanner ─▶ target ─▶ judge ─▶ sightings ─▶ event ─▶ outbox ═══▶ courier ─▶ broker
                          ▲                  │                 └─▶ pattern ═══▶ indicators ─▶ lamps, buzzer
                          └── what goes on ──┘
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

from device import patterns
from device.model import Blind, Frame
from device.parts import Parts
from device.patterns import pattern
from device.record.clock_correction import ClockCorrection
from device.record.outbox import RecordError
from device.status import StationStatus
from device.system.watchdog import Watchdog
from device.verdict.judge import Basis, judge_shown
from device.verdict.sightings import Sighting

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Station(Parts):
    """The loop; what it is made of stands in `device.parts`, and is put together in `device.wiring`."""

    def serve(self, stream: Iterable[Frame | Blind], watchdog: Watchdog) -> None:
        """Frame in, record, light and event out; ends when the frames end."""
        status, correction = StationStatus(self), ClockCorrection(self.outbox, self.composer)
        for turn in stream:
            if isinstance(turn, Frame):
                self._look(turn, correction)
            else:
                self.health.away()
            if correction.tell(turn.at, self.clock.look(turn.at)):
                self.courier.wake()
            status.tell(turn)
            watchdog.beat(turn.tick)

    def _look(self, frame: Frame, correction: ClockCorrection) -> None:
        """Judge what is newly held up in one frame, or whose verdict may have turned: one code at most."""
        began = perf_counter()
        view = self.scanner.read(frame.luma, frame.tick)
        read_ms = 1000 * (perf_counter() - began)
        self.health.frame(frame, read_ms)
        if self.lights.has_light:
            self.lights.illuminate(self.fill_light.look(frame.luma, frame.tick, self.scanner.stirred))
        basis = Basis(self.ruleset.rules, frame.at, self._floor(frame.at))
        seen = self.target.seen(view.codes, frame.luma.shape, frame.tick)
        showings = self.sightings.showings([(one.text, one.rests) for one in seen], tick=frame.tick, basis=basis)
        meant = self.target.chosen(seen, showings, view.suspects, frame.tick)
        if meant is None:
            return
        began = perf_counter()
        judged = judge_shown(meant.text, basis.rules, basis.at, self.health.contained, basis.floor)
        judge_ms = 1000 * (perf_counter() - began)
        self.health.judged(judge_ms)
        sighting = self.sightings.sight(meant.text, judged, tick=frame.tick, basis=basis, came=meant.came)
        if sighting is not None and not self._record_then_show(
            sighting, frame.at, {"read": read_ms, "judge": judge_ms}, correction
        ):
            self.sightings.retract(meant.text)

    def _record_then_show(
        self, sighting: Sighting, at: datetime, took_ms: dict[str, float], correction: ClockCorrection
    ) -> bool:
        """Return whether the light that goes on stands for a record: the commit comes first."""
        verdict = sighting.judged.verdict
        if sighting.waits:
            self.lights.show(pattern(verdict))
            return True
        try:
            clock = replace(self.clock.look(at), floor=self._floor(at))
            event = self.outbox.append(lambda place: self.composer.compose(place, sighting, at, clock, took_ms))
            correction.note(clock)
        except RecordError:
            self.lights.show(patterns.OUT_OF_ORDER)
            return False
        self.lights.show(pattern(verdict, repeat=sighting.repeat))
        self.courier.wake()
        log.info(
            "shown id=%s seq=%d outcome=%s colour=%s reason=%s kind=%s repeat=%s",
            event.id,
            event.place.seq,
            verdict.outcome,
            verdict.colour or "none",
            verdict.reason,
            sighting.judged.belief.kind,
            "yes" if sighting.repeat else "no",
        )
        return True

    def _floor(self, at: datetime) -> datetime | None:
        """Return the time before which it surely is not, where the clock is not trusted."""
        if self.clock.look(at).synced:
            return None
        issued = self.ruleset.rules.trust.issued
        return self.floor.value if issued is None else max(self.floor.value, issued)
