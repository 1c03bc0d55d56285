"""What a station is made of, each part in its place: wired once, in `device.wiring`."""

from dataclasses import dataclass

from device.camera.fill_light import FillLight
from device.camera.monitor import CameraMonitor
from device.control.control_socket import ControlSocket
from device.delivery.courier import Courier
from device.health import Health
from device.indicators import Indicators
from device.reading.crashes import Crashes
from device.reading.target import TargetSelector
from device.record.event import Composer
from device.record.outbox import Outbox
from device.scanner import Scanner
from device.system.clock import Clock
from device.system.time_floor import TimeFloor
from device.verdict.ruleset import Ruleset
from device.verdict.sightings import Sightings


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one station, from the eye to the wire."""

    monitor: CameraMonitor
    fill_light: FillLight
    scanner: Scanner
    crashes: Crashes
    target: TargetSelector
    sightings: Sightings
    ruleset: Ruleset
    clock: Clock
    floor: TimeFloor
    composer: Composer
    outbox: Outbox
    lights: Indicators
    health: Health
    courier: Courier
    control_socket: ControlSocket
