"""Rows of a CSV as a spreadsheet saves it."""

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from device.system.errors import TitikError

MAX_ROWS: Final = 20_000


class CsvRow(NamedTuple):
    """One row by the names of its columns; what is short is empty."""

    line: int
    """Where it ends in the file, counted from 1."""
    fields: Mapping[str, str]


class NotATableError(TitikError, ValueError):
    """The file as a whole cannot be read, and why."""


def rows(octets: bytes, wanted: Sequence[str], also: Sequence[str] = ()) -> list[CsvRow]:
    """Return the rows of a CSV: UTF-8 with or without a BOM, commas or semicolons, quoted or not.

    The first line names the columns, in any order: all that are *wanted*, some of those *also* read; others
    are ignored, and so are empty lines. Raises `NotATableError`.
    """
    try:
        text = unicodedata.normalize("NFC", octets.decode("utf-8-sig"))  # as `office.passes.compose.compose` does
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise NotATableError(
            f"baris {line}: bukan UTF-8; simpan sebagai «CSV UTF-8» / line {line}: not UTF-8; save it as “CSV UTF-8”"
        ) from None
    head = text.partition("\n")[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        columns = _columns(names, wanted, also)
        found: list[CsvRow] = []
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            if len(found) == MAX_ROWS:
                raise NotATableError(f"lebih dari {MAX_ROWS} baris / more than {MAX_ROWS} rows")
            fields = {name: row[at].strip() if at < len(row) else "" for name, at in columns.items()}
            found.append(CsvRow(reader.line_num, fields))
    except csv.Error as error:
        raise NotATableError(f"baris {reader.line_num}: bukan CSV / line {reader.line_num}: not CSV: {error}") from None
    if not found:
        raise NotATableError("tidak ada baris / there are no rows")
    return found


def _columns(names: list[str], wanted: Sequence[str], also: Sequence[str]) -> dict[str, int]:
    missing = [name for name in wanted if name not in names]
    twice = [name for name in (*wanted, *also) if names.count(name) > 1]
    if missing or twice:
        columns = ", ".join(missing or twice)
        what = ("kolom tidak ada", "column is missing") if missing else ("kolom dua kali", "column is there twice")
        raise NotATableError(f"baris 1: {what[0]}: {columns} / line 1: {what[1]}: {columns}. {','.join(wanted)}")
    return {name: names.index(name) for name in (*wanted, *also) if name in names}
