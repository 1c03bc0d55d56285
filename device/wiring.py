"""Where a station is put together: its parts, once, for the machine it runs on and for every test."""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from device import __version__, config, scanner
from device.camera import frame_rate
from device.camera.fill_light import FillLight
from device.camera.monitor import CameraMonitor
from device.camera.sharpness import SharpnessHistory
from device.camera.source import turns
from device.config import StationSettings as Config
from device.control.context import Context
from device.control.control_socket import ControlSocket, socket_path
from device.control.verbs import answered
from device.daemon import Station
from device.delivery import remote_commands
from device.delivery.announcements import Sender
from device.delivery.courier import Courier
from device.formats import registry
from device.health import Health
from device.indicators import Indicators
from device.reading.crashes import Crashes
from device.reading.target import TargetSelector
from device.record.event import Composer
from device.record.outbox import Outbox
from device.scanner import Scanner
from device.system.clock import Clock, boot_time
from device.system.disk import NotPlainError, read_whole
from device.system.stop import Stop
from device.system.systemd import MAX_CREDENTIAL, Notifier
from device.system.time_floor import TimeFloor
from device.system.watchdog import Watchdog
from device.trust.fleet_secret import FleetSecret, read_secret
from device.verdict.ruleset import Ruleset
from device.verdict.sightings import Sightings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class World:
    """What a station is put into: this machine, or what a test has instead; its frames come in as it serves."""

    folder: Path
    """Where its state lies."""
    clock: Clock
    lights: Indicators
    crashes: Crashes = field(default_factory=Crashes)
    secret: FleetSecret | None = None
    password: str | None = None
    """The broker's."""
    uptime: Callable[[], float] = boot_time


def wired(configuration: Config, world: World) -> Station:
    """Return a station in *world*; outbox, courier, control socket and lights do nothing before they are entered."""
    point, camera = configuration.point, configuration.camera
    delivery, sighting = configuration.delivery, configuration.sighting
    outbox = Outbox(
        world.folder / "outbox.db",
        delivery.most,
        most_bytes=delivery.most_bytes,
        point=point.name,
        uptime=world.uptime,
    )
    ruleset = Ruleset(configuration, world.folder, world.secret, world.clock.trusted)
    floor = TimeFloor(world.folder)
    sender = Sender(point.name, world.clock.boot, _info(configuration), world.password)
    reading = Scanner(1 / camera.fps, mark=world.crashes)
    reading.leave_out(world.crashes.left_out)
    return Station(
        monitor=CameraMonitor(
            camera, SharpnessHistory(world.folder, config.fingerprint(camera)) if camera.sensor else None
        ),
        fill_light=FillLight(),
        scanner=reading,
        crashes=world.crashes,
        target=TargetSelector(),
        sightings=Sightings(frame_rate.quiet(configuration), sighting.repeat, sighting.strangers),
        ruleset=ruleset,
        clock=world.clock,
        floor=floor,
        composer=Composer(point, configuration.privacy, world.secret, simulated=not camera.sensor),
        outbox=outbox,
        lights=world.lights,
        health=Health(camera.fps),
        courier=Courier(outbox, configuration.broker, delivery, sender, ruleset),
        control_socket=ControlSocket(
            socket_path(world.folder), answered(Context(point.name, outbox, ruleset, floor, world.clock.trusted))
        ),
    )


def run(configuration: Config, notifier: Notifier) -> None:
    """Open the world from the disk outwards, and serve; leaving closes it the other way round.

    Raises `PinsMissingError`; whatever else goes wrong while serving is a value, weather, or the end.
    """
    if (missing := scanner.second_reader()) is not None:
        log.warning("%s", missing)
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        stack.callback(notifier.close)
        station = wired(configuration, _machine(configuration))
        for part in (station.outbox, station.courier, station.control_socket, station.lights):
            stack.enter_context(part)
        stack.callback(notifier.stopping)
        stack.enter_context(station.crashes)
        stream = stack.enter_context(closing(turns(configuration.camera, stop, monitor=station.monitor)))
        station.serve(stream, Watchdog([station.courier, station.lights, station.control_socket], notifier))


def _machine(configuration: Config) -> World:
    """Return the machine that this program runs on, with what systemd handed over."""
    folder, secret = _state_folder(configuration), _fleet_secret()
    with suppress(OSError):  # the outbox says so, and the wall shows it
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    clock = Clock(configuration.clock.trust, memory=folder / "clock")
    return World(
        folder,
        clock,
        Indicators(configuration.pins),
        Crashes(socket_path(folder).parent, folder, clock.boot),
        secret,
        _credential("mqtt-password"),
    )


def _info(configuration: Config) -> dict[str, object]:
    """Return what the station is, without a secret: paths of keys are left out, too."""
    shown = configuration.model_dump(mode="json", exclude={"trust": True, "state": True})
    shown["broker"] = {name: shown["broker"][name] for name in ("host", "port", "protocol", "root", "tls")}
    return {
        "version": __version__,
        "config": shown,
        "config_hash": config.fingerprint(configuration),
        "can": registry.can(),
        "verbs": list(remote_commands.VERBS),
    }


def _state_folder(configuration: Config) -> Path:
    return configuration.state or Path(os.environ.get("STATE_DIRECTORY", "").split(":")[0] or "/var/lib/titik")


def _credential(name: str) -> str | None:
    """Return the secret that systemd handed over under *name*; what cannot be read is said, never quoted."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder is None:
        return None
    try:
        return read_whole(Path(folder) / name, MAX_CREDENTIAL).decode("utf-8").strip() or None
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
