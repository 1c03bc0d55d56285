"""Events carried on a stick: lost, damaged, read twice or late, beside the network; held once, forgotten only then."""

import faulthandler
import json
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.cli.import_events import bring
from central.ingest import transfer as central_stick
from central.ingest.intake import Intake
from central.ingest.transfer import receipts_of
from central.store import file as central_store
from central.store.database import Store
from device.__main__ import main as titik
from device.control import control_socket
from device.control.control_socket import ControlSocket, RequestRefusedError, ask
from device.record import reader
from device.record.outbox import Outbox
from device.record.reader import OutboxReader, OutboxReadError
from device.record.transfer_file import MAX_LINE, Header, Holds, TransferFile, TransferFileError, told_of, writing
from device.system import log
from device.wire import Receipt, Received, Topics, batch, digest, dumps, loads, parse_receipt
from tests.support import point
from tests.support.centre import CentreProgram, fake_station
from tests.support.control import answers, listens
from tests.support.credentials import staff_pass
from tests.support.messages import POINT, event
from tests.support.outbox import record_scans
from tests.support.store import held_ids
from tests.support.world import Child, Mosquitto, free_port, tmpfs, wait_for

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@dataclass
class World:
    """A point's outbox with its control socket, a centre's database, and a stick."""

    folder: Path
    outbox: Outbox
    stick: Path
    database: Path
    socket: Path

    def titik(self, *words: str | Path) -> int:
        return titik(["queue", *map(str, words), "--socket", str(self.socket)])

    def central(self, file: Path) -> int:
        return bring(file, self.database, Topics())

    def export(self, *words: str) -> Path:
        before = set(self.stick.iterdir())
        assert self.titik("export", self.stick, *words) == 0
        (made,) = set(self.stick.iterdir()) - before
        return made

    def held(self) -> list[str]:
        """Return the ids at the centre, as often as they are there."""
        return held_ids(self.database)

    def owed(self) -> list[str]:
        return [one.event.id for one in self.outbox.owed(0, 10_000)]

    def over_the_network(self, first: int, last: int) -> None:
        """Let the centre take the rows from *first* to *last*, and the station hear of it."""
        rows = [one.event for one in self.outbox.owed(0, 1000) if first <= one.event.place.seq <= last]
        with Store(self.database, NOW) as store:
            message = Received(f"titik/v1/{POINT}/event", batch([row.body for row in rows]), retained=False)
            answers, _ = Intake(store, Topics()).take([message], NOW)
        (receipt,) = [parse_receipt(answer.body) for answer in answers]
        assert isinstance(receipt, Receipt)
        assert self.outbox.settle(receipt, NOW) == len(rows)


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    stick, database, socket = folder / "stick", folder / "central.db", folder / "titik.sock"
    stick.mkdir()
    with Store(database, NOW):
        pass
    with pytest.MonkeyPatch.context() as patch, Outbox(folder / "outbox.db", 10_000) as outbox:
        patch.setattr(control_socket, "GLANCE", 0.02)  # so that it is shut sooner
        verbs = answers(outbox, POINT, NOW)
        with ControlSocket(socket, verbs):
            wait_for(lambda: listens(socket))
            yield World(folder, outbox, stick, database, socket)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as it:
        yield it


def test_what_is_owed_goes_to_the_centre_and_its_receipts_come_back(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = record_scans(world.outbox, 120)
    stick = world.export()
    assert world.owed() == ids  # a stick that is lost on the way costs nothing
    assert world.central(stick) == 0
    assert world.held() == ids
    assert world.owed() == ids
    assert world.titik("import", receipts_of(stick)) == 0
    assert world.owed() == []
    assert stick.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr().out
    assert "120 peristiwa ditulis ke" in said
    assert "bupati-1: 120 peristiwa ada di pusat" in said
    assert "120 peristiwa kini di pusat; 0 belum" in said
    assert world.titik("export", world.stick) == 0
    assert "Tidak ada yang perlu dibawa" in capsys.readouterr().out
    with closing(sqlite3.connect(world.database)) as file:  # nobody heard the point itself
        assert file.execute("SELECT * FROM station").fetchall() == []


def test_each_line_of_a_stick_is_a_message_as_on_the_wire_with_its_checksum(world: World) -> None:
    record_scans(world.outbox, 70)
    lines = [json.loads(line) for line in world.export().read_bytes().splitlines()]
    assert [sorted(line) for line in lines] == [["header", "sha256"], *[["line", "sha256"]] * 2, ["end", "sha256"]]
    assert {**lines[0]["header"], "made": ""} == {
        "format": "titik-stick",
        "version": 1,
        "holds": "events",
        "point": POINT,
        "made": "",
        "centre": None,
    }
    bodies = [one.event.body for one in world.outbox.owed(0, 100)]
    assert [dumps(line["line"]) for line in lines[1:-1]] == [batch(bodies[:50]), batch(bodies[50:])]
    assert (lines[-1]["end"]["lines"], lines[-1]["end"]["events"]) == (2, 70)


def test_a_stick_the_network_and_an_old_stick_together_hold_each_event_once(world: World) -> None:
    ids = record_scans(world.outbox, 30)
    old = world.export()
    world.over_the_network(11, 20)  # leaves a hole: no receipt may span it
    assert world.owed() == ids[:10] + ids[20:]
    new = world.export()
    assert b'"end":{"events":20,' in new.read_bytes()  # not what the centre has said it holds
    more = record_scans(world.outbox, 5)
    assert world.central(new) == world.central(new) == 0
    assert world.titik("import", receipts_of(new)) == 0
    assert world.owed() == more
    assert world.titik("import", receipts_of(new)) == 0
    assert world.central(old) == 0
    assert world.titik("import", receipts_of(old)) == 0
    assert world.owed() == more
    assert sorted(world.held()) == sorted(ids)


def test_with_all_what_the_centre_lost_with_its_database_can_be_carried_again(world: World) -> None:
    ids = record_scans(world.outbox, 10)
    world.over_the_network(1, 10)
    world.database.unlink()
    with Store(world.database, NOW):
        pass
    stick = world.export("--all")
    assert world.central(stick) == 0
    assert world.held() == ids
    assert world.titik("import", receipts_of(stick)) == 0


def test_the_queue_says_what_is_owed_and_kept(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.titik("list", "--json") == 0
    empty = {"point": POINT, "owed": 0, "held": 0, "oldest": None, "kept": [], "sealed": []}
    assert json.loads(capsys.readouterr().out) == empty
    record_scans(world.outbox, 7)
    world.over_the_network(1, 2)
    epoch = world.outbox.epoch
    assert world.titik("list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "point": POINT,
        "owed": 5,
        "held": 2,
        "oldest": {"epoch": epoch, "seq": 3, "time": "2026-11-22T01:02:03.456Z"},
        "kept": [[epoch, 1, 7]],
        "sealed": [],
    }
    assert world.titik("list") == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == [
        "bupati-1: 5 peristiwa belum di pusat / events are owed to the centre",
        f"tertua / oldest: 2026-11-22 09:02:03 WITA ({epoch}, 3)",
    ]


def test_an_event_of_another_point_is_quarantined_and_forgotten_by_the_digest_of_its_bytes(world: World) -> None:
    foreign, own = record_scans(world.outbox, 3, "dprd-1"), record_scans(world.outbox, 60)
    stick = world.export()
    assert world.central(stick) == 0
    assert world.held() == own  # 47 of them beside the foreign ones, kept all the same
    with closing(sqlite3.connect(world.database)) as file:
        ((topic, why),) = file.execute("SELECT topic, why FROM quarantine").fetchall()
    assert (topic, why) == ("titik/v1/bupati-1/event", "source or point is not the point of its topic")
    assert world.owed() == foreign + own
    assert world.titik("import", receipts_of(stick)) == 0
    assert world.owed() == []


@pytest.fixture
def _log_ends_with_the_test() -> Iterator[None]:
    before = logging.root.handlers[:]
    yield
    logging.root.handlers[:] = before
    faulthandler.unregister(signal.SIGUSR1)


@pytest.mark.usefixtures("_log_ends_with_the_test")
def test_the_name_of_a_stick_paints_no_terminal(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    log.start({})
    record_scans(world.outbox, 2)
    painted = world.stick / "\x1b]0;PWNED\x07\x1b[31m\nerror: mine.jsonl"
    assert world.titik("export", painted) == 0
    assert world.central(painted) == 0
    assert world.titik("import", receipts_of(painted)) == 0
    assert world.central(world.stick / "\x1b[31mnone.jsonl") == 3
    assert world.titik("import", world.stick / "\x1b[31mnone.jsonl") == 3
    said = "".join(capfd.readouterr())
    assert "PWNED" in said
    assert [line for line in said.splitlines() if not line.isprintable()] == []
    assert not any(line.startswith("error: mine") for line in said.splitlines())


def test_a_quarantine_of_other_bytes_or_other_rows_forgets_nothing(world: World) -> None:
    ids = record_scans(world.outbox, 2)
    body = batch([one.event.body for one in world.outbox.owed(0, 2)])
    said = sha256(body).hexdigest()
    for told in (
        {"quarantined": said, "ids": ids[:1]},
        {"quarantined": said, "ids": ids[::-1]},
        {"quarantined": said, "ids": [*ids, "x"]},
        {"quarantined": said, "ids": []},
        {"quarantined": said, "ids": [1, None]},
        {"quarantined": said},
        {"quarantined": "0" * 64, "ids": ids},
    ):
        answer = ask(world.socket, "queue-settle", dumps({"centre": "c", **told}))
        assert loads(answer.encode()) == {"settled": 0, "unknown": 1}
    assert world.owed() == ids
    answer = ask(world.socket, "queue-settle", dumps({"centre": "c", "quarantined": said, "ids": ids}))
    assert loads(answer.encode()) == {"settled": 2, "unknown": 0}


def test_receipts_that_do_not_fit_change_nothing_and_are_told(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ids = record_scans(world.outbox, 3)
    file = world.stick / "x.receipts.jsonl"
    epoch = world.outbox.epoch
    with writing(file, Header(Holds.RECEIPTS, POINT, "now", "c")) as pen:
        pen.write(Receipt("c", epoch, 1, 3, 3, digest(["a", "b", "c"])).encode(), 3)
        pen.write(b'{"no":"receipt"}', 0)
    assert world.titik("import", file) == 1
    assert "2 tanda terima tidak cocok" in capsys.readouterr().err
    with writing(file, Header(Holds.RECEIPTS, "dprd-1", "now", "c")) as pen:
        pen.write(Receipt("c", epoch, 1, 3, 3, digest(ids)).encode(), 3)
    assert world.titik("import", file) == 1
    assert "milik titik dprd-1, bukan bupati-1" in capsys.readouterr().err
    assert world.owed() == ids


Damage = Callable[[list[bytes]], list[bytes]]


def flipped(line: int, at: int, bit: int) -> Damage:
    def damage(lines: list[bytes]) -> list[bytes]:
        n = line % len(lines)
        octets = bytearray(lines[n] or b"x")
        octets[at % len(octets)] ^= 1 << bit
        return [*lines[:n], bytes(octets), *lines[n + 1 :]]

    return damage


def cut(at: int) -> Damage:
    return lambda lines: (whole := b"".join(lines))[: at % (len(whole) + 1)].splitlines(keepends=True) or [b""]


def moved(line: int, to: int, *, drop: bool) -> Damage:
    def damage(lines: list[bytes]) -> list[bytes]:
        rest = list(lines)
        one = rest.pop(line % len(rest)) if drop and len(rest) > 1 else rest[line % len(rest)]
        rest.insert(to % (len(rest) + 1), one)
        return rest

    return damage


def dropped(line: int) -> Damage:
    return lambda lines: [one for n, one in enumerate(lines) if n != line % len(lines)] or [b""]


NUMBER = st.integers(0, 100_000)
DAMAGE = st.one_of(
    st.builds(flipped, NUMBER, NUMBER, st.integers(0, 7)),
    st.builds(cut, NUMBER),
    st.builds(moved, NUMBER, NUMBER, drop=st.booleans()),
    st.builds(dropped, NUMBER),
)


def damage(path: Path, how: list[Damage]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for one in how:
        lines = one(lines)
    path.write_bytes(b"".join(lines))


@given(st.lists(DAMAGE, max_size=4), st.lists(DAMAGE, max_size=4), st.integers(0, 6), st.integers(0, 6))
def test_whatever_becomes_of_a_stick_nothing_is_doubled_or_forgotten_too_soon(
    out: list[Damage], back: list[Damage], first: int, last: int
) -> None:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(reader, "MAX_EVENTS", 2)
        patch.setattr(central_stick, "MESSAGES", 2)
        world = stack.enter_context(opened(Path(stack.enter_context(TemporaryDirectory()))))
        ids = record_scans(world.outbox, 13)
        if 0 < first <= last:
            world.over_the_network(first, last)
        owed = world.owed()
        stick = world.export()
        unhurt = stick.read_bytes()
        damage(stick, out)
        told = world.central(stick)
        assert told == 1 or stick.read_bytes() == unhurt  # damage is never passed over in silence
        assert len(world.held()) == len(set(world.held()))
        assert set(world.held()) <= set(ids)
        if receipts_of(stick).exists():
            held_once = set(world.held())
            damage(receipts_of(stick), back)
            world.titik("import", receipts_of(stick))
            assert set(ids) - set(world.owed()) <= held_once
            if not back:
                assert set(world.owed()) == set(owed) - held_once
        else:
            assert world.owed() == owed
        again = world.export("--all")
        assert world.central(again) == 0
        assert world.titik("import", receipts_of(again)) == 0
        assert (sorted(world.held()), world.owed()) == (sorted(ids), [])


def test_whole_lines_of_a_damaged_stick_are_taken_and_the_others_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    ids = record_scans(world.outbox, 150)
    stick = world.export()
    damage(stick, [flipped(2, 400, 3)])
    assert world.central(stick) == 1
    assert world.held() == ids[:50] + ids[100:]
    assert f"{stick}: 1 baris rusak dilewati (3); yang utuh diambil" in caplog.text
    assert world.titik("import", receipts_of(stick)) == 0
    assert world.owed() == ids[50:100]
    stick.write_bytes(stick.read_bytes()[:-1])
    assert world.central(stick) == 1
    assert "2 baris rusak dilewati (3, 5)" in caplog.text


def test_lines_that_are_missing_are_told_although_all_that_are_there_are_whole(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with writing(file, Header(Holds.EVENTS, POINT, "now")) as pen:
        for n in range(3):
            pen.write(b"[%d]" % n, 1)
    damage(file, [dropped(2)])
    with TransferFile(file, Holds.EVENTS) as stick:
        assert (list(stick), stick.damaged, stick.whole) == ([b"[0]", b"[2]"], 0, False)
        assert "tidak lengkap" in (told_of(stick) or "")


def test_a_line_without_end_costs_no_memory_and_the_next_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with writing(file, Header(Holds.EVENTS, POINT, "now")) as pen:
        for n in range(2):
            pen.write(b"[%d]" % n, 1)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + b"x" * 3_000_000 + b"\n" + b"".join(lines[1:]))
    with TransferFile(file, Holds.EVENTS) as stick:
        assert (list(stick), stick.damaged, stick.where, stick.whole) == ([b"[0]", b"[1]"], 1, [2], False)
    file.write_bytes(lines[0] + b"x" * MAX_LINE + b"".join(lines[1:]))
    with TransferFile(file, Holds.EVENTS) as stick:  # what follows on the same line is not one of ours
        assert (list(stick), stick.damaged, stick.where, stick.whole) == ([b"[1]"], 1, [2], False)


@pytest.mark.parametrize(
    "octets", [b"", b"\n", b"hello\n", b'{"sha256":"","header":{}}\n', b"\xff" * 1000, b"[" * 9999]
)
def test_what_is_no_stick_is_refused_whole(world: World, octets: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file = world.stick / "x.jsonl"
    file.write_bytes(octets)
    assert world.central(file) == 1
    assert "bukan berkas titik" in caplog.text
    assert world.titik("import", file) == 1
    assert list(world.stick.iterdir()) == [file]


def test_a_file_at_the_wrong_end_of_its_way_says_where_it_belongs(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    record_scans(world.outbox, 1)
    stick = world.export()
    assert world.titik("import", stick) == 1
    assert "Next, at the centre: titik-central import FILE" in capsys.readouterr().err
    assert world.central(stick) == 0
    assert world.central(receipts_of(stick)) == 1
    assert "Next, at bupati-1: titik queue import FILE" in caplog.text
    assert world.central(Path("/dev/zero")) == 1
    assert "bukan berkas biasa" in caplog.text
    assert world.central(world.stick / "none") == 3
    assert world.titik("import", world.stick / "none") == 3
    assert bring(stick, world.folder / "new.db", Topics()) == 3
    assert not (world.folder / "new.db").exists()


def test_a_full_stick_is_said_and_left_as_it_was(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ids = record_scans(world.outbox, 200)
    with tmpfs(world.folder / "full", "64k") as full:
        assert world.titik("export", full) == 1
        assert list(full.iterdir()) == []
        assert "No space left on device" in capsys.readouterr().err
    assert world.owed() == ids
    taken = world.stick / "taken.jsonl"
    taken.write_text("mine")
    assert world.titik("export", taken) == 1
    assert taken.read_text() == "mine"


def test_a_stick_that_is_not_there_is_not_taken_for_one(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ids = record_scans(world.outbox, 3)
    assert world.titik("export", world.folder / "usb") == 1  # a folder, whoever typed it thought
    assert "usb tidak ada" in capsys.readouterr().err
    assert not (world.folder / "usb").exists()
    with tmpfs(world.folder / "other", "1m") as other:
        assert world.titik("export", other) == 0
        assert capsys.readouterr().err == ""
    if world.stick.stat().st_dev != Path("/").stat().st_dev:
        pytest.skip("the tests' folder is on a file system of its own, as a stick is")
    made = world.export()
    assert f"not on a stick. Next: rm {made}, mount" in capsys.readouterr().err
    assert world.owed() == ids


def test_the_receipts_of_several_exports_come_back_at_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    sticks = []
    for _ in range(3):
        record_scans(world.outbox, 2)
        sticks.append(world.export())
        assert world.central(sticks[-1]) == 0
    capsys.readouterr()
    assert world.titik("import", world.stick / "none", *map(receipts_of, sticks)) == 3
    assert [line.split(" / ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "2 peristiwa kini di pusat; 4 belum.",
        "2 peristiwa kini di pusat; 2 belum.",
        "2 peristiwa kini di pusat; 0 belum.",
    ]
    assert world.owed() == []


def test_a_stick_that_takes_no_receipts_loses_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    ids = record_scans(world.outbox, 3)
    stick = world.export()
    receipts_of(stick).mkdir()
    assert world.central(stick) == 1
    assert "tidak dapat ditulis" in caplog.text
    assert world.held() == world.owed() == ids
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    assert bring(stick, world.database, Topics(), elsewhere) == 0
    assert world.titik("import", elsewhere / receipts_of(stick).name) == 0
    assert (world.held(), world.owed()) == (ids, [])


def test_a_card_without_a_station_is_read_and_only_read(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ids = record_scans(world.outbox, 60)
    nobody = ["--socket", str(tmp_path / "none.sock")]
    here = [*nobody, "--state", str(world.folder)]
    before = {path: path.read_bytes() for path in world.folder.glob("outbox.db*") if not path.name.endswith("-shm")}
    assert titik(["queue", "list", "--json", *here]) == 0
    assert json.loads(capsys.readouterr().out)["owed"] == 60
    file = world.stick / "card.jsonl"
    assert titik(["queue", "export", str(file), *here]) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert world.central(file) == 0
    assert world.held() == ids
    assert titik(["queue", "import", str(receipts_of(file)), *nobody]) == 3
    assert "systemctl status titik" in capsys.readouterr().err
    assert world.owed() == ids
    assert titik(["queue", "list", *nobody, "--state", str(tmp_path / "nowhere")]) == 3


def test_a_card_out_of_a_dead_station_keeps_its_log(world: World, tmp_path: Path) -> None:
    record_scans(world.outbox, 3)
    card = tmp_path / "card"
    card.mkdir()
    for name in ("outbox.db", "outbox.db-wal"):  # as after a power cut
        (card / name).write_bytes((world.folder / name).read_bytes())
    with OutboxReader(card / "outbox.db") as dead:
        assert len(dead.page(0, 100).bodies) == 3
    assert (card / "outbox.db-wal").read_bytes() == (world.folder / "outbox.db-wal").read_bytes()


def test_rows_that_are_not_what_was_written_stay_where_they_are(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_EVENTS", 1)  # so that a page holds nothing but the damaged row
    ids = record_scans(world.outbox, 5)
    with closing(sqlite3.connect(world.outbox.path)) as file:
        file.execute("UPDATE event SET body = CAST(replace(body, 'admit', 'amid') AS BLOB) WHERE id = ?", (ids[2],))
        file.commit()
    assert world.titik("export", world.stick) == 1
    assert "1 baris rusak di kartu" in capsys.readouterr().err
    (stick,) = world.stick.iterdir()
    assert world.central(stick) == 0
    assert world.held() == ids[:2] + ids[3:]
    assert world.titik("import", receipts_of(stick)) == 0
    with closing(sqlite3.connect(world.outbox.path)) as file:
        assert file.execute("SELECT id FROM event WHERE held_at IS NULL").fetchall() == [(ids[2],)]


def test_a_card_of_version_1_is_read_and_nobody_elses_database_is(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path, 100) as outbox:
        record_scans(outbox, 3)
    with closing(sqlite3.connect(path)) as file:
        file.executescript("ALTER TABLE event DROP COLUMN crc; PRAGMA user_version = 1;")
    with OutboxReader(path) as old:
        assert len(old.page(0, 100).bodies) == 3
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA application_id = 7")
    with pytest.raises(OutboxReadError, match="no outbox"), OutboxReader(path):
        pass
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(OutboxReadError, match="not a database"), OutboxReader(path):
        pass


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{}",
        b'{"after":-1,"until":1,"all":false}',
        b'{"after":0,"until":1,"all":1}',
        b'{"after":9223372036854775808,"until":1,"all":false}',  # more than a row's number can be
        b'{"after":0,"until":9223372036854775808,"all":false}',
        b"[" * 190,
    ],
)
def test_a_page_is_asked_for_in_the_right_words_or_refused(world: World, octets: bytes) -> None:
    with pytest.raises(RequestRefusedError, match="not a request of this version"):
        ask(world.socket, "queue-read", octets)
    with pytest.raises(RequestRefusedError, match="more than 20 receipts"):
        ask(world.socket, "queue-settle", b"\n" * 20)


def test_an_import_waits_for_another_writer_and_gives_up_in_words(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(central_store, "BUSY", 0.02)
    ids = record_scans(world.outbox, 3)
    stick = world.export()
    with closing(sqlite3.connect(world.database, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert world.central(stick) == 1
        assert "another program is writing the database" in caplog.text
        assert not receipts_of(stick).exists()
        monkeypatch.setattr(central_store, "BUSY", 0.2)
        timer = Timer(0.3, other.rollback)
        timer.start()
        assert world.central(stick) == 0
        timer.join()
    assert world.held() == ids


def test_a_stick_is_taken_beside_a_running_centre(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "centre", broker.port) as centre:
        wait_for(lambda: "the broker is there" in centre.err, what="the centre is there")
        (tmp_path / "central.toml").write_text(f'[store]\npath = "{centre.database}"\n')
        file = tmp_path / "x.jsonl"
        with writing(file, Header(Holds.EVENTS, "dprd-1", "now")) as pen:
            for first in range(1, 3001, 50):
                told = [dumps(event(n, point="dprd-1", epoch="e1")) for n in range(first, first + 50)]
                pen.write(batch(told), 50)
        near = [sys.executable, "-m", "central", "import", file, "--config", tmp_path / "central.toml"]
        with fake_station(broker) as station, Child(near, tmp_path / "import", dict(os.environ)) as child:
            n = 0
            while child.process.poll() is None:
                n += 1
                station.send(dumps(event(n, epoch="e2")))
                station.receipts(1)
            assert child.process.wait() == 0, child.err
        assert len(centre.ids()) == len(set(centre.ids())) == 3000 + n
        assert n > 5
        assert "nothing is receipted" not in centre.err
        with TransferFile(receipts_of(file), Holds.RECEIPTS) as stick:
            assert len(list(stick)) == 60
            assert f"centre {stick.header.centre}" in centre.err


def test_a_point_without_a_network_is_served_by_a_stick(tmp_path: Path) -> None:
    with point.Station(tmp_path / "bupati-1", free_port(), camera={"loop": "true", "gap": 600}) as station:
        point.save(station.pictures / "a.png", staff_pass("P-1"))
        station.says("shown ")
        wait_for(lambda: listens(station.folder / "state" / "titik.sock"))
        socket = ["--socket", str(station.folder / "state" / "titik.sock")]
        assert titik(["queue", "export", str(tmp_path), *socket]) == 0
        (stick,) = tmp_path.glob("titik-bupati-1-*.jsonl")
        with Store(tmp_path / "central.db", NOW):
            pass
        assert bring(stick, tmp_path / "central.db", Topics()) == 0
        assert titik(["queue", "import", str(receipts_of(stick)), *socket]) == 0
        station.says("by receipts that somebody brought")
        assert station.owed() == 0
        assert held_ids(tmp_path / "central.db") == station.recorded() == [one[0] for one in station.shown()]
        assert station.child.stop() == 0


def test_nothing_of_a_stick_is_written_when_its_lines_fail(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with pytest.raises(RuntimeError), writing(file, Header(Holds.EVENTS, POINT, "now")):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(TransferFileError, match="cannot be written"),
        writing(file / "x", Header(Holds.EVENTS, POINT, "now")),
    ):
        pass


def test_a_message_holds_one_run_of_one_epoch(tmp_path: Path) -> None:
    for count in (2, 3):
        with Outbox(tmp_path / "outbox.db", 100) as outbox:
            record_scans(outbox, count)
    with OutboxReader(tmp_path / "outbox.db") as card:
        pages = [card.page(after, 4) for after in (0, 2, 4)]
        assert [(page.after, len(page.bodies)) for page in pages] == [(2, 2), (4, 2), (4, 0)]
        assert card.bodies(["none"]) is None
