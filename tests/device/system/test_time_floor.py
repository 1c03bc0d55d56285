"""The time floor: it rises by an hour of trust, outlives a power cut, and can be lowered."""

from datetime import timedelta
from pathlib import Path

import pytest

from device.system.clock import BUILT
from device.system.time_floor import NAME, STEP, TRUSTED_FOR, TimeFloor

LATER = BUILT + timedelta(days=40)


def hours(floor: TimeFloor, *turns: tuple[float, bool]) -> None:
    """Let hours of the monotonic clock go by, each with the system's time at `LATER` and some hours."""
    for hour, synced in turns:
        floor.note(LATER + timedelta(hours=hour), 3600 * hour, synced=synced)


def test_an_hour_of_trust_raises_it_and_a_power_cut_does_not_lower_it(tmp_path: Path) -> None:
    floor = TimeFloor(tmp_path)
    assert floor.value == BUILT
    hours(floor, (0, True), (0.9, True))
    assert floor.value == BUILT
    hours(floor, (1, True))
    assert floor.value == TimeFloor(tmp_path).value == LATER + timedelta(hours=1)


def test_trust_that_breaks_off_begins_anew(tmp_path: Path) -> None:
    floor = TimeFloor(tmp_path)
    hours(floor, (0, True), (0.9, True), (0.95, False), (1, True), (1.9, True))
    assert floor.value == BUILT
    hours(floor, (2, True))
    assert floor.value == LATER + timedelta(hours=2)


def test_the_card_is_written_once_an_hour_at_most_and_never_backwards(tmp_path: Path) -> None:
    floor = TimeFloor(tmp_path)
    hours(floor, (0, True), (1, True))
    before = (tmp_path / NAME).stat().st_mtime_ns
    hours(floor, (1.5, True), (1.99, True))
    floor.note(BUILT, 3600 * 9, synced=True)
    assert (tmp_path / NAME).stat().st_mtime_ns == before
    assert (timedelta(hours=1), 3600.0) == (STEP, TRUSTED_FOR)


def test_it_can_be_reset(tmp_path: Path) -> None:
    floor = TimeFloor(tmp_path)
    hours(floor, (0, True), (1, True))
    floor.reset()
    assert floor.value == TimeFloor(tmp_path).value == BUILT
    hours(floor, (2, True), (2.5, True))
    assert floor.value == BUILT


@pytest.mark.parametrize("octets", [b"", b"\xff", b"soon", b"2026-13-01", b"9" * 5000])
def test_a_damaged_file_is_said_and_the_day_of_the_program_serves(
    tmp_path: Path, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME).write_bytes(octets)
    assert TimeFloor(tmp_path).value == BUILT
    assert "floor cannot be used: " in caplog.text


def test_a_disk_that_takes_nothing_is_said_and_the_floor_holds_until_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    floor = TimeFloor(tmp_path / "gone")
    hours(floor, (0, True), (1, True))
    assert floor.value == LATER + timedelta(hours=1)
    assert "floor cannot be written: No such file or directory" in caplog.text
