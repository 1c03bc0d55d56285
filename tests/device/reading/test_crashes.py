"""A reader that takes the process along: the next life knows which it was, and after two it looks without it."""

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import Image

from device.reading.crashes import DAY, MARK, NAME, WITHIN, Crash, Crashes
from device.reading.decoders import ZBAR, ZXING, builds
from fuzz.symbols import LATE_FNC1_IN_PARTS, shown
from tests.support.centre import CentreProgram
from tests.support.codes import code, view
from tests.support.credentials import staff_pass
from tests.support.point import DATES, Station, save
from tests.support.wired_station import WiredStation
from tests.support.world import REPOSITORY, Mosquitto, free_port, tmpfs, wait_for

BUILDS = {ZXING: "3.1.1 a", ZBAR: "0.1.9 b"}
SCHEMA = json.loads((REPOSITORY / "schemas" / "health.json").read_text(encoding="utf-8"))
CLEAN: dict[str, Any] = {"use": [ZXING, ZBAR], "left_out": {}}
WHY = "ended the station 2 times within a minute; tried again after a day"


class Machine:
    """A machine on which one station lives after another; its clocks move when a test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.boot, self.uptime, self.wall = "boot1", 1000.0, 2e9
        self.builds: dict[str, str] = dict(BUILDS)
        self.titik = "1"
        for name in ("run", "state"):
            (folder / name).mkdir(exist_ok=True)

    def life(self) -> Crashes:
        return Crashes(
            self.folder / "run", self.folder / "state", self.boot, self.builds,
            titik=self.titik, wall=lambda: self.wall, uptime=lambda: self.uptime,
        )  # fmt: skip

    def passes(self, seconds: float) -> None:
        self.uptime += seconds
        self.wall += seconds

    def dies_in(self, reader: str | None, after: float = 1.0) -> Crashes:
        """Let one life end in *reader*, as a signal ends it: nothing is closed, nothing is said."""
        life = self.life()
        self.passes(after)
        life.enter(ZXING)
        life.leave()
        if reader is not None:
            life.enter(reader)
        self.passes(3.0)
        return life

    def cuts_power(self, for_: float = 60.0) -> None:
        for file in (self.folder / "run").iterdir():
            file.unlink()
        self.boot, self.uptime = self.boot + "1", 20.0
        self.wall += for_


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_two_crashes_of_a_reader_within_a_minute_leave_it_out_at_the_next_start(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.dies_in(ZBAR)
    once = machine.dies_in(ZBAR, after=50)
    assert once.tell() == CLEAN
    assert "the station died while zbar was reading" in caplog.text
    caplog.clear()
    life = machine.life()
    assert life.tell() == {"use": [ZXING], "left_out": {ZBAR: WHY}}
    (said,) = caplog.records
    assert said.getMessage().startswith("zbar is left out: the station died in it 2 times within a minute")
    assert "Next: sudo apt update && sudo apt install --only-upgrade libzbar0" in said.getMessage()
    life.close()
    again = machine.life()
    assert again.left_out == {ZBAR}
    assert "zbar is still left out" in caplog.text


def test_crashes_further_apart_of_different_readers_and_of_nobody_leave_none_out(machine: Machine) -> None:
    machine.dies_in(ZBAR)
    machine.dies_in(ZBAR, after=WITHIN + 1)
    assert machine.dies_in(ZXING).left_out == frozenset()
    assert machine.dies_in(None).left_out == frozenset()
    assert machine.dies_in(ZBAR, after=WITHIN).left_out == frozenset()
    assert machine.life().tell() == CLEAN


def test_a_crash_of_the_other_reader_in_between_does_not_hide_the_second(machine: Machine) -> None:
    machine.dies_in(ZBAR)
    machine.dies_in(ZXING)
    machine.dies_in(ZBAR)
    assert machine.life().left_out == {ZBAR}


def test_a_hang_that_the_watchdog_ended_counts_however_long_it_took(machine: Machine) -> None:
    machine.dies_in(ZXING)
    machine.passes(300)
    machine.dies_in(ZXING)
    machine.passes(300)
    assert machine.life().left_out == {ZXING}


def test_a_clean_stop_in_the_middle_of_a_look_and_a_power_cut_are_no_crash(machine: Machine) -> None:
    for _ in range(3):
        life = machine.dies_in(ZBAR)
        life.close()
    assert machine.life().tell() == CLEAN
    for _ in range(3):
        machine.dies_in(ZBAR)
        machine.cuts_power(1.0)
    assert machine.life().tell() == CLEAN


def test_a_mark_that_a_card_kept_over_a_power_cut_is_another_boot_s(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        machine.dies_in(ZBAR)
        machine.boot, machine.uptime = machine.boot + "1", 5.0
    assert machine.life().tell() == CLEAN
    assert caplog.text == ""


def test_a_crash_in_another_boot_is_not_within_the_minute_whatever_its_uptime(machine: Machine) -> None:
    machine.dies_in(ZBAR)
    machine.life().close()
    machine.boot, machine.uptime = "boot2", 1000.0
    machine.dies_in(ZBAR)
    assert machine.life().tell() == CLEAN


def left_out(machine: Machine) -> None:
    machine.dies_in(ZBAR)
    machine.dies_in(ZBAR)
    life = machine.life()
    assert life.left_out == {ZBAR}
    life.close()


def test_a_day_later_it_is_in_use_again_without_a_restart_and_must_crash_twice_again(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    left_out(machine)
    life = machine.life()
    machine.passes(DAY - 10)
    assert (life.expire(), life.left_out) == (False, {ZBAR})
    caplog.set_level("INFO")
    machine.passes(10)
    assert (life.expire(), life.tell()) == (True, CLEAN)
    assert "zbar is in use again: a day has passed" in caplog.text
    assert (life.expire(), json.loads((machine.folder / "state" / NAME).read_text())) == (False, {})
    life.close()
    machine.dies_in(ZBAR)
    assert machine.life().left_out == frozenset()


def test_another_build_of_titik_or_of_the_reader_is_tried_at_once(tmp_path: Path) -> None:
    for number, change in enumerate(("titik", ZBAR, ZXING)):
        (tmp_path / str(number)).mkdir()
        machine = Machine(tmp_path / str(number))
        left_out(machine)
        if change == "titik":
            machine.titik = "2"
        else:
            machine.builds[change] += " newer"
        assert machine.life().left_out == ({ZBAR} if change == ZXING else frozenset())


def test_a_restart_of_the_machine_does_not_bring_it_back_and_the_time_since_does(machine: Machine) -> None:
    left_out(machine)
    machine.cuts_power(3600)
    assert machine.life().left_out == {ZBAR}
    machine.passes(DAY - 3700)
    assert machine.life().left_out == {ZBAR}
    machine.passes(200)
    assert machine.life().left_out == frozenset()


@pytest.mark.parametrize("wall", [-1e9, -1.0, DAY, 1e9])
def test_a_clock_that_says_anything_but_the_next_day_brings_it_back_early_rather_than_never(
    machine: Machine, wall: float
) -> None:
    left_out(machine)
    machine.cuts_power(wall)
    assert machine.life().left_out == frozenset()


def test_without_a_clock_a_day_of_this_boot_brings_it_back(machine: Machine) -> None:
    left_out(machine)
    machine.cuts_power(0.0)
    machine.uptime += DAY - 30
    assert machine.life().left_out == {ZBAR}
    machine.uptime += 30
    assert machine.life().left_out == frozenset()


def test_the_last_reader_stays_whatever_it_does(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    left_out(machine)
    for _ in range(3):
        machine.dies_in(ZXING)
    assert machine.life().left_out == {ZBAR}
    assert "it stays: no other reader is left" in caplog.text
    del machine.builds[ZBAR]
    for _ in range(3):
        machine.dies_in(ZXING)
    assert machine.life().tell() == {"use": [ZXING], "left_out": {ZBAR: "is not installed"}}


def test_a_reader_that_is_left_out_comes_back_when_the_other_is_uninstalled(machine: Machine) -> None:
    machine.dies_in(ZXING)
    machine.dies_in(ZXING)
    assert machine.life().left_out == {ZXING}
    del machine.builds[ZBAR]
    assert machine.life().left_out == frozenset()


@given(octets=st.binary(max_size=80), told=st.one_of(st.binary(max_size=80), st.just(b"[" * 3000)))
def test_whatever_lies_in_its_files_costs_the_memory_alone(
    tmp_path_factory: pytest.TempPathFactory, octets: bytes, told: bytes
) -> None:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    (machine.folder / "run" / MARK).write_bytes(octets)
    (machine.folder / "state" / NAME).write_bytes(told)
    life = machine.life()
    assert life.left_out == frozenset()
    life.close()


CRASHED = Crash("boot1", 1.0, 2e9, "1 0.1.9 b", left_out=True)._asdict()


@pytest.mark.parametrize(
    "told",
    [{ZBAR: 7}, {ZBAR: {**CRASHED, "uptime": "1"}}, {ZBAR: {**CRASHED, "wall": float("nan")}}, {ZBAR: {}}, [1], "x",
     {ZBAR: {**CRASHED, "left_out": 1}}],
)  # fmt: skip
def test_a_memory_that_is_none_is_begun_anew(machine: Machine, told: object, caplog: pytest.LogCaptureFixture) -> None:
    (machine.folder / "state" / NAME).write_text(json.dumps(told))
    assert machine.life().left_out == frozenset()
    assert f"{NAME} cannot be used" in caplog.text
    (machine.folder / "state" / NAME).write_text(json.dumps({ZBAR: CRASHED, "a later one": CRASHED}))
    assert machine.life().left_out == {ZBAR}


def test_folders_that_cannot_be_written_cost_the_memory_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    life = Crashes(tmp_path / "none", tmp_path / "none", "boot", BUILDS)
    life.enter(ZBAR)
    life.close()
    life.close()
    assert caplog.text.count("no crash of a reader is remembered") == 1
    without = Crashes(builds=BUILDS)
    without.enter(ZXING)
    without.close()
    assert without.tell() == CLEAN


def test_a_runtime_folder_that_fills_up_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with tmpfs(tmp_path / "small", "4k") as small:
        (small / "ballast").write_bytes(b"x" * 4096)
        life = Crashes(small, tmp_path, "boot", BUILDS)
        for _ in range(3):
            life.enter(ZBAR)
            life.leave()
        life.close()
    assert caplog.text.count("no crash of a reader is remembered") == 1


def test_the_files_are_their_owner_s_alone(machine: Machine) -> None:
    left_out(machine)
    files = [machine.folder / "run" / MARK, machine.folder / "state" / NAME]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]


def test_the_readers_of_this_machine_are_told_apart_by_build() -> None:
    here = builds()
    assert set(here) == {ZXING, ZBAR}
    assert all(len(build.split()) == 2 for build in here.values())
    assert builds() == here


# --- the loop ---


def test_the_loop_says_who_is_left_out_and_takes_it_back_when_its_day_is_over(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.dies_in(ZXING)
    machine.dies_in(ZXING)
    with ExitStack() as stack:
        wall = WiredStation(tmp_path, stack)
        crashes = stack.enter_context(machine.life())
        wall.station.scanner.leave_out(crashes.left_out)
        wall.station = replace(wall.station, crashes=crashes)
        accents = view(code("é", encoding="utf-8"))  # zbar would guess, and says nothing
        wall.serve(*[accents] * 3)
        assert wall.verdicts() == []
        before = wall.courier._notice
        machine.passes(DAY)
        wall.serve(*[accents] * 90)
        after = wall.courier._notice
        assert [reason for _, reason, _ in wall.verdicts()] == ["not-a-pass"]
    assert before.health is not None
    assert after.health is not None
    assert (before.faults, before.health["readers"]) == (("reader",), {"use": [ZBAR], "left_out": {ZXING: WHY}})
    assert (after.faults, after.health["readers"]) == ((), CLEAN)


# --- real lives ---

ACTS = {
    "raises": "raise ValueError('TEKS-RAHASIA')",
    "SIGSEGV": "ctypes.string_at(0)",
    "hangs": "sys.stderr.write('IT HANGS\\n'); sys.stderr.flush(); ctypes.CDLL(None).pause()",
}
READING = {
    ZBAR: "from pyzbar import pyzbar as library; name = 'decode'",
    ZXING: "import zxingcpp as library; name = 'read_barcodes'",
}


class Point(Station):
    """A station with a runtime folder, in which one reader does what the real one did to others."""

    @classmethod
    def with_reader(cls, folder: Path, port: int, reader: str, act: str) -> "Point":
        hands, runtime = folder / "hands", folder / "run"
        for made in (hands, runtime):
            made.mkdir(parents=True)
        (hands / "sitecustomize.py").write_text(
            f"import ctypes, sys\n{READING[reader]}\n"
            f"def act(*told, **more):\n    {ACTS[act]}\n"
            "setattr(library, name, act)\n"
        )
        env = {"PYTHONPATH": f"{hands}:{REPOSITORY}", "RUNTIME_DIRECTORY": str(runtime)}
        return cls(folder, port, env=env)


def held_up(point: Station) -> None:
    """Hold up a pass, what only the second reader is asked about, and another pass."""
    save(point.pictures / "0.png", staff_pass("0001", **DATES))
    Image.fromarray(view(shown(LATE_FNC1_IN_PARTS))).save(point.pictures / "1.png")
    save(point.pictures / "2.png", staff_pass("0002", **DATES))


def admitted(point: Station) -> list[tuple[str, ...]]:
    return [one[2:5] for one in point.shown()]


PASS = ("admit", "green", "staff")


def test_a_symbol_that_no_encoder_makes_is_served_like_any_other(tmp_path: Path) -> None:
    point = Station(tmp_path / "p", free_port())
    held_up(point)
    with point:
        assert point.ends() == 0, point.child.err
    assert admitted(point) == [PASS, PASS]
    assert "Traceback" not in point.child.err


def test_what_a_reader_raises_is_counted_in_health_and_everybody_is_served(tmp_path: Path) -> None:
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        centre = stack.enter_context(CentreProgram(tmp_path / "c", broker.port))
        point = Point.with_reader(tmp_path / "p", broker.port, ZBAR, "raises")
        point.camera = {"loop": "true", "gap": 0.8}
        held_up(point)
        stack.enter_context(point)
        point.says("by zbar: ValueError was raised")
        wait_for(lambda: admitted(point)[:2] == [PASS, PASS])
        point.pictures.rename(tmp_path / "unplugged")  # a fault brings its health at once
        told = wait_for(lambda: health(centre, "contained"))
        assert point.child.stop() == 0
    assert set(told["contained"]) <= {"by zbar: ValueError", "close, softened, by zbar: ValueError"}
    assert all(count >= 1 for count in told["contained"].values())
    assert told["readers"] == CLEAN
    assert point.child.err.count("by zbar: ValueError was raised") == len(told["contained"])
    assert "RAHASIA" not in point.child.err
    Draft202012Validator(SCHEMA).validate(told)


def health(centre: CentreProgram, word: str) -> dict[str, Any]:
    """Return the newest health at the centre, once it says anything of *word*; else what is false."""
    if not centre.database.exists():
        return {}
    with closing(sqlite3.connect(f"file:{centre.database}?mode=ro", uri=True)) as file:
        rows = file.execute("SELECT health FROM station WHERE health IS NOT NULL").fetchall()
    told: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
    return told if told.get(word) else {}


def lives(point: Station, reader: str, signum: int) -> Iterator[None]:
    """Let it die in *reader* as often as it takes to be left out."""
    for life in (1, 2):
        point.__enter__()
        if signum != signal.SIGSEGV:
            point.says("IT HANGS", life)
            point.child.process.send_signal(signum)
        assert point.ends() == -signum
        assert f"{reader} is left out" not in point.child.err
        yield


@pytest.mark.parametrize("reader", [ZBAR, ZXING])
def test_a_reader_that_crashes_the_process_twice_is_left_out_and_the_other_serves(tmp_path: Path, reader: str) -> None:
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        centre = stack.enter_context(CentreProgram(tmp_path / "c", broker.port))
        point = Point.with_reader(tmp_path / "p", broker.port, reader, "SIGSEGV")
        held_up(point)
        for _ in lives(point, reader, signal.SIGSEGV):
            pass
        before = len(point.shown())
        stack.enter_context(point)
        assert point.ends() == 0, point.child.err
        assert admitted(point)[before:] == [PASS, PASS]
        assert point.child.err.count(f"error: {reader} is left out: the station died in it 2 times") == 1
        assert "state degraded reader" in point.child.err
        told = wait_for(lambda: health(centre, "readers"))
        other = ({ZBAR, ZXING} - {reader}).pop()
        assert told["readers"] == {"use": [other], "left_out": {reader: WHY}}
        Draft202012Validator(SCHEMA).validate(told)
        assert sorted(centre.ids()) == sorted(one[0] for one in point.shown())


def test_a_reader_that_hangs_until_the_watchdog_ends_it_is_left_out_too_and_the_state_folder_remembers(
    tmp_path: Path,
) -> None:
    point = Point.with_reader(tmp_path / "p", free_port(), ZBAR, "hangs")
    point.env = {name: value for name, value in point.env.items() if name != "RUNTIME_DIRECTORY"}
    held_up(point)
    for _ in lives(point, ZBAR, signal.SIGABRT):  # what systemd sends when the watchdog was not fed
        assert (point.folder / "state" / MARK).exists()
    with point:
        assert point.ends() == 0, point.child.err
    assert admitted(point)[-2:] == [PASS, PASS]
    assert "zbar is left out" in point.child.err


def test_the_word_for_a_reader_that_is_left_out_is_explained_where_operators_look() -> None:
    state = json.loads((REPOSITORY / "schemas" / "state.json").read_text(encoding="utf-8"))
    assert "glass, reader (serving)" in state["properties"]["faults"]["description"]
    assert "| `reader` |" in (REPOSITORY / "docs" / "pusat.md").read_text(encoding="utf-8")
