"""What there should be, by the configuration: the points of the inventory, and the bundle that all of them follow."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from central.settings import Settings
from device.config import PointSettings, Section
from device.system.disk import read_bounded
from device.wire import MAX_BUNDLE

MAX_INVENTORY = 1_048_576


class Inventory(Section):
    """The file that lists the points (``examples/inventory.toml``)."""

    point: Annotated[tuple[PointSettings, ...], Field(strict=False)]
    """TOML has lists: one is as good as a tuple."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What there should be; ``None`` where the configuration does not say, or its file cannot be read."""

    points: tuple[str, ...] | None = None
    bundle: int | None = None
    """The version of the bundle in the file of ``[trust] bundle``."""
    since: datetime | None = None
    """When that file was put there."""
    faults: tuple[str, ...] = ()
    """Why a file of it cannot be read, a sentence each."""


def expected(settings: Settings) -> Expected:
    """Return what *settings* say that there should be."""
    faults: list[str] = []
    points = None if settings.inventory.file is None else _points(settings.inventory.file, faults)
    bundle, since = (None, None) if settings.trust.bundle is None else _bundle(settings.trust.bundle, faults)
    return Expected(points, bundle, since, tuple(faults))


def _points(path: Path, faults: list[str]) -> tuple[str, ...] | None:
    try:
        inventory = Inventory.model_validate(tomllib.loads(read_bounded(path, MAX_INVENTORY).decode()))
    except OSError as error:
        faults.append(f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        faults.append(f"{path}: this is not UTF-8 text")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        faults.append(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}")
    except (ValueError, RecursionError) as error:  # TOML's own error is one of the first; brackets without end another
        faults.append(f"{path}: this is not TOML: {error}")
    else:
        return tuple(dict.fromkeys(point.name for point in inventory.point))
    return None


def _bundle(path: Path, faults: list[str]) -> tuple[int | None, datetime | None]:
    """Return the version that the bundle at *path* claims, whoever signed it, and since when it is there."""
    from device.trust.bundle import BundleError, unproven_bundle  # noqa: PLC0415 - cryptography is paid for where there is one

    try:
        octets = read_bounded(path, MAX_BUNDLE)
        since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return unproven_bundle(octets).version, since
    except OSError as error:
        faults.append(f"{path}: {error.strerror}")
    except BundleError as error:
        faults.append(f"{path}: {error}")
    return None, None


def never_heard(points: Sequence[str] | None, heard: Sequence[str]) -> tuple[str, ...]:
    """Return those of *points* that are not among the *heard* ones, in their order."""
    return tuple(name for name in points or () if name not in heard)
