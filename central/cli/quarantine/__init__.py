"""``titik-central quarantine``: what could not be taken, looked at, and given back to whose it is."""

from typing import Any

from central.cli._options import command
from central.cli.quarantine import listing, release, seen, show


def add(commands: Any) -> None:
    """Add the commands."""
    parser = command(
        commands,
        "quarantine",
        "look at messages that could not be taken, and give them back to the point whose they are",
        "example: sudo titik-central quarantine list",
    )
    under = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (listing, show, release, seen):
        module.add(under)
