"""``titik clock reset``: forget the newest time that was trusted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.cli import options
from device.cli._station import answered
from device.control.control_socket import ask
from device.system.command_line import answered_by


@dataclass(frozen=True, slots=True)
class ClockReset:
    """What ``clock reset`` is asked."""

    socket: Path


def add(commands: Any) -> None:
    """Add the command."""
    one = options.member(
        commands,
        "reset",
        "forget the newest time that was trusted",
        "let the running station forget the newest time that it trusted, after a wrong clock poisoned it",
        "sudo titik clock reset",
    )
    options.asks_socket(one)
    answered_by(one, ClockReset, run)


def run(asked: ClockReset) -> int:
    """Let the station that runs here forget the newest time that it trusted."""
    return answered(lambda: ask(asked.socket, "clock-reset", b""), "refused")
