"""The watchdog is told the truth: over a real datagram socket, with real threads."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.system.stop import Stop
from device.system.systemd import Notifier
from device.system.watchdog import Watchdog
from device.system.worker import Worker
from tests.support.notify_socket import heard
from tests.support.world import wait_for


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        yield bound


class Idle(Worker):
    def __init__(self) -> None:
        super().__init__("idle")
        self.fail = threading.Event()
        self._woken = threading.Event()

    def work(self) -> None:
        while not self.stopping.is_set():
            self._woken.wait(0.01)
            if self.fail.is_set():
                raise ZeroDivisionError("a worker's own mistake")


class Deaf(Worker):
    grace = 0.05

    def __init__(self, release: threading.Event) -> None:
        super().__init__("deaf")
        self._release = release

    def work(self) -> None:
        self._release.wait(3600)


def test_ready_comes_after_the_first_turn_and_life_every_third_of_the_period(journal: socket.socket) -> None:
    notifier = Notifier.from_env({"NOTIFY_SOCKET": str(journal.getsockname()), "WATCHDOG_USEC": "30000000"})
    assert notifier.period == 10
    with Idle() as idle:
        watchdog = Watchdog([idle], notifier)
        assert heard(journal) == []
        for tick in (100.0, 101.0, 109.9, 110.0, 119.9, 125.0):
            watchdog.beat(tick)
    notifier.stopping()
    notifier.close()
    assert heard(journal) == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_dead_worker_stops_the_heart_and_is_named_with_its_cause(journal: socket.socket) -> None:
    idle = Idle()
    notifier = Notifier(str(journal.getsockname()), 1.0)
    watchdog = Watchdog([idle], notifier)
    idle.__enter__()
    watchdog.beat(0.0)
    idle.fail.set()
    wait_for(lambda: not idle._thread.is_alive())
    with pytest.raises(RuntimeError, match="idle is gone") as raised:
        watchdog.beat(1000.0)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    with pytest.raises(RuntimeError, match="idle failed"):
        idle.__exit__(None, None, None)
    notifier.close()
    assert heard(journal) == [b"READY=1"]


def test_a_worker_that_does_not_stop_is_an_error_with_a_name() -> None:
    release = threading.Event()
    with pytest.raises(RuntimeError, match="deaf did not stop"), Deaf(release):
        pass
    release.set()


def test_nobody_listening_is_nobody_told(tmp_path: Path) -> None:
    for notifier in (Notifier.from_env({}), Notifier(str(tmp_path / "nobody"), None)):
        notifier.ready()
        notifier.alive()
        notifier.close()
    assert Notifier.from_env({"WATCHDOG_USEC": "x"}).period is None
    assert Notifier.from_env({"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}).period is None


def test_a_full_socket_never_holds_up_the_loop(journal: socket.socket) -> None:
    notifier = Notifier(str(journal.getsockname()), None)
    for _ in range(5000):
        notifier.alive()  # who waited here would wait for ever: nobody reads
    notifier.close()
    assert len(heard(journal)) < 5000


def test_the_word_to_stop_cuts_a_wait_short_also_from_a_signal() -> None:
    with Stop() as stop:
        before = signal.signal(signal.SIGUSR2, lambda *_: stop.set())
        try:
            timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR2))
            timer.start()
            assert stop.wait(3600) is True
            timer.join()
        finally:
            signal.signal(signal.SIGUSR2, before)
        for _ in range(100_000):
            stop.set()
        assert (stop.is_set(), stop.wait(3600)) == (True, True)
