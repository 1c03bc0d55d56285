"""What ``titik-central status`` says: of corrected times, of people, of what is owed, and of what is wrong."""

import json
import os
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from central.__main__ import main
from central.cli.table import lines
from central.events import stamp
from central.expected import Expected, expected, never_heard
from central.problems import FAULTS, TROUBLES, Problem, problems
from central.settings import BundleSettings, InventorySettings, Settings
from central.store import audit_log, schema, tally
from central.store.backup import backup, lock_of, restore
from central.store.condition import condition
from central.store.file import DatabaseMissingError
from central.store.status import Backup, PointStatus, Status, look
from central.store.troubles import Trouble
from device.model import Place
from device.trust.bundle import Trust
from device.wire import State, dumps
from office.bundle import sign
from tests.support.messages import NOW, TIME, correction, event, message, state
from tests.support.store import CentreStore, arguments
from tests.support.world import REPOSITORY

HOUR = timedelta(hours=1)


def scan(seq: int, time: datetime | None, clock: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    told = event(seq, time=None if time is None else stamp(time), **more)
    told["data"]["clock"] = clock or {"synced": True, "boot": "b" * 32, "uptime": 5.0}
    return told


def health(point: str = "bupati-1", **told: Any) -> Any:
    return message(dumps({"epoch": "7f3a9c1e", "seq": 0, **told}), leaf="health", point=point)


def words(found: list[Problem]) -> list[tuple[str, str | None]]:
    return [(problem.what, problem.point) for problem in found]


WELL = Backup(stamp(NOW), "/var/backups/titik/titik-central-20261122T010203Z.db", 3)


def asked(point: PointStatus, **more: Any) -> list[Problem]:
    """Return what is wrong at `NOW` with a centre that is well but for this one point."""
    told = Status("life", {"bupati-1": point}, 0, backup=WELL)
    return problems(told, more.pop("expected", Expected()), more.pop("now", NOW), running=True)


# --- when somebody last stood there ---


def test_an_event_of_2099_is_never_the_last_one_for_ever(tmp_path: Path) -> None:
    wrong = datetime(2099, 1, 1, tzinfo=UTC)
    with CentreStore(tmp_path) as centre:
        centre.take(message(scan(1, wrong)))
        assert centre.point().last_event == stamp(NOW), "it was not after it came in"
        centre.take(message(scan(2, NOW + HOUR)), now=NOW + HOUR)
        assert (centre.point().last_event, centre.point().last_event_between) == (stamp(NOW + HOUR), None)


def test_the_last_event_is_the_last_by_the_corrected_time(tmp_path: Path) -> None:
    boot = "b" * 32
    with CentreStore(tmp_path) as centre:
        doubted = {"synced": False, "boot": boot, "uptime": 5.0, "floor": "2026-11-20T00:00:00.000Z"}
        centre.take(message(scan(1, datetime(2099, 1, 1, tzinfo=UTC), doubted)))
        assert (centre.point().last_event, centre.point().last_event_between) == (
            stamp(NOW),
            ("2026-11-20T00:00:00.000Z", stamp(NOW)),
        )
        offset = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
        centre.take(message(correction(2, 6.0, offset)), now=NOW + HOUR)
        # The correction is an event, too; nobody stood there, but its time is the newest that is sure.
        assert centre.point().last_event_between is None
        assert centre.point().last_event == max(TIME, "2026-11-21T00:00:05.000Z")


def test_a_clock_that_says_it_is_right_and_is_two_hours_ahead_hides_no_later_event(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(*(scan(seq, NOW + 2 * HOUR + timedelta(seconds=seq)) for seq in range(1, 6))))
        centre.take(message(scan(6, NOW + 2 * HOUR)), now=NOW + HOUR)
        assert centre.point().last_event == stamp(NOW + HOUR)


TIMES = st.integers(-72, 30_000).map(lambda hours: NOW + hours * HOUR)
EVENTS = st.lists(
    st.tuples(
        st.one_of(st.none(), TIMES),
        st.sampled_from(["right", "doubted", "silent"]),
        st.integers(0, 48).map(lambda hours: NOW + hours * HOUR),
    ),
    min_size=1,
    max_size=8,
)


@given(EVENTS, st.booleans())
def test_the_last_event_agrees_with_looking_at_every_row(
    told: list[tuple[datetime | None, str, datetime]], seen: bool
) -> None:
    """Against one scan of the table, which is what the index spares."""
    clocks: dict[str, dict[str, Any]] = {
        "right": {"synced": True, "boot": "b", "uptime": 1.0},
        "doubted": {"synced": False, "boot": "d", "uptime": 1.0},
        "silent": {"no": "word"},
    }
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        for seq, (time, clock, received) in enumerate(told, 1):
            centre.take(message(scan(seq, time, clocks[clock]), retained=not seen), now=received)
        rows = centre.all("SELECT at, received FROM event")
        bounds = [(min(at or received, received), at is not None) for at, received in rows]
        point = centre.point()
        assert point.last_event == max(bound for bound, _ in bounds)
        assert (point.last_event_between is None) == (max(bounds) == (point.last_event, True))


# --- what an event counts as ---


def test_people_are_told_from_corrections_repeats_and_refusals(tmp_path: Path) -> None:
    told = [scan(seq, NOW) for seq in range(1, 8)]
    told[1]["data"]["repeat"] = True
    told[2]["data"]["outcome"] = "refuse"
    told[3]["data"]["outcome"] = "check"
    told[4]["data"]["simulated"] = True
    told[5]["type"] = "id.titik.manual"
    told[6]["data"]["outcome"] = "a word of tomorrow"
    with CentreStore(tmp_path) as centre:
        centre.take(message(*told, correction(8, 6.0, NOW.timestamp())), message(told[0]))
        assert centre.point().counts == {
            "admit": 1,
            "check": 1,
            "clock": 1,
            "other": 2,
            "refuse": 1,
            "repeat": 1,
            "simulated": 1,
        }
        assert list(lines(look(centre.path)))[8] == (
            "lain / other  bupati-1: 1 periksa/check, 1 tolak/refuse, 1 simulasi/simulated,"
            " 1 koreksi jam/clock set right, 2 bukan pindaian/no scan"
        )


def test_a_database_of_before_is_counted_once_when_it_is_opened(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        stray = event(1, point="dprd-1", epoch="e-dprd")
        centre.take(message(scan(1, NOW), scan(2, NOW)), message(stray), health(time=1))
        whole = look(centre.path)
    with closing(sqlite3.connect(centre.path)) as file:
        file.executescript(
            "DROP TRIGGER event_is_counted_out; DROP TABLE tally; DROP TABLE stray;"
            "DROP TABLE audit; DROP TABLE released; ALTER TABLE station DROP COLUMN health_at"
        )
    with CentreStore(tmp_path) as centre:
        assert look(centre.path) == whole
        assert centre.all("SELECT * FROM stray") == [("bupati-1", "e-dprd", "dprd-1")]
        centre.take(message(scan(3, NOW)))
        assert centre.point().counts == {"admit": 3}
    with CentreStore(tmp_path) as centre:
        assert centre.point().counts == {"admit": 3}


@pytest.mark.parametrize("word", State)
def test_faults_are_those_of_a_point_that_calls_itself_degraded(word: State) -> None:
    said = condition({"state": word, "faults": ["camera", 7, "glass"]}, {}, {}, None)["faults"]
    assert said == (("camera", "glass") if word is State.DEGRADED else ())


def test_what_an_older_program_took_meanwhile_is_counted_when_the_file_is_opened_again(tmp_path: Path) -> None:
    """It knows no tally and no stray: the way back to it, and on again, leaves neither wrong."""
    with CentreStore(tmp_path) as centre:
        centre.take(message(scan(1, NOW), scan(2, NOW, type="id.titik.manual")))
        stray = message(event(9, point="dprd-1", epoch="e-dprd"))
        with closing(sqlite3.connect(centre.path)) as file, file:
            file.execute(
                "INSERT INTO event (source, id, point, epoch, seq, outcome, repeat, simulated, body, received)"
                " SELECT source, 'other', point, epoch, 3, outcome, repeat, simulated, body, received FROM event"
                " WHERE seq = 1"
            )
            row = stray.topic, stray.body, "digest", "why", stamp(NOW)
            file.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?)", row)
        assert centre.point().counts == {"admit": 1, "other": 1}
    for _ in range(2):
        with CentreStore(tmp_path) as centre:
            assert centre.point().counts == {"admit": 2, "other": 1}
            assert centre.all("SELECT * FROM stray") == [("bupati-1", "e-dprd", "dprd-1")]
    with closing(sqlite3.connect(centre.path)) as file, file:
        file.execute("DELETE FROM event WHERE seq = 3")
    with CentreStore(tmp_path) as centre:
        assert centre.point().counts == {"admit": 1, "other": 1}


SCANS = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from(["id.titik.scan", "id.titik.clock", "id.titik.manual", "id.titik.x"]),
        st.sampled_from(["admit", "check", "refuse", "other", None, '"type":"id.titik.scan"']),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


@given(SCANS, st.integers(0, 12))
def test_what_is_counted_as_it_comes_and_goes_is_what_a_count_of_all_rows_gives(
    told: list[tuple[int, str, str | None, bool, bool]], purged: int
) -> None:
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        for seq, type_, outcome, repeat, simulated in told:
            one = scan(seq, NOW, type=type_)
            one["data"] |= {"outcome": outcome, "repeat": repeat, "simulated": simulated, "offset": NOW.timestamp()}
            centre.take(message(one))
        with centre.store.writing():
            centre.store.bury(
                [("/titik/bupati-1", event(seq)["id"], "bupati-1", "7f3a9c1e", seq) for seq in range(purged)]
            )
        counted = sorted((kind, events) for kind, events in centre.all("SELECT kind, events FROM tally") if events)
    with closing(sqlite3.connect(":memory:")) as file:
        file.executescript(
            "CREATE TABLE event (point TEXT, outcome TEXT, repeat INTEGER, simulated INTEGER, body TEXT)"
        )
        held: dict[int, tuple[Any, ...]] = {}
        for seq, type_, outcome, repeat, simulated in told:
            held.setdefault(seq, ("p", outcome, repeat, simulated, f'{{"type":"{type_}"}}'))
        file.executemany(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?)", [row for seq, row in held.items() if seq >= purged]
        )
        schema.make(file, "tally")
        tally.recount(file)
        assert counted == file.execute("SELECT kind, events FROM tally ORDER BY kind").fetchall()


# --- what the station says of itself ---


def test_what_a_station_says_is_told_with_since_when_and_how_far_its_clock_is_off(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(
            message(dumps({"version": "0.1.0", "bundle": 17}), leaf="info"),
            state("degraded", seq=9, owed=2, oldest={"epoch": "7f3a9c1e", "seq": 8}, faults=["deaf", "glass", 7]),
            health(
                seq=9,
                owed=3,
                oldest={"epoch": "7f3a9c1e", "seq": 7, "time": stamp(NOW - 9 * HOUR)},
                oldest_age=10800.0,
                clock={"synced": True, "boot": "b1", "uptime": 5.0, "time": stamp(NOW + timedelta(seconds=90))},
            ),
        )
        point = centre.point()
    assert (point.faults, point.owed, point.oldest) == (("deaf", "glass"), 3, Place("7f3a9c1e", 7))
    assert (point.owed_since, point.skew, point.synced) == (stamp(NOW - 3 * HOUR), 90.0, True)
    assert (point.version, point.bundle) == ("0.1.0", 17)


def test_a_stop_says_last_what_is_owed_and_an_older_station_says_no_age(tmp_path: Path) -> None:
    oldest = {"epoch": "7f3a9c1e", "seq": 7}
    with CentreStore(tmp_path) as centre:
        centre.take(health(seq=9, owed=3, oldest={**oldest, "time": stamp(NOW - HOUR)}), state("online", owed=5))
        assert (centre.point().owed, centre.point().owed_since) == (3, stamp(NOW - HOUR))
        centre.take(state("stopped", owed=1, oldest={"epoch": "7f3a9c1e", "seq": 9}))
        assert (centre.point().owed, centre.point().owed_since) == (1, None)
        centre.take(message(dumps({"state": "online", "boot": "b2", "epoch": "new", "owed": 4}), leaf="state"))
        assert centre.point().owed == 4, "a new start is newer than the last health"


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
SAID = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("faults", "owed", "oldest", "oldest_age", "clock", "version", "bundle", "epoch", "kept", "seq"), STRANGE
    ),
)


@given(SAID, SAID, SAID)
def test_whatever_a_station_says_the_status_is_said(
    state_: dict[str, Any], info: dict[str, Any], told: dict[str, Any]
) -> None:
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        centre.take(
            message(dumps({"state": "degraded", **state_}), leaf="state"),
            message(dumps(info), leaf="info"),
            message(dumps(told), leaf="health"),
        )
        status = look(centre.path)
    json.dumps(status.wire())
    found = problems(status, Expected(("bupati-1", "dprd-1"), 3), NOW, running=None)
    assert all(line.isprintable() for line in lines(status, found, ("dprd-1",), 3))


# --- what is wrong ---


def test_each_thing_that_is_wrong_has_its_word_and_what_is_well_has_none() -> None:
    well = PointStatus(
        events=3, state="online", seen=stamp(NOW), owed=0, bundle=17, synced=True, skew=0.3, last_event=TIME
    )
    fine = Expected(("bupati-1",), 17)
    assert asked(well, expected=fine) == []

    def wrong(**changed: Any) -> list[str]:
        told = {name: getattr(well, name) for name in PointStatus.__slots__}
        return [problem.what for problem in asked(PointStatus(**{**told, **changed}), expected=fine)]

    old = stamp(NOW - 3 * HOUR)
    assert wrong(state="offline") == ["offline"]
    assert wrong(state="stopped", seen=old) == ["stopped"]
    assert wrong(seen=old) == ["silent"]
    assert wrong(state="degraded", faults=("deaf", "{x}")) == ["degraded deaf", "degraded {x}"]
    assert wrong(state="degraded") == ["degraded ?"]
    assert wrong(skew=121.0) == wrong(skew=-121.0) == ["skew"]
    assert wrong(synced=False, skew=None) == ["clock"]
    assert wrong(bundle=16) == wrong(bundle=None) == ["bundle"]
    assert wrong(bundle=18) == ["bundle-old"]
    assert wrong(owed=3, owed_since=old) == ["owed"]
    assert wrong(owed=3, owed_since=stamp(NOW)) == wrong(owed=3) == []
    assert wrong(missing=2) == ["missing"]
    for word, said in (
        ("online", "asked for again by themselves"),
        (None, "asked for again once this point is connec"),
    ):
        assert [said in one.en for one in asked(PointStatus(state=word, seen=stamp(NOW), missing=2))] == [True]
    assert wrong(lost=2, lost_at=old) == ["lost"]
    assert wrong(lost=2, lost_at=stamp(NOW - timedelta(days=8))) == []
    assert wrong(clashes=2, clashes_at=old) == ["clash"]
    assert wrong(clashes=2, clashes_at=stamp(NOW - timedelta(days=8))) == []
    assert wrong(state=None, seen=None, bundle=None, synced=None) == [], "it was only ever carried here by stick"


def test_what_is_wrong_with_the_centre_comes_first(tmp_path: Path) -> None:
    status = Status(
        "life",
        {"bupati-1": PointStatus(state="online", seen=stamp(NOW), bundle=2)},
        3,
        unreleased=2,
        backup=Backup(stamp(NOW - 37 * HOUR), "f", 1),
        troubles=tuple(
            Trouble(point, word, {}, stamp(NOW), stamp(NOW))
            for point, word in (("", "bundle"), ("", "rival"), ("bupati-1", "twin"), ("bupati-1", "to{morrow}"))
        ),
    )
    told = Expected(("bupati-1", "dprd-1"), None, None, (f"{tmp_path}: Permission denied",))
    assert words(problems(status, told, NOW, running=False)) == [
        ("centre", None),
        ("configuration", None),
        ("quarantined", None),
        ("backup", None),
        ("bundle", None),
        ("rival", None),
        ("twin", "bupati-1"),
        ("to{morrow}", "bupati-1"),
        ("never-heard", "dprd-1"),
    ]
    assert words(problems(Status("life", {}, 0), Expected(), NOW, running=None)) == [("backup", None)]


def test_a_point_off_the_list_is_nobodys_task_once_it_is_silent() -> None:
    listed = Expected(("dprd-1",))
    assert words(asked(PointStatus(state="offline", missing=3), expected=listed)) == [("never-heard", "dprd-1")]
    assert words(asked(PointStatus(state="online", missing=3), expected=listed)) == [
        ("unlisted", "bupati-1"),
        ("never-heard", "dprd-1"),
    ]


def test_a_bundle_is_on_its_way_for_ten_minutes() -> None:
    point = PointStatus(state="online", seen=stamp(NOW), bundle=2)
    assert asked(point, expected=Expected(None, 3, NOW - timedelta(minutes=9))) == []
    assert words(asked(point, expected=Expected(None, 3, NOW - timedelta(minutes=11)))) == [("bundle", "bupati-1")]


def test_every_fault_of_the_schema_has_its_sentence_and_its_next_command() -> None:
    told = json.loads((REPOSITORY / "schemas" / "state.json").read_text(encoding="utf-8"))
    described = told["properties"]["faults"]["description"]
    for word in FAULTS:
        (problem,) = asked(PointStatus(state="degraded", seen=stamp(NOW), faults=(word,)))
        assert problem.what == f"degraded {word}"
        assert all((problem.id, problem.en, problem.next))
        assert "{" not in "".join(problem.next)
        assert max(map(len, lines(Status("life", {}, 0), [problem]))) <= 100
        assert word in described, f"schemas/state.json does not know {word}"


def test_the_handbook_names_every_word() -> None:
    told = (REPOSITORY / "docs" / "pusat.md").read_text(encoding="utf-8")
    source = (REPOSITORY / "central" / "problems.py").read_text(encoding="utf-8")
    words_ = set(re.findall(r'Problem\(\s*"([a-z-]+)"', source)) | TROUBLES.keys()
    assert len(words_) > 15
    assert [word for word in sorted(words_) if f"`{word}`" not in told] == []
    assert [word for word in FAULTS if f"| `{word}` |" not in told and f", `{word}` |" not in told] == []


def test_a_database_that_no_centre_of_this_version_has_opened_says_how_to(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        pass
    with closing(sqlite3.connect(centre.path)) as file:
        file.executescript("DROP TRIGGER event_is_counted_out; DROP TABLE tally")
    with pytest.raises(DatabaseMissingError, match=r"is of an older version\. Next: systemctl restart titik-central"):
        look(centre.path)


# --- inventory, bundle, backups ---


def test_the_inventory_and_the_bundle_are_read_or_it_is_said_why_not(tmp_path: Path) -> None:
    inventory, bundle = tmp_path / "inventory.toml", tmp_path / "trust.cbor"
    told = Settings(inventory=InventorySettings(file=inventory), trust=BundleSettings(bundle=bundle))
    assert expected(told).faults == (
        f"{inventory}: No such file or directory",
        f"{bundle}: No such file or directory",
    )
    one = '[[point]]\nname = "{}"\nsite = "dprd"\n'
    inventory.write_text(one.format("dprd-1") + one.format("bupati-1"), encoding="utf-8")
    root = ed25519.Ed25519PrivateKey.generate()
    bundle.write_bytes(sign(replace(Trust(), version=17, issued=NOW, next=NOW + 24 * HOUR), root))
    found = expected(told)
    assert (found.bundle, found.faults) == (17, ())
    assert found.points == ("dprd-1", "bupati-1")
    assert never_heard(found.points, ("bupati-1",)) == ("dprd-1",)
    for text, why in (
        ("[[point]\n", "this is not TOML"),
        (one.format("DPRD"), "point.0.name"),
        (one.format("fleet"), "no point may be named fleet"),
        ("", "point: Field required"),
    ):
        inventory.write_text(text, encoding="utf-8")
        assert why in expected(told).faults[0]
    bundle.write_bytes(b"no bundle")
    assert "not a bundle" in expected(told).faults[1]
    assert expected(told).bundle is None


def test_the_age_of_the_last_backup_is_known_and_one_that_failed_is_none(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1)))
        folder = tmp_path / "backups"
        assert main(arguments(centre, "backup", str(folder), "--keep", "3")) == 1
        assert "install -d -m 700" in capfd.readouterr().err
        assert look(centre.path).backup is None
        folder.mkdir()
        assert main(arguments(centre, "backup", str(folder), "--keep", "3")) == 0
        (copy,) = folder.iterdir()
        made = look(centre.path).backup
    assert made is not None
    assert (made.file, made.events) == (str(copy), 1)
    assert datetime.now(UTC) - datetime.fromisoformat(made.at) < HOUR
    told, at = Status("life", {}, 0, backup=made), datetime.fromisoformat(made.at)
    assert words(problems(told, Expected(), at + 35 * HOUR, running=True)) == []
    assert words(problems(told, Expected(), at + 37 * HOUR, running=True)) == [("backup", None)]


def test_what_was_done_by_hand_survives_a_restore_and_is_never_changed(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with CentreStore(tmp_path) as centre:
        with centre.store.writing():
            centre.store.note(audit_log.line(stamp(NOW), "budi", audit_log.SEEN, message=1))
        backup(centre.path, copy)
        with centre.store.writing():
            centre.store.note(audit_log.line(stamp(NOW + HOUR), "budi", audit_log.SEEN, message=2))
    restore(centre.path, copy, NOW + 2 * HOUR, "siti")
    with CentreStore(tmp_path) as centre:
        lines_ = centre.store.noted()
        assert [(line.who, line.what, json.loads(line.details)) for line in lines_] == [
            ("budi", "seen", {"message": 1}),
            ("budi", "seen", {"message": 2}),
            ("siti", "restore", {"file": str(copy)}),
        ]
        for sql in ("UPDATE audit SET who = 'nobody'", "DELETE FROM audit"):
            with (
                closing(sqlite3.connect(centre.path)) as file,
                pytest.raises(sqlite3.IntegrityError, match="only ever"),
            ):
                file.execute(sql)


def test_who_is_behind_sudo_is_named_and_cannot_paint_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert audit_log.who({"SUDO_USER": "budi\x1b[31m"}) == "budi?[31m (sudo)"
    assert audit_log.who({}) == "root"
    monkeypatch.setattr(os, "geteuid", lambda: 1_234_567)
    assert audit_log.who({"SUDO_USER": "budi"}) == "uid 1234567"


# --- the command ---


def test_the_exit_code_is_1_while_anything_is_wrong_and_0_once_all_is_well(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    inventory = tmp_path / "inventory.toml"
    inventory.write_text('[[point]]\nname = "bupati-1"\nsite = "bupati"\n', encoding="utf-8")
    config = f'[inventory]\nfile = "{inventory}"\n'
    with CentreStore(tmp_path) as centre:
        assert main(arguments(centre, "status", config=config)) == 1
        out = capfd.readouterr().out
        assert "pusat: pusat tidak berjalan" in out
        assert "bupati-1: ada di daftar titik, tetapi belum pernah terdengar" in out
        assert out.splitlines()[2].split() == ["bupati-1", "belum", "-", "-", "-", "-"]
        assert out.splitlines()[-1] == "3 hal perlu dilihat / things to look at"
        centre.take(state("online"), now=now)
        assert main(arguments(centre, "backup", str(tmp_path / "copy.db"))) == 0
        with lock_of(centre.path):
            capfd.readouterr()
            assert main(arguments(centre, "status", config=config)) == 0
            assert capfd.readouterr().out.splitlines()[-1] == "semua baik / all is well"
            assert main(arguments(centre, "status", "--json", config=config)) == 0
            told = json.loads(capfd.readouterr().out)
    assert (told["problems"], told["never_heard"], told["points"]["bupati-1"]["state"]) == ([], [], "online")


def test_what_a_running_centre_noticed_is_read_where_it_has_the_table(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online"))
        with closing(sqlite3.connect(centre.path)) as file:
            file.execute("CREATE TABLE IF NOT EXISTS trouble (point TEXT, word TEXT, told TEXT, since TEXT, seen TEXT)")
            file.execute(
                "INSERT INTO trouble (point, word, told, since, seen) VALUES ('bupati-1', 'twin', ?2, ?1, ?1)",
                (TIME, '{"boots":[]}'),
            )
            file.commit()
        assert look(centre.path).troubles == (Trouble("bupati-1", "twin", {"boots": []}, TIME, TIME),)


def test_the_status_writes_nothing(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online"), message(event(1)))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    look(centre.path)
    assert lock_of(centre.path).taken() is False
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix == ".db"} == before


def test_the_tables_of_seven_points_in_all_states_fit_into_eighty_columns() -> None:
    status = Status(
        "0f8b" * 4,
        {
            f"gabungan-{number}": PointStatus(
                events=1_234_567,
                counts={"admit": 1_000_000, "repeat": 12_345, "refuse": 3},
                last_event=TIME,
                last_event_between=(None, TIME),
                state=word,
                seen=TIME,
                owed=200_000,
                version="0.1.0",
                bundle=123,
                skew=-86_400.0,
                synced=False,
                missing=1_000,
                tail=50_000,
                clashes=7,
            )
            for number, word in enumerate(["online", "degraded", "stopped", "offline", None, "online", "online"])
        },
        0,
    )
    told = list(lines(status))
    assert max(map(len, told[:19])) <= 80
    for table in (told[:9], told[10:19]):
        assert len({len(line) - len(line.lstrip()) for line in table}) == 1
