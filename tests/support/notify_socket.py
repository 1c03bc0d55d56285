"""The other end of systemd's notify socket."""

import select
import socket


def heard(bound: socket.socket) -> list[bytes]:
    """Return the words that wait at the socket *bound*."""
    words = []
    while select.select([bound], [], [], 0)[0]:
        words.append(bound.recv(100))
    return words
