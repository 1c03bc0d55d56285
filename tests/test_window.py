"""What is under way: whole rows, in order, bounded, sent again later and later."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from device.model import Event, Place
from device.outbox import Owed
from device.pace import BATCH_BYTES
from device.window import BATCH_ROWS, FIRST_RESEND, LONGEST_RESEND, Window
from device.wire import batch


def rows(count: int, epoch: str = "e", start: int = 1, size: int = 10) -> list[Owed]:
    return [Owed(start + n, Event(Place(epoch, start + n), f"id{start + n}", b"b" * size)) for n in range(count)]


def test_a_few_rows_go_one_by_one_and_a_backlog_goes_in_batches() -> None:
    assert [len(parcel.ids) for parcel in Window(20).load(rows(5))] == [1] * 5
    assert [len(parcel.ids) for parcel in Window(20).load(rows(120))] == [50, 50, 20]


def test_an_epoch_ends_a_batch_and_so_does_its_size() -> None:
    parcels = Window(20).load([*rows(25, "one"), *rows(25, "two", start=26)])
    assert [(parcel.epoch, len(parcel.ids)) for parcel in parcels] == [("one", 25), ("two", 25)]
    assert all(len(parcel.body) <= BATCH_BYTES + 2 for parcel in Window(20).load(rows(50, size=9000)))


@given(st.integers(1, 10), st.lists(st.integers(1, 60), max_size=6))
def test_every_row_is_taken_once_in_order_as_long_as_there_is_room(size: int, epochs: list[int]) -> None:
    owed: list[Owed] = []
    for n, count in enumerate(epochs):
        owed += rows(count, f"epoch{n}", start=len(owed) + 1)
    window = Window(size)
    taken: list[str] = []
    while True:
        loaded = window.load([row for row in owed if row.row > window.cursor][: window.wanted])
        if not loaded:
            break
        assert len(window.parcels) <= size
        for parcel in loaded:
            taken += parcel.ids
            events = [row.event for row in owed if row.event.id in parcel.ids]
            assert parcel.body == batch([event.body for event in events])
            window.done(parcel)
    assert taken == [row.event.id for row in owed]


def test_what_no_receipt_names_is_due_again_later_and_later() -> None:
    window = Window(5)
    (parcel,) = window.load(rows(1))
    window.sent(parcel, 1, now=-90.0)
    assert window.overdue(1000.0) == []
    assert window.acked(1, now=0.0) is parcel
    assert window.overdue(FIRST_RESEND - 0.1) == []
    waits, now = [], 0.0
    for mid in range(2, 8):
        assert parcel.due is not None
        now = parcel.due
        assert window.overdue(now) == [parcel]
        window.sent(parcel, mid, now - 1)
        window.acked(mid, now)
        waits.append(parcel.due - now)
    assert waits == [10.0, 20.0, 40.0, LONGEST_RESEND, LONGEST_RESEND, LONGEST_RESEND]
    window.hurry(now)
    assert window.overdue(now) == [parcel]


def test_a_message_is_found_by_its_packet_its_rows_and_its_bytes() -> None:
    window = Window(5)
    parcel = window.load(rows(1))[0]
    window.sent(parcel, 9, 0.0)
    assert window.of_rows("e", 1, 1) == [parcel]
    assert window.of_rows("e", 1, 2) == []
    assert window.of_bytes(sha256(parcel.body).hexdigest()) is parcel
    assert (window.acked(9, 1.0), window.acked(9, 1.0)) == (parcel, None)
    window.done(parcel)
    window.done(parcel)
    assert (window.parcels, window.of_rows("e", 1, 1)) == ([], [])
    assert BATCH_ROWS == 50


def test_one_receipt_may_speak_of_several_messages_of_one_epoch_and_of_no_row_between_them() -> None:
    window = Window(9)
    one, two, three, _, other = window.load([*rows(4), *rows(1, "f", start=5)])
    assert window.of_rows("e", 1, 3) == [one, two, three]
    assert window.of_rows("e", 2, 3) == [two, three]
    assert window.of_rows("f", 5, 5) == [other]
    assert window.of_rows("e", 4, 5) == []
    window.done(two)
    assert window.of_rows("e", 1, 3) == []
    assert window.of_rows("e", 2, 3) == []
