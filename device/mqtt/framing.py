"""Where one MQTT packet ends and the next begins, and how long each may be: told from its first bytes, before the rest.

MQTT 5.0, 2.1 (the same in 3.1.1): one byte of kind and flags, then one to four of the length of what remains.
"""

from device.system.errors import TitikError

CONNACK, PUBLISH = 2, 3
"""Kinds of packets: the upper four bits of the first byte."""
MAX_OTHER = 16_384
"""Bytes of any packet that is no PUBLISH: an answer has a few, and a list of a million reason codes costs 200 MB."""
MAX_PROPERTIES = 4096
"""Bytes of properties before a message: reading them takes time by the square of their number (measured)."""


class OverlongPacketError(TitikError, OSError):
    """A packet is longer than anybody here reads; nothing of it was kept."""

    def __init__(self, length: int, most: int) -> None:
        super().__init__(f"a packet of {length} bytes, and {most} is the most")
        self.length, self.most = length, most


class ForeignPeerError(TitikError, OSError):
    """What came is no MQTT that was agreed upon."""


class Framing:
    """The borders of the packets in what comes in; *most* is what may remain of a PUBLISH after its length."""

    def __init__(self, most: int) -> None:
        self.packets = 0
        """How many are complete."""
        self._most = most
        self._first: int | None = None
        self._length = 0
        self._shift = 0
        self._left = 0

    @property
    def inside(self) -> bool:
        """Whether a packet has begun and has not ended."""
        return self._first is not None

    def take(self, octets: bytes) -> None:
        """Note *octets*, cut anywhere. Raises `OverlongPacketError` or `ForeignPeerError` at the byte that shows it."""
        at = 0
        while at < len(octets):
            if self._left:
                step = min(self._left, len(octets) - at)
                self._left -= step
                at += step
                if not self._left:
                    self._end()
                continue
            if self._first is None:
                self._begin(octets[at])
            else:
                self._measure(self._first, octets[at])
            at += 1

    def _begin(self, first: int) -> None:
        kind, qos = first >> 4, first >> 1 & 3
        if not self.packets and kind != CONNACK:
            raise ForeignPeerError("the first thing that came is no CONNACK")
        if kind == PUBLISH and qos > 1:  # whatever is taken at QoS 2 stays in memory until a third packet
            raise ForeignPeerError("a message came at a QoS that nobody asked for")
        self._first, self._length, self._shift = first, 0, 0

    def _measure(self, first: int, octet: int) -> None:
        self._length |= (octet & 0x7F) << self._shift
        self._shift += 7
        most = self._most if first >> 4 == PUBLISH else MAX_OTHER
        if self._length > most:
            raise OverlongPacketError(self._length, most)
        if octet & 0x80:
            if self._shift == 28:  # noqa: PLR2004 - four bytes of seven bits
                raise ForeignPeerError("a packet's length has more than four bytes")
            return
        self._left = self._length
        if not self._left:
            self._end()

    def _end(self) -> None:
        self._first = None
        self.packets += 1


def properties_of(publish: bytes | bytearray, qos: int) -> int:
    """Return how many bytes of properties stand in *publish*, MQTT 5's without its fixed header.

    0 where there are none to be found; who parses it says what is wrong with it.
    """
    at = 2 + int.from_bytes(publish[:2], "big") + (2 if qos else 0)
    length = 0
    for n, octet in enumerate(publish[at : at + 4]):
        length |= (octet & 0x7F) << 7 * n
        if not octet & 0x80:
            break
    return length
