"""What is held goes once trusted time *and* uptime have passed: a clock that is wrong for a moment deletes nothing."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from device.record._held_age import DAY, GRAIN, HOUR
from device.record.outbox import Outbox, RecordError
from tests.support.outbox import Uptime, filled

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEEP = timedelta(days=7)
LATER = timedelta(days=400)


def held(path: Path, count: int, uptime: Uptime, at: datetime | None = NOW) -> None:
    """Record *count* events, and let the centre hold them *at* a time."""
    with Outbox(path, 10_000, uptime=uptime) as outbox:
        outbox.hold([event.id for event in filled(outbox, count)], at)


def there(path: Path) -> int:
    with closing(sqlite3.connect(path)) as file:
        return int(file.execute("SELECT count(*) FROM event").fetchone()[0])


def test_a_clock_that_is_a_year_ahead_for_some_seconds_deletes_nothing(tmp_path: Path) -> None:
    uptime, path = Uptime(), tmp_path / "outbox.db"
    with Outbox(path, 10_000, uptime=uptime) as outbox:
        for day in range(4):
            outbox.hold([event.id for event in filled(outbox, 10)], NOW + timedelta(days=day))
            uptime.pass_by(days=1)
        now = NOW + timedelta(days=4)
        outbox.hold([event.id for event in filled(outbox, 10)], now + LATER)
        for _ in range(5):
            uptime.seconds += 2
            assert outbox.purge(now + LATER, KEEP) == 0
        assert (there(path), outbox.purge(now, KEEP)) == (50, 0)
        uptime.pass_by(days=3.1)
        assert outbox.purge(now + timedelta(days=3.1), KEEP) == 10
        uptime.pass_by(days=3)
        assert outbox.purge(now + timedelta(days=6.1), KEEP) == 30
        uptime.pass_by(days=1.1)
        assert outbox.purge(now + timedelta(days=7.2), KEEP) == 10  # what was held in 2028 aged from then on
        assert there(path) == 0


def test_a_station_that_is_off_half_of_the_time_keeps_rows_longer(tmp_path: Path) -> None:
    path, uptime = tmp_path / "outbox.db", Uptime()
    held(path, 5, uptime)
    for day in range(1, 20):
        uptime.seconds = 20
        with Outbox(path, 10_000, uptime=uptime) as outbox:
            for _ in range(12):  # half of a day, and the power goes without a word
                uptime.seconds += HOUR
                outbox.purge(NOW + timedelta(days=day, seconds=uptime.seconds), KEEP)
        assert (there(path) == 5) == (day < 14), day


def test_rows_of_the_program_before_age_from_the_update_on(tmp_path: Path) -> None:
    path, uptime = tmp_path / "outbox.db", Uptime()
    for day in range(3):
        held(path, 4, uptime, NOW - timedelta(days=60 * day))
    with closing(sqlite3.connect(path)) as file:
        file.executescript("DROP TABLE age; DROP TABLE uptime; DROP TABLE owner;")
    with Outbox(path, 10_000, uptime=uptime) as outbox:
        assert outbox.purge(NOW + timedelta(days=30), KEEP) == 0
        uptime.pass_by(days=6.9)
        assert outbox.purge(NOW + timedelta(days=36.9), KEEP) == 0
        uptime.pass_by(days=0.2)
        assert outbox.purge(NOW + timedelta(days=37.1), KEEP) == 12


def test_what_is_saved_of_a_damaged_file_is_as_old_as_it_was(tmp_path: Path) -> None:
    path, uptime = tmp_path / "outbox.db", Uptime()
    held(path, 5, uptime)
    with Outbox(path, 10_000, uptime=uptime) as outbox:
        uptime.pass_by(days=5)
        assert outbox.purge(NOW + timedelta(days=5), KEEP) == 0
        filled(outbox, 1, size=100)
    octets = path.read_bytes()
    path.write_bytes(octets.replace(b"x" * 100, b"y" * 100))
    with Outbox(path, 10_000, uptime=uptime) as outbox, pytest.raises(RecordError, match="malformed"):
        outbox.owed(0, 10)
    with Outbox(path, 10_000, uptime=uptime) as outbox:
        assert (outbox.set_aside is not None, there(path)) == (True, 5)
        uptime.pass_by(days=1.9)
        assert outbox.purge(NOW + timedelta(days=6.9), KEEP) == 0
        uptime.pass_by(days=0.2)
        assert outbox.purge(NOW + timedelta(days=7.1), KEEP) == 5


def test_what_is_beyond_the_bound_gives_way_however_young_it_is(tmp_path: Path) -> None:
    path, uptime = tmp_path / "outbox.db", Uptime()
    with Outbox(path, 10, uptime=uptime) as outbox:
        for _ in range(3):
            outbox.hold([event.id for event in filled(outbox, 8)], NOW)
        assert outbox.purge(NOW, KEEP) == 14
    assert there(path) == 10


def test_a_row_stays_to_the_second_by_the_time_and_ten_minutes_longer_by_uptime(tmp_path: Path) -> None:
    path, uptime = tmp_path / "outbox.db", Uptime()
    held(path, 1, uptime)
    with Outbox(path, 10, uptime=uptime) as outbox:
        uptime.pass_by(days=9)
        assert outbox.purge(NOW + KEEP, KEEP) == 0
        assert outbox.purge(NOW + KEEP + timedelta(seconds=1), KEEP) == 1
    held(path, 1, uptime)
    with Outbox(path, 10, uptime=uptime) as outbox:
        uptime.pass_by(days=7)
        uptime.seconds -= 1
        assert outbox.purge(NOW + LATER, KEEP) == 0
        uptime.seconds += GRAIN
        assert outbox.purge(NOW + LATER, KEEP) == 1


def test_of_two_rows_that_one_time_was_given_both_stay_as_long_as_the_younger(tmp_path: Path) -> None:
    path, uptime = tmp_path / "outbox.db", Uptime()
    held(path, 1, uptime)
    with Outbox(path, 10, uptime=uptime) as outbox:
        for _ in range(2):
            uptime.pass_by(days=6)  # and the clock was set back to where it was
            outbox.hold([filled(outbox, 1)[0].id], NOW)
        uptime.pass_by(days=6.9)
        assert outbox.purge(NOW + LATER, KEEP) == 0
        uptime.pass_by(days=0.2)
        assert outbox.purge(NOW + LATER, KEEP) == 3


def test_a_row_that_is_dated_late_is_not_taken_for_as_old_as_others_of_that_time(tmp_path: Path) -> None:
    path, uptime = tmp_path / "outbox.db", Uptime()
    with Outbox(path, 10, uptime=uptime) as outbox:
        ids = [event.id for event in filled(outbox, 2)]
        outbox.hold(ids[:1], NOW + timedelta(hours=2))
        uptime.pass_by(days=6)
        outbox.hold(ids[1:], None)
        assert outbox.purge(NOW, KEEP) == 0
        uptime.pass_by(days=1.1)
        assert outbox.purge(NOW + LATER, KEEP) == 1
        uptime.pass_by(days=6)
        assert outbox.purge(NOW + LATER, KEEP) == 1


def test_holding_writes_an_age_once_in_ten_minutes_and_again_when_the_disk_did_not_take_it(tmp_path: Path) -> None:
    path, uptime = tmp_path / "outbox.db", Uptime()
    with Outbox(path, 10, uptime=uptime) as outbox, closing(sqlite3.connect(path)) as other:
        ids = [event.id for event in filled(outbox, 3)]
        other.execute("CREATE TRIGGER no BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
        uptime.seconds += 1
        with pytest.raises(RecordError):
            outbox.hold(ids[:1], NOW)
        assert other.execute("SELECT count(*) FROM age").fetchone() == (0,)
        other.execute("DROP TRIGGER no")
        assert outbox._file is not None
        changes = [outbox._file.total_changes]
        for id_ in ids:
            uptime.seconds += 1
            outbox.hold([id_], NOW)
            changes.append(outbox._file.total_changes)
        assert [after - before for before, after in pairwise(changes)] == [3, 1, 1]
        assert other.execute("SELECT * FROM age").fetchall() == [(int(NOW.timestamp()), GRAIN)]


def test_with_no_days_to_keep_a_row_goes_at_once(tmp_path: Path) -> None:
    uptime, path = Uptime(), tmp_path / "outbox.db"
    with Outbox(path, 10, uptime=uptime) as outbox:
        outbox.hold([event.id for event in filled(outbox, 3)], NOW)
        assert outbox.purge(NOW + timedelta(seconds=1), timedelta()) == 3


def test_the_ages_cost_a_row_each_ten_minutes_and_go_with_their_rows(tmp_path: Path) -> None:
    uptime, path = Uptime(), tmp_path / "outbox.db"
    with Outbox(path, 10_000, uptime=uptime) as outbox, closing(sqlite3.connect(path)) as file:
        for minute in range(120):
            uptime.seconds += 60
            outbox.hold([filled(outbox, 1)[0].id], NOW + timedelta(minutes=minute))
            outbox.purge(NOW + timedelta(minutes=minute), KEEP)
        (count,) = file.execute("SELECT count(*) FROM age").fetchone()
        assert count <= 120 * 60 / GRAIN + 1
        uptime.pass_by(days=8)
        assert outbox.purge(NOW + timedelta(days=8), KEEP) == 120
        outbox.purge(NOW + timedelta(days=8), KEEP)
        assert file.execute("SELECT count(*) FROM age").fetchone() == (0,)


@dataclass
class Held:
    """When a row was held: by the time that was trusted then, and by the uptime so far."""

    trusted: datetime
    lived: float


class Ages(RuleBasedStateMachine):
    """A card through boots, crashes and clocks that step, against a list that knows it all."""

    def __init__(self) -> None:
        super().__init__()
        shm = Path("/dev/shm")  # noqa: S108 - memory, and a folder of our own in it: this is about ages, not syncs
        self.folder = TemporaryDirectory(dir=shm if shm.is_dir() else None)
        self.card = Path(self.folder.name) / "card-0"
        self.card.mkdir()
        self.uptime = Uptime()
        self.lived = 0.0
        self.now = NOW
        self.times = [NOW]
        self.held: dict[str, Held] = {}
        self.owed: list[str] = []
        self.boots = 0
        self.outbox = self.opened()

    def opened(self) -> Outbox:
        return Outbox(self.card / "outbox.db", 10_000, uptime=self.uptime).__enter__()

    def teardown(self) -> None:
        self.outbox.__exit__(None, None, None)
        self.folder.cleanup()

    @rule(hours=st.floats(0, 60))
    def time_goes_by(self, hours: float) -> None:
        self.uptime.seconds += 3600 * hours
        self.lived += 3600 * hours
        self.now += timedelta(hours=hours)

    @rule(days=st.floats(-500, 500))
    def the_clock_steps(self, days: float) -> None:
        self.now = max(datetime(2020, 1, 1, tzinfo=UTC), self.now + timedelta(days=days))

    @rule(data=st.data())
    def the_clock_stands_again_where_it_stood(self, data: st.DataObject) -> None:
        self.now = data.draw(st.sampled_from(self.times))

    @rule(count=st.integers(1, 4))
    def people_come(self, count: int) -> None:
        self.owed += [event.id for event in filled(self.outbox, count)]

    @rule(trusted=st.sampled_from([True, True, True, False]), most=st.integers(1, 8))
    def the_centre_holds_some(self, trusted: bool, most: int) -> None:
        some, self.owed = self.owed[:most], self.owed[most:]
        self.times.append(self.now)
        self.outbox.hold(some, self.now if trusted else None)
        for id_ in some:
            self.held[id_] = Held(self.now if trusted else datetime.min.replace(tzinfo=UTC), self.lived)

    @rule(off=st.floats(0, 100), killed=st.booleans())
    def it_is_switched_off(self, off: float, killed: bool) -> None:
        self.boots += 1
        after = self.card.with_name(f"card-{self.boots}")
        if killed:
            shutil.copytree(self.card, after, ignore=shutil.ignore_patterns("*-shm"))
        self.outbox.__exit__(None, None, None)
        if killed:
            self.card = after
        self.uptime.seconds = 15.0
        self.now += timedelta(hours=off)
        self.outbox = self.opened()

    @rule()
    def it_is_purged(self) -> None:
        before = self.rows()
        self.outbox.purge(self.now, KEEP)
        gone = before - self.rows()
        for one in self.held.values():
            if one.trusted > self.now + timedelta(seconds=DAY):
                one.trusted = self.now  # by whichever clock was wrong: it ages from here on
        assert gone <= self.held.keys(), "what is owed never goes"
        for id_ in gone:
            one = self.held.pop(id_)
            assert self.lived - one.lived >= KEEP.total_seconds(), "by uptime"
            assert self.now - one.trusted >= KEEP, "by time"

    @rule()
    def in_the_end_it_goes(self) -> None:
        """Let far more than the days pass, by both: nothing that was held may stay for ever."""
        for _ in range(4 + len(self.held) // 400):
            self.time_goes_by(24 * 9)
            self.it_is_purged()
        assert self.held == {}

    def rows(self) -> set[str]:
        with closing(sqlite3.connect(self.card / "outbox.db")) as file:
            return {id_ for (id_,) in file.execute("SELECT id FROM event")}

    @invariant()
    def what_is_there_is_what_nobody_may_delete(self) -> None:
        assert self.rows() == self.held.keys() | set(self.owed)


Ages.TestCase.settings = settings(stateful_step_count=25)
TestAges = Ages.TestCase


@pytest.mark.parametrize("ahead", [2 * DAY, 400 * DAY])
def test_a_row_held_by_a_clock_that_was_ahead_is_dated_anew(tmp_path: Path, ahead: int) -> None:
    uptime, path = Uptime(), tmp_path / "outbox.db"
    held(path, 3, uptime, NOW + timedelta(seconds=ahead))
    with Outbox(path, 100, uptime=uptime) as outbox:
        assert outbox.purge(NOW, KEEP) == 0
        uptime.pass_by(days=7.1)
        assert outbox.purge(NOW + timedelta(days=7.1), KEEP) == 3
