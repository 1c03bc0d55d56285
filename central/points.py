"""What somebody types: a point's name, held against those that are known, and a day."""

import difflib
import re
from argparse import ArgumentTypeError
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime

from device.config import RESERVED
from device.system.errors import TitikError
from device.system.log import shown
from device.wire import MAX_POINT, POINT

MAX_POINTS = 1000
"""Points of which anything is remembered; names beyond that cost no memory."""
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
"""As a day is written in Indonesia."""


class UnknownPointError(TitikError):
    """A name that no point has here; the sentence says so, and which is nearest."""


def well_formed(name: str) -> bool:
    """Return whether a point can have *name*."""
    return bool(POINT.match(name)) and len(name) <= MAX_POINT and name not in RESERVED


def typed(text: str) -> str:
    """Return the name that somebody typed, for argparse; raises ArgumentTypeError where no point can have it."""
    if not well_formed(text):
        raise ArgumentTypeError(
            f"{shown(text)} is no point's name: lower-case letters, digits and hyphens, as in bupati-1"
        )
    return text


def typed_day(text: str) -> date:
    """Return the day that somebody typed, for argparse; raises ArgumentTypeError, which says how to write it."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the office, without a time
    except ValueError:
        pass
    written = "TTTT-BB-HH, misalnya 2026-01-31 / YYYY-MM-DD, for example 2026-01-31"
    day_first = _DAY_FIRST.fullmatch(text)
    if day_first is not None:
        with suppress(ValueError):
            day, month, year = map(int, day_first.groups())
            written = f"{written}; maksudnya / did you mean {date(year, month, day)}?"
    raise ArgumentTypeError(f"{shown(text)}: {written}")


def in_topic(topic: str) -> str:
    """Return the point in an event's *topic*, nothing where no point can have the name."""
    name = topic.rpartition("/")[0].rpartition("/")[2]
    return name if POINT.match(name) and len(name) <= MAX_POINT else ""


def check(name: str, points: Iterable[str]) -> str:
    """Return *name* if it is one of *points*; raises `UnknownPointError`, which names the nearest."""
    some = list(points)
    if name in some:
        return name
    near = difflib.get_close_matches(name, some, n=1)
    here = f"did you mean {near[0]}?" if near else f"known here: {', '.join(some[:20]) or 'none'}."
    raise UnknownPointError(f"nothing is known of a point {shown(name)}; {here} Next: titik-central status")
