"""``titik-central purge``: what is older than a day, removed for good."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from central.cli._options import agreed, command, settings
from central.points import typed, typed_day
from central.store.tombstones import Purged
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED


@dataclass(frozen=True)
class PurgeOptions:
    """What is asked."""

    config: Path
    before: date
    point: str | None
    yes: bool


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "purge",
        "remove events and quarantined messages older than a day, for good. The centre must be stopped",
        "A purged event that a point sends again is receipted, and not kept.\n"
        "example: titik-central purge --before 2026-01-01",
    )
    parser.add_argument(
        "--before", type=typed_day, required=True, metavar="DATE", help="the first day (WITA) that stays"
    )
    parser.add_argument("--point", type=typed, metavar="POINT", help="of this point alone")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    answered_by(parser, PurgeOptions, run)


def run(asked: PurgeOptions) -> int:
    """Remove it, if somebody agrees, and return the exit code."""
    from central.store import purge

    def agree(old: Purged) -> bool:
        print(f"{old.events} peristiwa dan {old.messages} pesan karantina sebelum {asked.before} dihapus selamanya.")
        print(
            f"{old.events} events and {old.messages} quarantined messages before {asked.before} are removed for good."
        )
        return agreed(yes=asked.yes)

    try:
        database = settings(asked.config).database(os.environ)
        purged = purge.purge(database, asked.before, asked.point, datetime.now(UTC), agree)
    except purge.PurgeError as error:
        log.line.error("%s", error)
        return FAILED
    if purged is None:
        print("tidak ada yang dihapus / nothing is removed")
        return FAILED
    print(f"{purged.events} peristiwa, {purged.messages} pesan dihapus / events, messages are removed")
    print("cadangan lama dan *.replaced-* masih memuatnya / older backups and *.replaced-* still hold them")
    return DONE
