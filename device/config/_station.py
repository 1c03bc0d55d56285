"""What ``titik run`` is told: each table of ``titik.toml``, its keys, their bounds and what they are for."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from device.config._mistake import Allowed
from device.config._section import I2C, RESERVED, File, Gpio, MaybeGpio, PointName, Section


class PointSettings(Section):
    """Which of the points this is."""

    name: PointName
    site: PointName
    direction: Literal["in", "out"] = "in"

    @model_validator(mode="after")
    def _no_reserved_name(self) -> Self:
        if self.name in RESERVED:
            raise ValueError(f"no point may be named {self.name}: that is a topic or a user of its own")
        return self


MAX_WIDTH, MAX_HEIGHT = 4608, 3456
MAX_PIXELS = MAX_WIDTH * MAX_HEIGHT
"""Of any picture that a camera is asked for, and so of any that a file or a driver may speak of: a Camera Module 3."""


class CameraSettings(Section):
    """The eyes."""

    renamed: ClassVar[Mapping[str, str]] = {"lens": "focus_m"}

    source: Literal["picamera2", "webcam", "video", "pictures"] = "picamera2"
    device: File | None = None
    """The webcam's file, for ``source = "webcam"``; left out, the first camera that can be read."""
    video: File | None = None
    """For ``source = "video"``."""
    size: Annotated[
        tuple[Annotated[int, Field(ge=160, le=MAX_WIDTH)], Annotated[int, Field(ge=120, le=MAX_HEIGHT)]],
        Field(strict=False),
    ] = (1280, 720)
    fps: Annotated[float, Field(gt=0, le=120)] = 15.0
    patience: Annotated[float, Field(ge=0.2, le=9)] = 3.0
    """Seconds without a frame after which the camera counts as gone; below a third of the unit's WatchdogSec."""
    pictures: Annotated[tuple[File, ...], Field(strict=False)] = ()
    """Files and folders, for ``source = "pictures"``."""
    loop: bool = True
    hold: Annotated[float, Field(gt=0, le=3600)] = 1.5
    """Seconds that each picture stays before the lens."""
    gap: Annotated[float, Field(ge=0, le=3600)] = 2.5
    """Seconds of an empty view after each picture; within two, the only picture becomes scenery
    (`device.reading.target`)."""

    exposure: Literal["fixed", "auto"] = "fixed"
    """For picamera2, as are the keys below. ``fixed`` is *exposure_us* and *gain*, so that neither a lamp behind the
    person nor the person changes the picture; ``auto`` is the camera's own short mode: at most one frame's time."""
    exposure_us: Annotated[int, Field(ge=100, le=66_000)] = 4000
    """Microseconds. A hand at 0.3 m/s smears 1280 pixels over 30 cm by 1.3 of them a millisecond, and readers give up
    at 5 to 8; a phone's screen, dimmed by pulses, wants at least 4000."""
    gain: Annotated[float, Field(ge=0, le=64)] = 4.0
    """Analogue gain beside a fixed exposure; 0 lets the camera choose the gain, and only that."""
    focus_m: Annotated[float, Field(ge=0, le=10, serialization_alias="lens")] = 0.17
    """Metres from the lens to the code, for a lens that moves: autofocus is off by default, and when on it sticks
    after something near is taken away (picamera2 issue 1272). 0 leaves the lens alone."""
    mains: Literal[50, 60] = 50
    """Hz: lamps flicker twice as often. Only ``exposure = "auto"`` can avoid it, and only above half a period."""
    noise: Literal["off", "minimal", "fast", "high-quality"] = "fast"
    """Noise reduction. ``fast`` holds every pace; ``high-quality`` costs frames."""
    buffers: Annotated[int, Field(ge=2, le=8)] = 4
    """Frames that the camera fills in turn: fewer lose frames, more only cost memory; the newest is taken."""
    crop: Annotated[float, Field(ge=0.1, le=1)] = 1.0
    """Share of the sensor's width and height to look at, around its centre and in the shape of *size*: less is fewer
    posters on the far wall, and more pixels on the code."""
    frozen: Annotated[float, Field(ge=0, le=60)] = 4.0
    """Seconds of identical frames after which a sensor counts as frozen and is opened anew; 0 never."""
    black: Annotated[float, Field(ge=0, le=60)] = 4.0
    """Seconds without light *and* without a sensor's noise after which it counts as dead; 0 never."""
    covered: Annotated[float, Field(ge=0, le=60)] = 5.0
    """Seconds of light with nothing in it, or of nothing but white, after which the lens counts as covered, or
    dazzled; 0 never."""

    @property
    def sensor(self) -> bool:
        """Whether frames come from a sensor, whose picture is never twice the same; what files show is simulated."""
        return self.source in ("picamera2", "webcam")

    @model_validator(mode="after")
    def _files_are_named(self) -> Self:
        if self.source == "pictures" and not self.pictures:
            raise ValueError('source = "pictures" needs at least one file or folder in pictures')
        if self.source == "video" and self.video is None:
            raise ValueError('source = "video" needs a file in video')
        return self


class SightingSettings(Section):
    """When a code counts as shown again."""

    quiet: Annotated[float, Field(ge=0.1, le=10)] = 0.7
    """Seconds out of view after which one showing is over; never less than two and a half frames."""
    repeat: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """Seconds after the end of its first showing within which the same credential is a repeat: a showing ends *quiet*
    after its code was in view last, and no repeat moves that."""
    strangers: Annotated[int, Field(ge=1, le=1000)] = 20
    """Events a minute, at most, from codes that are not genuine."""


class Pins(Section):
    """GPIO numbers (BCM) of lamps and buzzer."""

    factory: Literal["lgpio", "mock"] = "lgpio"
    red: Gpio = 17
    green: Gpio = 27
    amber: MaybeGpio = None
    buzzer: MaybeGpio = 22
    light: MaybeGpio = None
    """A white lamp that is lit for who comes with paper, and dark before a screen."""
    sound: Literal["active", "tonal"] = "active"
    """An active buzzer knows one tone; a tonal one (a passive piezo) plays pitches."""

    @model_validator(mode="after")
    def _no_pin_twice(self) -> Self:
        named: dict[int, str] = {}
        for name in ("red", "green", "amber", "buzzer", "light"):
            pin = getattr(self, name)
            if pin in named:
                raise ValueError(f"{named[pin]} and {name} are both on GPIO {pin}; give each its own pin")
            if pin is not None:
                named[pin] = name
        return self

    def cautions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield each pin that a battery-backed clock would use."""
        for name in ("red", "green", "amber", "buzzer", "light"):
            if (pin := getattr(self, name)) in I2C:
                whose = f"{I2C[pin]} of a battery-backed clock, and the board pulls it up"
                yield (name,), f"pins.{name} = {pin} is {whose}: a lamp there glows by itself. Next: another pin"


class BrokerSettings(Section):
    """Where the events go."""

    host: Annotated[
        str,
        StringConstraints(min_length=1, max_length=253),
        Allowed("a name or an address in quotes, as 192.0.2.7"),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    protocol: Literal[5, 4] = 5
    """5, or 4 for MQTT 3.1.1."""
    root: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=100),
        Allowed(
            "words of letters, digits, _ and - with / between them, 100 characters at most, as titik/v1, in quotes"
        ),
    ] = "titik/v1"
    tls: bool | None = None
    """Left out: on, unless the broker is this machine itself."""
    ca: File | None = None
    certificate: File | None = None
    key: File | None = None
    username: str | None = None
    keepalive: Annotated[int, Field(ge=5, le=3600)] = 20
    in_flight: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Messages at QoS 1 that may wait for the broker's acknowledgement; left out, as many as it says (MQTT 5's Receive
    Maximum), and 20 on 3.1.1, where it cannot say."""
    largest_packet: Annotated[int, Field(ge=1024, le=268_435_455)] | None = None
    """Bytes of the largest message that the broker takes; left out, what it says (MQTT 5's Maximum Packet Size), and
    on 3.1.1 what is found out by trying."""

    @property
    def most_waiting(self) -> int:
        """How many messages may wait for the broker's acknowledgement, as far as it is told here."""
        return self.in_flight or (20 if self.protocol == 4 else 65_535)  # noqa: PLR2004 - 3.1.1's own number

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return self.tls if self.tls is not None else not self._loopback

    @property
    def _loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together; one of them is missing")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; left out, the port is the registered one."""
        return self.host, self.port or (8883 if self.encrypted else 1883)


class DeliverySettings(Section):
    """What is owed to the centre, and when it is forgotten."""

    until: Literal["receipt", "puback"] = "receipt"
    """``puback`` gives up the promise: a broker acknowledges before its disk, and may drop."""
    accept: Literal["events may be lost without a trace"] | None = None
    """What ``puback`` wants said where the broker speaks 3.1.1, which acknowledges what it refuses, too."""
    window: Annotated[int, Field(ge=1, le=100)] = 20
    """Messages under way at once."""
    keep_days: Annotated[float, Field(ge=0, le=365)] = 7
    """Days that an event stays on the card after its receipt: by the trusted time, and of uptime."""
    most: Annotated[int, Field(ge=100, le=5_000_000)] = 200_000
    """Events that may be owed; past it the station is out of order, visibly."""
    most_bytes: Annotated[int, Field(ge=1_048_576, le=68_719_476_736)] = 268_435_456
    """Bytes that events may take on the card; never more than half of what they take and the card has left."""


class ClockSettings(Section):
    """What makes the time trusted."""

    trust: Literal["ntp", "rtc", "system"] = "ntp"


class TrustSettings(Section):
    """Whom to believe."""

    bundle: File | None = None
    roots: Annotated[
        tuple[
            Annotated[
                str,
                StringConstraints(min_length=10, max_length=2000),
                Allowed("a public key in quotes, as titik-office init prints it"),
            ],
            ...,
        ],
        Field(strict=False, max_length=2),
    ] = ()
    """Public keys of the regency's root, as ``titik-office init`` prints them: the current one, then the next."""


class PolicySettings(Section):
    """Which rules are in force here."""

    use: Annotated[tuple[PointName, ...], Field(strict=False)] = ("staff",)
    """Names of policies, the bundle's or those that ship; earlier ones speak first."""


class PrivacySettings(Section):
    """What more than the necessary leaves the station."""

    pass_number: bool = False


class StationSettings(Section):
    """Everything that ``titik run`` is told."""

    point: PointSettings
    camera: CameraSettings = CameraSettings()
    sighting: SightingSettings = SightingSettings()
    pins: Pins = Pins()
    broker: BrokerSettings = BrokerSettings()
    delivery: DeliverySettings = DeliverySettings()
    clock: ClockSettings = ClockSettings()
    trust: TrustSettings = TrustSettings()
    policy: PolicySettings = PolicySettings()
    privacy: PrivacySettings = PrivacySettings()
    state: File | None = None
    """Where the outbox lives; left out, systemd's ``$STATE_DIRECTORY``."""

    def cautions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield those of the pins."""
        yield from ((("pins", *keys), sentence) for keys, sentence in self.pins.cautions())

    @model_validator(mode="after")
    def _no_silent_loss(self) -> Self:
        silent = self.delivery.until == "puback" and self.broker.protocol == 4  # noqa: PLR2004 - the protocol's number
        if silent and self.delivery.accept is None:
            raise ValueError(
                'until = "puback" goes not with broker.protocol = 4: it acknowledges what it drops, too.'
                ' Use broker.protocol = 5, or say delivery.accept = "events may be lost without a trace"'
            )
        return self
