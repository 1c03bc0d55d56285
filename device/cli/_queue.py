"""The queue as the station says it over its socket, or as it lies on the card where none runs; it is only read.

Receipts are handed to a running station alone, for it writes its outbox and nobody else does.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from device.cli.say import say
from device.control.control_socket import NoStationError, RequestRefusedError, ask
from device.record.reader import OutboxReader, OutboxReadError, sealed
from device.system.exit_codes import FAILED, MISSING

NOBODY = (
    "{}. Berikutnya: systemctl status titik, atau dengan sudo. / Next: systemctl status titik, or run this with sudo"
)


class Queue(NamedTuple):
    """What is owed and kept, and whether a station said so; else it was read off the card."""

    rows: dict[str, Any]
    running: bool


def card(state: Path) -> Path:
    """Return where the outbox lies in the folder *state*."""
    return state / "outbox.db"


def found(socket: Path, state: Path) -> Queue | int:
    """Return what the station at *socket* says of its queue, or the card in *state* where none runs.

    It is an exit code once it is said why there is neither.
    """
    try:
        return Queue(json.loads(ask(socket, "queue-list", b"")), running=True)
    except RequestRefusedError as refusal:
        say(f"ditolak / refused: {refusal}")
        return FAILED
    except NoStationError as away:
        try:
            rows = _on_card(card(state))
        except (OutboxReadError, OSError) as error:
            say(f"{NOBODY.format(away)}; {error}")
            return MISSING
        say("Tidak ada titik yang berjalan; kartunya dibaca. / No station runs; its card is read.")
        return Queue(rows, running=False)


def _on_card(path: Path) -> dict[str, Any]:
    """Return what the station would say of the outbox at *path*; raises `OutboxReadError` and OSError."""
    beside = sealed(path)
    if beside and not path.exists():  # a power cut while it was sealed
        return {"point": None, "owed": 0, "held": 0, "oldest": None, "kept": [], "last": 0, "sealed": beside}
    with OutboxReader(path) as outbox_reader:
        return {"point": outbox_reader.point(), **outbox_reader.tell(), "sealed": beside}
