"""``titik``: arguments in, exit code out; each command is a file in `device.cli`."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from device import __version__
from device.cli import (
    bench,
    bundle_import,
    camera_calibrate,
    check_config,
    clock_reset,
    judge,
    options,
    queue_export,
    queue_import,
    queue_list,
    run,
    scan,
    test_camera,
    version,
)
from device.system.command_line import exit_code


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    return exit_code(_parser().parse_args(arguments))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="titik",
        description="Titik presensi: kode QR → lampu, catatan, peristiwa. / QR code → light, record, event.",
        epilog="example: titik run --config /etc/titik/titik.toml",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"titik {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for one in (run, check_config, scan, judge, bench):
        one.add(commands)
    for name, says, example, members in (
        (
            "bundle",
            "the trust bundle of the station that runs here",
            "titik bundle import trust.cbor",
            (bundle_import,),
        ),
        ("clock", "the time that the station that runs here believes", "titik clock reset", (clock_reset,)),
        ("test", "try one part of the station, while it is stopped", "titik test camera --seconds 10", (test_camera,)),
        ("camera", "the camera's settings", "titik camera calibrate --write", (camera_calibrate,)),
        (
            "queue",
            "what is owed to the centre, and a stick that carries it",
            "titik queue list",
            (queue_list, queue_export, queue_import),
        ),
    ):
        under = options.group(commands, name, says, example)
        for member in members:
            member.add(under)
    version.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
