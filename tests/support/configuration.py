"""A station's configuration, as text and as a file."""

from pathlib import Path

GOOD = """
[point]
name = "bupati-1"
site = "bupati"
"""


def written(folder: Path, text: str, name: str = "titik.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
