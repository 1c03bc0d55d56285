"""How long the rows of an outbox have been held: by trusted time, and by uptime summed over boots.

One clock alone may step by a year; what it says then must not delete anything. A row goes once both have passed.

The uptime at which a row was held is not written beside each row, which would wear out the card. The table ``age`` says
it for spans of trusted time instead: a row held at *t* was held at the uptime of the first entry that is not before
*t*, or earlier. An entry that comes between two makes the rows of its span younger, never older.
"""

import sqlite3
from collections.abc import Callable
from datetime import datetime

UNDATED = 0
"""``held_at`` of a row that was held while the clock was not trusted."""
GRAIN = 600
"""Seconds of time and of uptime that one entry covers: rows live longer by as much, and the card is spared."""
HOUR = 3600
"""Seconds of uptime after which the sum is written down, if nothing was held meanwhile; a power cut forgets less."""
DAY = 86_400
"""A row held so many seconds ahead of now was held by a clock that was wrong."""
SOME = 500
"""Rows that are deleted at a time, so that nobody waits for long."""


class HeldAge:
    """The ages in one open file; *uptime* gives seconds since boot, *before* seconds that count as well."""

    def __init__(self, file: sqlite3.Connection, uptime: Callable[[], float], before: float = 0.0) -> None:
        self._uptime = uptime
        self._began = uptime()
        (self._kept,) = file.execute("SELECT coalesce(max(seconds), 0) FROM uptime").fetchone()
        self._at_start = self._kept + before
        self._marked: tuple[int, int] | None = None

    @property
    def seconds(self) -> int:
        """The uptime of all boots with this file, as far as it was written down."""
        return int(self._at_start + max(0.0, self._uptime() - self._began))

    def forget(self) -> None:
        """Take nothing for written: a transaction was rolled back."""
        self._marked, self._kept = None, 0

    def mark(self, file: sqlite3.Connection, held_at: int) -> None:
        """Note, inside the transaction that holds rows at *held_at*, how much uptime there was; seldom writes."""
        if held_at == UNDATED:
            return
        seconds = self.seconds
        mark = _up(held_at), _up(seconds)
        if mark == self._marked:
            return
        file.execute(
            "INSERT INTO age VALUES (?, ?) ON CONFLICT (held_at) DO UPDATE SET uptime = max(uptime, excluded.uptime)",
            mark,
        )
        self._keep(file, seconds)
        self._marked = mark

    def rejuvenate(self, file: sqlite3.Connection) -> None:
        """Let all held rows age from now on: some came from another file, with another uptime."""
        file.execute("UPDATE age SET uptime = ?", (_up(self.seconds),))

    def outgrow(self, file: sqlite3.Connection, now: int, keep: int) -> int:
        """Delete some of the rows that were held *keep* seconds ago by both measures, and return how many.

        *now* is the trusted time, Unix seconds. Rows that were held by no clock, or by one far ahead, age from *now*.
        """
        dated = file.execute("UPDATE event SET held_at = ? WHERE held_at = ?", (now, UNDATED)).rowcount
        dated += file.execute(
            "UPDATE event SET held_at = ? WHERE row IN (SELECT row FROM event WHERE held_at > ? LIMIT ?)",
            (now, now + DAY, SOME),
        ).rowcount
        if dated:
            self.mark(file, now)
        (newest,) = file.execute("SELECT coalesce(max(held_at), 0) FROM event WHERE held_at IS NOT NULL").fetchone()
        (last,) = file.execute("SELECT coalesce(max(held_at), 0) FROM age").fetchone()
        if newest > last:  # held by a program that knew no uptime
            self.mark(file, newest)
        if self.seconds - self._kept >= HOUR:
            self._keep(file, self.seconds)
        enough = self.seconds - keep if keep else _up(self.seconds)
        gone = file.execute(  # CROSS JOIN: from the few spans to their rows, never the other way round
            "DELETE FROM event WHERE row IN (SELECT event.row FROM"
            " (SELECT held_at AS until, lag(held_at, 1, 0) OVER (ORDER BY held_at) AS after, uptime FROM age) AS span"
            " CROSS JOIN event ON event.held_at > span.after AND event.held_at <= span.until"
            " WHERE span.uptime <= ? AND span.after < ? AND event.held_at < ? LIMIT ?)",
            (enough, now - keep, now - keep, SOME),
        ).rowcount
        file.execute(  # entries of which no row is left
            "DELETE FROM age WHERE held_at < ? AND uptime <= ? AND NOT EXISTS (SELECT 1 FROM event"
            " WHERE event.held_at <= age.held_at AND event.held_at >"
            " (SELECT coalesce(max(b.held_at), 0) FROM age AS b WHERE b.held_at < age.held_at))",
            (now - keep, enough),
        )
        return gone

    def _keep(self, file: sqlite3.Connection, seconds: int) -> None:
        if not file.execute("UPDATE uptime SET seconds = ?", (seconds,)).rowcount:
            file.execute("INSERT INTO uptime VALUES (?)", (seconds,))
        self._kept = seconds


def stamp(trusted: datetime | None) -> int:
    """Return ``held_at`` for a row that is held at the time *trusted*; `UNDATED` while no clock is trusted."""
    return UNDATED if trusted is None else int(trusted.timestamp())


def _up(seconds: int) -> int:
    return -(-seconds // GRAIN) * GRAIN
