"""What the commands of the quarantine have in common: an option, a text, and their errors as exit codes."""

import os
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from central.cli._options import CODES, settings
from central.store.file import DatabaseMissingError
from central.store.quarantine import NotReleasedError
from device.system import log
from device.system.command_line import add_command
from device.system.exit_codes import FAILED, MISSING


def command(among: Any, name: str, says: str, example: str) -> ArgumentParser:
    """Return the parser of a new command under ``quarantine``."""
    parser = add_command(among, name, says, f"example: {example}\n{CODES}")
    # Left out here, the one before the word stands.
    parser.add_argument("--config", type=Path, default=SUPPRESS, metavar="FILE")
    return parser


def add_why(parser: ArgumentParser) -> None:
    """Let a reason be told."""
    parser.add_argument("--why", default="", metavar="TEXT", help="kept in the audit")


def answered(config: Path, work: Callable[[Path], int]) -> int:
    """Return what *work* gives of the database's path; its errors become sentences and exit codes."""
    try:
        return work(settings(config).database(os.environ))
    except DatabaseMissingError as error:
        log.line.error("%s", error)
        return MISSING
    except NotReleasedError as error:
        log.line.error("%s", error)
        return FAILED
