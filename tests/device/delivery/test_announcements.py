"""What a station says of itself, word for word: its state, its will, what it is, how it fares."""

import json
from pathlib import Path
from typing import Any

import pytest

from device.delivery.announcements import Announcements, Counts, Sender
from device.model import Event
from device.record.outbox import Outbox
from device.wire import Message, State, Topics

SENDER = Sender("dprd-2", "boot-1", {"version": "1"}, "rahasia")


def told(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message.body)
    return body


def filled(outbox: Outbox, count: int) -> None:
    for _ in range(count):
        outbox.append(lambda place: Event(place, f"{place.epoch}-{place.seq}", b"{}"))


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox.db", 1000)


def test_a_state_says_what_is_owed_and_kept_and_a_will_says_no_epochs(outbox: Outbox) -> None:
    """A will is composed before the session in which it counts: what it said of the card would be of then."""
    with outbox:
        filled(outbox, 3)
        announcements = Announcements(outbox, SENDER, Topics(), modern=True)
        of_now = {"boot": "boot-1", "epoch": outbox.epoch, "seq": 3, "oldest": {"epoch": outbox.epoch, "seq": 1}}
        owed = {**of_now, "owed": 3}
        kept = [[outbox.epoch, 1, 3]]
        for state, faults, more in (
            (State.ONLINE, (), {"kept": kept}),
            (State.DEGRADED, ("camera", "glass"), {"kept": kept}),
            (State.STOPPED, (), {"kept": kept}),
            (State.OFFLINE, (), {}),
        ):
            said = announcements.state(state, faults)
            assert told(said) == {"state": state, "faults": list(faults), **owed, **more}
            assert (said.topic, said.retain, said.qos) == ("titik/v1/dprd-2/state", True, 1)


def test_an_outbox_that_owes_nothing_has_no_oldest(outbox: Outbox) -> None:
    with outbox:
        said = told(Announcements(outbox, SENDER, Topics(), modern=True).state(State.ONLINE))
        assert said["oldest"] is None
        assert (said["seq"], said["owed"], said["kept"]) == (0, 0, [])


@pytest.mark.parametrize(("modern", "hidden"), [(True, []), (False, ["refused", "unrouted"])])
def test_health_says_what_the_courier_counted_and_what_the_broker_hides(
    outbox: Outbox, modern: bool, hidden: list[str]
) -> None:
    with outbox:
        outbox.lost = 2
        announcements = Announcements(outbox, SENDER, Topics("kantor"), modern=modern)
        said = announcements.health({"frames": 7}, Counts(reconnects=1, refused=3, unrouted=4), under_way=5)
    counted = {"reconnects": 1, "refused": 3, "unrouted": 4, "lost": 2, "under_way": 5}
    assert told(said) == {"frames": 7, **counted, "hidden": hidden}
    assert (said.topic, said.retain, said.qos, said.expiry) == ("kantor/dprd-2/health", False, 0, 120)


def test_what_it_is_goes_with_the_bundle_in_force_and_never_with_the_password(outbox: Outbox) -> None:
    said = Announcements(outbox, SENDER, Topics(), modern=True).info(9)
    assert told(said) == {"version": "1", "bundle": 9}
    assert (said.topic, said.retain) == ("titik/v1/dprd-2/info", True)
