"""What a broker may do: forget, refuse, drop, stall, send home, expire; nobody forgets an event for its word."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from device.config import BrokerSettings, DeliverySettings
from device.delivery.announcements import Sender
from device.delivery.courier import Courier
from device.mqtt_client import Link, SessionError
from device.record.outbox import Outbox
from device.wire import Acked, Message
from tests.faults.chaos import ALLOWED, NO_EVENTS, whole
from tests.support.certificates import Authority, Pair
from tests.support.courier import SOON, TOPICS, FakeCentre, append, until
from tests.support.world import Mosquitto, free_port, wait_for

DAY = timedelta(days=1)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db", 100_000) as opened:
        yield opened


def courier(outbox: Outbox, port: int, **more: object) -> Courier:
    sender = Sender("bupati-1", "boot-1", {})
    return Courier(outbox, BrokerSettings(port=port, keepalive=5), DeliverySettings(**more), sender, pauses=SOON)  # type: ignore[arg-type]  # a test may say anything


def firsts(centre: FakeCentre) -> list[str]:
    """Return the ids in the order of their first coming."""
    return list(dict.fromkeys(str(one["id"]) for one in centre.got))


@whole  # a message goes again after five seconds
@pytest.mark.parametrize("until_", ["receipt", "puback"])
def test_what_no_subscriber_wanted_is_kept(tmp_path: Path, outbox: Outbox, until_: str) -> None:
    """PUBACK 0x10: taken, and thrown away; even who trusts the broker's word does not forget then."""
    with (
        Mosquitto(tmp_path) as broker,
        Link(BrokerSettings(port=broker.port), "probe", will=Message("t", b"")) as probe,
        courier(outbox, broker.port, until=until_) as bike,
    ):
        ids = append(outbox, 30)
        bike.wake()
        answers: list[Acked] = []

        def answered() -> bool:
            probe.publish(Message(TOPICS.of("bupati-1", "event"), b"{}"))
            answers.extend(one for one in probe.turn(0.05) if isinstance(one, Acked))
            return len(answers) > 5

        wait_for(answered)
        assert {one.code for one in answers} == {0x10}
        assert outbox.depth().owed == 30
        with FakeCentre(broker.port) as centre:
            until(centre, lambda: outbox.depth().owed == 0 and len(firsts(centre)) == len(ids))
            assert sorted(firsts(centre)) == sorted(ids)  # what goes again within a session comes later


@whole
def test_what_the_broker_s_queue_dropped_comes_again(tmp_path: Path, outbox: Outbox) -> None:
    """A subscriber that is away, a queue of ten: the broker acknowledges all, and drops what is past it."""
    with Mosquitto(tmp_path, conf_of(queued=10)) as broker:
        ids = append(outbox, 60)
        late = Link(BrokerSettings(port=broker.port), "late", will=Message("t", b""), clean=False)
        with late:
            late.subscribe([TOPICS.every("event")])
            late.turn(0.2)
        with courier(outbox, broker.port, window=100) as bike:
            bike.wake()
            wait_for(lambda: len(bike._window.batches) > 0 and not bike._window._mids)
            assert outbox.depth().owed == 60
            with FakeCentre(broker.port) as centre:
                until(centre, lambda: outbox.depth().owed == 0)
                assert sorted(firsts(centre)) == sorted(ids)  # what goes again within a session comes later


def conf_of(queued: int) -> str:
    return f"max_queued_messages {queued}"


@whole
def test_an_acl_taken_away_in_mid_stream_is_said_and_loses_nothing(
    tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    port, acl = free_port(), tmp_path / "acl"
    acl.write_text(ALLOWED)
    with Mosquitto(tmp_path, f"acl_file {acl}", port=port) as broker, FakeCentre(port) as centre:
        assert broker._child is not None
        with courier(outbox, port) as bike:
            ids = append(outbox, 30)
            bike.wake()
            until(centre, lambda: outbox.depth().owed == 0)
            acl.write_text(NO_EVENTS)
            os.kill(broker._child.pid, signal.SIGHUP)

            def refused() -> bool:
                ids.extend(append(outbox, 1))
                bike.wake()
                return "the broker refuses what we ask" in caplog.text

            until(centre, refused)
            assert outbox.depth().owed > 0
            acl.write_text(ALLOWED)
            os.kill(broker._child.pid, signal.SIGHUP)
            until(centre, lambda: outbox.depth().owed == 0)
        assert sorted(firsts(centre)) == sorted(ids)  # what goes again within a session comes later


@whole
def test_a_broker_that_stalls_with_its_socket_open_is_left(tmp_path: Path, outbox: Outbox) -> None:
    """SIGSTOP for longer than the keep-alive allows: the kernel still takes what is sent."""
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        assert broker._child is not None
        until(centre, lambda: bike.linked)
        os.kill(broker._child.pid, signal.SIGSTOP)
        try:
            ids = append(outbox, 30)
            bike.wake()
            wait_for(lambda: not bike.linked)
            assert outbox.depth().owed == 30
        finally:
            os.kill(broker._child.pid, signal.SIGCONT)
        until(centre, lambda: outbox.depth().owed == 0)
        assert firsts(centre) == ids


def test_a_station_whose_name_is_taken_comes_back_and_loses_nothing(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        until(centre, lambda: bike.linked)
        ids: list[str] = []
        for _ in range(3):
            with Link(BrokerSettings(port=broker.port), "bupati-1", will=Message("t", b"")):
                wait_for(lambda: not bike.linked)
                ids += append(outbox, 10)
            until(centre, lambda: bike.linked)
        until(centre, lambda: outbox.depth().owed == 0)
        assert firsts(centre) == ids


# --- certificates ---


def encrypted(tmp_path: Path, authority: Authority, server: Pair) -> Mosquitto:
    """Return a broker that shows *server*, and lets in who has a certificate of *authority*."""
    port = free_port()
    lines = [
        f"listener {port} 127.0.0.1",
        f"cafile {authority.ca}",
        f"certfile {server.certificate}",
        f"keyfile {server.key}",
        "require_certificate true",
        "use_identity_as_username true",
        *(["user root"] if os.geteuid() == 0 else []),
    ]
    return Mosquitto(tmp_path, conf="\n".join([*lines, ""]), port=port)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves the socket to be collected
@pytest.mark.parametrize(
    ("server", "client", "said"),
    [
        (timedelta(), timedelta(), None),
        (-DAY, timedelta(), "certificate has expired"),
        (DAY, timedelta(), "certificate is not yet valid"),
        (timedelta(), -DAY, "."),
        (timedelta(), DAY, "."),
    ],
)
def test_a_certificate_out_of_its_time_is_no_link_and_is_said(
    tmp_path: Path, server: timedelta, client: timedelta, said: str | None
) -> None:
    authority = Authority(tmp_path / "files")
    own = authority.client("bupati-1", client)
    with encrypted(tmp_path, authority, authority.server(server)) as broker:
        told = BrokerSettings(port=broker.port, tls=True, ca=authority.ca, certificate=own.certificate, key=own.key)
        link = Link(told, "bupati-1", will=Message("t", b""))
        with ExitStack() as stack:
            if said is not None:
                stack.enter_context(pytest.raises(SessionError, match=said))
            with link:
                link.turn(0.1)
