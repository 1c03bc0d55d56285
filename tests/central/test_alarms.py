"""What is out of order is said once, noted while it lasts, and is part of the centre's own state."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from central.alarms import Alarms
from central.broker.bundle_publisher import PostingFault
from central.store.troubles import CENTRE, LATE, RIVAL, TWIN, UNPOSTED
from tests.support.messages import NOW
from tests.support.store import CentreStore


def test_a_point_that_waits_is_said_once_and_named_until_nothing_of_it_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with CentreStore(tmp_path) as centre:
        alarms = Alarms(centre.store)
        assert alarms.wire() == {}
        for waiting in (300, 400, 500):
            alarms.note_late({"dprd-1": waiting})
        alarms.note_late({"dprd-1": 600, "bupati-1": 7})
        assert alarms.wire() == {"late": ["bupati-1", "dprd-1"]}
        assert [(one.point, one.word, one.details) for one in centre.store.troubles()] == [
            ("bupati-1", LATE, {"waiting": 7}),
            ("dprd-1", LATE, {"waiting": 300}),
        ]
        alarms.note_late({"bupati-1": 8})
        alarms.note_late({})
        assert alarms.wire() == {}
        assert centre.store.troubles() == []
    told = [record.getMessage() for record in caplog.records]
    assert [text.split(":")[0] for text in told if "more than its share" in text] == ["dprd-1", "bupati-1"]
    assert [text.split(":")[0] for text in told if "nothing of it waits" in text] == ["dprd-1", "bupati-1"]


def test_why_the_bundle_is_not_posted_is_said_once_a_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with CentreStore(tmp_path) as centre:
        alarms = Alarms(centre.store)
        for why in ("a", "a", "b", None, None):
            alarms.note_fault(None if why is None else PostingFault(why, "do this", 5, 4))
            assert alarms.wire() == ({} if why is None else {"faults": ["bundle"]})
            noted = [one.details for one in centre.store.troubles()]
            assert noted == ([] if why is None else [{"why": why, "bytes": 5, "largest": 4}])
    assert [record.getMessage() for record in caplog.records] == [
        "no bundle can be posted: a. Next: do this",
        "no bundle can be posted: b. Next: do this",
    ]


def test_what_a_process_before_left_is_over_or_goes_on(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        with centre.store.writing():
            for point, word in (("dprd-1", LATE), (CENTRE, UNPOSTED), ("dprd-1", TWIN), (CENTRE, RIVAL)):
                centre.store.trouble(point, word, {}, NOW)
        alarms = Alarms(centre.store)
        alarms.look_round(NOW + timedelta(minutes=1))
        assert [(one.point, one.word) for one in centre.store.troubles()] == [(CENTRE, RIVAL), ("dprd-1", TWIN)]
        assert alarms.wire() == {"faults": ["rival"]}
        alarms.look_round(NOW + timedelta(minutes=11))
        assert centre.store.troubles() == []
        assert alarms.wire() == {}


def test_a_clock_that_was_set_back_ends_what_it_cannot_date(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        with centre.store.writing():
            centre.store.trouble("dprd-1", TWIN, {}, NOW)
        Alarms(centre.store).look_round(NOW - timedelta(hours=1))
        assert centre.store.troubles() == []


def test_another_centre_is_said_once_while_it_is_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with CentreStore(tmp_path) as centre:
        alarms = Alarms(centre.store)
        for _ in range(3):
            alarms.note_rival("life\x1b")
        (record,) = caplog.records
        assert "its database is 'life\\x1b', ours " in record.getMessage()
        assert alarms.wire() == {"faults": ["rival"]}
