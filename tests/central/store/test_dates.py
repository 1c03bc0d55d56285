"""The date of an event whose station did not know it is that of the plain rule, in whatever order all of it came."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from central.events import stamp
from central.store.dates import PIECE
from tests.support.messages import NOW, correction, message, undated
from tests.support.store import CentreStore
from tests.support.work import Steps

OFFSET = NOW.timestamp()


class Told(NamedTuple):
    """One event: a correction, or one that was taken in doubt."""

    boot: str
    uptime: float
    offset: float | None


UPTIMES = st.integers(0, 20).map(float)
STORIES = st.lists(
    st.builds(Told, st.sampled_from("ab"), UPTIMES, st.none() | st.integers(0, 5).map(lambda n: OFFSET + 100 * n)),
    min_size=1,
    max_size=14,
)


def written(story: list[Told]) -> list[dict[str, Any]]:
    return [
        undated(seq, told.uptime, told.boot)
        if told.offset is None
        else correction(seq, told.uptime, told.offset, told.boot)
        for seq, told in enumerate(story, 1)
    ]


def plain(story: list[Told]) -> dict[int, str | None]:
    """Return what each undated event's time is: the first correction at or after it counts, of two the smaller."""
    found: dict[int, str | None] = {}
    for seq, told in enumerate(story, 1):
        if told.offset is None:
            covers = [
                (other.uptime, other.offset)
                for other in story
                if other.offset is not None and other.boot == told.boot and other.uptime >= told.uptime
            ]
            at = min(covers)[1] + told.uptime if covers else None
            found[seq] = None if at is None else stamp(datetime.fromtimestamp(at, UTC))
    return found


def dated(centre: CentreStore) -> dict[int, str | None]:
    return dict(centre.all("SELECT seq, at FROM event WHERE synced = 0"))


@given(STORIES, st.data())
def test_dates_are_those_of_the_plain_rule_in_any_order_and_any_batches(story: list[Told], data: st.DataObject) -> None:
    order = data.draw(st.permutations(written(story)))
    most = data.draw(st.integers(1, 6))
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        centre.store._dates.piece = most  # what is to be dated is dated a few at a time, among what comes
        while order:
            count = data.draw(st.integers(1, len(order)))
            centre.take(message(*order[:count]))
            order = order[count:]
        while centre.store.tend():
            pass
        assert dated(centre) == plain(story)
        assert centre.all("SELECT * FROM mend") == []


def fill(centre: CentreStore, events: int) -> None:
    for first in range(0, events, 100):
        centre.take(message(*(undated(first + n + 1, 10.0 + (first + n) / 100) for n in range(100))))


def corrections(count: int) -> list[dict[str, Any]]:
    return [correction(100_000 + n, 1000.0 - n / 10, OFFSET) for n in range(count)]


def test_many_corrections_of_one_boot_date_its_events_once_in_pieces(tmp_path: Path) -> None:
    work: dict[str, list[int]] = {}
    for name, count in (("one", 1), ("many", 200)):
        (tmp_path / name).mkdir()
        with CentreStore(tmp_path / name) as centre:
            fill(centre, 5_000)
            work[name] = []
            told = message(*corrections(count))
            with Steps(centre.store._file) as steps:
                centre.take(told)
            work[name].append(steps.count)
            more = True
            while more:
                with Steps(centre.store._file) as steps:
                    more = centre.store.tend()
                work[name].append(steps.count)
            assert centre.all("SELECT count(*) FROM event WHERE synced = 0 AND at IS NULL") == [(0,)]
            assert len(work[name]) == 5_000 // PIECE + 2
    assert max(work["many"][1:]) < 2 * max(work["one"][1:])
    assert sum(work["many"]) < 3 * sum(work["one"])


def test_no_piece_grows_with_the_events_of_one_moment(tmp_path: Path) -> None:
    work: dict[int, int] = {}
    for events in (2_000, 8_000):
        (tmp_path / str(events)).mkdir()
        with CentreStore(tmp_path / str(events)) as centre:
            for first in range(0, events, 100):
                centre.take(message(*(undated(first + n + 1, 10.0) for n in range(100))))
            centre.take(message(correction(100_000, 20.0, OFFSET)))
            with Steps(centre.store._file) as steps:
                while centre.store.tend():
                    work[events] = max(work.get(events, 0), steps.count)
                    steps.count = 0
    assert work[8_000] < 1.3 * work[2_000]


def test_what_is_still_to_be_dated_outlives_a_restart(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        fill(centre, 1_500)
        centre.take(message(correction(100_000, 1000.0, OFFSET)))
        (undone,) = centre.all("SELECT count(*) FROM event WHERE synced = 0 AND at IS NULL")
        assert undone == (1_500 - PIECE,)
    with CentreStore(tmp_path) as centre:
        while centre.store.tend():
            pass
        assert centre.all("SELECT count(*) FROM event WHERE synced = 0 AND at IS NULL") == [(0,)]


def test_the_boots_of_one_point_do_not_hold_up_another_s(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(*(undated(n + 1, 1.0, f"boot-{n}") for n in range(200))))
        centre.take(message(*(correction(1000 + n, 2.0, OFFSET, f"boot-{n}") for n in range(200))))
        mine = {**undated(1, 1.0), "source": "/titik/dprd-1", "id": "of-another-point"}
        mine["data"]["point"] = "dprd-1"
        late = {**correction(2, 2.0, OFFSET), "source": "/titik/dprd-1"}
        late["data"]["point"] = "dprd-1"
        centre.take(message(mine, point="dprd-1"))
        centre.take(message(late, point="dprd-1"))
        centre.store.tend()
        assert centre.all("SELECT at IS NOT NULL FROM event WHERE point = 'dprd-1' AND synced = 0") == [(1,)]
