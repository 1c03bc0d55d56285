"""The clock is doubted after a step, in both directions, and what was recorded in doubt is corrected."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.system.clock import SETTLE, STEP, Clock

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp()


class World:
    """A machine that has been up for *uptime* seconds and whose wall clock says *wall*."""

    def __init__(self, folder: Path, trust: str = "ntp", *, wall: float = NOON) -> None:
        self.mark, self.rtc = folder / "synchronized", folder / "since_epoch"
        self.wall, self.uptime = wall, 10.0
        self._folder, self._trust = folder, trust
        self.start()

    def start(self) -> None:
        """Start the program, perhaps not for the first time in this boot."""
        self.clock = Clock(
            self._trust,  # type: ignore[arg-type]  # a word of the list, from a parameter
            (self.mark,),
            self.rtc,
            self._folder / "boot",
            wall=lambda: self.wall,
            uptime=lambda: self.uptime,
            memory=self._folder / "clock",
        )

    def sync(self, wall: float | None = None) -> None:
        """Let timesyncd set the clock and leave its mark anew."""
        if wall is not None:
            self.wall = wall
        self.mark.touch()
        os.utime(self.mark, ns=(1, self.mark.stat().st_ino + int(1e9 * self.uptime)))

    def go(self, seconds: float) -> bool:
        """Let time go by; return whether the clock is trusted then."""
        self.wall += seconds
        self.uptime += seconds
        return self.look()

    def look(self) -> bool:
        """Return whether the clock is trusted now."""
        return self.clock.look(datetime.fromtimestamp(self.wall, UTC)).synced


@pytest.mark.parametrize("step", [-3600.0, 3600.0, -1.5 * STEP, 10 * 365 * 86_400.0])
def test_a_step_of_a_trusted_clock_is_doubted_until_a_newer_mark(tmp_path: Path, step: float) -> None:
    world = World(tmp_path)
    world.sync()
    assert world.go(1)
    world.wall += step
    assert [world.look(), world.go(1), world.go(100_000)] == [False, False, False]
    world.sync(world.wall - step)
    assert [world.look(), world.go(SETTLE)] == [False, True]


def test_the_step_of_the_synchronisation_itself_is_doubted_for_a_moment_only(tmp_path: Path) -> None:
    world = World(tmp_path, wall=0.0)
    assert not world.go(60)
    world.sync(NOON)
    assert [world.look(), world.go(SETTLE / 2), world.go(SETTLE / 2)] == [False, False, True]


def test_a_clock_that_is_set_back_to_where_trust_left_it_is_trusted_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sync()
    assert world.go(1)
    world.wall += 3600
    assert not world.go(500)
    world.wall -= 3600
    assert [world.look(), world.go(SETTLE)] == [False, True]


def test_two_steps_are_no_proof_of_each_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sync()
    assert world.go(1)
    world.wall += 3600
    assert not world.go(10)
    world.wall += 3600
    assert [world.look(), world.go(SETTLE)] == [False, False]


def test_drift_is_no_step(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sync()
    for _ in range(100):
        world.wall += 0.9 * STEP
        assert world.go(3600)


def test_a_real_time_clock_that_agrees_outlives_a_step_of_the_marks(tmp_path: Path) -> None:
    world = World(tmp_path, "rtc")
    world.rtc.write_text(str(int(NOON)))
    assert world.look()
    world.wall += 3600
    assert [world.look(), world.go(SETTLE)] == [False, False]
    world.wall -= 3600
    assert [world.look(), world.go(SETTLE)] == [False, True]


def test_the_systems_word_is_taken_where_that_was_chosen(tmp_path: Path) -> None:
    world = World(tmp_path, "system")
    world.wall += 3600
    assert world.look()


def test_any_thread_may_ask_and_asking_forgives_no_step(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sync()
    assert world.go(1)
    assert world.clock.trusted() == datetime.fromtimestamp(world.wall, UTC)
    world.wall += 3600
    assert not world.look()
    assert world.clock.trusted() is None


def test_the_offset_is_that_of_the_system_now(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.wall += 0.5
    assert world.clock.look(datetime.fromtimestamp(world.wall, UTC)).offset == NOON + 0.5 - 10.0


def test_a_restart_of_the_program_forgives_no_step(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sync()
    assert world.go(1)
    world.sync()  # a later synchronisation, which found nothing to set
    assert world.go(1800)
    world.wall += 3600
    world.start()
    assert [world.look(), world.go(100)] == [False, False]
    world.sync(world.wall - 3600)
    assert [world.look(), world.go(SETTLE)] == [False, True]


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"boot": "another", "offset": 1.0, "marks": [null]}'])
def test_a_memory_that_says_nothing_of_this_boot_is_passed_over(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / "clock").write_bytes(kept)
    world = World(tmp_path)
    world.sync()
    assert world.go(1)
