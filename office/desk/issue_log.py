"""The log of what was issued, ``issued.csv``: numbers, days and hashes, and nobody's name.

A pass is revoked by its hash and found by its number, and whose number it is stands in the personnel
register, which has its own keepers and its own rules. So a lost log tells nobody who works here.
"""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from device.model import WITA, Domain
from office.desk.files import own
from office.desk.refusal import RefusalError

LOG: Final = "issued.csv"
COLUMNS: Final = ("number", "domain", "until", "revocation", "issued")
HASH = re.compile(r"[0-9a-f]{16}\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """One pass that was issued."""

    number: str
    domain: Domain
    until: date
    """The last day on which it is in force."""
    revocation: str
    """16 hexadecimal characters, as a bundle lists it."""
    issued: datetime


def parse(text: str) -> tuple[Entry, ...]:
    """Return the entries in *text*; raises ValueError that names the line."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        head, *rows = [(reader.line_num, row) for row in reader if row] or [(0, list(COLUMNS))]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    if tuple(head[1]) != COLUMNS:
        raise ValueError(f"the first line is not {','.join(COLUMNS)}")
    return tuple(_entry(line, row) for line, row in rows)


def written(entries: Iterable[Entry]) -> str:
    """Return *entries* as lines."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        (one.number, str(one.domain), one.until.isoformat(), one.revocation, one.issued.astimezone(WITA).isoformat())
        for one in entries
    )
    return out.getvalue()


def entries(folder: Path) -> tuple[Entry, ...]:
    """Return what the log in *folder* holds, nothing if there is none; raises `RefusalError` for a damaged one."""
    path = folder / LOG
    try:
        return parse(own(path).decode("utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RefusalError(f"{path}: tidak terbaca / cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RefusalError(
            f"{path}: rusak / damaged: {error}. Berikutnya / next: salin dari cadangan / copy it from the backup"
        ) from None


def _entry(line: int, row: list[str]) -> Entry:
    try:
        number, domain, until, revocation, issued = row
        entry = Entry(number, Domain(domain), date.fromisoformat(until), revocation, datetime.fromisoformat(issued))
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from None
    if not HASH.match(revocation):
        raise ValueError(f"line {line}: {revocation[:20]!r} is not a hash")
    return entry
