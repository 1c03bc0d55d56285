"""``queue-settle``: receipts that somebody brought, believed as those of the wire: by the digest of our own rows."""

import logging
from datetime import datetime
from hashlib import sha256

from device.control.context import Context
from device.control.control_socket import RequestRefusedError
from device.record.outbox import SETTLE_LIMIT, Outbox, RecordError
from device.record.reader import OutboxReader, OutboxReadError
from device.record.sealed import SettleError
from device.wire import Quarantined, batch, dumps, loads, parse_receipt

log = logging.getLogger(__name__)

MAX_RECEIPTS = 20
"""Receipts handed in at once; each is a commit, and an answer may take five seconds."""
MAX_IDS = 200
"""Events in one message that was quarantined."""


def answer(station: Context, octets: bytes) -> str:
    """Forget what the receipts in *octets*, one a line, prove; say how many rows that was, and how many did not fit.

    Raises `RequestRefusedError`, which says how many events were settled before.
    """
    settled = unknown = 0
    lines = octets.split(b"\n", MAX_RECEIPTS)
    if len(lines) > MAX_RECEIPTS:
        raise RequestRefusedError(f"more than {MAX_RECEIPTS} receipts at once")
    try:
        for line in lines:
            rows = _settle(station.outbox, line, station.trusted())
            settled, unknown = settled + (rows or 0), unknown + (rows is None)
    except (RecordError, SettleError, OutboxReadError) as error:
        raise RequestRefusedError(
            f"{error}; {settled} events were settled before. Next: the same again, later"
        ) from None
    if settled:
        log.info("held events=%d, by receipts that somebody brought", settled)
    return dumps({"settled": settled, "unknown": unknown}).decode()


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
        with OutboxReader(path) as outbox_reader:
            bodies = outbox_reader.bodies(ids)
        if bodies is not None and sha256(batch(bodies)).hexdigest() == receipt.bytes_digest:
            log.error("the centre could not read %d event(s) that were carried to it, and holds their bytes", len(ids))
            return outbox.hold(ids, trusted) if path == outbox.path else outbox.sealed.hold(path, ids, trusted)
    return None
