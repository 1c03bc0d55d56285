"""``titik-central run``: serve until told to stop."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.cli._options import command, settings
from central.store.file import DatabaseGoneError, ForeignDatabaseError
from device.config import ConfigError
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED
from device.system.lock import LockTakenError


@dataclass(frozen=True)
class RunOptions:
    """What is asked."""

    config: Path


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands,
        "run",
        "take events from the broker into the database, and say so",
        "example: titik-central run --config /etc/titik/central.toml",
    )
    answered_by(parser, RunOptions, run)


def run(asked: RunOptions) -> int:
    """Serve until told to stop, and return the exit code."""
    from central import centre
    from device.system.systemd import Notifier

    found = settings(asked.config)
    try:
        centre.run(found, Notifier.from_env())
    except DatabaseGoneError as error:
        log.line.error("%s: nothing more can be held in it, and the centre ends", error)
        return FAILED
    except LockTakenError as error:
        log.line.error("%s", error)
        return FAILED
    except (ConfigError, ForeignDatabaseError):
        raise
    except Exception:  # noqa: BLE001 - the program's outermost rim: said once, with its traceback, and the end
        log.line.exception("the centre ends: something happened that may not happen")
        return FAILED
    return DONE
