"""Read this first: the loop, and what it is made of.

Frames flow through one loop in the main thread. A sighting becomes a verdict, the verdict is written to disk,
then shown as light. Two workers hang off the loop, the lights and the courier; neither ever calls back. To
stop the station, stop the frames.

    camera ─▶ turns ─▶ scanner ─▶ nearest ─▶ gaze ─▶ judge ─▶ compose ─▶ outbox ═══▶ courier ─▶ broker
                                                                └─▶ pattern ═══▶ indicators ─▶ lamps, buzzer
"""

import logging
import os
import signal
from collections.abc import Iterable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter

from device import __version__, config, patterns, scanner
from device.camera import frame_rate
from device.camera.fill_light import FillLight
from device.camera.monitor import CameraMonitor, State
from device.camera.sharpness import SharpnessHistory
from device.camera.source import turns
from device.config import StationSettings as Config
from device.control import queue_verbs
from device.control.control_socket import ControlSocket, RequestRefusedError, Verb, socket_path
from device.delivery import remote_commands
from device.delivery.courier import Courier
from device.delivery.status import Notice, Sender
from device.health import Health
from device.indicators import Indicators
from device.model import Blind, Frame
from device.patterns import Pattern, pattern
from device.reading.crashes import Crashes
from device.reading.target import Nearest
from device.record.clock_correction import ClockCorrection
from device.record.event import Composer, age
from device.record.outbox import Outbox, RecordError
from device.scanner import Scanner
from device.system.clock import Clock, stamp
from device.system.disk import NotPlainError, read_whole
from device.system.stop import Stop
from device.system.systemd import Notifier
from device.system.time_floor import TimeFloor
from device.system.watchdog import Watchdog
from device.trust.bundle import BundleError
from device.trust.fleet_secret import FleetSecret, read_secret
from device.verdict.judge import Basis, judge_shown
from device.verdict.ruleset import Ruleset
from device.verdict.sightings import Sighting, Sightings

log = logging.getLogger(__name__)

MAX_SECRET = 65_536
"""Bytes of a credential."""
HEALTH_EVERY = 5.0
"""Seconds between two looks at the vitals; the courier says the newest once a minute."""


@dataclass(frozen=True, slots=True)
class Station:
    """What the loop is made of."""

    scanner: Scanner
    nearest: Nearest
    sightings: Sightings
    ruleset: Ruleset
    composer: Composer
    clock: Clock
    floor: TimeFloor
    outbox: Outbox
    lights: Indicators
    courier: Courier
    health: Health
    lens: CameraMonitor = field(default_factory=CameraMonitor)
    fill_light: FillLight = field(default_factory=FillLight)
    crashes: Crashes = field(default_factory=Crashes)

    def serve(self, stream: Iterable[Frame | Blind], watchdog: Watchdog) -> None:
        """Frame in, record, light and event out; ends when the frames end."""
        mood, correction = _Mood(self), ClockCorrection(self.outbox, self.composer)
        for turn in stream:
            if isinstance(turn, Frame):
                self._look(turn, correction)
            else:
                self.health.away()
            if correction.tell(turn.at, self.clock.look(turn.at)):
                self.courier.wake()
            mood.tell(turn)
            watchdog.beat(turn.tick)

    def _look(self, frame: Frame, correction: ClockCorrection) -> None:
        """Judge what is newly held up in one frame, or whose verdict may have turned: one code at most."""
        began = perf_counter()
        view = self.scanner.read(frame.luma, frame.tick)
        read_ms = 1000 * (perf_counter() - began)
        self.health.frame(frame, read_ms)
        if self.lights.has_light:
            self.lights.illuminate(self.fill_light.look(frame.luma, frame.tick, self.scanner.stirred))
        height, width = frame.luma.shape
        basis = Basis(self.ruleset.rules, frame.at, self._floor(frame.at))
        holds = partial(self.sightings.holds, tick=frame.tick, basis=basis)
        meant = self.nearest.chosen(view, (height, width), frame.tick, holds)
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
            event = self.composer.compose(self.outbox.place(), sighting, at, clock, took_ms)
            self.outbox.append(event)
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


class _Mood:
    """What the station says of itself between verdicts: by its light, and through the courier."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._resting: Pattern | None = None
        self._looked = -HEALTH_EVERY
        self._notice = Notice()

    def tell(self, turn: Frame | Blind) -> None:
        """Say what changed since the last turn."""
        station = self._station
        synced = station.clock.look(turn.at).synced
        station.floor.note(turn.at, turn.tick, synced=synced)
        faults = tuple(
            word
            for word, wrong in (
                ("camera", isinstance(turn, Blind) or not station.lens.serves),
                ("outbox", station.outbox.fault is not None),
                ("sealed", any(one.owed != 0 for one in station.outbox.sealed.all)),
                ("policy", station.ruleset.rules.broken),
                ("bundle", (synced and station.ruleset.rules.trust.due(turn.at)) or not station.ruleset.kept),
                ("roster", station.ruleset.rules.trust.roster.locked),
                ("glass", station.lens.state is State.SMEARED),
                ("reader", bool(station.crashes.left_out)),
            )
            if wrong
        )
        if {"camera", "outbox"} & set(faults):
            resting = patterns.FAULT
        elif "bundle" in faults:
            resting = patterns.STALE
        elif "glass" in faults:
            resting = patterns.SMEARED
        else:
            resting = patterns.READY if station.courier.linked else patterns.OFFLINE
        if resting is not self._resting:
            self._resting = resting
            station.lights.rest(resting)
        if faults == self._notice.faults and turn.tick - self._looked < HEALTH_EVERY:
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
            "camera": station.lens.tell() | ({"state": State.AWAY.value} if isinstance(turn, Blind) else {}),
            **self._bundle(),
            "version": __version__,
        }

    def _bundle(self) -> dict[str, object]:
        trust = self._station.ruleset.rules.trust
        return {"bundle": trust.version, "bundle_next": trust.next and trust.next.isoformat()}


def run(told: Config, notifier: Notifier) -> None:
    """Open the world from the disk outwards, and serve; leaving closes it the other way round.

    Raises `PinsMissingError`; whatever else goes wrong while serving is a value, weather, or the end.
    """
    folder, secret = _state_folder(told), _fleet_secret()
    clock = Clock(told.clock.trust, memory=folder / "clock")
    if (missing := scanner.second_reader()) is not None:
        log.warning("%s", missing)
    sender = Sender(told.point.name, clock.boot, _info(told), _credential("mqtt-password"))
    simulated = not told.camera.sensor
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        stack.callback(notifier.close)
        outbox = stack.enter_context(
            Outbox(
                folder / "outbox.db",
                told.delivery.most,
                most_bytes=told.delivery.most_bytes,
                point=told.point.name,
            )
        )
        ruleset, floor = Ruleset(told, folder, secret, clock.trusted), TimeFloor(folder)
        courier = stack.enter_context(Courier(outbox, told.broker, told.delivery, sender, ruleset))
        verbs = {"bundle-import": _importer(ruleset), "clock-reset": _resetter(floor)}
        verbs.update(queue_verbs.verbs(outbox, told.point.name, clock.trusted))
        hatch = stack.enter_context(ControlSocket(socket_path(folder), verbs))
        lights = stack.enter_context(Indicators(told.pins))
        stack.callback(notifier.stopping)
        crashes = stack.enter_context(Crashes(socket_path(folder).parent, folder, clock.boot))
        reading = Scanner(1 / told.camera.fps, mark=crashes)
        reading.leave_out(crashes.left_out)
        lens = CameraMonitor(
            told.camera, SharpnessHistory(folder, config.fingerprint(told.camera)) if told.camera.sensor else None
        )
        stream = stack.enter_context(closing(turns(told.camera, stop, lens=lens)))
        station = Station(
            reading,
            Nearest(),
            Sightings(frame_rate.quiet(told), told.sighting.repeat, told.sighting.strangers),
            ruleset,
            Composer(told.point, told.privacy, secret, simulated),
            clock,
            floor,
            outbox,
            lights,
            courier,
            Health(told.camera.fps),
            lens,
            crashes=crashes,
        )
        station.serve(stream, Watchdog([courier, lights, hatch], notifier))


def _importer(ruleset: Ruleset) -> Verb:
    """Return the hatch's verb that takes a bundle from whoever may open the socket."""

    def take(octets: bytes) -> str:
        try:
            offer = ruleset.offer(octets)
        except BundleError as error:
            raise RequestRefusedError(str(error)) from None
        if offer.new:
            log.info("bundle version=%d was imported and is in force", offer.version)
        if not offer.kept:
            raise RequestRefusedError(
                f"bundle version {offer.version} is in force until the next start only: the disk did not take it."
                " Next: df -h /var/lib/private/titik, then the same again"
            )
        return f"bundle version {offer.version} is in force" + ("" if offer.new else ", and was before")

    return take


def _resetter(floor: TimeFloor) -> Verb:
    """Return the hatch's verb that lowers a floor that a wrong clock has raised."""

    def reset(_octets: bytes) -> str:
        floor.reset()
        log.info("the time floor was reset to %s", floor.value.date())
        return f"the time floor is {floor.value.date()} again"

    return reset


def _info(told: Config) -> dict[str, object]:
    """Return what the station is, without a secret: paths of keys are left out, too."""
    shown = told.model_dump(mode="json", exclude={"trust": True, "state": True})
    shown["broker"] = {name: shown["broker"][name] for name in ("host", "port", "protocol", "root", "tls")}
    return {
        "version": __version__,
        "config": shown,
        "config_hash": config.fingerprint(told),
        "can": ["hcert", "pass", "phone-pass", "listed"],
        "verbs": list(remote_commands.VERBS),
    }


def _state_folder(told: Config) -> Path:
    return told.state or Path(os.environ.get("STATE_DIRECTORY", "").split(":")[0] or "/var/lib/titik")


def _credential(name: str) -> str | None:
    """Return the secret that systemd handed over under *name*; what cannot be read is said, never quoted."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder is None:
        return None
    try:
        return read_whole(Path(folder) / name, MAX_SECRET).decode("utf-8").strip() or None
    except FileNotFoundError:
        return None
    except NotPlainError as error:
        log.error("the credential %s cannot be read: %s", name, error.strerror)  # noqa: TRY400 - the sentence is the whole story
        return None
    except (OSError, UnicodeDecodeError) as error:
        log.error("the credential %s cannot be read: %s", name, type(error).__name__)  # noqa: TRY400 - never its content
        return None


def _fleet_secret() -> FleetSecret | None:
    text = _credential("fleet-secret")
    if text is None:
        log.warning("no fleet secret: events carry no holder. Next: put it into /etc/credstore/titik.fleet-secret")
        return None
    try:
        return read_secret(text)
    except ValueError as error:
        log.error("the fleet secret cannot be used: %s; events carry no holder", error)  # noqa: TRY400 - the sentence is the whole story
        return None
