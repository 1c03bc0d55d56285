"""What goes to a broker, what comes from it, and its answers."""

from dataclasses import dataclass
from typing import NamedTuple

TOO_LARGE = 0x95
"""MQTT 5.0, 2.4: Packet too large."""


class Message(NamedTuple):
    """What is to be published."""

    topic: str
    body: bytes
    qos: int = 1
    retain: bool = False
    content_type: str | None = None
    expiry: int | None = None
    """Seconds after which the broker forgets it; never set on events."""

    def packet(self, *, modern: bool) -> int:
        """Return how many bytes it has on the line, at most (MQTT 5.0, 3.3; *modern* is whether that is spoken)."""
        return around(self.topic, self.content_type, modern=modern) + len(self.body)


def around(topic: str, content_type: str | None, *, modern: bool) -> int:
    """Return how many bytes a packet has around the body of a message on *topic*, at most."""
    properties = 1 + 3 + len((content_type or "").encode()) + 5 if modern else 0
    return 5 + 2 + len(topic.encode()) + 2 + properties


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came in."""

    topic: str
    body: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Acked:
    """The broker's answer to one publish or subscription; it says nothing about anybody's disk."""

    mid: int
    """What `Link.publish` gave; 0 for a subscription."""
    code: int
    name: str

    @property
    def refused(self) -> bool:
        """Whether the broker refused it (MQTT 5 only; on 3.1.1 a refusal looks like success)."""
        return self.code >= 0x80  # noqa: PLR2004 - MQTT 5.0, 2.4: codes from 0x80 are failures

    @property
    def too_large(self) -> bool:
        """Whether it is larger than the broker takes; such a message is not even sent."""
        return self.code == TOO_LARGE

    @property
    def unrouted(self) -> bool:
        """Whether nobody is subscribed."""
        return self.code == 0x10  # noqa: PLR2004 - MQTT 5.0, 2.4: No matching subscribers
