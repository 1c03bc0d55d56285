"""The glass: weeks of days, what makes one count, and what a station remembers of them."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.camera.sharpness import EVERY, KEPT, LOOKS, MAX_FILE, SharpnessHistory
from tests.support.credentials import AT


def day(glass: SharpnessHistory, number: int, sharpness: float, looks: int = LOOKS) -> None:
    """Have so many looks on that day, spread over four hours of it; most are half as sharp as the sharpest."""
    for n in range(looks):
        tick = 86_400.0 * number + n * 14_400 / looks
        glass.note(sharpness if n % 10 == 0 else sharpness / 2, AT + timedelta(seconds=tick), tick)


def weeks(glass: SharpnessHistory, days: int = 15, sharpness: float = 1.0, first: int = 0) -> None:
    for number in range(first, first + days):
        day(glass, number, sharpness)


def test_grease_is_told_after_three_days_and_forgotten_on_the_day_it_is_wiped() -> None:
    glass = SharpnessHistory()
    weeks(glass)
    assert (glass.smeared, glass.share) == (False, pytest.approx(1.0))
    said = []
    for number in range(15, 19):
        day(glass, number, 0.5)
        said.append(glass.smeared)
    assert said == [False, False, True, True]
    assert glass.share == pytest.approx(0.5)
    day(glass, 19, 1.0)
    assert not glass.smeared


def test_between_smeared_and_clean_it_stays_what_it_was() -> None:
    for first, expected in ((1.0, False), (0.5, True)):
        glass = SharpnessHistory()
        weeks(glass)
        weeks(glass, 4, first, 15)
        weeks(glass, 4, 0.72, 19)
        assert (glass.smeared, glass.share) == (expected, pytest.approx(0.72))


def test_two_weeks_are_needed_and_a_holiday_or_a_quiet_day_is_no_smear() -> None:
    glass = SharpnessHistory()
    weeks(glass, 12)
    assert glass.share is None
    day(glass, 12, 1.0)
    for number in range(13, 25):
        day(glass, number, 0.1, LOOKS - 1)
    assert (glass.smeared, glass.share) == (False, pytest.approx(1.0))


def test_it_is_remembered_through_a_restart_and_a_power_cut_at_night(tmp_path: Path) -> None:
    for number in range(18):
        glass = SharpnessHistory(tmp_path, "camera")
        day(glass, number, 1.0 if number < 15 else 0.5, 3 * LOOKS)
    told = json.loads((tmp_path / "glass").read_text())
    assert (told["setting"], len(told["days"])) == ("camera", 18)
    assert (tmp_path / "glass").stat().st_mode & 0o777 == 0o600
    assert SharpnessHistory(tmp_path, "camera").smeared
    assert SharpnessHistory(tmp_path, "another lens").share is None


def test_two_lives_on_one_day_are_one_day_and_the_sharper_one_stands(tmp_path: Path) -> None:
    for sharpness in (0.8, 0.4):
        day(SharpnessHistory(tmp_path, "camera"), 0, sharpness, 2 * LOOKS)
    assert json.loads((tmp_path / "glass").read_text())["days"] == [[AT.date().isoformat(), 0.8, 361]]


def test_the_card_is_written_once_an_hour_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    glass = SharpnessHistory(tmp_path, "camera")
    monkeypatch.setattr("device.camera.sharpness.write_whole", lambda *told: written.append(told))
    day(glass, 0, 1.0, 10_000)
    assert len(written) == 14_400 // EVERY - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"setting": "camera"}',
        '{"setting": "camera", "days": 3}',
        '{"setting": "camera", "days": [["x", "y", 1]]}',
        '{"setting": "camera", "days": [["x", NaN, 1]]}',
        "[" * MAX_FILE,
        "\udcff",
    ],
)
def test_a_file_that_is_none_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "glass").write_bytes(text.encode("utf-8", "surrogateescape"))
    glass = SharpnessHistory(tmp_path, "camera")
    assert (glass.smeared, glass.share) == (False, None)
    weeks(glass)
    assert SharpnessHistory(tmp_path, "camera").share == pytest.approx(1.0)


def test_a_disk_that_takes_nothing_is_said_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    glass = SharpnessHistory(tmp_path / "gone", "camera")
    weeks(glass, 2)
    assert "glass cannot be written: No such file or directory" in caplog.text


@given(st.lists(st.floats(0, 5), min_size=1, max_size=150))
def test_the_days_are_bounded_and_the_share_is_a_share_of_a_good_day(figures: list[float]) -> None:
    glass = SharpnessHistory()
    glass._judge([])
    for number, sharpness in enumerate(figures):
        glass._name, glass._looks = f"{number}", LOOKS
        glass._counts = [0] * len(glass._counts)
        glass._counts[min(len(glass._counts) - 1, int(sharpness / 0.02))] = LOOKS
        glass._days = glass._with_today()
        glass._judge(glass._days)
    assert len(glass._days) == min(len(figures), KEPT)
    assert (glass.share is None) == (len(glass._days) < 13)
    assert not (glass.smeared and glass.share is not None and glass.share >= 0.8)
