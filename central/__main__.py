"""``titik-central``: arguments in, exit code out."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from central.cli import backup, forget, import_events, purge, quarantine, restore, run, status
from central.points import UnknownPointError
from central.store.file import ForeignDatabaseError
from device import __version__
from device.config import ConfigError
from device.system import log
from device.system.command_line import exit_code
from device.system.exit_codes import CONFIG, FAILED


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    asked = _parser().parse_args(arguments)
    log.start()
    try:
        return exit_code(asked)
    except ConfigError as error:
        for mistake in error.mistakes:
            log.line.error("%s", mistake)
        return CONFIG
    except UnknownPointError as error:
        log.line.error("%s", error)
        return FAILED
    except ForeignDatabaseError as error:
        log.line.error("%s", error)
        return CONFIG


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="titik-central",
        description="Pusat: broker → basis data → tanda terima. / The centre: broker → database → receipt.",
        epilog="example: titik-central run --config /etc/titik/central.toml",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"titik-central {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (run, status, backup, restore, purge, forget, import_events, quarantine):
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
