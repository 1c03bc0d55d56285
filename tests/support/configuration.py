"""A station's configuration, as text and as a file."""

from pathlib import Path

GOOD = """
[point]
name = "bupati-1"
site = "bupati"
"""
"""The least that it says."""


def written(folder: Path, text: str, name: str = "titik.toml") -> Path:
    """Write *text* to a file in *folder*; return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
