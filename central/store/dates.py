"""When an event was, where its station did not know: worked out from the corrections of its boot, a piece at a time.

The first correction at or after an event dates it, in whatever order they come: each says what the clock was worth
up to its moment. A correction is noted at once, however many come; what they change is dated afterwards, once for
all of one boot, and what is still to be dated is a row in the file: a restart goes on with it.
"""

import sqlite3
from datetime import UTC, datetime

from central.events import Tick, stamp
from device.wire import MAX_SEQ

PIECE = 100
"""Events that are dated at a time (some 5 ms)."""
_PIECE = """
SELECT uptime, rowid FROM (
    SELECT uptime, rowid FROM event
    WHERE synced = 0 AND point = :point AND boot = :boot AND uptime = :uptime AND rowid > :row
    UNION ALL SELECT uptime, rowid FROM event
    WHERE synced = 0 AND point = :point AND boot = :boot AND uptime > :uptime AND uptime <= :until
    ORDER BY 1, 2 LIMIT :most
)
"""
_OFFSET = """
(SELECT offset FROM clock WHERE clock.point = event.point AND clock.boot = event.boot AND clock.uptime >= event.uptime
 ORDER BY clock.uptime LIMIT 1)
"""


class Dates:
    """The dates in *file*, a database that is open."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self.piece = PIECE
        """How many events are dated at a time."""
        self._last = ""
        """The point whose turn it was last."""
        file.create_function("moment", 1, _moment, deterministic=True)

    def of(self, point: str, time: str | None, tick: Tick, received: str) -> tuple[object, ...]:
        """Return what is known of when an event was: boot, uptime, synced, at, earliest, latest."""
        if tick.synced is not False:
            return tick.boot, tick.uptime, tick.synced, time, None, None
        offset = None
        if tick.uptime is not None:
            offset = self._file.execute(
                "SELECT offset FROM clock WHERE point = ? AND boot = ? AND uptime >= ? ORDER BY uptime LIMIT 1",
                (point, tick.boot, tick.uptime),
            ).fetchone()
        if offset is None or tick.uptime is None:
            return tick.boot, tick.uptime, tick.synced, None, tick.floor, received
        return tick.boot, tick.uptime, tick.synced, _moment(offset[0] + tick.uptime), None, None

    def correct(self, point: str, tick: Tick) -> None:
        """Where *tick* is a correction: note it, and that the events of its boot which it covers are to be dated."""
        if tick.offset is None or tick.boot is None or tick.uptime is None:
            return
        of = point, tick.boot, tick.uptime
        self._file.execute(
            "INSERT INTO clock VALUES (?, ?, ?, ?)"
            " ON CONFLICT (point, boot, uptime) DO UPDATE SET offset = min(offset, excluded.offset)",
            (*of, tick.offset),
        )
        before = self._file.execute(
            "SELECT uptime FROM clock WHERE point = ? AND boot = ? AND uptime < ? ORDER BY uptime DESC LIMIT 1", of
        ).fetchone()
        after = -1.0 if before is None else before[0]
        self._file.execute(
            "INSERT INTO mend VALUES (?, ?, ?, ?, ?) ON CONFLICT (point, boot) DO UPDATE SET until = max(until,"
            " excluded.until), row = iif(excluded.uptime < uptime, excluded.row, row), uptime = min(uptime,"
            " excluded.uptime)",
            (point, tick.boot, after, MAX_SEQ, tick.uptime),
        )

    def mend(self) -> bool:
        """Date a piece of the events of one boot, of another point each time; return whether there was any to do."""
        entry = self._next()
        if entry is None:
            return False
        self._last, boot, uptime, row, until = entry
        piece = {"point": self._last, "boot": boot, "uptime": uptime, "row": row, "until": until, "most": self.piece}
        ends = self._file.execute(f"{_PIECE} LIMIT 1 OFFSET :most - 1", piece).fetchone()
        self._file.execute(
            f"UPDATE event SET at = moment(uptime + {_OFFSET}), earliest = NULL, latest = NULL"  # noqa: S608 - words of ours
            f" WHERE rowid IN (SELECT rowid FROM ({_PIECE}))",
            piece,
        )
        if ends is None:
            self._file.execute("DELETE FROM mend WHERE point = ? AND boot = ?", (self._last, boot))
        else:
            sql = "UPDATE mend SET uptime = ?, row = ? WHERE point = ? AND boot = ?"
            self._file.execute(sql, (*ends, self._last, boot))
        return True

    def _next(self) -> tuple[str, str, float, int, float] | None:
        sql = "SELECT point, boot, uptime, row, until FROM mend WHERE point {} ? ORDER BY point, boot LIMIT 1"
        for after in (">", "<="):
            if (found := self._file.execute(sql.format(after), (self._last,)).fetchone()) is not None:
                point, boot, uptime, row, until = found
                return point, boot, uptime, row, until
        return None


def _moment(seconds: float) -> str:
    return stamp(datetime.fromtimestamp(seconds, UTC))
