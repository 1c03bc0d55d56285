"""What is said of the way to the broker: each change once, and what only several ends show."""

from pathlib import Path

import pytest

from device.mqtt.pace import Pace
from device.mqtt.session_end import Cause, SessionError
from device.mqtt.weather import ALIKE, SOON, Weather
from tests.support.certificates import Authority

CUT = ("the broker closed the connection without a word", "look", Cause.CLOSED)


@pytest.fixture
def weather(caplog: pytest.LogCaptureFixture) -> Weather:
    caplog.set_level("INFO", "device.mqtt.weather")
    return Weather("bupati-1", None, "events are kept")


def test_each_change_is_said_once_with_what_next(weather: Weather, caplog: pytest.LogCaptureFixture) -> None:
    refused = SessionError("no broker at x:1: nobody", "systemctl", Cause.NETWORK)
    for one in (refused, refused, None, None, refused, SessionError("silence", "ping", Cause.SILENT), None):
        if one is None:
            weather.fair()
        else:
            weather.foul(one)
    assert caplog.messages == [
        "no broker at x:1: nobody; events are kept. Next: systemctl",
        "the broker is there",
        "no broker at x:1: nobody; events are kept. Next: systemctl",
        "silence; events are kept. Next: ping",
        "the broker is there",
    ]


def test_a_number_that_differs_is_no_change(weather: Weather, caplog: pytest.LogCaptureFixture) -> None:
    for size in (9_000, 9_001):
        weather.foul(SessionError(f"closed while {size} bytes were under way", "smaller", Cause.CLOSED_ON))
    assert len(caplog.messages) == 1


def test_sessions_that_soon_end_without_a_word_look_like_two_under_one_name(
    weather: Weather, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(ALIKE):
        weather.fair()
        weather.foul(SessionError(*CUT, lasted=4.0))
    assert "another client uses the name bupati-1" not in caplog.messages[-3]
    assert "another client uses the name bupati-1, or its certificate" in caplog.messages[-1]


@pytest.mark.parametrize(
    "between",
    [
        SessionError("refused", "x", Cause.NETWORK),
        SessionError(*CUT, lasted=SOON + 1),
        SessionError("closed", "x", Cause.CLOSED_EARLY),
        SessionError("closed", "x", Cause.CLOSED_ON, in_hand=(5,), lasted=SOON + 1),
    ],
)
def test_a_broker_that_is_away_or_a_session_that_lasted_is_another_thing(
    weather: Weather, caplog: pytest.LogCaptureFixture, between: SessionError
) -> None:
    for one in (
        SessionError(*CUT, lasted=4.0),
        SessionError(*CUT, lasted=4.0),
        between,
        SessionError(*CUT, lasted=4.0),
    ):
        weather.foul(one)
    assert "another client" not in caplog.text


def test_an_event_under_way_at_one_of_the_ends_changes_nothing(
    weather: Weather, caplog: pytest.LogCaptureFixture
) -> None:
    on = SessionError("closed on", "x", Cause.CLOSED_ON, in_hand=(600,), lasted=3.0)
    for one in (SessionError(*CUT, lasted=4.0), on, SessionError(*CUT, lasted=4.0), on, SessionError(*CUT, lasted=4.0)):
        weather.foul(one)
    assert "another client uses the name bupati-1" in caplog.text


def test_a_certificate_of_another_name_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pair = Authority(tmp_path).client("bupati-2")
    for file, ending in ((pair.certificate, "ours is made out for bupati-2"), (pair.key, "or its certificate")):
        weather = Weather("bupati-1", file, "events are kept")
        for _ in range(ALIKE):
            weather.foul(SessionError(*CUT, lasted=4.0))
        assert "another client uses the name bupati-1, or its certificate;" in caplog.messages[-1]
        assert ending in caplog.messages[-1]


def test_a_slow_line_is_said_once_and_its_end_once(weather: Weather, caplog: pytest.LogCaptureFixture) -> None:
    slow = Pace()
    for _ in range(9):
        slow.answered(3000, 4000, 4.0)
        weather.line(slow)
    weather.line(Pace())  # a new session knows nothing yet
    quick = Pace()
    while not quick.quick:
        weather.line(quick)
        quick.answered(quick.batch_bytes, quick.flight, 0.01)
    for _ in range(3):
        weather.line(quick)
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "the line to the broker is slow, some 1000 bytes a second",
        "the line to the broker is quick again",
    ]
