"""The walls of the suite itself: a clock on the wall is a limit against hanging, and never an expectation."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.world import REPOSITORY

GENEROUS = 60
"""Seconds below which a limit may be passed on a busy machine with nothing wrong."""
PAUSE = 0.2
"""Seconds of a wait that is meant to pass: between two looks, say."""
WAITS = {"wait", "join", "settimeout", "acquire"}
LIMITS = {"timeout", "limit", "deadline"}
CLOCKS = {"monotonic", "perf_counter", "time", "monotonic_ns", "perf_counter_ns", "time_ns"}


def tight(source: str) -> list[int]:
    """Return the lines of *source* where a wait has a tight limit, or a clock must not have gone far.

    One that has its reason beside it is none. CPU time (``process_time``), turns and frames may be held to anything.
    """
    lines = source.splitlines()
    found = [line for node in ast.walk(ast.parse(source)) for line in (*_limits(node), *_hurries(node))]
    return sorted({line for line in found if "# " not in lines[line - 1]})


def _limits(node: ast.AST) -> Iterator[int]:
    """Yield where a call has a limit in figures that a busy machine may pass."""
    if not isinstance(node, ast.Call):
        return
    given = [one.value for one in node.keywords if one.arg in LIMITS]
    if _name(node.func) in WAITS:
        given += node.args
    for one in given:
        figure = one.value if isinstance(one, ast.Constant) else None
        if isinstance(figure, (int, float)) and PAUSE < figure < GENEROUS and not isinstance(figure, bool):
            yield one.lineno


def _hurries(node: ast.AST) -> Iterator[int]:
    """Yield where what a clock shows, or what is made of it, has to be the smaller side."""
    if not isinstance(node, ast.Compare):
        return
    sides = [node.left, *node.comparators]
    for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
        smaller = {ast.Lt: left, ast.LtE: left, ast.Gt: right, ast.GtE: right}.get(type(op))
        if smaller is not None and _of_clock(smaller):
            yield node.lineno


def _of_clock(node: ast.expr) -> bool:
    return any(isinstance(one, ast.Call) and _name(one.func) in CLOCKS for one in ast.walk(node))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@pytest.mark.parametrize(
    ("line", "is_tight"),
    [
        ("child.wait(20)", True),
        ("child.wait()", False),
        ("child.wait(PATIENCE)", False),
        ("child.wait(600)", False),
        ("pause.wait(0.02)", False),
        ("child.wait(2.0)  # why it may be", False),
        ("', '.join(names)", False),
        ("sock.settimeout(0)", False),
        ("sock.settimeout(5)", True),
        ("subprocess.run(command, timeout=30)", True),
        ("settings(max_examples=9, deadline=200)", False),
        ("settings(deadline=5)", True),
        ("assert monotonic() - began < 2", True),
        ("assert 1.0 <= time.monotonic() - began < 3.0", True),
        ("assert 2 > perf_counter() - began", True),
        ("assert monotonic() - began >= 0.38", False),
        ("assert process_time() - began < 2", False),
    ],
)
def test_a_tight_limit_is_seen_where_it_is_written(line: str, *, is_tight: bool) -> None:
    assert tight(line) == ([1] if is_tight else [])


def test_every_wait_of_the_tests_has_a_generous_limit_or_a_reason() -> None:
    files = sorted((REPOSITORY / "tests").rglob("*.py"))
    found = {str(path.relative_to(REPOSITORY)): tight(path.read_text(encoding="utf-8")) for path in files}
    assert {name: lines for name, lines in found.items() if lines} == {}
