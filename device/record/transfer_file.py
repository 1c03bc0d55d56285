"""A file that carries events to the centre, or its receipts back, where no network reaches.

Each line is a JSON object with a checksum of its own, so that what is whole of a damaged file still counts, and
what is not is told. The first line says whose the file is, the last one how much there was:

    {"sha256":"…","header":{"centre":null,"format":"titik-stick","holds":"events","made":"…","point":"…","version":1}}
    {"sha256":"…","line":[…]}
    {"sha256":"…","end":{"events":2,"lines":1,"sha256":"…"}}

A line of events is a message exactly as on the wire, a line of receipts an answer to one. The checksum is over
what stands between it and the closing brace; the last line's own ``sha256`` over all the lines before it.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from device.system.disk import NotPlainError, open_plain, sync_folder
from device.system.errors import TitikError
from device.wire import MAX_MESSAGE, MAX_POINT, POINT, dumps, loads

FORMAT, VERSION = "titik-stick", 1
ENDING = ".jsonl"
MAX_LINE = MAX_MESSAGE + 200
"""Bytes of a line with its checksum."""
MAX_DAMAGED, MAX_DAMAGED_BYTES = 10_000, 67_108_864
"""Lines that are not ours, and their bytes, after which a file is read no further: 200 GB of holes are soon made."""
MAX_NAMED = 10
"""Numbers of damaged lines that are kept to be told; all of them are counted."""
_LINE = re.compile(rb'\{"sha256":"([0-9a-f]{64})",("(header|line|end)":(.+))\}\n', re.DOTALL)


class Holds(StrEnum):
    """What a file carries."""

    EVENTS = "events"
    RECEIPTS = "receipts"


class TransferFileError(TitikError):
    """A file that cannot be written or read, in both languages, with what to do next."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whose the file is."""

    holds: Holds
    point: str
    made: str
    """UTC, ISO 8601, by the clock of whoever made it; nothing follows from it."""
    centre: str | None = None
    """The life of the centre that gave the receipts."""


class TransferWriter:
    """Writes the lines of the file that is to lie at *path*; see `writing`. Raises `TransferFileError`."""

    def __init__(self, path: Path, file: BinaryIO, header: Header) -> None:
        self.lines = self.events = 0
        self._path = path
        self._file = file
        self._hashed = sha256()
        fields = {"format": FORMAT, "version": VERSION, "holds": header.holds, "point": header.point}
        self._put(b"header", dumps({**fields, "made": header.made, "centre": header.centre}))

    def write(self, octets: bytes, events: int) -> None:
        """Write one line, compact JSON that speaks of so many *events*."""
        self._put(b"line", octets)
        self.lines += 1
        self.events += events

    def end(self) -> None:
        """Write the last line; returns when all of them are on the stick."""
        fields = {"lines": self.lines, "events": self.events, "sha256": self._hashed.hexdigest()}
        self._put(b"end", dumps(fields))
        with _telling(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def _put(self, kind: bytes, octets: bytes) -> None:
        summed = b'"%s":%s' % (kind, octets)
        line = b'{"sha256":"%s",%s}\n' % (sha256(summed).hexdigest().encode(), summed)
        self._hashed.update(line)
        with _telling(self._path):
            self._file.write(line)


@contextmanager
def writing(path: Path, header: Header) -> Iterator[TransferWriter]:
    """Bind the pen for a new file, which has its name, whole and durable, once the block has ended well.

    Raises `TransferFileError`. Where anything is raised, the new file is taken away again, and *path* is what it was.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        with _telling(path):
            fresh.unlink(missing_ok=True)
            file = os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
        try:
            pen = TransferWriter(path, file, header)
            yield pen
            pen.end()
        finally:
            with suppress(OSError):  # what was not written is known by now
                file.close()
        with _telling(path):
            fresh.replace(path)
            sync_folder(path.parent)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransferFileError(
            f"{path} tidak dapat ditulis, dan tidak ada yang hilang. / cannot be written ({error.strerror or error}),"
            f" and nothing is lost. Next: df -h {path.parent}, then the same again"
        ) from error


class TransferFile:
    """A file that somebody brought, bound to a ``with`` block; its lines are read once, one at a time.

    Entering raises `TransferFileError` where *path* is no file of ours that *holds* this, or its first line is damaged.
    """

    def __init__(self, path: Path, holds: Holds) -> None:
        self.path = path
        self.damaged = 0
        """Lines so far that are not what was written."""
        self.given_up = False
        """Whether so much is not what was written that the rest was not read."""
        self.where: list[int] = []
        """The numbers of the first of them."""
        self.whole = False
        """After the last line: whether every line is there, and nothing else."""
        self.header: Header
        self._holds = holds
        self._hashed = sha256()
        self._lines = 0
        self._number = 1
        self._damaged_bytes = 0

    def __enter__(self) -> Self:
        try:
            self._file = open_plain(self.path)
        except NotPlainError as error:
            raise TransferFileError(
                f"{self.path} bukan berkas biasa; tidak ada yang diambil. / nothing was taken: {error.strerror}."
                f" Next: ls -l {self.path.parent}"
            ) from error
        except OSError as error:
            raise TransferFileError(
                f"{self.path} tidak dapat dibaca. / cannot be read: {error.strerror}. Next: ls -l {self.path.parent}"
            ) from error
        try:
            self._begin()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _begin(self) -> None:
        self._left = os.fstat(self._file.fileno()).st_size  # of a file that grows while it is read, no more
        kind, octets = self._line() or ("", b"")
        header = _header(octets) if kind == "header" else None
        if header is None:
            raise TransferFileError(
                f"{self.path} bukan berkas titik, atau baris pertamanya rusak; tidak ada yang diambil."
                " Berikutnya: ekspor lagi. / is no file of titik's, or its first line is damaged; nothing was taken."
                " Next: export again, the station still has everything"
            )
        if header.holds is not self._holds:
            raise TransferFileError(
                f"{self.path} berisi tanda terima. Berikutnya, di titik {header.point}: titik queue import BERKAS."
                f" / holds receipts. Next, at {header.point}: titik queue import FILE"
                if header.holds is Holds.RECEIPTS
                else f"{self.path} berisi peristiwa. Berikutnya, di pusat: titik-central import BERKAS."
                " / holds events. Next, at the centre: titik-central import FILE"
            )
        self.header = header

    def __iter__(self) -> Iterator[bytes]:
        """Yield the whole lines' JSON. Raises `TransferFileError` where the stick can no longer be read."""
        while self._left > 0 and not self.given_up:
            before = self._hashed.hexdigest()
            self._number += 1
            kind, octets = self._line() or ("", b"")
            self.whole = kind == "end" and not self.damaged and _ends(octets, self._lines, before)
            if kind == "line":
                self._lines += 1
                yield octets
            elif kind != "end":
                self.damaged += 1
                self.given_up = self.given_up or self.damaged >= MAX_DAMAGED
                if len(self.where) < MAX_NAMED:
                    self.where.append(self._number)

    def several(self, most: int) -> Iterator[list[bytes]]:
        """Yield the whole lines' JSON, up to *most* at a time; raises `TransferFileError` as iterating does."""
        lines = iter(self)
        while some := list(islice(lines, most)):
            yield some

    def _line(self) -> tuple[str, bytes] | None:
        """Return the next line's kind and its JSON, ``None`` where it is damaged."""
        line = self._read()
        length, found = len(line), _LINE.fullmatch(line)
        while not line.endswith(b"\n") and self._left > 0 and not self.given_up:  # too long: passed over in pieces
            line, found = self._read(), None
            length += len(line)
            self.given_up = self._damaged_bytes + length > MAX_DAMAGED_BYTES
        if found is None or sha256(found[2]).hexdigest().encode() != found[1]:
            self._damaged_bytes += length
            return None
        return found[3].decode(), found[4]

    def _read(self) -> bytes:
        try:
            octets = self._file.readline(min(MAX_LINE, self._left))
        except OSError as error:
            raise TransferFileError(
                f"{self.path} tidak dapat dibaca sampai akhir. / cannot be read to its end: {error.strerror}."
                " Next: the same again, or export again; what was taken is not taken twice"
            ) from error
        self._left = self._left - len(octets) if octets else 0
        self._hashed.update(octets)
        return octets


def _header(octets: bytes) -> Header | None:
    try:
        fields = loads(octets, 4096)
    except ValueError:
        return None
    match fields:
        case {"format": "titik-stick", "version": 1, "holds": "events" | "receipts" as holds} if (
            isinstance(point := fields.get("point"), str) and len(point) <= MAX_POINT and POINT.match(point)
        ):
            made, centre = fields.get("made"), fields.get("centre")
            return Header(Holds(holds), point, str(made)[:40], centre[:40] if isinstance(centre, str) else None)
    return None


def _ends(octets: bytes, lines: int, digest: str) -> bool:
    try:
        fields = loads(octets, 4096)
    except ValueError:
        return False
    return isinstance(fields, dict) and (fields.get("lines"), fields.get("sha256")) == (lines, digest)


def told_of(stick: TransferFile) -> str | None:
    """Return what was not whole of *stick*, read to its end, in a sentence; ``None`` where all of it was there."""
    if stick.given_up:
        return (
            f"{stick.path}: terlalu banyak yang rusak; sisanya tidak dibaca, yang utuh diambil. / too much of it is not"
            " what was written; the rest was not read, and what is whole was taken. Next: export again at the station"
        )
    if stick.damaged:
        where = ", ".join(map(str, stick.where)) + (", …" if stick.damaged > len(stick.where) else "")
        return (
            f"{stick.path}: {stick.damaged} baris rusak dilewati ({where}); yang utuh diambil, dan tidak ada yang"
            " hilang. / damaged lines were passed over; what is whole was taken, and nothing is lost."
            " Next: export again at the station"
        )
    if not stick.whole:
        return (
            f"{stick.path} tidak lengkap; yang ada diambil, dan tidak ada yang hilang. / is not complete;"
            " what is there was taken, and nothing is lost. Next: export again at the station"
        )
    return None
