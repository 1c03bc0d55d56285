"""What a point merely says of its epochs is bounded, and heals where it was not; no event hangs on it."""

from pathlib import Path
from typing import Any

import pytest

from central.store.reported import MAX_KEPT, MAX_SAID
from device.wire import Received, dumps
from tests.support.messages import POINT, event, message, spans, state
from tests.support.store import CentreStore, poison
from tests.support.work import Steps


def epochs(centre: CentreStore) -> list[str]:
    return [epoch for (epoch,) in centre.all("SELECT epoch FROM said ORDER BY rowid")]


def test_a_health_names_no_epoch_but_its_own(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(dumps({"epoch": "now", "seq": 3, "kept": spans(0, 100)}), leaf="health"))
        assert centre.store.said() == [(POINT, "now", 3)]


@pytest.mark.parametrize("leaf", ["state", "health"])
def test_what_is_said_of_epochs_is_bounded_and_the_newest_stays(tmp_path: Path, leaf: str) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", epoch="first", seq=1, kept=spans(0, MAX_KEPT)))
        for n in range(1, MAX_SAID // MAX_KEPT + 3) if leaf == "state" else range(1, MAX_SAID + 50):
            if leaf == "state":
                centre.take(state("online", epoch="first", seq=1, kept=spans(MAX_KEPT * n, MAX_KEPT)))
            else:
                centre.take(message(dumps({"epoch": f"own-{n}", "seq": 3}), leaf="health"))
        known = epochs(centre)
        assert len(known) == MAX_SAID
        # The card's list, and what is said now, are there however long ago they were said first.
        mine = spans(0 if leaf == "health" else MAX_KEPT * n, MAX_KEPT)
        assert {span[0] for span in mine} <= set(known)
        assert known[-1] == (f"own-{n}" if leaf == "health" else mine[-1][0])
        assert "first" in known if leaf == "state" else "first" not in known


def test_a_state_that_names_a_hundred_new_epochs_and_its_own_new_one_lets_as_many_go(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        for n in range(MAX_SAID // MAX_KEPT):
            centre.take(state("online", epoch="000000", kept=spans(MAX_KEPT * n, MAX_KEPT)))
        assert len(epochs(centre)) == MAX_SAID
        centre.take(state("online", epoch="own", seq=1, kept=spans(MAX_SAID, MAX_KEPT)))
        assert len(epochs(centre)) == MAX_SAID
        assert {"own", *(span[0] for span in spans(MAX_SAID, MAX_KEPT))} <= set(epochs(centre))


def test_an_event_of_an_epoch_that_was_let_go_is_held_and_its_gap_is_missing(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        for n in range(20):
            centre.take(state("online", kept=spans(MAX_KEPT * n, MAX_KEPT)))
        assert "000000" not in epochs(centre)
        assert len(centre.take(message(event(3, epoch="000000")))) == 1
        assert [gap.last for gap in centre.missing(POINT) if gap.epoch == "000000"] == [2]


def test_of_one_state_the_newest_hundred_epochs_count(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", kept=spans(0, 400)))
        assert epochs(centre) == [str(span[0]) for span in spans(300, 100)]


def healed(centre: CentreStore) -> list[int]:
    """Let *centre* heal its file; return the work of each piece."""
    work: list[int] = []
    while True:
        with Steps(centre.store._file) as steps:
            more = centre.store.tend()
        if not more:
            return work
        work.append(steps.count)


def test_a_file_that_was_flooded_heals_by_itself_in_pieces_and_the_others_keep_theirs(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", kept=spans(0, 3)))
        told = {"state": "online", "boot": "b", "epoch": "e", "kept": spans(0, 9)}
        centre.take(message(dumps(told), point="dprd-1", leaf="state"))
        poison(centre, 20_000)
    with CentreStore(tmp_path) as centre:
        assert centre.all("SELECT count(*) FROM said") == [(20_012,)]
        assert len(healed(centre)) == 11
        known = epochs(centre)
        assert len(known) == MAX_SAID + 9
        assert known[:3] == ["000000", "000001", "000002"]
        assert known[-1] == "bad-019999"
        assert centre.all("SELECT count(*) FROM said WHERE point = 'dprd-1'") == [(9,)]


def test_a_piece_of_the_healing_does_not_grow_with_what_is_to_be_healed(tmp_path: Path) -> None:
    work: dict[int, int] = {}
    for rows in (6_000, 30_000):
        (tmp_path / str(rows)).mkdir()
        with CentreStore(tmp_path / str(rows)) as centre:
            poison(centre, rows)
        with CentreStore(tmp_path / str(rows)) as centre:
            work[rows] = max(healed(centre))
    assert work[30_000] < 1.3 * work[6_000]


def test_a_flooded_file_is_looked_at_in_pieces_before_it_has_healed(tmp_path: Path) -> None:
    looks: dict[int, int] = {}
    for rows in (2_000, 20_000):
        (tmp_path / str(rows)).mkdir()
        with CentreStore(tmp_path / str(rows)) as centre:
            poison(centre, rows)
            with Steps(centre.store._file) as steps:
                centre.store.look(POINT)
            looks[rows] = steps.count
    assert looks[20_000] < 1.3 * looks[2_000]


def test_a_flood_of_states_costs_each_of_them_the_same(tmp_path: Path) -> None:
    work: list[int] = []
    with CentreStore(tmp_path) as centre:
        for n in range(60):
            with Steps(centre.store._file) as steps:
                centre.take(state("online", kept=spans(MAX_KEPT * n, MAX_KEPT)))
            work.append(steps.count)
    assert max(work[30:]) < 1.5 * max(work[12:30])


@pytest.mark.parametrize("kept", [[["e", 1, 5]] * 1300, [["e", n, n] for n in range(1, 1300)], [7] * 5000])
def test_a_state_costs_no_more_than_a_hundred_spans(tmp_path: Path, kept: Any) -> None:
    body = dumps({"state": "online", "boot": "b", "epoch": "e", "kept": kept})
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", kept=spans(0, 100)))
        with Steps(centre.store._file) as steps:
            centre.take(state("online", kept=spans(100, 100)))
        honest = steps.count
        with Steps(centre.store._file) as steps:
            centre.take(Received(f"titik/v1/{POINT}/state", body, retained=False))
        assert steps.count < 2 * honest
