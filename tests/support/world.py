"""The world around the programs, for tests: a port, a broker, a child process, and waiting with a limit."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from random import SystemRandom
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar
from unittest.mock import patch

import pytest

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]
ALL_SEEDS = os.environ.get("TITIK_SEEDS") == "all"
"""Whether tests draw all that they may draw at random, as `make seeds` does, and not a few of it."""
PATIENCE = 180.0
"""Seconds after which what is waited for counts as hanging: no expectation, so there is one of it for all waits.

It holds beside eight busy processes, where a second of work takes ten. What waits in the test's own thread needs none:
pytest's limit for a test, which is longer, ends that and shows where it stood.
"""


def run_here(
    main: Callable[[list[str]], int], *words: str | Path, text: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a program's *main* in this process, with *text* at its standard input.

    A process of its own takes a third of a second of CPU to begin; what is about one (signals, pipes, exit codes that
    the system sees) starts a `Child`.
    """
    given = TextIOWrapper(BytesIO(text), encoding="utf-8")
    out, err = BytesIO(), BytesIO()
    with (
        patch("sys.stdin", given),
        redirect_stdout(TextIOWrapper(out, encoding="utf-8", write_through=True)) as told,
        redirect_stderr(TextIOWrapper(err, encoding="utf-8", write_through=True)) as said,
    ):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        octets = out.getvalue(), err.getvalue()
        told.detach()
        said.detach()
    return subprocess.CompletedProcess(words, code, *octets)


def free_port() -> int:
    """Return a TCP port on loopback that nobody had a moment ago, below those that clients are given meanwhile."""
    while True:
        port = SystemRandom().randrange(10_000, 32_768)
        with socket.socket() as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


def wait_for(condition: Callable[[], T], what: str = "") -> T:
    """Return the first true value of *condition*; AssertionError after `PATIENCE` without one."""
    pause = Event()
    until = monotonic() + PATIENCE
    while not (value := condition()):
        if monotonic() > until:
            raise AssertionError(f"waited {PATIENCE} s in vain: {what or getattr(condition, '__name__', condition)}")
        pause.wait(0.02)
    return value


def answers(port: int) -> bool:
    """Return whether something on loopback takes a connection on *port*."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), PATIENCE):
        return True
    return False


class Beside:
    """A part of the world that works on a thread of its own, `_run`, until its ``with`` block ends."""

    def __init__(self, name: str) -> None:
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        """Work until `_stopping` is set."""
        raise NotImplementedError


class Mosquitto:
    """A real mosquitto on a free loopback port, bound to a ``with`` block.

    Anybody may connect, unless *extra_conf* (lines of mosquitto.conf) says otherwise. With *conf* that text is
    the whole configuration; it must listen on *port*, so choose one with `free_port` first.
    """

    def __init__(self, tmp_path: Path, extra_conf: str = "", *, conf: str | None = None, port: int = 0) -> None:
        self.port = port or free_port()
        self.folder = tmp_path / f"mosquitto-{self.port}"
        self._conf = conf if conf is not None else _conf(self.port, extra_conf)
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Its process, while it runs."""
        assert self._child is not None, "it does not run"
        return self._child.pid

    @property
    def log(self) -> str:
        """What mosquitto wrote so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it, on the same port as before, and wait until it takes connections."""
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        assert program, "mosquitto is not installed. Next: tools/setup"
        assert self._child is None, "it runs already"
        self.folder.mkdir(exist_ok=True)
        conf = self.folder / "mosquitto.conf"
        conf.write_text(self._conf, encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            child = subprocess.Popen([program, "-c", str(conf)], cwd=self.folder, stdout=log, stderr=log)
        self._child = child
        wait_for(lambda: child.poll() is not None or answers(self.port), what="mosquitto listens")
        if child.poll() is not None:
            self._child = None
            raise AssertionError(f"mosquitto ended with {child.returncode}:\n{self.log}")

    def kill(self) -> None:
        """Kill it as a power cut would; twice does no harm."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


def _conf(port: int, extra: str) -> str:
    lines = [
        f"listener {port} 127.0.0.1",
        "set_tcp_nodelay true",
        "max_queued_messages 100000",  # with 0, mosquitto 2.0.11 cuts off whoever publishes what its ACL denies
        "log_type error",
        "log_type warning",
        "log_type notice",
    ]
    if "max_inflight_messages" not in extra:
        lines.append("max_inflight_messages 1000")
    if "allow_anonymous" not in extra:
        lines.append("allow_anonymous true")
    if os.geteuid() == 0:
        lines.append("user root")  # else it gives up root for a user who may not enter tmp_path
    return "\n".join([*lines, extra, ""])


class Child:
    """A program of ours as a child process, with what it printed; killed when its ``with`` block ends."""

    def __init__(self, arguments: Sequence[str | Path], folder: Path, env: Mapping[str, str] | None = None) -> None:
        self._arguments = [str(argument) for argument in arguments]
        self._env = {**os.environ, "PYTHONPATH": str(REPOSITORY), **(env or {})}
        self._folder = folder
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "out").open("ab") as out, (self._folder / "err").open("ab") as err:
            self.process = subprocess.Popen(
                self._arguments, cwd=self._folder, env=self._env, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def out(self) -> str:
        """Its standard output so far, of every start in this folder."""
        return (self._folder / "out").read_text(encoding="utf-8", errors="replace")

    @property
    def err(self) -> str:
        """Its standard error so far, of every start in this folder."""
        return (self._folder / "err").read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """SIGKILL, as ``kill -9``; twice does no harm."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, then wait for its end; return its exit code."""
        self.process.terminate()
        return self.process.wait()


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    """Bind a small file system of its own to *folder*; skips, saying so, where this user may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"this user may not mount a file system: {made.stderr.decode(errors='replace').strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
