"""``titik-central``: arguments in, exit code out."""

import json
import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from central.events import stamp
from central.points import UnknownPoint, typed, typed_day
from central.settings import Settings
from central.store.file import Gone, Missing, NotOurs
from central.store.known_points import Known
from central.store.tombstones import Purged
from device import __version__
from device.config import ConfigError, load
from device.system import log
from device.system.lock import Taken
from device.wire import Topics

DONE, FAILED, MISSING, CONFIG = 0, 1, 3, 78
"""Exit codes (``design.md``, The commands people type); argparse itself ends with 2."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    told = _parser().parse_args(arguments)
    log.start()
    try:
        return int(told.run(told))
    except BrokenPipeError:
        with suppress(OSError):
            sys.stdout.close()
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    except ConfigError as error:
        for mistake in error.mistakes:
            log.line.error("%s", mistake)
        return CONFIG
    except UnknownPoint as error:
        log.line.error("%s", error)
        return FAILED
    except NotOurs as error:
        log.line.error("%s", error)
        return CONFIG


def _settings(told: Namespace) -> Settings:
    settings, warnings = load(Settings, told.config, "central.d")  # a station on the same machine has its own conf.d
    for warning in warnings:
        log.line.warning("%s", warning)
    return settings


def _run(told: Namespace) -> int:
    """Serve until told to stop."""
    from central import centre  # noqa: PLC0415 - paho is paid for by `run` alone
    from device.system.systemd import Notifier  # noqa: PLC0415 - as above

    settings = _settings(told)
    try:
        centre.run(settings, Notifier.from_env())
    except Gone as error:
        log.line.error("%s: nothing more can be held in it, and the centre ends", error)
        return FAILED
    except Taken as error:
        log.line.error("%s", error)
        return FAILED
    except (ConfigError, NotOurs):
        raise
    except Exception:  # noqa: BLE001 - the program's outermost rim: said once, with its traceback, and the end
        log.line.exception("the centre ends: something happened that may not happen")
        return FAILED
    return DONE


def _status(told: Namespace) -> int:
    """Say what is held, and what is wrong."""
    from central import expected, problems  # noqa: PLC0415 - `run` does not need them
    from central.cli import table  # noqa: PLC0415 - `run` does not need them
    from central.store import status  # noqa: PLC0415 - `run` does not need them
    from central.store.backup import lock_of  # noqa: PLC0415 - as above

    settings, now = _settings(told), datetime.now(UTC)
    database = settings.database(os.environ)
    try:
        seen = status.look(database)
    except Missing as error:
        log.line.error("%s", error)
        return MISSING
    wanted = expected.expected(settings)
    found = problems.problems(seen, wanted, now, running=lock_of(database).taken())
    never = expected.never_heard(wanted.points, tuple(seen.points))
    if told.json:
        more = {"bundle": wanted.bundle, "never_heard": never, "problems": [problem.wire() for problem in found]}
        print(json.dumps({**seen.wire(), **more, "at": stamp(now)}, sort_keys=True))
    else:
        print("\n".join(table.lines(seen, found, never, wanted.bundle)))
    return FAILED if found else DONE


def _backup(told: Namespace) -> int:
    """Write a whole copy of the database."""
    from central.store import audit_log, backup  # noqa: PLC0415 - `run` does not need it

    now, database = datetime.now(UTC), _settings(told).database(os.environ)
    if told.keep is not None and not told.file.is_dir():
        log.line.error("%s is no folder that is there. Next: sudo install -d -m 700 %s", told.file, told.file)
        return FAILED
    file = backup.dated(told.file, now) if told.file.is_dir() else told.file
    try:
        events = backup.backup(database, file, force=told.force)
        print(f"{events} peristiwa disalin ke / events are copied to {log.shown(file)}")
        if told.keep is not None:
            for old in backup.thin(file, told.keep):
                print(f"cadangan lama dihapus / an old backup is deleted: {old.name}")
        backup.note(database, file, events, now, audit_log.who())
    except backup.CannotCopy as error:
        log.line.error("%s", error)
        return FAILED
    return DONE


def _restore(told: Namespace) -> int:
    """Put a copy in the database's place."""
    from central.store import audit_log, backup  # noqa: PLC0415 - as above

    database = _settings(told).database(os.environ)
    try:
        aside, purged = backup.restore(database, told.file, datetime.now(UTC), audit_log.who())
    except backup.CannotCopy as error:
        log.line.error("%s", error)
        return FAILED
    print(f"{database} dipulihkan dari / is restored from {log.shown(told.file)}")
    if aside is not None:
        print(f"yang lama ada di / the old one lies at {aside}")
    if purged:
        print(f"{purged} peristiwa yang sudah dihapus tidak kembali / events that were purged do not come back")
    elif purged is None:
        print(
            "yang dihapus setelah cadangan ini dibuat kembali, kecuali dihapus lagi"
            " / what was purged after this backup was made is back unless it is purged again: titik-central purge"
        )
    print("berikutnya / next: systemctl start titik-central; titik-central status")
    return DONE


def _purge(told: Namespace) -> int:
    """Remove what is older than a day."""
    from central.store import purge  # noqa: PLC0415 - `run` does not need it

    def agree(old: Purged) -> bool:
        print(f"{old.events} peristiwa dan {old.messages} pesan karantina sebelum {told.before} dihapus selamanya.")
        print(f"{old.events} events and {old.messages} quarantined messages before {told.before} are removed for good.")
        return _agreed(told)

    try:
        database = _settings(told).database(os.environ)
        purged = purge.purge(database, told.before, told.point, datetime.now(UTC), agree)
    except purge.CannotPurge as error:
        log.line.error("%s", error)
        return FAILED
    if purged is None:
        print("tidak ada yang dihapus / nothing is removed")
        return FAILED
    print(f"{purged.events} peristiwa, {purged.messages} pesan dihapus / events, messages are removed")
    print("cadangan lama dan *.replaced-* masih memuatnya / older backups and *.replaced-* still hold them")
    return DONE


def _forget(told: Namespace) -> int:
    """Let go of what is merely said of a point."""
    from central.store import forget  # noqa: PLC0415 - `run` does not need it

    def agree(known: Known) -> bool:
        print(f"{told.point}: {known.epochs} epoch, {known.lost} rentang hilang, status dan kesehatannya dilupakan.")
        print(f"{told.point}: {known.epochs} epochs, {known.lost} lost ranges, its state and health are forgotten.")
        print(f"tetap ada / stays: {known.events} peristiwa / events, {known.messages} pesan karantina / quarantined")
        return _agreed(told)

    try:
        database = _settings(told).database(os.environ)
        forgotten = forget.forget(database, told.point, datetime.now(UTC), agree)
    except forget.CannotForget as error:
        log.line.error("%s", error)
        return MISSING if isinstance(error, forget.NoDatabase) else FAILED
    if forgotten is None:
        print("tidak ada yang dilupakan / nothing is forgotten")
        return FAILED
    print(f"{told.point} dilupakan / is forgotten")
    if forgotten.online:
        print(
            "ia masih mengirim dan akan muncul lagi: cabut dulu sertifikatnya"
            " / it still sends and will be back: revoke its certificate first"
        )
    return DONE


def _agreed(told: Namespace) -> bool:
    """Return whether somebody says yes, or said so before."""
    if told.yes:
        return True
    if not sys.stdin.isatty():
        log.line.error("nobody is there to ask. Next: the same with --yes")
        return False
    return input("lanjut? ketik ya / go on? type yes: ").strip().lower() in ("ya", "yes")


def _import(told: Namespace) -> int:
    """Take the events that somebody carried here, and write the receipts beside them."""
    from central.ingest import transfer  # noqa: PLC0415 - `run` does not need it

    settings = _settings(told)
    database, topics = settings.database(os.environ), Topics(settings.broker.root)
    return max([transfer.bring(file, database, topics, told.receipts) for file in told.files])


def _count(text: str) -> int:
    """Return a count, for argparse; raises ValueError."""
    count = int(text)
    if count < 1:
        raise ValueError
    return count


def _quarantine(verb: str) -> Callable[[Namespace], int]:
    def run(told: Namespace) -> int:
        from central.cli import quarantine  # noqa: PLC0415 - `run` does not need it

        one: Callable[[Namespace, Path], int] = getattr(quarantine, verb)
        return one(told, _settings(told).database(os.environ))

    return run


def _quarantine_verbs(verb: Callable[[str, str, str], ArgumentParser], codes: str) -> None:
    """Add the commands for what could not be taken."""
    quarantine = verb(
        "quarantine",
        "look at messages that could not be taken, and give them back to the point whose they are",
        f"example: sudo titik-central quarantine list\n{codes}",
    )
    under = quarantine.add_subparsers(required=True, metavar="COMMAND")

    def one(name: str, help_: str, example: str) -> ArgumentParser:
        made = under.add_parser(
            name,
            help=help_,
            description=help_,
            epilog=f"example: {example}\n{codes}",
            formatter_class=RawDescriptionHelpFormatter,
        )
        # Left out here, the one before the word stands.
        made.add_argument("--config", type=Path, default=SUPPRESS, metavar="FILE")
        return made

    some = one(
        "list",
        "one line a message; its number is good until the next purge",
        "sudo titik-central quarantine list --point bupati-2",
    )
    some.add_argument("--point", type=typed, metavar="POINT", help="what came on its topic, or names it")
    some.add_argument("--json", action="store_true", help="one JSON array")
    some.set_defaults(run=_quarantine("listed"))
    show = one("show", "one message, escaped, and what would become of it", "sudo titik-central quarantine show 3")
    show.add_argument("number", type=_count, metavar="N")
    show.set_defaults(run=_quarantine("show"))
    release = one(
        "release",
        "take the events in a message as those of the point that they name; the message stays, and a line in the audit",
        "sudo titik-central quarantine release --all --as dprd-1 --why 'kartu pindah'",
    )
    release.add_argument("number", type=_count, nargs="*", metavar="N")
    release.add_argument("--all", action="store_true", help="all messages that name the point and wait for somebody")
    release.add_argument("--as", type=typed, required=True, metavar="POINT", dest="as_point", help="whose they are")
    release.set_defaults(run=_quarantine("release"))
    seen = one(
        "seen",
        "say that nothing more will become of a message; it stays, and is no problem any more",
        "sudo titik-central quarantine seen 3",
    )
    seen.add_argument("number", type=_count, nargs="+", metavar="N")
    seen.set_defaults(run=_quarantine("seen"))
    for made in (release, seen):
        made.add_argument("--why", default="", metavar="TEXT", help="kept in the audit")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="titik-central",
        description="Pusat: broker → basis data → tanda terima. / The centre: broker → database → receipt.",
        epilog="example: titik-central run --config /etc/titik/central.toml",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"titik-central {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    def verb(name: str, help_: str, epilog: str) -> ArgumentParser:
        one = verbs.add_parser(
            name, help=help_, description=help_, epilog=epilog, formatter_class=RawDescriptionHelpFormatter
        )
        one.add_argument(
            "--config",
            type=Path,
            default=Path("/etc/titik/central.toml"),
            metavar="FILE",
            help="left out: /etc/titik/central.toml",
        )
        return one

    codes = "exit codes: 0 done, 1 failed, 2 usage, 3 something missing on this machine, 78 configuration"
    run = verb(
        "run",
        "take events from the broker into the database, and say so",
        f"example: titik-central run --config /etc/titik/central.toml\n{codes}",
    )
    run.set_defaults(run=_run)
    status = verb(
        "status",
        "say what is held of each point, what is missing, and what is wrong; exit code 1 if anything is",
        f"example: titik-central status --json --config /etc/titik/central.toml\n{codes}",
    )
    backup = verb(
        "backup",
        "write a whole copy of the database, beside a running centre or without one",
        f"example: titik-central backup /media/usb --keep 14\n{codes}",
    )
    backup.add_argument("file", type=Path, metavar="FILE-or-DIR", help="in a folder it gets a dated name")
    backup.add_argument("--keep", type=_count, metavar="N", help="in a folder: delete dated backups but the newest N")
    backup.add_argument("--force", action="store_true", help="replace FILE if it is there")
    backup.set_defaults(run=_backup)
    restore = verb(
        "restore",
        "put a backup in the database's place; the old one is set aside. The centre must be stopped",
        "What was purged after the backup was made comes back unless it is purged again, or the old database,\n"
        "which knows what was purged, can still be read.\n"
        f"example: titik-central restore /media/usb/central-backup.db\n{codes}",
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.set_defaults(run=_restore)
    purge = verb(
        "purge",
        "remove events and quarantined messages older than a day, for good. The centre must be stopped",
        "A purged event that a point sends again is receipted, and not kept.\n"
        f"example: titik-central purge --before 2026-01-01\n{codes}",
    )
    purge.add_argument(
        "--before", type=typed_day, required=True, metavar="DATE", help="the first day (WITA) that stays"
    )
    purge.add_argument("--point", type=typed, metavar="POINT", help="of this point alone")
    purge.add_argument("--yes", action="store_true", help="do not ask")
    purge.set_defaults(run=_purge)
    forget = verb(
        "forget",
        "forget what a point says of itself, so that one that is gone is in no list",
        "It works beside a running centre or without one. No event and no quarantined message is removed: that is\n"
        "purge. A point that still sends will be back.\n"
        f"example: titik-central forget gabungan-9\n{codes}",
    )
    forget.add_argument("point", type=typed, metavar="POINT")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    forget.set_defaults(run=_forget)
    bring = verb(
        "import",
        "take the events on a stick, beside a running centre or without one, and write the receipts beside them",
        f"example: titik-central import /media/usb/titik-bupati-1-20261123T010203Z.jsonl\n{codes}",
    )
    bring.add_argument("files", type=Path, nargs="+", metavar="FILE")
    bring.add_argument("--receipts", type=Path, metavar="DIR", help="where the receipts go; left out: beside FILE")
    bring.set_defaults(run=_import)
    _quarantine_verbs(verb, codes)
    status.add_argument("--json", action="store_true", help="one JSON object")
    status.set_defaults(run=_status)
    return parser


if __name__ == "__main__":
    sys.exit(main())
