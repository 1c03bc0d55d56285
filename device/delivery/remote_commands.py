"""What an operator, or the centre, asks of a station over the broker: bounded, parsed, done once.

The transaction is on the card before anything is done, so that no broker's repetition and no restart does it twice.
Bytes come in, an answer goes out; nothing here talks to anybody.
"""

import logging
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from device.record.outbox import Outbox, RecordError
from device.record.schema import Recalled
from device.system.errors import TitikError
from device.wire import MAX_REPLAY, MAX_SEQ, dumps, loads

log = logging.getLogger(__name__)

VERBS = ("ping", "replay")
MAX_REQUEST = 4096
"""Bytes of a request."""
STALE = timedelta(seconds=60)
"""A request from longer ago, or from further ahead, is passed over (``design.md``, MQTT)."""
MAX_PER_MINUTE = 20
"""Requests taken in a minute; each costs the card a commit."""
MINUTE = 60.0
TRANSACTION = re.compile(r"[A-Za-z0-9-]{8,64}\Z")
VERB = re.compile(r"[a-z-]{1,40}\Z")
EPOCH = re.compile(r"[0-9a-f]{1,32}\Z")


class MalformedRequestError(TitikError, ValueError):
    """Bytes that are no request; *transaction* is what could be read of it, so that it can be answered."""

    def __init__(self, why: str, transaction: str | None = None) -> None:
        super().__init__(why)
        self.transaction = transaction


@dataclass(frozen=True, slots=True)
class AskedRows:
    """The rows that a replay asks for, both ends included."""

    epoch: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Request:
    """One that is well formed."""

    verb: str
    transaction: str
    at: datetime
    """When it was asked, by the asker's clock."""
    span: AskedRows | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back on ``response/<verb>``; *again* says how many rows are owed that were not."""

    verb: str
    body: bytes
    again: int = 0


def parse(verb: str, body: bytes) -> Request:
    """Return the request in *body* on ``request/<verb>``.

    Raises `MalformedRequestError`, which quotes nothing of it.
    """
    try:
        fields = loads(body, MAX_REQUEST)
    except ValueError:
        raise MalformedRequestError("not JSON of 4096 bytes at the most") from None
    transaction = fields.get("transaction") if isinstance(fields, dict) else None
    if not isinstance(transaction, str) or not TRANSACTION.match(transaction):
        raise MalformedRequestError("no transaction of 8 to 64 letters, digits and hyphens")
    if verb not in VERBS:
        raise MalformedRequestError(f"not a verb of this station; it knows {', '.join(VERBS)}", transaction)
    at = _time(fields.get("at"))
    if at is None:
        raise MalformedRequestError("no time in at, as 2026-11-23T01:02:03.456Z", transaction)
    return Request(verb, transaction, at, _span(fields, transaction) if verb == "replay" else None)


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _span(fields: dict[str, object], transaction: str) -> AskedRows:
    match fields:
        case {"epoch": str(epoch), "from": int(first), "to": int(last)} if (
            EPOCH.match(epoch)
            and not isinstance(first, bool)
            and not isinstance(last, bool)
            and 1 <= first <= last <= MAX_SEQ
        ):
            if last - first >= MAX_REPLAY:
                raise MalformedRequestError(f"more than {MAX_REPLAY} rows at once", transaction)
            return AskedRows(epoch, first, last)
    raise MalformedRequestError("no epoch, from and to, as 7f3a9c1e, 1 and 42", transaction)


class RemoteCommands:
    """Takes the requests of one station; *passed* counts those that nothing was done about."""

    def __init__(self, outbox: Outbox) -> None:
        self.passed = 0
        self._outbox = outbox
        self._taken: deque[float] = deque(maxlen=MAX_PER_MINUTE)

    def take(self, verb: str, body: bytes, now: float, trusted: datetime | None) -> Answer | None:
        """Do what *body* asks, once; return what to answer, ``None`` where nothing is to be said.

        *now* is monotonic seconds. *trusted* is the time, ``None`` where the clock is not trusted: then no age can be
        known, and a request counts as fresh: nothing that it may ask for does harm when it comes late.
        """
        if len(self._taken) == MAX_PER_MINUTE and now - self._taken[0] < MINUTE:
            self._pass(verb, f"more than {MAX_PER_MINUTE} requests in a minute")
            return None
        self._taken.append(now)
        try:
            request = parse(verb, body)
        except MalformedRequestError as error:
            self._pass(verb, str(error))
            answerable = error.transaction is not None and VERB.match(verb)
            return _answer(verb, str(error.transaction), why=str(error)) if answerable else None
        if trusted is not None and not -STALE <= trusted - request.at <= STALE:
            self._pass(verb, "it is older than a minute, or from a clock that is ahead")
            return None
        try:
            if not self._outbox.first_time(request.transaction):
                self._pass(verb, "it was asked before")
                return None
            return self._do(request)
        except RecordError as error:
            return _answer(verb, request.transaction, why=str(error))

    def _do(self, request: Request) -> Answer:
        if request.span is None:
            return _answer(request.verb, request.transaction)
        span = request.span
        recalled = self._outbox.recall(span.epoch, span.first, span.last)
        log.info("replay epoch=%s from=%d to=%d again=%d", span.epoch, span.first, span.last, recalled.again)
        return _answer(request.verb, request.transaction, span=span, recalled=recalled)

    def _pass(self, verb: str, why: str) -> None:
        self.passed += 1
        if self.passed.bit_count() == 1:  # the 1st, 2nd, 4th, 8th …: a flood must not fill the log
            log.warning("a request is passed over: %s; verb=%s passed=%d", why, _shown(verb), self.passed)


def _shown(verb: str) -> str:
    return verb if verb in VERBS else "?"


def _answer(
    verb: str,
    transaction: str,
    *,
    why: str | None = None,
    span: AskedRows | None = None,
    recalled: Recalled | None = None,
) -> Answer:
    fields: dict[str, object] = {
        "transaction": transaction,
        "answer": "done" if why is None else "refused",
        "why": why,
    }
    if span is not None and recalled is not None:
        fields |= {"epoch": span.epoch, "from": span.first, "to": span.last}
        fields |= {"again": recalled.again, "kept": recalled.kept}
    return Answer(verb, dumps(fields), 0 if recalled is None else recalled.again)
