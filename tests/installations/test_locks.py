"""Three installations, three sets: each program has what it imports, pinned with hashes, and nothing else."""

import re

import pytest
from packaging.utils import canonicalize_name

from tests.installations.imports import imports
from tests.installations.sets import FOLDERS, REQUIREMENTS, asked, builders, here, pins, pulled_in
from tests.support.world import REPOSITORY

DISTRIBUTED = {"PIL": "pillow", "paho": "paho-mqtt", "zxingcpp": "zxing-cpp"}
"""What is installed under another name than it is imported by."""
ELSEWHERE = {"device": {"picamera2"}}
"""What no index has: Raspberry Pi OS gives it."""


@pytest.mark.parametrize("lock", sorted(file.stem for file in REQUIREMENTS.glob("*.txt")))
def test_every_pinned_package_has_hashes(lock: str) -> None:
    assert pins(lock)
    assert [package for package, pin in pins(lock).items() if not pin.hashes] == []


@pytest.mark.parametrize("lock", [*FOLDERS, "pi"])
def test_what_is_installed_is_what_is_tested(lock: str) -> None:
    assert {key: pin for key, pin in pins("dev").items() if key in pins(lock)} == pins(lock)


def test_a_pi_is_a_station_that_keeps_its_own_numpy() -> None:
    station = pins("station")
    assert {name for name, _ in station} > {"numpy", "pillow"}
    assert {key: pin for key, pin in station.items() if key[0] not in {"numpy", "pillow"}} == pins("pi")


def test_the_rig_s_station_is_a_pi_s() -> None:
    pi, rig = pins("pi"), pins("rig")
    assert {key: pin for key, pin in rig.items() if key in pi} == pi
    assert {name for name, _ in rig} & {"numpy", "pillow"} == set()


def test_the_locks_name_no_place() -> None:
    texts = [file.read_text(encoding="utf-8") for file in REQUIREMENTS.iterdir()]
    assert [word for text in texts for word in re.findall(r"\S*(?:://|--index|--find-links)\S*", text)] == []


@pytest.mark.parametrize(
    ("folder", "extras"),
    [("device", ("station", "video")), ("central", ("centre",)), ("office", ("desk",))],
)
def test_a_program_imports_what_its_extra_has_and_nothing_is_there_in_vain(
    folder: str, extras: tuple[str, ...]
) -> None:
    wanted = {canonicalize_name(one.name) for one in asked(*extras)} - {"titik"}
    loaded = imports(REPOSITORY, folder).libraries - ELSEWHERE.get(folder, set())
    assert {canonicalize_name(DISTRIBUTED.get(name, name)) for name in loaded} == wanted


def test_what_every_program_gets_is_what_every_program_imports() -> None:
    each = [{one.name for one in asked(extra)} for extra in FOLDERS]
    assert set.intersection(*each) == {one.name for one in asked()}


@pytest.mark.parametrize("lock", FOLDERS)
def test_a_lock_has_what_its_program_needs_and_what_builds_it_and_nothing_else(lock: str) -> None:
    assert here(lock) == pulled_in([*asked(lock), *builders()])


def test_the_documents_install_each_program_from_its_own_lock_and_a_copy_of_the_tree() -> None:
    def installed(lock: str) -> list[str]:
        # Without build/, which setuptools fills and never empties: what was deleted in the tree would be installed.
        return [f"--require-hashes --no-deps -r requirements/{lock}.txt", "rm", "--no-deps --no-build-isolation ."]

    found = {
        str(file.relative_to(REPOSITORY)): re.findall(
            r"\brm(?= -rf build)|(?<=pip install )[^`&\n]*[^`&\s]", file.read_text(encoding="utf-8")
        )
        for file in [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
        if file.name != "CHANGELOG.md"  # which tells what was
    }
    assert {name: told for name, told in found.items() if told} == {
        "README.md": [*installed("pi"), "'titik[video]'", *installed("centre")],
        "docs/meja.md": installed("desk"),
    }
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "`requirements/station.txt` in the third command above" in readme
