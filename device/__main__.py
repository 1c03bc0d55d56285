"""``titik``: arguments in, exit code out."""

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from device import __version__, config
from device.camera import frame_rate
from device.cli import commands
from device.cli.commands import CONFIG, DONE, FAILED, MISSING, say
from device.config import ConfigError, Pins
from device.control.control_socket import NAME, RUNTIME
from device.system import log

FAULT_SHOWN = 4.0
"""Seconds of the fault lamp before a station that cannot serve gives up."""

STATE = Path("/var/lib/titik")
"""Where the shipped unit keeps its outbox."""

MAX_LOOK = 3600.0
"""Seconds that a test of the camera may take."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    told = _parser().parse_args(arguments)
    try:
        return int(told.run(told))
    except BrokenPipeError:
        with suppress(OSError):
            sys.stdout.close()
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def _run(told: object) -> int:
    """Serve until told to stop."""
    from device import daemon  # noqa: PLC0415 - paho, gpiozero and the eyes are paid for by `run` alone
    from device.indicators import PinsMissingError  # noqa: PLC0415 - as above
    from device.system.systemd import Notifier  # noqa: PLC0415 - as above

    path: Path = told.config  # type: ignore[attr-defined]  # argparse's Namespace
    log.start()
    try:
        station, warnings = config.load(config.StationSettings, path)
    except ConfigError as error:
        for mistake in error.mistakes:
            log.line.error("%s", mistake)
        log.line.error("the station cannot serve. Next: titik check-config --config %s", path)
        _show_fault(path)
        return CONFIG
    if (doubt := frame_rate.doubt(station)) is not None:
        warnings.append(f"{path}: {doubt}")
    for warning in warnings:
        log.line.warning("%s", warning)
    try:
        os.umask(0o077)  # also where no unit says so: what the station writes is its own
        daemon.run(station, Notifier.from_env())
    except PinsMissingError as error:
        log.line.error("%s", error)
        return MISSING
    except Exception:  # noqa: BLE001 - the program's outermost rim: said once, with its traceback, and the end
        log.line.exception("the station ends: something happened that may not happen")
        return FAILED
    return DONE


def _show_fault(path: Path) -> None:
    """Light the fault lamp for a moment, on the pins that the file names if that part of it can be read."""
    from device.indicators import Indicators, PinsMissingError  # noqa: PLC0415 - as in _run
    from device.patterns import FAULT  # noqa: PLC0415 - as in _run
    from device.system.stop import Stop  # noqa: PLC0415 - as in _run

    with ExitStack() as stack:
        stack.enter_context(suppress(PinsMissingError))
        lights = stack.enter_context(Indicators(config.pins_alone(path) or Pins()))
        lights.rest(FAULT)
        stack.enter_context(Stop()).wait(FAULT_SHOWN)


def _version(_told: object) -> int:
    print(f"titik {__version__}")
    return DONE


def _bench(told: object) -> int:
    from device.camera.pictures import PictureError  # noqa: PLC0415 - as above
    from device.cli import bench  # noqa: PLC0415 - only this command needs the outbox and the reader at once

    try:
        return bench.bench(told)  # type: ignore[arg-type]  # argparse's Namespace
    except PictureError as error:
        say(str(error))
        return FAILED


def _test_camera(told: object) -> int:
    from device.cli import camera  # noqa: PLC0415 - numpy's Fourier transform and the eyes, for this command alone

    return camera.test(told)  # type: ignore[arg-type]  # argparse's Namespace


def _calibrate(told: object) -> int:
    from device.cli import camera  # noqa: PLC0415 - as above

    return camera.calibrate(told)  # type: ignore[arg-type]  # argparse's Namespace


def _queue(verb: str) -> Callable[[Namespace], int]:
    def run(told: Namespace) -> int:
        from device.cli import queue  # noqa: PLC0415 - sticks and sockets, for these commands alone

        one: Callable[[Namespace], int] = getattr(queue, verb)
        return one(told)

    return run


def _queue_verbs(verb: Callable[[str, str, str], ArgumentParser]) -> None:
    """Add the commands that carry events where no network reaches."""
    queue = verb("queue", "what is owed to the centre, and a stick that carries it", "titik queue list")
    under = queue.add_subparsers(required=True, metavar="COMMAND")
    show = under.add_parser(
        "list",
        help="say how much is owed, since when, and what is kept",
        description="say how much is owed to the centre, since when, and which epochs are kept on the card",
        epilog="example: sudo titik queue list --json",
    )
    show.add_argument("--json", action="store_true", help="one JSON object")
    show.set_defaults(run=_queue("show"))
    out = under.add_parser(
        "export",
        help="write what is owed to a stick",
        description="write what is owed to a file for the centre, and to one more for each point that is sealed on this"
        " card; the station forgets nothing until the receipts come",
        epilog="example: sudo titik queue export /media/usb",
    )
    out.add_argument(
        "file", type=Path, metavar="DIR-or-FILE", help="a folder; or a new file, its name ending with .jsonl"
    )
    out.add_argument("--all", action="store_true", help="also what the centre holds and the card still keeps")
    out.add_argument(
        "--sealed",
        metavar="POINT",
        help="only what is sealed of another point, whose name this card had; a folder takes that along in any case",
    )
    out.set_defaults(run=_queue("carry_out"))
    bring = under.add_parser(
        "import",
        help="hand the centre's receipts to the station",
        description="hand the centre's receipts to the running station, which forgets what they prove",
        epilog="example: sudo titik queue import /media/usb/titik-bupati-1-20261123T010203Z.receipts.jsonl",
    )
    bring.add_argument("files", type=Path, nargs="+", metavar="FILE")
    bring.set_defaults(run=_queue("carry_in"))
    for one in (show, out, bring):
        one.add_argument("--socket", type=Path, default=RUNTIME / NAME, metavar="PATH", help="default: %(default)s")
    for one in (show, out):
        one.add_argument(
            "--state", type=Path, default=STATE, metavar="DIR", help="read where no station runs; default: %(default)s"
        )


def _positive(text: str) -> float:
    """Return seconds, for argparse; raises ValueError."""
    seconds = float(text)
    if not 0 < seconds <= MAX_LOOK:
        raise ValueError
    return seconds


def _camera_verbs(verb: Callable[[str, str, str], ArgumentParser]) -> None:
    """Add the commands that look through the camera."""
    test = verb("test", "try one part of the station, while it is stopped", "titik test camera --seconds 10")
    under = test.add_subparsers(required=True, metavar="COMMAND")
    look = under.add_parser(
        "camera",
        help="say what the camera sees",
        description="say what the camera sees: frame rate, sharpness, brightness, bands; exit 1 if that is nothing",
        epilog="example: sudo titik test camera --picture view.png",
    )
    look.add_argument("--picture", type=Path, metavar="FILE", help="keep the last frame, a PNG for its owner alone")
    look.add_argument("--seconds", type=_positive, default=5.0, metavar="N", help="how long; default: %(default)s")
    look.add_argument("--json", action="store_true", help="one JSON object")
    look.set_defaults(run=_test_camera)

    camera = verb("camera", "the camera's settings", "titik camera calibrate --write")
    under = camera.add_subparsers(required=True, metavar="COMMAND")
    tune = under.add_parser(
        "calibrate",
        help="find focus, exposure and gain by a code that is held up",
        description="find focus, exposure and gain by a code that somebody holds where people will hold theirs",
        epilog="example: sudo titik camera calibrate --write",
    )
    tune.add_argument("--write", action="store_true", help="keep it in conf.d/camera.toml beside the configuration")
    tune.set_defaults(run=_calibrate)
    for one in (look, tune):
        one.add_argument("--config", type=Path, default=Path("/etc/titik/titik.toml"), metavar="FILE")
        one.add_argument("--socket", type=Path, default=RUNTIME / NAME, metavar="PATH", help="default: %(default)s")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="titik",
        description="Titik presensi: kode QR → lampu, catatan, peristiwa. / QR code → light, record, event.",
        epilog="example: titik run --config /etc/titik/titik.toml",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"titik {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    def verb(name: str, help_: str, example: str) -> ArgumentParser:
        return verbs.add_parser(
            name,
            help=help_,
            description=help_,
            epilog=f"example: {example}",
            formatter_class=RawDescriptionHelpFormatter,
        )

    run = verb("run", "serve at the wall until told to stop", "titik run --config /etc/titik/titik.toml")
    run.set_defaults(run=_run)
    check = verb("check-config", "say what is wrong in a configuration", "titik check-config --config titik.toml")
    check.set_defaults(run=commands.check_config)
    for one in (run, check):
        one.add_argument("--config", type=Path, default=Path("/etc/titik/titik.toml"), metavar="FILE")

    scan = verb("scan", "read and judge the codes on pictures", "titik scan --json pass.png")
    scan.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    scan.add_argument("--show-text", action="store_true", help="print what the codes say, for test pictures")
    scan.set_defaults(run=commands.scan)
    judge = verb(
        "judge",
        "judge one code's text per line of standard input",
        "titik judge --json --key dsc.pem --at 2022-05-01T00:00:00Z < codes.txt",
    )
    judge.set_defaults(run=commands.judge_lines)
    for one in (scan, judge):
        one.add_argument("--json", action="store_true", help="one JSON object per line")
        one.add_argument("--bundle", type=Path, metavar="FILE", help="the trust bundle to believe")
        one.add_argument("--root", action="append", default=[], metavar="KEY", help="the root that must have signed it")
        one.add_argument(
            "--key",
            nargs="+",
            action="extend",
            default=[],
            type=Path,
            metavar="CERT",
            help="PEM or DER certificates or public keys, for an audit without a bundle",
        )
        one.add_argument("--policy", action="append", default=[], metavar="NAME", help="a policy to judge by")
        one.add_argument("--at", type=commands.moment, metavar="TIME", help="the time to judge at; left out: now")

    bench = verb("bench", "measure reading, judging and recording over a folder of pictures", "titik bench photos/")
    bench.add_argument("folder", type=Path, metavar="DIR")
    bench.add_argument("--rounds", type=int, default=3, help="how often each picture is taken")
    bench.add_argument("--json", action="store_true", help="one JSON object")
    bench.set_defaults(run=_bench)

    bundle = verb("bundle", "the trust bundle of the station that runs here", "titik bundle import trust.cose")
    under = bundle.add_subparsers(required=True, metavar="COMMAND")
    take = under.add_parser(
        "import",
        help="hand it a newer bundle, from a stick perhaps",
        description="hand the running station a newer bundle; it checks who signed it, keeps it and follows it",
        epilog="example: sudo titik bundle import /media/usb/trust.cbor",
    )
    take.add_argument("file", type=Path, metavar="FILE")
    take.add_argument("--socket", type=Path, default=RUNTIME / NAME, metavar="PATH", help="default: %(default)s")
    take.set_defaults(run=commands.import_bundle)

    clock = verb("clock", "the time that the station that runs here believes", "titik clock reset")
    under = clock.add_subparsers(required=True, metavar="COMMAND")
    reset = under.add_parser(
        "reset",
        help="forget the newest time that was trusted",
        description="let the running station forget the newest time that it trusted, after a wrong clock poisoned it",
        epilog="example: sudo titik clock reset",
    )
    reset.add_argument("--socket", type=Path, default=RUNTIME / NAME, metavar="PATH", help="default: %(default)s")
    reset.set_defaults(run=commands.reset_clock)

    _camera_verbs(verb)
    _queue_verbs(verb)
    verb("version", "print the version", "titik version").set_defaults(run=_version)
    return parser


if __name__ == "__main__":
    sys.exit(main())
