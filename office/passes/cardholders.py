"""The list of people whose cards are made."""

from dataclasses import dataclass
from typing import Final

from office.csv_table import rows

WANTED: Final = ("number", "name", "unit")
MAX_UNIT: Final = 60
"""Characters; two lines on the card."""


@dataclass(frozen=True, slots=True)
class Cardholder:
    """One row."""

    line: int
    """Where it ends in the file, counted from 1."""
    number: str
    name: str
    unit: str


def parse(octets: bytes) -> tuple[Cardholder, ...]:
    """Return the people in a CSV with the columns `WANTED`; raises `office.csv_table.NotATableError`."""
    return tuple(Cardholder(row.line, **row.fields) for row in rows(octets, WANTED))
