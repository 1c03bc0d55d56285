"""What a line carries, and what a broker takes that does not say so: found out, and never nothing."""

from hypothesis import given
from hypothesis import strategies as st

from device.mqtt.pace import (
    AIM,
    BATCH_BYTES,
    FIRST_FLIGHT,
    FIRST_PATIENCE,
    LEAST_FLIGHT,
    MAX_FLIGHT,
    SLOW,
    Limits,
    Pace,
)
from device.mqtt.session_end import Cause

ANSWERS = st.lists(st.tuples(st.integers(1, 70_000), st.integers(0, 900_000), st.floats(0.0001, 100)), max_size=40)


@given(ANSWERS)
def test_what_is_under_way_stays_within_its_bounds_whatever_the_line_does(
    answers: list[tuple[int, int, float]],
) -> None:
    pace = Pace()
    for size, others, took in answers:
        before = pace.flight
        pace.answered(size, size + others, took)
        assert LEAST_FLIGHT <= pace.flight <= MAX_FLIGHT
        assert 0 < pace.batch_bytes <= min(BATCH_BYTES, pace.flight)
        if took > AIM / 2:
            assert pace.flight <= max(before, LEAST_FLIGHT)
            assert pace.flight <= max(LEAST_FLIGHT, (size + others) / took * AIM)


@given(st.floats(200, 3_000_000))
def test_a_steady_line_of_any_speed_is_soon_filled_and_no_message_takes_longer_than_aimed_at(rate: float) -> None:
    """Two messages at a time, on a line that passes *rate* bytes a second and nothing else."""
    pace, clock, taken = Pace(), 0.0, []
    for _ in range(60):
        size = max(600, pace.batch_bytes)
        took = 2 * size / rate
        clock += size / rate
        pace.answered(size, 2 * size, took)
        taken.append(took)
    assert all(took <= max(AIM * 1.3, 2 * 600 / rate) for took in taken[5:])
    assert pace.flight >= min(rate * AIM / 3, MAX_FLIGHT / 2, LEAST_FLIGHT)
    if rate > 2 * SLOW * 2:
        assert pace.quick
    if rate < SLOW / 2:
        assert pace.slow


def test_the_first_messages_are_small_and_a_quick_line_soon_carries_whole_batches() -> None:
    pace = Pace()
    assert pace.batch_bytes == FIRST_FLIGHT // 2 == 4096
    rounds = 0
    while pace.batch_bytes < BATCH_BYTES:
        for _ in range(2):
            pace.answered(pace.batch_bytes, 2 * pace.batch_bytes, 0.002)
        rounds += 1
    assert rounds <= 5


def test_single_events_on_an_idle_line_prove_nothing_about_it() -> None:
    pace = Pace()
    for _ in range(1000):
        pace.answered(600, 600, 0.002)
    assert pace.flight == FIRST_FLIGHT


def test_a_slow_line_is_called_so_after_three_answers_and_quick_again_with_margin() -> None:
    pace = Pace()
    seen = []
    for _ in range(3):
        pace.answered(3000, 4000, 4.0)
        seen.append(pace.slow)
    assert (seen, pace.rate) == ([False, False, True], 1000.0)
    while not pace.quick:
        assert pace.slow
        pace.answered(pace.batch_bytes, pace.flight, 0.1)
    assert (pace.slow, pace.flight > 2 * SLOW * AIM) == (False, True)


# --- what the broker takes ---


def drain(limits: Limits, most: int, many: int, sessions: int) -> list[int]:
    """Play sessions against a broker that closes at a message of more than *most* bytes, or at one more than *many*.

    Returns how many messages each brought through: one of the largest size allowed after another, as many at once
    as allowed.
    """
    brought = []
    for _ in range(sessions):
        through = 0
        for _ in range(30):
            size, count = limits.batch_bytes, min(limits.messages, 25)
            if size > most or count > many:
                limits.ended(Cause.CLOSED_ON, (size,) * min(count, many + 1))
                break
            limits.acked(size, count)
            through += 1
        brought.append(through)
    return brought


@given(st.integers(1_100, 100_000), st.integers(1, 30))
def test_a_broker_that_says_nothing_is_found_out_within_some_sessions(most: int, many: int) -> None:
    limits = Limits(1000)
    brought = drain(limits, most, many, 60)
    assert max(brought[:20]) > 0
    assert sum(1 for through in brought[30:] if through > 5) > 15


def test_two_ends_alike_halve_both_and_one_does_not() -> None:
    limits = Limits(20)
    limits.ended(Cause.CLOSED_ON, (16_400, 700))
    assert (limits.batch_bytes, limits.messages) == (BATCH_BYTES, 20)
    limits.ended(Cause.CLOSED_ON, (16_900, 700, 700))
    assert (limits.batch_bytes, limits.messages) == (8_200, 1)


def test_what_went_well_since_takes_the_suspicion_away() -> None:
    limits = Limits(20)
    limits.ended(Cause.CLOSED_ON, (600,))  # a broker that was killed
    limits.acked(600, 1)
    limits.ended(Cause.CLOSED_ON, (600,))
    assert (limits.batch_bytes, limits.messages) == (BATCH_BYTES, 20)
    limits.acked(600, 0)  # fewer at once than then: says nothing
    limits.ended(Cause.CLOSED_ON, (600,))
    assert (limits.batch_bytes, limits.messages) == (LEAST_FLIGHT, 1)


def test_the_broker_s_own_word_is_believed_at_once_and_only_for_what_it_names() -> None:
    limits = Limits(20)
    limits.ended(Cause.TOO_LARGE, (30_000, 30_000))
    assert (limits.batch_bytes, limits.messages) == (15_000, 20)
    limits.ended(Cause.TOO_MANY, (600,) * 12)
    assert (limits.batch_bytes, limits.messages) == (15_000, 6)


def test_other_ends_teach_nothing() -> None:
    limits = Limits(20)
    for cause in set(Cause) - {Cause.CLOSED_ON, Cause.TOO_LARGE, Cause.TOO_MANY}:
        limits.ended(cause, (30_000,) * 9)
    limits.ended(Cause.CLOSED_ON, ())
    limits.ended(Cause.TOO_LARGE, ())
    assert (limits.batch_bytes, limits.messages) == (BATCH_BYTES, 20)


def test_it_grows_again_and_more_slowly_each_time() -> None:
    limits = Limits(20)
    waited = []
    for _ in range(3):
        limits.ended(Cause.TOO_LARGE, (4_000,))
        limits.ended(Cause.TOO_MANY, (4_000,))
        before, acked = (limits.batch_bytes, limits.messages), 0
        while (limits.batch_bytes, limits.messages) == before:
            limits.acked(2_000, 1)
            acked += 1
        assert limits.batch_bytes > before[0]
        assert limits.messages > before[1]
        waited.append(acked)
    assert waited == [4 * FIRST_PATIENCE, 16 * FIRST_PATIENCE, 64 * FIRST_PATIENCE]
    for _ in range(200_000):
        limits.acked(2_000, 1)
    assert (limits.batch_bytes, limits.messages) == (BATCH_BYTES, 20)
