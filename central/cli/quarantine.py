"""``titik-central quarantine``: what it prints, and its exit codes."""

import json
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path

from central.cli import quarantine_lines
from central.problems import civil
from central.store import audit_log, quarantine
from central.store import release as release_
from central.store.database import Store
from central.store.file import Missing
from device.system import log

DONE, FAILED, USAGE, MISSING = 0, 1, 2, 3

Command = Callable[[Namespace, Path], int]


def _telling(command: Command) -> Command:
    """Return *command* with its errors as sentences and exit codes."""

    @wraps(command)
    def run(told: Namespace, database: Path) -> int:
        try:
            return command(told, database)
        except Missing as error:
            log.line.error("%s", error)
            return MISSING
        except quarantine.NotReleased as error:
            log.line.error("%s", error)
            return FAILED

    return run


@_telling
def listed(told: Namespace, database: Path) -> int:
    """Say what lies in quarantine, a line for each message."""
    found = quarantine.listed(database, told.point)
    if told.json:
        print(json.dumps([held.wire() for held in found], sort_keys=True))
    elif found:
        print("\n".join(quarantine_lines.lines(found, civil)))
    else:
        print("karantina kosong / nothing is in quarantine")
    return DONE


@_telling
def show(told: Namespace, database: Path) -> int:
    """Show one message, and what would become of it."""
    held, body, prospects = release_.look(database, told.number)
    print("\n".join(quarantine_lines.lines([held], civil)))
    print(f"topik / topic: {log.shown(held.topic)}")
    print(f"sha256: {held.digest}")
    for taken in held.released:
        became = f"release --as {taken.point}: {taken.taken}" if taken.point else "dilihat / seen"
        print(f"{civil(taken.at)}  {taken.who}: {became}  {log.shown(taken.why)}".rstrip())
    print("\n".join(quarantine_lines.body_lines(body)))
    for one in prospects:
        why = "" if one.why is None else f"; tidak semua / not all: {one.why}"
        print(f"release {held.number} --as {one.point}: {one.new} baru / new, {one.held} sudah ada / held already{why}")
    if not any(one.new or one.held for one in prospects):
        print("tidak ada yang dapat dilepas / nothing of it can be released. Next:")
        print(f"  sudo titik-central quarantine seen {held.number}")
    return DONE


@_telling
def release(told: Namespace, database: Path) -> int:
    """Take the events in messages as those of the point that they name."""
    if told.all == bool(told.number):
        log.line.error("say which: numbers, or --all. Next: titik-central quarantine list")
        return USAGE
    now, refused = datetime.now(UTC), []

    def write(store: Store, running: bool) -> int:
        print("pusat berjalan terus / the centre goes on" if running else "tidak ada pusat berjalan / no centre runs")
        numbers = None if told.all else told.number
        for one in release_.release(store, numbers, told.as_point, who=audit_log.who(), why=told.why, now=now):
            print(
                f"{one.number}: {one.new} peristiwa baru / new events, {one.held} sudah ada / held already", flush=True
            )
            if one.refused is not None:
                log.line.error("%d: %s", one.number, one.refused)
                refused.append(one.number)
        return FAILED if refused else DONE

    return release_.opened(database, now, write)


@_telling
def seen(told: Namespace, database: Path) -> int:
    """Note that nothing more will become of these messages."""
    now = datetime.now(UTC)

    def write(store: Store, running: bool) -> int:  # noqa: ARG001 - `opened` tells both
        release_.see(store, told.number, who=audit_log.who(), why=told.why, now=now)
        print(f"{len(told.number)} pesan dicatat sebagai dilihat / messages are noted as seen; they stay")
        return DONE

    return release_.opened(database, now, write)
