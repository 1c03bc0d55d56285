"""What a station is made of, each part in its place: wired once, in `device.wiring`."""

from dataclasses import dataclass

from device.camera.fill_light import Illumination
from device.camera.monitor import Lens
from device.control.control_socket import Hatch
from device.delivery.courier import Courier
from device.health import Vitals
from device.indicators import Indicators
from device.reading.crashes import Crashes
from device.reading.target import Nearest
from device.record.event import Composer
from device.record.outbox import Outbox
from device.scanner import Scanner
from device.system.clock import Clock
from device.system.time_floor import Floor
from device.verdict.ruleset import Rulebook
from device.verdict.sightings import Gaze


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one station, from the eye to the wire."""

    lens: Lens
    illumination: Illumination
    scanner: Scanner
    crashes: Crashes
    nearest: Nearest
    gaze: Gaze
    rulebook: Rulebook
    clock: Clock
    floor: Floor
    composer: Composer
    outbox: Outbox
    lights: Indicators
    vitals: Vitals
    courier: Courier
    hatch: Hatch
