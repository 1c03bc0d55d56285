"""``titik version``."""

from dataclasses import dataclass
from typing import Any

from device import __version__
from device.cli import options
from device.system.command_line import answered_by
from device.system.exit_codes import DONE


@dataclass(frozen=True, slots=True)
class Version:
    """What ``version`` is asked: nothing."""


def add(commands: Any) -> None:
    """Add the command."""
    answered_by(options.command(commands, "version", "print the version", "titik version"), Version, run)


def run(_asked: Version) -> int:
    """Print it."""
    print(f"titik {__version__}")
    return DONE
