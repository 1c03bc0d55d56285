"""What the commands of the centre have in common: an option, its settings, a question, and the codes in their help."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from central.settings import Settings
from device.config import load
from device.system import log
from device.system.command_line import add_command

CODES = "exit codes: 0 done, 1 failed, 2 usage, 3 something missing on this machine, 78 configuration"


def command(among: Any, name: str, says: str, epilog: str) -> ArgumentParser:
    """Return the parser of a new command, which may be told its configuration."""
    parser = add_command(among, name, says, f"{epilog}\n{CODES}")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("/etc/titik/central.toml"),
        metavar="FILE",
        help="left out: /etc/titik/central.toml",
    )
    return parser


def settings(config: Path) -> Settings:
    """Return what the file *config* says, with its warnings in the log; raises `ConfigError`."""
    found, warnings = load(Settings, config, "central.d")  # a station on the same machine has its own conf.d
    for warning in warnings:
        log.line.warning("%s", warning)
    return found


def count(text: str) -> int:
    """Return a count, for argparse; raises ValueError."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def agreed(*, yes: bool) -> bool:
    """Return whether somebody says yes, or said so before."""
    if yes:
        return True
    if not sys.stdin.isatty():
        log.line.error("nobody is there to ask. Next: the same with --yes")
        return False
    return input("lanjut? ketik ya / go on? type yes: ").strip().lower() in ("ya", "yes")
