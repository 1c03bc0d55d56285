"""``titik check-config``: what is wrong in a configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.cli import options
from device.cli.say import say
from device.system.command_line import answered_by
from device.system.exit_codes import CONFIG, DONE


@dataclass(frozen=True, slots=True)
class CheckConfig:
    """What ``check-config`` is asked."""

    config: Path


def add(commands: Any) -> None:
    """Add the command."""
    one = options.command(
        commands, "check-config", "say what is wrong in a configuration", "titik check-config --config titik.toml"
    )
    options.asks_configuration(one)
    answered_by(one, CheckConfig, run)


def run(asked: CheckConfig) -> int:
    """Say every mistake in a configuration; an unknown key, and what is hardly meant, count as one here."""
    from device.cli._configuration import loaded
    from device.config import ConfigError

    try:
        station, warnings = loaded(asked.config)
    except ConfigError as error:
        for mistake in error.mistakes:
            say(mistake)
        return CONFIG
    for warning in warnings:
        say(warning)
    print(f"{asked.config}: {station.point.name} ({station.point.site}, {station.point.direction}) is complete")
    return CONFIG if warnings else DONE
