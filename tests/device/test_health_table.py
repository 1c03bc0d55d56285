"""``schemas/health.json`` is the table of what a station says of how it fares: all that it says, and nothing else."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from device.delivery.announcements import Announcements, Counts, Sender
from device.wire import Topics
from tests.support.codes import code, view
from tests.support.wired_station import EMPTY, HEALTH_SCHEMA, STAFF_PASS, WiredStation
from tests.support.world import REPOSITORY


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return what a station says while it serves, and while its camera is away."""
    with ExitStack() as stack:
        wall = WiredStation(tmp_path_factory.mktemp("wall"), stack)
        announcements = Announcements(wall.outbox, Sender("bupati-1", "boot", {}), Topics(), modern=True)
        told = []
        for turns in ([view(code(STAFF_PASS, 4)), EMPTY], [EMPTY, "the camera is gone"]):
            wall.serve(*turns)
            health = wall.courier._notice.health
            assert health is not None
            told.append(json.loads(announcements.health(health, Counts(), 0).body))
    return told


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field that *schema* names, however deep, by its path."""
    for name, one in schema.get("properties", {}).items():
        yield f"{path}{name}", one
        yield from fields(
            {**one, **HEALTH_SCHEMA["$defs"].get(one.get("$ref", "").rpartition("/")[2], {})}, f"{path}{name}."
        )


def filled(told: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the path of every field in *told*, but for those of an object whose names are open."""
    open_ = {name for name, one in fields(HEALTH_SCHEMA) if "properties" not in one and "additionalProperties" in one}
    for name, value in told.items():
        yield f"{path}{name}"
        if isinstance(value, dict) and f"{path}{name}" not in open_:
            yield from filled(value, f"{path}{name}.")


def test_every_field_of_a_health_stands_in_the_table_and_every_one_of_the_table_is_filled(
    said: list[dict[str, Any]],
) -> None:
    for told in said:
        Draft202012Validator(HEALTH_SCHEMA).validate(told)
    assert {path for told in said for path in filled(told)} == {path for path, _ in fields(HEALTH_SCHEMA)}
    assert [set(told) for told in said] == [set(HEALTH_SCHEMA["properties"])] * len(said)  # nothing comes and goes


def test_every_field_of_the_table_says_in_one_sentence_what_it_is_and_which_file_fills_it() -> None:
    for name, one in HEALTH_SCHEMA["properties"].items():
        assert one.get("description", "").endswith("."), f"{name}: say what it is"
        home = REPOSITORY / one.get("$comment", "-")
        assert home.is_file(), f"{name}: say which file fills it"
        assert f'"{name}":' in home.read_text(encoding="utf-8"), f"{name} is not filled in {home.name}"


def test_what_the_centre_reads_of_a_health_is_a_field_of_the_table() -> None:
    sources = [file.read_text(encoding="utf-8") for file in (REPOSITORY / "central").rglob("*.py")]
    read = {name for source in sources for name in re.findall(r'\bhealth\.get\("(\w+)"', source)}
    assert len(read) > 4
    assert read <= set(HEALTH_SCHEMA["properties"])
