"""The wheel: everything that is in the three folders, and the three programs out of it with their own sets alone."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from device import __version__
from tests.installations.imports import OURS, imports
from tests.installations.machine import empty, missing, run
from tests.installations.sets import FOLDERS, here, only
from tests.support.world import REPOSITORY

BUILT_FROM = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
PLANTED = {
    "device/annexe/__init__.py": "",
    "device/annexe/within/part.py": "",  # a folder that somebody forgot to make a package of
    "device/annexe/within/words.sql": "select 1;",
    "device/annexe/within/sound": "",
    "central/annexe/deep/__init__.py": "",
    "central/annexe/deep/page.html": "",
    "office/annexe/py.typed": "",
}
"""Rooms that are not there yet, and of which no word is said in ``pyproject.toml``."""
FROM_APT = {"device": {"lgpio"}}
"""What gpiozero's own pins for a Pi need, and ``python3-lgpio`` is."""
PROGRAMS = {"station": "titik", "centre": "titik-central", "desk": "titik-office"}


def _tree(folder: Path) -> Path:
    """Return a copy of what is built, with `PLANTED` in it."""
    for name in OURS:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BUILT_FROM:
        shutil.copy(REPOSITORY / name, folder)
    for name, text in PLANTED.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "device" / "__pycache__").mkdir()
    (folder / "device" / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"of another machine")
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, by ``setup.py``, which the build backend runs."""
    tree, out = _tree(tmp_path_factory.mktemp("tree")), tmp_path_factory.mktemp("wheel")
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [file] = out.iterdir()
    return file


def test_every_file_of_the_three_folders_is_in_the_wheel_in_any_depth_and_nothing_else(wheel: Path) -> None:
    tree = {
        str(file.relative_to(REPOSITORY))
        for folder in OURS
        for file in (REPOSITORY / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
    }
    with ZipFile(wheel) as opened:
        names = set(opened.namelist())
    about = {name for name in names if name.startswith(f"titik-{__version__}.dist-info/")}
    assert names - about == tree | PLANTED.keys()
    assert wheel.name == f"titik-{__version__}-py3-none-any.whl"


def test_the_three_programs_start_from_the_wheel_each_with_its_own_set_and_nothing_else(
    wheel: Path, tmp_path: Path
) -> None:
    python = empty(tmp_path / "venv")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", wheel], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert missing(python, ["import pydantic", "import device"], at=elsewhere) == [
        "import pydantic: No module named 'pydantic'"
    ]
    for name, folder in FOLDERS.items():
        packages = only(here(name), tmp_path / name)
        program = tmp_path / "venv" / "bin" / PROGRAMS[name]
        told = run(program, "--version", at=elsewhere, path=packages)
        assert (told.returncode, told.stdout, told.stderr) == (0, f"{PROGRAMS[name]} {__version__}\n", "")
        helped = run(program, "--help", at=elsewhere, path=packages)
        assert (helped.returncode, helped.stderr) == (0, "")
        assert re.match(rf"usage: {PROGRAMS[name]} \[-h\]", helped.stdout)
        found = imports(REPOSITORY, folder)
        assert f"import {folder}.__main__" in found.statements
        absent = missing(python, found.statements, at=elsewhere, path=packages)
        assert {line.rpartition(": ")[2] for line in absent} == {
            f"No module named '{name}'" for name in found.libraries & {"av", "picamera2"} | FROM_APT.get(folder, set())
        }


def test_what_is_installed_has_the_three_programs_and_a_short_setup_py() -> None:
    told = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert told["project"]["scripts"] == {PROGRAMS[name]: f"{folder}.__main__:main" for name, folder in FOLDERS.items()}
    assert "setup()" in (REPOSITORY / "setup.py").read_text(encoding="utf-8").splitlines()
