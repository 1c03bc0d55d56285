"""What is missing is asked of its point again, gently; what no card holds any more is told lost, once.

Pure but for the random name of a request: gaps, words and times in, requests and losses out. `central.centre` sends.
"""

import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from central.events import stamp
from central.points import MAX_POINTS
from central.store.epoch_ranges import EpochRanges
from central.store.missing import Gap
from device.wire import MAX_REPLAY, MAX_REPORT, Received, State, Topics, dumps, loads

VERB = "replay"
MAX_ASKED = 100
"""Ranges of one point that are followed at a time."""
EACH_MINUTE = 10
"""Requests to one point a minute; a station acts on twice as many from everybody together."""
OWED_STANDS = 180.0
"""Seconds for which a point's word that a row is on its way is believed."""


class ReplaySpacing(NamedTuple):
    """Seconds between two requests for one range: *least*, doubling while nothing of it comes, to *most*."""

    least: float = 60.0
    most: float = 3600.0


@dataclass(slots=True)
class Asked:
    """One range, all of it missing when it was asked for."""

    gap: Gap
    due: float
    pause: float
    transaction: str | None = None
    kept: int | None = None
    """How many rows of the range the point says are on its card; ``None`` until it answers."""
    weighed: float = 0.0
    """When it was last compared with what is held."""


@dataclass(slots=True)
class Followed:
    """What is known of one point whose missing events are asked for."""

    online: bool = False
    epoch: object = None
    """Its own now; another one is another start, and perhaps another card."""
    owed: frozenset[Gap] = frozenset()
    """What it said is on its way by itself."""
    owed_until: float = 0.0
    asked: dict[Gap, Asked] = field(default_factory=dict)
    sent: deque[float] = field(default_factory=deque)
    """When the requests of the last minute went."""
    looked: float | None = None


class ReplayRequest(NamedTuple):
    """One range that a point is asked for."""

    transaction: str
    gap: Gap

    def encode(self, at: datetime) -> bytes:
        """Return it as JSON, said *at* that time."""
        fields = {"transaction": self.transaction, "at": stamp(at), "epoch": self.gap.epoch}
        return dumps({**fields, "from": self.gap.first, "to": self.gap.last})


class Recall:
    """Follows what is missing of every point; times are monotonic seconds."""

    def __init__(self, topics: Topics, backoff: ReplaySpacing = ReplaySpacing()) -> None:  # noqa: B008 - a value that cannot change
        self._topics = topics
        self._backoff = backoff
        self._points: dict[str, Followed] = {}

    def hear(self, received: Received, now: float) -> None:
        """Note what a point says of itself, or its answer; anything else is ignored."""
        parsed = self._topics.parse(received.topic)
        if parsed is None or parsed[1] not in {"state", "health", f"response/{VERB}"}:
            return
        name, leaf = parsed
        try:
            report = loads(received.body, MAX_REPORT)
        except ValueError:
            return
        if not isinstance(report, dict) or (name not in self._points and len(self._points) >= MAX_POINTS):
            return
        if leaf not in {"state", "health"}:
            if name in self._points and not received.retained:
                _answer(self._points[name], report)
            return
        point = self._points.setdefault(name, Followed())
        if leaf == "state":
            point.online = report.get("state") in (State.ONLINE, State.DEGRADED)
            if report.get("epoch") != point.epoch:
                point.epoch = report.get("epoch")
                for asked in point.asked.values():
                    asked.kept = None  # what the other card had says nothing of this one
        if not received.retained and "kept" in report:  # a health says no spans
            # What is retained may be old: then it is better to ask once too much than never.
            point.owed, point.owed_until = frozenset(owed(report)), now + OWED_STANDS

    def next(self, now: float) -> str | None:
        """Return a point whose turn it is to be looked at, if there is one; each has its turn once a pause."""
        for name, point in self._points.items():
            if point.online and (point.looked is None or now - point.looked >= self._backoff.least / 4):
                point.looked = now
                return name
        return None

    def asked(self, name: str) -> list[Gap]:
        """Return the ranges that *name* was asked for, the one that was looked at longest ago first."""
        return [asked.gap for asked in sorted(self._points[name].asked.values(), key=lambda asked: asked.weighed)]

    def look(
        self, name: str, missing: Sequence[Gap], now: float, parts: Sequence[Gap] | None = None
    ) -> tuple[list[ReplayRequest], list[Gap]]:
        """Return what *name* is to be asked for, and what of *missing* is lost.

        *missing* speaks of *parts* alone, or of everything. A range is lost only where as many of it came as the
        point says it kept; the loss is said until it is noted.
        """
        point = self._points[name]
        gaps = EpochRanges(missing)
        seen = None if parts is None else EpochRanges(parts)
        lost: list[Gap] = []
        for asked in list(point.asked.values()):
            if seen is not None and not seen.cover(asked.gap):
                continue
            asked.weighed = now
            lost += self._weigh(point, asked, gaps.within(asked.gap), now)
        coming = point.owed if now < point.owed_until else frozenset()
        followed = EpochRanges([*point.asked, *coming])
        room = max(0, MAX_ASKED - len(point.asked))
        new = (left for run in gaps for left in followed.leave(run))
        for gap in islice(_pieces(new), room):
            point.asked[gap] = Asked(gap, now, self._backoff.least, weighed=now)
        return list(self._requests(point, EpochRanges(lost), now)), lost

    def _weigh(self, point: Followed, asked: Asked, left: list[Gap], now: float) -> list[Gap]:
        """Note what came of a range of which so much is *left*; return what of it is lost."""
        came = _rows([asked.gap]) - _rows(left)
        if asked.kept is not None and asked.kept <= came:
            if not left:
                del point.asked[asked.gap]
            return left
        if came:  # what is left is another range, a pause after the last request
            del point.asked[asked.gap]
            due = min(asked.due, now + self._backoff.least)
            if left and now < due:
                point.asked[asked.gap] = Asked(
                    asked.gap, due, self._backoff.least, asked.transaction, asked.kept, asked.weighed
                )
        return []

    def _requests(self, point: Followed, lost: EpochRanges, now: float) -> Iterator[ReplayRequest]:
        while point.sent and now - point.sent[0] >= self._backoff.least:
            point.sent.popleft()
        for asked in sorted(point.asked.values(), key=lambda asked: asked.due):
            if not point.online or asked.due > now or len(point.sent) >= EACH_MINUTE:
                return
            if lost.touch(asked.gap):
                continue
            asked.transaction, asked.kept = secrets.token_hex(8), None
            asked.due, asked.pause = now + asked.pause, min(2 * asked.pause, self._backoff.most)
            point.sent.append(now)
            yield ReplayRequest(asked.transaction, asked.gap)


def owed(state: dict[str, Any]) -> list[Gap]:
    """Return what a point surely still owes: from its oldest owed row on, if it owes that many rows or more.

    A station's rows are in the order of ``kept``. Where fewer are owed than lie there, which of them is not known.
    """
    match state:
        case {"owed": int(count), "oldest": {"epoch": str(epoch), "seq": int(seq)}, "kept": list(kept)} if count > 0:
            found: list[Gap] = []
            for span in kept[-MAX_ASKED:]:
                match span:
                    case [str(of), int(first), int(last)] if 0 < first <= last:
                        if found:
                            found.append(Gap(of, first, last))
                        elif of == epoch and first <= seq <= last:
                            found.append(Gap(of, seq, last))
                    case _:
                        return []
            return found if _rows(found) <= count else []
        case _:
            return []


def _answer(point: Followed, answer: dict[str, Any]) -> None:
    """Believe an answer to a request of ours, and to no other."""
    match answer:
        case {
            "transaction": str(transaction),
            "answer": "done",
            "epoch": str(epoch),
            "from": int(first),
            "to": int(last),
            "kept": int(kept),
        } if not isinstance(kept, bool):
            asked = point.asked.get(Gap(epoch, first, last))
            # One answer to a request: each makes the point be looked at.
            if asked is None or asked.kept is not None or asked.transaction != transaction:
                return
            if 0 <= kept <= _rows([asked.gap]):
                asked.kept, point.looked = kept, None
        case _:
            return  # refused, or not understood: asked again at its time


def _rows(gaps: Iterable[Gap]) -> int:
    return sum(gap.last - gap.first + 1 for gap in gaps)


def _pieces(gaps: Iterable[Gap]) -> Iterator[Gap]:
    for gap in gaps:
        for first in range(gap.first, gap.last + 1, MAX_REPLAY):
            yield Gap(gap.epoch, first, min(first + MAX_REPLAY - 1, gap.last))
