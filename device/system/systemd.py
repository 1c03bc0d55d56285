"""What is said to systemd: ready, alive, stopping (sd_notify(3)); nothing, where nobody listens."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

MAX_CREDENTIAL = 65_536
"""Bytes of a credential that systemd hands over."""


class Notifier:
    """The socket in ``$NOTIFY_SOCKET``, and how often the watchdog wants to be fed.

    A full socket is passed over: telling systemd must never hold up a person at the wall.
    """

    def __init__(self, address: str | None, period: float | None) -> None:
        self.period = period
        """Seconds between two signs of life: a third of ``WatchdogSec``; ``None`` without a watchdog."""
        self._address = address
        self._socket: socket.socket | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Return the notifier that the service's environment describes."""
        asked = env.get("WATCHDOG_USEC", "")
        mine = env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        period = int(asked) / 3_000_000 if asked.isdigit() and int(asked) > 0 and mine else None
        return cls(env.get("NOTIFY_SOCKET") or None, period)

    def ready(self) -> None:
        """Say that the service serves."""
        self._say(b"READY=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._say(b"WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the service is on its way out."""
        self._say(b"STOPPING=1")

    def close(self) -> None:
        """Close the socket; twice does no harm."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, word: bytes) -> None:
        if self._address is None:
            return
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.settimeout(0)
        # An abstract address is written with an @ where its first byte is zero (sd_notify(3)).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError):
            self._socket.sendto(word, address)
