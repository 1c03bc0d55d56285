"""A backlog gets through whatever the broker and the line allow: slowly, in small pieces, a few at a time."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import pytest

from device.config import BrokerSettings, DeliverySettings
from device.delivery.announcements import Sender
from device.delivery.courier import Courier
from device.model import Event, Place
from device.mqtt_client import Link
from device.record.outbox import Outbox
from device.wire import Message, dumps
from tests.faults.narrow import Narrow
from tests.faults.strict import Strict
from tests.support.centre import CentreProgram
from tests.support.courier import SOON, FakeCentre, until
from tests.support.messages import event
from tests.support.world import Mosquitto, wait_for

EVENT = 600
"""Bytes of an event."""


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db", 10_000) as opened:
        yield opened


def append(outbox: Outbox, count: int, size: int = EVENT) -> list[str]:
    def padded(place: Place) -> Event:
        id_ = f"{place.epoch}-{place.seq}"
        told = {"id": id_, "epoch": place.epoch, "seq": place.seq, "pad": ""}
        return Event(place, id_, dumps({**told, "pad": "x" * (size - len(dumps(told)))}))

    return [outbox.append(padded).id for _ in range(count)]


def courier(outbox: Outbox, port: int, **more: Any) -> Courier:
    broker = BrokerSettings.model_construct(**{"port": port, "keepalive": 5, **more})
    return Courier(outbox, broker, DeliverySettings(), Sender("bupati-1", "boot-1", {"about": "x" * 2000}), pauses=SOON)


def firsts(centre: FakeCentre) -> list[str]:
    """Return the ids in the order of their first coming."""
    return list(dict.fromkeys(str(one["id"]) for one in centre.got))


def messages(centre: FakeCentre) -> list[bytes]:
    return [one.body for one in centre.messages if one.topic.endswith("/event")]


@pytest.mark.parametrize("protocol", [5, 4])
def test_a_backlog_gets_through_a_line_of_a_thousand_bytes_a_second(
    tmp_path: Path,
    outbox: Outbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    protocol: Literal[4, 5],
) -> None:
    """Twenty times as quick as that, and with all times a twentieth: the bytes are as they are."""
    monkeypatch.setattr("device.mqtt.pace.AIM", 2.5 / 20)
    monkeypatch.setattr("device.mqtt.pace.SLOW", 4000.0 * 20)
    monkeypatch.setattr("device.delivery._reachability.DEAF", 20.0 / 20)
    ids = append(outbox, 70)
    with Mosquitto(tmp_path) as real, Narrow(real.port, 1000 * 20) as narrow, FakeCentre(real.port) as centre:
        with courier(outbox, narrow.port, protocol=protocol, keepalive=1):
            until(centre, lambda: outbox.depth().owed == 0)
        assert (firsts(centre), narrow.taken) == (ids, 1)
    assert len(centre.got) == len(ids), "nothing went twice"
    assert caplog.text.count("the line to the broker is slow, some") == 1
    assert "ACL" not in caplog.text


def test_one_message_that_takes_longer_than_the_keep_alive_allows_still_leaves(tmp_path: Path, outbox: Outbox) -> None:
    """25 kB that cannot be cut, at 10 kB a second, and a broker that must answer within one and a half seconds."""
    ids = append(outbox, 1, 25_000)
    with Mosquitto(tmp_path) as real, Narrow(real.port, 10_000) as narrow, FakeCentre(real.port) as centre:
        with courier(outbox, narrow.port, keepalive=1):
            until(centre, lambda: outbox.depth().owed == 0)
        assert (firsts(centre), narrow.taken, len(centre.got)) == (ids, 1, 1)


@pytest.mark.parametrize("most", [1, 2, 5, 10, 16])
def test_a_broker_s_receive_maximum_is_kept_to_by_a_backlog_of_single_events_and_of_batches(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture, most: int
) -> None:
    ids = append(outbox, 18)
    with (
        Mosquitto(tmp_path, f"max_inflight_messages {most}") as real,
        Strict(real.port, most) as strict,
        FakeCentre(real.port) as centre,
        courier(outbox, strict.port) as bike,
    ):
        until(centre, lambda: outbox.depth().owed == 0)
        ids += append(outbox, 120)
        bike.wake()
        until(centre, lambda: outbox.depth().owed == 0)
        assert (firsts(centre), strict.thrown_out, strict.taken) == (ids, 0, 1)
    assert "ended the session" not in caplog.text


@pytest.mark.parametrize("most", [1, 5])
def test_on_3_1_1_the_number_is_a_setting(tmp_path: Path, outbox: Outbox, most: int) -> None:
    ids = append(outbox, 18)
    with Mosquitto(tmp_path) as real, Strict(real.port, most) as strict, FakeCentre(real.port) as centre:
        with courier(outbox, strict.port, protocol=4, in_flight=most):
            until(centre, lambda: outbox.depth().owed == 0)
        assert (firsts(centre), strict.thrown_out) == (ids, 0)


@pytest.mark.parametrize(("protocol", "says"), [(4, False), (5, False), (5, True)])
def test_a_broker_that_says_nothing_of_its_limit_is_found_out(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture, protocol: Literal[4, 5], *, says: bool
) -> None:
    ids = append(outbox, 18)
    with (
        Mosquitto(tmp_path) as real,
        Strict(real.port, 4, says=says) as strict,
        FakeCentre(real.port) as centre,
        courier(outbox, strict.port, protocol=protocol),
    ):
        until(centre, lambda: outbox.depth().owed == 0)
        assert sorted(firsts(centre)) == sorted(ids)
        assert 0 < strict.thrown_out < 8
    assert "perhaps the broker takes no more: batches of" in caplog.text
    assert "Next: " in caplog.text


def test_the_last_word_is_said_also_where_one_message_at_a_time_is_taken(tmp_path: Path, outbox: Outbox) -> None:
    with (
        Mosquitto(tmp_path, "max_inflight_messages 1") as real,
        Strict(real.port, 1) as strict,
        FakeCentre(real.port) as centre,
    ):
        with courier(outbox, strict.port) as bike:
            until(centre, lambda: bike.linked)
        until(centre, lambda: centre.states()[-1]["state"] == "stopped")


@pytest.mark.parametrize("protocol", [5, 4])
def test_a_backlog_gets_through_a_broker_that_takes_only_small_messages(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture, protocol: Literal[4, 5]
) -> None:
    ids = append(outbox, 260)
    with (
        Mosquitto(tmp_path, "max_packet_size 16000") as real,
        FakeCentre(real.port) as centre,
        courier(outbox, real.port, protocol=protocol),
    ):
        until(centre, lambda: outbox.depth().owed == 0)
        assert sorted(firsts(centre)) == sorted(ids)
        assert max(map(len, messages(centre))) <= 16_000
        if protocol == 5:
            assert max(map(len, messages(centre))) > 14_000, "as large as it takes"
            assert "closed the connection" not in caplog.text
        else:
            assert "while a message of" in caplog.text


@pytest.mark.parametrize("protocol", [5, 4])
def test_an_event_larger_than_the_broker_takes_is_said_and_kept_and_the_others_arrive(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture, protocol: Literal[4, 5]
) -> None:
    ids = append(outbox, 3)
    (large,) = append(outbox, 1, 5000)
    ids += append(outbox, 3)
    with (
        Mosquitto(tmp_path, "max_packet_size 3000") as real,
        FakeCentre(real.port) as centre,
        courier(outbox, real.port, protocol=protocol) as bike,
    ):
        until(centre, lambda: outbox.depth().owed == 1 and bike._reachability.large)
        assert sorted(firsts(centre)) == sorted(ids)
        assert [row.event.id for row in outbox.owed(0, 9)] == [large]
        until(centre, lambda: centre.states()[-1]["faults"] == ["too-large"])
        assert bike.linked
        ids += append(outbox, 3)
        bike.wake()
        until(centre, lambda: sorted(firsts(centre)) == sorted(ids))
    words = "larger than the broker takes" if protocol == 5 else "sessions ended while one event of 5000 bytes"
    assert caplog.text.count(words) == 1


def test_what_was_left_out_is_tried_again_after_a_while(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.delivery._poison_messages.AGAIN", 0.5)
    (large,) = append(outbox, 1, 5000)
    with Mosquitto(tmp_path, "max_packet_size 3000") as real, FakeCentre(real.port) as centre, ExitStack() as stack:
        bike = stack.enter_context(courier(outbox, real.port, protocol=4))
        until(centre, lambda: bike._poison.ids)
        real.kill()
        real._conf = real._conf.replace("max_packet_size 3000", "")
        real.start()
        with FakeCentre(real.port) as other:
            until(other, lambda: outbox.depth().owed == 0)
            assert firsts(other) == [large]


def test_the_centre_too_finds_out_what_a_broker_takes_at_once_that_does_not_say_it(tmp_path: Path) -> None:
    names = [f"bupati-{n}" for n in range(1, 5)]
    with (
        Mosquitto(tmp_path) as real,
        Strict(real.port, 4, says=False) as strict,
        CentreProgram(tmp_path / "centre", strict.port, "protocol = 4") as centre,
        ExitStack() as stack,
    ):
        centre.says("state online")
        outboxes = [stack.enter_context(Outbox(tmp_path / f"{name}.db", 1_000)) for name in names]
        for name, outbox in zip(names, outboxes, strict=True):

            def composed(place: Place, name: str = name) -> Event:
                told = event(place.seq, point=name, epoch=place.epoch)
                return Event(place, str(told["id"]), dumps(told))

            for _ in range(60):
                outbox.append(composed)
            stack.enter_context(
                Courier(outbox, BrokerSettings(port=real.port), DeliverySettings(), Sender(name, "boot-1", {}))
            )
        wait_for(lambda: not any(outbox.depth().owed for outbox in outboxes), "every event is receipted")
        assert 1 < strict.thrown_out < 8
        assert "perhaps the broker takes no more" in centre.err


def test_what_was_left_out_is_tried_again_also_where_another_was_under_way_when_its_time_came(
    tmp_path: Path, outbox: Outbox
) -> None:
    """A session that lasts for days begins nothing anew: the event must not be owed for as long."""
    (left_out,) = append(outbox, 1)
    with Mosquitto(tmp_path) as real, FakeCentre(real.port) as centre:
        bike = courier(outbox, real.port)
        bike._poison.ids[left_out] = float("inf")
        with bike:
            (other,) = append(outbox, 1)
            bike.wake()
            until(centre, lambda: firsts(centre) == [other], answer=False)
            bike._poison.ids[left_out] = 0.0
            for _ in range(5):  # each is a look round, or several
                bike.wake()
                centre.turn(answer=False)
            centre.receipt(centre.got)
            until(centre, lambda: outbox.depth().owed == 0)
            assert firsts(centre) == [other, left_out]


@pytest.mark.parametrize("protocol", [5, 4])
def test_two_stations_of_one_name_are_told_so(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture, protocol: Literal[4, 5]
) -> None:
    with (
        Mosquitto(tmp_path) as real,
        Outbox(tmp_path / "other.db", 1000) as other,
        courier(outbox, real.port, protocol=protocol),
        courier(other, real.port, protocol=protocol),
    ):
        wait_for(lambda: "another client" in caplog.text)
    assert "each point has its own name, and a certificate with that name as CN" in caplog.text


def test_a_long_message_that_comes_before_the_receipts_is_no_reason_to_look_at_the_acl_or_to_send_again(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The broker has the events; then 60 kB come down a narrow line, and the receipts behind them."""
    monkeypatch.setattr("device.delivery._reachability.DEAF", 0.6)
    with (
        Mosquitto(tmp_path) as real,
        Narrow(real.port, 30_000) as narrow,
        FakeCentre(real.port) as centre,
        Link(BrokerSettings(port=real.port), "desk", will=Message("t", b"")) as desk,
        courier(outbox, narrow.port) as bike,
    ):
        until(centre, lambda: bike.linked)
        ids = append(outbox, 3)
        bike.wake()
        until(centre, lambda: len(centre.got) == 3 and not bike._window.flying, answer=False)
        desk.publish(Message("titik/v1/bupati-1/request/ping", b" " * 60_000))
        wait_for(lambda: desk.turn(0.05))
        for batch in bike._window.batches:
            batch.due = monotonic() + 0.5
        for event in list(centre.got):
            centre.receipt([event])
        until(centre, lambda: outbox.depth().owed == 0)
        assert [one["id"] for one in centre.got] == ids
    assert "no receipt" not in caplog.text
