"""What a real process wrote, in the order in which it did: its system calls as strace saw them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.world import REPOSITORY

CALLS = "openat,pwrite64,write,fsync,fdatasync,ftruncate,fallocate,rename,link,linkat,unlink,mkdir"
_LINE = re.compile(rb"(?P<call>\w+)\((?P<told>.*)\) += (?P<back>-?\d+)")
_HEX = re.compile(rb"(?:\\x[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that went into a file, not yet on the medium."""

    path: str
    at: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file that got another length."""

    path: str
    size: int
    only_longer: bool = False


@dataclass(frozen=True, slots=True)
class Sync:
    """Whatever went into this file, or this folder, is on the medium."""

    path: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name that was made, moved or taken away: *old* is ``None`` for a new file, *new* for one that is gone."""

    old: str | None
    new: str | None
    link: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What the process said between two calls: a promise, or what it is about to do."""

    words: tuple[str, ...]


Step = Write | Resize | Sync | Name | Said


def record(folder: Path, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> list[Step]:
    """Run *module* over *folder*, and return its steps there; skips where this machine lets nobody watch a process."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed. Next: tools/setup test")
    trace = folder.parent / f"{folder.name}.trace"
    command = ["strace", "-y", "-xx", "-s", "10000000", "-o", str(trace), "-e", f"trace={CALLS}"]
    command += [sys.executable, "-m", module, str(folder), *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, check=False)
    if b"PTRACE" in done.stderr or b"ptrace" in done.stderr:
        pytest.skip("this machine lets nobody watch a process (ptrace). Next: run it where containers may")
    assert done.returncode == 0, done.stderr[-2000:].decode(errors="replace")
    return [step for line in trace.read_bytes().splitlines() for step in _steps(line, str(folder))]


def _steps(line: bytes, folder: str) -> Iterator[Step]:
    found = _LINE.match(line)
    if found is None or int(found["back"]) < 0:
        return
    call = found["call"].decode()
    texts = [bytes.fromhex(text.replace(b"\\x", b"").decode()) for text in _HEX.findall(found["told"])]
    paths = [text.decode(errors="replace") for text in texts]
    numbers = [int(word) for word in found["told"].split(b", ") if word.isdigit()]
    if call == "write" and found["told"].startswith(b"1<"):
        yield Said(tuple(texts[1].decode().split()))
        return
    named = paths[1] if call == "openat" else paths[0] if paths else ""
    if not named.startswith(folder) or named.endswith(("-shm", ".ballast")):
        return  # the index of a log is made anew after a power cut, and ballast holds nothing
    if call == "openat":
        if b"O_CREAT" in found["told"]:
            yield Name(None, named)
        return
    assert call in _STEP, f"{named} is changed by {call}, which the medium does not know"
    yield _STEP[call](named, paths, texts, numbers)


def _renamed(named: str, paths: list[str], _texts: list[bytes], _numbers: list[int]) -> Name:
    return Name(named, paths[1])


def _linked(named: str, paths: list[str], _texts: list[bytes], _numbers: list[int]) -> Name:
    return Name(named, paths[-1], link=True)


_STEP: dict[str, Callable[[str, list[str], list[bytes], list[int]], Step]] = {
    "pwrite64": lambda named, _paths, texts, numbers: Write(named, numbers[-1], texts[1]),
    "fsync": lambda named, *_: Sync(named),
    "fdatasync": lambda named, *_: Sync(named),
    "ftruncate": lambda named, _paths, _texts, numbers: Resize(named, numbers[-1]),
    "fallocate": lambda named, _paths, _texts, numbers: Resize(named, numbers[-1], only_longer=True),
    "rename": _renamed,
    "link": _linked,
    "linkat": _linked,
    "unlink": lambda named, *_: Name(named, None),
}
