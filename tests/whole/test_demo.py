"""The demo: what it makes is read and believed as it is meant, and it leaves nothing behind."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from demo import scenes, setting, tally
from demo.__main__ import main
from demo.children import ChildDied, Children, wait_until
from demo.codes import POSTER, Shown, Signers, held_up, signers
from demo.lines import Held, Light, Said, parse, readable
from demo.tally import Account, Tally, accounts, arrived, held_ids
from device import config
from device.model import Domain, Reason
from device.scanner import read_still
from device.trust.bundle import Key, Trust, kid_of, trusting
from device.verdict.verify import believe
from office.bundle import ALWAYS
from office.desk.new_desk import found
from tests.support.world import REPOSITORY

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PASSPHRASE = "kuda benar baterai staples"
POINT = setting.Listed(name="bupati-1", site="bupati", direction="in", title="Pintu utama")


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> Signers:
    opened = NOW.replace(month=9)
    desk = found(tmp_path_factory.mktemp("demo") / "desk", "Kantor", "kantorcontoh", PASSPHRASE, opened)
    return signers(desk, PASSPHRASE, NOW)


@pytest.fixture(scope="module")
def trust(by: Signers) -> Trust:
    public = by.ministry.public_key()
    return trusting(by.staff[1], by.visitor[1], Key(public, kid_of(public), "ID", Domain.HEALTH, None, *ALWAYS))


# What is held up


def test_every_code_is_believed_as_its_name_says(by: Signers, trust: Trust) -> None:
    told = {shown.name: believe(shown.text, trust, NOW) for shown in held_up(by, 0, NOW)}
    assert {name: belief.reason for name, belief in told.items()} == {
        "pegawai": None,
        "pegawai-lagi": None,
        "dua-dosis": None,
        "poster": Reason.NOT_A_PASS,
        "pegawai-layar-gelap": None,
        "palsu": Reason.FORGED,
        "tamu": None,
        "kedaluwarsa": Reason.EXPIRED,
        "satu-dosis": None,
        "penerbit-asing": Reason.UNKNOWN_ISSUER,
        "pegawai-ketiga": None,
    }
    doses = [b.credential.claims.doses for name, b in told.items() if b.credential and "dosis" in name]
    assert doses == [2, 1]


def test_each_point_sees_the_same_kinds_in_an_order_of_its_own(by: Signers) -> None:
    orders = [[shown.name for shown in held_up(by, place, NOW)] for place in range(7)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert len({order[0] for order in orders}) > 4
    assert all(order[order.index("pegawai") + 1] == "pegawai-lagi" for order in orders)


def test_no_two_points_are_shown_the_same_pass(by: Signers) -> None:
    first, second = ({shown.text for shown in held_up(by, place, NOW)} for place in (0, 1))
    assert first & second == {POSTER}


def test_every_picture_is_read_back(by: Signers) -> None:
    for shown in held_up(by, 3, NOW):
        luma = np.asarray(scenes.picture(shown))
        assert luma.shape == (720, 1280)
        assert read_still(luma) == [shown.text], shown.name


def test_a_dark_screen_shows_light_modules_on_black() -> None:
    bright, dark = (np.asarray(scenes.picture(Shown("x", "X" * 60, dark=dark)))[360, 520:760] for dark in (False, True))
    assert np.array_equal(bright > 128, dark < 128)


# The configuration


def test_a_stations_configuration_is_one_that_a_station_takes(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" folder' / "bupati-1"
    folder.mkdir(parents=True)
    file = folder / "titik.toml"
    file.write_text(setting.station_toml(POINT, folder, 18830, "A" * 60))
    told, warnings = config.load(config.StationSettings, file)
    assert warnings == []
    assert told == config.StationSettings(
        point=config.PointSettings(name="bupati-1", site="bupati"),
        camera=config.CameraSettings(source="pictures", pictures=(folder / "pictures",), fps=8, hold=1.2, gap=1.0),
        pins=config.Pins(factory="mock"),
        broker=config.BrokerSettings(host="127.0.0.1", port=18830),
        clock=config.ClockSettings(trust="system"),
        trust=config.TrustSettings(bundle=folder.parent / "trust.cbor", roots=("A" * 60,)),
        policy=config.PolicySettings(use=("staff", "brief-2021")),
        state=folder / "state",
    )


def test_the_centres_configuration_names_broker_and_database(tmp_path: Path) -> None:
    assert tomllib.loads(setting.centre_toml(tmp_path / "central.db", 18830)) == {
        "broker": {"host": "127.0.0.1", "port": 18830},
        "store": {"path": str(tmp_path / "central.db")},
    }


def test_an_inventory_is_read_point_by_point(tmp_path: Path) -> None:
    file = tmp_path / "inventory.toml"
    file.write_text('[[point]]\nname = "bupati-1"\nsite = "bupati"\ndirection = "in"\ntitle = "Pintu utama"\n')
    assert setting.points(file) == (POINT,)


@pytest.mark.parametrize("text", ["", "[[point", "[[point]]\nname = 'Not A Name'\nsite = 'x'", "point = []"])
def test_an_inventory_that_is_none_says_so(tmp_path: Path, text: str) -> None:
    file = tmp_path / "inventory.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match="not an inventory"):
        setting.points(file)


# The lines

ID = "0f8b" * 8


def test_a_stations_lines_are_read_and_all_others_ignored() -> None:
    lines = {
        f"shown id={ID} seq=42 outcome=refuse colour=none reason=not-a-pass kind=text repeat=no": Light(
            ID, 42, "refuse", "none", "not-a-pass", "text", repeat=False
        ),
        f"shown id={ID} seq=1 outcome=admit colour=green reason=staff kind=pass repeat=yes": Light(
            ID, 1, "admit", "green", "staff", "pass", repeat=True
        ),
        "held events=3 through=45 epoch=7f3a9c1e": Held(3, 45),
        "state online": Said("online", ""),
        "state online ": Said("online", ""),
        "state degraded camera outbox": Said("degraded", "camera outbox"),
        "state of the art": None,
        f"shown id={ID[1:]} seq=1 outcome=admit colour=green reason=staff kind=pass repeat=yes": None,
        f"warning: shown id={ID}": None,
        "": None,
    }
    assert {line: parse(line) for line in lines} == lines


def test_a_verdict_says_all_without_colour() -> None:
    light = Light(ID, 42, "refuse", "red", "no-dose", "hcert", repeat=True)
    plain = readable(light, colour=False)
    assert plain == "(x) tolak / refuse  merah  no-dose        hcert  lagi / again"
    painted = readable(light, colour=True)
    assert painted.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain
    assert plain.isascii()


# The account


def _tallies() -> dict[str, Tally]:
    told = {"bupati-1": ["a", "b"], "dprd-1": ["c"], "gabungan-1": []}
    tallies = {point: Tally() for point in told}
    for point, ids in told.items():
        for id_ in ids:
            tallies[point].add(Light(id_, 1, "admit", "green", "staff", "pass", repeat=False))
    return tallies


def test_the_summary_holds_shown_against_held_id_by_id() -> None:
    held = {"/titik/bupati-1": {"a", "b"}, "/titik/dprd-1": {"x"}}
    summed = accounts(_tallies(), held, {"bupati-1": 0, "dprd-1": 2})
    assert summed == [
        Account("bupati-1", shown=2, held=2, missing=0, stray=0, gaps=0),
        Account("dprd-1", shown=1, held=0, missing=1, stray=1, gaps=2),
        Account("gabungan-1", shown=0, held=0, missing=0, stray=0, gaps=0),
    ]
    assert [line.whole for line in summed] == [True, False, False]
    assert tally.table(summed).splitlines()[1].split() == ["bupati-1", "2", "2", "0", "0", "0", "ok"]


@pytest.mark.parametrize(
    ("shown", "missing", "stray", "gaps", "whole"),
    [(1, 0, 0, 0, True), (0, 0, 0, 0, False), (1, 1, 0, 0, False), (1, 0, 1, 0, False), (1, 0, 0, 1, False)],
)
def test_a_point_is_whole_with_something_shown_and_nothing_lost_nor_strange(
    shown: int, missing: int, stray: int, gaps: int, *, whole: bool
) -> None:
    assert Account("dprd-1", shown, 1, missing, stray, gaps).whole is whole


def test_an_id_shown_twice_is_one_missing() -> None:
    tallies = _tallies()
    tallies["dprd-1"].shown.append("c")
    assert accounts(tallies, {"/titik/dprd-1": {"c"}}, None)[1].missing == 1


def test_all_has_arrived_only_with_the_last_id() -> None:
    held: dict[str, set[str]] = {"/titik/bupati-1": {"a", "b"}, "/titik/dprd-1": set()}
    before = arrived(_tallies(), held)
    held["/titik/dprd-1"].add("c")
    assert (before, arrived(_tallies(), held)) == (False, True)


def test_ids_are_read_from_the_database_while_another_writes(tmp_path: Path) -> None:
    file = tmp_path / "central.db"
    assert held_ids(file) == {}
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    assert held_ids(file) == {}, "no table yet"
    writer.execute("CREATE TABLE event (source TEXT, id TEXT)")
    writer.executemany("INSERT INTO event VALUES (?, ?)", [("/titik/dprd-1", "a"), ("/titik/dprd-1", "b")])
    assert held_ids(file) == {"/titik/dprd-1": {"a", "b"}}
    writer.close()


# The children


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _said(children: Children, enough: Callable[[list[tuple[str, str]]], bool]) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    assert wait_until(lambda: enough(said), 10, lambda seconds: said.extend(children.hear(seconds)))
    return said


@pytest.fixture
def children() -> Iterator[Children]:
    with Children() as opened:
        yield opened


def test_children_are_heard_line_by_line(children: Children, tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write('one\\ntw'); sys.stderr.flush(); sys.stderr.write('o\\nlast')"
    children.start("a", _python(code), os.environ, tmp_path)
    said: list[tuple[str, str]] = []
    with pytest.raises(ChildDied) as died:
        wait_until(lambda: False, 10, lambda seconds: said.extend(children.hear(seconds)))
    assert said == [("a", "one"), ("a", "two"), ("a", "last")], "and what it said last is heard before its end is told"
    assert (died.value.name, died.value.code, died.value.last) == ("a", 0, ("one", "two", "last"))


def test_a_child_that_was_asked_to_end_may(children: Children, tmp_path: Path) -> None:
    code = "import sys, time; print('up', file=sys.stderr, flush=True); time.sleep(60)"
    children.start("a", _python(code), os.environ, tmp_path)
    said = _said(children, lambda said: said == [("a", "up")])
    children.stop(["a", "never-started"])
    assert wait_until(lambda: children.ended(["a"]), 10, lambda seconds: said.extend(children.hear(seconds)))
    assert children.codes(["a"]) == {"a": -signal.SIGTERM}


def test_ctrl_c_in_the_terminal_reaches_no_child(children: Children, tmp_path: Path) -> None:
    pid = children.start("a", _python("import time; time.sleep(60)"), os.environ, tmp_path)
    assert (os.getsid(pid), os.getpgid(pid)) == (pid, pid)


def test_leaving_ends_even_a_child_that_will_not_listen(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('up', file=sys.stderr, flush=True); time.sleep(60)"
    )
    with Children() as children:
        pid = children.start("a", _python(code), os.environ, tmp_path)
        _said(children, lambda said: said == [("a", "up")])
    assert not Path(f"/proc/{pid}").exists()


# The whole


def _children_of(folder: Path) -> list[int]:
    """Return the live processes whose working folder is *folder*, as every child's is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
    return found


def test_the_demo_ends_by_itself_and_every_event_is_at_the_centre(tmp_path: Path) -> None:
    folder = tmp_path / "office"
    ended = subprocess.run(
        [sys.executable, "-m", "demo", "--seconds", "5", "--dir", str(folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    rows = {row[0]: row[1:] for row in (line.split() for line in ended.stdout.splitlines() if line.endswith(" ok"))}
    assert list(rows) == [point.name for point in setting.points()]
    assert all(int(shown) > 0 and (shown, "0", "0", "0") == (held, *rest) for shown, held, *rest, _ in rows.values())
    held = held_ids(folder / "central.db")
    assert {source: len(ids) for source, ids in held.items()} == {f"/titik/{p}": int(row[0]) for p, row in rows.items()}
    assert _children_of(folder) == []


def test_a_missing_broker_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert main([]) == 3
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert "mosquitto is not installed" in told.err


@pytest.mark.parametrize("arguments", [["--seconds", "0"], ["--seconds", "nan"], ["--seconds", "soon"], ["--sec"]])
def test_a_slip_of_the_keyboard_is_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "something").touch()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    try:
        assert main(["--seconds", "1", "--dir", str(tmp_path)]) == 1
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["something"]
