"""The bills of materials say what the locks say."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from device import __version__
from tests.installations.sets import FOLDERS, pins
from tests.support.world import REPOSITORY

BILLS = REPOSITORY / "sbom"
LOCKS = [*FOLDERS, "pi"]


def test_the_bills_are_those_of_these_locks_to_the_byte(tmp_path: Path) -> None:
    """Where this is red: ``make sbom``, and look at the difference."""
    subprocess.run([sys.executable, REPOSITORY / "tools" / "sbom.py", tmp_path], check=True)
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert sorted(made) == sorted(f"{lock}.cdx.json" for lock in LOCKS)
    kept = {file.name: file.read_bytes() for file in BILLS.iterdir()}
    assert [name for name in sorted({*made, *kept}) if made.get(name) != kept.get(name)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_bill_has_the_packages_the_versions_and_the_hashes_of_its_lock(lock: str) -> None:
    bill = json.loads((BILLS / f"{lock}.cdx.json").read_text(encoding="utf-8"))
    listed = {
        (one["name"], "".join(told["value"] for told in one.get("properties", []))): (
            one["version"],
            one["purl"],
            sorted(each["content"] for each in one["externalReferences"][0]["hashes"]),
        )
        for one in bill["components"]
    }
    assert listed == {
        key: (pin.version, f"pkg:pypi/{key[0]}@{pin.version}", sorted(pin.hashes)) for key, pin in pins(lock).items()
    }
    assert len(bill["components"]) == len(listed)
    whole = bill["metadata"]["component"]
    assert (whole["type"], whole["name"], whole["version"]) == ("application", "titik", __version__)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_part_of_a_bill_is_there_because_of_titik_or_another_part(lock: str) -> None:
    bill = json.loads((BILLS / f"{lock}.cdx.json").read_text(encoding="utf-8"))
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    reached, todo = Counter[str](), ["titik"]
    while todo:
        ref = todo.pop()
        reached[ref] += 1
        todo += needs[ref] if reached[ref] == 1 else []
    assert set(reached) == {"titik", *(one["bom-ref"] for one in bill["components"])}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_bill_is_valid_and_has_nothing_that_changes_by_itself(lock: str) -> None:
    text = (BILLS / f"{lock}.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert (bill["specVersion"], bill.get("serialNumber"), set(bill["metadata"])) == ("1.6", None, {"component"})
