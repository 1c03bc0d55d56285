"""``queue-list``: how much is owed and kept, here and in what is sealed beside it, as one JSON object."""

from device.control.context import Context
from device.control.control_socket import RequestRefusedError
from device.record.reader import OutboxReader, OutboxReadError, sealed
from device.wire import dumps


def answer(station: Context, _octets: bytes) -> str:
    """Say it; raises `RequestRefusedError`."""
    path = station.outbox.path
    try:
        with OutboxReader(path) as outbox_reader:
            return dumps({"point": station.point, **outbox_reader.tell(), "sealed": sealed(path)}).decode()
    except OutboxReadError as error:
        raise RequestRefusedError(str(error)) from None
