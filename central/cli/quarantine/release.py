"""``titik-central quarantine release``: the events in messages, taken as those of the point that they name."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from central.cli._options import count
from central.cli.quarantine._options import add_why, answered, command
from central.points import typed
from central.store.database import Store
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED, USAGE


@dataclass(frozen=True)
class ReleaseOptions:
    """What is asked."""

    config: Path
    number: list[int]
    all: bool
    as_point: str
    why: str


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "release",
        "take the events in a message as those of the point that they name; the message stays, and a line in the audit",
        "sudo titik-central quarantine release --all --as dprd-1 --why 'kartu pindah'",
    )
    parser.add_argument("number", type=count, nargs="*", metavar="N")
    parser.add_argument("--all", action="store_true", help="all messages that name the point and wait for somebody")
    parser.add_argument("--as", type=typed, required=True, metavar="POINT", dest="as_point", help="whose they are")
    add_why(parser)
    answered_by(parser, ReleaseOptions, run)


def run(asked: ReleaseOptions) -> int:
    """Take them, say what became of each message, and return the exit code."""
    return answered(asked.config, lambda database: _release(asked, database))


def _release(asked: ReleaseOptions, database: Path) -> int:
    from central.store import audit_log, release

    if asked.all == bool(asked.number):
        log.line.error("say which: numbers, or --all. Next: titik-central quarantine list")
        return USAGE
    now, refused = datetime.now(UTC), []

    def write(store: Store, running: bool) -> int:
        print("pusat berjalan terus / the centre goes on" if running else "tidak ada pusat berjalan / no centre runs")
        numbers = None if asked.all else asked.number
        for one in release.release(store, numbers, asked.as_point, who=audit_log.who(), why=asked.why, now=now):
            print(
                f"{one.number}: {one.new} peristiwa baru / new events, {one.held} sudah ada / held already", flush=True
            )
            if one.refused is not None:
                log.line.error("%d: %s", one.number, one.refused)
                refused.append(one.number)
        return FAILED if refused else DONE

    return release.opened(database, now, write)
