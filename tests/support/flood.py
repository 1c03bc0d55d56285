"""A client in a process of its own that meets a broker without manners; prints what it cost, as JSON.

python -m tests.support.flood publish | suback | messages | properties
"""

import json
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from device.config import BrokerSettings
from device.mqtt_client import Link, SessionError
from device.wire import Message, Received
from tests.support.framing import length

MB = 1_000_000
MANY = 60


def packet(first: int, size: int, begin: bytes = b"") -> Iterator[bytes]:
    """Yield a packet of *size* bytes after its length, *begin* and then zeros, piece by piece."""
    yield bytes([first]) + length(size) + begin
    left = size - len(begin)
    while left > 0:
        yield bytes(min(MB, left))
        left -= MB


def properties() -> Iterator[bytes]:
    """Yield a message of a million bytes, all of them user properties without a word in them."""
    users = b"\x26\x00\x00\x00\x00" * 199_999
    yield from packet(0x30, MB, (b"\x00\x01t" + length(len(users)) + users)[:MB])


FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "publish": lambda: packet(0x30, 200 * MB, b"\x00\x01t\x00"),
    "suback": lambda: packet(0x90, MB, b"\x00\x01\x00"),
    "messages": lambda: (piece for _ in range(MANY) for piece in packet(0x30, MB, b"\x00\x01t\x00")),
    "properties": properties,
}


def serve(server: socket.socket, flood: Iterator[bytes]) -> None:
    """Take one client in, and send it *flood*."""
    with suppress(OSError):
        line, _ = server.accept()
        with line:
            line.recv(1000)
            line.sendall(b"\x20\x03\x00\x00\x00")
            for piece in flood:
                line.sendall(piece)
            line.recv(1000)


def peak() -> int:
    """Return the most memory that this process has had, KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(name: str) -> None:
    """Meet the flood *name*, until it is over or the session ends."""
    most, what, count = 0, "", 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server, FLOODS[name]()), daemon=True).start()
        link = Link(BrokerSettings(port=server.getsockname()[1]), "a", will=Message("t", b""))
        before = peak()
        try:
            with link:
                while count < MANY:
                    got = [one for one in link.turn(1) if isinstance(one, Received)]
                    count += len(got)
                    most = max(most, sum(len(one.body) for one in got))
        except SessionError as broken:
            what = f"{broken.cause}: {broken.what}"
    print(json.dumps({"kib": peak() - before, "most": most, "what": what, "count": count}))  # noqa: T201 - its answer


if __name__ == "__main__":
    main(sys.argv[1])
