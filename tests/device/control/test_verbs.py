"""One table of verbs: the socket answers it, a command asks for each, and the contract names each."""

import ast
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import device.__main__
from device.control.verbs import VERBS
from tests.support.commands import whole
from tests.support.wired_station import WiredStation
from tests.support.world import REPOSITORY

NAMES = [row.name for row in VERBS]


def _asked(path: Path) -> Iterator[str]:
    """Yield the verbs that the calls of `ask` in *path* name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ask":
            yield ast.literal_eval(node.args[1])


def test_a_verb_is_a_file_of_its_name_and_nothing_else_answers() -> None:
    answering = {
        path.stem
        for path in (REPOSITORY / "device" / "control").glob("*.py")
        if re.search(r"^def answer\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert answering == {name.replace("-", "_") for name in NAMES}
    assert [row.answer.__module__ for row in VERBS] == [f"device.control.{name.replace('-', '_')}" for name in NAMES]


def test_each_verb_is_asked_for_by_a_command_and_each_that_is_asked_for_is_answered() -> None:
    asked = {verb for path in (REPOSITORY / "device" / "cli").rglob("*.py") for verb in _asked(path)}
    assert sorted(asked) == sorted(NAMES)
    assert {row.command for row in VERBS} - set(whole(device.__main__._parser())) == set()


def test_the_contract_has_the_table_of_the_verbs() -> None:
    text = (REPOSITORY / "docs" / "design.md").read_text(encoding="utf-8")
    section = text.partition("## The commands people type\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `([a-z-]+)` \| ([0-9,]+) \| `([^`]+)` \| .+ \|$", section, re.MULTILINE)
    assert [(name, int(limit.replace(",", "")), command) for name, limit, command in told] == [
        (row.name, row.limit, row.command) for row in VERBS
    ]


def test_a_station_answers_the_whole_table(tmp_path: Path) -> None:
    with ExitStack() as stack:
        verbs = WiredStation(tmp_path, stack).station.control_socket._verbs
        assert {name: verb.limit for name, verb in verbs.items()} == {row.name: row.limit for row in VERBS}
        told = verbs["clock-reset"].answer(b"")
    assert re.fullmatch(r"the time floor is \d{4}-\d\d-\d\d again", told)
