"""The word to stop, as a signal handler may say it."""

import select
import socket
from contextlib import suppress
from types import TracebackType
from typing import Self

GLANCE = 0.25
"""Seconds after which a wait for something else looks whether it should stop."""


class Stop:
    """A flag that a signal handler may set, and a wait that it cuts short; bound to a ``with`` block.

    ``threading.Event`` takes a lock in `set`; a handler that runs while the same thread holds it, inside
    `wait`, would wait for itself for ever.
    """

    def __init__(self) -> None:
        self._set = False
        self._near, self._far = socket.socketpair()
        self._far.settimeout(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._near.close()
        self._far.close()

    def set(self) -> None:
        """Say stop; again does no harm."""
        self._set = True
        with suppress(OSError):  # full: the word is out
            self._far.send(b"!")

    def is_set(self) -> bool:
        """Return whether stop was said."""
        return self._set

    def wait(self, seconds: float) -> bool:
        """Wait at most *seconds* for the word; return whether it was said."""
        if not self._set and seconds > 0:
            select.select([self._near], [], [], seconds)
        return self._set
