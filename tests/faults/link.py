"""A link that can be cut, held up, made slow or one-sided: a TCP relay on loopback, in a thread of its own.

It never loses a byte within a connection, for TCP does not: what it holds back comes later, or the connection dies.
"""

import selectors
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Self

from tests.support.world import Beside

MAX_HELD = 262_144
"""Bytes that one direction keeps; past it the sender's own buffers fill, as behind a dead link."""
TICK = 0.02


class Mood(StrEnum):
    """How the link behaves."""

    WELL = "well"
    HOLE = "hole"
    """Nothing passes, in no direction, and nobody is told."""
    DEAF = "deaf"
    """What the broker says does not arrive; what it is told does."""
    MUTE = "mute"
    """What the broker is told does not arrive; what it says does."""
    SLOW = "slow"
    """A few hundred bytes at a time, each 0.2 s late."""
    SMALL = "small"
    """Whatever is written in one piece longer than 600 bytes never passes: a black hole of the path's MTU."""


@dataclass(eq=False)
class _Way:
    """One direction of one connection."""

    out: socket.socket
    down: bool
    held: bytearray = field(default_factory=bytearray)
    due: float = 0.0
    stuck: bool = False
    ended: bool = False


class Relay(Beside):
    """A relay to *to* (a port on loopback), bound to a ``with`` block; it listens on `port`."""

    def __init__(self, to: int, host: str = "127.0.0.1") -> None:
        super().__init__("relay")
        self.to = to
        self.mood = Mood.WELL
        self.passed = 0
        """Bytes that came through, both ways."""
        self.taken = 0
        """Connections so far."""
        self._server = socket.create_server((host, 0))
        self._server.settimeout(0)
        self.port = int(self._server.getsockname()[1])
        self._selector = selectors.DefaultSelector()
        self._ways: dict[socket.socket, _Way] = {}
        self._cut = threading.Event()

    def __enter__(self) -> Self:
        self._selector.register(self._server, selectors.EVENT_READ)
        return super().__enter__()

    def cut(self) -> None:
        """Reset every connection; new ones are taken as ever."""
        self._cut.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            for key, _ in self._selector.select(TICK):
                if key.fileobj is self._server:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._ways:
                    self._read(key.fileobj)
            if self._cut.is_set():
                self._cut.clear()
                self._reset_all()
            for source, way in list(self._ways.items()):
                if source in self._ways:
                    self._pass(source, way)
        self._reset_all()
        self._selector.close()
        self._server.close()

    def _accept(self) -> None:
        near, _ = self._server.accept()
        self.taken += 1
        try:
            far = socket.create_connection(("127.0.0.1", self.to))
        except OSError:
            _reset(near)
            return
        for sock in (near, far):
            sock.settimeout(0)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(sock, selectors.EVENT_READ)
        self._ways[near] = _Way(far, down=False)
        self._ways[far] = _Way(near, down=True)

    def _holds(self, way: _Way) -> bool:
        return (
            self.mood is Mood.HOLE
            or (self.mood is Mood.DEAF and way.down)
            or (self.mood is Mood.MUTE and not way.down)
            or way.stuck
        )

    def _read(self, source: socket.socket) -> None:
        way = self._ways[source]
        if len(way.held) >= MAX_HELD or way.ended or (self._holds(way) and not way.stuck):
            self._selector.unregister(source)  # so that the sender's own buffers fill
            return
        try:
            piece = source.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            self._close(source, way.out)
            return
        if not piece:
            way.ended = True
            self._selector.unregister(source)
            return
        way.stuck = way.stuck or (self.mood is Mood.SMALL and not way.down and len(piece) > 600)
        if not way.held and self.mood is Mood.SLOW:
            way.due = monotonic() + 0.2
        way.held += piece

    def _pass(self, source: socket.socket, way: _Way) -> None:
        if self.mood is Mood.WELL:
            way.stuck = False
        if self._holds(way):
            return
        if way.held and monotonic() >= way.due:
            most = 400 if self.mood is Mood.SLOW else len(way.held)
            try:
                sent = way.out.send(way.held[:most])
            except BlockingIOError:
                sent = 0
            except OSError:
                self._close(source, way.out)
                return
            del way.held[:sent]
            self.passed += sent
            way.due = monotonic() + (0.2 if self.mood is Mood.SLOW else 0.0)
        if way.ended:
            if not way.held:
                self._close(source, way.out)
        elif source not in self._selector.get_map() and len(way.held) < MAX_HELD:
            self._selector.register(source, selectors.EVENT_READ)

    def _reset_all(self) -> None:
        for source, way in list(self._ways.items()):
            if source in self._ways:
                self._close(source, way.out)

    def _close(self, *socks: socket.socket) -> None:
        for sock in socks:
            self._ways.pop(sock, None)
            with suppress(KeyError, ValueError):
                self._selector.unregister(sock)
            _reset(sock)


def _reset(sock: socket.socket) -> None:
    """Close with RST rather than FIN."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
