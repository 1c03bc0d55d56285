"""A card that was given another name: what it owes stays its own, is told, and arrives once by stick or by the name."""

import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from central.cli.import_events import bring
from central.ingest.transfer import receipts_of
from central.store.database import Store
from device.__main__ import main as titik
from device.control import control_socket
from device.control.control_socket import ControlSocket, RequestRefusedError, ask
from device.record import _sealing
from device.record.outbox import Outbox, RecordError
from device.record.reader import OutboxReader
from device.record.sealed import LOOK_EVERY, Sealed
from device.record.transfer_file import Header, Holds, writing
from device.wire import Receipt, Topics, batch, digest, dumps, loads
from tests.support.control import answers, listens
from tests.support.outbox import Uptime, filled, outbox_files, outbox_rows, record_scans
from tests.support.store import held_ids
from tests.support.world import tmpfs, wait_for

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
A, B, C = "dprd-1", "bupati-2", "gabungan-3"


def opened(folder: Path, point: str | None, **more: Any) -> Outbox:
    return Outbox(folder / "outbox.db", 10_000, lambda: NOW, point=point, **more)


def owed(outbox: Outbox) -> list[str]:
    return [row.event.id for row in outbox.owed(0, 10_000)]


def receipt_for(path: Path, ids: list[str]) -> Receipt:
    """Return the centre's receipt for *ids*, which follow one another in one epoch of the file at *path*."""
    with closing(sqlite3.connect(path)) as file:
        places = [file.execute("SELECT epoch, seq FROM event WHERE id = ?", (id_,)).fetchone() for id_ in ids]
    return Receipt("c", places[0][0], places[0][1], places[-1][1], len(ids), digest(ids))


@contextmanager
def not_waited_for(pipe: Path) -> Iterator[None]:
    """Fail where the block waits at *pipe*, as it would for ever if nobody came."""
    came: list[int] = []
    late = Timer(20, lambda: came.append(os.open(pipe, os.O_RDWR | os.O_NONBLOCK)))
    late.start()
    try:
        yield
    finally:
        late.cancel()
        late.join()
    assert not came, "it waits"


def without_tables(path: Path) -> None:
    """Let the file be as the program before wrote it."""
    with closing(sqlite3.connect(path)) as file:
        file.executescript("DROP TABLE owner; DROP TABLE age; DROP TABLE uptime;")


def test_an_outbox_under_another_name_is_sealed_beside_a_new_one_and_the_name_back_ends_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 3, A)
        outbox.hold(ids[:1], NOW)
    beside = tmp_path / f"outbox.sealed-{A}.db"
    with opened(tmp_path, B) as outbox:
        assert (outbox.fault, outbox.kept(), owed(outbox)) == (None, [], [])
        assert outbox.sealed.all == (Sealed(beside, A, 2, 1),)
        others = record_scans(outbox, 2, B)
        assert owed(outbox) == others
    said = f"it is sealed as {beside.name} with 2 events owed and 1 held. Next: titik queue export --sealed {A} DIR"
    assert caplog.text.count(said) == 1
    assert outbox_files(tmp_path) == {"outbox.db": dict.fromkeys(others, B), beside.name: dict.fromkeys(ids, A)}
    caplog.clear()
    with opened(tmp_path, A) as outbox:
        assert owed(outbox) == ids[1:]
        assert [(one.path.name, one.point, one.owed) for one in outbox.sealed.all] == [(f"outbox.sealed-{B}.db", B, 2)]
        assert f"{beside.name} is the outbox of {A} again" in caplog.text
        ids += record_scans(outbox, 1, A)
    assert outbox_files(tmp_path) == {
        "outbox.db": dict.fromkeys(ids, A),
        f"outbox.sealed-{B}.db": dict.fromkeys(others, B),
    }


def test_the_same_name_again_is_nothing_and_what_is_sealed_is_told_at_each_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, A) as outbox:
        record_scans(outbox, 3, A)
    for _ in range(2):
        caplog.clear()
        with opened(tmp_path, B) as outbox:
            record_scans(outbox, 1, B)
        assert f"outbox.sealed-{A}.db: 3 events of {A} are owed. Next: titik queue export" in caplog.text
    assert [len(found) for found in outbox_files(tmp_path).values()] == [2, 3]


def test_an_empty_outbox_belongs_to_whoever_opens_it(tmp_path: Path) -> None:
    for name in (A, B, A):
        with opened(tmp_path, name) as outbox:
            assert outbox.sealed.all == ()
    with OutboxReader(tmp_path / "outbox.db") as outbox_reader:
        assert outbox_reader.point() == A
    assert list(outbox_files(tmp_path)) == ["outbox.db"]


def test_an_empty_outbox_makes_room_for_the_one_of_the_name_that_is_given_back(tmp_path: Path) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 2, A)
    with opened(tmp_path, B):
        pass
    with opened(tmp_path, A) as outbox:
        assert owed(outbox) == ids
    assert outbox_files(tmp_path) == {"outbox.db": dict.fromkeys(ids, A)}


def test_the_name_given_back_brings_an_outbox_that_is_fuller_than_another_could_take_in(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, 100, point=A) as outbox:
        ids = record_scans(outbox, 60, A)
    with Outbox(path, 100, point=B) as outbox:
        assert outbox.kept() == []
    with Outbox(path, 100, point=A) as outbox:
        assert (owed(outbox), outbox.sealed.all) == (ids, ())


def test_what_is_only_held_is_sealed_too_and_nobody_has_to_do_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, A) as outbox:
        outbox.hold(record_scans(outbox, 3, A), NOW)
    with opened(tmp_path, B) as outbox:
        assert [(one.owed, one.held) for one in outbox.sealed.all] == [(0, 3)]
        assert outbox.kept() == []  # or the centre would ask the new name for them, and call them lost
    assert "Next: nothing; the centre holds all of it" in caplog.text


@pytest.mark.parametrize("renamed", [True, False])
def test_an_outbox_of_the_program_before_is_whose_its_rows_say(tmp_path: Path, renamed: bool) -> None:
    with opened(tmp_path, None) as outbox:
        ids = record_scans(outbox, 3, A)
    without_tables(tmp_path / "outbox.db")
    with opened(tmp_path, B if renamed else A) as outbox:
        assert owed(outbox) == ([] if renamed else ids)
        assert [one.point for one in outbox.sealed.all] == ([A] if renamed else [])


def mixed(folder: Path) -> dict[str, list[str]]:
    """Write what the program before writes when it is given one name after another; return the ids by name."""
    ids: dict[str, list[str]] = {}
    for name, count in ((A, 4), (B, 3), (A, 2), (C, 5)):
        with opened(folder, None) as outbox:
            some = record_scans(outbox, count, name)
            outbox.hold(some[:1], NOW)
        ids[name] = ids.get(name, []) + some
    without_tables(folder / "outbox.db")
    return ids


@pytest.mark.parametrize("name", [A, B, C, "baru-1"])
def test_rows_of_several_names_in_one_file_are_parted_and_each_arrives_under_its_own(tmp_path: Path, name: str) -> None:
    ids = mixed(tmp_path)
    with opened(tmp_path, name) as outbox:
        assert owed(outbox) == {A: [*ids[A][1:4], *ids[A][5:]], B: ids[B][1:], C: ids[C][1:]}.get(name, [])
        assert {one.point: (one.owed, one.held) for one in outbox.sealed.all} == {
            other: told for other, told in {A: (4, 2), B: (2, 1), C: (4, 1)}.items() if other != name
        }
        assert outbox.fault is None
    for other, some in ids.items():
        with opened(tmp_path, other) as outbox:
            assert outbox_rows(outbox.path) == dict.fromkeys(some, other)
            assert outbox.settle(receipt_for(outbox.path, some[:3])) is not None
    assert sorted(id_ for found in outbox_files(tmp_path).values() for id_ in found) == sorted(chain(*ids.values()))


def test_a_program_before_that_wrote_under_another_name_meanwhile_is_noticed(tmp_path: Path) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 2, A)
    with opened(tmp_path, None) as outbox:
        others = record_scans(outbox, 2, B)
    with opened(tmp_path, A) as outbox:
        assert owed(outbox) == ids
        assert [(one.point, one.owed) for one in outbox.sealed.all] == [(B, 2)]
    with opened(tmp_path, B) as outbox:
        assert owed(outbox) == others


def test_of_a_copied_card_both_outboxes_are_delivered_and_nothing_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 4, A)
        outbox.hold(ids[:1], NOW)
    copy = tmp_path / f"outbox.sealed-{A}.db"
    shutil.copy(tmp_path / "outbox.db", copy)
    with opened(tmp_path, None) as outbox:
        later = record_scans(outbox, 2, A)
        outbox.hold(ids[:2], NOW)
    with Outbox(copy, 100) as other:
        more = record_scans(other, 3, A)
    copy.with_name(copy.name + ".ballast").unlink()
    with opened(tmp_path, A) as outbox:
        assert owed(outbox) == [*ids[2:], *later, *more]
        assert outbox.sealed.all == ()
        assert "3 rows of outbox.sealed-dprd-1.db, which is this point's, are in its outbox now" in caplog.text
    assert outbox_files(tmp_path) == {"outbox.db": dict.fromkeys([*ids, *later, *more], A)}


def test_what_was_held_on_a_copied_card_ages_from_then_on(tmp_path: Path) -> None:
    uptime = Uptime()
    with opened(tmp_path, A, uptime=uptime) as outbox:
        outbox.hold(record_scans(outbox, 2, A), NOW)
    shutil.move(tmp_path / "outbox.db", tmp_path / "copy")
    with opened(tmp_path, A, uptime=uptime) as outbox:
        outbox.hold(record_scans(outbox, 1, A), NOW)
        uptime.pass_by(days=6)
        outbox.purge(NOW, WEEK)
    (tmp_path / "copy").rename(tmp_path / f"outbox.sealed-{A}.db")
    with opened(tmp_path, A, uptime=uptime) as outbox:
        assert len(outbox_rows(outbox.path)) == 3
        uptime.pass_by(days=6.9)
        assert outbox.purge(NOW + timedelta(days=400), WEEK) == 0
        uptime.pass_by(days=0.2)
        assert outbox.purge(NOW + timedelta(days=400), WEEK) == 3


def test_a_copied_card_that_owes_more_than_there_is_room_for_stays_sealed_and_is_said(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 20, point=A) as outbox:
        ids = record_scans(outbox, 9, A)
    shutil.copy(tmp_path / "outbox.db", tmp_path / "outbox.sealed-x.db")
    with Outbox(tmp_path / "outbox.db", 20, point=A) as outbox:
        record_scans(outbox, 4, A)
    with Outbox(tmp_path / "outbox.db", 20, point=A) as outbox:
        assert outbox.depth().owed == 13
        assert [(one.point, one.owed) for one in outbox.sealed.all] == [(A, 9)]
        outbox.hold(owed(outbox), NOW)
    with Outbox(tmp_path / "outbox.db", 20, point=A) as outbox:
        assert (owed(outbox), outbox.sealed.all) == ([], ())
        assert set(ids) <= set(outbox_rows(outbox.path))


def test_rows_that_stand_where_others_do_are_never_dropped(tmp_path: Path) -> None:
    with opened(tmp_path, A) as outbox:
        record_scans(outbox, 2, A)
    copy = tmp_path / f"outbox.sealed-{A}.db"
    shutil.copy(tmp_path / "outbox.db", copy)
    with closing(sqlite3.connect(copy)) as file, file:
        for row, id_, body in file.execute("SELECT row, id, body FROM event").fetchall():
            other = id_[::-1]
            changed = body.replace(id_.encode(), other.encode())
            file.execute("UPDATE event SET id = ?, body = ?, crc = NULL WHERE row = ?", (other, changed, row))
    strangers = outbox_rows(copy)
    with opened(tmp_path, A) as outbox:
        assert [(one.path, one.owed) for one in outbox.sealed.all] == [(copy, 2)]
        assert outbox_rows(copy) == strangers


def test_a_file_that_another_program_reads_is_sealed_as_soon_as_it_lets_go(tmp_path: Path) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 3, A)
    with closing(sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)) as reader, ExitStack() as stack:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event").fetchone()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("device.record._opening.PATIENCE", 0.05)
        outbox = stack.enter_context(opened(tmp_path, B))
        assert outbox.fault == "another program is writing the database"
        with pytest.raises(RecordError):
            outbox.kept()
        assert sorted(outbox_rows(tmp_path / "outbox.db")) == sorted(ids)
        reader.close()
        wait_for(lambda: outbox.fault is None)
        assert [(one.point, one.owed) for one in outbox.sealed.all] == [(A, 3)]


def test_a_sealed_file_that_is_damaged_is_said_and_its_name_back_saves_what_is_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 60, A)
    with opened(tmp_path, B):
        pass
    beside = tmp_path / f"outbox.sealed-{A}.db"
    octets = beside.read_bytes()
    beside.write_bytes(bytes(100) + octets[100:])
    caplog.clear()
    with opened(tmp_path, B) as outbox:
        assert outbox.sealed.all == (Sealed(beside, A, None, 0),)
        record_scans(outbox, 1, B)
        assert f"{beside.name} cannot be read. Next: keep it, it is {A}'s" in caplog.text
        assert outbox.sealed.settle(Receipt("c", "e", 1, 1, 1, "0"), NOW, 100) is None
    with opened(tmp_path, A) as outbox:
        assert owed(outbox) == ids
        assert outbox.set_aside is not None
        assert [one.point for one in outbox.sealed.all] == [B]


@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm"])
def test_a_pipe_beside_a_sealed_file_is_not_waited_for_and_its_name_back_brings_what_it_holds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, ending: str
) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 2, A)
    with opened(tmp_path, B) as outbox:
        record_scans(outbox, 1, B)
    beside = tmp_path / f"outbox.sealed-{A}.db"
    pipe = tmp_path / f"{beside.name}{ending}"
    os.mkfifo(pipe)
    with not_waited_for(pipe), opened(tmp_path, B) as outbox:
        assert (outbox.fault, outbox.sealed.all) == (None, (Sealed(beside, A, None, 0),))
        assert f"{beside.name} cannot be read. Next: keep it, it is {A}'s" in caplog.text
    with not_waited_for(pipe), opened(tmp_path, A) as outbox:
        assert (outbox.fault, owed(outbox)) == (None, ids)


@pytest.mark.parametrize("made", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_under_a_sealed_name_is_told_and_keeps_its_point_from_nothing(
    tmp_path: Path, made: Callable[[Path], None]
) -> None:
    beside = tmp_path / f"outbox.sealed-{A}.db"
    made(beside)
    for point in (A, B):
        with opened(tmp_path, point) as outbox:
            assert (outbox.fault, outbox.sealed.all) == (None, (Sealed(beside, A, None, 0),))


def test_a_salvaged_outbox_is_still_its_point_s_and_as_old_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with opened(tmp_path, A) as outbox:
        outbox.hold([event.id for event in filled(outbox, 60)], NOW)  # rows that name nobody
    path.with_name("outbox.db.suspect").touch()
    with opened(tmp_path, B) as outbox:
        assert outbox.set_aside is not None
        assert [(one.point, one.owed, one.held) for one in outbox.sealed.all] == [(A, 0, 60)]
        with closing(sqlite3.connect(outbox.sealed.all[0].path)) as file:
            assert file.execute("SELECT count(*) FROM age").fetchone() == (1,)
            assert file.execute("SELECT count(*) FROM uptime").fetchone() == (1,)


def test_a_flipped_bit_in_the_owner_s_name_makes_nobody_else_of_it(tmp_path: Path) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 3, A)
    for wrong in (b"dprd-3", b"DPRD-1", b"\xffprd-1"):
        with closing(sqlite3.connect(tmp_path / "outbox.db")) as file, file:
            file.execute("UPDATE owner SET point = CAST(? AS TEXT)", (wrong,))
        with opened(tmp_path, A) as outbox:
            assert (owed(outbox), outbox.sealed.all) == (ids, ())


def test_receipts_over_the_network_are_for_the_outbox_alone_and_brought_ones_for_what_is_sealed_too(
    tmp_path: Path,
) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 5, A)
    with opened(tmp_path, B) as outbox:
        receipt = receipt_for(outbox.sealed.all[0].path, ids[:3])
        assert outbox.settle(receipt, NOW) is None
        assert outbox.hold(ids, NOW) == 0
        assert outbox.recall(receipt.epoch, 1, 5).kept == 0
        false = Receipt("c", receipt.epoch, 1, 3, 3, digest(["x"]))
        assert outbox.sealed.settle(false, NOW, 100) is None
        assert outbox.sealed.settle(receipt, NOW, 2) is None
        assert outbox.sealed.settle(receipt, NOW, 100) == 3
        assert outbox.sealed.settle(receipt, NOW, 100) == 0
        assert [(one.owed, one.held) for one in outbox.sealed.all] == [(2, 3)]
    with opened(tmp_path, A) as outbox:
        assert owed(outbox) == ids[3:]


def test_what_is_sealed_grows_old_like_what_is_held_and_goes_only_when_nothing_is_owed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    uptime = Uptime()
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 3, A)
        outbox.hold(ids[:2], NOW)
    with opened(tmp_path, B, uptime=uptime) as outbox:
        beside = outbox.sealed.all[0].path

        def days(first: float, last: float) -> None:
            for hour in range(round(24 * first), round(24 * last), 4):
                uptime.seconds += 4 * LOOK_EVERY
                outbox.purge(NOW + timedelta(hours=hour + 4), WEEK)

        days(0, 6.5)
        assert len(outbox_rows(beside)) == 3
        days(6.5, 7.5)
        assert list(outbox_rows(beside)) == ids[2:]
        days(7.5, 20)
        assert list(outbox_rows(beside)) == ids[2:], "what is owed never goes"
        outbox.sealed.settle(receipt_for(beside, ids[2:]), NOW + timedelta(days=20), 100)
        assert f"{beside.name} owes nothing any more" in caplog.text
        outbox.purge(NOW + timedelta(days=430), WEEK)  # the clock steps for a moment
        days(20, 26.5)
        assert beside.exists()
        days(26.5, 27.5)
        assert not beside.exists()
        assert outbox.sealed.all == ()
        assert f"{beside.name} is gone: the centre has held all rows of {A} long enough" in caplog.text


def test_a_file_of_the_program_before_on_a_full_disk_still_drains(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "16m") as folder:
        with opened(folder, None) as outbox:
            ids = record_scans(outbox, 20, A)
        without_tables(folder / "outbox.db")
        with (folder / "other").open("wb") as other, suppress(OSError):
            while True:
                os.write(other.fileno(), bytes(4096))
        with opened(folder, A) as outbox:
            wait_for(lambda: outbox.fault != "" and outbox.depth().owed == 20)
            assert outbox.hold(ids, NOW) == 20


def test_more_sealed_files_than_anybody_renames_are_refused_in_words_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sealing, "MAX_SEALED", 3)
    for n in range(1, 5):
        with opened(tmp_path, f"x-{n}") as outbox:
            record_scans(outbox, 1, f"x-{n}")
    with opened(tmp_path, "x-5") as outbox:
        assert outbox.fault is not None
        assert "3 of other points are sealed here already. Next: titik queue list" in outbox.fault
    assert len(outbox_files(tmp_path)) == 4
    with opened(tmp_path, "x-4") as outbox:
        assert outbox.depth().owed == 1


def test_two_files_of_one_name_both_wait(tmp_path: Path) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 2, A)
    with opened(tmp_path, B):
        pass
    (tmp_path / f"outbox.sealed-{A}.db").rename(tmp_path / "aside")
    with opened(tmp_path, A) as outbox:
        more = record_scans(outbox, 1, A)
    (tmp_path / "aside").rename(tmp_path / f"outbox.sealed-{A}.db")
    with opened(tmp_path, B) as outbox:
        assert [(one.path.name, one.owed) for one in outbox.sealed.all] == [
            (f"outbox.sealed-{A}.2.db", 1),
            (f"outbox.sealed-{A}.db", 2),
        ]
    with opened(tmp_path, A) as outbox:
        assert sorted(owed(outbox)) == sorted([*ids, *more])
        assert outbox.sealed.all == ()


class Crash(BaseException):
    """The program ends here."""


CALLS = ("link", "unlink", "rename", "replace", "fsync")


@contextmanager
def crashing(after: int) -> Iterator[Callable[[], bool]]:
    """Let the call *after* so many others to the file system, and all that follow, end the program."""
    left = after
    real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}

    def counted(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return real[name](*arguments, **more)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, counted(name))
        yield lambda: left < 0


def crashed(folder: Path, name: str, after: int) -> bool:
    """Open the outbox in *folder* as *name*, and crash; return whether it came to that."""
    outbox = opened(folder, name)
    with crashing(after) as cut:
        try:
            outbox.__enter__()
        except Crash:
            pass
        else:
            assert outbox.fault is None or cut()
    outbox.__exit__(None, None, None)
    return cut()


@pytest.mark.parametrize("later", [A, B, C])
def test_the_program_may_end_at_any_step_of_sealing_parting_and_taking_back(tmp_path: Path, later: str) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    ids = mixed(whole)
    steps = 0
    while True:
        folder = shutil.copytree(whole, tmp_path / f"cut-{later}-{steps}")
        cut = crashed(folder, B, steps)
        found: dict[str, list[str]] = {}
        for name in (later, A, B, C):
            with opened(folder, name) as outbox:
                assert outbox.fault is None
                assert set(outbox_rows(outbox.path).values()) <= {name}
                found[name] = list(outbox_rows(outbox.path))
        assert found == ids
        everything = [id_ for some in outbox_files(folder).values() for id_ in some]
        assert sorted(everything) == sorted(chain(*ids.values())), "each row is in one file"
        assert list(folder.glob("outbox.parting*")) == []
        if not cut:
            break
        steps += 1
    assert steps > 6


class Names(RuleBasedStateMachine):
    """One card that is given one name after another, with crashes, sticks and a network in between."""

    def __init__(self) -> None:
        super().__init__()
        shm = Path("/dev/shm")  # noqa: S108 - memory, and a folder of our own in it: this is about names, not syncs
        self.folder = TemporaryDirectory(dir=shm if shm.is_dir() else None)
        self.card = Path(self.folder.name) / "card-0"
        self.card.mkdir()
        self.lives = 0
        self.point = A
        self.written: dict[str, str] = {}
        self.arrived: dict[str, str] = {}
        self.outbox = opened(self.card, A).__enter__()

    def teardown(self) -> None:
        for name in (A, B, C):
            self.renamed(name)
            self.by_network(10_000)
            assert owed(self.outbox) == []
        assert self.arrived == self.written
        self.outbox.__exit__(None, None, None)
        self.folder.cleanup()

    @rule(name=st.sampled_from([A, B, C]))
    def renamed(self, name: str) -> None:
        self.outbox.__exit__(None, None, None)
        self.point = name
        self.outbox = opened(self.card, name).__enter__()
        assert self.outbox.fault is None

    @rule(name=st.sampled_from([A, B, C]), after=st.integers(0, 12))
    def renamed_and_ended_on_the_way(self, name: str, after: int) -> None:
        self.outbox.__exit__(None, None, None)
        crashed(self.card, name, after)
        self.point = name
        self.outbox = opened(self.card, name).__enter__()

    @rule(count=st.integers(1, 5))
    def people_come(self, count: int) -> None:
        for id_ in record_scans(self.outbox, count, self.point):
            self.written[id_] = self.point

    @rule()
    def killed(self) -> None:
        """Go on with what a kill leaves: the file and its log as they lie there."""
        self.lives += 1
        after = self.card.with_name(f"card-{self.lives}")
        shutil.copytree(self.card, after, ignore=shutil.ignore_patterns("*-shm"))
        self.outbox.__exit__(None, None, None)
        self.card = after
        self.outbox = opened(self.card, self.point).__enter__()

    @rule(most=st.integers(1, 6))
    def by_network(self, most: int) -> None:
        ids = []
        for row in self.outbox.owed(0, most):
            told = json.loads(row.event.body)
            assert told["source"] == f"/titik/{self.point}", "no row goes out under another point's name"
            self.arrive(told["id"], self.point)
            ids.append(told["id"])
        self.outbox.hold(ids, NOW)

    @rule(read=st.booleans())
    def by_stick(self, read: bool) -> None:
        """Carry what is sealed to the centre, and the receipts back, unless they are forgotten."""
        for one in self.outbox.sealed.all:
            with OutboxReader(one.path) as outbox_reader:
                assert outbox_reader.point() == one.point
                while (page := outbox_reader.page(0, 10_000)).bodies:
                    told = [json.loads(body) for body in page.bodies]
                    for event in told:
                        assert event["source"] == f"/titik/{one.point}"
                        self.arrive(event["id"], one.point)
                    if not read:
                        break
                    receipt = receipt_for(one.path, [event["id"] for event in told])
                    assert self.outbox.sealed.settle(receipt, NOW, 100) == len(told)

    def arrive(self, id_: str, point: str) -> None:
        assert self.arrived.setdefault(id_, point) == point

    @invariant()
    def every_row_is_in_one_file_under_its_own_name(self) -> None:
        found: dict[str, str] = {}
        for name, some in outbox_files(self.card).items():
            for id_, point in some.items():
                assert id_ not in found, f"{id_} is in two files"
                found[id_] = point
                assert point == (self.point if name == "outbox.db" else name.split("-", 1)[1].split(".")[0])
        assert found == self.written


Names.TestCase.settings = settings(stateful_step_count=15)
TestNames = Names.TestCase


@contextmanager
def served(folder: Path, outbox: Outbox, point: str) -> Iterator[list[str]]:
    """Bind a station's control socket, and the words by which a command finds it."""
    socket = folder / "titik.sock"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control_socket, "GLANCE", 0.02)
        with ControlSocket(socket, answers(outbox, point, NOW)):
            wait_for(lambda: listens(socket))
            yield ["--socket", str(socket)]


@pytest.mark.parametrize("running", [True, False])
def test_what_is_sealed_goes_by_stick_under_its_own_name_and_its_receipts_settle_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], running: bool
) -> None:
    usb, database, card = tmp_path / "usb", tmp_path / "central.db", tmp_path / "card"
    usb.mkdir()
    card.mkdir()
    with Store(database, NOW):
        pass
    with opened(card, A) as outbox:
        ids = record_scans(outbox, 120, A)
        epoch = outbox.epoch
    with opened(card, B) as outbox, served(tmp_path, outbox, B) as near:
        others = record_scans(outbox, 2, B)
        here = near if running else ["--socket", str(tmp_path / "none"), "--state", str(card)]
        assert titik(["queue", "list", "--json", *here]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["point"], told["owed"]) == (B, 2)
        assert told["sealed"] == [
            {
                "file": f"outbox.sealed-{A}.db",
                "point": A,
                "owed": 120,
                "held": 0,
                "oldest": {"epoch": epoch, "seq": 1, "time": "2026-11-22T01:02:03.456Z"},
                "kept": [[epoch, 1, 120]],
                "why": None,
            }
        ]
        assert titik(["queue", "list", *here]) == 0
        assert f"next: titik queue export --sealed {A} DIR" in capsys.readouterr().out
        file = usb / "one.jsonl"
        assert titik(["queue", "export", "--sealed", A, str(file), *here]) == 0
        assert titik(["queue", "export", "--sealed", "x", str(file), *here]) == 1
        assert f"Nothing is sealed of x; there is: {A}" in capsys.readouterr().err
        assert json.loads(file.read_bytes().splitlines()[0])["header"]["point"] == A
        assert bring(file, database, Topics()) == 0
        assert held_ids(database) == ids
        file.unlink()
        assert titik(["queue", "export", str(usb), *here]) == 0  # a folder takes everything along, a file for each
        both = sorted(usb.glob("titik-*Z.jsonl"))
        assert [path.name.rsplit("-", 1)[0] for path in both] == [f"titik-{B}", f"titik-{A}"]
        for path in both:
            assert bring(path, database, Topics()) == 0
        assert held_ids(database) == [*ids, *others]
        assert [one.owed for one in outbox.sealed.all] == [120]
        assert titik(["queue", "import", *map(str, map(receipts_of, both)), *near]) == 0
        assert [line.split(" / ")[0] for line in capsys.readouterr().out.splitlines()][-2:] == [
            "2 peristiwa kini di pusat; 0 belum.",
            "120 peristiwa kini di pusat; 0 belum.",
        ]
        assert [(one.owed, one.held) for one in outbox.sealed.all] == [(0, 120)]
        assert owed(outbox) == []
        with Store(database, NOW) as store:
            assert store.read("SELECT point, count(*) FROM event GROUP BY point") == [(B, 2), (A, 120)]
            assert store.read("SELECT count(*) FROM quarantine") == [(0,)]


def test_a_file_alone_takes_what_is_the_station_s_and_says_what_it_leaves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path, A) as outbox:
        record_scans(outbox, 3, A)
    with opened(tmp_path, B) as outbox, served(tmp_path, outbox, B) as near:
        record_scans(outbox, 1, B)
        assert titik(["queue", "export", str(tmp_path / "x.jsonl"), *near]) == 0
        assert "3 peristiwa titik lain disegel di kartu ini" in capsys.readouterr().err
        with writing(tmp_path / "y.receipts.jsonl", Header(Holds.RECEIPTS, C, "now", "c")) as pen:
            pen.write(b"{}", 0)
        assert titik(["queue", "import", str(tmp_path / "y.receipts.jsonl"), *near]) == 1
        assert f"is for {C}, not for {B}" in capsys.readouterr().err


def test_a_card_whose_outbox_was_just_sealed_when_the_power_went_can_still_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(tmp_path, A) as outbox:
        record_scans(outbox, 3, A)
    with opened(tmp_path, B):
        pass
    (tmp_path / "outbox.db").unlink()
    here = ["--socket", str(tmp_path / "none"), "--state", str(tmp_path)]
    assert titik(["queue", "list", "--json", *here]) == 0
    assert [one["owed"] for one in json.loads(capsys.readouterr().out)["sealed"]] == [3]
    assert titik(["queue", "export", str(tmp_path / "x.jsonl"), "--sealed", A, *here]) == 0


def test_what_the_centre_quarantined_of_a_sealed_file_is_forgotten_by_its_bytes(tmp_path: Path) -> None:
    with opened(tmp_path, A) as outbox:
        ids = record_scans(outbox, 3, A)
        bodies = [row.event.body for row in outbox.owed(0, 3)]
    with opened(tmp_path, B) as outbox, served(tmp_path, outbox, B) as near:
        for name in ("../outbox.db", "outbox.db", "outbox.sealed-x.db"):
            asked = dumps({"after": 0, "until": 9, "all": False, "sealed": name})
            with pytest.raises(RequestRefusedError, match="there is no such sealed file"):
                ask(Path(near[1]), "queue-read", asked)
        answer = ask(
            Path(near[1]),
            "queue-settle",
            dumps({"centre": "c", "quarantined": sha256(batch(bodies)).hexdigest(), "ids": ids}),
        )
        assert loads(answer.encode()) == {"settled": 3, "unknown": 0}
        assert [one.owed for one in outbox.sealed.all] == [0]
