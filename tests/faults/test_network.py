"""What a network may do between a station and its broker; nothing is lost, and the station goes on by itself."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from device.config import BrokerSettings, DeliverySettings
from device.delivery.announcements import Sender
from device.delivery.courier import Courier
from device.mqtt_client import Link, SessionError
from device.record.outbox import Outbox
from device.wire import Message
from tests.faults.chaos import Site, whole
from tests.faults.link import Mood, Relay
from tests.support.courier import SOON, FakeCentre, append, until
from tests.support.world import Mosquitto, wait_for


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db", 100_000) as opened:
        yield opened


@contextmanager
def courier(outbox: Outbox, port: int, host: str = "127.0.0.1") -> Iterator[Courier]:
    broker = BrokerSettings(host=host, port=port, keepalive=5, tls=False)
    with Courier(outbox, broker, DeliverySettings(), Sender("bupati-1", "boot-1", {}), pauses=SOON) as bike:
        yield bike


def all_once(centre: FakeCentre, ids: list[str]) -> None:
    """Check that the first coming of each event is in the order of writing; what comes again is no matter."""
    assert list(dict.fromkeys(one["id"] for one in centre.got)) == ids


def test_a_reset_in_mid_stream_is_weather(tmp_path: Path, outbox: Outbox) -> None:
    ids = append(outbox, 600)
    with Mosquitto(tmp_path) as broker, Relay(broker.port) as relay, FakeCentre(broker.port) as centre:
        with courier(outbox, relay.port):
            for share in (100, 300):
                until(centre, lambda share=share: len(centre.got) > share)
                relay.cut()
            until(centre, lambda: outbox.depth().owed == 0)
        all_once(centre, ids)


@whole
@pytest.mark.parametrize("mood", [Mood.HOLE, Mood.DEAF, Mood.MUTE, Mood.SLOW])
def test_a_link_that_holds_back_longer_than_the_keep_alive_is_left_and_made_anew(tmp_path: Path, mood: Mood) -> None:
    """With MUTE the backlog fills the station's own send buffer; a slow link is no reason to leave it."""
    with Site(tmp_path, stations=1, rate=300) as site:
        name = site.names[0]
        wait_for(lambda: len(site.shown(name)) > 20)
        link, before = site.links[name], site.links[name].taken
        link.mood = mood
        count = len(site.shown(name))
        wait_for(lambda: len(site.shown(name)) > count + 1500 and (mood is Mood.SLOW or link.taken > before))
        assert site.owed() > 1000
        link.mood = Mood.WELL
        site.quiet()
        wait_for(lambda: site.owed() == 0)
        found = site.count()
        assert found.well, found


@whole
def test_a_path_that_lets_only_small_packets_through_delivers_when_it_is_mended(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, Relay(broker.port) as relay, FakeCentre(broker.port) as centre:
        relay.mood = Mood.SMALL
        ids = append(outbox, 300)
        with courier(outbox, relay.port) as bike:
            until(centre, lambda: centre.states() and relay.taken > 1)  # CONNECT passed; the batches did not
            assert outbox.depth().owed == 300
            relay.mood = Mood.WELL
            until(centre, lambda: outbox.depth().owed == 0)
            bike.check()
        all_once(centre, ids)


def test_a_name_that_no_name_server_knows_is_weather_in_one_sentence(outbox: Outbox) -> None:
    link = Link(BrokerSettings(host="broker.invalid", port=1883, tls=False), "bupati-1", will=Message("t", b""))
    with pytest.raises(SessionError, match=r"^no broker at broker\.invalid:1883: "):
        link.__enter__()
    with courier(outbox, 1883, "broker.invalid") as bike:
        append(outbox, 1)
        bike.check()
    assert outbox.depth().owed == 1


class Portal(http.server.BaseHTTPRequestHandler):
    """A hotel's network: whatever is asked, a page to log in."""

    def handle_one_request(self) -> None:
        self.request.recv(1000)
        page = b"<html>Silakan masuk</html>" * 40
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page))
        self.close_connection = True


def test_a_captive_portal_is_no_broker_and_no_receipt(tmp_path: Path, outbox: Outbox) -> None:
    ids = append(outbox, 40)
    with http.server.HTTPServer(("127.0.0.1", 0), Portal) as portal, Mosquitto(tmp_path) as broker:
        serving = threading.Thread(target=portal.serve_forever, args=(0.02,))
        serving.start()
        try:
            with Relay(portal.server_port) as relay, FakeCentre(broker.port) as centre:
                link = Link(BrokerSettings(port=relay.port), "bupati-1", will=Message("t", b""))
                with pytest.raises(SessionError):
                    link.__enter__()
                with courier(outbox, relay.port) as bike:
                    wait_for(lambda: relay.passed > 3000)  # two pages, at least
                    bike.check()
                    assert outbox.depth().owed == 40
                    relay.to = broker.port  # somebody has logged in
                    until(centre, lambda: outbox.depth().owed == 0)
                all_once(centre, ids)
        finally:
            portal.shutdown()
            serving.join()


def test_a_broker_that_moved_to_another_address_is_found_by_its_name(tmp_path: Path, outbox: Outbox) -> None:
    """The same name leads to another address: the first broker and all it held are gone."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(Mosquitto(tmp_path)) for _ in range(2))
        relay = stack.enter_context(Relay(first.port))
        with courier(outbox, relay.port):
            ids = append(outbox, 40)
            wait_for(lambda: relay.passed > 2_000)  # taken by the first broker, which has no centre
            relay.to = second.port
            relay.cut()
            with FakeCentre(second.port) as centre:
                until(centre, lambda: outbox.depth().owed == 0)
                all_once(centre, ids)


def test_a_second_broker_of_the_same_name_gets_no_promise(tmp_path: Path, outbox: Outbox) -> None:
    """What a wrong broker acknowledges is not held: it comes to the right one all the same."""
    with ExitStack() as stack:
        right, wrong = (stack.enter_context(Mosquitto(tmp_path)) for _ in range(2))
        relay = stack.enter_context(Relay(wrong.port))
        centre = stack.enter_context(FakeCentre(right.port))
        stack.enter_context(courier(outbox, relay.port))
        ids = append(outbox, 40)
        wait_for(lambda: relay.passed > 2_000)
        assert outbox.depth().owed == 40
        relay.to = right.port
        relay.cut()
        until(centre, lambda: outbox.depth().owed == 0)
        all_once(centre, ids)


@whole
def test_a_week_s_backlog_drains_in_order_while_people_go_on_being_decided(tmp_path: Path, outbox: Outbox) -> None:
    """10,000 events of a week without a network, and then new ones all the while."""
    ids = append(outbox, 10_000)
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:

        def through() -> bool:
            if len(ids) < 10_500:
                ids.extend(append(outbox, 1))
                bike.wake()
            return outbox.depth().owed == 0 and len(ids) == 10_500

        wait_for(lambda: (centre.turn(), through())[1])
        all_once(centre, ids)


def test_the_relay_cuts_with_a_reset_and_holds_what_it_holds(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        Relay(broker.port) as relay,
        socket.create_connection(("127.0.0.1", relay.port)) as sock,
    ):
        relay.mood = Mood.HOLE
        sock.sendall(b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02me")
        sock.settimeout(0.3)  # nothing comes, however long one waits
        with pytest.raises(TimeoutError):
            sock.recv(4)
        relay.mood = Mood.WELL
        sock.settimeout(None)
        assert sock.recv(4) == b"\x20\x02\x00\x00"
        relay.cut()
        with pytest.raises(ConnectionResetError):
            sock.recv(4)
