"""``titik-central quarantine list``: a line for each message."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.cli.quarantine._options import answered, command
from central.points import typed
from device.system.command_line import answered_by
from device.system.exit_codes import DONE


@dataclass(frozen=True)
class ListOptions:
    """What is asked."""

    config: Path
    point: str | None
    json: bool


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "list",
        "one line a message; its number is good until the next purge",
        "sudo titik-central quarantine list --point bupati-2",
    )
    parser.add_argument("--point", type=typed, metavar="POINT", help="what came on its topic, or names it")
    parser.add_argument("--json", action="store_true", help="one JSON array")
    answered_by(parser, ListOptions, run)


def run(asked: ListOptions) -> int:
    """Print them, and return the exit code."""
    return answered(asked.config, lambda database: _list(asked, database))


def _list(asked: ListOptions, database: Path) -> int:
    from central.cli.quarantine.lines import lines
    from central.problems import civil
    from central.store import quarantine

    found = quarantine.listed(database, asked.point)
    if asked.json:
        print(json.dumps([held.wire() for held in found], sort_keys=True))
    elif found:
        print("\n".join(lines(found, civil)))
    else:
        print("karantina kosong / nothing is in quarantine")
    return DONE
