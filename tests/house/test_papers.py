"""The papers speak of what is there: each file, test, link and decision that they name; and each room has its line."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.papers import FOLDERS, LINKING, OF_A_FILE
from tests.support.world import REPOSITORY

DOCS = REPOSITORY / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
PAPERS = [
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "SECURITY.md",
    *(DOCS / name for name in ("architecture.md", "design.md", "glossary.md", "decisions/README.md")),
    *DECISIONS,
]
"""What is written for whoever changes the code."""
OF_A_TEST = re.compile(r"(test_\w+\.py)::(\w+)")
PARTS = ("Context", "Decision", "What it costs", "What would change our mind", "Held by")
LONGEST = 45
"""Lines of a decision: the reason, and no treatise."""


def _text(paper: Path) -> str:
    return paper.read_text(encoding="utf-8")


def _name(paper: Path) -> str:
    return str(paper.relative_to(REPOSITORY))


def _spans(text: str) -> list[str]:
    """Return what stands between single backticks, outside of drawings."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


@cache
def _tests() -> dict[str, set[str]]:
    """Return the names of the tests by the name of their file, wherever it lies."""
    found: dict[str, set[str]] = {}
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        found.setdefault(path.name, set()).update(name for name in names if name.startswith("test_"))
    return found


@cache
def _modules() -> set[str]:
    """Return the names of all files of Python in the repository's folders."""
    return {path.name for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py")}


def _rows(text: str) -> Iterator[tuple[list[Path], list[str]]]:
    """Yield the rooms that a row of a table is about, and the names of files in what it says of them."""
    for line in text.splitlines():
        first, _, rest = line.removeprefix("| ").partition(" | ")
        rooms = [REPOSITORY / span for span in _spans(first) if OF_A_FILE.match(span)]
        if line.startswith("|") and rooms:
            yield rooms, [span for span in _spans(rest) if re.fullmatch(r"\w+\.py", span)]


def _anchors(text: str) -> set[str]:
    """Return the names under which the headings of a text can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("paper", PAPERS, ids=_name)
def test_every_test_that_a_paper_names_is_there(paper: Path) -> None:
    named = OF_A_TEST.findall(_text(paper))
    assert [f"{file}::{name}" for file, name in named if name not in _tests().get(file, set())] == []


@pytest.mark.parametrize("paper", [one for one in LINKING if one.name != "CHANGELOG.md"], ids=_name)
def test_every_file_that_a_paper_names_is_there(paper: Path) -> None:
    spans = set(_spans(_text(paper)))
    named = {span.rstrip("/") for span in spans if OF_A_FILE.match(span)}
    bare = {span for span in spans if re.fullmatch(r"\w+\.py", span)}
    assert sorted(name for name in named if not list(REPOSITORY.glob(name))) == []
    assert sorted(bare - _modules()) == []


@pytest.mark.parametrize("paper", LINKING, ids=_name)
def test_every_link_within_the_repository_leads_somewhere(paper: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", _text(paper)) if ":" not in link]
    broken = []
    for link in links:
        file, _, anchor = link.partition("#")
        target = paper.parent / file if file else paper
        if not target.exists() or (anchor and anchor not in _anchors(_text(target))):
            broken.append(link)
    assert broken == []


def test_every_room_has_its_line_and_what_is_said_to_be_in_it_is() -> None:
    told = list(_rows(_text(DOCS / "architecture.md")))
    strays = []
    for rooms, files in told:
        there = {path.name for room in rooms for path in (room.glob("*.py") if room.is_dir() else [room])}
        strays += [(_name(rooms[0]), file) for file in files if file not in there]
    assert strays == []
    tops = {
        entry
        for program in ("device", "central", "office")
        for entry in (REPOSITORY / program).iterdir()
        if entry.name != "__init__.py" and (entry.suffix == ".py" or list(entry.glob("*.py")))
    }
    assert sorted(map(_name, tops - {room for rooms, _ in told for room in rooms})) == []


def test_every_decision_is_numbered_in_its_turn_and_stands_in_the_index() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))
    index = _text(DOCS / "decisions" / "README.md")
    assert re.findall(r"^\| (\d+) \| \[(\d{4})\]\(([^)]+)\) \|", index, re.MULTILINE) == [
        (str(number), path.name[:4], path.name) for number, path in zip(numbers, DECISIONS, strict=True)
    ]


@pytest.mark.parametrize("paper", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_its_price_and_what_holds_it_and_is_short(paper: Path) -> None:
    text = _text(paper)
    assert text.startswith(f"# {paper.name[:4]}: ")
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == PARTS
    assert len(text.splitlines()) <= LONGEST
    assert OF_A_TEST.search(text.partition("## Held by")[2])


def test_every_word_of_the_contract_stands_in_the_glossary() -> None:
    words = _text(DOCS / "design.md").partition("## Words\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"\*\*([a-z ]+)\*\*: ", words))
    rows = re.findall(r"^\| ([^|]+) \|", _text(DOCS / "glossary.md"), re.MULTILINE)
    told = {word for first in rows for word in first.split(", ")}
    assert len(named) > 10
    assert sorted(named - told) == []


def test_the_papers_are_what_the_readme_leads_to() -> None:
    told = _text(REPOSITORY / "README.md").partition("## Where to read first")[2].partition("\n## ")[0]
    led_to = {REPOSITORY / link for link in re.findall(r"\]\(([^)\s]+)\)", told)}
    assert sorted(map(_name, set(PAPERS) - set(DECISIONS) - led_to)) == []
