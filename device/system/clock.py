"""Whether the time can be trusted, and which boot this is: read from files, never asked of the network.

A mark once left says nothing of a clock that somebody set afterwards. So the system's time is watched against
CLOCK_BOOTTIME, which nobody sets: after a step it is in doubt until a newer mark, or until it is back where trust
left it.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from device.system.disk import read_bounded, write_whole

BUILT = datetime(2026, 11, 23, tzinfo=UTC)
"""No clock is right that stands before the day this program was made."""

SYNCHRONISED = (Path("/run/systemd/timesync/synchronized"), Path("/run/chrony/synchronised"))
"""Where systemd-timesyncd, or a hook of chrony, leaves its mark; ``adjtimex`` is closed by the sandbox."""
RTC = Path("/sys/class/rtc/rtc0/since_epoch")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
RTC_SLACK = 120
"""Seconds that the system's time may differ from the real-time clock's and still be believed."""
STEP = 1.0
"""Seconds that the system's time may move against CLOCK_BOOTTIME between two looks; more is a step, not a drift."""
SETTLE = 2.0
"""Seconds of doubt after any step: a frame taken before it may still be on its way to its event."""


def stamp(at: datetime) -> str:
    """Return the aware time *at* as it is written on the wire: UTC, ISO 8601 with milliseconds."""
    utc = at.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def boot_time() -> float:
    """Return the seconds since boot, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class ClockState:
    """One look at the clock, as an event carries it."""

    synced: bool
    boot: str
    uptime: float
    """Seconds since boot, sleep included."""

    offset: float = 0.0
    """Unix seconds at which the uptime was 0, by the system's time."""

    floor: datetime | None = None
    """The time before which it surely was not, where it is not trusted."""

    def wire(self) -> Mapping[str, object]:
        """Return it as it stands in an event."""
        fields = {"synced": self.synced, "boot": self.boot, "uptime": round(self.uptime, 3)}
        return fields if self.floor is None else {**fields, "floor": stamp(self.floor)}


class Clock:
    """Reads the marks of one kind of trust; the paths and the two clocks may be others in a test.

    `look` is for the loop alone; `trusted` may be asked by any thread.
    """

    def __init__(  # noqa: PLR0913 - each is one thing of the world that it reads
        self,
        trust: Literal["ntp", "rtc", "system"],
        synchronised: tuple[Path, ...] = SYNCHRONISED,
        rtc: Path = RTC,
        boot_id: Path = BOOT_ID,
        *,
        wall: Callable[[], float] = time.time,
        uptime: Callable[[], float] = boot_time,
        memory: Path | None = None,
    ) -> None:
        self._trust = trust
        self._synchronised = synchronised
        self._rtc = rtc
        self._wall = wall
        self._uptime = uptime
        self._offset = wall() - uptime()
        self._seen = self._marks()
        self._doubted: tuple[int | None, ...] | None = None
        """The marks as they were before the last step, while that step is in doubt."""
        self._stepped = -SETTLE
        self._trusted_offset: float | None = None
        try:
            self.boot = boot_id.read_text(encoding="ascii").strip().replace("-", "")
        except OSError:
            self.boot = "unknown"
        self._memory = memory
        self._recall()

    def look(self, at: datetime) -> ClockState:
        """Return the state of the clock that says *at*, and watch for a step."""
        uptime = self._uptime()
        self._watch(uptime)
        synced = self._believed(at) and uptime - self._stepped >= SETTLE
        if synced:
            first, self._trusted_offset = self._trusted_offset is None, self._offset
            if first or self._seen != self._kept:
                self._remember()
        return ClockState(synced, self.boot, uptime, self._offset)

    def trusted(self) -> datetime | None:
        """Return the time now, ``None`` while the clock is not trusted."""
        now = datetime.fromtimestamp(self._wall(), UTC)
        return now if self._believed(now) else None

    def _recall(self) -> None:
        """Go on from the last trusted look of this boot: a restart of the program forgives no step either."""
        self._kept: tuple[int | None, ...] | None = None
        if self._memory is None:
            return
        try:
            kept = json.loads(read_bounded(self._memory, 1000))
        except (OSError, ValueError):  # none yet, or none any more: then a step before this start goes unseen
            return
        match kept:
            case {"boot": self.boot, "offset": float(offset), "marks": [*marks]} if len(marks) == len(self._seen):
                self._offset = self._trusted_offset = offset
                self._seen = self._kept = tuple(marks)
            case _:
                pass  # of another boot, whose uptime is not ours

    def _remember(self) -> None:
        self._kept = self._seen
        if self._memory is None or self._trust == "system":
            return
        kept = {"boot": self.boot, "offset": self._trusted_offset, "marks": self._seen}
        with suppress(OSError):  # the disk's own fault is shown by the outbox; this is a second line only
            write_whole(self._memory, json.dumps(kept).encode())

    def _watch(self, uptime: float) -> None:
        """Doubt the clock once it stepped, until a mark is newer than the step or it is back where it was."""
        offset, marks = self._wall() - uptime, self._marks()
        if self._trust != "system" and abs(offset - self._offset) > STEP:
            self._stepped = uptime
            if self._doubted is None:
                self._doubted = self._seen
        back = self._trusted_offset is not None and abs(offset - self._trusted_offset) <= STEP
        if back or marks != self._doubted:
            self._doubted = None
        self._offset, self._seen = offset, marks

    def _believed(self, at: datetime) -> bool:
        if self._trust == "system":
            return at >= BUILT
        marked = self._doubted is None and any(mark is not None for mark in self._seen)
        return at >= BUILT and (marked or (self._trust == "rtc" and self._rtc_agrees(at)))

    def _marks(self) -> tuple[int | None, ...]:
        """Return when each mark was left, ``None`` for one that is not there; timesyncd renews its own each time."""
        return tuple(_left(mark) for mark in self._synchronised)

    def _rtc_agrees(self, at: datetime) -> bool:
        try:
            return abs(int(self._rtc.read_text(encoding="ascii")) - at.timestamp()) <= RTC_SLACK
        except (OSError, ValueError):
            return False


def _left(mark: Path) -> int | None:
    try:
        return mark.stat().st_mtime_ns
    except OSError:
        return None
