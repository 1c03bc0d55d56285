"""What goes wrong in normal life: each has one clear line, and the station serves on or ends as promised."""

import random
import shutil
import socket
import sqlite3
import string
import subprocess
import zlib
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from time import monotonic

import pytest

from device.formats import base45
from tests.support.centre import CentreProgram
from tests.support.credentials import staff_pass
from tests.support.notify_socket import heard
from tests.support.point import DATES, Station, hold_up, save
from tests.support.world import REPOSITORY, Mosquitto, free_port, tmpfs, wait_for

LOOP = {"loop": "true", "gap": 0.8}


def staff(number: str = "0001") -> str:
    return staff_pass(number, **DATES)


def test_no_camera_is_a_fault_that_is_told_and_the_service_goes_on(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, Station(tmp_path / "p", broker.port, camera={"source": '"picamera2"'}) as point:
        point.says("warning: the eye is away: picamera2 is not installed")
        point.says("sudo apt install python3-picamera2")
        point.says("state degraded camera")
        assert point.child.stop() == 0


def test_a_camera_unplugged_is_a_fault_and_serves_again_when_it_is_back(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "c", broker.port) as centre:
        point = Station(tmp_path / "p", broker.port, camera=LOOP)
        hold_up(point, staff())
        with point:
            point.says("state online")
            point.pictures.rename(tmp_path / "unplugged")
            point.says("warning: the eye is away: ")
            point.says("state degraded camera")
            (tmp_path / "unplugged").rename(point.pictures)
            point.says("the eye is back")
            point.says("state online", times=2)
            before = len(point.shown())
            wait_for(lambda: len(point.shown()) > before)
            point.pictures.rename(tmp_path / "unplugged")
            wait_for(lambda: point.owed() == 0)
            assert point.child.stop() == 0
        assert sorted(centre.ids()) == sorted(point.recorded())


def test_without_libzbar_it_says_so_once_and_reads_with_the_first_reader(tmp_path: Path) -> None:
    bare = tmp_path / "bare" / "pyzbar"
    bare.mkdir(parents=True)
    (bare / "__init__.py").write_text("")
    (bare / "pyzbar.py").write_text("raise ImportError('Unable to find zbar shared library')\n")
    point = Station(tmp_path / "p", free_port())
    point.env = {"PYTHONPATH": f"{bare.parent}:{REPOSITORY}"}
    hold_up(point, staff())
    with point:
        assert point.ends() == 0
    assert point.child.err.count("libzbar is missing") == 1
    assert "sudo apt install libzbar0" in point.child.err
    assert len(point.shown()) == 1


def test_without_a_broker_everything_is_kept_and_said_once(tmp_path: Path) -> None:
    point = Station(tmp_path / "p", free_port())
    hold_up(point, staff("0001"), staff("0002"))
    with point:
        assert point.ends() == 0
    assert point.owed() == 2
    assert point.child.err.count("no program listens on the port; events are kept") == 1


def test_a_wrong_password_is_named_and_everything_is_kept(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("bupati-1:$6$aaaa$bbbb\n")
    conf = f"allow_anonymous false\npassword_file {tmp_path / 'passwords'}"
    with Mosquitto(tmp_path, conf) as broker:
        point = Station(tmp_path / "p", broker.port, more='username = "bupati-1"')
        hold_up(point, staff())
        point.write()
        (point.folder / "secrets" / "mqtt-password").write_text("KATASANDI-SALAH\n")
        with point:
            point.says("warning: the broker refused this client: ")
            assert point.ends() == 0
    assert point.owed() == 1
    assert "KATASANDI" not in point.child.err


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("[point\n", ["this is not TOML: "]),
        ('[point]\nname = "bupati-1"\n', ["point.site is missing"]),
        (
            '[point]\nname = "bupati-1"\nsite = "bupati"\n[pins]\nfactory = "mock"\nred = 17\ngreen = 17\n',
            ["[pins] red and green are both on GPIO 17"],
        ),
    ],
)
def test_a_configuration_that_cannot_be_served_ends_with_78_after_the_fault_lamp(
    tmp_path: Path, text: str, sentences: list[str]
) -> None:
    point = Station(tmp_path / "p", free_port())
    point.folder.mkdir()
    point.config.write_text(text)
    with point:
        assert point.ends() == 78
    for sentence in [*sentences, "Next: titik check-config"]:
        assert point.child.err.count(sentence) == 1
    assert "Traceback" not in point.child.err


def test_an_unknown_key_warns_and_the_station_serves(tmp_path: Path) -> None:
    point = Station(tmp_path / "p", free_port(), more='[cosmetic]\ncolour = "blue"')
    hold_up(point, staff())
    with point:
        assert point.ends() == 0
    assert "unknown key cosmetic is not used" in point.child.err
    assert len(point.shown()) == 1


def test_a_read_only_state_folder_is_out_of_order_and_ends_by_itself(tmp_path: Path) -> None:
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        point = Station(tmp_path / "p", broker.port, camera=LOOP)
        state = stack.enter_context(tmpfs(point.folder / "state", "8m"))
        hold_up(point, staff())
        subprocess.run(["mount", "-o", "remount,ro", str(state)], check=True)
        stack.enter_context(point)
        point.says("error: out of order: nothing can be recorded: ")
        point.says("state degraded outbox")
        assert point.shown() == []
        subprocess.run(["mount", "-o", "remount,rw", str(state)], check=True)
        point.says("events can be recorded again")
        point.says("state degraded bundle")  # it is written down within the minute
        wait_for(point.shown)
        assert point.child.stop() == 0
        assert point.recorded() == [one[0] for one in point.shown()]


def test_a_full_disk_refuses_visibly_and_resumes_by_itself(tmp_path: Path) -> None:
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        centre = stack.enter_context(CentreProgram(tmp_path / "c", broker.port))
        point = Station(tmp_path / "p", broker.port, camera={"loop": "true", "hold": 0.1, "gap": 0.0})
        state = stack.enter_context(tmpfs(point.folder / "state", "2m"))
        hold_up(point, *(staff(f"{n:04d}") for n in range(12)))
        stack.enter_context(point)
        point.says("shown ")
        with suppress(OSError):  # the station may take some of it meanwhile; the disk is full all the same
            (state / "ballast").write_bytes(b"x" * shutil.disk_usage(state).free)
        point.says("error: out of order: nothing can be recorded: the disk ")  # is full, or nearly so
        point.says("state degraded outbox")
        (state / "ballast").unlink()
        point.says("events can be recorded again")
        count = len(point.shown())
        wait_for(lambda: len(point.shown()) > count)
        point.pictures.rename(tmp_path / "away")
        wait_for(lambda: point.owed() == 0)
        assert point.child.stop() == 0
        shown, recorded = [one[0] for one in point.shown()], point.recorded()
        assert sorted(centre.ids()) == sorted(shown)
        assert recorded == shown[-len(recorded) :]  # what the centre held may have given way while the disk was full


def test_a_damaged_outbox_is_set_aside_and_the_service_goes_on(tmp_path: Path) -> None:
    point = Station(tmp_path / "p", free_port())
    hold_up(point, staff())
    point.outbox.parent.mkdir(parents=True)
    point.outbox.write_bytes(b"this was a database once" * 1000)
    with point:
        assert point.ends() == 0
    assert (
        point.child.err.count("error: the outbox was damaged: 0 events are saved, 0 are lost as far as is known") == 1
    )
    assert len(point.shown()) == 1
    assert point.recorded() == [one[0] for one in point.shown()]
    assert len(list(point.outbox.parent.glob("outbox.damaged-*.db"))) == 1


def test_hostile_codes_are_refused_and_leave_no_trace_in_the_log(tmp_path: Path) -> None:
    letters = random.Random(5)  # noqa: S311 - a seed makes a failure repeatable
    bomb = base45.encode(zlib.compress(b"\0" * 2_500_000, 9))
    point = Station(tmp_path / "p", free_port(), camera={"hold": 0.6})
    point.pictures.mkdir(parents=True)
    for n, (text, more) in enumerate(
        [
            ("".join(letters.choices(string.ascii_uppercase + string.digits, k=4000)), {}),
            ("\0" * 500, {}),
            ("HC1:" + bomb, {}),
            (bomb, {}),
            ("\x1b]0;MILIKKU\x07\x1b[2J\x1b[31m", {}),
            (staff(), {"error": "m"}),
        ]
    ):
        save(point.pictures / f"{n}.png", text, **{"error": "l", "boost_error": False, **more})
    with point:
        assert point.ends() == 0
    reasons = [one[4] for one in point.shown()]
    assert reasons[-1] == "staff"
    assert set(reasons[:-1]) <= {"not-a-pass", "malformed"}
    assert reasons.count("malformed") == 2
    assert len(reasons) >= 5
    assert "MILIKKU" not in point.child.err
    assert "\x1b" not in point.child.err
    assert "Traceback" not in point.child.err


def test_a_bundle_that_is_not_the_regency_s_is_not_believed_and_nobody_is_admitted(tmp_path: Path) -> None:
    point = Station(tmp_path / "p", free_port())
    hold_up(point, staff())
    point.write()
    octets = bytearray((point.folder / "trust.cbor").read_bytes())
    octets[-1] ^= 1
    (point.folder / "trust.cbor").write_bytes(octets)
    with point:
        assert point.ends() == 0
    assert "is not believed: not signed by the regency's root" in point.child.err
    assert [one[2:5] for one in point.shown()] == [("refuse", "none", "unknown-issuer")]


def test_systemd_is_told_of_the_first_turn_of_life_and_of_the_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "notify"))
        point = Station(tmp_path / "p", free_port(), camera={"loop": "true"})
        point.env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        hold_up(point, staff())
        words: list[bytes] = []

        def alive(times: int) -> bool:
            words.extend(heard(journal))
            return words.count(b"WATCHDOG=1") >= times

        with point:
            wait_for(lambda: alive(3))
            point.pictures.rename(tmp_path / "unplugged")
            point.says("the eye is away")
            before = words.count(b"WATCHDOG=1")
            wait_for(lambda: alive(before + 4))  # known to be away and being reopened: alive
            assert point.child.stop() == 0
        words.extend(heard(journal))
    assert (words[0], words[-1]) == (b"READY=1", b"STOPPING=1")
    assert set(words[1:-1]) == {b"WATCHDOG=1"}


def test_a_hung_loop_is_not_called_alive(tmp_path: Path) -> None:
    """A disk that does not answer, as far as the loop can tell: another program holds the card's file for itself."""
    with ExitStack() as stack, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "notify"))
        point = Station(tmp_path / "p", free_port(), camera=LOOP)
        point.env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        hold_up(point, staff())
        with point:
            point.says("shown ")
            other = stack.enter_context(closing(sqlite3.connect(point.outbox, timeout=60, isolation_level=None)))
            other.execute("BEGIN IMMEDIATE")
            quiet_since = [monotonic()]

            def silent() -> bool:
                if heard(journal):
                    quiet_since[0] = monotonic()
                return monotonic() - quiet_since[0] > 1.5

            wait_for(silent)
