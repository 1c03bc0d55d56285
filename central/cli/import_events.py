"""``titik-central import``: the events that somebody carried here."""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from central.cli._options import command, settings
from central.store.file import DatabaseGoneError, StoreWriteError, patiently
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED, MISSING
from device.wire import Topics


@dataclass(frozen=True)
class ImportOptions:
    """What is asked."""

    config: Path
    files: list[Path]
    receipts: Path | None


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "import",
        "take the events on a stick, beside a running centre or without one, and write the receipts beside them",
        "example: titik-central import /media/usb/titik-bupati-1-20261123T010203Z.jsonl",
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--receipts", type=Path, metavar="DIR", help="where the receipts go; left out: beside FILE")
    answered_by(parser, ImportOptions, run)


def run(asked: ImportOptions) -> int:
    """Take them, write the receipts beside them, and return the highest exit code."""
    found = settings(asked.config)
    database, topics = found.database(os.environ), Topics(found.broker.root)
    return max([bring(file, database, topics, asked.receipts) for file in asked.files])


def bring(file: Path, database: Path, topics: Topics, receipts: Path | None = None) -> int:
    """Take *file* into *database*, say what became of it, and return the exit code. Raises `file.ForeignDatabaseError`.

    The receipts go beside *file*, or into the folder *receipts*.
    """
    from central.ingest.transfer import take
    from central.store.database import Store
    from device.record.transfer_file import Holds, TransferFile, TransferFileError, told_of

    now = datetime.now(UTC)
    try:
        if not database.exists():  # made here, it would be this user's, and the centre could not open it
            log.line.error("%s does not exist. Next: systemctl start titik-central, then the same again", database)
            return MISSING
        with ExitStack() as stack:
            stick = stack.enter_context(TransferFile(file, Holds.EVENTS))
            store = patiently(lambda: stack.enter_context(Store(database, now)))
            taken = take(stick, store, topics, now, receipts)
            wrong = told_of(stick)
    except (TransferFileError, DatabaseGoneError, StoreWriteError, OSError) as error:
        log.line.error("%s", _sentence(error, file, database))
        return MISSING if isinstance(error.__cause__, FileNotFoundError) else FAILED
    print(f"{taken.point}: {taken.events} peristiwa ada di pusat / events are held by the centre")
    if taken.quarantined:
        print(f"{taken.quarantined} pesan dikarantina, tidak hilang / messages are quarantined, not lost")
    print(f"berikutnya, di titik / next, at {taken.point}: titik queue import {log.shown(taken.receipts.name)}")
    if wrong is not None:
        log.line.error("%s", wrong)
        return FAILED
    return DONE


def _sentence(error: Exception, file: Path, database: Path) -> str:
    match error:
        case StoreWriteError():
            return f"{file}: {error}; what was taken stays. Next: df -h {database.parent}, then the same again"
        case DatabaseGoneError():
            return f"{error}. Next: the same again"
        case OSError():
            return f"{database}: {error.strerror or error}. Next: the same with sudo"
        case _:
            return str(error)
