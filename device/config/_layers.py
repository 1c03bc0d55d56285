"""What several files say together: tables laid over one another, key by key, and which file said what."""

from pathlib import Path
from typing import Any

MAX_DEPTH = 20
"""Tables and lists inside one another; what is configured here has two."""


class Layers:
    """The tables so far, and of each key, by its path, the file that spoke last."""

    def __init__(self) -> None:
        self.tables: dict[str, Any] = {}
        self.origin: dict[tuple[str, ...], Path] = {}

    def lay(self, tables: dict[str, Any], file: Path) -> None:
        """Lay what *file* says over what there is."""
        self._over(self.tables, tables, (), file)

    def _over(self, below: dict[str, Any], above: dict[str, Any], at: tuple[str, ...], file: Path) -> None:
        for key, value in above.items():
            here = (*at, key)
            self.origin[here] = file
            if isinstance(value, dict):
                if not isinstance(below.get(key), dict):
                    below[key] = {}
                self._over(below[key], value, here, file)
            else:
                below[key] = value


def too_deep(tables: object) -> bool:
    """Return whether *tables* is deeper than `MAX_DEPTH`; ``a.a.a = 1`` may be a hundred thousand deep, and TOML."""
    within = [tables]
    for _ in range(MAX_DEPTH + 1):
        within = [
            one
            for table in within
            if isinstance(table, dict | list)
            for one in (table.values() if isinstance(table, dict) else table)
        ]
    return bool(within)
