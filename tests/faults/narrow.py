"""A narrow line: a TCP relay on loopback that passes so many bytes a second each way, and whose buffers are small."""

import select
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from tests.support.world import Beside

PIECE = 4096
"""Bytes that it holds in each direction; what is more waits in the sender."""
TICK = 0.02


@dataclass(eq=False)
class _Way:
    """One direction of one connection; *credit* is what it may pass now."""

    source: socket.socket
    out: socket.socket
    held: bytearray = field(default_factory=bytearray)
    credit: float = 0.0


class Narrow(Beside):
    """A relay to *to* (a port on loopback) of *rate* bytes a second, bound to a ``with`` block; see `port`."""

    def __init__(self, to: int, rate: float) -> None:
        super().__init__("narrow")
        self._to = to
        self._rate = rate
        self.taken = 0
        """Connections so far."""
        self.passed = 0
        """Bytes that came through, both ways."""
        self._server = socket.socket()
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)  # what it accepts is as small
        self._server.bind(("127.0.0.1", 0))
        self._server.listen()
        self._server.settimeout(0)
        self.port = int(self._server.getsockname()[1])
        self._ways: list[_Way] = []

    def _run(self) -> None:
        last = monotonic()
        while not self._stopping.is_set():
            hungry = [way.source for way in self._ways if len(way.held) < PIECE]
            ready, _, _ = select.select([self._server, *hungry], [], [], TICK)
            if self._server in ready:
                self._accept()
            now = monotonic()
            for way in list(self._ways):
                way.credit = min(way.credit + (now - last) * self._rate, self._rate * 0.1 + 1)
                if way in self._ways and not self._pass(way, readable=way.source in ready):
                    self._close(way)
            last = now
            self._stopping.wait(0.005)
        for way in list(self._ways):
            self._close(way)
        self._server.close()

    def _accept(self) -> None:
        near, _ = self._server.accept()
        self.taken += 1
        far = socket.create_connection(("127.0.0.1", self._to))
        for sock in (near, far):
            sock.settimeout(0)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ways += [_Way(near, far), _Way(far, near)]

    def _pass(self, way: _Way, *, readable: bool) -> bool:
        """Move what may be moved; return whether the connection stands."""
        try:
            if readable:
                piece = way.source.recv(PIECE - len(way.held))
                if not piece:
                    return False
                way.held += piece
            if way.held and way.credit >= 1:
                sent = way.out.send(way.held[: int(way.credit)])
                del way.held[:sent]
                way.credit -= sent
                self.passed += sent
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def _close(self, way: _Way) -> None:
        for sock in (way.source, way.out):
            with suppress(OSError):
                sock.close()
        self._ways = [other for other in self._ways if other.source not in (way.source, way.out)]
