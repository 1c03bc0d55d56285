"""Child processes, each in a session of its own, heard through one selector and ended by nobody but us.

Ctrl-C in a terminal goes to the demo alone, which then stops them in its own order. Should the demo itself be
killed without a word (``kill -9``), the kernel sends each child SIGTERM, by util-linux' ``setpriv``; on a
machine without it they would go on, and ``kill`` with the ids that `Children.start` reported ends them.
"""

import os
import selectors
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

LAST = 12
"""Lines of each child that are kept, to be shown should it die."""
MAX_LINE = 65_536
LEFT_WITHIN = 3.0
"""Seconds for children that are left over to end by themselves, all together."""
KILLED_WITHIN = 5.0
"""Seconds for the kernel to end a child that was sent SIGKILL."""


class ChildDied(Exception):  # noqa: N818 - what happened, not an error of ours
    """A child ended that nobody had asked to."""

    def __init__(self, name: str, code: int, last: Sequence[str]) -> None:
        super().__init__(f"{name} ended unexpectedly with {code}")
        self.name = name
        self.code = code
        self.last = tuple(last)


class _Child:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.last: deque[str] = deque(maxlen=LAST)
        self.rest = b""
        self.asked = False
        self.heard_out = False


class Children:
    """The demo's processes, bound to a ``with`` block: leaving it leaves none of them."""

    def __init__(self) -> None:
        self._children: dict[str, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._setpriv = shutil.which("setpriv")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        alive = [child.process for child in self._children.values() if child.process.poll() is None]
        for process in alive:
            process.terminate()
        end = monotonic() + LEFT_WITHIN
        for process in alive:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - monotonic()))
        for child in self._children.values():
            child.process.kill()  # does nothing to one that is gone
            child.process.wait(KILLED_WITHIN)
            if child.process.stderr is not None:
                child.process.stderr.close()
        self._selector.close()

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str], folder: Path) -> int:
        """Start *command* in *folder* under *name*; return its process id. Raises OSError."""
        bound = [self._setpriv, "--pdeathsig", "TERM", "--"] if self._setpriv else []
        process = subprocess.Popen(
            [*bound, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=folder,
            start_new_session=True,
        )
        child = self._children[name] = _Child(process)
        if process.stderr is not None:
            os.set_blocking(process.stderr.fileno(), False)
            self._selector.register(process.stderr, selectors.EVENT_READ, (name, child))
        return process.pid

    def hear(self, seconds: float) -> list[tuple[str, str]]:
        """Return what was said by whom, after waiting at most *seconds* for somebody to speak.

        Raises `ChildDied` once a child that was not asked to end has ended, and all it said was returned.
        """
        self._check()
        said: list[tuple[str, str]] = []
        for key, _ in self._selector.select(seconds):
            name, child = key.data
            said += [(name, line) for line in self._read(child)]
        return said

    def stop(self, names: Collection[str]) -> None:
        """Ask those of these children that were started to end, all at once."""
        for child in self._of(names):
            child.asked = True
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)

    def ended(self, names: Collection[str]) -> bool:
        """Return whether those of these children that were started are gone, and all they said was heard."""
        return all(child.heard_out and child.process.poll() is not None for child in self._of(names))

    def codes(self, names: Collection[str]) -> dict[str, int | None]:
        """Return the exit codes of those of these children that were started, ``None`` for one that lives."""
        return {name: self._children[name].process.poll() for name in names if name in self._children}

    def _of(self, names: Collection[str]) -> list[_Child]:
        return [self._children[name] for name in names if name in self._children]

    def _read(self, child: _Child) -> list[str]:
        if child.process.stderr is None:
            return []
        got = os.read(child.process.stderr.fileno(), MAX_LINE)
        if not got:
            self._selector.unregister(child.process.stderr)
            child.heard_out = True
            got = b"\n" if child.rest else b""
        *whole, child.rest = (child.rest + got).split(b"\n")
        if len(child.rest) > MAX_LINE:
            child.rest = b""  # no line of ours is that long
        lines = [line.decode("utf-8", "replace") for line in whole]
        child.last.extend(lines)
        return lines

    def _check(self) -> None:
        for name, child in self._children.items():
            code = child.process.poll()
            if code is not None and not child.asked and child.heard_out:
                raise ChildDied(name, code, child.last)


def wait_until(condition: Callable[[], bool], limit: float, turn: Callable[[float], None]) -> bool:
    """Take turns until *condition* holds, *limit* seconds at most; return whether it came to hold."""
    end = monotonic() + limit
    while not condition():
        left = end - monotonic()
        if left <= 0:
            return False
        turn(min(left, 0.2))
    return True
