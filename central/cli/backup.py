"""``titik-central backup``: a whole copy of the database."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from central.cli._options import command, count, settings
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED


@dataclass(frozen=True)
class BackupOptions:
    """What is asked."""

    config: Path
    file: Path
    keep: int | None
    force: bool


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "backup",
        "write a whole copy of the database, beside a running centre or without one",
        "example: titik-central backup /media/usb --keep 14",
    )
    parser.add_argument("file", type=Path, metavar="FILE-or-DIR", help="in a folder it gets a dated name")
    parser.add_argument("--keep", type=count, metavar="N", help="in a folder: delete dated backups but the newest N")
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    answered_by(parser, BackupOptions, run)


def run(asked: BackupOptions) -> int:
    """Write it, and return the exit code."""
    from central.store import audit_log, backup

    now, database = datetime.now(UTC), settings(asked.config).database(os.environ)
    folder = asked.file.is_dir()
    if asked.keep is not None and not folder:
        log.line.error("%s is no folder that is there. Next: sudo install -d -m 700 %s", asked.file, asked.file)
        return FAILED
    file = backup.dated(asked.file, now) if folder else asked.file
    try:
        events = backup.backup(database, file, force=asked.force)
        print(f"{events} peristiwa disalin ke / events are copied to {log.shown(file)}")
        if asked.keep is not None:
            for old in backup.thin(file, asked.keep):
                print(f"cadangan lama dihapus / an old backup is deleted: {old.name}")
        backup.note(database, file, events, now, audit_log.who())
    except backup.BackupError as error:
        log.line.error("%s", error)
        return FAILED
    return DONE
