"""How clean the glass before the lens is, told from how sharp the sharpest things are that people hold up.

Each day leaves one figure: the sharpness that one in twenty looks at somebody reaches. A day without people leaves
none, so that a holiday is no smear. The best of the last three such days is held against the best fifth of all the
days before; a thumb's grease or dust lowers it for good, a person who shakes does not. It is a warning, and it takes
two weeks to know what is usual.
"""

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from device.system.disk import read_bounded, write_whole

log = logging.getLogger(__name__)

NAME = "glass"
MAX_FILE = 20_000
"""Bytes of the file; ninety days are under 3,000."""
KEPT = 90
"""Days that are remembered."""
LOOKS = 240
"""Looks at somebody that make a day count: a minute in all."""
RECENT = 3
"""Days, with people, of which the best says how it is now."""
USUAL = 10
"""Days before those that are needed to know what is usual."""
SMEARED, CLEAN = 0.65, 0.8
"""Shares of the usual sharpness: at the first it counts as smeared, and from the second on as clean again."""
EVERY = 3600.0
"""Seconds between two writes; a card wears out, and a station whose power is cut at night must remember its day."""
CHECK = 60.0
"""Seconds between two judgements."""
STEPS, STEP = 128, 0.02
"""How finely a day's looks are counted."""
SHARE = 0.05


class Day(NamedTuple):
    """One day's figure, and of how many looks it was taken."""

    name: str
    sharpness: float
    looks: int


class SharpnessHistory:
    """Remembers the days in a file of *folder*; *setting* names the camera's settings, and another one begins anew.

    Without a folder it forgets everything at the end.
    """

    def __init__(self, folder: Path | None = None, setting: str = "") -> None:
        self._path = folder and folder / NAME
        self._setting = setting
        self._days = self._read()
        self._name: str | None = None
        self._counts = [0] * STEPS
        self._looks = 0
        self._checked = self._written = float("-inf")
        self.smeared = False
        self.share: float | None = None
        """Of the usual sharpness; ``None`` while nobody knows what is usual."""
        self._judge(self._days)

    def note(self, sharpness: float, at: datetime, tick: float) -> None:
        """Count one look at somebody, taken *at* a time, at *tick* monotonic seconds."""
        name = at.date().isoformat()
        if self._name is None:
            self._name, self._written = name, tick
        elif name != self._name:
            self._days = self._with_today()
            self._name, self._counts, self._looks = name, [0] * STEPS, 0
            self._write(tick)
        self._counts[max(0, min(STEPS - 1, int(sharpness / STEP)))] += 1
        self._looks += 1
        if tick - self._checked >= CHECK:
            self._checked = tick
            self._judge(self._with_today())
        if tick - self._written >= EVERY:
            self._write(tick)

    def _with_today(self) -> list[Day]:
        """Return the days with the one under way, if it counts; of two lives on one day the sharper one stands."""
        if self._name is None or self._looks < LOOKS:
            return self._days
        today = Day(self._name, _reached(self._counts, SHARE), self._looks)
        earlier = [day for day in self._days if day.name != today.name]
        same = [day for day in self._days if day.name == today.name]
        return [*earlier, max([today, *same], key=lambda day: day.sharpness)][-KEPT:]

    def _judge(self, days: Sequence[Day]) -> None:
        before, recent = days[:-RECENT], days[-RECENT:]
        if len(before) < USUAL:
            self.smeared, self.share = False, None
            return
        usual = sorted(day.sharpness for day in before)[len(before) * 4 // 5]
        self.share = max(day.sharpness for day in recent) / max(usual, STEP)
        was, self.smeared = self.smeared, self.share < (CLEAN if self.smeared else SMEARED)
        if self.smeared and not was:
            log.warning("the picture is %.0f %% as sharp as usual: clean the glass", 100 * self.share)

    def _read(self) -> list[Day]:
        if self._path is None:
            return []
        try:
            kept = json.loads(read_bounded(self._path, MAX_FILE))
            if kept["setting"] != self._setting:
                return []
            days = [Day(str(name), float(sharpness), int(looks)) for name, sharpness, looks in kept["days"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.error("%s cannot be used: %s; it is begun anew", self._path, type(error).__name__)  # noqa: TRY400 - the sentence is the whole story
            return []
        return [day for day in days if 0 <= day.sharpness <= STEPS * STEP][-KEPT:]

    def _write(self, tick: float) -> None:
        self._written = tick
        days = self._with_today()
        if self._path is None or not days:
            return
        octets = json.dumps({"setting": self._setting, "days": days}).encode()
        with suppress(FileNotFoundError):
            if read_bounded(self._path, MAX_FILE) == octets:
                return
        try:
            write_whole(self._path, octets)
        except OSError as error:
            log.error("%s cannot be written: %s", self._path, error.strerror)  # noqa: TRY400 - the sentence is the whole story


def _reached(counts: Sequence[int], share: float) -> float:
    """Return the sharpness that *share* of the counted looks reach."""
    left = share * sum(counts)
    for step in range(STEPS - 1, -1, -1):
        left -= counts[step]
        if left < 0:
            return round(step * STEP, 4)
    return 0.0
