"""``titik-central quarantine seen``: a note that nothing more will become of messages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from central.cli._options import count
from central.cli.quarantine._options import add_why, answered, command
from central.store.database import Store
from device.system.command_line import answered_by
from device.system.exit_codes import DONE


@dataclass(frozen=True)
class SeenOptions:
    """What is asked."""

    config: Path
    number: list[int]
    why: str


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "seen",
        "say that nothing more will become of a message; it stays, and is no problem any more",
        "sudo titik-central quarantine seen 3",
    )
    parser.add_argument("number", type=count, nargs="+", metavar="N")
    add_why(parser)
    answered_by(parser, SeenOptions, run)


def run(asked: SeenOptions) -> int:
    """Note it, and return the exit code."""
    return answered(asked.config, lambda database: _note(asked, database))


def _note(asked: SeenOptions, database: Path) -> int:
    from central.store import audit_log, release

    now = datetime.now(UTC)

    def write(store: Store, running: bool) -> int:  # noqa: ARG001 - `opened` tells both
        release.see(store, asked.number, who=audit_log.who(), why=asked.why, now=now)
        print(f"{len(asked.number)} pesan dicatat sebagai dilihat / messages are noted as seen; they stay")
        return DONE

    return release.opened(database, now, write)
