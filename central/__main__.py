"""``titik-central``: arguments in, exit code out."""

import json
import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

from central.settings import Settings
from central.store import Gone, Known, NotOurs, Purged
from device import __version__, log
from device.config import ConfigError, load
from device.lock import Taken
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
    from device.systemd import Notifier  # noqa: PLC0415 - as above

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
    """Say what is held."""
    from central import status  # noqa: PLC0415 - `run` does not need it

    try:
        seen = status.look(_settings(told).database(os.environ))
    except status.Missing as error:
        log.line.error("%s", error)
        return MISSING
    if told.json:
        print(json.dumps(seen.wire(), sort_keys=True))
    else:
        print("\n".join(status.lines(seen)))
    return DONE


def _backup(told: Namespace) -> int:
    """Write a whole copy of the database."""
    from central import backup  # noqa: PLC0415 - `run` does not need it

    file = backup.dated(told.file, datetime.now(UTC)) if told.file.is_dir() else told.file
    try:
        events = backup.backup(_settings(told).database(os.environ), file, force=told.force)
        print(f"{events} peristiwa disalin ke / events are copied to {file}")
        if told.keep is not None and told.file.is_dir():
            for old in backup.thin(file, told.keep):
                print(f"cadangan lama dihapus / an old backup is deleted: {old.name}")
    except backup.CannotCopy as error:
        log.line.error("%s", error)
        return FAILED
    return DONE


def _restore(told: Namespace) -> int:
    """Put a copy in the database's place."""
    from central import backup  # noqa: PLC0415 - as above

    database = _settings(told).database(os.environ)
    try:
        aside, purged = backup.restore(database, told.file, datetime.now(UTC))
    except backup.CannotCopy as error:
        log.line.error("%s", error)
        return FAILED
    print(f"{database} dipulihkan dari / is restored from {told.file}")
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
    from central import purge  # noqa: PLC0415 - `run` does not need it

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
    from central import forget  # noqa: PLC0415 - `run` does not need it

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
    from central import stick  # noqa: PLC0415 - `run` does not need it

    settings = _settings(told)
    database, topics = settings.database(os.environ), Topics(settings.broker.root)
    return max([stick.bring(file, database, topics, told.receipts) for file in told.files])


def _count(text: str) -> int:
    """Return a count, for argparse; raises ValueError."""
    count = int(text)
    if count < 1:
        raise ValueError
    return count


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
        "say what is held of each point, and what is missing",
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
        "--before", type=date.fromisoformat, required=True, metavar="DATE", help="the first day (WITA) that stays"
    )
    purge.add_argument("--point", metavar="POINT", help="of this point alone")
    purge.add_argument("--yes", action="store_true", help="do not ask")
    purge.set_defaults(run=_purge)
    forget = verb(
        "forget",
        "forget what a point says of itself, so that one that is gone is in no list",
        "It works beside a running centre or without one. No event and no quarantined message is removed: that is\n"
        "purge. A point that still sends will be back.\n"
        f"example: titik-central forget gabungan-9\n{codes}",
    )
    forget.add_argument("point", metavar="POINT")
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
    status.add_argument("--json", action="store_true", help="one JSON object")
    status.set_defaults(run=_status)
    return parser


if __name__ == "__main__":
    sys.exit(main())
