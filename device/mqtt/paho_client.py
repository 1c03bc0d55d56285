"""paho's client on a line of ours. What it reaches into has no public way; a test holds each of it."""

from collections.abc import Callable
from typing import Any

from paho.mqtt.client import MQTT_ERR_PROTOCOL, Client, MQTTv5, time_func
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device.mqtt.connection import Connection
from device.mqtt.framing import MAX_PROPERTIES, properties_of


class ConnectionClient(Client):
    """Gets its connection from *line*, which it asks each time that it connects."""

    def __init__(self, line: Callable[[], Connection], *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._new_line = line

    def _create_socket(self) -> Connection:
        return self._new_line()

    def _handle_publish(self) -> MQTTErrorCode:
        packet, qos = self._in_packet["packet"], self._in_packet["command"] >> 1 & 3
        if self._protocol == MQTTv5 and properties_of(packet, qos) > MAX_PROPERTIES:
            return MQTT_ERR_PROTOCOL
        return super()._handle_publish()

    def keep_alive(self, seconds: int) -> None:
        """Ping after *seconds*: as the broker said or sooner, and never not at all (MQTT 5.0, 3.2.2.3.14)."""
        self._keepalive = seconds

    def note_life(self) -> None:
        """Note that something came, be it a part of a TLS record, which paho cannot see."""
        self._last_bytes_received = time_func()


def properties_for(packet: int, **values: Any) -> Properties:
    """Return the properties of one kind of *packet*, as MQTT 5 names them without spaces."""
    made = Properties(packet)  # type: ignore[no-untyped-call]  # paho has types, but not here
    for name, value in values.items():
        if value is not None:
            setattr(made, name, value)
    return made


def publish_properties(content_type: str | None, expiry: int | None) -> Properties:
    """Return the properties of a publish."""
    return properties_for(PacketTypes.PUBLISH, ContentType=content_type, MessageExpiryInterval=expiry)


def words_of(properties: Properties | None) -> str:
    """Return the broker's own reason, as far as it can be shown."""
    return ascii(getattr(properties, "ReasonString", ""))[1:-1][:100]
