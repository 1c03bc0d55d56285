"""Which reader was at work when the station died, and which is left out because of that.

A reader is C. What crashes it takes the process along, and no line of ours runs any more; what hangs in it is ended by
the watchdog. So before each look the reader's number is written into a small file in the runtime folder: memory, which
outlives the process and not the machine. The next life finds it. A reader that ended two lives within a minute is left
out for a day, or until titik or the reader is another build; the last reader stays, whatever it does.

A Pi knows no time. Within one boot the time since boot tells how long ago something was; across boots the day counts as
over once this boot has lasted one, or once the system's time says so, right or wrong: to come back too early costs two
restarts, and nothing else.
"""

import json
import logging
import os
import struct
import time
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from device import __version__
from device.reading import decoders
from device.reading.decoders import ZBAR, ZXING
from device.system.clock import boot_time
from device.system.disk import read_bounded, write_whole

log = logging.getLogger(__name__)

MARK, NAME = "reader-at-work", "reader-crashes"
"""The file in the runtime folder, and the one in the state folder."""
MAX_LIVES = 2
"""Lives that a reader may end within `WITHIN`."""
WITHIN = 60.0
"""Seconds from the beginning of one life, which followed a crash, to the next crash."""
DAY = 86_400.0
"""Seconds for which a reader is left out."""
MAX_FILE = 4_000
_NUMBERS: Mapping[str, int] = {ZXING: 1, ZBAR: 2}
_WORK, _BOOT = struct.Struct("<B7xd"), struct.Struct("<32s")
"""Who is at work (0: nobody) and since when, in seconds since boot; behind it, in which boot."""
_NEXT: Mapping[str, str] = {
    ZXING: "Next: a newer titik, when there is one",
    ZBAR: "Next: sudo apt update && sudo apt install --only-upgrade libzbar0, then sudo systemctl restart titik",
}


class Crash(NamedTuple):
    """The newest crash of one reader, as the life after it found it."""

    boot: str
    uptime: float
    """Seconds since boot at which it was found: the beginning of the next life."""
    wall: float
    """Unix seconds by the system's time, right or wrong."""
    build: str
    left_out: bool

    def over(self, boot: str, uptime: float, wall: float) -> bool:
        """Return whether a day has passed, as far as anybody can know."""
        if boot == self.boot:
            return uptime - self.uptime >= DAY
        return uptime >= DAY or not 0 <= wall - self.wall < DAY


class Crashes:
    """Reads the last life's mark in *runtime*, remembers crashes in *state*, and marks who is at work now.

    *builds* are the readers that are there. Without folders it forgets everything at the end; one that cannot be
    written costs the memory, never the station.
    """

    def __init__(  # noqa: PLR0913 - each is one thing of the world that it reads
        self,
        runtime: Path | None = None,
        state: Path | None = None,
        boot: str = "",
        builds: Mapping[str, str] | None = None,
        *,
        titik: str = __version__,
        wall: Callable[[], float] = time.time,
        uptime: Callable[[], float] = boot_time,
    ) -> None:
        builds = decoders.builds() if builds is None else builds
        self._path = state and state / NAME
        self._boot = boot
        self._builds = {reader: f"{titik} {build}" for reader, build in builds.items()}
        self._wall = wall
        self._uptime = uptime
        self._handle = None if runtime is None else _opened(runtime / MARK)
        self._crashes = self._recalled()
        self._find()
        self._put(_WORK.pack(0, 0.0) + _BOOT.pack(boot.encode()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say that nobody is at work, and let go of the file; twice does no harm."""
        self.leave()
        if self._handle is not None:
            handle, self._handle = self._handle, None
            os.close(handle)

    @property
    def left_out(self) -> frozenset[str]:
        """The readers that do not look now, because of their crashes."""
        return frozenset(reader for reader, crash in self._crashes.items() if crash.left_out)

    def tell(self) -> dict[str, Any]:
        """Return which readers are in use, and why which is not."""
        gone = dict.fromkeys(
            self.left_out, f"ended the station {MAX_LIVES} times within a minute; tried again after a day"
        )
        gone |= {reader: "is not installed" for reader in _NUMBERS if reader not in self._builds}
        return {"use": [reader for reader in _NUMBERS if reader not in gone], "left_out": gone}

    def expire(self) -> bool:
        """Take back the readers whose day is over; return whether there were any."""
        back = [reader for reader in sorted(self.left_out) if self._over(self._crashes[reader])]
        for reader in back:
            del self._crashes[reader]
            log.info("%s is in use again: a day has passed since it was left out", reader)
        if back:
            self._keep()
        return bool(back)

    def enter(self, library: str) -> None:
        """Mark that *library* begins to look."""
        self._put(_WORK.pack(_NUMBERS[library], self._uptime()))

    def leave(self) -> None:
        """Mark that nobody looks."""
        self._put(b"\0")

    def _put(self, octets: bytes) -> None:
        if self._handle is None:
            return
        try:
            os.pwrite(self._handle, octets, 0)
        except OSError as error:  # a file system that became full or read-only: what is lost is a memory
            log.warning("%s cannot be written: %s; no crash of a reader is remembered", MARK, error.strerror)
            handle, self._handle = self._handle, None
            os.close(handle)

    def _find(self) -> None:
        """Count the crash that ended the last life, if one did."""
        found = self._found()
        if found is None:
            return
        reader, since = found
        before = self._crashes.get(reader)
        again = before is not None and before.boot == self._boot and since - before.uptime <= WITHIN
        others = self._builds.keys() - self.left_out - {reader}
        self._crashes[reader] = Crash(
            self._boot, self._uptime(), self._wall(), self._builds[reader], left_out=again and bool(others)
        )
        self._keep()
        if not again:
            log.warning(
                "the station died while %s was reading; it is left out if that comes again within a minute", reader
            )
        elif others:
            log.error(
                "%s is left out: the station died in it %d times within a minute; it is tried again after a day. %s",
                reader,
                MAX_LIVES,
                _NEXT[reader],
            )
        else:
            log.error(
                "the station died in %s %d times within a minute, and it stays: no other reader is left. %s",
                reader,
                MAX_LIVES,
                _NEXT[reader],
            )

    def _found(self) -> tuple[str, float] | None:
        """Return who was at work when the last life ended, and since when, ``None`` if nobody was in this boot."""
        if self._handle is None:
            return None
        try:
            octets = os.pread(self._handle, _WORK.size + _BOOT.size, 0)
            (number, since), (boot,) = _WORK.unpack(octets[: _WORK.size]), _BOOT.unpack(octets[_WORK.size :])
        except (OSError, struct.error):  # new, or nothing of ours
            return None
        reader = next((name for name, known in _NUMBERS.items() if known == number), None)
        if reader not in self._builds or boot.rstrip(b"\0") != self._boot.encode():
            return None
        return reader, since

    def _recalled(self) -> dict[str, Crash]:
        """Return what is remembered of readers that are still the same build, and whose day is not over."""
        if self._path is None:
            return {}
        try:
            entries = json.loads(read_bounded(self._path, MAX_FILE))
            known = {reader: Crash(*_typed(crash)) for reader, crash in entries.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            log.error("%s cannot be used: %s; it is begun anew", self._path, type(error).__name__)  # noqa: TRY400 - the sentence is the whole story
            return {}
        kept = {
            reader: crash
            for reader, crash in known.items()
            if self._builds.get(reader) == crash.build and not self._over(crash)
        }
        gone = {reader for reader, crash in kept.items() if crash.left_out}
        if gone >= self._builds.keys():  # the other one was there when this was written, and is not now
            return {reader: crash._replace(left_out=False) for reader, crash in kept.items()}
        for reader in sorted(gone):
            log.warning("%s is still left out, for its crashes; it is tried again after a day", reader)
        return kept

    def _over(self, crash: Crash) -> bool:
        return crash.over(self._boot, self._uptime(), self._wall())

    def _keep(self) -> None:
        if self._path is None:
            return
        kept = {reader: crash._asdict() for reader, crash in self._crashes.items()}
        try:
            write_whole(self._path, json.dumps(kept).encode())
        except OSError as error:
            log.error("%s cannot be written: %s", self._path, error.strerror)  # noqa: TRY400 - the sentence is the whole story


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.warning("%s cannot be opened: %s; no crash of a reader is remembered", path, error.strerror)
        return None


def _typed(crash: Any) -> tuple[str, float, float, str, bool]:
    """Return a crash's values as they were written; raises ValueError for anything else."""
    match crash:
        case {
            "boot": str(boot),
            "uptime": int() | float() as uptime,
            "wall": int() | float() as wall,
            "build": str(build),
            "left_out": bool(left_out),
        } if isfinite(uptime) and isfinite(wall):
            return boot, float(uptime), float(wall), build, left_out
    raise ValueError("not a crash")
