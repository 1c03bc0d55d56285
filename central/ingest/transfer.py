"""Events that somebody carried here: taken as if they had come over the network, with receipts to carry back.

It works beside a running centre, for there are two writers then and SQLite takes turns: commits are short, and
each is followed by a pause as long as itself, so that the centre never waits for long. Neither of the two keeps
rows in memory, so each sees what the other wrote.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

from central.events import stamp
from central.ingest.intake import Intake
from central.store.database import Store
from central.store.file import MAX_PAUSE, patiently
from device.record.transfer_file import ENDING, Header, Holds, TransferFile, TransferWriter, writing
from device.wire import Message, Quarantined, Received, Topics, dumps, loads, parse_receipt

log = logging.getLogger(__name__)

MESSAGES = 10
"""Messages in one commit: up to 500 events."""
MAX_RECEIPT = 4096
RECEIPTS = ".receipts" + ENDING


@dataclass(slots=True)
class Imported:
    """What became of one stick."""

    point: str
    receipts: Path
    events: int = 0
    """Events of which receipts say that they are held; those that were held before count again."""
    quarantined: int = 0
    """Messages that could not be read as a whole, and are held as they came."""


def take(stick: TransferFile, store: Store, topics: Topics, now: datetime, folder: Path | None = None) -> Imported:
    """Take all whole lines of *stick* into *store*; return what became of them once the receipts are on the stick.

    Raises `TransferFileError`, `StoreWriteError` and `DatabaseGoneError`; what was committed before stays,
    and the receipts of it come with the next try.
    """
    header = Header(Holds.RECEIPTS, stick.header.point, stamp(now), store.life)
    beside = receipts_of(stick.path)
    taken = Imported(stick.header.point, beside if folder is None else folder / beside.name)
    intake = Intake(store, topics, live=False)
    with writing(taken.receipts, header) as pen:
        for some in stick.several(MESSAGES):
            began = monotonic()
            for answer in _commit(intake, topics.of(taken.point, "event"), some, now):
                if answer.topic == topics.of(taken.point, "receipt"):
                    _note(pen, answer, some, taken)
            sleep(min(MAX_PAUSE, monotonic() - began))
    return taken


def receipts_of(path: Path) -> Path:
    """Return where the receipts for the stick at *path* go: beside it."""
    return path.with_name(path.name.removesuffix(ENDING) + RECEIPTS)


def _commit(intake: Intake, topic: str, bodies: Sequence[bytes], now: datetime) -> list[Message]:
    batch = [Received(topic, body, retained=False) for body in bodies]
    answers, news = patiently(lambda: intake.take(batch, now))
    for level, point, text, _ in news:
        log.log(level, "%s: %s", point, text)
    return answers


def _note(pen: TransferWriter, answer: Message, bodies: Sequence[bytes], taken: Imported) -> None:
    receipt = parse_receipt(answer.body)
    if not isinstance(receipt, Quarantined):
        pen.write(answer.body, receipt.count)
        taken.events += receipt.count
        return
    taken.quarantined += 1
    ids = list(_ids(next(body for body in bodies if sha256(body).hexdigest() == receipt.bytes_digest)))
    line = dumps({"centre": receipt.centre, "quarantined": receipt.bytes_digest, "ids": ids})
    pen.write(line if len(line) <= MAX_RECEIPT else answer.body, len(ids))


def _ids(body: bytes) -> Iterator[str]:
    """Yield the ids in a message that may be anything: by them the station finds its rows again, to compare."""
    try:
        value = loads(body)
    except ValueError:
        return
    for event in value if isinstance(value, list) else [value]:
        if isinstance(event, dict) and isinstance(id_ := event.get("id"), str):
            yield id_
