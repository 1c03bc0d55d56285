"""What waits has its turn point by point: a flood waits for itself, and no other point waits for it."""

from collections import Counter
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ingest.inbox import (
    ALL_BYTES,
    COST,
    HASTE,
    LATE,
    PACE,
    POINT_BYTES,
    TURN_BYTES,
    TURN_EVENTS,
    TURN_MESSAGES,
    WORDS,
    Inbox,
)
from central.points import MAX_POINTS
from device.wire import MAX_REPORT, ROOT, Received

FLOOD = "bupati-1"
OTHERS = ("bupati-2", "bupati-3", "dprd-1", "gabungan-1", "gabungan-2", "gabungan-3")


def told(body: bytes = b"{}", point: str = FLOOD, leaf: str = "event") -> Received:
    return Received(f"{ROOT}/{point}/{leaf}", body, retained=False)


def drained(inbox: Inbox, now: float = 0.0) -> list[Received]:
    some: list[Received] = []
    while inbox.due(now):
        some += inbox.take(now)
    return some


def test_who_sends_one_message_behind_a_flood_is_taken_with_the_next_turn() -> None:
    inbox = Inbox(ROOT)
    for n in range(5_000):
        inbox.add(told(b"%d" % n), 0.0)
    for _ in range(3):
        inbox.take(0.0)
    for point in OTHERS:
        inbox.add(told(b"mine", point), 1.0)
    turn = inbox.take(1.0)
    assert Counter(received.topic.split("/")[2] for received in turn) == {
        FLOOD: TURN_MESSAGES - len(OTHERS),
        **dict.fromkeys(OTHERS, 1),
    }


def test_what_is_of_one_topic_stands_together_in_the_order_in_which_it_came() -> None:
    inbox = Inbox(ROOT)
    came = [told(b"%d" % n, point) for n in range(3) for point in OTHERS[:3]]
    for one in came:
        inbox.add(one, 0.0)
    assert inbox.take(0.0) == [one for point in OTHERS[:3] for one in came if f"/{point}/" in one.topic]


def test_points_that_all_flood_share_a_turn_alike_whatever_was_first() -> None:
    inbox = Inbox(ROOT)
    for point in (FLOOD, *OTHERS):
        for n in range(1_000):
            inbox.add(told(b"%d" % n, point), 0.0)
    shares = Counter(received.topic for _ in range(7) for received in inbox.take(0.0))
    assert sum(shares.values()) == 7 * TURN_MESSAGES
    assert max(shares.values()) - min(shares.values()) <= 1


@pytest.mark.parametrize(
    ("body", "most"),
    [
        (b"{}", TURN_MESSAGES),
        (b"x" * 35_000, TURN_BYTES // 35_000 + 1),
        (b'{"specversion":"1.0"}' * 50, TURN_EVENTS // 50),
        (b"x" * 1_048_576, 1),
    ],
)
def test_a_turn_takes_so_many_messages_bytes_and_events(body: bytes, most: int) -> None:
    inbox = Inbox(ROOT)
    for _ in range(200):
        inbox.add(told(body), 0.0)
    assert len(inbox.take(0.0)) == most


def test_while_more_is_to_be_read_a_turn_is_shorter_and_has_each_point_all_the_same() -> None:
    inbox = Inbox(ROOT)
    for n in range(500):
        inbox.add(told(b"%d" % n), 0.0)
    for point in OTHERS:
        inbox.add(told(b"mine", point), 0.0)
    turn = inbox.take(0.0, more=True)
    assert len(turn) == TURN_MESSAGES / HASTE
    assert {received.topic.split("/")[2] for received in turn} == {FLOOD, *OTHERS}


def test_a_large_message_of_a_flood_costs_the_next_point_one_turn() -> None:
    inbox = Inbox(ROOT)
    for _ in range(20):
        inbox.add(told(b"x" * TURN_BYTES), 0.0)
    inbox.add(told(b"mine", "dprd-1"), 0.0)
    turns = [inbox.take(0.0) for _ in range(2)]
    assert told(b"mine", "dprd-1") in turns[1]


@given(
    st.lists(st.tuples(st.sampled_from([FLOOD, *OTHERS[:2], "No-point", "fleet"]), st.integers(0, 3)), max_size=60),
    st.integers(1, 5),
)
def test_every_event_is_taken_once_and_in_the_order_of_its_point(some: list[tuple[str, int]], every: int) -> None:
    inbox = Inbox(ROOT)
    number = count()
    came = [told(b"%d" % next(number), point) for point, _ in some]
    taken: list[Received] = []
    for n, received in enumerate(came):
        inbox.add(received, 0.0)
        if n % every == 0:
            taken += inbox.take(0.0)
    taken += drained(inbox)
    assert Counter(taken) == Counter(came)
    for topic in {received.topic for received in came}:
        assert [one for one in taken if one.topic == topic] == [one for one in came if one.topic == topic]


def test_of_what_a_point_says_of_itself_the_newest_waits() -> None:
    inbox = Inbox(ROOT)
    for n in range(5_000):
        for leaf in WORDS:
            inbox.add(told(b"%d" % n, leaf=leaf), 0.0)
    taken = Counter(received.topic.split("/", 3)[3] for received in inbox.take(0.0))
    assert taken == WORDS
    inbox.add(told(b"last", leaf="health"), 0.1)
    assert not inbox.due(PACE - 0.01)
    assert inbox.take(PACE) == [told(b"last", leaf="health")]


def test_a_first_word_is_taken_at_once() -> None:
    inbox = Inbox(ROOT)
    inbox.add(told(b"{}", leaf="state"), 100.0)
    assert inbox.due(100.0)


def test_a_word_that_is_too_long_waits_as_its_beginning() -> None:
    inbox = Inbox(ROOT)
    inbox.add(told(b"x" * 1_000_000, leaf="health"), 0.0)
    assert [len(received.body) for received in inbox.take(0.0)] == [MAX_REPORT + 1]


def test_one_point_fills_its_own_room_and_leaves_the_others_theirs() -> None:
    inbox = Inbox(ROOT)
    body = bytes(1_000_000 - COST)
    for _ in range(120):
        inbox.add(told(body), 0.0)
    inbox.add(told(b"mine", "dprd-1"), 0.0)
    assert len(drained(inbox)) == POINT_BYTES // 1_000_000 + 1
    for point in OTHERS:
        for _ in range(120):
            inbox.add(told(body, point), 0.0)
    assert len(drained(inbox)) == ALL_BYTES // 1_000_000


def test_room_that_was_used_is_given_back() -> None:
    inbox = Inbox(ROOT)
    body = bytes(1_000_000)
    for _ in range(5):
        for _ in range(40):
            inbox.add(told(body), 0.0)
        assert len(drained(inbox)) == 40


def test_names_without_end_share_one_row() -> None:
    inbox = Inbox(ROOT)
    for n in range(2 * MAX_POINTS):
        inbox.add(told(b"{}", f"p{n}"), 0.0)
    assert len(inbox._boxes) == MAX_POINTS + 1
    assert len(drained(inbox)) == 2 * MAX_POINTS
    inbox.add(told(b"{}", "a-new-one"), 10.0)
    assert len(inbox._boxes) == 1


def test_who_waits_for_long_is_late_and_a_time_in_which_nobody_was_taken_does_not_count() -> None:
    inbox = Inbox(ROOT)
    for _ in range(3):
        inbox.add(told(), 0.0)
    inbox.add(told(b"{}", "No-point"), 0.0)
    assert inbox.late(LATE, 0.0) == {}
    assert inbox.late(LATE + 0.1, 0.0) == {FLOOD: 3}
    assert inbox.late(LATE + 0.1, 1.0) == {}
    drained(inbox)
    assert inbox.late(100.0, 0.0) == {}


def test_a_card_that_owes_200_000_rows_finds_room_for_all_that_its_window_lets_it_send() -> None:
    """Its window is 20 messages, 100 at most, of 64 KiB at most; the courier sends no more before a receipt."""
    inbox = Inbox(ROOT)
    for _ in range(100):
        inbox.add(told(bytes(65_536)), 0.0)
    assert len(drained(inbox)) == 100
    # 4,000 messages of 50 rows of 750 bytes: so many turns, of some 30 ms each, are less than a minute.
    assert 200_000 / min(TURN_EVENTS, TURN_BYTES / 750) * 0.03 < 60
