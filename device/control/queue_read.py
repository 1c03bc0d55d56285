"""``queue-read``: a page of the outbox, or of what is sealed beside it, for whoever carries its events away.

The station writes no stick: its sandbox has no door to one. Whoever may open the socket pages through, and the
station forgets nothing by it.
"""

from pathlib import Path

from device.control.context import Context
from device.control.control_socket import RequestRefusedError
from device.record.reader import OutboxReader, OutboxReadError
from device.record.sealed import paths
from device.wire import MAX_SEQ, batch, dumps, loads

MAX_REQUEST = 400
"""Bytes of the JSON object that names a page."""


def answer(station: Context, octets: bytes) -> str:
    """Return a line of JSON that says how far the page goes, and its events as one message.

    Raises `RequestRefusedError`.
    """
    after, until, every, file = _asked(octets)
    try:
        with OutboxReader(_beside(station.outbox.path, file)) as outbox_reader:
            page = outbox_reader.page(after, until, every=every)
    except OutboxReadError as error:
        raise RequestRefusedError(str(error)) from None
    head = dumps({"after": page.after, "events": len(page.bodies), "damaged": page.damaged})
    return (head + b"\n" + (batch(page.bodies) if page.bodies else b"")).decode()


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
        request = loads(octets, MAX_REQUEST)
    except ValueError:
        request = None
    match request:
        case {"after": int(after), "until": int(until), "all": bool(every)} if (
            0 <= after <= MAX_SEQ and 0 <= until <= MAX_SEQ and isinstance(file := request.get("sealed"), str | None)
        ):
            return int(after), int(until), every, file
    raise RequestRefusedError("not a request of this version")
