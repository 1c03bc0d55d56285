"""The time before which it surely is not, kept through a power cut: a Pi has no clock of its own.

It rises only by a clock that was trusted for an hour on end, so that one wrong answer of a time server does not
poison it; ``titik clock reset`` lowers it again (``design.md``, Time).
"""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device.system.clock import BUILT
from device.system.disk import read_bounded, write_whole

log = logging.getLogger(__name__)

NAME = "floor"
TRUSTED_FOR = 3600.0
"""Seconds on end that the clock must have been trusted."""
STEP = timedelta(hours=1)
"""How much it must have risen to be written again; a card wears out."""


class TimeFloor:
    """Keeps `value` in a file of *folder*.

    `note` is the loop's, `reset` the local socket's, and no lock is needed: `value` is set whole, and the loop writes
    an hour apart. Where both meet in one moment the later one stays, and a write of the file that fails is logged.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._since: float | None = None
        self.value = max(BUILT, self._read() or BUILT)

    def note(self, at: datetime, tick: float, *, synced: bool) -> None:
        """Rise to *at* if the clock that says so (*tick*: monotonic seconds) has been trusted long enough."""
        if not synced:
            self._since = None
        elif self._since is None:
            self._since = tick
        elif tick - self._since >= TRUSTED_FOR and at - self.value >= STEP:
            self.value = at
            self._write(at.isoformat())

    def reset(self) -> None:
        """Fall back to the day that this program was made."""
        self.value, self._since = BUILT, None
        self._write(BUILT.isoformat())

    def _read(self) -> datetime | None:
        try:
            kept = datetime.fromisoformat(read_bounded(self._path, 100).decode("ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.error("%s cannot be used: %s", self._path, type(error).__name__)  # noqa: TRY400 - the sentence is the whole story
            return None
        return kept if kept.tzinfo is not None else kept.replace(tzinfo=UTC)

    def _write(self, text: str) -> None:
        try:
            write_whole(self._path, text.encode())
        except OSError as error:
            log.error("%s cannot be written: %s", self._path, error.strerror)  # noqa: TRY400 - the sentence is the whole story
