"""``titik-central import``: the events that somebody carried here."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.cli._options import command, settings
from device.system.command_line import answered_by
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
    from central.ingest import transfer  # noqa: PLC0415 - `run` does not need it

    found = settings(asked.config)
    database, topics = found.database(os.environ), Topics(found.broker.root)
    return max([transfer.bring(file, database, topics, asked.receipts) for file in asked.files])
