"""Two under one name are noticed by who comes back; a replaced device, a reboot loop and a restart are not."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alarms import Alarms
from central.broker.twins import MAX_LIVES, WINDOW, Life, Rival, Twins
from central.store.troubles import TWIN, Trouble
from device.wire import State, dumps
from tests.support.messages import NOW, message, state
from tests.support.store import CentreStore

POINT = "bupati-1"
TIME = "2026-11-22T01:02:03.456Z"


def hear(twins: Twins, word: str, boot: str, epoch: str, seconds: float = 0) -> tuple[Life, Life] | None:
    return twins.hear(POINT, {"state": word, "boot": boot, "epoch": epoch}, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("lives", "noticed"),
    [
        ("A", False),
        ("AAAA", False),
        ("AB", False),  # a device that was replaced
        ("AAABBB", False),
        ("ABCDEFGHIJKL", False),  # a reboot loop
        ("ABA", True),
        ("ABAB", True),
        ("ABCA", True),
    ],
)
def test_two_stations_are_those_of_which_one_comes_back(lives: str, noticed: bool) -> None:
    twins = Twins()
    said = [hear(twins, "online", f"boot-{life}", f"epoch-{life}", n) for n, life in enumerate(lives)]
    assert any(said) == noticed
    if lives == "ABA":
        assert said[-1] == (Life("boot-B", "epoch-B"), Life("boot-A", "epoch-A"))


def test_two_stations_on_one_machine_are_told_by_their_epochs() -> None:
    twins = Twins()
    assert [hear(twins, "degraded", "boot", epoch) is not None for epoch in ("e1", "e2", "e1")] == [False, False, True]


def test_a_will_is_no_word_of_a_station() -> None:
    twins = Twins()
    said = [hear(twins, word, "boot", epoch) for word, epoch in (("online", "e1"), ("online", "e2"), ("offline", "e1"))]
    assert said == [None, None, None]


def test_who_comes_back_after_long_or_in_another_session_is_no_twin() -> None:
    twins = Twins()
    later = WINDOW.total_seconds() + 1
    assert [
        hear(twins, "online", "b", "e1"),
        hear(twins, "online", "b", "e2"),
        hear(twins, "online", "b", "e1", later),
    ] == [None] * 3
    twins = Twins()
    hear(twins, "online", "b", "e1")
    hear(twins, "online", "b", "e2")
    twins.again()  # the broker brings again what was not acknowledged: both, in their order
    assert [hear(twins, "online", "b", "e1"), hear(twins, "online", "b", "e2")] == [None, None]


@given(st.lists(st.sampled_from("ABCDE"), max_size=20))
def test_whoever_came_back_after_another_is_noticed_and_nobody_else(lives: list[str]) -> None:
    twins = Twins()
    for n, life in enumerate(lives):
        back = n > 0 and life != lives[n - 1] and life in lives[:n]
        assert (hear(twins, "online", life, life) is not None) == back


def test_what_is_remembered_of_a_point_is_bounded() -> None:
    twins = Twins()
    for n in range(1_000):
        hear(twins, "online", f"b{n}", f"e{n}")
    assert len(twins._points[POINT]) == MAX_LIVES


def test_twins_are_said_once_noted_for_the_status_and_over_after_a_quiet_while(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        alarms = Alarms(centre.store)
        told = [state("online", boot, epoch=epoch) for boot, epoch in 3 * [("boot-A", "e1"), ("boot-B", "e2")]]
        news = centre.intake.take(told, NOW)[1]
        (text,) = [one.text for one in news if "two stations" in one.text]
        assert text.startswith(
            "two stations use this name and take turns: boot 'boot-B' epoch 'e2' and boot 'boot-A' epoch 'e1'. Next: "
        )
        lives = {"boots": ["boot-A", "boot-B"], "epochs": ["e1", "e2"]}
        assert centre.store.troubles() == [Trouble(POINT, TWIN, lives, TIME, TIME)]
        later = NOW + timedelta(minutes=9)
        centre.intake.take(told[:1], later)
        alarms.look_round(later + timedelta(minutes=9))
        assert len(centre.store.troubles()) == 1
        alarms.look_round(later + WINDOW + timedelta(seconds=1))
        assert centre.store.troubles() == []


def test_a_retained_state_is_no_twin(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        told = [("e1", False), ("e2", False), ("e1", True)]
        centre.take(*(state("online", epoch=epoch, retained=retained) for epoch, retained in told))
        assert centre.store.troubles() == []


def test_a_point_s_words_in_the_log_are_bounded_and_hold_no_control_character(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        told = [state("online", "b", epoch=epoch) for epoch in 2 * ["\x1b[31m", "x"]]
        text = [one.text for one in centre.intake.take(told, NOW)[1] if "two stations" in one.text]
        assert len(text) == 1
        assert text[0].isprintable()
        long = [state("online", "b", epoch=epoch) for epoch in 2 * ["x" * 65, "y" * 65]]
        assert centre.intake.take(long, NOW)[1] == []


def centre_says(boot: str, word: str = "online") -> bytes:
    return dumps({"state": word, "centre": "life-of-theirs", "boot": boot})


def test_another_centre_is_one_that_speaks_after_this_one_and_none_that_did_before() -> None:
    rival = Rival("mine")
    for retained in (True, False):  # a centre that was killed, with its broker or just after it had said something
        assert rival.hear(centre_says("theirs"), retained=retained) is None
    assert rival.hear(centre_says("mine"), retained=True) is None
    assert rival.hear(centre_says("theirs"), retained=False) is None
    assert rival.hear(centre_says("mine"), retained=False) is None
    assert rival.hear(centre_says("theirs", State.OFFLINE), retained=False) is None, "a will"
    for retained in (True, False):
        assert rival.hear(centre_says("theirs"), retained=retained) == "life-of-theirs"


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'{"state":"online","boot":7}', b'{"boot":"theirs"}'])
def test_what_is_no_word_of_a_centre_is_none(body: bytes) -> None:
    rival = Rival("mine")
    rival.hear(centre_says("mine"), retained=False)
    assert rival.hear(body, retained=False) is None


def test_a_state_without_a_boot_is_taken(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        for word in ("online", "stopped", "online"):
            centre.take(message(dumps({"state": word, "boot": 7, "epoch": ["e"]}), leaf="state"))
        assert centre.point().state == "online"
