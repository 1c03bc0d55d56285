"""``titik-central forget``: what is merely said of a point, let go of."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from central.cli._options import agreed, command, settings
from central.points import typed
from central.store.known_points import Known
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED, MISSING


@dataclass(frozen=True)
class ForgetOptions:
    """What is asked."""

    config: Path
    point: str
    yes: bool


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "forget",
        "forget what a point says of itself, so that one that is gone is in no list",
        "It works beside a running centre or without one. No event and no quarantined message is removed: that is\n"
        "purge. A point that still sends will be back.\n"
        "example: titik-central forget gabungan-9",
    )
    parser.add_argument("point", type=typed, metavar="POINT")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    answered_by(parser, ForgetOptions, run)


def run(asked: ForgetOptions) -> int:
    """Let go of it, if somebody agrees, and return the exit code."""
    from central.store import forget

    point = asked.point

    def agree(known: Known) -> bool:
        print(f"{point}: {known.epochs} epoch, {known.lost} rentang hilang, status dan kesehatannya dilupakan.")
        print(f"{point}: {known.epochs} epochs, {known.lost} lost ranges, its state and health are forgotten.")
        print(f"tetap ada / stays: {known.events} peristiwa / events, {known.messages} pesan karantina / quarantined")
        return agreed(yes=asked.yes)

    try:
        database = settings(asked.config).database(os.environ)
        forgotten = forget.forget(database, point, datetime.now(UTC), agree)
    except forget.ForgetError as error:
        log.line.error("%s", error)
        return MISSING if isinstance(error, forget.NoDatabaseError) else FAILED
    if forgotten is None:
        print("tidak ada yang dilupakan / nothing is forgotten")
        return FAILED
    print(f"{point} dilupakan / is forgotten")
    if forgotten.online:
        print(
            "ia masih mengirim dan akan muncul lagi: cabut dulu sertifikatnya"
            " / it still sends and will be back: revoke its certificate first"
        )
    return DONE
