"""Whether the time can be trusted, and which boot this is: read from files, never asked of the network."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

BUILT = datetime(2026, 11, 23, tzinfo=UTC)
"""No clock is right that stands before the day this program was made."""

SYNCHRONISED = (Path("/run/systemd/timesync/synchronized"), Path("/run/chrony/synchronised"))
"""Where systemd-timesyncd, or a hook of chrony, leaves its mark; ``adjtimex`` is closed by the sandbox."""
RTC = Path("/sys/class/rtc/rtc0/since_epoch")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
RTC_SLACK = 120
"""Seconds that the system's time may differ from the real-time clock's and still be believed."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """One look at the clock, as an event carries it."""

    synced: bool
    boot: str
    uptime: float
    """Seconds since boot, sleep included."""

    def wire(self) -> Mapping[str, object]:
        """Return it as it stands in an event."""
        return {"synced": self.synced, "boot": self.boot, "uptime": round(self.uptime, 3)}


class Clock:
    """Reads the marks of one kind of trust; *paths* may lie elsewhere in a test."""

    def __init__(
        self,
        trust: Literal["ntp", "rtc", "system"],
        synchronised: tuple[Path, ...] = SYNCHRONISED,
        rtc: Path = RTC,
        boot_id: Path = BOOT_ID,
    ) -> None:
        self._trust = trust
        self._synchronised = synchronised
        self._rtc = rtc
        try:
            self.boot = boot_id.read_text(encoding="ascii").strip().replace("-", "")
        except OSError:
            self.boot = "unknown"

    def look(self, at: datetime) -> ClockState:
        """Return the state of the clock that says *at*."""
        return ClockState(at >= BUILT and self._synced(at), self.boot, time.clock_gettime(time.CLOCK_BOOTTIME))

    def trusted(self) -> datetime | None:
        """Return the time now, ``None`` while the clock is not trusted."""
        now = datetime.now(UTC)
        return now if self.look(now).synced else None

    def _synced(self, at: datetime) -> bool:
        if self._trust == "system":
            return True
        if any(mark.exists() for mark in self._synchronised):
            return True
        if self._trust == "rtc":
            try:
                return abs(int(self._rtc.read_text(encoding="ascii")) - at.timestamp()) <= RTC_SLACK
            except (OSError, ValueError):
                return False
        return False
