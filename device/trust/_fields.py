"""A map of the bundle as a table of its fields, by which it is read as well as written: a new field is one row."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Generic, NamedTuple, TypeVar

from device.formats.cwt import LATEST

MAX_COUNT: Final = 2**53
"""Of versions, persons and doses: what JSON carries unharmed."""

T = TypeVar("T")


class Form(NamedTuple):
    """How a value stands in CBOR."""

    kind: type
    read: Callable[[Any, str], Any]
    """Its value from one of *kind*; the field's name is for the ValueError it raises."""
    write: Callable[[Any], Any]
    """What is written of a value, ``None`` where that is nothing."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in the bundle, its form, and the attribute that it fills, where that has another name."""

    name: str
    form: Form
    attribute: str = ""
    optional: bool = False
    """It may be absent, and then the attribute has its default; a required one is always written."""
    absent: Any = None
    """What stands for a field that is not there, in its CBOR kind, where that is read as something."""


class Table(Generic[T]):
    """The fields of the dataclass *of*, in the order in which they are read; no field fills what stands *beside*.

    Raises TypeError unless these are all the attributes of *of*.
    """

    def __init__(self, of: type[T], *rows: Field, beside: tuple[str, ...] = ()) -> None:
        self._of = of
        self._rows = rows
        named = {row.attribute or row.name for row in rows} | set(beside)
        known = {field.name for field in fields(of)}  # type: ignore[arg-type]  # a dataclass, as is said above
        if named != known:
            raise TypeError(f"{of.__name__} and the table of its fields differ by {sorted(named ^ known)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, as they stand in a bundle."""
        return tuple(row.name for row in self._rows)

    def read(self, said: Any) -> T:
        """Return what the map *said* holds; raises ValueError that names the field, never its content."""
        told = of_kind(dict, said)
        values: dict[str, Any] = {}
        for row in self._rows:
            value = told.get(row.name, row.absent)
            if value is None and row.optional:
                continue
            if not isinstance(value, row.form.kind) or isinstance(value, bool):
                raise ValueError(f"{row.name} is not of kind {row.form.kind.__name__}")  # noqa: TRY004 - a value, from a file
            values[row.attribute or row.name] = row.form.read(value, row.name)
        return self._of(**values)

    def written(self, one: T) -> dict[str, Any]:
        """Return *one* as a map; raises ValueError where it lacks what a bundle must say."""
        told: dict[str, Any] = {}
        for row in self._rows:
            value = getattr(one, row.attribute or row.name)
            written = None if value is None else row.form.write(value)
            if written is not None:
                told[row.name] = written
            elif not row.optional:
                raise ValueError(f"a bundle says the {row.name} of each {self._of.__name__}")
        return told


def of_kind(kind: type[T], value: Any) -> T:
    """Return *value*, which is of *kind*; raises ValueError."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"not a {kind.__name__}")  # noqa: TRY004 - a value, from a file
    return value


def count(value: Any, name: str) -> int:
    """Return *value*, a number from zero to `MAX_COUNT`; raises ValueError."""
    if not 0 <= of_kind(int, value) <= MAX_COUNT:
        raise ValueError(f"{name} is no number that can be kept")
    return int(value)


def word(of: type[StrEnum]) -> Form:
    """Return the form of one of the words *of*."""
    return Form(str, lambda value, _: of(value), str)


def words(of: type[StrEnum]) -> Form:
    """Return the form of a set of the words *of*."""
    return Form(
        list, lambda value, _: frozenset(of(of_kind(str, one)) for one in value), lambda said: sorted(map(str, said))
    )


def _time(value: int, name: str) -> datetime:
    if not 0 <= value <= LATEST:
        raise ValueError(f"{name} is no time")
    return datetime.fromtimestamp(value, UTC)


def _same(value: Any, _name: str = "") -> Any:
    return value


TEXT: Final = Form(str, _same, _same)
OCTETS: Final = Form(bytes, _same, _same)
COUNT: Final = Form(int, count, _same)
TIME: Final = Form(int, _time, lambda at: int(at.timestamp()))
"""Seconds since 1970, before the year 3000."""
