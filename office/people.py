"""The list of people whose cards are made: CSV as a spreadsheet saves it."""

import csv
import io
import unicodedata
from dataclasses import dataclass
from typing import Final

WANTED: Final = ("number", "name", "unit")
MAX_ROWS: Final = 20_000
MAX_UNIT: Final = 60
"""Characters; two lines on the card."""


@dataclass(frozen=True, slots=True)
class Person:
    """One row."""

    line: int
    """Where it ends in the file, counted from 1."""
    number: str
    name: str
    unit: str


class NotAList(ValueError):  # noqa: N818 - it is what the file is not
    """The file as a whole cannot be read, and why."""


def parse(octets: bytes) -> tuple[Person, ...]:
    """Return the rows of a CSV: UTF-8 with or without a BOM, commas or semicolons, quoted or not.

    The first line names the columns, in any order; others than `WANTED` are ignored, empty lines too. A row
    that is short has empty fields. Raises `NotAList`.
    """
    try:
        text = unicodedata.normalize("NFC", octets.decode("utf-8-sig"))  # as `office.issuing.compose` does
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise NotAList(
            f"baris {line}: bukan UTF-8; simpan sebagai «CSV UTF-8» / line {line}: not UTF-8; save it as “CSV UTF-8”"
        ) from None
    head = text.partition("\n")[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        columns = _columns(names)
        people: list[Person] = []
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            if len(people) == MAX_ROWS:
                raise NotAList(f"lebih dari {MAX_ROWS} baris / more than {MAX_ROWS} rows")
            fields = [row[at].strip() if at < len(row) else "" for at in columns]
            people.append(Person(reader.line_num, *fields))
    except csv.Error as error:
        raise NotAList(f"baris {reader.line_num}: bukan CSV / line {reader.line_num}: not CSV: {error}") from None
    if not people:
        raise NotAList("tidak ada baris / there are no rows")
    return tuple(people)


def _columns(names: list[str]) -> list[int]:
    missing = [name for name in WANTED if name not in names]
    twice = [name for name in WANTED if names.count(name) > 1]
    if missing or twice:
        told = ", ".join(missing or twice)
        what = ("kolom tidak ada", "column is missing") if missing else ("kolom dua kali", "column is there twice")
        raise NotAList(f"baris 1: {what[0]}: {told} / line 1: {what[1]}: {told}. number,name,unit")
    return [names.index(name) for name in WANTED]
