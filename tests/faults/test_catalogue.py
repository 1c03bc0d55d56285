"""The catalogue of the fifty faults is whole, and what it names is there."""

import ast
from functools import cache

import pytest

from tests.faults.catalogue import FAULTS, Known
from tests.support.world import REPOSITORY


@cache
def found_in(file: str) -> frozenset[str]:
    """Return the names of the tests that *file*, below ``tests/``, holds; empty where there is none."""
    path = REPOSITORY / "tests" / file
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and "test_" in node.name)


def test_none_of_the_fifty_is_missing_and_none_has_nothing_to_show() -> None:
    assert [fault.number for fault in FAULTS] == list(range(1, 51))
    assert [fault.number for fault in FAULTS if not fault.tests and not fault.why_not] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.number))
def test_every_test_that_is_named_is_there(fault: Known) -> None:
    assert [name for name in fault.tests if name.split("::")[1] not in found_in(name.split("::")[0])] == []
