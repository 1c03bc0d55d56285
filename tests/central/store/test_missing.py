"""What is missing is found in pieces, however much there is; piece by piece it is the whole truth."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.broker.recall import EACH_MINUTE, MAX_ASKED, Recall
from central.store.epoch_ranges import EpochRanges
from central.store.missing import EPOCH, LOOK, Gap
from device.wire import Topics, dumps
from tests.support.messages import NOW, event, message, state
from tests.support.store import CentreStore
from tests.support.work import Steps

POINT = "bupati-1"
RUNS = st.lists(
    st.builds(
        lambda epoch, first, more: Gap(epoch, first, first + more),
        st.sampled_from(["e1", "e2", "e3"]),
        st.integers(1, 30),
        st.integers(0, 6),
    ),
    max_size=12,
)


def numbers(gaps: Iterable[Gap]) -> set[tuple[str, int]]:
    return {(gap.epoch, seq) for gap in gaps for seq in range(gap.first, gap.last + 1)}


@given(RUNS, RUNS)
def test_spans_are_sets_of_numbers(some: list[Gap], ranges: list[Gap]) -> None:
    spans = EpochRanges(some)
    assert numbers(spans) == numbers(some)
    runs = sorted(spans)
    assert all(a.epoch != b.epoch or a.last + 1 < b.first for a, b in itertools.pairwise(runs))
    for range_ in ranges:
        asked, inside = numbers([range_]), numbers(some)
        assert numbers(spans.within(range_)) == asked & inside
        assert numbers(spans.leave(range_)) == asked - inside
        assert spans.cover(range_) == (asked <= inside)
        assert spans.touch(range_) == bool(asked & inside)


STORY = st.lists(
    st.tuples(
        st.sampled_from(["event", "event", "event", "lose", "purge", "said"]),
        st.sampled_from(["e1", "e2", "e3", "e4"]),
        st.integers(1, 12),
    ),
    max_size=30,
)


@given(STORY, RUNS, st.integers(1, 40))
def test_looks_of_any_size_find_together_what_one_look_finds(
    story: list[tuple[str, str, int]], asked: list[Gap], most: int
) -> None:
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        for what, epoch, seq in story:
            if what == "event":
                centre.take(message(event(seq, epoch=epoch)))
            elif what == "said":
                centre.take(state("online", epoch=epoch, seq=seq))
            else:
                with centre.store.writing():
                    if what == "lose":
                        centre.store.lose(POINT, Gap(epoch, seq, seq + 2), NOW)
                    else:
                        centre.store.bury([(f"/titik/{POINT}", f"purged-{epoch}-{seq}", POINT, epoch, seq)])
        whole = numbers(centre.missing(POINT))
        found: set[tuple[str, int]] = set()
        looked: set[tuple[str, int]] = set()
        for _ in range(300 // most + 10):
            seen = centre.store._gaps.look(POINT, asked, most)
            part = {place for gap in seen.parts for place in numbers([gap._replace(last=min(gap.last, 40))])}
            assert {place for place in part if place in whole} <= numbers(seen.gaps)
            assert numbers(seen.gaps) <= part | numbers(asked)
            found |= numbers(seen.gaps)
            looked |= part
        known = {epoch for _, epoch, _ in story}
        assert found - numbers(asked) == whole - numbers(asked)
        assert {(epoch, seq) for epoch in known for seq in range(1, 13)} <= looked


def flood(centre: CentreStore, epochs: int, each: int = 1) -> None:
    """Let *epochs* epochs begin, each with its first numbers missing."""
    for first in range(0, epochs, 50):
        some = (event(9 + n, epoch=f"{first + k:06d}") for k in range(50) for n in range(each))
        centre.take(message(*some))


def test_the_work_of_a_look_does_not_grow_with_the_epochs_nor_with_the_gaps(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    took: dict[str, int] = {}
    for name, epochs in (("few", 1_000), ("many", 4_000)):
        with CentreStore(tmp_path / name) as centre:
            flood(centre, epochs)
            with Steps(centre.store._file) as steps:
                seen = centre.store.look(POINT)
            took[name] = steps.count
            assert len(seen.gaps) == len(seen.parts) <= LOOK / EPOCH
            turns = 1
            found = set(seen.gaps)
            while len(found) < epochs:
                found |= set(centre.store.look(POINT).gaps)
                turns += 1
            assert turns <= epochs / (LOOK / EPOCH) + 2
    assert took["many"] < 1.3 * took["few"]


def test_one_epoch_with_a_hole_in_each_place_is_looked_at_in_pieces(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        for first in range(0, 1_000, 100):
            centre.take(message(*(event(2 * (first + n) + 2) for n in range(100))))
        reads: list[int] = []
        found: set[Gap] = set()
        while len(found) < 1_000:
            seen = centre.store._gaps.look(POINT, (), 300)
            reads.append(len(seen.gaps))
            found |= set(seen.gaps)
        assert max(reads) <= 300
        assert len(reads) <= 8


def test_what_is_followed_is_looked_at_before_what_is_not_and_leaves_it_its_turn(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        flood(centre, 2_000)
        last = [Gap(f"{n:06d}", 1, 8) for n in range(1_900, 2_000)]
        seen = centre.store.look(POINT, last)
        assert set(last) <= set(seen.parts)
        assert set(last) <= set(seen.gaps)
        assert Gap("000000", 1, 8) in seen.gaps


def test_the_asking_of_a_point_costs_no_product_of_what_is_asked_and_what_is_missing() -> None:
    """By counting how often a gap is compared."""
    compared = 0

    class Counted(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    recall = Recall(Topics())
    recall.hear(message(dumps({"state": "online", "boot": "b", "epoch": "e", "seq": 0}), leaf="state"), 0.0)
    missing = [Gap(Counted(f"{n:06d}"), 1, 8) for n in range(20_000)]
    assert len(recall.look(POINT, missing, 0.0)[0]) == EACH_MINUTE
    compared = 0
    recall.look(POINT, missing, 15.0)
    assert len(recall.asked(POINT)) == MAX_ASKED
    assert compared < 10 * len(missing)


def test_a_range_that_was_not_looked_at_has_not_come() -> None:
    recall = Recall(Topics())
    recall.hear(message(dumps({"state": "online", "boot": "b", "epoch": "e", "seq": 0}), leaf="state"), 0.0)
    gap, other = Gap("e1", 1, 5), Gap("e2", 1, 5)
    (request,), _ = recall.look(POINT, [gap], 0.0, [gap])
    told = {"transaction": request.transaction, "answer": "done", "epoch": "e1", "from": 1, "to": 5, "kept": 2}
    recall.hear(message(dumps(told), leaf="response/replay"), 1.0)
    requests, lost = recall.look(POINT, [other], 15.0, [other])
    assert ([request.gap for request in requests], lost) == ([other], [])
    assert recall.asked(POINT) == [gap, other]
    left = [Gap("e1", 3, 5)]
    assert recall.look(POINT, left, 30.0, [gap]) == ([], left)


def test_one_answer_to_a_request_is_heard_and_its_repetition_is_not() -> None:
    recall = Recall(Topics())
    recall.hear(message(dumps({"state": "online", "boot": "b", "epoch": "e", "seq": 0}), leaf="state"), 0.0)
    assert recall.next(0.0) == POINT
    (request,), _ = recall.look(POINT, [Gap("e1", 1, 5)], 0.0)
    told = {"transaction": request.transaction, "answer": "done", "epoch": "e1", "from": 1, "to": 5, "kept": 5}
    answer = message(dumps(told), leaf="response/replay")
    looks = []
    for _ in range(3):
        recall.hear(answer, 1.0)
        looks.append(recall.next(1.0))
    assert looks == [POINT, None, None]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_look_comes_on_however_little_it_reads(tmp_path: Path, most: int) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(2), event(5), event(9)), state("online", seq=12))
        whole = numbers(centre.missing(POINT))
        found = {gap for _ in range(40) for gap in centre.store._gaps.look(POINT, (), most).gaps}
        assert numbers(found) == whole
