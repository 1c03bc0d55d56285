"""``titik-central restore``: a copy in the database's place."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from central.cli._options import command, settings
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED


@dataclass(frozen=True)
class RestoreOptions:
    """What is asked."""

    config: Path
    file: Path


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "restore",
        "put a backup in the database's place; the old one is set aside. The centre must be stopped",
        "What was purged after the backup was made comes back unless it is purged again, or the old database,\n"
        "which knows what was purged, can still be read.\n"
        "example: titik-central restore /media/usb/central-backup.db",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    answered_by(parser, RestoreOptions, run)


def run(asked: RestoreOptions) -> int:
    """Put it there, and return the exit code."""
    from central.store import audit_log, backup

    database = settings(asked.config).database(os.environ)
    try:
        aside, purged = backup.restore(database, asked.file, datetime.now(UTC), audit_log.who())
    except backup.BackupError as error:
        log.line.error("%s", error)
        return FAILED
    print(f"{database} dipulihkan dari / is restored from {log.shown(asked.file)}")
    if aside is not None:
        print(f"yang lama ada di / the old one lies at {aside}")
    if purged:
        print(f"{purged} peristiwa yang sudah dihapus tidak kembali / events that were purged do not come back")
    elif purged is None:
        print(
            "yang dihapus setelah cadangan ini dibuat kembali, kecuali dihapus lagi"
            " / what was purged after this backup was made is back unless it is purged again: titik-central purge"
        )
    print("berikutnya / next: systemctl start titik-central; titik-central status")
    return DONE
