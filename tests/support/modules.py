"""The files of Python in the repository, and the names by which they are imported."""

from pathlib import Path

from tests.support.world import REPOSITORY


def modules(program: str) -> list[Path]:
    """Return every module of *program*, however deep it lies."""
    return sorted((REPOSITORY / program).rglob("*.py"))


def dotted(path: Path) -> str:
    """Return the name by which *path* is imported."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)
