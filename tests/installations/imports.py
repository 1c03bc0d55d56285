"""What a program imports, at its start or later, read from its source alone."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OURS = ("device", "central", "office")
"""The folders that are installed."""


class Imports(NamedTuple):
    """All that the modules of a folder import, and what they import of ours imports in turn."""

    modules: list[str]
    """Ours, by dotted name."""
    libraries: set[str]
    """The first words of what is neither ours nor Python's own."""
    statements: list[str]
    """Each import, as a line of Python."""


def _statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports anywhere under *tree* but those for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _statements(ast.Module(node.orelse, []))
        else:
            yield from _statements(node)


def _names(node: ast.Import | ast.ImportFrom, package: list[str]) -> Iterator[str]:
    """Yield the dotted names that a statement in *package* may mean as modules."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = package[: len(package) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    yield base
    yield from (f"{base}.{alias.name}" for alias in node.names)


def _file(tree: Path, module: str) -> Path | None:
    stem = tree.joinpath(*module.split("."))
    return next((file for file in (stem / "__init__.py", stem.with_suffix(".py")) if file.is_file()), None)


def imports(tree: Path, folder: str) -> Imports:
    """Return what the modules under *folder* of *tree* import, whether or not they ever do."""
    todo = [
        ".".join(file.relative_to(tree).with_suffix("").parts).removesuffix(".__init__")
        for file in sorted((tree / folder).rglob("*.py"))
    ]
    seen: dict[str, None] = {}
    libraries: set[str] = set()
    statements: dict[str, None] = {}
    while todo:
        module = todo.pop()
        file = _file(tree, module)
        if module in seen or file is None:
            continue
        seen[module] = None
        statements[f"import {module}"] = None
        package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
        for node in _statements(ast.parse(file.read_text(encoding="utf-8"))):
            names = list(_names(node, package))
            root = names[0].split(".")[0]
            if root in OURS:
                parts = [name.split(".") for name in names]
                todo += [".".join(part[:n]) for part in parts for n in range(1, len(part) + 1)]
            elif root not in sys.stdlib_module_names:
                libraries.add(root)
                statements[ast.unparse(node)] = None
    return Imports(list(seen), libraries, list(statements))
