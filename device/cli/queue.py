"""``titik queue``: what is owed to the centre, carried there on a stick, and its receipts carried back.

A station that runs is asked over its socket. One that does not is read as it lies on the card, and only read:
receipts are handed to a running station alone, for it writes its outbox and nobody else does.
"""

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from device.cli.commands import DONE, FAILED, MISSING, say
from device.control.control_socket import NoStationError, RequestRefusedError, ask
from device.control.queue_verbs import MAX_RECEIPTS
from device.model import WITA
from device.record.reader import OutboxReader, OutboxReadError, sealed
from device.record.transfer_file import ENDING, Header, Holds, TransferFile, TransferFileError, told_of, writing
from device.system.log import shown
from device.wire import MAX_POINT, POINT, batch, dumps

NOBODY = (
    "{}. Berikutnya: systemctl status titik, atau dengan sudo. / Next: systemctl status titik, or run this with sudo"
)


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


def show(told: Namespace) -> int:
    """Say what is owed, since when, and what is kept."""
    queue = _queue(told)
    if isinstance(queue, int):
        return queue
    if told.json:
        print(json.dumps(_without_last(queue), sort_keys=True))
        return DONE
    print(f"{queue['point'] or '?'}: {queue['owed']} peristiwa belum di pusat / events are owed to the centre")
    _show_rows(queue)
    for one in queue["sealed"]:
        owed = "?" if one["owed"] is None else one["owed"]
        print(f"{one['file']}: disegel, milik titik {one['point']} / is sealed, and the point {one['point']}'s:")
        print(f"{one['point']}: {owed} peristiwa belum di pusat / events are owed to the centre")
        if one["why"] is not None:
            print(f"tidak terbaca, simpanlah / cannot be read, keep it: {one['why']}")
            continue
        _show_rows(one)
        if one["owed"]:
            print(f"berikutnya / next: titik queue export --sealed {one['point']} DIR")
    return DONE


def _show_rows(queue: dict[str, Any]) -> None:
    oldest = queue["oldest"]
    if oldest is not None:
        print(f"tertua / oldest: {_civil(oldest['time'])} ({oldest['epoch']}, {oldest['seq']})")
    print(f"{queue['held']} sudah di pusat, masih disimpan / are held by the centre and kept here")
    for epoch, first, last in queue["kept"]:
        print(f"  {epoch}: {first}–{last}")  # noqa: RUF001 - a span of numbers is written with a dash


def _without_last(queue: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in queue.items() if name != "last"}
    return told | {"sealed": [_without_last(one) for one in queue["sealed"]]} if "sealed" in queue else told


def _civil(stamp: object) -> str:
    """Return an event's time as the office writes it, with its zone; as the file names have it, it is UTC."""
    try:
        return f"{datetime.fromisoformat(str(stamp)).astimezone(WITA):%Y-%m-%d %H:%M:%S} WITA"
    except (ValueError, OverflowError):
        return "?"


def carry_out(told: Namespace) -> int:
    """Write what is owed into a file for the centre, one for each point; the station forgets nothing of it."""
    queue = _queue(told)
    if isinstance(queue, int):
        return queue
    try:
        sources = _sources(told, queue)
        if not sources:
            print("Tidak ada yang perlu dibawa. / Nothing is owed: there is nothing to carry.")
        codes = [_write(told, point, some) for point, some in sources.items()]
    except NoStationError as error:
        say(NOBODY.format(error))
        return MISSING
    except (RequestRefusedError, OutboxReadError, TransferFileError) as error:
        say(str(error))
        return FAILED
    except OSError as error:
        say(f"{told.file} tidak dapat dibuka. / cannot be opened: {error.strerror}. Next: the same with sudo")
        return FAILED
    return max(codes, default=DONE)


def _sources(told: Namespace, queue: dict[str, Any]) -> dict[str | None, list[_Source]]:
    """Return what is to be carried, by the point whose rows they are.

    Raises `OutboxReadError` where that cannot be told.
    """
    live = [] if told.sealed else [(queue["point"], None, queue)]
    beside = [(one["point"], one["file"], one) for one in queue["sealed"] if told.sealed in (None, one["point"])]
    if told.sealed and not beside:
        there = ", ".join(sorted({one["point"] for one in queue["sealed"]})) or "-"
        raise OutboxReadError(
            f"Tidak ada yang disegel milik titik {told.sealed}; yang ada: {there}."
            f" / Nothing is sealed of {told.sealed}; there is: {there}. Next: titik queue list"
        )
    found: dict[str | None, list[_Source]] = {}
    for point, file, one in live + (beside if told.sealed or told.file.is_dir() else []):
        if one.get("why") is not None:
            say(f"{file} tidak terbaca dan tidak ikut. / cannot be read and is not among them: {one['why']}")
        elif one["owed"] or (told.all and one["held"]):
            found.setdefault(point, []).append(_Source(file, one["last"]))
    left = sum(one["owed"] or 0 for _, _, one in beside)
    if left and not told.sealed and not told.file.is_dir():
        say(
            f"{left} peristiwa titik lain disegel di kartu ini dan tidak ikut."
            " / events of other points are sealed on this card and are not among them. Next: titik queue list"
        )
    return found


def _write(told: Namespace, point: str | None, sources: list[_Source]) -> int:
    """Return the exit code, once the file is whole and durable; raises OSError where its place cannot be looked at."""
    path, now, damaged = told.file, datetime.now(UTC), 0
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
            for message in _messages(told, source):
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


def carry_in(told: Namespace) -> int:
    """Hand the centre's receipts to the station that runs here; it forgets what they prove."""
    return max([_carry_in(file, told.socket) for file in told.files])


def _carry_in(file: Path, socket: Path) -> int:
    try:
        with TransferFile(file, Holds.RECEIPTS) as stick:
            return _hand_in(stick, socket)
    except TransferFileError as error:
        say(str(error))
        return MISSING if isinstance(error.__cause__, FileNotFoundError) else FAILED
    except RequestRefusedError as refusal:
        say(f"{file} ditolak / is refused: {refusal}")
        return FAILED
    except NoStationError as error:
        say(NOBODY.format(error))
        return MISSING


def _hand_in(stick: TransferFile, socket: Path) -> int:
    """Return the exit code, once a sentence has said what became of the receipts on *stick*."""
    queue = json.loads(ask(socket, "queue-list", b""))
    here, whose = queue["point"], stick.header.point
    if whose not in (here, *(one["point"] for one in queue["sealed"])):
        say(
            f"{stick.path} milik titik {whose}, bukan {here}; tidak ada yang diubah."
            f" / is for {whose}, not for {here}; nothing is changed"
        )
        return FAILED
    settled = unknown = 0
    for some in stick.several(MAX_RECEIPTS):
        answer = json.loads(ask(socket, "queue-settle", b"\n".join(some)))
        settled, unknown = settled + answer["settled"], unknown + answer["unknown"]
    queue = json.loads(ask(socket, "queue-list", b""))
    left = sum(one["owed"] or 0 for one in (queue, *queue["sealed"]) if one["point"] == whose)
    print(f"{settled} peristiwa kini di pusat; {left} belum. / events are now held by the centre; {left} are owed")
    if unknown:
        say(
            f"{unknown} tanda terima tidak cocok dengan kartu ini, dan tidak mengubah apa pun."
            " / receipts do not fit what this card has, and change nothing"
        )
    if (wrong := told_of(stick)) is not None:
        say(wrong)
    return FAILED if wrong is not None or unknown else DONE


def _queue(told: Namespace) -> dict[str, Any] | int:
    """Return what the station says of its queue, or the card where none runs; an exit code once it is said why not."""
    try:
        queue: dict[str, Any] = json.loads(ask(told.socket, "queue-list", b""))
    except RequestRefusedError as refusal:
        say(f"ditolak / refused: {refusal}")
        return FAILED
    except NoStationError as away:
        try:
            queue = _on_card(_card(told))
        except (OutboxReadError, OSError) as error:
            say(f"{NOBODY.format(away)}; {error}")
            return MISSING
        say("Tidak ada titik yang berjalan; kartunya dibaca. / No station runs; its card is read.")
        told.socket = None
    return queue


def _on_card(path: Path) -> dict[str, Any]:
    """Return what the station would say of the outbox at *path*; raises `OutboxReadError` and OSError."""
    beside = sealed(path)
    if beside and not path.exists():  # a power cut while it was sealed
        return {"point": None, "owed": 0, "held": 0, "oldest": None, "kept": [], "last": 0, "sealed": beside}
    with OutboxReader(path) as shelf:
        return {"point": shelf.point(), **shelf.tell(), "sealed": beside}


def _messages(told: Namespace, source: _Source) -> Iterator[_Message]:
    """Yield what is to be carried of *source*; raises `RequestRefusedError`, `NoStationError` and `OutboxReadError`."""
    if told.socket is None:
        card = _card(told)
        with OutboxReader(card if source.file is None else card.with_name(source.file)) as shelf:

            def look(after: int) -> _Message:
                page = shelf.page(after, source.until, every=told.all)
                return _Message(page.after, batch(page.bodies) if page.bodies else b"", len(page.bodies), page.damaged)

            yield from _turning(look)
    else:

        def question(after: int) -> _Message:
            asked: dict[str, Any] = {"after": after, "until": source.until, "all": told.all}
            if source.file is not None:
                asked["sealed"] = source.file
            head, _, octets = ask(told.socket, "queue-read", dumps(asked)).partition("\n")
            page = json.loads(head)
            return _Message(page["after"], octets.encode(), page["events"], page["damaged"])

        yield from _turning(question)


def _turning(page: Callable[[int], _Message]) -> Iterator[_Message]:
    after = 0
    while (message := page(after)).after > after:
        yield message
        after = message.after


def _card(told: Namespace) -> Path:
    state: Path = told.state
    return state / "outbox.db"


def _free(path: Path) -> Path:
    """Return *path*, or the first name like it that is not taken."""
    n, free = 1, path
    while free.exists():
        n += 1
        free = path.with_name(f"{path.stem}-{n}{path.suffix}")
    return free
