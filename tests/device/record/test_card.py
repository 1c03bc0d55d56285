"""A card in a station that runs: whose its rows are after a new name, and who else may read it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from central.cli.import_events import bring
from central.ingest.transfer import receipts_of
from central.store.database import Store
from central.store.status import look
from device.__main__ import main as titik
from device.config import BrokerSettings
from device.mqtt_client import Link
from device.record.outbox import Outbox
from device.wire import Message, Received, Topics
from tests.faults.power import mix, older
from tests.support import point
from tests.support.centre import CentreProgram
from tests.support.credentials import staff_pass
from tests.support.outbox import outbox_files
from tests.support.world import REPOSITORY, Mosquitto, free_port, wait_for

A, B = "dprd-1", "bupati-2"
STATE = json.loads((REPOSITORY / "schemas" / "state.json").read_text(encoding="utf-8"))


def people(station: point.Station, *numbers: str) -> None:
    for number in numbers:
        point.save(station.pictures / f"{number}.png", staff_pass(number))


def offline(folder: Path, *numbers: str) -> list[str]:
    """Let the point A record passes with these *numbers* while there is no network; return the events' ids."""
    with point.Station(folder, free_port(), name=A) as station:
        people(station, *numbers)
        station.says("shown ", len(numbers))
        assert station.child.stop() == 0
        return station.recorded()


def words(link: Link, name: str) -> dict[str, Any]:
    """Return what *name* last said of itself."""
    told: list[bytes] = []

    def said() -> bool:
        told.extend(one.body for one in link.turn(0.05) if isinstance(one, Received) and f"/{name}/" in one.topic)
        return bool(told)

    wait_for(said)
    state: dict[str, Any] = json.loads(told[-1])
    Draft202012Validator(STATE).validate(state)
    return state


def test_a_renamed_station_serves_and_what_it_owed_arrives_by_stick_under_its_own_name(tmp_path: Path) -> None:
    old = offline(tmp_path / "point", "P-1", "P-2", "P-3")
    usb = tmp_path / "usb"
    usb.mkdir()
    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "centre", broker.port) as centre:
        wait_for(lambda: "the broker is there" in centre.err)
        renamed = point.Station(tmp_path / "point", broker.port, name=B)
        renamed.write()
        will = Message("test/state", b"{}")
        with Link(BrokerSettings(port=broker.port), "looker", will=will) as link, renamed as station:
            link.subscribe([f"titik/v1/{B}/state"])
            people(station, "P-4", "P-5")
            station.says("shown ", 5)
            station.says(
                f"outbox.sealed-{A}.db with 3 events owed and 0 held. Next: titik queue export --sealed {A} DIR"
            )
            state = wait_for(lambda: (told := words(link, B))["state"] == "degraded" and told)
            assert (state["faults"], state["owed"] <= 2) == (["sealed"], True)
            assert [span for span in state["kept"] if span[0] != state["epoch"]] == []
            wait_for(lambda: station.owed() == 0)
            near = ["--socket", str(station.folder / "state" / "titik.sock")]
            assert titik(["queue", "export", str(usb), *near]) == 0
            (stick,) = usb.glob("titik-*Z.jsonl")
            assert bring(stick, centre.database, Topics()) == 0
            assert titik(["queue", "import", str(receipts_of(stick)), *near]) == 0
            state = wait_for(lambda: (told := words(link, B))["state"] == "online" and told)
            assert state["faults"] == []
            new = station.recorded()
            assert len(new) == 2
            assert station.child.stop() == 0
        assert sorted(centre.ids()) == sorted([*old, *new])
        told = look(centre.database)
        assert told.quarantined == 0
        assert {
            name: (one.events, one.missing, one.tail, one.lost, one.clashes) for name, one in told.points.items()
        } == {A: (3, 0, 0, 0, 0), B: (2, 0, 0, 0, 0)}


def test_a_station_that_is_given_its_name_back_delivers_what_was_sealed(tmp_path: Path) -> None:
    old = offline(tmp_path / "point", "P-1", "P-2", "P-3")
    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "centre", broker.port) as centre:
        for name, number, shown in ((B, "P-4", 4), (A, "P-5", 5)):
            station = point.Station(tmp_path / "point", broker.port, name=name)
            station.write()
            with station:
                people(station, number)
                station.says("shown ", shown)
                wait_for(lambda station=station: station.owed() == 0)
                assert station.child.stop() == 0
        found = outbox_files(tmp_path / "point" / "state")
        assert {name: list(dict.fromkeys(rows.values())) for name, rows in found.items()} == {
            "outbox.db": [A],
            f"outbox.sealed-{B}.db": [B],
        }
        assert list(found["outbox.db"])[:3] == old
        assert sorted(centre.ids()) == sorted(id_ for rows in found.values() for id_ in rows)
        with Store(centre.database, point.NOW) as store:
            assert store.read("SELECT count(*) FROM quarantine") == [(0,)]


def modes(folder: Path) -> dict[str, int]:
    """Return the modes of all files in *folder*, and its own."""
    return {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]}


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """Give to everybody what a careless shell gives."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
def test_whatever_a_station_writes_is_its_own_outside_the_unit_as_well(tmp_path: Path) -> None:
    offline(tmp_path / "point", "P-1")
    state = tmp_path / "point" / "state"
    octets = (state / "outbox.db").read_bytes()
    for path in state.glob("outbox.*"):
        path.chmod(0o644)  # as the program before left them
    (state / "outbox.db").write_bytes(bytes(100) + octets[100:])
    with point.Station(tmp_path / "point", free_port(), name=B) as station:
        station.write()
    with point.Station(tmp_path / "point", free_port(), name=B) as station:
        people(station, "P-2")
        station.says("shown ", 2)
        near = ["--socket", str(state / "titik.sock")]
        assert titik(["queue", "list", *near]) == 0
        found = modes(state)
        assert {mode for name, mode in found.items() if name != "state"} == {0o600}, found
        assert found["state"] == 0o700
        assert {"outbox.db", "outbox.db-wal", "outbox.db-shm", "outbox.db.lock", "outbox.db.ballast"} <= found.keys()
        assert f"outbox.sealed-{A}.db" in found
        assert [name for name in found if name.startswith("outbox.damaged-")] != []
        assert station.child.stop() == 0
    assert {mode for name, mode in modes(state).items() if name != "state"} == {0o600}


@pytest.mark.usefixtures("_open_umask")
def test_each_file_of_an_outbox_is_its_owner_s_alone_from_its_first_byte(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed. Next: tools/setup test")
    made: dict[str, set[int]] = {}
    for manner, prepare in (("outbox", None), ("seal", mix), ("salvage", older)):
        folder = tmp_path / manner
        folder.mkdir()
        if prepare is not None:
            prepare(folder / "outbox.db")
        if manner == "salvage":
            octets = (folder / "outbox.db").read_bytes()
            (folder / "outbox.db").write_bytes(bytes(100) + octets[100:])
        trace = tmp_path / f"{manner}.trace"
        command = ["strace", "-f", "-o", trace, "-e", "trace=openat,open,creat,mkdir"]
        command += [sys.executable, "-m", "tests.faults.power", folder, manner]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)
        if b"ptrace" in done.stderr.lower():
            pytest.skip("this machine lets nobody watch a process (ptrace). Next: run it where containers may")
        assert done.returncode == 0, done.stderr[-1000:]
        told = re.findall(rf'"{folder}/([^"]+)", [A-Z_|]*O_CREAT[A-Z_|]*, (0[0-7]+)', trace.read_text())
        for name, mode in told:
            made.setdefault(re.sub(r"-[0-9TZ]+-[0-9a-f]{4}", "", name), set()).add(int(mode, 8))
    assert {name: each for name, each in made.items() if each != {0o600}} == {}
    assert {"outbox.salvage.db", "outbox.parting.db", "outbox.db-wal", "outbox.db.lock"} <= made.keys()


@pytest.mark.usefixtures("_open_umask")
def test_a_state_folder_that_is_made_is_closed_to_others_and_one_that_was_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name, mode in (("made", 0o700), ("there", 0o777)):
        with Outbox(tmp_path / name / "outbox.db", 100):
            assert (tmp_path / name).stat().st_mode & 0o777 == mode
            assert {mode for one, mode in modes(tmp_path / name).items() if one != name} == {0o600}
