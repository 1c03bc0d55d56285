"""A desk as its clerk has it."""

from pathlib import Path

import pytest

from office.__main__ import main
from tests.support.desk import PASSPHRASE


@pytest.fixture
def secret(tmp_path: Path) -> list[str]:
    """Return the arguments that name the file with its passphrase."""
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    return ["--passphrase-file", str(file)]


@pytest.fixture
def desk(tmp_path: Path, secret: list[str]) -> Path:
    """Return the folder of a new desk."""
    folder = tmp_path / "meja"
    assert main(["init", "--desk", str(folder), *secret]) == 0
    return folder
