"""A damaged outbox: what is whole of it is saved, nothing false is handed out, a crash on the way loses nothing."""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.model import Event, Place
from device.record import _sqlite_pages
from device.record._recovery import finish
from device.record.outbox import Outbox, RecordError
from device.wire import dumps
from tests.support.world import ALL_SEEDS

NOW = datetime(2026, 11, 23, tzinfo=UTC)
COUNT = 300


def told(place: Place) -> Event:
    """Return an event as long as a station's, and told by its own words."""
    id_ = f"{place.epoch}-{place.seq:06d}"
    return Event(place, id_, dumps({"id": id_, "data": {"epoch": place.epoch, "seq": place.seq}, "x": "y" * 500}))


def written(outbox: Outbox, count: int) -> list[Event]:
    """Write *count* events; return them."""
    return [outbox.append(told) for _ in range(count)]


def filled(path: Path, count: int = COUNT) -> list[Event]:
    """Write *count* events, of which the first third is held; return all."""
    with Outbox(path, 100_000) as outbox:
        events = written(outbox, count)
        outbox.hold([event.id for event in events[: count // 3]], NOW)
    return events


def owed(outbox: Outbox) -> list[Event]:
    """Return what is owed; a file that is found damaged on the way is opened anew, once."""
    for _ in range(2):
        with suppress(RecordError):
            outbox.kept()  # opens it, if it was let go
            found, after = list[Event](), 0
            while rows := outbox.owed(after, 50):
                found, after = found + [row.event for row in rows], rows[-1].row
            return found
    raise AssertionError("it is damaged again and again")


def saved(path: Path) -> dict[str, tuple[str, int, bytes]]:
    """Return the rows in the file by their ids."""
    with closing(sqlite3.connect(path)) as file:
        return {id_: row for id_, *row in file.execute("SELECT id, epoch, seq, body FROM event")}  # type: ignore[misc]  # three


@pytest.mark.seeds
@pytest.mark.parametrize("seed", range(24 if ALL_SEEDS else 6))
def test_flipped_bits_cost_only_the_rows_that_they_are_in(tmp_path: Path, seed: int) -> None:
    path, chance = tmp_path / "outbox.db", random.Random(seed)  # noqa: S311 - a seed, no secret
    events = {event.id: event for event in filled(path, 120)}
    octets = bytearray(path.read_bytes())
    flips = chance.choice((1, 1, 2, 5))
    for _ in range(flips):
        octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
    path.write_bytes(octets)
    with Outbox(path, 100_000, lambda: NOW) as outbox:
        found = owed(outbox)
        assert [events[event.id] for event in found] == found
        assert [event.place.seq for event in found] == sorted(event.place.seq for event in found)
        assert len(found) >= 80 - 8 * flips, "a page holds seven rows"
        assert outbox.lost <= 8 * flips
        assert len(found) + outbox.lost >= 80 or outbox.set_aside is not None
        outbox.append(told)
        assert outbox.fault is None
        aside = outbox.set_aside
        assert aside is None or aside.read_bytes() == bytes(octets)
    with Outbox(path, 100_000, lambda: NOW) as outbox:
        assert len(owed(outbox)) == len(found) + 1
        assert outbox.set_aside == aside


def test_one_false_row_is_left_out_and_counted_once_and_for_ever(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.db"
    events = filled(path, 60)
    with Outbox(path, 100_000) as outbox:
        assert outbox.first_time("transaction-0001")
    change(path, events[40])
    with Outbox(path, 100_000) as outbox:
        assert outbox.set_aside is None  # the pages are sound
        assert owed(outbox) == [*events[20:40], *events[41:]]
        assert (outbox.lost, outbox.fault) == (1, None)
        assert caplog.text.count("59 events are saved, 1 are lost") == 1
    change(path, events[50])
    with Outbox(path, 100_000) as outbox:
        assert (len(owed(outbox)), outbox.lost) == (38, 2)
        assert not outbox.first_time("transaction-0001")


def change(path: Path, event: Event) -> None:
    """Change one letter of *event* in the file."""
    octets = path.read_bytes()
    at = octets.index(event.body) + 100
    path.write_bytes(octets[:at] + b"Y" + octets[at + 1 :])


def test_rows_of_a_page_that_says_it_has_fewer_are_found_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    events = filled(path, 60)
    octets = bytearray(path.read_bytes())
    page = octets.index(events[40].body) // 4096 * 4096
    count = int.from_bytes(octets[page + 3 : page + 5], "big")
    assert count > 4
    octets[page + 3 : page + 5] = (count - 3).to_bytes(2, "big")
    path.write_bytes(octets)
    with Outbox(path, 100_000) as outbox:
        found = owed(outbox)
        assert (len(found), outbox.lost) == (37, 3)
        assert outbox.set_aside is not None


def test_a_flipped_bit_in_an_id_is_noticed_too(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    events = filled(path, 30)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE event SET id = 'somebody' WHERE row = 20")
    with Outbox(path, 100_000) as outbox:
        assert owed(outbox) == [*events[10:19], *events[20:]]


def test_what_stands_only_in_the_log_of_a_damaged_file_is_saved(tmp_path: Path) -> None:
    path, copy = tmp_path / "outbox.db", tmp_path / "copy" / "outbox.db"
    copy.parent.mkdir()
    events = filled(path, 30)
    with Outbox(path, 100_000) as outbox:
        events += written(outbox, 30)
        for name in ("outbox.db", "outbox.db-wal"):
            shutil.copy(tmp_path / name, copy.with_name(name))
    octets = bytearray(copy.read_bytes())
    page = octets.index(events[3].body) // 4096 * 4096
    octets[page : page + 4096] = b"\xff" * 4096
    copy.write_bytes(octets)
    with Outbox(copy, 100_000) as outbox:
        found = saved(copy)
        assert {event.id for event in events[8:]} <= set(found) < {event.id for event in events}
        assert outbox.lost == len(events) - len(found)
        assert {event.id for event in owed(outbox)} >= {event.id for event in events[10:]}
        assert outbox.set_aside is not None
        assert sorted(one.name for one in copy.parent.glob("outbox.damaged-*")) == [
            outbox.set_aside.name,
            outbox.set_aside.name + "-wal",
        ]


@pytest.mark.seeds
@pytest.mark.parametrize("seed", range(24 if ALL_SEEDS else 6))
def test_a_flipped_bit_in_the_log_costs_only_the_rows_that_it_is_in(tmp_path: Path, seed: int) -> None:
    """SQLite would take it for the end of the log, and forget what was written after it without a word."""
    chance = random.Random(seed)  # noqa: S311 - a seed, no secret
    path = tmp_path / "outbox.db"
    events = filled(path, 30)
    with Outbox(path, 100_000) as outbox:
        events += written(outbox, 40)
        shutil.copytree(tmp_path, tmp_path / "cut")
    path = tmp_path / "cut" / "outbox.db"
    log = bytearray(path.with_name("outbox.db-wal").read_bytes())
    at = chance.choice([chance.randrange(32), chance.randrange(len(log)), chance.randrange(len(log))])
    log[at] ^= 1 << chance.randrange(8)
    path.with_name("outbox.db-wal").write_bytes(log)
    with Outbox(path, 100_000) as outbox:
        found = [event for event in owed(outbox) if event in events]
        if outbox.set_aside is None:  # the last commit alone: a power cut may look the same
            assert found in (events[10:], events[10:-1])
            assert at >= len(log) - 6 * (24 + 4096)
            return
        assert found == owed(outbox)
        assert saved(path).keys() <= {event.id for event in events}
        assert outbox.lost == len(events) - len(saved(path)) <= 8


def test_what_a_log_holds_of_older_times_does_not_stand_in_for_what_was_written_later(tmp_path: Path) -> None:
    """A commit that the power cut off leaves rows there, whose numbers others have taken since."""
    frames, events = [], []
    for name in ("older", "newer"):
        path = tmp_path / name / "outbox.db"
        path.parent.mkdir()
        events = filled(path, 30)
        with Outbox(path, 100_000) as outbox:
            events += written(outbox, 30)
            outbox.hold([event.id for event in events[40:45]], NOW)
            frames.append((tmp_path / name / "outbox.db-wal").read_bytes())
            shutil.copytree(tmp_path / name, tmp_path / name / "cut")
    path = tmp_path / "newer" / "cut" / "outbox.db"
    octets = bytearray(path.read_bytes())
    octets[:100] = b"\xff" * 100
    path.write_bytes(octets)
    older, newer = frames[0][32:], bytearray(frames[1])
    for at in range(32, len(newer), 24 + 4096):  # or the first page would be taken from there
        if int.from_bytes(newer[at : at + 4], "big") == 1:
            newer[at + 24 : at + 124] = b"\xff" * 100
    path.with_name("outbox.db-wal").write_bytes(newer + older)
    with Outbox(path, 100_000) as outbox:
        assert saved(path).keys() == {event.id for event in events}
        assert owed(outbox) == [*events[10:40], *events[45:]]
        assert outbox.lost == 0


@pytest.mark.parametrize("header", [True, False])
def test_a_damaged_file_of_version_1_is_saved_by_its_own_words(tmp_path: Path, header: bool) -> None:
    path = tmp_path / "outbox.db"
    events = filled(path, 60)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("ALTER TABLE event DROP COLUMN crc")
        file.execute("DROP TABLE request")
        file.execute("DROP TABLE damage")
        file.execute("PRAGMA user_version = 1")
    octets = bytearray(path.read_bytes())
    octets = bytearray(octets.replace(events[40].body, events[40].body.replace(b"000041", b"000042")))
    octets[:100] = octets[:100] if header else bytes(100)
    path.write_bytes(octets)
    with Outbox(path, 100_000) as outbox:
        assert {event.id for event in owed(outbox)} >= {event.id for event in [*events[20:40], *events[41:]]}
        assert set(saved(path)) == {event.id for event in [*events[:40], *events[41:]]}


class Crash(BaseException):
    """The power goes away."""


CALLS = ("link", "unlink", "rename", "replace", "fsync")


@pytest.mark.parametrize("log", [False, True])
def test_the_power_may_go_away_at_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: bool) -> None:
    whole = tmp_path / "whole" / "outbox.db"
    whole.parent.mkdir()
    events = filled(whole, 60)
    octets = bytearray(whole.read_bytes())
    at = octets.index(events[30].body)
    octets[at] ^= 1
    whole.write_bytes(octets)
    real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}
    steps = 0
    while True:
        folder = tmp_path / f"cut-{steps}"
        shutil.copytree(whole.parent, folder)
        path = folder / "outbox.db"
        if log:
            path.with_name("outbox.db-wal").write_bytes(b"")
        left = steps

        def counted(name: str) -> Callable[..., Any]:
            def call(*arguments: Any, **more: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Crash
                return real[name](*arguments, **more)

            return call

        with monkeypatch.context() as patched:
            for name in CALLS:
                patched.setattr(os, name, counted(name))
            try:
                with Outbox(path, 100_000, lambda: NOW) as outbox:
                    owed(outbox)
            except Crash:
                cut = True
            else:
                cut = left < 0
        with Outbox(path, 100_000, lambda: NOW) as outbox:
            assert owed(outbox) == [*events[20:30], *events[31:]]
            assert outbox.lost == 1
            aside = outbox.set_aside
            assert aside is not None
            assert aside.read_bytes() == bytes(octets)
        assert len(list(folder.glob("outbox.damaged-*.db"))) == 1
        assert list(folder.glob("outbox.salvage*")) == []
        if not cut:
            break
        steps += 1
    assert steps > 8


def test_nothing_is_finished_where_nothing_was_begun(tmp_path: Path) -> None:
    filled(tmp_path / "outbox.db", 3)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    finish(tmp_path / "outbox.db")
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_pages_of_noise_hold_no_rows() -> None:
    chance = random.Random(1)  # noqa: S311 - a seed, no secret
    for _ in range(300):
        page = bytes([_sqlite_pages.LEAF]) + chance.randbytes(4095)
        for row, values in _sqlite_pages.rows(page, 7):
            assert isinstance(row, int)
            assert len(values) == 7
        list(_sqlite_pages.rows(page[: chance.randrange(200)], 7))
