"""What came under another name is given back once, is charged to nobody, and paints no terminal."""

import json
import sqlite3
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.__main__ import main
from central.cli.quarantine import lines as quarantine_lines
from central.store.database import Store
from central.store.missing import Gap
from central.store.quarantine import ClaimedRange, NotReleasedError, Review, listed
from central.store.release import Prospect, Released, look, release, see
from central.store.status import look as status
from device.wire import Quarantined, Receipt, Received, digest, dumps
from tests.support.messages import LATER, NOW, TIME, event, message, state
from tests.support.store import CentreStore, arguments
from tests.support.world import Child, Mosquitto, wait_for

OLD, NEW = "dprd-1", "bupati-2"
"""The card's name as it recorded, and the one that it got."""
WHY = "source or point is not the point of its topic"


def moved(*seqs: int, epoch: str = "old-epoch") -> Received:
    """Return events of `OLD` that come on the topic of `NEW`."""
    return message(*(event(seq, point=OLD, epoch=epoch) for seq in seqs), point=NEW)


def shows(*kept: list[object], point: str = NEW) -> Received:
    """Return the state of a station that has these spans on its card."""
    told = {"state": "online", "boot": "b1", "epoch": "new-epoch", "seq": 0, "kept": kept}
    return message(dumps(told), leaf="state", point=point)


def let_go(store: Store, *numbers: int, point: str = OLD) -> list[Released]:
    return list(release(store, numbers or None, point, who="budi", why="kartu pindah", now=LATER))


def held(centre: CentreStore) -> list[tuple[str, str, int]]:
    return centre.all("SELECT point, epoch, seq FROM event ORDER BY 1, 2, 3")


# --- the charge ---


def test_a_card_that_was_renamed_is_charged_with_nothing_of_its_old_name(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        # 1 to 100 were delivered under the old name; 101 to 116 come under the new one.
        centre.take(message(*(event(seq, point=OLD, epoch="old-epoch") for seq in range(1, 101)), point=OLD))
        centre.take(shows(["old-epoch", 1, 116]))
        assert centre.missing(NEW) == [], "the epoch is another's"
        assert (centre.point(NEW).missing, centre.point(NEW).tail, centre.point(NEW).foreign) == (
            0,
            0,
            (("old-epoch", OLD),),
        )
        centre.take(moved(*range(101, 117)))
        with centre.store.writing():
            centre.store.lose(NEW, Gap("old-epoch", 37, 100), NOW)
        assert (centre.point(NEW).lost, centre.point(NEW).lost_gaps) == (0, ())
        assert let_go(centre.store, 1) == [Released(1, 16, 0, None)]
        assert held(centre) == [(OLD, "old-epoch", seq) for seq in range(1, 117)]
        for table in ("said", "lost", "unread"):
            assert centre.all(f"SELECT * FROM {table} WHERE epoch = 'old-epoch' AND point = '{NEW}'") == []  # noqa: S608 - words of ours
        centre.take(shows(["old-epoch", 1, 116]))
        assert (centre.missing(NEW), centre.missing(OLD)) == ([], [])
        assert (centre.point(NEW).missing, centre.point(NEW).tail, centre.point(NEW).lost) == (0, 0, 0)


def test_an_epoch_of_which_nothing_but_quarantine_is_known_is_not_charged_either(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(shows(["old-epoch", 1, 116], ["own", 1, 3]))
        assert centre.missing(NEW) == [Gap("old-epoch", 1, 116), Gap("own", 1, 3)]
        centre.take(moved(116))
        assert centre.missing(NEW) == [Gap("own", 1, 3)]
        assert (centre.point(NEW).tail, centre.point(NEW).foreign) == (3, (("old-epoch", OLD),))


def test_an_epoch_of_which_the_point_has_events_is_its_own_whatever_others_say(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(
            message(event(1, point=OLD, epoch="e"), point=OLD), message(event(1, point=NEW, epoch="e"), point=NEW)
        )
        centre.take(shows(["e", 1, 4]))
        assert centre.missing(NEW) == [Gap("e", 2, 4)]
        assert (centre.point(NEW).tail, centre.point(NEW).foreign) == (3, ())


def test_what_was_purged_still_tells_whose_an_epoch_is(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        with centre.store.writing():
            centre.store.bury([(f"/titik/{OLD}", "id-of-one", OLD, "old-epoch", 1)])
        centre.take(state("online"), shows(["old-epoch", 1, 9]), shows(point=OLD))
        assert centre.missing(NEW) == []
        assert centre.point(NEW).tail == 0


def test_a_stranger_s_many_epochs_are_noted_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.store.strays.MAX_STRAYS", 3)
    with CentreStore(tmp_path) as centre:
        centre.take(*(moved(1, epoch=f"e{number}") for number in range(9)))
        assert centre.all("SELECT count(*) FROM stray") == [(3,)]
        centre.take(message(event(1, point=OLD, epoch="e-old"), point="dprd-9"))  # another stranger's are noted still
        assert centre.all("SELECT point, epoch, owner FROM stray WHERE point <> 'bupati-2'") == [
            ("dprd-9", "e-old", OLD)
        ]


# --- what lies there ---


def test_the_list_says_whose_the_events_are(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        mixed = [
            event(7, point=OLD),
            event(9, point=OLD),
            event(2, point="gabungan-1", epoch="e"),
            {"data": {"epoch": "x"}},
        ]
        centre.take(moved(1, 2, 3), message(*mixed, point=NEW), message(b"\xff\x1b[31m", point=OLD))
        found = listed(centre.path)
        assert [(one.number, one.point, one.events, one.why, one.open) for one in found] == [
            (1, NEW, 3, WHY, True),
            (2, NEW, 4, WHY, True),
            (3, OLD, 0, "not JSON that can be kept: not UTF-8", True),
        ]
        assert [one.spans for one in found] == [
            (ClaimedRange(OLD, "old-epoch", 1, 3),),
            (ClaimedRange(OLD, "7f3a9c1e", 7, 9), ClaimedRange("gabungan-1", "e", 2, 2)),
            (),
        ]
        assert [one.number for one in listed(centre.path, OLD)] == [1, 2, 3]
        assert [one.number for one in listed(centre.path, NEW)] == [1, 2]
        told = list(quarantine_lines.lines(found, str))
        assert told[0] == (
            f"   1  {NEW}  {TIME}  {found[0].bytes} B  3 peristiwa/events: {OLD} old-epoch 1-3  terbuka/open  {WHY}"
        )


def test_a_body_is_shown_in_ascii_and_says_what_would_become_of_it(tmp_path: Path) -> None:
    bad = event(2, point=OLD)
    bad["type"] = "com.example.other"
    painted = event(1, point=OLD, more="\x1b[31m\x7f\x9b\u202e")
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(3, point=OLD), point=OLD))
        centre.take(message(painted, bad, event(3, point=OLD), point=NEW), message(b'{"\x1b]0;\x07\\', point=NEW))
        one, body, prospects = look(centre.path, 1)
        assert prospects == [Prospect(OLD, 1, 1, "a type that does not begin with id.titik.")]
        shown = list(quarantine_lines.body_lines(body))
        assert [json.loads(line) for line in shown] == [painted, bad, event(3, point=OLD)]
        assert all(line.isascii() and line.isprintable() for line in shown)
        _, body, prospects = look(centre.path, 2)
        assert prospects == []
        assert list(quarantine_lines.body_lines(body)) == ['{"\\x1b]0;\\x07\\x5c']
        assert list(quarantine_lines.body_lines(b"a" * 70_000)) == ["a" * 65_536, "... 4464 B"]
        with pytest.raises(NotReleasedError, match="there is no message 9"):
            look(centre.path, 9)
        assert one.digest


# --- giving back ---


def test_what_is_released_is_as_if_it_had_come_under_its_own_name(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(shows(["old-epoch", 1, 3], point=OLD), moved(1, 2, 3))
        with centre.store.writing():
            centre.store.lose(OLD, Gap("old-epoch", 2, 2), NOW)
        assert let_go(centre.store, 1) == [Released(1, 3, 0, None)]
        rows = centre.all("SELECT body, received FROM event ORDER BY seq")
        assert rows == [(dumps(event(seq, point=OLD, epoch="old-epoch")).decode(), TIME) for seq in (1, 2, 3)]
        assert (centre.missing(OLD), centre.point(OLD).lost) == ([], 0)
        (one,) = listed(centre.path)
        assert one.released == (Review(OLD, "2026-11-22T01:07:03.456Z", "budi", "kartu pindah", 3, 0),)
        assert not one.open
        assert centre.all("SELECT count(*) FROM quarantine") == [(1,)], "the body stays"
        assert (status(centre.path).quarantined, status(centre.path).unreleased) == (1, 0)
        (line,) = centre.store.noted()
        assert (line.who, line.what) == ("budi", "release")
        assert json.loads(line.details) == {
            "message": 1,
            "topic": f"titik/v1/{NEW}/event",
            "digest": one.digest,
            "point": OLD,
            "new": 3,
            "held": 0,
            "left": 0,
            "refused": None,
            "why": "kartu pindah",
        }
        # The card that comes back under its old name is receipted, and nothing is doubled.
        again = [event(seq, point=OLD, epoch="old-epoch") for seq in (1, 2, 3)]
        ids = digest(one["id"] for one in again)
        assert centre.answers(message(*again, point=OLD)) == [Receipt(centre.store.life, "old-epoch", 1, 3, 3, ids)]
        assert let_go(centre.store, 1) == [Released(1, 0, 3, None)]
        assert len(held(centre)) == 3


def test_only_what_names_the_point_is_taken_and_the_rest_waits(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1, point=OLD), event(1, point="gabungan-1"), {"no": "event"}, point=NEW))
        assert let_go(centre.store, 1) == [
            Released(1, 1, 0, "the rest of it names gabungan-1. Next: the same --as gabungan-1")
        ]
        assert listed(centre.path)[0].open
        (one,) = let_go(centre.store, 1, point="gabungan-1")
        assert (one.new, str(one.refused)[:31]) == (1, "the rest of it cannot be read: "), "what names another is taken"
        assert [(taken.point, taken.left) for taken in listed(centre.path)[0].released] == [(OLD, 2), ("gabungan-1", 1)]
        assert let_go(centre.store, 1, point=NEW) == [
            Released(1, 0, 0, f"its events name {OLD}, gabungan-1. Next: the same --as {OLD}")
        ]
        assert held(centre) == [(OLD, "7f3a9c1e", 1), ("gabungan-1", "7f3a9c1e", 1)]


def test_a_message_of_two_points_is_done_once_each_has_its_own(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1, point=OLD), event(1, point="gabungan-1"), point=NEW))
        assert [one.refused is None for one in let_go(centre.store, 1)] == [False]
        assert let_go(centre.store, 1, point="gabungan-1") == [Released(1, 1, 0, None)]
        assert not listed(centre.path)[0].open
        assert let_go(centre.store, 1) == [Released(1, 0, 1, None)]


def test_an_event_that_cannot_be_read_keeps_none_of_its_message_back(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1, point=OLD), {"no": "event"}, point=NEW))
        (one,) = let_go(centre.store, 1)
        assert one.new == 1
        assert str(one.refused).startswith("the rest of it cannot be read: not a CloudEvent 1.0 with type")
        assert listed(centre.path)[0].open


def test_what_cannot_be_read_stays_refused_and_can_be_noted_as_seen(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(b"garbage", point=NEW))
        (one,) = let_go(centre.store, 1)
        assert one.refused == (
            "it cannot be read: not JSON that can be kept: bad syntax. It stays as it is."
            " Next: titik-central quarantine show, and report it"
        )
        assert status(centre.path).unreleased == 1
        see(centre.store, [1], who="budi", why="sampah", now=LATER)
        assert (status(centre.path).quarantined, status(centre.path).unreleased) == (1, 0)
        assert [line.what for line in centre.store.noted()] == ["release", "seen"]
        with pytest.raises(NotReleasedError, match="there is no message 2"):
            see(centre.store, [2], who="budi", why="", now=LATER)
        with pytest.raises(NotReleasedError, match="none there names a point"):
            let_go(centre.store)


def test_an_id_that_is_held_with_another_content_is_not_replaced(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1, point=OLD), point=OLD))
        other = event(1, point=OLD, more="another content")
        centre.take(message(other, event(2, point=OLD), point=NEW))
        assert let_go(centre.store, 1) == [Released(1, 1, 0, "an id that is held with another content")]
        assert centre.all("SELECT instr(body, 'another') FROM event ORDER BY seq") == [(0,), (0,)]
        assert listed(centre.path)[0].released[0].left == 1


def test_what_was_purged_is_not_brought_back_by_a_release(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        one = event(1, point=OLD, epoch="old-epoch")
        with centre.store.writing():
            centre.store.bury([(one["source"], one["id"], OLD, "old-epoch", 1)])
        centre.take(moved(1))
        assert let_go(centre.store, 1) == [Released(1, 0, 1, None)]
        assert held(centre) == []


def test_what_was_looked_at_takes_no_room_in_the_quarantine_of_a_running_centre(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.store.quarantine.MAX_UNREAD", 2)
    with CentreStore(tmp_path) as centre:
        assert len(centre.take(moved(1), moved(2), moved(3))) == 2
        with Store(centre.path, NOW) as beside:
            let_go(beside)
        assert len(centre.take(moved(3))) == 1
        assert [len(centre.take(moved(4))), len(centre.take(moved(5)))] == [1, 0]


def test_all_means_those_that_name_the_point_and_are_open(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(moved(1), moved(2), message(event(9, point="gabungan-1"), point=NEW), message(b"?", point=NEW))
        assert [one.number for one in let_go(centre.store)] == [1, 2]
        with pytest.raises(
            NotReleasedError, match="no open message holds events of dprd-1; those there name gabungan-1"
        ):
            let_go(centre.store)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["own", "moved"]), st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True)),
        st.tuples(st.just("show"), st.integers(1, 9)),
        st.tuples(st.just("lose"), st.integers(1, 6)),
        st.tuples(st.sampled_from(["release", "again"]), st.none()),
    ),
    max_size=9,
)


@given(STEPS)
def test_in_whatever_order_it_comes_is_released_and_comes_again_each_event_is_held_once(
    steps: list[tuple[str, Any]],
) -> None:
    """The model is two sets: what came under its own name or was released, and what lies in quarantine."""
    there: set[int] = set()
    aside: set[int] = set()
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        for verb, what in steps:
            match verb:
                case "own":
                    centre.take(message(*(event(seq, point=OLD, epoch="old-epoch") for seq in what), point=OLD))
                    there |= set(what)
                case "moved":
                    assert isinstance(centre.answers(moved(*what))[0], Quarantined)
                    aside |= set(what)
                case "show":
                    centre.take(shows(["old-epoch", 1, what]))
                case "lose":
                    with centre.store.writing():
                        centre.store.lose(NEW, Gap("old-epoch", 1, what), NOW)
                case _:
                    before = held(centre)
                    try:
                        told = let_go(centre.store)
                    except NotReleasedError:
                        told = []
                    there |= aside if told else set()
                    assert sum(one.new for one in told) == len(held(centre)) - len(before)
                    assert all(one.refused is None for one in told)
            assert held(centre) == [(OLD, "old-epoch", seq) for seq in sorted(there)]
            known = status(centre.path).points.get(NEW)
            if known is not None and (there or aside):
                assert (centre.missing(NEW), known.missing, known.tail, known.lost) == ([], 0, 0, 0)
            assert {seq for gap in centre.missing(OLD) for seq in range(gap.first, gap.last + 1)} == set(
                range(1, max(there, default=0))
            ) - there


# --- the commands ---


def test_the_commands_list_show_release_and_note(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with CentreStore(tmp_path) as centre:
        assert main(arguments(centre, "quarantine", "list")) == 0
        assert capfd.readouterr().out == "karantina kosong / nothing is in quarantine\n"
        centre.take(moved(1, 2), message(b"\x1b[2J", point=NEW), message(event(1, point=OLD), point=OLD))
        assert main(arguments(centre, "quarantine", "list")) == 0
        assert "2026-11-22 09:02:03 WITA  " in capfd.readouterr().out
        assert main(arguments(centre, "quarantine", "list", "--json", "--point", NEW)) == 0
        (first, second) = json.loads(capfd.readouterr().out)
        assert (first["spans"], first["open"], second["events"]) == (
            [{"point": OLD, "epoch": "old-epoch", "first": 1, "last": 2}],
            True,
            0,
        )
        assert main(arguments(centre, "quarantine", "list", "--point", "bupati-3")) == 1
        assert "nothing is known of a point bupati-3; did you mean bupati-2? Next:" in capfd.readouterr().err
        assert main(arguments(centre, "quarantine", "show", "1")) == 0
        assert f"release 1 --as {OLD}: 2 baru / new, 0 sudah ada / held already" in capfd.readouterr().out
        assert main(arguments(centre, "quarantine", "show", "2")) == 0
        told = capfd.readouterr().out
        assert "\\x1b[2J" in told
        assert told.endswith("  sudo titik-central quarantine seen 2\n")
        assert main(arguments(centre, "quarantine", "release", "2", "--as", OLD)) == 1
        assert "2: it cannot be read: not JSON that can be kept" in capfd.readouterr().err
        for wrong in (["--as", OLD], ["1", "--all", "--as", OLD]):
            assert main(arguments(centre, "quarantine", "release", *wrong)) == 2
        with pytest.raises(SystemExit) as ended:
            main(arguments(centre, "quarantine", "release", "1", "--as", "%"))
        assert ended.value.code == 2
        assert "% is no point's name" in capfd.readouterr().err
        assert main(arguments(centre, "quarantine", "release", "--all", "--as", OLD)) == 0
        assert capfd.readouterr().out == (
            "tidak ada pusat berjalan / no centre runs\n1: 2 peristiwa baru / new events, 0 sudah ada / held already\n"
        )
        assert main(arguments(centre, "quarantine", "seen", "2", "--why", "sampah")) == 0
        assert main(arguments(centre, "quarantine", "show", "9")) == 1
    nowhere = tmp_path / "nowhere.toml"
    nowhere.write_text(f'[store]\npath = "{tmp_path / "none.db"}"\n', encoding="utf-8")
    for verb in (["list"], ["show", "1"], ["release", "1", "--as", OLD], ["seen", "1"]):
        assert main(["quarantine", *verb, "--config", str(nowhere)]) == 3
    assert not (tmp_path / "none.db").exists()


def test_a_release_works_beside_a_running_centre(tmp_path: Path) -> None:
    path, config, command = tmp_path / "central.db", tmp_path / "central.toml", [sys.executable, "-m", "central"]
    with CentreStore(tmp_path) as centre:
        centre.take(moved(1, 2))
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        config.write_text(f'[broker]\nport = {broker.port}\n[store]\npath = "{path}"\n', encoding="utf-8")
        running = stack.enter_context(Child([*command, "run", "--config", config], tmp_path / "run"))
        wait_for(lambda: "state online" in running.err)
        told = [*command, "quarantine", "release", "--all", "--as", OLD, "--config", config]
        with Child(told, tmp_path / "release", {"SUDO_USER": "siti"}) as child:
            assert child.process.wait() == 0
            assert "pusat berjalan terus / the centre goes on" in child.out
        assert running.stop() == 0
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT point, seq FROM event ORDER BY seq").fetchall() == [(OLD, 1), (OLD, 2)]
        assert file.execute("SELECT count(*) FROM audit WHERE what = 'release'").fetchone() == (1,)
