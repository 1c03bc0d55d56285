"""Virtual time, and programs that take turns in it: each in a thread of its own, of which never two run.

A program's code runs as it is, loops and waits and all; wherever it would wait for the world it hands the turn back,
and gets it again when its time has come. So a run depends on its seed alone, and an hour takes seconds.
"""

import heapq
from collections.abc import Callable
from itertools import count
from threading import Event, Semaphore, Thread

from device.system.stop import Stop

START = 1_796_083_200.0
"""Unix seconds at which every run begins: 1 December 2026, past the day this program was made."""


class Killed(BaseException):
    """The program was killed: what it still does on its way out is seen by nobody."""


class Actor:
    """One thread of one program."""

    def __init__(
        self,
        stage: "Stage",
        name: str,
        target: Callable[[], None],
        *,
        dying: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        self.due = stage.now
        self.over = False
        self.killed = False
        self.failure: BaseException | None = None
        self._stage = stage
        self._target = target
        self._dying = dying
        self._gone = gone
        self._go = Semaphore(0)
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        stage.actors.append(self)

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self.killed:
                self._target()
        except Killed:
            pass
        except BaseException as failure:  # noqa: BLE001 - kept for `resume`, which raises it where the test sees it
            self.failure = failure
        finally:
            self.over = True
            self._stage.turn_over()

    def pause(self, until: float) -> None:
        """Give the turn away until *until*, or until somebody brings `due` forward. Raises `Killed`."""
        self.check()
        self.due = until
        self._stage.turn_over()
        self._go.acquire()
        self.check()

    def check(self) -> None:
        """Raise `Killed` if this program is dead already."""
        if self.killed:
            raise Killed

    def die(self) -> None:
        """Be killed just here. Raises `Killed`."""
        self._dying()
        self.killed = True
        raise Killed

    def hasten(self, at: float) -> None:
        """Let its turn come at *at*, if it would come later."""
        self.due = min(self.due, at)

    def resume(self) -> None:
        """Let it run until it waits again; AssertionError if it fell over."""
        self._stage.turn_of(self, self._go)
        if self.over:
            self._thread.join()
            self._stage.actors.remove(self)
            if self.failure is not None:
                raise AssertionError(f"{self._thread.name} fell over: {self.failure!r}") from self.failure
            self._gone()

    def kill(self) -> None:
        """End it where it waits."""
        self._dying()
        self.killed = True
        while not self.over:
            self.resume()


class Stage:
    """The clock that all share, what is to happen, and who runs now."""

    def __init__(self) -> None:
        self.now = 0.0
        self.actors: list[Actor] = []
        self.running: Actor | None = None
        self.turns = 0
        self._back = Semaphore(0)
        self._plan: list[tuple[float, int, Callable[[], None]]] = []
        self._count = count()

    def tick(self) -> float:
        """Return monotonic seconds."""
        return 1000.0 + self.now

    def true(self) -> float:
        """Return the true time, Unix seconds."""
        return START + self.now

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Let *what* happen at *when*."""
        heapq.heappush(self._plan, (when, next(self._count), what))

    def turn_over(self) -> None:
        """Give the turn back to whoever runs the stage."""
        self._back.release()

    def turn_of(self, actor: Actor, go: Semaphore) -> None:
        """Let *actor* run until it gives the turn back."""
        before, self.running = self.running, actor
        self.turns += 1
        go.release()
        self._back.acquire()
        self.running = before

    def run(self, until: float) -> None:
        """Let everything happen that is due by *until*."""
        while True:
            actor = min(self.actors, key=lambda one: one.due, default=None)
            planned = self._plan[0][0] if self._plan else until + 1
            if actor is not None and actor.due < planned:
                if actor.due > until:
                    break
                self.now = max(self.now, actor.due)
                actor.resume()
            else:
                if planned > until:
                    break
                self.now = max(self.now, planned)
                heapq.heappop(self._plan)[2]()
        self.now = max(self.now, until)

    def here(self) -> Actor:
        """Return the program that runs now."""
        assert self.running is not None
        return self.running


class Pause(Event):
    """A word to stop, for which a program waits in virtual time."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most *timeout* seconds for the word."""
        assert timeout is not None
        return _wait(self._stage, self.is_set, timeout)


class Halt(Stop):
    """The same, for the centre."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def wait(self, seconds: float) -> bool:
        """Wait at most *seconds* for the word."""
        return _wait(self._stage, self.is_set, seconds)


def _wait(stage: Stage, told: Callable[[], bool], seconds: float) -> bool:
    if not told() and seconds > 0:
        stage.here().pause(stage.now + seconds)
    return told()
