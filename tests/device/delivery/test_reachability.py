"""Whether what is sent arrives, and which of the possible reasons is named when it does not."""

import pytest

from device.delivery._reachability import DEAF, Reachability
from device.wire import Acked, Received, dumps


def word(state: str, life: str = "c") -> Received:
    return Received("titik/v1/fleet/centre", dumps({"state": state, "centre": life}), retained=True)


@pytest.fixture
def reach() -> Reachability:
    made = Reachability(trusting=False)
    made.heard(word("online"))
    return made


def test_a_centre_is_there_by_its_own_word_back_once_and_another_by_its_life() -> None:
    made, seen = Reachability(trusting=False), []
    for state, life in (("online", "a"), ("online", "a"), ("offline", "a"), ("online", "a"), ("online", "b")):
        seen.append((*made.heard(word(state, life)), made.linked))
    assert seen == [
        (False, False, True),
        (False, False, True),
        (False, False, False),
        (True, False, True),
        (False, True, True),
    ]
    assert made.heard(Received("t", b"\xff", retained=False)) == (False, False)
    made.heard(Received("t", b"[]", retained=False))
    assert not made.linked


@pytest.mark.parametrize(
    ("receipted", "first"),
    [
        (False, "check the broker's ACL: may this point read its receipts?"),
        (True, "titik-central status, at the office"),
    ],
)
def test_the_acl_is_named_first_only_where_no_receipt_ever_came(
    reach: Reachability, caplog: pytest.LogCaptureFixture, *, receipted: bool, first: str
) -> None:
    if receipted:
        reach.receipted()
    for waiting in (None, DEAF, DEAF + 1, DEAF + 2):
        reach.judge(waiting)
    assert (reach.faults, reach.linked) == (("deaf",), False)
    assert [message.partition("Next: ")[2].startswith(first) for message in caplog.messages] == [True]
    reach.judge(None)
    assert (reach.faults, reach.linked) == ((), True)


def test_a_centre_that_is_away_leaves_nobody_deaf(reach: Reachability) -> None:
    reach.heard(word("offline"))
    reach.judge(DEAF + 1)
    assert reach.faults == ()


def test_refusals_are_said_once_and_taken_back_by_an_event_that_is_routed(
    reach: Reachability, caplog: pytest.LogCaptureFixture
) -> None:
    assert not reach.acked(Acked(1, 0x10, "No matching subscribers"), ours=False)
    assert reach.faults == ()  # nobody need listen for a state
    for code, ours in ((0x10, True), (0x87, True), (0x87, False), (0x10, True)):
        assert not reach.acked(Acked(1, code, "words"), ours=ours)
    assert (reach.faults, len(caplog.messages)) == (("refused", "unrouted"), 2)
    assert not reach.acked(Acked(1, 0, "Success"), ours=False)
    assert reach.faults == ("refused", "unrouted")
    assert reach.acked(Acked(1, 0, "Success"), ours=True)
    reach.large = True
    assert (reach.faults, reach.linked) == (("too-large",), True)
