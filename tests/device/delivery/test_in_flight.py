"""What is under way: whole rows, in order, bounded, sent again later and later."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.delivery._poison_messages import AGAIN, PoisonMessages
from device.delivery.in_flight import BATCH_ROWS, FIRST_RESEND, MAX_RESEND, Batch, InFlight
from device.model import Event, Place
from device.mqtt.pace import BATCH_BYTES
from device.record.outbox import Owed
from device.wire import batch as batched


def rows(count: int, epoch: str = "e", start: int = 1, size: int = 10) -> list[Owed]:
    return [Owed(start + n, Event(Place(epoch, start + n), f"id{start + n}", b"b" * size)) for n in range(count)]


def test_a_few_rows_go_one_by_one_and_a_backlog_goes_in_batches() -> None:
    assert [len(batch.ids) for batch in InFlight(20).load(rows(5))] == [1] * 5
    assert [len(batch.ids) for batch in InFlight(20).load(rows(120))] == [50, 50, 20]


def test_an_epoch_ends_a_batch_and_so_does_its_size() -> None:
    batches = InFlight(20).load([*rows(25, "one"), *rows(25, "two", start=26)])
    assert [(batch.epoch, len(batch.ids)) for batch in batches] == [("one", 25), ("two", 25)]
    assert all(len(batch.body) <= BATCH_BYTES + 2 for batch in InFlight(20).load(rows(50, size=9000)))


def test_a_row_that_is_held_already_ends_a_batch_so_that_a_receipt_names_just_its_rows() -> None:
    parcels = InFlight(20).load([*rows(25), *rows(25, start=27)])
    assert [(parcel.first, parcel.last, len(parcel.ids)) for parcel in parcels] == [(1, 25, 25), (27, 51, 25)]


@given(st.integers(1, 10), st.lists(st.integers(1, 60), max_size=6))
def test_every_row_is_taken_once_in_order_as_long_as_there_is_room(size: int, epochs: list[int]) -> None:
    owed: list[Owed] = []
    for n, count in enumerate(epochs):
        owed += rows(count, f"epoch{n}", start=len(owed) + 1)
    window = InFlight(size)
    taken: list[str] = []
    while True:
        loaded = window.load([row for row in owed if row.row > window.cursor][: window.wanted])
        if not loaded:
            break
        assert len(window.batches) <= size
        for batch in loaded:
            taken += batch.ids
            events = [row.event for row in owed if row.event.id in batch.ids]
            assert batch.body == batched([event.body for event in events])
            window.done(batch)
    assert taken == [row.event.id for row in owed]


def test_what_no_receipt_names_is_due_again_later_and_later() -> None:
    window = InFlight(5)
    (batch,) = window.load(rows(1))
    window.sent(batch, 1, now=-90.0)
    assert window.overdue(1000.0) == []
    assert window.acked(1, now=0.0) is batch
    assert window.overdue(FIRST_RESEND - 0.1) == []
    waits, now = [], 0.0
    for mid in range(2, 8):
        assert batch.due is not None
        now = batch.due
        assert window.overdue(now) == [batch]
        window.sent(batch, mid, now - 1)
        window.acked(mid, now)
        waits.append(batch.due - now)
    assert waits == [10.0, 20.0, 40.0, MAX_RESEND, MAX_RESEND, MAX_RESEND]
    window.hurry(now)
    assert window.overdue(now) == [batch]


def test_a_message_is_found_by_its_packet_its_rows_and_its_bytes() -> None:
    window = InFlight(5)
    batch = window.load(rows(1))[0]
    window.sent(batch, 9, 0.0)
    assert window.of_rows("e", 1, 1) == [batch]
    assert window.of_rows("e", 1, 2) == []
    assert window.of_bytes(sha256(batch.body).hexdigest()) is batch
    assert (window.acked(9, 1.0), window.acked(9, 1.0)) == (batch, None)
    window.done(batch)
    window.done(batch)
    assert (window.batches, window.of_rows("e", 1, 1)) == ([], [])
    assert BATCH_ROWS == 50


def test_one_receipt_may_speak_of_several_messages_of_one_epoch_and_of_no_row_between_them() -> None:
    window = InFlight(9)
    one, two, three, _, other = window.load([*rows(4), *rows(1, "f", start=5)])
    assert window.of_rows("e", 1, 3) == [one, two, three]
    assert window.of_rows("e", 2, 3) == [two, three]
    assert window.of_rows("f", 5, 5) == [other]
    assert window.of_rows("e", 4, 5) == []
    window.done(two)
    assert window.of_rows("e", 1, 3) == []
    assert window.of_rows("e", 2, 3) == []


# --- what is under way on the line ---


def loaded(window: InFlight, owed: list[Owed], **more: Any) -> list[Batch]:
    """Load what *window* wants of *owed*, and send it."""
    batches = window.load([row for row in owed if row.row > window.cursor][: window.wanted], **more)
    for batch in batches:
        window.sent(batch, batch.first, now=0.0)
    return batches


@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 5), st.floats(0.001, 40), st.booleans()), max_size=40),
    st.integers(1, 30),
)
def test_never_more_is_on_the_line_than_it_carries_and_every_row_goes_once_in_order(
    sizes: list[int], answers: list[tuple[int, float, bool]], room: int
) -> None:
    owed = [Owed(n, Event(Place("e", n), f"id{n}", b"b" * size)) for n, size in enumerate(sizes, 1)]
    window, sent, now = InFlight(20), [], 0.0
    for which, took, receipted in [*answers, *[(0, 0.1, True)] * 200]:
        batches = window.load([row for row in owed if row.row > window.cursor][: window.wanted], room)
        assert len(batches) <= room
        for batch in batches:
            window.sent(batch, batch.first, now)
            assert batch.ahead == sum(len(one.body) for one in window.flying[: batch.beside])
            sent += batch.ids
        under_way = sum(len(batch.body) for batch in window.flying)
        assert len(window.flying) <= 1 or not batches or under_way <= window.pace.flight
        assert all(len(batch.ids) == 1 or len(batch.body) <= BATCH_BYTES for batch in window.batches)
        now += took
        if window.flying:
            batch = window.flying[min(which, len(window.flying) - 1)]
            window.acked(batch.first, now)
            assert not batch.flying
            if receipted:
                window.done(batch)
    for batch in list(window.batches):
        window.done(batch)
    while batches := window.load([row for row in owed if row.row > window.cursor][: window.wanted]):
        for batch in batches:
            sent += batch.ids
            window.done(batch)
    assert sent == [row.event.id for row in owed]


def test_the_first_messages_of_a_backlog_are_small_and_later_ones_whole_on_a_quick_line() -> None:
    window, owed = InFlight(20), rows(2000, size=600)
    first = loaded(window, owed)
    assert [len(batch.ids) for batch in first] == [6, 6]
    rounds = []
    while window.flying:
        for batch in window.flying:
            window.acked(batch.first, 0.002)
            window.done(batch)
        rounds.append(max((len(batch.ids) for batch in loaded(window, owed)), default=0))
    assert rounds[:5] == [12, 24, 48, 50, 50]


def test_a_batch_keeps_to_what_the_broker_takes_and_what_is_larger_is_left_out_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    window = InFlight(20)
    window.batch_bytes = window.most = 2500
    owed = [*rows(30, size=600), *rows(1, start=31, size=2501), *rows(30, start=32, size=600)]
    taken: list[str] = []
    while batches := loaded(window, owed):
        assert max(len(batch.body) for batch in batches) <= 2500
        for batch in batches:
            taken += batch.ids
            window.acked(batch.first, 0.001)
            window.done(batch)
    assert taken == [f"id{n}" for n in range(1, 62) if n != 31]
    assert (window.large, window.cursor) == ({"id31": 2501}, 61)
    assert caplog.text.count("an event of 2501 bytes is larger than the broker takes (2500); it is kept") == 1
    assert loaded(window, rows(1, start=62, size=2501)) == []
    assert window.cursor == 62


def test_what_is_aside_is_passed_over() -> None:
    assert [p.ids for p in InFlight(20).load(rows(3), aside={"id2"})] == [["id1"], ["id3"]]


def test_receipts_are_waited_for_from_the_broker_s_word_on() -> None:
    window = InFlight(5)
    one, two = window.load(rows(2))
    for mid, batch in enumerate((one, two), 1):
        window.sent(batch, mid, now=0.0)
    assert (window.oldest(1000.0), window.overdue(1000.0)) == (None, [])
    window.acked(2, now=900.0)
    assert (window.oldest(1000.0), window.overdue(905.0), window.flying) == (100.0, [two], [one])
    window.hurry(1000.0)
    assert (window.oldest(1000.0), window.overdue(1000.0)) == (None, [two])
    window.acked(1, now=1001.0)
    assert one.due == 1001.0 + FIRST_RESEND / 2
    window.sent(one, 3, now=1010.0)
    window.acked(3, now=1011.0)
    assert window.oldest(1020.0) == 19.0  # what is sent again was with the broker all along


def test_an_event_that_is_alone_at_three_ends_waits_a_while() -> None:
    aside, (one, two) = PoisonMessages(), InFlight(5).load(rows(2))
    for now in (1.0, 2.0):
        aside.suspect([one], now)
    assert aside.ids == {}
    aside.acked(one)
    for flying in ([one], [one], [two], [one, two], [], [one], [one]):
        aside.suspect(flying, 3.0)
    assert aside.ids == {}
    several = Batch(["id1", "id2", "id3"], "e", 1, 3, b"")  # in one message, any of them may be the reason
    for flying in ([several], [several], [one], [several], [one], [one]):
        aside.suspect(flying, 3.0)
    assert aside.ids == {}
    aside.suspect([one], 4.0)
    assert aside.ids == {"id1": 4.0 + AGAIN}
    assert (aside.over(3.9 + AGAIN), aside.over(4.0 + AGAIN), aside.ids) == (False, True, {})
