"""``titik-central status``: what is held, and what is wrong."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from central.cli._options import command, settings
from central.events import stamp
from central.store.file import DatabaseMissingError
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED, MISSING


@dataclass(frozen=True)
class StatusOptions:
    """What is asked."""

    config: Path
    json: bool


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "status",
        "say what is held of each point, what is missing, and what is wrong; exit code 1 if anything is",
        "example: titik-central status --json --config /etc/titik/central.toml",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    answered_by(parser, StatusOptions, run)


def run(asked: StatusOptions) -> int:
    """Print it, and return the exit code."""
    from central import expected, problems
    from central.cli import table
    from central.store import status
    from central.store.backup import lock_of

    found, now = settings(asked.config), datetime.now(UTC)
    database = found.database(os.environ)
    try:
        seen = status.look(database)
    except DatabaseMissingError as error:
        log.line.error("%s", error)
        return MISSING
    wanted = expected.expected(found)
    wrong = problems.problems(seen, wanted, now, running=lock_of(database).taken())
    never = expected.never_heard(wanted.points, tuple(seen.points))
    if asked.json:
        more = {"bundle": wanted.bundle, "never_heard": never, "problems": [problem.wire() for problem in wrong]}
        print(json.dumps({**seen.wire(), **more, "at": stamp(now)}, sort_keys=True))
    else:
        print("\n".join(table.lines(seen, wrong, never, wanted.bundle)))
    return FAILED if wrong else DONE
