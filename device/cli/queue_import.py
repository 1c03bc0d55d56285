"""``titik queue import``: the centre's receipts, from a stick to the station that runs here."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.cli import options
from device.cli._queue import NOBODY
from device.cli.say import say
from device.control.control_socket import NoStationError, RequestRefusedError, ask
from device.record.transfer_file import Holds, TransferFile, TransferFileError, told_of
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED, MISSING


@dataclass(frozen=True, slots=True)
class QueueImport:
    """What ``queue import`` is asked."""

    files: list[Path]
    socket: Path


def add(commands: Any) -> None:
    """Add the command."""
    one = options.member(
        commands,
        "import",
        "hand the centre's receipts to the station",
        "hand the centre's receipts to the running station, which forgets what they prove",
        "sudo titik queue import /media/usb/titik-bupati-1-20261123T010203Z.receipts.jsonl",
    )
    one.add_argument("files", type=Path, nargs="+", metavar="FILE")
    options.asks_socket(one)
    answered_by(one, QueueImport, run)


def run(asked: QueueImport) -> int:
    """Hand the centre's receipts to the station that runs here; it forgets what they prove."""
    return max([_carry_in(file, asked.socket) for file in asked.files])


def _carry_in(file: Path, socket: Path) -> int:
    try:
        with TransferFile(file, Holds.RECEIPTS) as stick:
            return _hand_in(stick, socket)
    except TransferFileError as error:
        say(str(error))
        return MISSING if isinstance(error.__cause__, FileNotFoundError) else FAILED
    except RequestRefusedError as refusal:
        say(f"{file} ditolak / is refused: {refusal}")
        return FAILED
    except NoStationError as error:
        say(NOBODY.format(error))
        return MISSING


def _hand_in(stick: TransferFile, socket: Path) -> int:
    """Return the exit code, once a sentence has said what became of the receipts on *stick*."""
    from device.control.queue_settle import MAX_RECEIPTS

    queue = json.loads(ask(socket, "queue-list", b""))
    here, whose = queue["point"], stick.header.point
    if whose not in (here, *(one["point"] for one in queue["sealed"])):
        say(
            f"{stick.path} milik titik {whose}, bukan {here}; tidak ada yang diubah."
            f" / is for {whose}, not for {here}; nothing is changed"
        )
        return FAILED
    settled = unknown = 0
    for some in stick.several(MAX_RECEIPTS):
        answer = json.loads(ask(socket, "queue-settle", b"\n".join(some)))
        settled, unknown = settled + answer["settled"], unknown + answer["unknown"]
    queue = json.loads(ask(socket, "queue-list", b""))
    left = sum(one["owed"] or 0 for one in (queue, *queue["sealed"]) if one["point"] == whose)
    print(f"{settled} peristiwa kini di pusat; {left} belum. / events are now held by the centre; {left} are owed")
    if unknown:
        say(
            f"{unknown} tanda terima tidak cocok dengan kartu ini, dan tidak mengubah apa pun."
            " / receipts do not fit what this card has, and change nothing"
        )
    if (wrong := told_of(stick)) is not None:
        say(wrong)
    return FAILED if wrong is not None or unknown else DONE
