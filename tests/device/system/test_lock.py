"""One program at a time has a file, and the kernel lets go of it however that program ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from device.system.lock import FileLock, LockTakenError
from tests.support.world import REPOSITORY

HOLD = """
import sys
from pathlib import Path
from device.system.lock import FileLock
with FileLock(Path(sys.argv[1])):
    print("taken", flush=True)
    sys.stdin.read()
"""


def test_who_comes_second_is_told_and_has_it_when_the_first_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db.lock"
    with FileLock(path) as first:
        with pytest.raises(LockTakenError, match=r"another program has outbox\.db open"):
            FileLock(path).take()
        first.take()
    with FileLock(path):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_program_that_is_killed_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"taken\n"
        with pytest.raises(LockTakenError):
            FileLock(path).take()
        other.kill()
        other.wait()
        with FileLock(path):
            pass
