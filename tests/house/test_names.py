"""A name that a paper or a docstring speaks of is there, and where it says that it is."""

import ast
import builtins
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.modules import dotted, modules
from tests.support.papers import LINKING, OF_A_FILE
from tests.support.world import REPOSITORY

PROGRAMS = ("device", "central", "office")
WRITTEN = (*PROGRAMS, "demo", "bench", "fuzz")
NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
FILE = r"[\w./-]+\.(?:py|toml|sql|json|yaml|html)"
# The three ways in which a paper says where a name is: "`file` (`NAME`, …)", "`NAME` in `file`", "`NAME` (`file`)".
HELD = re.compile(rf"`({FILE})`\s+\(([^()]*)\)")
IN = re.compile(rf"`({NAME})`(?:\s+and\s+`({NAME})`)?\s+in\s+`({FILE})`")
AT = re.compile(rf"`({NAME})`(?:\s+and\s+`({NAME})`)?\s+\(`({FILE})`\)")


def said(text: str) -> Iterator[tuple[str, str]]:
    """Yield each name of which a paper says in which file it is, with that file as it is written."""
    for file, inner in HELD.findall(text):
        yield from ((name, file) for name in re.findall(rf"`({NAME})`", inner) if not re.fullmatch(FILE, name))
    for *names, file in (*IN.findall(text), *AT.findall(text)):
        yield from ((name, file) for name in names if name and not re.fullmatch(FILE, name))


def files(written: str) -> list[Path]:
    """Return the files that may be meant by *written*: a path, or the bare name of a file of Python."""
    if OF_A_FILE.match(written):
        return [REPOSITORY / written]
    return [path for path in REPOSITORY.rglob(written) if path.relative_to(REPOSITORY).parts[0][0] != "."]


@cache
def defined(path: Path, *, imported: bool = False) -> set[str]:
    """Return what *path* gives a name to, however deep; with what it has *imported*, all that it can speak of."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif imported and isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return names


def holds(path: Path, name: str) -> bool:
    """Return whether *name* is in *path*: defined there, or in a file of another kind a word of it."""
    if not path.is_file():
        return False
    if path.suffix == ".py":
        return set(name.split(".")) <= defined(path)
    return re.search(rf"\b{re.escape(name)}\b", path.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("paper", [one for one in LINKING if one.name != "CHANGELOG.md"], ids=lambda path: path.name)
def test_every_name_stands_in_the_file_in_which_a_paper_says_that_it_is(paper: Path) -> None:
    strays = [
        (name, file)
        for name, file in said(paper.read_text(encoding="utf-8"))
        if not any(holds(path, name) for path in files(file))
    ]
    assert strays == []


def test_the_papers_say_of_many_names_where_they_are() -> None:
    assert sum(len(list(said(paper.read_text(encoding="utf-8")))) for paper in LINKING) > 10  # they were found at all


@cache
def known() -> dict[str, Path]:
    """Return every module of the repository by the name by which it is imported."""
    return {dotted(path): path for folder in WRITTEN for path in modules(folder)}


@cache
def homes() -> dict[str, set[str]]:
    """Return each class of the three programs, whose name stands for one thing, with the names of its members."""
    found = {}
    for program in PROGRAMS:
        for path in modules(program):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name] = defined(path)
    return found


def spoken(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what stands between single backticks in a docstring of *path*, be it of an attribute, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield from ((node.lineno, span) for span in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text))


def resolves(name: str, module: str) -> bool:
    """Return whether *name* means something in a docstring of *module*.

    That is: a name of its own or one that it imports, a module or what is in one (of its own room by the file's name,
    of another by the whole one), a class of the three programs or a member of one, or a word of Python's own.
    """
    head, _, rest = name.partition(".")
    place, room = known()[module], module.rpartition(".")[0]
    if head in defined(place, imported=True) or name in known() or name in dir(builtins):
        return True
    if head in homes() and (not rest or rest in homes()[head]):
        return True
    before, _, last = name.rpartition(".")
    of = known().get(before) or known().get(f"{room}.{before}")
    return f"{room}.{name}" in known() or f"{module}.{name}" in known() or (of is not None and last in defined(of))


@pytest.mark.parametrize("program", WRITTEN)
def test_what_a_docstring_names_between_single_backticks_is_a_name(program: str) -> None:
    strays = [
        (dotted(path), line, name)
        for path in modules(program)
        for line, name in spoken(path)
        if not re.fullmatch(NAME, name) or not resolves(name, dotted(path))
    ]
    assert strays == []  # what is no name of the code stands between two backticks each side
