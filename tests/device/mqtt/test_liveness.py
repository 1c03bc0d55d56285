"""Whether a broker is still there: by what came, what left and what it owes an answer for; a ping is no life."""

import pytest

from device.mqtt.connection import Flow
from device.mqtt.liveness import ACK_LIMIT, SILENCE, Liveness
from device.mqtt.session_end import Cause


def causes(life: Liveness, now: float) -> tuple[Cause | None, Cause | None]:
    silent, overdue = life.silent(now), life.overdue(now)
    return (None if silent is None else silent.cause, None if overdue is None else overdue.cause)


def test_bytes_that_leave_are_life_however_long_the_broker_is_quiet() -> None:
    """30 kB at 500 bytes a second: a minute without an answer."""
    life = Liveness(20, 0.0)
    life.sent(1, 1, 30_000)
    for second in range(1, 60):
        life.look(Flow(gone=500 * second, taken=30_000), float(second), congested=False)
        assert causes(life, float(second)) == (None, None)
    life.look(Flow(30_000, 30_000), 60.0, congested=False)
    assert causes(life, 60.0 + SILENCE * 20) == (None, None)
    assert causes(life, 60.1 + SILENCE * 20) == (Cause.SILENT, None)


def test_bytes_that_stand_still_in_the_kernel_are_none() -> None:
    life = Liveness(20, 0.0)
    life.sent(1, 1, 30_000)
    life.look(Flow(1_000, 30_000), 5.0, congested=False)
    life.look(Flow(1_000, 30_000), 35.0, congested=False)
    assert causes(life, 35.0) == (None, None)
    assert causes(life, 35.1) == (Cause.SILENT, None)


def test_a_kernel_that_takes_a_ping_for_a_program_that_hangs_is_no_life() -> None:
    life = Liveness(20, 0.0)
    life.look(Flow(100, 100), 1.0, congested=False)
    life.look(Flow(100, 102), 20.0, congested=False)
    life.look(Flow(102, 102), 20.5, congested=False)
    assert causes(life, 30.1) == (Cause.SILENT, None)


def test_the_first_message_that_has_left_is_owed_an_answer_whatever_leaves_after_it() -> None:
    life, now = Liveness(20, 0.0), 0.0
    for packet in range(1, 9):
        now = packet * 5.0
        life.sent(packet, packet, 600)
        life.look(Flow(600 * packet, 600 * packet), now, congested=False)
    assert life.waiting[1].left == 5.0
    assert causes(life, 35.0) == (None, None)
    assert causes(life, 35.1) == (Cause.SILENT, None)


def test_an_acknowledgement_is_due_a_minute_after_the_bytes_have_left_and_not_before() -> None:
    life = Liveness(20, 0.0)
    life.sent(1, 1, 600)
    life.look(Flow(0, 0), 0.0, congested=True)  # the kernel has not taken all of it
    life.look(Flow(100, 700), 100.0, congested=False)
    for now in (100.0, 170.0):
        life.came(now, whole=True)
        assert causes(life, now) == (None, None)
    life.look(Flow(700, 700), 170.0, congested=False)
    life.came(170.0 + ACK_LIMIT, whole=True)
    assert causes(life, 170.0 + ACK_LIMIT) == (None, None)
    assert causes(life, 170.1 + ACK_LIMIT) == (None, Cause.UNANSWERED)
    assert life.acked(1) is not None
    assert life.acked(1) is None
    assert causes(life, 170.1 + ACK_LIMIT) == (None, None)


def test_an_answer_behind_a_long_message_of_the_broker_s_is_not_late() -> None:
    life = Liveness(20, 0.0)
    life.sent(1, 1, 600)
    life.look(Flow(600, 600), 1.0, congested=False)
    for now in range(2, 200):
        life.came(float(now), whole=False)
        assert causes(life, float(now)) == (None, None)
    life.came(199.0, whole=True)
    for now in range(200, 260, 10):
        life.came(float(now), whole=True)
    assert causes(life, 199.1 + ACK_LIMIT) == (None, Cause.UNANSWERED)


@pytest.mark.parametrize("keepalive", [5, 20, 60])
def test_nothing_at_all_for_one_and_a_half_keep_alives_is_the_end(keepalive: int) -> None:
    life = Liveness(keepalive, 7.0)
    assert causes(life, 7.0 + SILENCE * keepalive) == (None, None)
    assert causes(life, 7.1 + SILENCE * keepalive) == (Cause.SILENT, None)
