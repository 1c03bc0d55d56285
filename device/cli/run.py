"""``titik run``: serve at the wall."""

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.cli import options
from device.system.command_line import answered_by
from device.system.exit_codes import CONFIG, DONE, FAILED, MISSING

FAULT_SHOWN = 4.0
"""Seconds of the fault lamp before a station that cannot serve gives up."""


@dataclass(frozen=True, slots=True)
class Run:
    """What ``run`` is asked."""

    config: Path


def add(commands: Any) -> None:
    """Add the command."""
    one = options.command(
        commands, "run", "serve at the wall until told to stop", "titik run --config /etc/titik/titik.toml"
    )
    options.asks_configuration(one)
    answered_by(one, Run, run)


def run(asked: Run) -> int:
    """Serve until told to stop."""
    from device import wiring
    from device.cli._configuration import loaded
    from device.config import ConfigError
    from device.indicators import PinsMissingError
    from device.system import log
    from device.system.systemd import Notifier

    log.start()
    try:
        station, warnings = loaded(asked.config)
    except ConfigError as error:
        for mistake in error.mistakes:
            log.line.error("%s", mistake)
        log.line.error("the station cannot serve. Next: titik check-config --config %s", asked.config)
        _show_fault(asked.config)
        return CONFIG
    for warning in warnings:
        log.line.warning("%s", warning)
    try:
        os.umask(0o077)  # also where no unit says so: what the station writes is its own
        wiring.run(station, Notifier.from_env())
    except PinsMissingError as error:
        log.line.error("%s", error)
        return MISSING
    except Exception:  # noqa: BLE001 - the program's outermost rim: said once, with its traceback, and the end
        log.line.exception("the station ends: something happened that may not happen")
        return FAILED
    return DONE


def _show_fault(path: Path) -> None:
    """Light the fault lamp for a moment, on the pins that the file names if that part of it can be read."""
    from device import config
    from device.config import Pins
    from device.indicators import Indicators, PinsMissingError
    from device.patterns import FAULT
    from device.system.stop import Stop

    with ExitStack() as stack:
        stack.enter_context(suppress(PinsMissingError))
        lights = stack.enter_context(Indicators(config.pins_alone(path) or Pins()))
        lights.rest(FAULT)
        stack.enter_context(Stop()).wait(FAULT_SHOWN)
