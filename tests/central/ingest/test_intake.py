"""Messages that are taken together become the same rows, answers and news as messages taken one by one."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from device.wire import MAX_REPORT, Message, Received, dumps
from tests.support.messages import NOW, event, message, state
from tests.support.store import CentreStore

TABLES = ("event", "quarantine", "station", "said", "unread", "lost", "purged", "clock")
IDS = st.sampled_from(["id-number-1", "id-number-2", "id-number-3", "id-purged-9", "short"])
PLACES = st.tuples(st.sampled_from(["e1", "e2"]), st.integers(1, 4))


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Return an event whose id, place and content others may have as well."""
    epoch, seq = draw(PLACES)
    one = {**event(seq, epoch=epoch), "id": draw(IDS)}
    one["data"]["outcome"] = draw(st.sampled_from(["admit", "refuse"]))
    return one


POINTS = st.sampled_from(["bupati-1", "bupati-1", "bupati-1", "#"])
MESSAGES = st.one_of(
    st.builds(
        lambda some, point, retained: message(*some, point=point, retained=retained),
        st.lists(events(), min_size=1, max_size=3),
        POINTS,
        st.booleans(),
    ),
    st.builds(message, st.sampled_from([b"no", b"[]", b'{"data":{"epoch":"e1","seq":3}}'])),
    st.builds(
        lambda word, retained: state(word, seq=5, retained=retained),
        st.sampled_from(["online", "offline", "what"]),
        st.booleans(),
    ),
)


def test_what_a_point_says_of_itself_in_too_many_bytes_is_not_kept(tmp_path: Path) -> None:
    filled = {"state": "online", "boot": "b", "epoch": "e1", "seq": 1, "filled": ""}
    room = MAX_REPORT - len(dumps(filled))
    with CentreStore(tmp_path) as centre:
        for leaf, kept in (("state", "its state cannot be read"), ("health", "its health cannot be read")):
            for size, news in ((room, []), (room + 1, [kept])):
                body = dumps({**filled, "filled": "x" * size})
                _, said = centre.intake.take([Received(f"titik/v1/bupati-1/{leaf}", body, retained=False)], NOW)
                assert [one.text for one in said if "cannot" in one.text] == news
                told = centre.all(f"SELECT length({leaf}) FROM station")  # noqa: S608 - a column of ours
                assert told == [(MAX_REPORT,)]


def taken(folder: Path, batches: Iterable[list[Received]]) -> tuple[dict[str, list[Any]], list[Message], set[str]]:
    """Return all tables, the answers and the news after *batches*; two events are held, one purged, before."""
    with CentreStore(folder) as centre:
        centre.take(message({**event(1, epoch="e1"), "id": "id-number-1"}))
        with centre.store.writing():
            centre.store.bury([("/titik/bupati-1", "id-purged-9", "bupati-1", "e1", 2)])
        answers, news = [], set()
        for batch in batches:
            told, said = centre.intake.take(batch, NOW + timedelta(hours=1))
            answers += [one._replace(body=one.body.replace(centre.store.life.encode(), b"life")) for one in told]
            news |= {f"{one.point}: {one.text}" for one in said}
        rows = {table: sorted(centre.all(f"SELECT * FROM {table}"), key=repr) for table in TABLES}  # noqa: S608 - ours
        return rows, answers, news


@given(st.lists(MESSAGES, min_size=2, max_size=8))
def test_messages_taken_together_are_what_they_are_one_by_one(batch: list[Received]) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        assert taken(Path(one), [batch]) == taken(Path(other), [[single] for single in batch])


def test_a_twin_of_an_event_that_is_held_already_is_news(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        assert centre.intake.take([message(event(1)), message(event(2))], NOW)[1] == []
        ((_, point, text, once),) = centre.intake.take([message({**event(2), "id": "another-id"})], NOW)[1]
    assert (point, text.partition(",")[0], once) == ("bupati-1", "two events with one epoch and seq", True)


def test_a_live_state_beside_a_will_is_the_point_s_own_word(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("offline", retained=True))
        assert centre.point().seen is None
        centre.take(state("offline", retained=True), state("online"))
        assert centre.point().seen is not None
