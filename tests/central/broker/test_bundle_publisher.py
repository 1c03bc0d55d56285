"""The bundle goes out after the receipts, counts as posted when the broker has it, and never stops the receipts."""

import itertools
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from central.broker.bundle_publisher import AROUND, FIRST_WAIT, MAX_WAIT, BundlePublisher
from central.store.database import Store
from central.store.status import look
from central.store.troubles import CENTRE, UNPOSTED
from device.wire import Topics, dumps
from tests.support.centre import CentreProgram, fake_station, receipt
from tests.support.framing import Packets
from tests.support.messages import NOW, event
from tests.support.world import Mosquitto, wait_for

TOPIC = Topics().bundle()
LARGE = 55_019
"""Bytes of a bundle with a roster of 3,000 numbers."""


def posting(folder: Path, size: int = LARGE) -> BundlePublisher:
    path = folder / "trust.cbor"
    path.write_bytes(bytes(size))
    return BundlePublisher(path)


def test_a_bundle_is_posted_when_the_broker_has_acknowledged_it(tmp_path: Path) -> None:
    one = posting(tmp_path)
    one.again(0.0)
    assert one.newer(TOPIC, None, 0.0) == bytes(LARGE)
    one.sent(7)
    assert one.acked(6, refused=False) is None
    assert one.acked(7, refused=False) == LARGE
    assert one.acked(7, refused=False) is None
    assert one.newer(TOPIC, None, 1.0) is None
    one.again(2.0)
    assert one.newer(TOPIC, None, 2.0) == bytes(LARGE), "another session, perhaps with another broker"


def test_a_bundle_with_which_sessions_end_is_tried_less_and_less_often(tmp_path: Path) -> None:
    one = posting(tmp_path)
    tries, now = [], 0.0
    while len(tries) < 9:
        one.again(now)
        if one.newer(TOPIC, None, now) is not None:
            tries.append(now)
            one.sent(7)
        now += 10.0
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses == [FIRST_WAIT + 10, 130, 250, 490, 970, 1930, MAX_WAIT + 10, MAX_WAIT + 10]
    assert one.fault is not None
    assert one.fault.why == f"the broker takes no message of {LARGE} bytes (it ended the session)"
    one.again(now)
    one.path.write_bytes(bytes(100)) if one.path else None
    assert one.newer(TOPIC, None, now) == bytes(100), "another file is another matter"
    one.sent(8)
    assert one.acked(8, refused=False) == 100
    assert one.fault is None


def test_a_bundle_that_the_broker_says_is_too_large_is_not_sent(tmp_path: Path) -> None:
    one = posting(tmp_path)
    least = LARGE + len(TOPIC) + AROUND
    for largest, octets in ((least - 1, None), (least, bytes(LARGE)), (None, bytes(LARGE))):
        one.again(0.0)
        assert one.newer(TOPIC, largest, 0.0) == octets
        if octets is None:
            assert one.fault is not None
            assert one.fault == (
                f"the broker takes no message of {LARGE} bytes ({largest} at most)",
                f"max_packet_size in mosquitto.conf, {LARGE + 2 * AROUND} or more; restart the broker",
                LARGE,
                largest,
            )
            assert one.newer(TOPIC, largest, 0.0) is None


def test_a_bundle_that_the_broker_refuses_is_not_posted(tmp_path: Path) -> None:
    one = posting(tmp_path)
    one.again(0.0)
    one.newer(TOPIC, None, 0.0)
    one.sent(7)
    assert one.acked(7, refused=True) is None
    assert one.fault is not None
    assert one.fault.why == "the broker refuses it"


@pytest.mark.parametrize("protocol", [5, 4])
def test_a_bundle_larger_than_the_broker_takes_stops_no_receipt(tmp_path: Path, protocol: int) -> None:
    bundle = tmp_path / "trust.cbor"
    bundle.write_bytes(bytes(LARGE))
    more = f'protocol = {protocol}\n[trust]\nbundle = "{bundle}"'
    said = f"no bundle can be posted: the broker takes no message of {LARGE} bytes"
    with Mosquitto(tmp_path, "max_packet_size 20000") as broker:
        with CentreProgram(tmp_path / "centre", broker.port, more) as centre, fake_station(broker) as point:
            told = [event(seq) for seq in range(1, 21)]
            life = point.centre("online")["centre"]
            for one in told[:10]:
                point.send(dumps(one))
            assert point.receipts(10) == [receipt(life, one) for one in told[:10]]
            centre.says(said)
            wait_for(lambda: point.centre("online").get("faults") == ["bundle"], what="its state knows it")
            for one in told[10:]:
                point.send(dumps(one))
            assert point.receipts(10) == [receipt(life, one) for one in told[10:]]
            assert "is posted for all points" not in centre.err
            assert centre.stop() == 0
        assert centre.err.count(said) == 1
        assert centre.err.count("the broker is there") == (1 if protocol == 5 else 2)
        assert "Next: max_packet_size in mosquitto.conf" in centre.err
        assert len(look(centre.database).points["bupati-1"].gaps) == 0
        with Store(centre.database, NOW) as store:
            (trouble,) = store.troubles()
            assert (trouble.point, trouble.word, trouble.details["bytes"]) == (CENTRE, UNPOSTED, LARGE)
            assert trouble.details["largest"] == (20_000 if protocol == 5 else None)
        # A smaller one is posted, and then nothing is wrong any more.
        bundle.write_bytes(bytes(100))
        with CentreProgram(tmp_path / "centre", broker.port, more) as centre, fake_station(broker) as point:
            centre.says("the bundle of 100 bytes is posted for all points")
            wait_for(lambda: "faults" not in point.centre("online"), what="its state knows it")
            assert centre.stop() == 0
        with Store(centre.database, NOW) as store:
            assert store.troubles() == []


class Slow:
    """A broker that delivers one event at once, takes everything, and acknowledges a bundle when it is told to."""

    def __init__(self) -> None:
        self.order: list[str] = []
        """The topics of what it was sent, in their order."""
        self.may = Event()

    @contextmanager
    def serving(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = Thread(target=self._serve, args=(server,))
            thread.start()
            try:
                yield server.getsockname()[1]
            finally:
                self.may.set()
                thread.join()

    def _serve(self, server: socket.socket) -> None:
        conn, _ = server.accept()
        with conn:
            for kind, body in Packets(conn):
                if kind >> 4 == 1:
                    conn.sendall(b"\x20\x02\x01\x00")
                elif kind >> 4 == 8:
                    conn.sendall(b"\x90\x08" + body[:2] + bytes(6))
                    self._deliver(conn, event(1))
                elif kind >> 4 == 3:
                    size = struct.unpack("!H", body[:2])[0]
                    self.order.append(body[2 : 2 + size].decode())
                    if self.order[-1] == TOPIC:
                        self.may.wait(3600)
                    conn.sendall(b"\x40\x02" + body[2 + size : 4 + size])
                elif kind >> 4 == 12:
                    conn.sendall(b"\xd0\x00")

    @staticmethod
    def _deliver(conn: socket.socket, told: dict[str, object]) -> None:
        topic, body = b"titik/v1/bupati-1/event", dumps(told)
        packet = struct.pack("!H", len(topic)) + topic + b"\x00\x07" + body
        size = bytes([len(packet) & 0x7F | 0x80, len(packet) >> 7])
        conn.sendall(b"\x32" + size + packet)


def test_receipts_go_before_the_bundle_and_it_is_posted_after_its_puback(tmp_path: Path) -> None:
    bundle = tmp_path / "trust.cbor"
    bundle.write_bytes(b"as the desk signed it")
    slow = Slow()
    with (
        slow.serving() as port,
        CentreProgram(tmp_path / "centre", port, f'protocol = 4\n[trust]\nbundle = "{bundle}"') as centre,
    ):
        wait_for(lambda: TOPIC in slow.order, what="the bundle is sent")
        assert slow.order.index("titik/v1/bupati-1/receipt") < slow.order.index(TOPIC)
        assert "is posted" not in centre.err
        slow.may.set()
        centre.says("the bundle of 21 bytes is posted for all points")
        centre.kill()
