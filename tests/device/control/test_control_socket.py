"""The local socket: one request, one answer, bounded in size and time, and nobody else's."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.control import control_socket
from device.control.control_socket import ControlSocket, NoStationError, RequestRefusedError, Verb, ask
from device.wire import MAX_BUNDLE
from tests.support.control import listens
from tests.support.world import wait_for


def echo(octets: bytes) -> str:
    if octets == b"no":
        raise RequestRefusedError("not this")
    return f"took {len(octets)}"


ECHO = {"echo": Verb(MAX_BUNDLE, echo), "hush": Verb(0, echo), "few": Verb(3, echo)}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "titik.sock"
    with ControlSocket(where, ECHO):
        wait_for(lambda: listens(where))
        yield where


def say(path: Path, octets: bytes) -> bytes:
    """Send anything and hang up; return the answer."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))
        caller.sendall(octets)
        caller.shutdown(socket.SHUT_WR)
        return caller.recv(1000)


def test_a_request_is_answered_whole(path: Path) -> None:
    assert ask(path, "echo", b"") == "took 0"
    assert ask(path, "echo", bytes(MAX_BUNDLE)) == f"took {MAX_BUNDLE}"
    assert (ask(path, "hush", b""), ask(path, "few", b"abc")) == ("took 0", "took 3")
    with pytest.raises(RequestRefusedError, match=r"^not this$"):
        ask(path, "echo", b"no")
    with pytest.raises(RequestRefusedError, match=r"^this station does not know shout$"):
        ask(path, "shout", b"")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\n",
        b"echo\n",
        b"echo -1\n",
        b"echo 5\nabc",
        b"ECHO 1\nx",
        b"echo 9999999\n",
        b"x" * 100,
        b"echo 1 2\n",
        b"hush 1\nx",
        b"few 4\nxxxx",
    ],
)
def test_what_is_no_request_is_refused_and_the_next_is_served(path: Path, octets: bytes) -> None:
    assert say(path, octets) == b"refused not a request of this version"
    assert ask(path, "echo", b"1") == "took 1"


def test_a_caller_who_says_nothing_is_left_after_a_while(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_socket, "LIMIT", 0.2)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.connect(str(path))
        assert ask(path, "echo", b"1") == "took 1"


def test_only_its_owner_may_open_it_and_it_goes_with_the_station(tmp_path: Path) -> None:
    where = tmp_path / "titik.sock"
    where.write_bytes(b"left by a station that was killed")
    with ControlSocket(where, ECHO):
        wait_for(lambda: listens(where))
        assert stat.S_IMODE(where.stat().st_mode) == 0o600
        assert ask(where, "echo", b"") == "took 0"
    assert not where.exists()
    with pytest.raises(NoStationError, match="no station answers at"):
        ask(where, "echo", b"")


def test_a_second_station_takes_no_commands_from_the_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    where = tmp_path / "titik.sock"
    with ControlSocket(where, ECHO):
        wait_for(lambda: listens(where))
        with ControlSocket(where, {}) as second:
            wait_for(lambda: "another station answers here" in caplog.text)
            second.check()
            assert ask(where, "echo", b"1") == "took 1"
        assert ask(where, "echo", b"1") == "took 1"
    assert not where.exists()


def test_a_station_without_its_socket_serves_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with ControlSocket(tmp_path / "gone" / "titik.sock", {}) as worker:
        wait_for(lambda: "no commands are taken here" in caplog.text)
        worker.check()
