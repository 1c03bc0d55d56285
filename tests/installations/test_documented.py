"""Each installation as its document has it, word by word, in a copy of the tree: from the index, held to the hashes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.utils import canonicalize_name

from tests.installations.imports import imports
from tests.installations.machine import missing, run
from tests.installations.sets import FOLDERS, here, only
from tests.support.world import REPOSITORY

LEFT_OUT = shutil.ignore_patterns(".*", "build", "venv", "*.egg-info", "__pycache__")
README, DESK = REPOSITORY / "README.md", REPOSITORY / "docs" / "meja.md"


class Installation(NamedTuple):
    """One that a document describes."""

    lock: str
    document: Path
    program: str
    extra: str
    apt: tuple[str, ...]
    """Packages that the system has there, and the lock leaves to it."""


ALL = [
    Installation("pi", README, "titik", "station", ("numpy", "pillow")),
    Installation("station", README, "titik", "station", ()),
    Installation("centre", README, "titik-central", "centre", ()),
    Installation("desk", DESK, "titik-office", "desk", ()),
]


def _commands(one: Installation) -> list[str]:
    """Return the two lines that install it; sudo and the links into /usr/local are no part of an environment."""
    lines = [line.strip().removeprefix("$ ") for line in one.document.read_text(encoding="utf-8").splitlines()]
    written = "pi" if one.lock == "station" else one.lock
    [first] = [n for n, line in enumerate(lines) if line.endswith(f"-r requirements/{written}.txt")]
    told = [re.sub(r"\bsudo | && sudo ln -sf \S+ /usr/local/bin/$", "", line) for line in lines[first : first + 2]]
    if one.lock == "station":  # "in the third command above"
        told[0] = told[0].replace(" --system-site-packages", "").replace("pi.txt", "station.txt")
    return told


@pytest.mark.timeout(900)
@pytest.mark.parametrize("one", ALL, ids=lambda one: one.lock)
def test_an_installation_is_made_as_its_document_says_and_its_program_starts(one: Installation, tmp_path: Path) -> None:
    tree, elsewhere = tmp_path / "titik", tmp_path / "elsewhere"
    shutil.copytree(REPOSITORY, tree, ignore=LEFT_OUT)
    (tree / "build" / "lib" / "device").mkdir(parents=True)
    (tree / "build" / "lib" / "device" / "gone.py").write_text("", encoding="utf-8")  # from an older version
    elsewhere.mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    for command in _commands(one):
        done = subprocess.run(["sh", "-euc", command], cwd=tree, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    shutil.rmtree(tree / "device")  # what is installed needs the tree no more
    shutil.rmtree(tree / "central")
    shutil.rmtree(tree / "office")

    python = tree / "venv" / "bin" / "python"
    frozen = run(python, "-m", "pip", "--disable-pip-version-check", "list", "--format=freeze", "--local", at=elsewhere)
    pairs = (line.split("==") for line in frozen.stdout.splitlines())
    installed = {str(canonicalize_name(name)): told for name, told in pairs if name not in {"pip", "titik"}}
    assert installed == here(one.lock)
    packages = only({name: here("station")[name] for name in one.apt}, tmp_path / "apt")
    assert run(python.parent / one.program, "--help", at=elsewhere, path=packages).returncode == 0
    found = imports(REPOSITORY, FOLDERS[one.extra])
    absent = missing(python, [*found.statements, "import device.gone"], at=elsewhere, path=packages)
    allowed = {"av", "picamera2", "lgpio"} if one.extra == "station" else set()
    assert {line.rpartition("'")[0].rpartition("'")[2] for line in absent} == {*allowed, "device.gone"}
    size = sum(file.lstat().st_size for file in (tree / "venv").rglob("*"))
    print(f"{one.lock}: {len(here(one.lock))} packages, {size / 1e6:.0f} MB")  # noqa: T201 - what `make wheel` shows
