"""The station's local socket: one request, one answer, for whoever the file's permissions let in.

A request is a line ``VERB LENGTH`` and so many bytes; the answer is a word ``ok`` or ``refused``, and a
sentence, or what was asked for. One caller at a time, each with a limit, and nothing here can hold up the loop.
"""

import logging
import os
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from device.system.errors import TitikError
from device.system.worker import Worker
from device.wire import MAX_BUNDLE

log = logging.getLogger(__name__)

NAME = "titik.sock"
RUNTIME = Path("/run/titik")
"""Where the shipped unit keeps it."""
LIMIT = 5.0
"""Seconds that one caller may take."""
MAX_ANSWER = 1_048_576
"""Bytes; whoever has more to say is asked again and again."""
GLANCE = 0.3
"""Seconds after which a wait looks whether the station stops."""
_HEAD = re.compile(rb"([a-z-]{1,40}) ([0-9]{1,7})\n")
_MAX_HEAD = 64


class RequestRefusedError(TitikError):
    """The station will not, and says why."""


class NoStationError(TitikError, OSError):
    """No station answers at the socket, told in one sentence."""


def socket_path(state: Path) -> Path:
    """Return where the socket lies: systemd's ``$RUNTIME_DIRECTORY``, or beside the state."""
    folder = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return (Path(folder) if folder else state) / NAME


class Verb(NamedTuple):
    """What is done at a word."""

    limit: int
    """Bytes that may follow it."""
    answer: Callable[[bytes], str]
    """Takes them and returns the answer, which is short; raises `RequestRefusedError`."""


class ControlSocket(Worker):
    """Answers at *path*, which is made anew, for its owner alone; without it the station serves all the same."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        super().__init__("control_socket")
        self._path = path
        self._verbs = verbs

    def work(self) -> None:
        """Take one caller after another until told to stop."""
        if _taken(self._path):  # its commands would go to nobody, and ours to a station that records nothing
            log.warning("%s: another station answers here; no commands are taken for this one", self._path)
            self._pass_the_time()
            return
        with socket.socket(socket.AF_UNIX) as listener:
            try:
                self._path.unlink(missing_ok=True)
                listener.bind(str(self._path))
                self._path.chmod(0o600)
                listener.listen(4)
            except OSError as error:
                log.warning("%s: no commands are taken here: %s", self._path, error.strerror or error)
                self._pass_the_time()
                return
            listener.settimeout(GLANCE)
            while not self.stopping.is_set():
                with suppress(TimeoutError):
                    caller, _ = listener.accept()
                    with caller, suppress(OSError):  # who hangs up needs no answer
                        self._answer(caller)
            self._path.unlink(missing_ok=True)

    def _pass_the_time(self) -> None:
        while not self.stopping.wait(LIMIT):
            pass  # a worker that ends would end the station, which can do without this one

    def _answer(self, caller: socket.socket) -> None:
        caller.settimeout(GLANCE)
        request = self._request(caller)
        if request is None:
            answer = "refused not a request of this version"
        elif (verb := self._verbs.get(request[0])) is None:
            answer = f"refused this station does not know {request[0]}"
        else:
            try:
                answer = f"ok {verb.answer(request[1])}"
            except RequestRefusedError as refusal:
                answer = f"refused {refusal}"
        caller.sendall(answer.encode())

    def _request(self, caller: socket.socket) -> tuple[str, bytes] | None:
        """Return verb and bytes, ``None`` for what is none, too long, or too slow."""
        until = monotonic() + LIMIT
        octets = b""
        while not self.stopping.is_set() and monotonic() < until:
            head = _HEAD.match(octets)
            if head is None and len(octets) >= _MAX_HEAD:
                return None
            if head is not None:
                name, length = head[1].decode(), int(head[2])
                if length > (self._verbs[name].limit if name in self._verbs else MAX_BUNDLE):
                    return None
                if len(octets) >= head.end() + length:
                    return name, octets[head.end() : head.end() + length]
            with suppress(TimeoutError):
                more = caller.recv(65_536)
                if not more:
                    return None
                octets += more
        return None


def _taken(path: Path) -> bool:
    """Return whether somebody listens at *path* already."""
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(GLANCE)
        try:
            other.connect(str(path))
        except (BlockingIOError, TimeoutError):  # so many callers wait that it takes no more
            return True
        except OSError:  # nothing, or what a station that was killed left
            return False
    return True


def ask(path: Path, verb: str, octets: bytes) -> str:
    """Return the answer of the station at *path*.

    Raises `RequestRefusedError`, and `NoStationError` where none answers.
    """
    try:
        with socket.socket(socket.AF_UNIX) as station:
            station.settimeout(2 * LIMIT)
            station.connect(str(path))
            station.sendall(f"{verb} {len(octets)}\n".encode() + octets)
            answer = b""
            while (more := station.recv(65_536)) and len(answer) <= MAX_ANSWER:
                answer += more
    except OSError as error:
        raise NoStationError(f"no station answers at {path}: {error.strerror or error}") from None
    word, _, sentence = answer.decode("utf-8", "replace").partition(" ")
    if word != "ok":
        raise RequestRefusedError(sentence or "the station hung up")
    return sentence
