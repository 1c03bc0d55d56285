"""``titik bundle import``: a trust bundle for the station that runs here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.cli import options
from device.cli._station import answered
from device.cli.say import say
from device.control.control_socket import ask
from device.system.command_line import answered_by
from device.system.disk import read_bounded
from device.system.exit_codes import FAILED, MISSING
from device.wire import MAX_BUNDLE


@dataclass(frozen=True, slots=True)
class BundleImport:
    """What ``bundle import`` is asked."""

    file: Path
    socket: Path


def add(commands: Any) -> None:
    """Add the command."""
    one = options.member(
        commands,
        "import",
        "hand it a newer bundle, from a stick perhaps",
        "hand the running station a newer bundle; it checks who signed it, keeps it and follows it",
        "sudo titik bundle import /media/usb/trust.cbor",
    )
    one.add_argument("file", type=Path, metavar="FILE")
    options.asks_socket(one)
    answered_by(one, BundleImport, run)


def run(asked: BundleImport) -> int:
    """Hand a trust bundle, from a stick perhaps, to the station that runs here."""
    try:
        octets = read_bounded(asked.file, MAX_BUNDLE)
    except OSError as error:
        say(f"{asked.file} cannot be read: {error.strerror}")
        return MISSING
    if len(octets) > MAX_BUNDLE:
        say(f"{asked.file} is larger than any bundle")
        return FAILED
    return answered(lambda: ask(asked.socket, "bundle-import", octets), f"{asked.file} is refused")
