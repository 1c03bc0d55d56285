"""One command at a time at a desk: two that read, change and write would undo each other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final

from office.desk.refusal import RefusalError

PATIENCE: Final = 10.0
"""Seconds that a command waits for another one at the same desk."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the desk in *folder* for one command.

    Raises `RefusalError` after `PATIENCE` seconds. Where there is no desk there is nothing to hold.
    """
    if not folder.is_dir():
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        until = monotonic() + PATIENCE
        while not _locks(handle):
            if monotonic() > until:
                raise RefusalError(
                    f"Perintah lain sedang bekerja di meja {folder}. / Another command is at the desk {folder}."
                    " Berikutnya / next: tunggu sampai selesai, lalu ulangi / wait for it, then the same again"
                )
            Event().wait(0.1)
        yield
    finally:
        os.close(handle)


def _locks(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
