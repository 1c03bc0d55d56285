"""An environment as a machine has it: its own, and nothing of the tree on any path."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

IMPORT = """
import sys
for line in sys.stdin.read().splitlines():
    try:
        exec(line)
    except ImportError as error:
        print(line, error, sep=": ")
"""
"""Runs each line of its input; prints those that a library is missing for."""


def run(*words: str | Path, at: Path, told: str = "", path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Return what a command said in the folder *at*, with the packages in *path* and no others of this machine's."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    return subprocess.run(words, cwd=at, env=env, input=told, capture_output=True, text=True, timeout=600, check=False)


def empty(folder: Path) -> Path:
    """Make an environment without any package, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def missing(python: Path, statements: Iterable[str], *, at: Path, path: Path | None = None) -> list[str]:
    """Return the *statements* that *python* cannot follow, with the reason."""
    done = run(python, "-c", IMPORT, at=at, told="\n".join(statements), path=path)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()
