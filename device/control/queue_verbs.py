"""What the station answers at its hatch when somebody carries its events away, or receipts in.

The station writes no stick and reads none: its sandbox has no door to them. Whoever may open the socket pages
through the outbox, and hands in receipts, which are believed as those of the wire: by the digest of our own rows.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from device.control.control_socket import RequestRefusedError, Verb
from device.record.outbox import SETTLE_LIMIT, Outbox, RecordError
from device.record.reader import OutboxReader, OutboxReadError, sealed
from device.record.sealed import SettleError, paths
from device.wire import MAX_SEQ, Quarantined, batch, dumps, loads, parse_receipt

log = logging.getLogger(__name__)

MAX_RECEIPTS = 20
"""Receipts handed in at once; each is a commit, and an answer may take five seconds."""
MAX_IDS = 200
"""Events in one message that was quarantined."""


def verbs(outbox: Outbox, point: str, trusted: Callable[[], datetime | None]) -> Mapping[str, Verb]:
    """Return the hatch's verbs for *outbox*; *trusted* gives the time from which settled rows grow old."""

    def tell(_octets: bytes) -> str:
        try:
            with OutboxReader(outbox.path) as shelf:
                return dumps({"point": point, **shelf.tell(), "sealed": sealed(outbox.path)}).decode()
        except OutboxReadError as error:
            raise RequestRefusedError(str(error)) from None

    def read(octets: bytes) -> str:
        after, until, every, file = _asked(octets)
        try:
            with OutboxReader(_beside(outbox.path, file)) as shelf:
                page = shelf.page(after, until, every=every)
        except OutboxReadError as error:
            raise RequestRefusedError(str(error)) from None
        told = dumps({"after": page.after, "events": len(page.bodies), "damaged": page.damaged})
        return (told + b"\n" + (batch(page.bodies) if page.bodies else b"")).decode()

    def settle(octets: bytes) -> str:
        settled = unknown = 0
        lines = octets.split(b"\n", MAX_RECEIPTS)
        if len(lines) > MAX_RECEIPTS:
            raise RequestRefusedError(f"more than {MAX_RECEIPTS} receipts at once")
        try:
            for line in lines:
                rows = _settle(outbox, line, trusted())
                settled, unknown = settled + (rows or 0), unknown + (rows is None)
        except (RecordError, SettleError, OutboxReadError) as error:
            raise RequestRefusedError(
                f"{error}; {settled} events were settled before. Next: the same again, later"
            ) from None
        if settled:
            log.info("held events=%d, by receipts that somebody brought", settled)
        return dumps({"settled": settled, "unknown": unknown}).decode()

    return {"queue-list": tell, "queue-read": read, "queue-settle": settle}


def _beside(path: Path, name: str | None) -> Path:
    """Return the outbox at *path*, or the sealed file *name* beside it.

    Raises `RequestRefusedError` where that is none.
    """
    if name is None:
        return path
    for one in paths(path):
        if one.name == name:
            return one
    raise RequestRefusedError("there is no such sealed file. Next: titik queue list")


def _asked(octets: bytes) -> tuple[int, int, bool, str | None]:
    try:
        told = loads(octets, 400)
    except ValueError:
        told = None
    match told:
        case {"after": int(after), "until": int(until), "all": bool(every)} if (
            0 <= after <= MAX_SEQ and 0 <= until <= MAX_SEQ and isinstance(file := told.get("sealed"), str | None)
        ):
            return int(after), int(until), every, file
    raise RequestRefusedError("not a request of this version")


def _settle(outbox: Outbox, line: bytes, trusted: datetime | None) -> int | None:
    """Return how many rows are no longer owed, ``None`` where *line* does not fit our own rows."""
    try:
        receipt = parse_receipt(line)
    except ValueError:
        return None
    if not isinstance(receipt, Quarantined):
        settled = outbox.settle(receipt, trusted)
        return settled if settled is not None else outbox.sealed.settle(receipt, trusted, SETTLE_LIMIT)
    ids = loads(line).get("ids")
    if not isinstance(ids, list) or len(ids) > MAX_IDS or not all(isinstance(id_, str) for id_ in ids) or not ids:
        return None
    for path in (outbox.path, *(one.path for one in outbox.sealed.all if one.owed is not None)):
        with OutboxReader(path) as shelf:
            bodies = shelf.bodies(ids)
        if bodies is not None and sha256(batch(bodies)).hexdigest() == receipt.bytes_digest:
            log.error("the centre could not read %d event(s) that were carried to it, and holds their bytes", len(ids))
            return outbox.hold(ids, trusted) if path == outbox.path else outbox.sealed.hold(path, ids, trusted)
    return None
