"""A disk under a power cut: what was synced stays, and of the rest any part may.

Data: a write that no sync followed is kept or lost sector by sector (512 bytes), in any combination. Lengths: each
change is kept or lost by itself. Names: made, moved and taken away in their order (ext4's journal), so that a cut keeps
a beginning of those that no sync of the folder followed.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.recording import Name, Resize, Step, Sync, Write

SECTOR = 512


@dataclass(eq=False, slots=True)
class _Inode:
    """A file: what the medium surely has of it, and what it may have."""

    octets: bytearray = field(default_factory=bytearray)
    pending: list[Write | Resize] = field(default_factory=list)


class Medium:
    """Takes the steps of a recording; at any of them `cut` gives what a power cut leaves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._live: dict[str, _Inode] = {
            str(path): _Inode(bytearray(path.read_bytes())) for path in sorted(folder.rglob("*")) if path.is_file()
        }
        self._durable = dict(self._live)
        self._names: list[Name] = []
        self._born: dict[int, _Inode] = {}

    def take(self, step: Step) -> None:
        """Let one step happen."""
        if isinstance(step, Write | Resize):
            self._live[step.path].pending.append(step)
        elif isinstance(step, Name):
            self._name(step)
        elif isinstance(step, Sync):
            self._sync(step.path)

    def _name(self, step: Name) -> None:
        if step.old is None and step.new in self._live:
            return  # opened, not made
        if step.old is None:
            self._born[len(self._names)] = _Inode()
        self._apply(self._live, step, len(self._names))
        self._names.append(step)

    def _apply(self, names: dict[str, _Inode], step: Name, number: int) -> None:
        if step.old is None and step.new is not None:
            names[step.new] = self._born[number]
        elif step.new is None and step.old is not None:
            names.pop(step.old, None)
        elif step.old is not None and step.new is not None and step.old in names:
            names[step.new] = names[step.old]
            if not step.link:
                del names[step.old]

    def _sync(self, path: str) -> None:
        inode = self._live.get(path)
        if inode is not None:
            for step in inode.pending:
                _write(inode.octets, step)
            inode.pending.clear()
        elif self._names:  # a folder: all names in it
            for number, step in enumerate(self._names):
                self._apply(self._durable, step, number)
            self._names.clear()
            self._born.clear()

    def cut(self, chance: random.Random | None) -> dict[Path, bytes]:
        """Return the files that a power cut leaves now, by their place; without *chance*, only what was synced."""
        names = dict(self._durable)
        for number, step in enumerate(self._names[: chance.randint(0, len(self._names)) if chance else 0]):
            self._apply(names, step, number)
        left = {}
        for path, inode in names.items():
            octets = bytearray(inode.octets)
            if chance is not None:
                _write_some(octets, inode.pending, chance)
            left[Path(path).relative_to(self._folder)] = bytes(octets)
        return left


def _write(octets: bytearray, step: Write | Resize) -> None:
    if isinstance(step, Write):
        if len(octets) < step.at:
            octets.extend(bytes(step.at - len(octets)))
        octets[step.at : step.at + len(step.octets)] = step.octets
    elif len(octets) < step.size:
        octets.extend(bytes(step.size - len(octets)))
    elif not step.only_longer:
        del octets[step.size :]


def _write_some(octets: bytearray, pending: list[Write | Resize], chance: random.Random) -> None:
    manner = chance.choice(("whole writes", "sectors", "beginning", "all"))
    most = chance.randint(0, len(pending)) if manner == "beginning" else len(pending)
    for step in pending[:most]:
        if isinstance(step, Write) and manner == "sectors":
            at = step.at
            while at < step.at + len(step.octets):
                end = min((at // SECTOR + 1) * SECTOR, step.at + len(step.octets))
                if chance.random() < 0.5:
                    _write(octets, Write(step.path, at, step.octets[at - step.at : end - step.at]))
                at = end
        elif manner in ("beginning", "all") or chance.random() < 0.5:
            _write(octets, step)
