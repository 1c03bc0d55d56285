"""What is owed survives, is forgotten only on a fitting receipt, and is never silently lost."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.model import Event, Place
from device.record.outbox import Depth, Outbox, Owed, RecordError
from device.record.schema import Recalled, Span
from device.wire import Receipt, digest, dumps
from tests.support.outbox import Uptime, filled
from tests.support.world import PATIENCE, tmpfs, wait_for

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def named(name: str, size: int = 10) -> Callable[[Place], Event]:
    """Return what composes an event with an id of that *name*."""
    return lambda place: Event(place, f"id-{name}", b"x" * size)


def receipt(events: list[Event], **changed: object) -> Receipt:
    told = {
        "centre": "c",
        "epoch": events[0].place.epoch,
        "first": events[0].place.seq,
        "last": events[-1].place.seq,
        "count": len(events),
        "digest": digest(one.id for one in events),
    }
    return Receipt(**{**told, **changed})  # type: ignore[arg-type]  # a test may say anything


def owed(outbox: Outbox) -> list[Event]:
    return [row.event for row in outbox.owed(0, 1000)]


def test_what_was_appended_is_there_after_a_reopening_in_its_own_epoch(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        events = filled(outbox, 3)
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        assert owed(outbox) == events
        assert outbox.epoch != events[0].place.epoch
        assert outbox.depth() == Depth(3, events[0].place, Place(outbox.epoch, 0))
        assert filled(outbox, 1)[0].place == Place(outbox.epoch, 1)


def test_the_file_is_as_durable_as_promised(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        assert outbox._file is not None
        assert outbox._file.execute("PRAGMA synchronous").fetchone() == (2,)
        assert outbox._file.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_fitting_receipt_forgets_just_its_rows_and_again_nothing(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        events = filled(outbox, 5)
        assert outbox.settle(receipt(events[1:3])) == 2
        assert owed(outbox) == [events[0], *events[3:]]
        assert outbox.settle(receipt(events[1:3])) == 0
        assert outbox.settle(receipt(events)) == 3
        assert outbox.depth().owed == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest": "0" * 64},
        {"epoch": "another"},
        {"last": 3},
        {"first": 2},
        {"count": 1},
        {"last": 99, "count": 99},
        {"last": 2**63 - 1},
    ],
)
def test_a_receipt_that_does_not_fit_forgets_nothing(tmp_path: Path, wrong: dict[str, object]) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        events = filled(outbox, 5)
        assert outbox.settle(receipt(events[:2], **wrong)) is None
        assert owed(outbox) == events


def test_only_what_has_long_been_held_is_purged(tmp_path: Path) -> None:
    week, uptime = timedelta(days=7), Uptime()
    with Outbox(tmp_path / "outbox.db", 100, uptime=uptime) as outbox:
        events = filled(outbox, 3)
        outbox.settle(receipt(events[:1]), NOW)
        uptime.pass_by(days=3)
        outbox.settle(receipt(events[1:2]), NOW + timedelta(days=3))
        uptime.pass_by(days=3)
        assert outbox.purge(NOW + timedelta(days=6), week) == 0
        uptime.pass_by(days=2)
        assert outbox.purge(NOW + timedelta(days=8), week) == 1
        uptime.pass_by(days=3)
        assert outbox.purge(NOW + timedelta(days=11), week) == 1
        assert owed(outbox) == events[2:]


def test_what_was_held_by_an_untrusted_clock_grows_old_from_the_first_trusted_time(tmp_path: Path) -> None:
    week, uptime = timedelta(days=7), Uptime()
    with Outbox(tmp_path / "outbox.db", 100, uptime=uptime) as outbox:
        outbox.settle(receipt(filled(outbox, 1)), None)
        uptime.pass_by(days=9)
        assert outbox.purge(NOW, week) == 0
        uptime.pass_by(days=6)
        assert outbox.purge(NOW + timedelta(days=6), week) == 0
        uptime.pass_by(days=2)
        assert outbox.purge(NOW + timedelta(days=8), week) == 1


def test_held_rows_are_bounded_too_and_the_oldest_go_first(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 5) as outbox:
        for _ in range(3):
            outbox.settle(receipt(filled(outbox, 4)), NOW)
        (last,) = filled(outbox, 1)
        assert outbox.purge(NOW, timedelta(days=7)) == 7
        assert owed(outbox) == [last]


@pytest.mark.parametrize("mishap", ["deleted", "replaced"])
def test_a_file_taken_away_under_a_running_station_is_noticed_and_nothing_is_promised(
    tmp_path: Path, mishap: str
) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, 100) as outbox:
        filled(outbox, 2)
        for ending in ("", "-wal", "-shm"):
            (tmp_path / f"outbox.db{ending}").rename(tmp_path / f"away.db{ending}")
        if mishap == "replaced":
            path.write_bytes(b"")
        with pytest.raises(RecordError, match="moved or deleted"):
            outbox.append(named("lost"))
        before = outbox.epoch
        after = outbox.append(named("after"))
        assert (outbox.epoch != before, after.place) == (True, Place(outbox.epoch, 1))
    with Outbox(path, 100) as outbox:
        assert owed(outbox) == [after]


def test_a_file_cut_to_nothing_is_reported_and_so_it_is_at_every_start_until_it_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, 100) as outbox:
        filled(outbox, 2)
    path.write_bytes(b"")
    for _ in range(2):
        with Outbox(path, 100) as outbox:
            assert outbox.set_aside is not None
            assert outbox.fault is None
    outbox.set_aside.unlink()
    with Outbox(path, 100) as outbox:
        assert outbox.set_aside is None


def test_a_page_damaged_under_a_running_station_is_out_of_order_and_then_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, 1000) as outbox:
        events = filled(outbox, 300)
        assert outbox._file is not None
        outbox._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        octets = path.read_bytes()
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (len(octets) - 4096))
        outbox._file.execute("PRAGMA shrink_memory")
        with pytest.raises(RecordError):
            outbox.owed(0, 1000)
        assert outbox.fault is not None
        assert outbox.depth().oldest is None
        assert outbox.kept() == []  # it is opened anew
        assert outbox.depth().last.epoch != events[0].place.epoch
        assert outbox.set_aside is not None
        assert outbox.hold([one.id for one in events]) == 0
        assert outbox.append(named("after")).place == Place(outbox.epoch, 1)
        assert outbox.depth().owed == 1


def test_a_full_outbox_refuses_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 2) as outbox:
        events = filled(outbox, 2)
        with pytest.raises(RecordError):
            outbox.append(named("third"))
        assert outbox.fault is not None
        outbox.settle(receipt(events[:1]))
        assert outbox.fault is None
        outbox.append(named("third"))


def test_a_full_disk_refuses_keeps_what_it_has_and_goes_on_by_itself(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "800k") as folder, Outbox(folder / "outbox.db", 100_000) as outbox:
        (folder / "ballast").write_bytes(b"x" * 200_000)
        events: list[Event] = []

        def fill() -> None:
            while True:
                events.append(outbox.append(named(f"{len(events)}", 2000)))

        with pytest.raises(RecordError, match="full"):
            fill()
        assert len(events) > 10
        assert outbox.fault == "the disk is full"
        assert owed(outbox) == events
        assert outbox.depth().last.seq == len(events)
        (folder / "ballast").unlink()
        wait_for(lambda: outbox.fault is None)
        last = outbox.append(named("after"))
        assert owed(outbox) == [*events, last]


def test_a_read_only_folder_is_out_of_order_and_goes_on_by_itself(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "4m") as folder:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with Outbox(folder / "state" / "outbox.db", 100) as outbox:
            assert outbox.fault is not None
            with pytest.raises(RecordError):
                outbox.kept()
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
            wait_for(lambda: outbox.fault is None)
            assert filled(outbox, 1) == owed(outbox)


@pytest.mark.parametrize("damage", ["garbage", "page", "empty header"])
def test_a_damaged_file_is_set_aside_under_a_dated_name(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, 100) as outbox:
        filled(outbox, 60)
    octets = bytearray(path.read_bytes())
    octets = {
        "garbage": bytearray(b"garbage " * 1000),
        "page": octets[:4096] + b"\xff" * 8192 + octets[12288:],
        "empty header": bytearray(100) + octets[100:],
    }[damage]
    path.write_bytes(octets)
    with Outbox(path, 100, lambda: NOW) as outbox:
        assert outbox.set_aside is not None
        assert outbox.set_aside.name.startswith("outbox.damaged-20261123T000000Z")
        assert outbox.set_aside.read_bytes() == bytes(octets)
        assert outbox.fault is None
        saved = owed(outbox)
        assert len(saved) == (60 if damage == "empty header" else 0)
        assert [*saved, *filled(outbox, 1)] == owed(outbox)


def test_a_file_of_another_program_or_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    before = path.read_bytes()
    with Outbox(path, 100) as outbox:
        assert outbox.fault == "the outbox is of another version of this program"
        assert outbox.set_aside is None
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM t").fetchone() == (0,)
    other.close()
    assert len(before) == path.stat().st_size


def test_an_event_out_of_place_is_a_mistake_of_ours(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        for place in (Place(outbox.epoch, 7), Place("another", 1)):
            with pytest.raises(ValueError, match="is not the next place"):
                outbox.append(lambda _, place=place: Event(place, "id", b""))
        assert (outbox.depth().owed, outbox.fault) == (0, None)


def test_two_writers_at_once_leave_no_gap_and_take_no_place_twice(tmp_path: Path) -> None:
    begin, written = Barrier(2), dict[str, list[Event]](one=[], other=[])
    with Outbox(tmp_path / "outbox.db", 1000) as outbox:

        def write(name: str) -> None:
            begin.wait(PATIENCE)
            for n in range(150):
                written[name].append(outbox.append(named(f"{name}-{n}")))

        threads = [Thread(target=write, args=(name,)) for name in written]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert {name: len(events) for name, events in written.items()} == {"one": 150, "other": 150}
        recorded = owed(outbox)
        assert [event.place for event in recorded] == [Place(outbox.epoch, seq) for seq in range(1, 301)]
        for name, events in written.items():
            assert [event for event in recorded if event.id.startswith(f"id-{name}-")] == events


class Kept(RuleBasedStateMachine):
    """Appends, receipts true and false, and reopenings in any order, against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "outbox.db"
        self.outbox = Outbox(self.path, 30).__enter__()
        self.all: list[Event] = []
        self.open: list[Event] = []

    def teardown(self) -> None:
        self.outbox.__exit__(None, None, None)
        self.folder.cleanup()

    @rule(size=st.integers(0, 50))
    def append(self, size: int) -> None:
        if len(self.open) >= 30:
            with pytest.raises(RecordError):
                self.outbox.append(named(str(len(self.all)), size))
        else:
            one = self.outbox.append(named(str(len(self.all)), size))
            self.all.append(one)
            self.open.append(one)

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def a_receipt_comes(self, data: st.DataObject) -> None:
        epoch = data.draw(st.sampled_from(list(dict.fromkeys(one.place.epoch for one in self.all))))
        rows = [one for one in self.all if one.place.epoch == epoch]
        first = data.draw(st.integers(0, len(rows) - 1))
        named = rows[first : data.draw(st.integers(first + 1, len(rows)))]
        gone = [one for one in named if one in self.open]
        assert self.outbox.settle(receipt(named)) == len(gone)
        self.open = [one for one in self.open if one not in gone]

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def a_false_receipt_comes(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.all))
        assert self.outbox.settle(receipt([one], digest=digest(["id-of-nobody"]))) is None

    @rule()
    def it_is_opened_again(self) -> None:
        self.outbox.__exit__(None, None, None)
        self.outbox = Outbox(self.path, 30).__enter__()

    @invariant()
    def just_the_owed_rows_are_owed_in_their_order(self) -> None:
        assert owed(self.outbox) == self.open
        assert self.outbox.depth().owed == len(self.open)

    @invariant()
    def seq_has_no_gap_inside_an_epoch(self) -> None:
        for before, after in pairwise(self.all):
            same = before.place.epoch == after.place.epoch
            assert after.place.seq == (before.place.seq + 1 if same else 1)


Kept.TestCase.settings = settings(stateful_step_count=30)
TestKept = Kept.TestCase


def test_rows_are_read_past_the_cursor_and_within_the_limit(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        events = filled(outbox, 5)
        first = outbox.owed(0, 2)
        assert first == [Owed(1, events[0]), Owed(2, events[1])]
        assert outbox.owed(first[-1].row, 9) == [Owed(n + 1, events[n]) for n in (2, 3, 4)]


def test_a_replay_leaves_half_of_the_outbox_to_people(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 10) as outbox:
        events = filled(outbox, 8)
        epoch = outbox.epoch
        outbox.settle(receipt(events), NOW)
        assert outbox.recall(epoch, 1, 8) == Recalled(again=5, kept=8)
        assert outbox.recall(epoch, 1, 8) == Recalled(again=0, kept=8)
        assert owed(outbox) == events[:5]
        more = []
        for count in (1, 4):  # one beyond the half, and all of it
            more += filled(outbox, count)
            assert outbox.recall(epoch, 1, 8) == Recalled(again=0, kept=8)
        assert outbox.settle(receipt(events[:5]), NOW) == 5
        assert outbox.settle(receipt(more), NOW) == 5
        assert outbox.recall(epoch, 6, 8) == Recalled(again=3, kept=3)
        assert outbox.fault is None


def test_what_was_held_is_owed_again_on_a_replay(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        events = filled(outbox, 5)
        epoch = outbox.epoch
        outbox.settle(receipt(events[:4]), NOW)
        assert outbox.recall(epoch, 2, 5) == Recalled(again=3, kept=4)
        assert outbox.recall(epoch, 2, 2**63) == Recalled(again=0, kept=4)
        assert outbox.recall("another", 1, 5) == Recalled(0, 0)
        assert owed(outbox) == events[1:]
        assert outbox.depth().owed == 4
        assert outbox.settle(receipt(events)) == 4


def test_the_epochs_on_the_card_are_told_oldest_first_and_the_newest_hundred(tmp_path: Path) -> None:
    spans = []
    for count in (2, 3, 1):
        with Outbox(tmp_path / "outbox.db", 100) as outbox:
            filled(outbox, count)
            spans.append(Span(outbox.epoch, 1, count))
    uptime = Uptime()
    with Outbox(tmp_path / "outbox.db", 100, uptime=uptime) as outbox:
        assert outbox.kept() == spans
        assert outbox.kept(2) == spans[1:]
        assert outbox.settle(receipt([row.event for row in outbox.owed(0, 2)]), NOW) == 2
        uptime.pass_by(days=8)
        assert outbox.purge(NOW + timedelta(days=8), timedelta(days=7)) == 2
        assert outbox.kept() == spans[1:]


def test_a_request_is_the_first_of_its_name_only_once_also_after_a_restart(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        assert [outbox.first_time(f"{n:08d}") for n in range(1000)] == [True] * 1000
        assert not outbox.first_time("00000000")
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        assert not outbox.first_time("00000000")
        assert outbox.first_time("00001000")
        assert outbox.first_time("00000000")  # only the newest thousand are remembered


def test_a_second_station_on_the_same_file_records_nothing_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, 100) as first, Outbox(path, 100) as second:
        assert second.fault is not None
        with pytest.raises(RecordError, match=r"another program has outbox\.db open"):
            second.kept()
        filled(first, 2)
        first.__exit__(None, None, None)
        wait_for(lambda: second.fault is None)
        assert second.depth().owed == 2


VERSION_1 = """
CREATE TABLE event (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL,
    held_at INTEGER,
    UNIQUE (epoch, seq)
) STRICT;
CREATE INDEX owed ON event (row) WHERE held_at IS NULL;
CREATE INDEX held ON event (held_at) WHERE held_at IS NOT NULL;
PRAGMA application_id = 1953068137;
PRAGMA user_version = 1;
"""


def of_version_1(path: Path, count: int) -> list[Event]:
    """Write what the first version of the program wrote: *count* events, the first one held."""
    events = [told(Place("0a0b0c0d", seq)) for seq in range(1, count + 1)]
    with sqlite3.connect(path) as file:
        file.executescript("PRAGMA journal_mode = WAL;" + VERSION_1)
        file.executemany(
            "INSERT INTO event (epoch, seq, id, body) VALUES (?, ?, ?, ?)",
            [(*one.place, one.id, one.body) for one in events],
        )
        file.execute("UPDATE event SET held_at = 7 WHERE seq = 1")
    file.close()
    return events


def told(place: Place) -> Event:
    """Return an event as the station writes it, in what matters here."""
    id_ = digest([str(place)])[:32]
    return Event(place, id_, dumps({"id": id_, "data": {"epoch": place.epoch, "seq": place.seq}, "source": "x" * 300}))


def test_a_file_of_version_1_becomes_version_2_with_everything_in_it(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    events = of_version_1(path, 5)
    with Outbox(path, 100) as outbox:
        assert (outbox.fault, outbox.set_aside, outbox.lost) == (None, None, 0)
        assert owed(outbox) == events[1:]
        outbox.append(told)
        assert outbox.first_time("a-request")
        assert outbox.recall("0a0b0c0d", 1, 9) == Recalled(1, 5)
    with Outbox(path, 100) as outbox:
        assert owed(outbox)[:5] == events
        assert outbox.depth().owed == 6


def test_a_migration_that_is_cut_off_leaves_version_1(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    of_version_1(path, 3)
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE damage (stands_in_the_way TEXT)")
    file.close()
    with Outbox(path, 100) as outbox:
        assert outbox.fault is not None
    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (1,)
        columns = [row[1] for row in file.execute("PRAGMA table_info(event)")]
        assert columns == ["row", "epoch", "seq", "id", "body", "held_at"]
    file.close()


def test_what_is_held_gives_way_to_what_is_owed_and_the_bound_in_bytes_is_never_passed(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100_000, most_bytes=1_048_576) as outbox:
        used = []
        for _ in range(4):
            held = filled(outbox, 400, size=1000)
            outbox.hold([event.id for event in held], NOW)
            used.append(pages_used(tmp_path / "outbox.db"))
        assert max(used) <= 1_048_576
        assert owed(outbox) == []
        assert 100 < kept(outbox) < 1000
        with pytest.raises(RecordError, match="the outbox has taken its 1 MiB, and no more may wait"):
            filled(outbox, 2000, size=1000)
        waiting = owed(outbox)
        assert (kept(outbox), outbox.depth().owed) == (len(waiting), len(waiting))
        assert pages_used(tmp_path / "outbox.db") <= 1_048_576
        assert outbox.fault is not None
        outbox.hold([event.id for event in waiting[:20]], NOW)
        with pytest.raises(RecordError, match="the outbox has taken its 1 MiB"):
            filled(outbox, 1)  # a little room is none yet, or it would be full again at once
        outbox.hold([event.id for event in waiting[20:200]], NOW)
        wait_for(lambda: outbox.fault is None)
        assert filled(outbox, 50, size=1000) == owed(outbox)[-50:]


def test_a_purge_makes_room_below_the_bound_in_bytes(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100_000, most_bytes=1_048_576) as outbox:
        held = filled(outbox, 620, size=1000)
        assert outbox.purge(NOW, timedelta(days=7)) == 0
        outbox.hold([event.id for event in held], NOW)
        assert outbox.purge(NOW, timedelta(days=7)) > 50


def test_the_ballast_takes_real_room_and_a_full_disk_still_drains(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "16m") as folder, Outbox(folder / "outbox.db", 100_000) as outbox:
        reserve = folder / "outbox.db.ballast"
        assert reserve.stat().st_blocks * 512 == 2 * 2**20
        events = filled(outbox, 20, size=1000)
        with suppress(OSError):
            (folder / "other").write_bytes(bytes(shutil.disk_usage(folder).free))
        with suppress(OSError), (folder / "other").open("ab") as other:
            other.write(bytes(shutil.disk_usage(folder).free))
        with pytest.raises(RecordError, match="the disk is full"):
            events += filled(outbox, 2000, size=1000)
        assert not reserve.exists()
        events = owed(outbox)
        with pytest.raises(RecordError, match="the disk is full"):
            filled(outbox, 1)  # what the ballast left is for what is forgotten
        assert outbox.hold([event.id for event in events], NOW) == len(events)
        assert outbox.depth().owed == 0
        (folder / "other").unlink()
        wait_for(lambda: outbox.fault is None)
        assert reserve.exists()
        assert filled(outbox, 1) == owed(outbox)


def test_no_more_than_half_of_what_the_disk_has_is_taken_and_a_full_outbox_does_not_flap(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "12m") as folder, Outbox(folder / "outbox.db", 100_000) as outbox:
        free = shutil.disk_usage(folder).free
        with pytest.raises(RecordError, match="the disk has too little room left, and no more may wait"):
            filled(outbox, 5000, size=3000)
        assert 0.2 * free < pages_used(folder / "outbox.db") <= 0.5 * free
        waiting = owed(outbox)
        outbox.hold([event.id for event in waiting[:5]], NOW)
        with pytest.raises(RecordError):
            filled(outbox, 1)
        outbox.hold([event.id for event in waiting[5:150]], NOW)
        assert len(filled(outbox, 10, size=3000)) == 10
        assert outbox.fault is None


def pages_used(path: Path) -> int:
    """Return the bytes of the pages that the file uses."""
    with closing(sqlite3.connect(path)) as file:
        count, free = (file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    return int(4096 * (count - free))


def kept(outbox: Outbox) -> int:
    """Return how many rows the file has."""
    with closing(sqlite3.connect(outbox.path)) as file:
        return int(file.execute("SELECT count(*) FROM event").fetchone()[0])


def test_a_boot_waits_for_a_correction_while_its_newest_doubt_came_after_the_last_one(tmp_path: Path) -> None:
    def told(boot: str, type_: str, place: Place) -> Event:
        clock = {"boot": boot, "synced": type_ == "clock", "uptime": 1.0}
        data = {"epoch": place.epoch, "seq": place.seq, "clock": clock}
        id_ = f"{place.epoch}-{place.seq}"
        return Event(place, id_, dumps({"id": id_, "type": f"id.titik.{type_}", "data": data}))

    said = []
    with Outbox(tmp_path / "outbox.db", 1000) as outbox:
        for boot, type_ in (("b1", "scan"), ("b1", "clock"), ("b2", "clock"), ("b1", "scan"), ("b1", "clock")):
            outbox.append(partial(told, boot, type_))
            said.append((outbox.uncorrected("b1"), outbox.uncorrected("b2")))
    assert said == [(True, False), (False, False), (False, False), (True, False), (False, False)]
