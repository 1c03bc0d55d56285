"""Messages → rows and receipts: whatever comes, in whatever order, is held once and answered truly."""

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.cli.table import lines
from central.store.database import Store
from central.store.file import DatabaseGoneError, DatabaseMissingError, ForeignDatabaseError, StoreWriteError
from central.store.missing import Gap
from central.store.status import PointStatus, look
from device.model import Place
from device.wire import Message, Quarantined, Receipt, Received, digest, dumps, parse_receipt
from tests.support.messages import LATER, NOW, TIME, correction, event, message, schema, state
from tests.support.store import CentreStore, set_back


def with_data(**changed: Any) -> dict[str, Any]:
    told = event()
    return {**told, "data": {**told["data"], **changed}}


def test_an_event_becomes_a_row_and_a_receipt(tmp_path: Path) -> None:
    told = event(42)
    schema("event").validate(told)
    with CentreStore(tmp_path) as centre:
        answers = centre.take(message(told))
        assert answers == [
            Message(
                "titik/v1/bupati-1/receipt",
                Receipt(centre.store.life, "7f3a9c1e", 42, 42, 1, digest([told["id"]])).encode(),
                content_type="application/json",
            )
        ]
        schema("receipt").validate(json.loads(answers[0].body))
        assert centre.all("SELECT * FROM event") == [
            (
                "/titik/bupati-1",
                told["id"],
                "bupati-1",
                "7f3a9c1e",
                42,
                TIME,
                "admit",
                "green",
                "two-doses",
                0,
                0,
                dumps(told).decode(),
                TIME,
                "b" * 32,
                5123.4,
                1,
                TIME,
                None,
                None,
            )
        ]


def test_a_duplicate_is_answered_again_and_held_once(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        first = centre.take(message(event(1)))
        assert centre.take(message(event(1)), now=LATER) == first
        assert centre.all("SELECT received FROM event") == [(TIME,)]


def test_a_message_of_two_epochs_gets_a_receipt_for_each(tmp_path: Path) -> None:
    some = [event(2), event(1, epoch="other"), event(1)]
    with CentreStore(tmp_path) as centre:
        assert centre.answers(message(*some)) == [
            Receipt(centre.store.life, "7f3a9c1e", 1, 2, 2, digest([some[2]["id"], some[0]["id"]])),
            Receipt(centre.store.life, "other", 1, 1, 1, digest([some[1]["id"]])),
        ]


WRITINGS: list[dict[str, Any]] = [
    {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False},
    {"indent": 1},
    {"separators": (",", ":")},
]
TIMES = {
    TIME: TIME,
    "2026-11-22T09:02:03.4567+08:00": TIME,
    "2026-W47-7T01:02:03.456Z": TIME,
    "2026-11-22T01:02:03,456Z": TIME,
    "20261122T010203.456Z": TIME,
    "2026-11-22T01:02:03.456": None,
    "2026-02-30T01:02:03.456Z": None,
    "2026-11-22T01:02:60.456Z": None,
    "x": None,
}
"""What an event may say, and what the database has then."""


@given(
    st.lists(
        st.tuples(
            st.integers(1, 9),
            st.sampled_from(sorted(TIMES)),
            st.booleans(),
            st.recursive(st.text(max_size=9), st.lists),
        ),
        min_size=1,
        max_size=9,
        unique_by=lambda told: told[0],
    ),
    st.sampled_from(WRITINGS),
    st.sampled_from([0.1, 1e-9, -0.0, 1e300, 10**30, 1.50]),
)
def test_however_an_event_is_written_its_row_is_the_same(
    some: list[tuple[int, str, bool, Any]], writing: dict[str, Any], number: float
) -> None:
    """Each row by itself, and the plain way: what the database held before must be what it holds now."""
    told = [
        {**event(seq, time=time), "more": more, "number": number, "data": {**event(seq)["data"], "repeat": repeat}}
        for seq, time, repeat, more in some
    ]
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        body = json.dumps(told, **writing).replace('"specversion"', '"specversion":"0.3","specversion"').encode()
        centre.take(Received("titik/v1/bupati-1/event", body, retained=False))
        assert centre.all(
            "SELECT id, seq, time, outcome, colour, reason, repeat, simulated, body, received, boot, uptime, synced,"
            " at, earliest, latest FROM event"
        ) == [
            (
                one["id"],
                one["data"]["seq"],
                TIMES[one["time"]],
                "admit",
                "green",
                "two-doses",
                one["data"]["repeat"],
                False,
                json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
                TIME,
                "b" * 32,
                5123.4,
                True,
                TIMES[one["time"]],
                None,
                None,
            )
            for one in told
        ]


PLACES = st.tuples(
    st.sampled_from(["bupati-1", "bupati-2", "dprd-1"]), st.sampled_from(["e1", "e2"]), st.integers(1, 12)
)
"""A point, an epoch, a seq."""


@st.composite
def traffic(draw: st.DrawFn) -> list[list[list[tuple[str, str, int]]]]:
    """Return turns of messages of places: any order, any duplication, any batching; a message is one point's."""
    turns = []
    for _ in range(draw(st.integers(1, 4))):
        messages = draw(st.lists(st.lists(PLACES, min_size=1, max_size=8), min_size=1, max_size=4))
        turns.append([[(some[0][0], epoch, seq) for _, epoch, seq in some] for some in messages])
    return turns


@given(traffic())
def test_whatever_the_order_the_duplication_and_the_batching(turns: list[list[list[tuple[str, str, int]]]]) -> None:
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        for messages in turns:
            answers = centre.take(
                *(
                    message(*(event(seq, point=point, epoch=epoch) for point, epoch, seq in some), point=some[0][0])
                    for some in messages
                )
            )
            assert sorted(answers) == sorted(_expected(centre.store.life, messages))
        held = {place for messages in turns for some in messages for place in some}
        rows = centre.all("SELECT point, epoch, seq FROM event")
        assert len(rows) == len(held)
        assert set(rows) == held
        status = look(centre.path)
        assert {
            (name, gap.epoch, seq)
            for name, point in status.points.items()
            for gap in point.gaps
            for seq in range(gap.first, gap.last + 1)
        } == _missing(held)
        assert sum(point.missing for point in status.points.values()) == len(_missing(held))
        assert sum(point.events for point in status.points.values()) == len(held)


def _expected(life: str, messages: list[list[tuple[str, str, int]]]) -> list[Message]:
    """Return the receipts in a plainer way than the centre's."""
    told = []
    for some in messages:
        for epoch in {epoch for _, epoch, _ in some}:
            seqs = sorted({seq for _, of, seq in some if of == epoch})
            ids = [event(seq, point=some[0][0], epoch=epoch)["id"] for seq in seqs]
            hashed = sha256("".join(f"{id_}\n" for id_ in ids).encode()).hexdigest()
            body = Receipt(life, epoch, seqs[0], seqs[-1], len(seqs), hashed).encode()
            told.append(Message(f"titik/v1/{some[0][0]}/receipt", body, content_type="application/json"))
    return told


def _missing(held: set[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    highest: dict[tuple[str, str], int] = defaultdict(int)
    for point, epoch, seq in held:
        highest[point, epoch] = max(highest[point, epoch], seq)
    return {(*of, seq) for of, last in highest.items() for seq in range(1, last + 1)} - held


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"17",
        b"null",
        b"[" * 100_000,
        b'{"a":NaN}',
        b'"' + b"x" * 262_144 + b'"',
        dumps([event(seq) for seq in range(1, 202)]),
        dumps(event(specversion="0.3")),
        dumps(event(type="com.example.scan")),
        dumps(event(type=7)),
        dumps(event(id="short")),
        dumps(event(id="x" * 65)),
        dumps(event(id=12_345_678)),
        dumps(event(more="x" * 16_000)),
        dumps(event(source="/titik/dprd-1")),
        dumps(event(point="dprd-1")),
        dumps(event(data=None)),
        dumps(with_data(point="dprd-1")),
        dumps(with_data(epoch="")),
        dumps(with_data(epoch="x" * 33)),
        dumps(with_data(epoch=1)),
        dumps(with_data(seq=0)),
        dumps(with_data(seq=True)),
        dumps(with_data(seq=1.0)),
        dumps(with_data(seq="1")),
        dumps(with_data(seq=2**63)),
        dumps([event(1, source="/titik/dprd-2"), event(2, source="/titik/dprd-1")]),
        json.dumps(event(id="\ud800" * 9)).encode(),
    ],
)
def test_what_cannot_be_read_is_quarantined_whole_and_once(tmp_path: Path, body: bytes) -> None:
    seen = sha256(body).hexdigest()
    with CentreStore(tmp_path) as centre:
        got = Received("titik/v1/bupati-1/event", body, retained=False)
        answers = centre.take(got, got)
        assert [parse_receipt(answer.body) for answer in answers] == 2 * [Quarantined(centre.store.life, seen)]
        schema("receipt").validate(json.loads(answers[0].body))
        assert centre.take(got, now=LATER) == answers[:1]
        assert centre.all("SELECT topic, bytes, digest, received FROM quarantine") == [(got.topic, body, seen, TIME)]
        assert centre.all("SELECT * FROM event") == []
        assert look(centre.path).quarantined == 1


@pytest.mark.parametrize(
    "bad",
    [event(2, source="/titik/dprd-1"), event(2, id="short"), {**event(1), "time": "2026-11-22T09:09:09.000Z"}, 7],
    ids=["another source", "a short id", "one id twice", "a number"],
)
def test_one_bad_event_costs_its_message_no_other(tmp_path: Path, bad: object) -> None:
    body = dumps([event(1), bad, event(3)])
    with CentreStore(tmp_path) as centre:
        got = Received("titik/v1/bupati-1/event", body, retained=False)
        (answer,) = centre.take(got)
        assert parse_receipt(answer.body) == Quarantined(centre.store.life, sha256(body).hexdigest())
        assert centre.all("SELECT seq, body FROM event ORDER BY seq") == [
            (1, dumps(event(1)).decode()),
            (3, dumps(event(3)).decode()),
        ]
        assert centre.all("SELECT bytes FROM quarantine") == [(body,)]
        # The station forgot it all; were it to send the good ones again, they would be held, and held once.
        assert centre.answers(message(event(3))) == [
            Receipt(centre.store.life, "7f3a9c1e", 3, 3, 1, digest([event(3)["id"]]))
        ]
        assert centre.all("SELECT count(*) FROM event") == [(2,)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["online", "e1", "1.0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["state", "boot", "epoch", "seq", "data", "id", "time", "type", "source", "point"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.sampled_from(["event", "state", "info", "health"]), st.none() | JSON), max_size=12))
def test_nothing_that_comes_in_ends_the_centre(told: list[tuple[str, Any]]) -> None:
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        centre.take(*(message(json.dumps(value).encode(), leaf=leaf) for leaf, value in told))
        look(centre.path)


def test_of_a_message_of_places_without_end_the_first_are_passed_over(tmp_path: Path) -> None:
    some = [{"data": {"epoch": "e", "seq": seq}} for seq in range(1, 5_001)]
    with CentreStore(tmp_path) as centre:
        centre.take(message(dumps(some)))
        assert centre.all("SELECT count(*), max(seq) FROM unread") == [(200, 200)]


def test_why_a_message_is_quarantined_quotes_nothing_of_it(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(b'{"SECRET'), message(b"SECRET\xff"), message(event(id="SECRET")), message(b"[SECRET]"))
        assert [why for (why,) in centre.all("SELECT why FROM quarantine") if "SECRET" in why] == []
        assert look(centre.path).quarantined == 4


@pytest.mark.parametrize("point", ["fleet", "Bupati", "a" * 41, "bupati--1"])
def test_a_topic_of_no_point_is_quarantined_and_no_point_appears(tmp_path: Path, point: str) -> None:
    with CentreStore(tmp_path) as centre:
        assert centre.take(message(event(point=point), point=point)) == []  # nobody listens under such a name
        centre.take(message(dumps({"state": "online"}), point=point, leaf="state"))
        assert look(centre.path).points == {}
        assert look(centre.path).quarantined == 1


def test_other_types_of_ours_are_kept(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(type="id.titik.other", time=None)))
        assert centre.all("SELECT seq, time FROM event") == [(1, None)]


def test_an_id_with_another_content_is_quarantined_and_the_rest_of_its_message_is_kept(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1)))
        liar = {**event(7), "id": event(1)["id"]}
        (answer,) = centre.answers(message(event(2), liar))
        assert isinstance(answer, Quarantined)
        assert centre.all("SELECT seq, body FROM event ORDER BY seq") == [
            (1, dumps(event(1)).decode()),
            (2, dumps(event(2)).decode()),
        ]


def test_what_lies_in_quarantine_is_not_missing_and_makes_no_epoch_known(tmp_path: Path) -> None:
    """A station forgets what the quarantine holds: it would be asked for again and again, and told lost at last."""
    places: list[Any] = [["7f3a9c1e", "2"], [7, 2], ["7f3a9c1e", True], ["7f3a9c1e", 0], ["7f3a9c1e", 2**63], ["", 2]]
    odd = [with_data(epoch=epoch, seq=seq) for epoch, seq in places]
    with CentreStore(tmp_path) as centre:
        liar = {**event(3), "id": event(1)["id"]}
        stranger = {**with_data(epoch="another", seq=9), "source": "/titik/bupati-2"}
        centre.take(message(event(1), event(8)), message({**event(6), "source": "/titik/bupati-2"}, *odd, event(5)))
        centre.take(message(liar), message(b"[]"), message(b"no"), message(stranger))
        gaps = [Gap("7f3a9c1e", 2, 2), Gap("7f3a9c1e", 4, 4), Gap("7f3a9c1e", 7, 7)]
        assert centre.all("SELECT * FROM unread") == [
            ("bupati-1", "7f3a9c1e", 3),
            ("bupati-1", "7f3a9c1e", 6),
            ("bupati-1", "another", 9),
        ]
        assert centre.missing("bupati-1") == gaps
        assert centre.point().gaps == tuple(gaps)
        centre.take(state("online", kept=[["another", 8, 9]]))
        assert centre.missing("bupati-1") == [*gaps, Gap("another", 1, 8)]
        assert (centre.point().missing, centre.point().tail) == (3 + 8, 0)


def test_what_is_new_beside_a_false_id_takes_its_loss_back(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1)))
        with centre.store.writing():
            centre.store.lose("bupati-1", Gap("7f3a9c1e", 2, 2), NOW)
        liar = {**event(7), "id": event(1)["id"]}
        centre.take(message(event(2), liar))
        assert centre.all("SELECT seq FROM event ORDER BY seq") == [(1,), (2,)]
        assert centre.all("SELECT * FROM lost") == []


def test_two_events_in_one_place_are_both_kept_and_counted_as_a_clash(tmp_path: Path) -> None:
    twin = {**event(1), "id": "another-random-id"}
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1)))
        assert centre.answers(message(twin, event(2))) == [
            Receipt(centre.store.life, "7f3a9c1e", 1, 2, 2, digest([twin["id"], event(2)["id"]]))
        ]
        assert centre.point() == PointStatus(
            events=3, counts={"admit": 3}, last_event=TIME, seen=TIME, epochs=1, clashes=1, clashes_at=TIME
        )


def test_twins_in_one_message_are_named_in_receipts_of_their_own(tmp_path: Path) -> None:
    twin = {**event(1), "id": "another-random-id"}
    with CentreStore(tmp_path) as centre:
        assert centre.answers(message(event(1), twin, event(2))) == [
            Receipt(centre.store.life, "7f3a9c1e", 1, 2, 2, digest([event(1)["id"], event(2)["id"]])),
            Receipt(centre.store.life, "7f3a9c1e", 1, 1, 1, digest([twin["id"]])),
        ]


def test_a_clash_and_a_quarantine_are_news_once_a_point(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        said = []
        for number in range(3):
            twins = message(event(1), {**event(1), "id": f"random-id-{number}"})
            said += centre.intake.take([twins, message(b"garbage %d" % number)], NOW)[1]
        assert [(news.point, news.text.split(":")[0]) for news in said] == [
            ("bupati-1", "two events with one epoch and seq, both kept"),
            ("bupati-1", "a message is quarantined"),
        ]


def test_the_will_of_an_older_boot_is_ignored(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", "b2"))
        centre.take(state("offline", "b1"))
        assert centre.point().state == "online"
        centre.take(state("offline", "b2"))
        assert centre.point().state == "offline"


def test_a_change_of_state_is_news_and_its_repetition_is_not(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        batch = [state("online"), state("online"), state("offline", "b0"), state("stopped")]
        assert [news.text for news in centre.intake.take(batch, NOW)[1]] == ["online", "stopped"]


def test_neither_what_is_retained_nor_a_will_counts_as_seen(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", retained=True))
        assert centre.point() == PointStatus(state="online")
        centre.take(state("online"))
        centre.take(state("offline"), now=LATER)
        assert centre.point() == PointStatus(state="offline", seen=TIME)
        centre.take(message(b"{}", leaf="health"), now=LATER)
        assert centre.point().seen == "2026-11-22T01:07:03.456Z"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"state":"asleep"}', b'{"state":["online"]}', b'{"state":null}'])
def test_a_state_that_cannot_be_read_changes_nothing(tmp_path: Path, body: bytes) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online"))
        centre.take(Received("titik/v1/bupati-1/state", body, retained=False))
        assert centre.point().state == "online"


def test_a_lost_tail_stays_known_when_the_point_has_a_new_epoch(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1), event(2), event(4)))
        centre.take(message(dumps({"epoch": "7f3a9c1e", "seq": 7}), leaf="health"))
        centre.take(message(dumps({"state": "online", "boot": "b2", "epoch": "new", "seq": 0}), leaf="state"))
        centre.take(message(dumps({"epoch": "new", "seq": 2}), leaf="health"))
        assert centre.point() == PointStatus(
            events=3,
            counts={"admit": 3},
            last_event=TIME,
            state="online",
            seen=TIME,
            epochs=1,
            missing=1,
            gaps=(Gap("7f3a9c1e", 3, 3),),
            tail=3 + 2,
        )


def test_what_was_lost_is_missing_again_when_a_card_that_has_it_is_put_in(tmp_path: Path) -> None:
    def starts(epoch: str, *kept: list[object]) -> Received:
        told = {"state": "online", "boot": "b1", "epoch": epoch, "seq": 0, "kept": kept}
        return message(dumps(told), leaf="state")

    with CentreStore(tmp_path) as centre:
        centre.take(starts("e1", ["7f3a9c1e", 1, 4]), message(event(1)))
        lost = Gap("7f3a9c1e", 2, 4)
        assert centre.missing("bupati-1") == [lost]
        with centre.store.writing():
            centre.store.lose("bupati-1", lost, NOW)
        assert centre.missing("bupati-1") == []
        centre.take(starts("e1", ["7f3a9c1e", 1, 4]))
        assert centre.missing("bupati-1") == [], "the same start says nothing new"
        centre.take(starts("e2", ["other", 1, 1]), message(event(1, epoch="other")))
        assert centre.missing("bupati-1") == []
        centre.take(starts("e3", ["7f3a9c1e", 1, 4]))
        assert centre.missing("bupati-1") == [lost]


def test_gaps_are_named_to_twenty_and_counted_all_the_oldest_epoch_first(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        for epoch in ("z-older", "a-newer"):
            centre.take(message(*(event(2 * seq, epoch=epoch) for seq in range(1, 13))))
        status = centre.point()
        assert (status.missing, status.epochs, len(status.gaps)) == (24, 2, 20)
        assert status.gaps[0] == Gap("z-older", 1, 1)
        assert status.gaps[-1] == Gap("a-newer", 15, 15)


def test_the_table_for_a_person_lines_up_and_shows_no_control_character(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        assert "belum ada titik yang terdengar / no point has been heard yet" in list(lines(look(centre.path)))
        centre.take(message(event(3, epoch="\x1b[31m")), state("online"))
        told = list(lines(look(centre.path)))
        civil = "2026-11-22 09:02"
        assert " ".join(told[2].split()) == f"bupati-1 online {civil} {civil} 1 -"
        assert told[0].index("terakhir") == told[1].index("last event (WITA)") == told[2].rindex(civil)
        assert " ".join(told[6].split()) == "bupati-1 2 0 0 1 0 - - -"
        assert told[8] == "hilang / missing  bupati-1: ?[31m 1-2"
        assert told[10:12] == [f"pusat / centre: {centre.store.life}", "karantina / quarantined: 0"]


def test_a_life_stays_with_its_file(tmp_path: Path) -> None:
    lives = []
    for folder in ("one", "one", "two"):
        (tmp_path / folder).mkdir(exist_ok=True)
        with CentreStore(tmp_path / folder) as centre:
            lives.append(centre.store.life)
    assert lives[0] == lives[1] != lives[2]


def test_every_commit_is_on_the_disk_before_anybody_is_told(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        assert centre.store.read("PRAGMA journal_mode") == [("wal",)]
        assert centre.store.read("PRAGMA synchronous") == [(2,)]  # FULL, of this very connection


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1)))
        assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
            "central.db": 0o600,
            "central.db-wal": 0o600,
            "central.db-shm": 0o600,
        }


def test_a_commit_that_fails_holds_nothing_of_its_turn_and_the_next_one_holds_all(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        (pages,) = centre.store._file.execute("PRAGMA page_count").fetchone()
        centre.store._file.execute(f"PRAGMA max_page_count = {pages + 4}")
        turn = [message(*(event(50 * number + seq) for seq in range(1, 51))) for number in range(4)]
        with pytest.raises(StoreWriteError, match="the disk is full"):
            centre.take(*turn)
        assert centre.all("SELECT count(*) FROM event") == [(0,)]
        centre.store._file.execute("PRAGMA max_page_count = 100000")
        assert len(centre.take(*turn)) == 4
        assert centre.all("SELECT count(*) FROM event") == [(200,)]


def test_a_turn_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        with pytest.raises(ZeroDivisionError), centre.store.writing():  # noqa: PT012 - leaving the block is what is tried
            centre.store.saw("bupati-1", NOW)
            raise ZeroDivisionError
        assert look(centre.path).points == {}
        assert len(centre.take(message(event(1)))) == 1


def test_a_file_that_went_away_while_it_was_open_receipts_nothing(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.path.rename(tmp_path / "moved.db")
        with pytest.raises(DatabaseGoneError, match="was moved or deleted"):
            centre.take(message(event(1)))


def _sql(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.executescript(sql)


def test_a_strangers_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "central.db"
    _sql(path, "CREATE TABLE photographs (name TEXT)")
    before = path.read_bytes()
    for refuse in (lambda: Store(path, NOW).__enter__(), lambda: look(path)):
        with pytest.raises(ForeignDatabaseError, match="is a database of another program"):
            refuse()
    assert path.read_bytes() == before


def test_a_newer_database_is_refused_in_words(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        pass
    _sql(centre.path, "PRAGMA user_version = 3")
    for refuse in (lambda: Store(centre.path, NOW).__enter__(), lambda: look(centre.path)):
        with pytest.raises(ForeignDatabaseError, match="is of version 3, and this program knows versions to 2"):
            refuse()


def test_a_file_that_is_no_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "central.db"
    path.write_text("a letter " * 1000, encoding="ascii")
    before = path.read_bytes()
    for refuse in (lambda: Store(path, NOW).__enter__(), lambda: look(path)):
        with pytest.raises(ForeignDatabaseError, match="this is not a database"):
            refuse()
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(StoreWriteError, match="No such file or directory"):
        Store(tmp_path / "unmounted" / "central.db", NOW).__enter__()


def test_a_missing_and_an_empty_database_are_two_sentences(tmp_path: Path) -> None:
    with pytest.raises(DatabaseMissingError, match="does not exist: no centre has run"):
        look(tmp_path / "central.db")
    (tmp_path / "central.db").touch()
    with pytest.raises(DatabaseMissingError, match="is still empty"):
        look(tmp_path / "central.db")


def test_the_schemas_know_every_word_of_the_code() -> None:
    from device.model import Colour, Domain, Kind, Outcome, Reason  # noqa: PLC0415 - the words are this test's alone
    from device.wire import State  # noqa: PLC0415 - as above

    told = schema("event").schema["$defs"]
    scan, credential = told["scan"]["properties"], told["credential"]["properties"]
    assert set(scan["reason"]["enum"]) == set(Reason)
    assert set(scan["outcome"]["enum"]) == set(Outcome)
    assert set(scan["colour"]["enum"]) == {*Colour, None}
    assert set(credential["kind"]["enum"]) == set(Kind)
    assert set(credential["domain"]["enum"]) == set(Domain)
    assert set(schema("state").schema["properties"]["state"]["enum"]) == set(State)
    assert set(schema("centre-state").schema["properties"]["state"]["enum"]) == set(State)


@pytest.mark.parametrize(
    "wrong",
    [
        with_data(name="Somebody"),
        with_data(reason="because"),
        with_data(credential={"kind": "hcert", "domain": "health", "issuer": "ID", "pass_number": "0042"}),
        with_data(credential={"kind": "pass", "domain": "staff", "issuer": "x", "pass_number": "1", "doses": 2}),
        with_data(holder="9f"),
        event(time="2026-11-22 01:02:03"),
        event(subject="somebody"),
    ],
)
def test_the_schema_of_events_refuses_what_must_not_leave_a_station(wrong: dict[str, Any]) -> None:
    assert not schema("event").is_valid(wrong)


def test_a_word_that_would_not_be_readable_again_is_passed_over(tmp_path: Path) -> None:
    """A short number may be long when it is written out: 250 kB of ``1e15`` once ended the centre at every start."""
    swollen = b'{"state":"online","boot":"b","epoch":"e","seq":1,"x":[' + b",".join([b"1e15"] * 3000) + b"]}"
    with CentreStore(tmp_path) as centre:
        for body in (
            swollen,
            swollen.replace(b"1e15", b"1e15,1e15,1e15,1e15"),
            b'{"state":"online","x":"' + b"x" * 20_000,
        ):
            centre.take(message(body, leaf="state"))
        centre.take(message(dumps({"state": "online", "boot": "b", "epoch": "e", "seq": 1}), leaf="state"))
        centre.take(message(dumps({"state": "offline", "boot": "b", "epoch": "e", "seq": 1}), leaf="state"))
        assert look(centre.path).points["bupati-1"].state == "offline"


def unsynced(seq: int, uptime: float, **more: Any) -> dict[str, Any]:
    told = event(seq)
    clock = {"synced": False, "boot": "b" * 32, "uptime": uptime, **more}
    return {**told, "data": {**told["data"], "clock": clock}}


OFFSET = NOW.timestamp()
STORY = [
    unsynced(1, 10.0),
    unsynced(2, 20.0),
    correction(3, 20.0, OFFSET),
    unsynced(4, 30.0),
    correction(5, 40.0, OFFSET + 100),
    unsynced(6, 50.0, floor=TIME),
]
"""Two corrections of one boot, and an event after both that nothing corrects."""


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY), max_size=4))
def test_corrected_times_depend_on_no_order_and_no_duplicate(order: list[Any], again: list[Any]) -> None:
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        for told in [*order, *again]:
            centre.take(message(told))
        assert centre.all("SELECT seq, time, at, earliest, latest FROM event ORDER BY seq") == [
            (1, TIME, "2026-11-22T01:02:13.456Z", None, None),
            (2, TIME, "2026-11-22T01:02:23.456Z", None, None),
            (3, TIME, TIME, None, None),
            (4, TIME, "2026-11-22T01:04:13.456Z", None, None),
            (5, TIME, TIME, None, None),
            (6, TIME, None, TIME, TIME),
        ]


@pytest.mark.parametrize("offset", [None, True, "1", 1_577_836_799, 4_102_444_801, 10**400])
def test_an_absurd_correction_is_quarantined(tmp_path: Path, offset: Any) -> None:
    with CentreStore(tmp_path) as centre:
        assert isinstance(centre.answers(message(correction(1, 5.0, offset)))[0], Quarantined)
        assert centre.all("SELECT * FROM clock") == []


@pytest.mark.parametrize(
    ("changed", "held"),
    [({}, 1), ({"synced": False}, 0), ({"boot": None}, 0), ({"uptime": None}, 0), ({"synced": None}, 0)],
)
def test_only_a_clock_that_is_trusted_and_says_whose_it_is_corrects_others(
    tmp_path: Path, changed: dict[str, Any], held: int
) -> None:
    whole = correction(1, 5.0, OFFSET)
    told = {**whole, "data": {**whole["data"], "clock": {**whole["data"]["clock"], **changed}}}
    with CentreStore(tmp_path) as centre:
        (answer,) = centre.answers(message(told))
        assert isinstance(answer, Receipt if held else Quarantined)
        assert (len(centre.all("SELECT * FROM clock")), len(centre.all("SELECT * FROM event"))) == (held, held)


def test_what_is_missing_is_asked_of_rows_and_of_what_was_said(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        kept = [["older", 5, 9], ["bad", 2, 1], ["x", True, "7"], 17]
        centre.take(message(event(2), event(5)), state("online", seq=7, kept=kept))
        assert centre.store.said() == [("bupati-1", "older", 9), ("bupati-1", "7f3a9c1e", 7)]
        whole = [Gap("7f3a9c1e", 1, 1), Gap("7f3a9c1e", 3, 4), Gap("7f3a9c1e", 6, 7), Gap("older", 1, 9)]
        assert centre.missing("bupati-1") == whole
        with centre.store.writing():
            centre.store.lose("bupati-1", Gap("older", 1, 4), NOW)
            centre.store.lose("bupati-1", whole[1], NOW)
        assert centre.missing("bupati-1") == [whole[0], whole[2], Gap("older", 5, 9)]
        assert centre.missing("bupati-2") == []


def test_what_was_lost_and_comes_after_all_is_held_and_the_rest_stays_lost(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        with centre.store.writing():
            centre.store.lose("bupati-1", Gap("7f3a9c1e", 1, 9), NOW)
            centre.store.lose("bupati-1", Gap("older", 5, 5), NOW)
        centre.take(message(event(4), event(9)), message(event(5, epoch="older")))
        assert centre.all("SELECT epoch, first, last FROM lost ORDER BY first") == [
            ("7f3a9c1e", 1, 3),
            ("7f3a9c1e", 5, 8),
        ]
        assert centre.missing("bupati-1") == [Gap("older", 1, 4)]


def test_a_card_that_is_put_back_is_asked_again_for_what_was_lost_with_it(tmp_path: Path) -> None:
    mine, other = ["7f3a9c1e", 1, 9], ["other", 1, 2]
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", kept=[mine]))
        lost = [Gap("7f3a9c1e", 1, 9)]
        assert centre.missing("bupati-1") == lost
        with centre.store.writing():
            centre.store.lose("bupati-1", lost[0], NOW)
        for kept in ([mine], [mine, other], None, [other, mine]):
            more = {} if kept is None else {"kept": kept}
            centre.take(state("offline" if kept is None else "online", **more))
            assert centre.missing("bupati-1") == ([] if kept == [mine] else [Gap("other", 1, 2)]), kept
        centre.take(state("online", kept=[other]), state("offline"))
        assert centre.missing("bupati-1") == [Gap("other", 1, 2)]
        centre.take(state("online", kept=[["7f3a9c1e", 3, 4], other]))
        assert centre.missing("bupati-1") == [*lost, Gap("other", 1, 2)]


def test_an_older_image_of_a_card_and_then_the_card_itself(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", kept=[["7f3a9c1e", 1, 100]]))
        centre.take(state("online", kept=[["7f3a9c1e", 1, 50]]))
        with centre.store.writing():
            centre.store.lose("bupati-1", Gap("7f3a9c1e", 10, 20), NOW)
            centre.store.lose("bupati-1", Gap("7f3a9c1e", 51, 100), NOW)
        centre.take(state("online", kept=[["7f3a9c1e", 2, 50]]))
        assert centre.missing("bupati-1") == [Gap("7f3a9c1e", 1, 9), Gap("7f3a9c1e", 21, 50)]
        centre.take(state("online", kept=[["7f3a9c1e", 1, 100]]))
        assert centre.missing("bupati-1") == [Gap("7f3a9c1e", 1, 9), Gap("7f3a9c1e", 21, 100)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["event", "lose", "purge", "said"]), st.sampled_from("ab"), st.integers(1, 8)),
        max_size=25,
    )
)
def test_what_is_remembered_of_whole_epochs_is_what_the_rows_say(story: list[tuple[str, str, int]]) -> None:
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        known: dict[str, set[int]] = defaultdict(set)
        most: dict[str, int] = defaultdict(int)
        for what, epoch, seq in story:
            if what == "event":
                centre.take(message(event(seq, epoch=epoch)))
            elif what == "said":
                centre.take(state("online", epoch=epoch, seq=seq))
            else:
                with centre.store.writing():
                    if what == "lose":
                        centre.store.lose("bupati-1", Gap(epoch, seq, seq + 1), NOW)
                    else:
                        id_ = f"purged-{epoch}-{seq}"
                        row = "/titik/bupati-1", id_, "bupati-1", epoch, seq
                        centre.store._file.execute("INSERT OR IGNORE INTO purged VALUES (?, ?, ?, ?, ?)", row)
            if what != "said":
                known[epoch] |= {seq, seq + 1} if what == "lose" else {seq}
            most[epoch] = max(most[epoch], *known[epoch], seq)
            gaps = centre.missing("bupati-1")
            found = {(gap.epoch, n) for gap in gaps for n in range(gap.first, gap.last + 1)}
            assert found == {(e, n) for e in most for n in range(1, most[e] + 1) if n not in known[e]}
            assert all(gap.last + 1 < after.first for gap, after in pairwise(gaps) if gap.epoch == after.epoch)


def test_a_file_of_version_1_is_migrated_with_its_times(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        for told in STORY:
            centre.take(message(told))
        centre.take(
            message(event(90, epoch="x" * 33), event(91), {**event(92), "id": "short"}), message(event(1), point="#")
        )
        reads = "SELECT * FROM event", "SELECT * FROM clock", "SELECT * FROM unread", "SELECT * FROM life"
        whole = [centre.all(sql) for sql in reads]
        assert whole[2] == [("bupati-1", "7f3a9c1e", 92)]
    set_back(tmp_path / "central.db")
    with CentreStore(tmp_path) as centre:
        whole[2].insert(0, ("bupati-1", "7f3a9c1e", 91))  # which of them could be kept is not asked again
        assert [centre.all(sql) for sql in reads] == whole
        assert centre.all("PRAGMA user_version") == [(2,)]


def test_a_migration_shows_that_it_goes_on_after_each_piece(tmp_path: Path) -> None:
    def beats(events: int) -> int:
        (tmp_path / str(events)).mkdir()
        with CentreStore(tmp_path / str(events)) as centre:
            for first in range(1, events, 100):
                centre.take(message(*(unsynced(first + n, 1.0) for n in range(100))))
            centre.take(message(correction(events + 1, 20.0, OFFSET)))
        set_back(centre.path)
        counted: list[int] = []
        with Store(centre.path, NOW, lambda: counted.append(1)) as store:
            assert store.tend() is False
        assert centre.all("SELECT count(*) FROM event WHERE at IS NULL") == [(0,)]
        return len(counted)

    # A thousand rows are a piece: once to be read, and once to be dated; ten thousand are one to be counted.
    assert [beats(500), beats(2500)] == [1 + 1 + 1, 3 + 3 + 1]


def test_a_count_of_all_rows_shows_that_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Millions of them take longer than systemd waits for a sign of life."""
    monkeypatch.setattr("central.store.tally.PIECE", 90)
    with CentreStore(tmp_path) as centre:
        centre.take(*(message(*(event(first + n) for n in range(100))) for first in range(1, 1_001, 100)))
    with closing(sqlite3.connect(centre.path)) as file:
        file.executescript("DROP TRIGGER event_is_counted_out; DROP TABLE tally")
    counted: list[int] = []
    with Store(centre.path, NOW, lambda: counted.append(1)):
        assert centre.all("SELECT sum(events) FROM tally") == [(1_000,)]
    assert len(counted) == 12
    monkeypatch.setattr("central.store.migrations.STEPS", 1_000)
    with Store(centre.path, NOW, lambda: counted.append(1)):
        assert len(counted) > 14, "that the count is right is a look at every row, too"


def test_what_a_point_lost_is_a_set_of_numbers_whatever_is_told_twice(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre, centre.store.writing():
        for first, last in ((3, 4), (4, 8), (1, 20), (6, 30), (7, 7)):
            centre.store.lose("bupati-1", Gap("e1", first, last), NOW)
        centre.store.lose("bupati-1", Gap("e2", 5, 5), NOW)
        assert centre.store.read("SELECT epoch, first, last FROM lost ORDER BY 1, 2") == [
            ("e1", 1, 2),
            ("e1", 3, 4),
            ("e1", 5, 8),
            ("e1", 9, 20),
            ("e1", 21, 30),
            ("e2", 5, 5),
        ]


def test_spans_that_an_older_program_noted_one_in_the_other_are_not_noted_a_third_time(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre, centre.store.writing():
        for first, last in ((1, 100), (50, 60)):
            centre.store.read("INSERT INTO lost VALUES ('bupati-1', 'e1', ?, ?, ?)", first, last, TIME)
        centre.store.lose("bupati-1", Gap("e1", 40, 110), NOW)
        spans = centre.store.read("SELECT first, last FROM lost ORDER BY 1")
    assert spans == [(1, 100), (50, 60), (101, 110)]


@given(
    st.lists(st.tuples(st.sampled_from(["lose", "event", "card"]), st.integers(1, 25), st.integers(0, 8)), max_size=20)
)
def test_losses_are_what_was_told_lost_and_did_not_come_or_show_again(story: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        lost: set[int] = set()
        shown: set[int] = set()
        centre.take(state("online", kept=[]))
        for what, first, more in story:
            numbers = set(range(first, first + more + 1))
            if what == "lose":
                with centre.store.writing():
                    centre.store.lose("bupati-1", Gap("e1", first, first + more), NOW)
                lost |= numbers
            elif what == "event":
                if not centre.all(f"SELECT 1 FROM event WHERE seq = {first}"):  # noqa: S608 - a number
                    lost.discard(first)
                centre.take(message(event(first, epoch="e1")))
            else:
                centre.take(state("online", kept=[["e1", first, first + more]]))
                back = {n for a, b in spans(centre) for n in range(a, b + 1)}
                assert back <= lost
                assert not back & (numbers - shown)
                lost, shown = back, numbers
            assert {n for a, b in spans(centre) for n in range(a, b + 1)} == lost
            assert all(before[1] < after[0] for before, after in pairwise(spans(centre)))


def spans(centre: CentreStore) -> list[tuple[int, int]]:
    return [(first, last) for first, last in centre.all("SELECT first, last FROM lost ORDER BY first")]


def test_the_status_tells_missing_from_purged_and_lost_and_unsure(tmp_path: Path) -> None:
    unsure = [event(seq) for seq in (7, 9)]
    for one in unsure:
        one["data"]["clock"] = {"synced": False, "boot": "never", "uptime": 5.0, "floor": "2026-11-20T01:02:03.456Z"}
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(2), *unsure), state("online", seq=14, kept=[["older", 1, 5]]))
        with centre.store.writing():
            centre.store.bury([("/titik/bupati-1", "purged-1", "bupati-1", "7f3a9c1e", 1)])
            centre.store.lose("bupati-1", Gap("7f3a9c1e", 3, 4), NOW)
            centre.store.lose("bupati-1", Gap("7f3a9c1e", 4, 8), NOW)
            centre.store.lose("bupati-1", Gap("7f3a9c1e", 11, 11), NOW)
        between = "2026-11-20T01:02:03.456Z", TIME
        lost = [Gap("7f3a9c1e", 3, 4), Gap("7f3a9c1e", 5, 6), Gap("7f3a9c1e", 8, 8), Gap("7f3a9c1e", 11, 11)]
        assert centre.point() == PointStatus(
            events=3,
            counts={"admit": 3},
            last_event=TIME,
            state="online",
            seen=TIME,
            epochs=1,
            tail=5 + 1 + 3,
            lost=6,
            lost_gaps=tuple(lost),
            lost_at=TIME,
            undated=2,
            undated_between=between,
        )
        assert list(lines(look(centre.path)))[8:10] == [
            "tidak ada lagi di kartu / lost  bupati-1: 6: 7f3a9c1e 3-4, 7f3a9c1e 5-6, 7f3a9c1e 8-8 ...",
            "waktunya tidak pasti / time unsure  bupati-1: 2: 2026-11-20 09:02 ... 2026-11-22 09:02 WITA",
        ]


def test_a_full_quarantine_of_one_point_is_said_and_holds_and_receipts_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.store.quarantine.MAX_UNREAD", 3)
    monkeypatch.setattr("central.store.quarantine.MAX_UNREAD_BYTES", 100)
    with CentreStore(tmp_path) as centre:
        assert len(centre.take(*(message(b"bad %d" % number) for number in range(3)))) == 3
    with CentreStore(tmp_path) as centre:  # it is counted anew from the file
        mixed = Received("titik/v1/bupati-1/event", dumps([event(1), 7]), retained=False)
        answers, news = centre.intake.take([message(b"bad 3"), mixed, message(b"bad 3")], NOW)
        assert answers == []
        assert [one.text.split(":")[0] for one in news] == ["its quarantine is full"]
        assert centre.all("SELECT seq FROM event") == [(1,)]
        # What is held is receipted again; another point has room, but not for too many bytes.
        assert len(centre.take(message(b"bad 1"))) == 1
        assert len(centre.take(message(b"x" * 90, point="dprd-1"), message(b"y" * 11, point="dprd-1"))) == 1
        # Topics of nobody share one room.
        centre.take(*(message(b"bad", point=f"No-{number}") for number in range(9)))
        assert look(centre.path).quarantined == 3 + 1 + 3


def test_a_quarantine_that_was_not_committed_takes_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("central.store.quarantine.MAX_UNREAD", 1)
    with CentreStore(tmp_path) as centre:
        with pytest.raises(ZeroDivisionError), centre.store.writing():  # noqa: PT012 - leaving the block is what is tried
            centre.store.quarantine("titik/v1/bupati-1/event", b"bad", "why", NOW)
            raise ZeroDivisionError
        assert len(centre.take(message(b"bad"))) == 1


def test_of_two_corrections_of_one_moment_the_smaller_stands(tmp_path: Path) -> None:
    told = [correction(1, 5.0, 1_795_309_400.0), correction(2, 5.0, 1_795_309_300.0)]
    for name, order in (("one", told), ("other", told[::-1])):
        (tmp_path / name).mkdir()
        with CentreStore(tmp_path / name) as centre:
            for one in order:
                centre.take(message(one))
            assert centre.all("SELECT offset FROM clock") == [(1_795_309_300.0,)]


def test_what_was_said_never_shrinks_and_a_corrected_time_is_not_unsure(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(*(message(told) for told in STORY), state("online", seq=9), state("online", seq=8))
        assert centre.store.said() == [("bupati-1", "7f3a9c1e", 9)]
        assert centre.point().undated == 1


RANGES = st.tuples(st.sampled_from(["e1", "e2"]), st.integers(1, 9), st.integers(0, 5))


@given(
    st.lists(st.tuples(st.sampled_from(["e1", "e2"]), st.integers(1, 12)), max_size=8, unique=True),
    st.lists(st.tuples(st.sampled_from(["e1", "e2"]), st.integers(1, 12)), max_size=4, unique=True),
    st.lists(st.tuples(st.sampled_from(["e1", "e2"]), st.integers(1, 15)), max_size=4),
    st.lists(RANGES, max_size=3),
    st.lists(RANGES, max_size=3),
)
def test_the_status_and_the_store_agree_on_what_is_missing(
    held: list[tuple[str, int]],
    purged: list[tuple[str, int]],
    unread: list[tuple[str, int]],
    lost: list[tuple[str, int, int]],
    said: list[tuple[str, int, int]],
) -> None:
    """Against sets of numbers: the plainest model there is."""
    with TemporaryDirectory() as folder, CentreStore(Path(folder)) as centre:
        centre.take(state("online", kept=[[epoch, 1, last] for epoch, last, _ in said]))
        for epoch, seq in held:
            centre.take(message(event(seq, epoch=epoch)))
            centre.missing("bupati-1")  # what it remembers may not mislead it
        with centre.store.writing():
            centre.store.bury([("/titik/bupati-1", f"id {place}", "bupati-1", *place) for place in purged])
            centre.store.pass_over("bupati-1", [Place(*place) for place in unread])
            for epoch, first, more in lost:
                centre.store.lose("bupati-1", Gap(epoch, first, first + more), NOW)
        gone = {(epoch, seq) for epoch, first, more in lost for seq in range(first, first + more + 1)}
        known = {*held, *purged, *gone, *((epoch, last) for epoch, last, _ in said)}
        known |= {place for place in unread if place[0] in {epoch for epoch, _ in known}}
        highest = {of: max(seq for epoch, seq in known if epoch == of) for of, _ in known}
        missing = {(of, seq) for of, last in highest.items() for seq in range(1, last + 1)} - {*held, *purged, *unread}
        missing -= gone
        spans = centre.missing("bupati-1")
        assert {(gap.epoch, seq) for gap in spans for seq in range(gap.first, gap.last + 1)} == missing
        point = centre.point()
        assert point.missing + point.tail == len(missing)
        assert point.lost == len(gone - {*held, *purged, *unread})
        assert set(point.gaps) <= set(spans)


def test_a_damaged_page_met_while_reading_is_the_file_s_own_matter(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(*(message(event(seq)) for seq in range(1, 60)))
        ((root,),) = centre.all("SELECT rootpage FROM sqlite_master WHERE name = 'event_place'")
    octets = bytearray((tmp_path / "central.db").read_bytes())
    octets[4096 * (root - 1) : 4096 * root] = b"\xff" * 4096
    (tmp_path / "central.db").write_bytes(octets)
    with (
        CentreStore(tmp_path) as centre,
        pytest.raises(ForeignDatabaseError, match=r"the database is damaged\. Next: restore a backup"),
    ):
        centre.missing("bupati-1")
