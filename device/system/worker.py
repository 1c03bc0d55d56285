"""A thread that is entered, watched and left."""

from abc import abstractmethod
from threading import Event, Thread
from types import TracebackType
from typing import Self


class Worker:
    """A thread bound to a ``with`` block, whose failure is never silent.

    A subclass writes `work`, returns from it soon after *stopping* is set, and never waits without a
    limit or something sure to wake it.
    """

    grace = 1.5
    """Seconds that leaving waits for the thread; stopping as a whole has two (``design.md``)."""

    leavable = False
    """Whether it waits for something with a limit of its own and nothing in its hands, so that an exit may
    leave it behind."""

    def __init__(self, name: str) -> None:
        self.stopping = Event()
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)  # a hung thread must not hold exit

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self.wake()
        self._thread.join(self.grace)
        if self._thread.is_alive() and not self.leavable:
            raise RuntimeError(f"{self._thread.name} did not stop within {self.grace} s")
        if kind is None and self._failure is not None:
            raise RuntimeError(f"{self._thread.name} failed") from self._failure

    def check(self) -> None:
        """Raise RuntimeError, with its cause, if the thread has died."""
        if not self._thread.is_alive():
            raise RuntimeError(f"{self._thread.name} is gone") from self._failure

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as failure:  # noqa: BLE001 - kept for check, which raises it in the main thread
            self._failure = failure

    @abstractmethod
    def work(self) -> None:
        """Do the thread's work until *stopping* is set."""

    def wake(self) -> None:
        """Cut a wait short; the default has nothing to cut."""
