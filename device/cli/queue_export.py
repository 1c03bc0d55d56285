"""``titik queue export``: what is owed, onto a stick for the centre."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from device.cli import options
from device.cli._queue import NOBODY, Queue, card, found
from device.cli.say import say
from device.control.control_socket import NoStationError, RequestRefusedError, ask
from device.record.reader import OutboxReader, OutboxReadError
from device.record.transfer_file import ENDING, Header, Holds, TransferFileError, writing
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED, MISSING
from device.system.log import shown
from device.wire import MAX_POINT, POINT, batch, dumps


@dataclass(frozen=True, slots=True)
class QueueExport:
    """What ``queue export`` is asked."""

    file: Path
    """A folder, or a file that is not there yet."""
    all: bool
    sealed: str | None
    """The other point that is meant."""
    socket: Path
    state: Path


class _Source(NamedTuple):
    """Where rows are to be read: the outbox itself, or a sealed *file*; and up to which row."""

    file: str | None
    until: int


class _Message(NamedTuple):
    """One message of an export, and how far it goes."""

    after: int
    octets: bytes
    events: int
    damaged: int


def add(commands: Any) -> None:
    """Add the command."""
    one = options.member(
        commands,
        "export",
        "write what is owed to a stick",
        "write what is owed to a file for the centre, and to one more for each point that is sealed on this"
        " card; the station forgets nothing until the receipts come",
        "sudo titik queue export /media/usb",
    )
    one.add_argument(
        "file", type=Path, metavar="DIR-or-FILE", help="a folder; or a new file, its name ending with .jsonl"
    )
    one.add_argument("--all", action="store_true", help="also what the centre holds and the card still keeps")
    one.add_argument(
        "--sealed",
        metavar="POINT",
        help="only what is sealed of another point, whose name this card had; a folder takes that along in any case",
    )
    options.asks_socket(one)
    options.asks_state(one)
    answered_by(one, QueueExport, run)


def run(asked: QueueExport) -> int:
    """Write what is owed into a file for the centre, one for each point; the station forgets nothing of it."""
    queue = found(asked.socket, asked.state)
    if isinstance(queue, int):
        return queue
    try:
        sources = _sources(asked, queue.rows)
        if not sources:
            print("Tidak ada yang perlu dibawa. / Nothing is owed: there is nothing to carry.")
        codes = [_write(asked, queue, point, some) for point, some in sources.items()]
    except NoStationError as error:
        say(NOBODY.format(error))
        return MISSING
    except (RequestRefusedError, OutboxReadError, TransferFileError) as error:
        say(str(error))
        return FAILED
    except OSError as error:
        say(f"{asked.file} tidak dapat dibuka. / cannot be opened: {error.strerror}. Next: the same with sudo")
        return FAILED
    return max(codes, default=DONE)


def _sources(asked: QueueExport, queue: dict[str, Any]) -> dict[str | None, list[_Source]]:
    """Return what is to be carried, by the point whose rows they are.

    Raises `OutboxReadError` where that cannot be asked.
    """
    live = [] if asked.sealed else [(queue["point"], None, queue)]
    beside = [(one["point"], one["file"], one) for one in queue["sealed"] if asked.sealed in (None, one["point"])]
    if asked.sealed and not beside:
        there = ", ".join(sorted({one["point"] for one in queue["sealed"]})) or "-"
        raise OutboxReadError(
            f"Tidak ada yang disegel milik titik {asked.sealed}; yang ada: {there}."
            f" / Nothing is sealed of {asked.sealed}; there is: {there}. Next: titik queue list"
        )
    found: dict[str | None, list[_Source]] = {}
    for point, file, one in live + (beside if asked.sealed or asked.file.is_dir() else []):
        if one.get("why") is not None:
            say(f"{file} tidak terbaca dan tidak ikut. / cannot be read and is not among them: {one['why']}")
        elif one["owed"] or (asked.all and one["held"]):
            found.setdefault(point, []).append(_Source(file, one["last"]))
    left = sum(one["owed"] or 0 for _, _, one in beside)
    if left and not asked.sealed and not asked.file.is_dir():
        say(
            f"{left} peristiwa titik lain disegel di kartu ini dan tidak ikut."
            " / events of other points are sealed on this card and are not among them. Next: titik queue list"
        )
    return found


def _write(asked: QueueExport, queue: Queue, point: str | None, sources: list[_Source]) -> int:
    """Return the exit code, once the file is whole and durable; raises OSError where its place cannot be looked at."""
    path, now, damaged = asked.file, datetime.now(UTC), 0
    if point is None or len(point) > MAX_POINT or not POINT.match(point):
        raise OutboxReadError("Nama titik tidak diketahui. / The point's name is not known. Next: start the station")
    if path.is_dir():
        path = _free(path / f"titik-{point}-{now:%Y%m%dT%H%M%SZ}{ENDING}")
    elif path.exists():
        raise OutboxReadError(f"{path} sudah ada. Berikutnya: nama lain. / exists. Next: another name")
    elif path.suffix != ENDING:  # a folder that is not there, more likely than a file with such a name
        raise OutboxReadError(
            f"{path} tidak ada. Berikutnya: folder yang ada, atau nama berkas dengan {ENDING}."
            f" / does not exist. Next: a folder that does, or the name of a file that ends with {ENDING}"
        )
    made = now.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
    with writing(path, Header(Holds.EVENTS, point, made)) as pen:
        for source in sources:
            for message in _messages(asked, source, running=queue.running):
                damaged += message.damaged
                if message.events:
                    pen.write(message.octets, message.events)
    print(f"{pen.events} peristiwa ditulis ke / events are written to {shown(path)}")
    print(f"berikutnya, di pusat / next, at the centre: titik-central import {shown(path.name)}")
    if path.stat().st_dev == Path("/").stat().st_dev:
        say(
            "Berkas itu di komputer ini, bukan di USB. Berikutnya: hapus, pasang USB (mount), ekspor lagi."
            f" / That file is on this machine, not on a stick. Next: rm {path}, mount the stick, export again"
        )
    if damaged:
        say(
            f"{damaged} baris rusak di kartu tidak ikut. / rows that are damaged on the card are not among them."
            " Next: systemctl restart titik"
        )
    return FAILED if damaged else DONE


def _messages(asked: QueueExport, source: _Source, *, running: bool) -> Iterator[_Message]:
    """Yield what is to be carried of *source*; raises `RequestRefusedError`, `NoStationError` and `OutboxReadError`."""
    if not running:
        outbox = card(asked.state)
        with OutboxReader(outbox if source.file is None else outbox.with_name(source.file)) as outbox_reader:

            def look(after: int) -> _Message:
                page = outbox_reader.page(after, source.until, every=asked.all)
                return _Message(page.after, batch(page.bodies) if page.bodies else b"", len(page.bodies), page.damaged)

            yield from _turning(look)
    else:

        def question(after: int) -> _Message:
            page: dict[str, Any] = {"after": after, "until": source.until, "all": asked.all}
            if source.file is not None:
                page["sealed"] = source.file
            head, _, octets = ask(asked.socket, "queue-read", dumps(page)).partition("\n")
            answer = json.loads(head)
            return _Message(answer["after"], octets.encode(), answer["events"], answer["damaged"])

        yield from _turning(question)


def _turning(page: Callable[[int], _Message]) -> Iterator[_Message]:
    after = 0
    while (message := page(after)).after > after:
        yield message
        after = message.after


def _free(path: Path) -> Path:
    """Return *path*, or the first name like it that is not taken."""
    n, free = 1, path
    while free.exists():
        n += 1
        free = path.with_name(f"{path.stem}-{n}{path.suffix}")
    return free
