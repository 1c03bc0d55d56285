"""One program at a time on a file: an advisory lock beside it, let go by the kernel however the program ends."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from device.system.disk import give
from device.system.errors import TitikError


class LockTakenError(TitikError):
    """Another program has the file; the sentence says which and what next."""


class FileLock:
    """``flock`` on *path*, a file of its own that stays behind: the file it speaks for may be renamed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def take(self) -> None:
        """Take it, at once or not at all; again is nothing.

        Raises `LockTakenError`, or OSError where no file can be made.
        """
        if self._handle is not None:
            return
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            give(handle, self.path.parent)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise LockTakenError(
                f"another program has {self.path.stem} open. Next: stop it, for two would write over each other"
            ) from None
        except OSError:
            os.close(handle)
            raise
        self._handle = handle

    def taken(self) -> bool | None:
        """Return whether a program has it, without taking it or making a file; ``None`` where nobody may tell."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        finally:
            os.close(handle)
        return False

    def release(self) -> None:
        """Let go; never raises."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            with suppress(OSError):
                os.close(handle)

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
