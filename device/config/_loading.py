"""Files in, one frozen value and warnings out."""

import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from device.config._layers import MAX_DEPTH, Layers, too_deep
from device.config._mistake import sentence, unknown
from device.config._section import ConfigError, Section
from device.config._station import Pins
from device.system.disk import read_whole

MAX_FILE = 1_000_000
"""Bytes of a configuration file."""


def fingerprint(section: Section) -> str:
    """Return 16 hex characters that change when any value of *section* does."""
    return sha256(section.model_dump_json(by_alias=True).encode()).hexdigest()[:16]


T = TypeVar("T", bound=Section)


def load(model: type[T], path: Path, drop_ins: str = "conf.d") -> tuple[T, list[str]]:
    """Return the checked configuration of *path* with ``conf.d/*.toml`` beside it laid over, and warnings.

    Raises `ConfigError`, which names every mistake at once.
    """
    layers, warnings = Layers(), list[str]()
    for file in _files(path, drop_ins):
        tables = _read(file)
        warnings += [f"{file}: {what}" for what in _renamed(model, tables)]
        layers.lay(tables, file)
    warnings += [f"{layers.origin[keys]}: {what}" for keys, what in unknown(model, layers.tables)]
    try:
        settings = model.model_validate(layers.tables)
    except ValidationError as error:
        mistakes = [sentence(one, model, layers.origin, path) for one in error.errors(include_url=False)]
        raise ConfigError(mistakes) from None
    return settings, warnings + [f"{layers.origin[keys]}: {what}" for keys, what in settings.cautions()]


def pins_alone(path: Path) -> Pins | None:
    """Return the pins of a configuration whose rest may be wrong, ``None`` if they cannot be told either."""
    layers = Layers()
    for file in _files(path, "conf.d"):
        try:
            layers.lay(_read(file), file)
        except ConfigError:
            if file == path:
                return None
    try:
        return Pins.model_validate(layers.tables.get("pins", {}))
    except ValidationError:
        return None


def _files(path: Path, drop_ins: str) -> list[Path]:
    return [path, *sorted((path.parent / drop_ins).glob("*.toml"))]


def _renamed(model: type[Section], tables: dict[str, Any]) -> Iterator[str]:
    """Put what stands under an old name under today's, unless that stands there, too; yield a sentence for each."""
    for name, field in model.model_fields.items():
        section, table = field.annotation, tables.get(name)
        if not (isinstance(section, type) and issubclass(section, Section) and isinstance(table, dict)):
            continue
        for old, new in section.renamed.items():
            if old in table:
                value = table.pop(old)
                table.setdefault(new, value)
                yield f"{name}.{old} is called {name}.{new} now; the old name is taken, too. Next: rename it"


def _read(file: Path) -> dict[str, Any]:
    """Return the tables of *file*; raises `ConfigError`."""
    try:
        tables = tomllib.loads(read_whole(file, MAX_FILE).decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError([f"{file}: this is not UTF-8 text"]) from None
    except (ValueError, RecursionError) as error:  # TOML's own error is one of the first; digits without end another
        raise ConfigError([f"{file}: this is not TOML: {error}"]) from None
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from None
    if too_deep(tables):
        raise ConfigError([f"{file}: more than {MAX_DEPTH} tables or lists stand inside one another"])
    return tables
