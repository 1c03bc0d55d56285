"""Arguments that several commands of ``titik`` have in common."""

from argparse import ArgumentParser, HelpFormatter
from pathlib import Path
from typing import Any

from device.control.control_socket import NAME, RUNTIME
from device.system.command_line import add_command, add_group

CONFIGURATION = Path("/etc/titik/titik.toml")
STATE = Path("/var/lib/titik")
"""Where the shipped unit keeps its outbox."""


def command(commands: Any, name: str, says: str, example: str) -> ArgumentParser:
    """Return the parser of the new command *name*."""
    return add_command(commands, name, says, f"example: {example}")


def group(commands: Any, name: str, says: str, example: str) -> Any:
    """Return what the commands under *name* are added to."""
    return add_group(commands, name, says, f"example: {example}")


def member(commands: Any, name: str, says: str, does: str, example: str) -> ArgumentParser:
    """Return the parser of a new command *name* in a group, in whose list *says* stands, and *does* in its own help."""
    return add_command(commands, name, says, f"example: {example}", description=does, formatter_class=HelpFormatter)


def asks_configuration(parser: ArgumentParser) -> None:
    """Let a command be told which configuration is meant."""
    parser.add_argument("--config", type=Path, default=CONFIGURATION, metavar="FILE")


def asks_socket(parser: ArgumentParser) -> None:
    """Let a command be told where the station that runs here listens."""
    parser.add_argument("--socket", type=Path, default=RUNTIME / NAME, metavar="PATH", help="default: %(default)s")


def asks_state(parser: ArgumentParser) -> None:
    """Let a command be told where the card of a station that does not run lies."""
    parser.add_argument(
        "--state", type=Path, default=STATE, metavar="DIR", help="read where no station runs; default: %(default)s"
    )
