"""A broker that counts: a relay before a real one that throws out who has too many messages unacknowledged.

Brokers differ in what they do with such a client; the strictest of them end the session (MQTT 5.0, 3.3.4).
"""

import select
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from tests.support.world import Beside

PUBLISH, PUBACK, DISCONNECT = 3, 4, 14


@dataclass(eq=False)
class _Client:
    """One connection, and what is on its way through it."""

    near: socket.socket
    far: socket.socket
    up: bytearray = field(default_factory=bytearray)
    down: bytearray = field(default_factory=bytearray)
    waiting: int = 0
    late: list[tuple[float, bytes]] = field(default_factory=list)


class Strict(Beside):
    """A relay to *to* that ends a session with more than *most* messages unacknowledged; it listens on `port`.

    Each acknowledgement is *delay* seconds late; *says* is whether MQTT 5's reason is given. Bound to a ``with`` block.
    """

    def __init__(self, to: int, most: int, *, delay: float = 0.06, says: bool = True) -> None:
        super().__init__("strict")
        self._to = to
        self._most = most
        self._delay = delay
        self._says = says
        self.taken = 0
        """Connections so far."""
        self.thrown_out = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._clients: list[_Client] = []

    def _run(self) -> None:
        while not self._stopping.is_set():
            socks = [sock for client in self._clients for sock in (client.near, client.far)]
            ready, _, _ = select.select([self._server, *socks], [], [], 0.01)
            if self._server in ready:
                near, _ = self._server.accept()
                self.taken += 1
                self._clients.append(_Client(near, socket.create_connection(("127.0.0.1", self._to))))
            for client in list(self._clients):
                try:
                    stands = self._serve(client, ready)
                except OSError:
                    stands = False
                if not stands:
                    self._drop(client)
        for client in list(self._clients):
            self._drop(client)
        self._server.close()

    def _serve(self, client: _Client, ready: list[socket.socket]) -> bool:
        """Pass on what may be passed on; return whether the connection stands."""
        for source, buffer in ((client.near, client.up), (client.far, client.down)):
            if source in ready:
                piece = source.recv(65_536)
                if not piece:
                    return False
                buffer.extend(piece)
        for packet in _packets(client.up):
            client.waiting += packet[0] >> 4 == PUBLISH and packet[0] & 6 > 0
            if client.waiting > self._most:
                self.thrown_out += 1
                if self._says:
                    client.near.sendall(bytes([DISCONNECT << 4, 2, 0x93, 0]))
                return False
            client.far.sendall(packet)
        for packet in _packets(client.down):
            if packet[0] >> 4 == PUBACK:
                client.late.append((monotonic() + self._delay, packet))
            else:
                client.near.sendall(packet)
        while client.late and client.late[0][0] <= monotonic():
            client.waiting -= 1
            client.near.sendall(client.late.pop(0)[1])
        return True

    def _drop(self, client: _Client) -> None:
        self._clients.remove(client)
        for sock in (client.near, client.far):
            with suppress(OSError):
                sock.close()


def _packets(buffer: bytearray) -> list[bytes]:
    """Take the whole packets from *buffer*, and return them."""
    found = []
    while True:
        length, at = 0, 1
        while at < len(buffer):
            length |= (buffer[at] & 0x7F) << 7 * (at - 1)
            at += 1
            if not buffer[at - 1] & 0x80:
                break
        else:
            return found
        if len(buffer) < at + length:
            return found
        found.append(bytes(buffer[: at + length]))
        del buffer[: at + length]
