"""Packets as MQTT frames them, written and read without the product."""

import socket
from collections.abc import Iterator


def length(size: int) -> bytes:
    """Return a remaining length as MQTT writes it (MQTT 5.0, 1.5.5)."""
    octets = b""
    while True:
        size, low = divmod(size, 128)
        octets += bytes([low | (0x80 if size else 0)])
        if not size:
            return octets


class Packets:
    """The packets of one connection, as MQTT 3.1.1 frames them."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._octets = b""

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while True:
            while (packet := self._next()) is None:
                octets = self._sock.recv(65_536)
                if not octets:
                    return
                self._octets += octets
            yield packet

    def _next(self) -> tuple[int, bytes] | None:
        size = 0
        for place in range(1, min(5, len(self._octets))):
            size |= (self._octets[place] & 0x7F) << 7 * (place - 1)
            if not self._octets[place] & 0x80:
                if len(self._octets) <= place + size:
                    return None
                packet = self._octets[0], self._octets[place + 1 : place + 1 + size]
                self._octets = self._octets[place + 1 + size :]
                return packet
        return None
