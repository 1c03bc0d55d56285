"""The TCP connection under a session: made, encrypted, read within bounds, and watched for what really left.

What `send` took is only in the kernel's buffer, which swallows minutes of a slow link. So bytes count as gone once
the other side's TCP has acknowledged them. Linux says how many that are (tcp(7), ``TCP_INFO``: ``tcpi_bytes_acked``)
and how many still wait (``SIOCOUTQ``), and both of the ciphertext as well, for under TLS the socket is the same.
``tcpi_unacked`` counts packets, and ``tcpi_notsent_bytes`` leaves out what is on its way. Where there is neither,
what the kernel took counts as gone.
"""

import fcntl
import select
import socket
import ssl
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from device.mqtt.framing import Framing
from device.system.errors import TitikError

STALLED = 10.0
"""Seconds without a byte either way after which a connection in the making is given up: a full packet takes six of
them at 250 bytes a second."""
CONNECT_LIMIT = 90.0
"""Seconds that a TLS handshake may take in all; its five kilobytes take twenty at 250 bytes a second."""
ACK_LIMIT = 60.0
"""Seconds that a broker may take to acknowledge a message that has left; one that never does would fill our memory."""
FIRST = 16
"""Bytes kept of what came first, to tell what answers there."""
RECV_AT_ONCE = 262_144
_ACKED = struct.Struct("=Q")
_ACKED_AT = 120  # struct tcp_info of linux/tcp.h: eight bytes, 24 numbers of four, two of eight
_TCP_INFO = getattr(socket, "TCP_INFO", None)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a session waits for the other side, in seconds."""

    stalled: float = STALLED
    connect: float = CONNECT_LIMIT
    acknowledged: float = ACK_LIMIT


USUAL = Timeouts()
"""Those of every session but a test's."""
PAUSES = (0.5, 30.0)
"""Seconds between two sessions, at first and at most; who waits draws from below them, so that not all come at once."""


class StalledError(TitikError, OSError):
    """A connection in the making stood still, or was not made in time (`Timeouts`)."""


class NoTlsError(TitikError, OSError):
    """The TLS handshake failed; *error* is what was said."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class Flow(NamedTuple):
    """How far what was sent has come, in bytes that count from an unknown start."""

    gone: int
    """What the other side's TCP has."""
    taken: int
    """What the kernel took."""


class Connection:
    """A connected socket, as paho wants one; it does not block. What is wrong with it stays in `error`."""

    def __init__(self, sock: socket.socket, framing: Framing) -> None:
        self.framing = framing
        self.first = b""
        """The first bytes that came."""
        self.error: OSError | None = None
        """Why it ended, as far as the socket or the packets say."""
        self.sent = 0
        """Bytes that the kernel took, before they were encrypted."""
        self.read = 0
        """Bytes that were read, decrypted."""
        self._sock = sock
        self._octets = 0
        self._packets = 0

    def allow(self, octets: int, packets: int) -> None:
        """Let so much be read before the next call of this; a packet that has begun is not held up by their number."""
        self._octets, self._packets = octets, self.framing.packets + packets

    @property
    def spent(self) -> bool:
        """Whether what was allowed has been read."""
        return self._octets <= 0 or (self.framing.packets >= self._packets and not self.framing.inside)

    def recv(self, size: int) -> bytes:
        """Return what has come, at most *size* bytes. Raises BlockingIOError where nothing has, or `spent` is true."""
        if self.spent:
            raise BlockingIOError
        try:
            octets = self._sock.recv(min(size, RECV_AT_ONCE))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self.error = self.error or error
            raise
        self.read += len(octets)
        self._octets -= len(octets)
        self.first += octets[: FIRST - len(self.first)]
        try:
            self.framing.take(octets)
        except OSError as error:
            self.error = error
            self._read_on()
            raise
        return octets

    def send(self, octets: bytes | bytearray) -> int:
        """Give *octets* to the kernel, and return how many it took."""
        try:
            count = self._sock.send(octets)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self.error = self.error or self._last_word() or error
            raise
        self.sent += count
        return count

    def _last_word(self) -> OSError | None:
        """Return the alert that the other side left before it closed (TLS 1.3 refuses after its handshake)."""
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLError as error:
            return error
        except OSError:
            return None
        return None

    def _read_on(self) -> None:
        """Look at a few more bytes of what is no MQTT."""
        with suppress(OSError):
            self.first += self._sock.recv(FIRST)[: FIRST - len(self.first)]

    def flow(self) -> Flow:
        """Return how far what was sent has come."""
        if _TCP_INFO is None:
            return Flow(self.sent, self.sent)
        try:
            info = self._sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 256)
            (gone,) = _ACKED.unpack_from(info, _ACKED_AT)
            # Read second: what is acknowledged between the two makes the sum too small, and nothing wait for ever.
            waiting = int.from_bytes(fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, bytes(4)), "little")
        except (OSError, struct.error):
            return Flow(self.sent, self.sent)
        return Flow(gone, gone + waiting)

    def pending(self) -> int:
        """Return how many bytes are decrypted already, which no `select` sees."""
        return self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0

    def fileno(self) -> int:
        """Return the socket's number, -1 once it is closed."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """Do nothing but what was done: a line never blocks."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """Close it without a goodbye; twice does no harm."""
        self._sock.close()


def dial(
    address: tuple[str, int],
    context: ssl.SSLContext | None,
    framing: Framing,
    timeouts: Timeouts = USUAL,
    clock: Callable[[], float] = monotonic,
) -> Connection:
    """Return a line to *address*, encrypted where there is a *context*; *clock* gives seconds.

    Raises OSError or UnicodeError where there is no connection, and `NoTlsError` where it cannot be encrypted.
    """
    sock = socket.create_connection(address, timeout=timeouts.stalled)
    try:
        # Each packet at once: with Nagle on, a round trip took 55 times as long (measured).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            sock = context.wrap_socket(sock, server_hostname=address[0], do_handshake_on_connect=False)
        sock.settimeout(0)
        line = Connection(sock, framing)
        if isinstance(sock, ssl.SSLSocket):
            _shake_hands(sock, line, timeouts, clock)
    except BaseException:
        sock.close()
        raise
    return line


def _shake_hands(sock: ssl.SSLSocket, line: Connection, timeouts: Timeouts, clock: Callable[[], float]) -> None:
    """Do the TLS handshake for as long as it moves. Raises `NoTlsError`."""
    began = moved = clock()
    flow = line.flow()
    while True:
        want: tuple[list[ssl.SSLSocket], list[ssl.SSLSocket]] = [sock], []
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLWantWriteError:
            want = [], [sock]
        except OSError as error:
            raise NoTlsError(error) from error
        else:
            return
        came, went, _ = select.select(*want, [], 0.2)
        before, flow, now = flow, line.flow(), clock()
        if came or went or flow.gone > before.gone:
            moved = now
        if now - moved > timeouts.stalled:
            raise NoTlsError(StalledError(f"nothing moved for {timeouts.stalled:.0f} s"))
        if now - began > timeouts.connect:
            raise NoTlsError(StalledError(f"it was not done within {timeouts.connect:.0f} s"))
