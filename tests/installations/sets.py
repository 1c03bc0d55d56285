"""The sets of packages: what the project asks for, what each lock pins, what of it this machine has installed."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.world import REPOSITORY

REQUIREMENTS = REPOSITORY / "requirements"
FOLDERS = {"station": "device", "centre": "central", "desk": "office"}
"""The folder of each program, by its extra, which is the name of its lock, too."""
_PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_PIN = re.compile(r"([A-Za-z0-9._-]+)==(\S+)( ;.*?)? \\$")
_HASH = re.compile(r"    --hash=sha256:([0-9a-f]{64})( \\)?$")


class Pin(NamedTuple):
    """What a lock says of a package under a condition."""

    version: str
    hashes: tuple[str, ...]


def pins(lock: str) -> dict[tuple[str, str], Pin]:
    """Return what is pinned by package and its condition; asserts that each line of the *lock* is one of these."""
    found: dict[tuple[str, str], Pin] = {}
    last = ("", "")
    for line in (REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.lstrip().startswith("#"):
            continue
        if hashed := _HASH.fullmatch(line):
            found[last] = Pin(found[last].version, (*found[last].hashes, hashed[1]))
            continue
        pin = _PIN.fullmatch(line)
        assert pin, f"{lock}: not a pinned package: {line}"
        last = pin[1], (pin[3] or "").strip(" ;")
        found[last] = Pin(pin[2], ())
    return found


def here(lock: str) -> dict[str, str]:
    """Return the versions that a *lock* puts on a machine like this one, by package."""
    return {name: pin.version for (name, only), pin in pins(lock).items() if not only or Marker(only).evaluate()}


def asked(*extras: str) -> list[Requirement]:
    """Return what the project asks for in any case, and with *extras*."""
    more = [line for extra in extras for line in _PROJECT["optional-dependencies"][extra]]
    return [Requirement(line) for line in [*_PROJECT["dependencies"], *more]]


def builders() -> list[Requirement]:
    """Return what builds the project."""
    lines = (REQUIREMENTS / "build.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def pulled_in(wanted: list[Requirement]) -> dict[str, str]:
    """Return the versions, by package, of what is installed here of *wanted* and of what that needs in turn."""
    found: dict[str, str] = {}
    todo = [(one, "") for one in wanted]
    while todo:
        one, extra = todo.pop()
        name = canonicalize_name(one.name)
        if one.marker and not one.marker.evaluate({"extra": extra}):
            continue
        whole = distribution(name)
        assert one.specifier.contains(whole.version, prereleases=True), f"{one}, and {whole.version} is installed"
        if name not in found:
            todo += [(Requirement(line), each) for line in whole.requires or [] for each in (one.extras or {""})]
        found[name] = whole.version
    return found


def only(packages: dict[str, str], folder: Path) -> Path:
    """Link what is installed here of *packages*, and nothing else, into *folder*; return it, for `PYTHONPATH`."""
    folder.mkdir()
    for name in packages:
        for top in {Path(str(file)).parts[0] for file in distribution(name).files or []} - {"..", "__pycache__"}:
            (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder
