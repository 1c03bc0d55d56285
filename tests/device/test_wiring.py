"""A station is put together once, for the wall and for every test; and its loop is one screen."""

import ast
from pathlib import Path

from tests.support.world import REPOSITORY

SCREEN = 130
"""Lines."""
FOLDERS = ("device", "demo", "bench", "fuzz", "tests")


def _makes_a_station(path: Path) -> bool:
    """Whether *path* calls the loop's class, under whatever name it took it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("device.daemon", "device.parts")
        for alias in node.names
    }
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return bool(calls & {*names, "daemon.Station", "parts.Parts"})


def test_a_station_is_put_together_in_one_place() -> None:
    makers = [
        str(path.relative_to(REPOSITORY))
        for folder in FOLDERS
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        if _makes_a_station(path)
    ]
    assert makers == ["device/wiring.py"]


def test_the_loop_is_one_screen() -> None:
    assert len((REPOSITORY / "device" / "daemon.py").read_text(encoding="utf-8").splitlines()) <= SCREEN
