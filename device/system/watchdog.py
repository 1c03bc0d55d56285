"""What the watchdog is told: that a turn of the loop went all the way through, and the workers live."""

from collections.abc import Sequence

from device.system.systemd import Notifier
from device.system.worker import Worker


class Watchdog:
    """Beats once a turn; no timer and no other thread may ever feed the watchdog."""

    def __init__(self, workers: Sequence[Worker], notifier: Notifier) -> None:
        self._workers = workers
        self._notifier = notifier
        self._ready = False
        self._fed = 0.0

    def beat(self, tick: float) -> None:
        """Say READY after the first turn and WATCHDOG at most every third of its period.

        Raises RuntimeError, with its cause, if a worker has died.
        """
        for worker in self._workers:
            worker.check()
        if not self._ready:
            self._ready = True
            self._notifier.ready()
        if self._notifier.period is not None and tick - self._fed >= self._notifier.period:
            self._fed = tick
            self._notifier.alive()
