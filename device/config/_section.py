"""A table of a configuration file, and the kinds of value that stand in one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from device.config._mistake import Allowed
from device.system.errors import TitikError

NO_PIN = "none"
"""What stands in the file for a pin that nothing hangs on: TOML has no word of its own for it."""


def _none(value: object) -> object:
    return None if value == NO_PIN else value


def _path(value: object) -> object:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("no path holds a zero byte")  # Python raises it anew at each use, and no OSError
    return value


PointName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40),
    Allowed("lower-case letters and digits, with hyphens between them, 40 characters at most, as bupati-1, in quotes"),
]
File = Annotated[Path, Field(strict=False), BeforeValidator(_path)]
"""TOML has no paths: a text is one."""
Gpio = Annotated[
    int,
    Field(ge=2, le=27),
    Allowed("a whole number from 2 to 27: BCM; 0 and 1 belong to the EEPROM of an added board"),
]
MaybeGpio = Annotated[Gpio | None, BeforeValidator(_none), Allowed(f'a whole number from 2 to 27, or "{NO_PIN}"')]
I2C = {2: "SDA", 3: "SCL"}
"""Pins of the clock that README tells how to fit. The board pulls them up, so what hangs there glows by itself."""

RESERVED = frozenset({"fleet", "central", "operator"})
"""Names beside the points' in topics and in the broker's ACL."""


class ConfigError(TitikError):
    """A configuration that cannot be served: one finished sentence per mistake."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Section(BaseModel):
    """A table of the file; frozen, and strict about types but not about keys it does not know.

    A number in quotes is no number, *true* is no pin, and 17.0 no whole number; 15 for 15.0 is meant as it stands.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)
    renamed: ClassVar[Mapping[str, str]] = {}
    """Keys that had another name: the old one, which is taken with a warning, and today's."""

    def cautions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what may be meant and probably is not: the keys, and a sentence that begins with them."""
        yield from ()
