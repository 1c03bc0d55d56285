"""What is purged is gone from the disk, and stays gone, whatever comes again."""

import sqlite3
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.__main__ import main
from central.points import UnknownPointError
from central.store.backup import backup, lock_of, restore
from central.store.purge import PurgeError, purge
from central.store.release import see
from central.store.tombstones import Purged
from device.wire import Receipt, digest
from tests.support.messages import correction, event, message, state
from tests.support.store import CentreStore
from tests.support.world import Child

NOW = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
DAY = date(2026, 11, 22)
OLD, OF_THE_DAY = "2026-11-21T15:59:59.999Z", "2026-11-21T16:00:00.000Z"
"""The last moment before the day at the office, and its first."""


def on(time: str | None, seq: int, **changed: Any) -> dict[str, Any]:
    return event(seq, time=time, **changed)


def remove(path: Path, day: date = DAY, point: str | None = None) -> Purged | None:
    return purge(path, day, point, NOW, lambda _: True)


def seqs(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as file:
        return [seq for (seq,) in file.execute("SELECT seq FROM event ORDER BY seq")]


def test_what_was_purged_is_receipted_for_ever_and_never_held_again(tmp_path: Path) -> None:
    some = [on(OLD, 1), on(OLD, 2), on(OF_THE_DAY, 3)]
    with CentreStore(tmp_path) as centre:
        centre.take(message(*some), now=NOW)
    assert remove(centre.path) == Purged(2, 0)
    with CentreStore(tmp_path) as centre:
        life = centre.store.life
        # The same message again; one of them alone; and one among others, in a new batch.
        assert centre.answers(message(*some)) == [Receipt(life, "7f3a9c1e", 1, 3, 3, digest(one["id"] for one in some))]
        assert centre.answers(message(some[1])) == [Receipt(life, "7f3a9c1e", 2, 2, 1, digest([some[1]["id"]]))]
        more = [some[0], on(OLD, 4)]
        assert centre.answers(message(*more)) == [Receipt(life, "7f3a9c1e", 1, 4, 2, digest(one["id"] for one in more))]
        assert centre.missing("bupati-1") == []
        assert centre.all("SELECT point, epoch, seq FROM purged ORDER BY seq") == [
            ("bupati-1", "7f3a9c1e", 1),
            ("bupati-1", "7f3a9c1e", 2),
        ]
    assert seqs(centre.path) == [3, 4]


def test_who_looked_at_a_message_is_forgotten_with_it_and_not_before(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(b"before"), now=datetime(2026, 11, 20, tzinfo=UTC))
        centre.take(message(b"since"), now=NOW)
        see(centre.store, [1, 2], who="budi", why="rusak", now=NOW)
        assert len(centre.all("SELECT * FROM released")) == 2
    assert remove(centre.path) == Purged(0, 1)
    with CentreStore(tmp_path) as centre:
        assert centre.all("SELECT q.bytes, r.who FROM released r LEFT JOIN quarantine q USING (topic, digest)") == [
            (b"since", "budi")
        ]


def test_an_event_is_as_old_as_it_can_be(tmp_path: Path) -> None:
    doubtful = on(OLD, 3)
    doubtful["data"]["clock"] = {"synced": False, "boot": "b", "uptime": 5.0}
    with CentreStore(tmp_path) as centre:
        centre.take(
            message(on("2199-01-01T00:00:00.000Z", 1), on(None, 2), doubtful), now=datetime(2026, 11, 21, tzinfo=UTC)
        )
        centre.take(message(on(None, 4)), now=NOW)
    assert remove(centre.path) == Purged(3, 0)
    assert seqs(centre.path) == [4]


def test_what_comes_after_the_purge_of_its_correction_is_dated_by_it_and_purged_as_well(tmp_path: Path) -> None:
    late = on(OLD, 1)
    late["data"]["clock"] = {"synced": False, "boot": "b" * 32, "uptime": 5.0}
    with CentreStore(tmp_path) as centre:
        centre.take(message(correction(2, 6.0, datetime(2026, 10, 31, tzinfo=UTC).timestamp())), now=NOW)
    remove(centre.path)
    with CentreStore(tmp_path) as centre:
        centre.take(message(late), now=NOW)
        assert centre.all("SELECT at FROM event WHERE seq = 1") == [("2026-10-31T00:00:05.000Z",)]
    assert remove(centre.path) == Purged(1, 0)


def test_nothing_of_it_is_left_in_the_file_or_its_log_and_the_room_is_given_back(tmp_path: Path) -> None:
    word = "SECRET-OF-SOMEBODY"
    with CentreStore(tmp_path) as centre:
        centre.take(message(*(on(OLD, seq, more=word * 40) for seq in range(1, 101))), message(word.encode()))
        centre.take(message(on(OF_THE_DAY, 101)), now=NOW)
    before = centre.path.stat().st_size
    assert word.encode() in centre.path.read_bytes()
    assert remove(centre.path, date(2026, 11, 23)) == Purged(101, 1)
    assert [path.name for path in tmp_path.iterdir() if word.encode() in path.read_bytes()] == []
    assert centre.path.stat().st_size < before / 2


def test_another_point_keeps_its_own(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        for point in ("bupati-1", "dprd-1"):
            centre.take(message(on(OLD, 1, point=point), point=point), message(b"?", point=point))
    assert remove(centre.path, date(2026, 11, 23), "dprd-1") == Purged(1, 1)
    with closing(sqlite3.connect(centre.path)) as file:
        assert file.execute("SELECT point FROM event").fetchall() == [("bupati-1",)]
        assert file.execute("SELECT topic FROM quarantine").fetchall() == [("titik/v1/bupati-1/event",)]


@pytest.mark.parametrize("word", ["%", "_", "bupati-%", "bupati__", "%-1", "BUPATI-1", "bupati-1/event", "", "a" * 41])
def test_what_is_no_point_s_name_is_refused_and_removes_nothing(
    tmp_path: Path, word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with CentreStore(tmp_path) as centre:
        for point in ("bupati-1", "dprd-1"):
            centre.take(message(on(OLD, 1, point=point), point=point), message(b"?", point=point))
    with pytest.raises(SystemExit) as ended:
        main(["purge", "--before", "2026-11-23", "--point", word, "--yes"])
    assert ended.value.code == 2
    assert "is no point's name: lower-case letters, digits and hyphens, as in bupati-1" in capfd.readouterr().err
    with pytest.raises(UnknownPointError):  # what is held against the database is compared as it is, too
        remove(centre.path, date(2026, 11, 23), word)
    with CentreStore(tmp_path) as centre:
        assert centre.store.old(NOW, word) == Purged(0, 0)
        assert centre.all("SELECT count(*) FROM quarantine") == [(2,)]


def test_a_name_that_begins_or_ends_like_another_removes_nothing_of_it(tmp_path: Path) -> None:
    names = "bupati-1", "bupati-10", "a-bupati-1", "bupatix1"
    with CentreStore(tmp_path) as centre:
        for point in names:
            centre.take(message(on(OLD, 1, point=point), point=point), message(b"?", point=point))
    assert remove(centre.path, date(2026, 11, 23), "bupati-1") == Purged(1, 1)
    with closing(sqlite3.connect(centre.path)) as file:
        assert file.execute("SELECT point FROM event ORDER BY 1").fetchall() == [
            ("a-bupati-1",),
            ("bupati-10",),
            ("bupatix1",),
        ]
        assert file.execute("SELECT count(*) FROM quarantine").fetchone() == (3,)


def test_a_point_of_which_nothing_is_known_is_refused_with_the_nearest_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "central.toml"
    with CentreStore(tmp_path) as centre:
        centre.take(message(on(OLD, 1)), message(b"?", point="dprd-1"), state("online"))
        config.write_text(f'[store]\npath = "{centre.path}"\n')
    command = ["purge", "--before", "2026-11-22", "--yes", "--config", str(config), "--point"]
    assert main([*command, "bupati-9"]) == 1
    assert "nothing is known of a point bupati-9; did you mean bupati-1? Next:" in capfd.readouterr().err
    assert main([*command, "xyz"]) == 1
    assert "nothing is known of a point xyz; known here: bupati-1, dprd-1. Next:" in capfd.readouterr().err
    assert main([*command, "dprd-1"]) == 0


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("01-02-2026", "maksudnya / did you mean 2026-02-01?"),
        ("1/2/2026", "maksudnya / did you mean 2026-02-01?"),
        ("31.02.2026", "YYYY-MM-DD, for example 2026-01-31"),
        ("kemarin", "TTTT-BB-HH, misalnya 2026-01-31"),
        ("2026-13-01", "YYYY-MM-DD, for example 2026-01-31"),
        ("20260131", "YYYY-MM-DD, for example 2026-01-31"),
    ],
)
def test_a_day_that_is_written_otherwise_is_refused_with_how_to_write_it(
    written: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["purge", "--before", written])
    assert ended.value.code == 2
    err = capfd.readouterr().err
    assert said in err
    assert ("did you mean" in err) == said.startswith("maksudnya")


def test_nothing_is_removed_unasked_beside_a_centre_or_of_the_future(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(on(OLD, 1)))
    asked: list[Purged] = []
    assert purge(centre.path, DAY, None, NOW, lambda old: bool(asked.append(old))) is None
    assert asked == [Purged(1, 0)]
    with lock_of(centre.path), pytest.raises(PurgeError, match="systemctl stop titik-central") as refused:
        remove(centre.path)
    assert str(refused.value).count("Next:") == 1
    with pytest.raises(PurgeError, match="still to come"):
        remove(centre.path, date(2026, 11, 25))
    with pytest.raises(PurgeError, match="does not exist"):
        remove(tmp_path / "nowhere.db")
    assert seqs(centre.path) == [1]


def test_a_restore_does_not_bring_back_what_was_purged_after_the_backup(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with CentreStore(tmp_path) as centre:
        centre.take(message(on(OLD, 1), on(OF_THE_DAY, 2)))
    backup(centre.path, copy)
    remove(centre.path)
    assert restore(centre.path, copy, NOW).purged == 1
    assert seqs(centre.path) == [2]
    with CentreStore(tmp_path) as centre:
        assert len(centre.answers(message(on(OLD, 1)))) == 1
    assert seqs(centre.path) == [2]
    for left in tmp_path.glob("central*"):
        left.write_bytes(b"no database any more, " * 1000)
    assert restore(centre.path, copy, NOW).purged is None
    assert seqs(centre.path) == [1, 2]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.lists(st.integers(1, 8), min_size=1, max_size=5, unique=True)),
        st.tuples(st.just("purge"), st.integers(0, 9)),
        st.tuples(st.just("backup"), st.just(0)),
        st.tuples(st.just("restore"), st.just(0)),
    ),
    max_size=8,
)


@given(STEPS)
def test_whatever_is_done_in_whatever_order_nothing_purged_is_held_again(steps: list[tuple[str, Any]]) -> None:
    """Event *n* was on the *n*-th of November; the model is three sets."""
    held: set[int] = set()
    gone: set[int] = set()
    saved: set[int] | None = None
    with TemporaryDirectory() as folder:
        path, copy = Path(folder) / "central.db", Path(folder) / "copy.db"
        with CentreStore(path.parent):
            pass
        for verb, what in steps:
            if verb == "take":
                with CentreStore(path.parent) as centre:
                    sent = [on(f"2026-11-{seq:02}T01:00:00.000Z", seq) for seq in what]
                    assert [getattr(answer, "count", None) for answer in centre.answers(message(*sent))] == [len(what)]
                held |= set(what) - gone
            elif verb == "purge":
                old = {seq for seq in held if seq < what + 1}
                assert remove(path, date(2026, 11, what + 1)) == Purged(len(old), 0)
                held, gone = held - old, gone | old
            elif verb == "backup":
                backup(path, copy, force=True)
                saved = set(held)
            elif saved is not None:
                restore(path, copy, NOW)
                held = saved - gone
            assert set(seqs(path)) == held


def test_the_command_asks_unless_told_and_says_how_many(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(on(OLD, 1)), state("online"))
    config = tmp_path / "central.toml"
    config.write_text(f'[store]\npath = "{centre.path}"\n')
    command = [sys.executable, "-m", "central", "purge", "--config", config, "--before", "2026-11-22"]
    with Child(command, tmp_path / "asked") as child:
        assert child.process.wait() == 1
        assert "the same with --yes" in child.err
    assert seqs(centre.path) == [1]
    with Child([*command, "--yes"], tmp_path / "told") as child:
        assert child.process.wait() == 0
        assert "1 peristiwa, 0 pesan dihapus / events, messages are removed" in child.out
    assert seqs(centre.path) == []
