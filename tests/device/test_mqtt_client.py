"""The link against brokers of a few lines, and real ones: their limits, their floods, and what is said of ends."""

import gc
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import paho.mqtt.client
import pytest

from device.config import BrokerSettings
from device.mqtt.connection import STALLED, Timeouts
from device.mqtt.framing import MAX_PROPERTIES
from device.mqtt.paho_client import ConnectionClient
from device.mqtt.session_end import Cause
from device.mqtt_client import MAX_PACKET, Link, SessionError
from device.wire import Acked, Message, Received
from tests.faults.narrow import Narrow
from tests.support.certificates import Authority, Pair
from tests.support.framing import length
from tests.support.world import PATIENCE, REPOSITORY, Mosquitto, free_port, wait_for

DAY = timedelta(days=1)
WILL = Message("t", b"")
ALL_WELL = b"\x20\x03\x00\x00\x00"


def connack(code: int = 0, properties: bytes = b"") -> bytes:
    body = bytes([0, code]) + length(len(properties)) + properties
    return b"\x20" + length(len(body)) + body


@contextmanager
def broker(says: Callable[[socket.socket], None], *, first: bytes = ALL_WELL, listens: bool = True) -> Iterator[int]:
    """Bind a broker that takes one client, hears it, says *first* and does what *says*; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)

        def serve() -> None:
            with suppress(OSError):
                line, _ = server.accept()
                with line:
                    line.settimeout(PATIENCE)
                    if listens:
                        line.recv(1000)
                        line.sendall(first)
                    says(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join()


def nothing(_line: socket.socket) -> None:
    """Say no more, and close."""


def hold(line: socket.socket) -> None:
    """Say no more until the other side closes."""
    while line.recv(1000):
        pass


def until_broken(link: Link, *messages: Message, seconds: float = 0.05) -> SessionError:
    """Return how the session ended after *messages* were said in it."""

    def live() -> None:
        with link:
            for message in messages:
                link.publish(message)
            while True:
                link.turn(seconds)

    with pytest.raises(SessionError) as caught:
        live()
    return caught.value


def said(link: Link, *messages: Message) -> tuple[Cause, str, str]:
    broken = until_broken(link, *messages)
    return broken.cause, broken.what, broken.following


# --- what paho has no public way for ---


def test_what_the_client_reaches_into_is_as_it_was() -> None:
    """Another paho may call these otherwise: then the bounds are not there, and this says so first."""
    source = Path(paho.mqtt.client.__file__).read_text(encoding="utf-8")
    for words in (
        "self._sock = self._create_socket()",
        "return self._handle_publish()",
        "now - last_msg_out >= self._keepalive",
        "last_bytes_received = self._last_bytes_received",
        "self._sock_recv(self._in_packet['to_process'])",
    ):
        assert words in source, words
    client = ConnectionClient(lambda: None, paho.mqtt.client.CallbackAPIVersion.VERSION2)  # type: ignore[arg-type,return-value]  # it is never dialled
    assert {"_in_packet", "_keepalive", "_last_bytes_received", "_protocol"} <= vars(client).keys()


# --- what a broker takes ---


class Strict:
    """A broker that throws out who has more than *most* messages unacknowledged, and takes its time with each."""

    def __init__(self, most: int, delay: float) -> None:
        self.most = most
        self.delay = delay
        self.breached = False
        self.acked = 0

    def __call__(self, line: socket.socket) -> None:
        waiting: list[bytes] = []
        buffer = b""
        while True:
            line.settimeout(self.delay if waiting else PATIENCE)
            try:
                piece = line.recv(65_536)
                if not piece:
                    return
                buffer += piece
            except TimeoutError:
                line.sendall(b"\x40\x02" + waiting.pop(0))
                self.acked += 1
                continue
            while len(buffer) > 1 and len(buffer) >= 2 + buffer[1]:
                packet, buffer = buffer[: 2 + buffer[1]], buffer[2 + buffer[1] :]
                if packet[0] & 0xF6 == 0x32:
                    topic = int.from_bytes(packet[2:4], "big")
                    waiting.append(packet[4 + topic : 6 + topic])
            if len(waiting) > self.most:
                self.breached = True
                line.sendall(b"\xe0\x02\x93\x00")
                return


@pytest.mark.parametrize("most", [1, 2, 5, 16])
@pytest.mark.parametrize("protocol", [5, 4])
def test_no_more_messages_wait_for_the_broker_than_it_says_of_whatever_kind(most: int, protocol: Literal[4, 5]) -> None:
    strict = Strict(most, 0.002)
    first = connack(properties=b"\x21" + most.to_bytes(2, "big")) if protocol == 5 else b"\x20\x02\x00\x00"
    told = {"in_flight": most} if protocol == 4 else {}
    with (
        broker(strict, first=first) as port,
        Link(BrokerSettings(port=port, protocol=protocol, **told), "a", will=WILL) as link,  # type: ignore[arg-type]  # one number
    ):
        mids = [link.publish(Message("t", b"x", retain=bool(n % 2))) for n in range(30)]
        assert (link.room, link.congested) == (0, True)
        link.publish(Message("t", b"x", qos=0))
        acked: list[int] = []
        while len(acked) < 30:
            acked += [one.mid for one in link.turn(0.05) if isinstance(one, Acked)]
        assert (acked, link.room, link.congested) == (mids, most, False)
    assert not strict.breached


def test_what_was_learned_holds_where_the_broker_says_nothing() -> None:
    strict = Strict(3, 0.002)
    with broker(strict) as port, Link(BrokerSettings(port=port), "a", will=WILL, most_waiting=3) as link:
        for _ in range(10):
            link.publish(Message("t", b"x"))
        wait_for(lambda: link.turn(0.05) is not None and strict.acked == 10)
    assert not strict.breached


def test_a_message_larger_than_the_broker_takes_is_not_sent_and_answered_as_that() -> None:
    taken: list[bytes] = []

    def count(line: socket.socket) -> None:
        with suppress(OSError):
            while piece := line.recv(65_536):
                taken.append(piece)

    with (
        broker(count, first=connack(properties=b"\x27" + (2000).to_bytes(4, "big"))) as port,
        Link(BrokerSettings(port=port), "a", will=WILL) as link,
    ):
        limit = link.body_limit("t", "kind")
        assert (link.largest, 1970 < limit < 2000) == (2000, True)
        mid = link.publish(Message("t", bytes(limit + 1), content_type="kind"))
        assert link.turn(0) == [Acked(mid, 0x95, "Packet too large")]
        assert Acked(mid, 0x95, "").too_large
        link.publish(Message("t", bytes(limit), content_type="kind", expiry=100))
        wait_for(lambda: link.turn(0.05) is not None and sum(map(len, taken)) > limit)
    packets = b"".join(taken)
    assert limit < len(packets.removesuffix(b"\xe0\x00")) <= 2000


def test_with_something_unsaid_there_is_no_goodbye_and_the_will_speaks() -> None:
    heard = bytearray()

    def listen(line: socket.socket) -> None:
        with suppress(OSError):
            while piece := line.recv(1000):
                heard.extend(piece)

    for count, goodbye in ((1, True), (2, False)):
        heard.clear()
        with broker(listen) as port, Link(BrokerSettings(port=port, in_flight=1), "a", will=WILL) as link:
            for _ in range(count):
                link.publish(Message("topic", b"x"))
        assert heard.endswith(b"\xe0\x00") is goodbye
        assert heard.count(b"topic") == 1


def test_what_waits_for_the_broker_s_word_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.mqtt_client.QUEUED", 5)
    with broker(hold) as port:
        broken = until_broken(Link(BrokerSettings(port=port, in_flight=1), "a", will=WILL), *[Message("t", b"x")] * 7)
    assert broken.cause is Cause.UNANSWERED


def test_a_piece_of_a_tls_record_is_life_before_it_can_be_read(tmp_path: Path) -> None:
    """16 kB in one record, at 7 kB a second, and a keep-alive of one second."""
    authority = Authority(tmp_path / "files")
    own = authority.client("a")
    with (
        encrypted(tmp_path, authority, authority.server()) as real,
        Narrow(real.port, 7_000) as narrow,
        Link(shows(real.port, authority, own), "a", will=WILL) as other,
    ):
        other.publish(Message("large", bytes(16_000), retain=True))
        wait_for(lambda: other.turn(0.05))
        told = shows(narrow.port, authority, authority.client("b"))
        hasty = BrokerSettings.model_construct(**{**told.model_dump(), "keepalive": 1})
        with Link(hasty, "b", will=WILL) as link:
            link.subscribe(["large"])
            heard = wait_for(lambda: link.turn(0.05))
    assert heard == [Received("large", bytes(16_000), retained=True)]


def test_a_setting_says_it_where_the_broker_cannot(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as real,
        Link(BrokerSettings(port=real.port, protocol=4, largest_packet=2048), "a", will=WILL) as link,
    ):
        mid = link.publish(Message("t", bytes(2048)))
        assert (link.largest, link.turn(0)) == (2048, [Acked(mid, 0x95, "Packet too large")])


@pytest.mark.parametrize(
    ("properties", "words"),
    [(b"\x24\x00", "no messages at QoS 1"), (b"\x25\x00", "no retained messages"), (b"\x28\x00", "with wildcards")],
)
def test_a_broker_that_lacks_what_the_promise_needs_is_left(properties: bytes, words: str) -> None:
    with broker(nothing, first=connack(properties=properties)) as port:
        cause, what, following = said(Link(BrokerSettings(port=port), "a", will=WILL))
    assert (cause, what.partition(": ")[0]) == (Cause.LACKING, "no promise can be kept by this broker")
    assert words in what
    assert following


def test_another_name_and_a_shorter_session_than_asked_for_are_remarked() -> None:
    properties = b"\x12\x00\x05other" + b"\x11" + (5).to_bytes(4, "big") + b"\x22\x00\x0a"
    with (
        broker(hold, first=connack(properties=properties)) as port,
        Link(BrokerSettings(port=port), "a", will=WILL) as link,
    ):
        assert link.remarks == [
            "the broker calls this client 'other', not a",
            "the broker keeps what waits for this client for 5 s only",
        ]


@pytest.mark.parametrize(("told", "kept"), [(None, 20), (7, 7), (0, 20), (65_535, 20)])
def test_the_broker_s_keep_alive_is_followed_but_never_to_silence(told: int | None, kept: int) -> None:
    properties = b"" if told is None else b"\x13" + told.to_bytes(2, "big")
    with (
        broker(hold, first=connack(properties=properties)) as port,
        Link(BrokerSettings(port=port), "a", will=WILL) as link,
    ):
        assert (link._life.keepalive, link._client._keepalive) == (kept, kept)


# --- what a broker sends ---


@pytest.mark.parametrize(
    ("flood", "count", "words"),
    [
        ("publish", 0, "overlong: the broker sent a packet of 200000000 bytes, and no more than 1052672 are read"),
        ("suback", 0, "overlong: the broker sent a packet of 1000000 bytes, and no more than 16384 are read"),
        ("properties", 0, "foreign: the broker speaks no MQTT that we know: a packet that cannot be read"),
        ("messages", 60, ""),
    ],
)
def test_no_packet_is_read_that_is_longer_than_any_of_ours_and_the_memory_stays_flat(
    flood: str, count: int, words: str
) -> None:
    command = [sys.executable, "-m", "tests.support.flood", flood]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["count"], told["what"]) == (count, words)
    assert told["most"] < 9_000_000, "bytes of two turns: what came with CONNACK comes with the next"
    assert told["kib"] < 40_000


def test_the_properties_of_an_honest_message_are_no_reason() -> None:
    properties = b"\x26\x00\x01a\x00\x01b" * (MAX_PROPERTIES // 7)
    packet = b"\x00\x01t" + length(len(properties)) + properties + b"hello"

    def tell(line: socket.socket) -> None:
        line.sendall(b"\x30" + length(len(packet)) + packet)
        line.recv(100)

    with broker(tell) as port, Link(BrokerSettings(port=port), "a", will=WILL) as link:
        heard = wait_for(lambda: link.turn(0.05))
    assert heard == [Received("t", b"hello", retained=False)]


# --- what is said of an end: sockets ---


def rst(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def read_one_and_close(line: socket.socket) -> None:
    line.recv(100_000)


@pytest.mark.parametrize(
    ("protocol", "first", "says", "message", "cause", "words"),
    [
        (5, connack(0x84), nothing, None, Cause.REFUSED, "it does not speak MQTT 5"),
        (5, b"\x20\x02\x00\x01", nothing, None, Cause.REFUSED, "it does not speak MQTT 5"),
        (4, b"\x20\x02\x00\x01", nothing, None, Cause.REFUSED, "it does not speak MQTT 3.1.1"),
        (4, b"\x20\x02\x00\x02", nothing, None, Cause.REFUSED, "it does not take this client id"),
        (4, b"\x20\x02\x00\x03", nothing, None, Cause.REFUSED, "it is not available"),
        (4, b"\x20\x02\x00\x04", nothing, None, Cause.REFUSED, "it does not know this user or password"),
        (4, b"\x20\x02\x00\x05", nothing, None, Cause.REFUSED, "it does not authorize this client"),
        (5, connack(0x86), nothing, None, Cause.REFUSED, "it does not know this user or password"),
        (5, connack(0x87, b"\x1f\x00\x02no"), nothing, None, Cause.REFUSED, "authorize this client (no)"),
        (5, connack(0x88), nothing, None, Cause.REFUSED, "it is not available"),
        (5, connack(0x89), nothing, None, Cause.REFUSED, "it is busy"),
        (5, connack(0x97), nothing, None, Cause.REFUSED, "a quota of it is used up"),
        (5, connack(0x9F), nothing, None, Cause.REFUSED, "it says that we connect too often"),
        (5, b"", nothing, None, Cause.CLOSED_EARLY, "closed the connection before its first word"),
        (5, b"", rst, None, Cause.CLOSED_EARLY, "closed the connection before its first word"),
        (5, b"HTTP/1.1 400 Bad Request\r\n\r\n", nothing, None, Cause.FOREIGN, "is a web server, no broker"),
        (5, b"\x15\x03\x01\x00\x02\x02\x46", nothing, None, Cause.FOREIGN, "wants TLS, and we speak without"),
        (5, b"SSH-2.0-OpenSSH_9.2\r\n", nothing, None, Cause.FOREIGN, "the broker speaks no MQTT that we know"),
        (5, b"\xff" * 50, nothing, None, Cause.FOREIGN, "the broker speaks no MQTT that we know"),
        (5, ALL_WELL, nothing, None, Cause.CLOSED, "closed the connection without a word"),
        (4, b"\x20\x02\x00\x00", rst, None, Cause.CLOSED, "closed the connection without a word"),
        (5, ALL_WELL, read_one_and_close, bytes(20_000), Cause.CLOSED_ON, "while a message of 200"),
        (5, ALL_WELL, read_one_and_close, bytes(20), Cause.CLOSED_ON, "while 1 message(s) were under way"),
        (5, ALL_WELL + b"\xe0\x02\x8e\x00", nothing, None, Cause.TAKEN_OVER, "another client has taken the place"),
        (5, ALL_WELL + b"\xe0\x02\x93\x00", nothing, None, Cause.TOO_MANY, "too many messages waited for it at once"),
        (5, ALL_WELL + b"\xe0\x02\x95\x00", nothing, None, Cause.TOO_LARGE, "is larger than it takes"),
        (5, ALL_WELL + b"\xe0\x02\x97\x00", nothing, None, Cause.ENDED, "a quota of it is used up"),
        (5, ALL_WELL + b"\xe0\x02\x8d\x00", nothing, None, Cause.ENDED, "it heard nothing of us"),
        (5, ALL_WELL + b"\xe0\x00", nothing, None, Cause.ENDED, "it said goodbye"),
        (5, ALL_WELL + b"\x34\x05\x00\x01t\x00\x07", nothing, None, Cause.FOREIGN, "QoS that nobody asked for"),
        (5, ALL_WELL + b"\xa0\x00", nothing, None, Cause.FOREIGN, "speaks no MQTT that we know"),
    ],
)
def test_each_end_has_its_own_sentence(  # noqa: PLR0917 - a table
    protocol: Literal[4, 5],
    first: bytes,
    says: Callable[[socket.socket], None],
    message: bytes | None,
    cause: Cause,
    words: str,
) -> None:
    with broker(says, first=first) as port:
        link = Link(BrokerSettings(port=port, protocol=protocol), "a", will=WILL)
        told, what, following = said(link, *([] if message is None else [Message("t", message)]))
    assert told is cause
    assert words in what
    assert following


def test_a_port_that_closes_at_once_and_one_where_nobody_listens_are_two_things() -> None:
    with broker(nothing, listens=False) as port:
        assert said(Link(BrokerSettings(port=port), "a", will=WILL))[0] is Cause.CLOSED_EARLY
    told, what, following = said(Link(BrokerSettings(port=port), "a", will=WILL))
    assert (told, "no program listens on the port" in what, "systemctl" in following) == (Cause.NETWORK, True, True)


def test_a_killed_broker_is_a_close_without_a_word_and_then_nobody_listens(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as real:
        link = Link(BrokerSettings(port=real.port), "a", will=WILL)
        with link:
            real.kill()
            with pytest.raises(SessionError) as caught:
                wait_for(lambda: link.turn(0.05))
        assert caught.value.cause is Cause.CLOSED
        assert "no program listens on the port" in said(Link(BrokerSettings(port=real.port), "a", will=WILL))[1]


@pytest.mark.parametrize(("extra", "words"), [("allow_anonymous false", "it does not authorize this client")])
@pytest.mark.parametrize("protocol", [4, 5])
def test_a_real_broker_that_lets_nobody_in_is_told(
    tmp_path: Path, protocol: Literal[4, 5], extra: str, words: str
) -> None:
    with Mosquitto(tmp_path, extra) as real:
        told, what, _ = said(Link(BrokerSettings(port=real.port, protocol=protocol), "a", will=WILL))
    assert (told, words in what) == (Cause.REFUSED, True)


def test_a_connection_limit_is_a_close_before_the_first_word(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "max_connections 2") as real, ExitStack() as stack:

        def full() -> bool:
            try:
                stack.enter_context(Link(BrokerSettings(port=real.port), f"c{len(real.log)}", will=WILL))
            except SessionError as broken:
                seen.append(broken)
            return bool(seen)

        seen: list[SessionError] = []
        wait_for(full)
        assert (seen[0].cause, "its limit of connections" in seen[0].following) == (Cause.CLOSED_EARLY, True)


# --- what is said of an end: TLS ---


def encrypted(tmp_path: Path, authority: Authority, server: Pair, more: str = "") -> Mosquitto:
    """Return a broker that shows *server*, and lets in who has a certificate of *authority*."""
    port = free_port()
    lines = [
        f"listener {port} 127.0.0.1",
        f"cafile {authority.ca}",
        f"certfile {server.certificate}",
        f"keyfile {server.key}",
        "require_certificate true",
        "use_identity_as_username true",
        more,
        *(["user root"] if os.geteuid() == 0 else []),
    ]
    return Mosquitto(tmp_path, conf="\n".join([*lines, ""]), port=port)


def shows(port: int, authority: Authority, pair: Pair | None, **more: Any) -> BrokerSettings:
    files = {} if pair is None else {"certificate": pair.certificate, "key": pair.key}
    return BrokerSettings(**{"port": port, "tls": True, "ca": authority.ca, **files, **more})


@pytest.mark.parametrize("version", ["", "tls_version tlsv1.2"])
def test_each_trouble_with_our_certificate_is_told_and_names_its_file(tmp_path: Path, version: str) -> None:
    """TLS 1.3 tells a client only after its handshake; 1.2 within it."""
    authority, foreign = Authority(tmp_path / "files"), Authority(tmp_path / "foreign")
    revoked = authority.client("revoked")
    crl = authority.revoke(revoked)
    good, old, early = authority.client("good"), authority.client("old", -DAY), authority.client("early", DAY)
    with encrypted(tmp_path, authority, authority.server(), f"crlfile {crl}\n{version}") as real:
        with Link(shows(real.port, authority, good), "good", will=WILL) as link:
            link.turn(0)
        for pair, words in (
            (old, "says that our certificate has expired"),
            (early, "not valid yet by the broker's clock"),
            (revoked, "has revoked our certificate"),
            (foreign.client("x"), "does not know the authority that signed our certificate"),
        ):
            told, what, following = said(Link(shows(real.port, authority, pair), "a", will=WILL))
            assert (told, words in what, str(pair.certificate) in what) == (Cause.CERTIFICATE, True, True), what
            assert following
        told, what, _ = said(Link(shows(real.port, authority, None), "a", will=WILL))
        assert (told, "certificate" in what) == (Cause.CERTIFICATE, True)


def test_each_trouble_with_the_broker_s_certificate_is_told(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "files"), Authority(tmp_path / "other")
    own = authority.client("a")
    for shift, words in ((-DAY, "has expired (this machine's clock says"), (DAY, "is not yet valid (this machine's")):
        with encrypted(tmp_path, authority, authority.server(shift)) as real:
            told, what, following = said(Link(shows(real.port, authority, own), "a", will=WILL))
        assert (told, words in what, "date, here" in following) == (Cause.TLS, True, True)
    with encrypted(tmp_path, authority, authority.server()) as real:
        told, what, following = said(Link(shows(real.port, other, own), "a", will=WILL))
        assert (told, "is of another authority" in what, "[broker] ca" in following) == (Cause.TLS, True, True)
        plain = BrokerSettings(port=real.port, tls=False)
        told, what, following = said(Link(plain, "a", will=WILL))
        assert (told, "before its first word" in what, "tls = true" in following) == (Cause.CLOSED_EARLY, True, True)
    with encrypted(tmp_path, authority, authority.server(address="127.0.0.9")) as real:
        told, what, following = said(Link(shows(real.port, authority, own), "a", will=WILL))
        assert (told, "made out for another address" in what, "[broker] host" in following) == (Cause.TLS, True, True)
    with Mosquitto(tmp_path) as real:
        told, what, following = said(Link(shows(real.port, authority, own), "a", will=WILL))
        assert (told, "handshake" in what, "1883 has not" in following) == (Cause.TLS, True, True)
    with broker(lambda line: line.sendall(b"HTTP/1.1 400 Bad\r\n\r\n"), first=b"") as port:
        told, what, following = said(Link(shows(port, authority, own), "a", will=WILL))
        assert (told, "speaks another language" in what, "tls = false" in following) == (Cause.TLS, True, True)


def test_each_file_that_cannot_be_used_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "files")
    own, other = authority.client("a"), authority.client("b")
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.touch()
    broken.write_bytes(own.certificate.read_bytes().replace(b"MII", b"MIX"))
    missing = tmp_path / "missing.crt"
    swapped = Pair(own.key, own.certificate)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ca": missing}, f"[broker] ca = {missing} is not there"),
        ({"ca": tmp_path}, f"[broker] ca = {tmp_path} cannot be read: it is a folder, not a plain file"),
        ({"ca": empty}, f"[broker] ca = {empty} holds no certificate"),
        ({"ca": broken}, f"[broker] ca = {broken} holds a damaged certificate"),
        ({"certificate": missing}, f"[broker] certificate = {missing} is not there"),
        ({"key": missing}, f"[broker] key = {missing} is not there"),
        ({"key": empty}, f"[broker] key = {empty} holds no key"),
        ({"certificate": empty}, f"[broker] certificate = {empty} holds no certificate"),
        ({"certificate": broken}, f"[broker] certificate = {broken} or key ({own.key}) is damaged: "),
        (
            {"key": other.key},
            f"[broker] certificate = {own.certificate} is the certificate of another key than {other.key}",
        ),
        (
            {"certificate": swapped.certificate, "key": swapped.key},
            f"[broker] certificate = {own.key} and key ({own.certificate}) are swapped",
        ),
    ]
    for wrong, words in cases:
        told, what, following = said(Link(shows(1, authority, own, **wrong), "a", will=WILL))
        assert (told, what[: len(words)]) == (Cause.FILES, words)
        assert following


def test_a_key_with_a_passphrase_and_one_that_may_not_be_read_are_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "files")
    own = authority.client("a")
    locked = authority.locked(own)
    told, what, following = said(Link(shows(1, authority, Pair(own.certificate, locked)), "a", will=WILL))
    assert (told, what) == (Cause.FILES, f"[broker] key = {locked} wants a passphrase")
    assert "openssl pkey" in following
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    own.key.chmod(0)
    _, what, following = said(Link(shows(1, authority, own), "a", will=WILL))
    assert (what, "LoadCredential" in following) == (f"[broker] key = {own.key} may not be read by this program", True)


# --- a connection that is made slowly ---


@pytest.mark.parametrize("protocol", [5, 4])
def test_a_handshake_may_take_as_long_as_it_moves(tmp_path: Path, protocol: Literal[4, 5]) -> None:
    """A hundred bytes a second, by a clock that goes on as they pass: they take five times as long as it may stall."""
    authority = Authority(tmp_path / "files")
    own = authority.client("a")
    with (
        encrypted(tmp_path, authority, authority.server()) as real,
        Narrow(real.port, 10_000) as narrow,
    ):
        told = shows(narrow.port, authority, own, protocol=protocol)
        with Link(told, "a", will=WILL, clock=lambda: narrow.passed / 100) as link:
            assert link.turn(0) == []
            assert narrow.passed / 100 > 3 * STALLED


@pytest.mark.parametrize("after", [0, 600])
def test_a_handshake_that_stands_still_is_given_up_in_plain_words(tmp_path: Path, after: int) -> None:
    authority = Authority(tmp_path / "files")
    done = threading.Event()

    def stop(line: socket.socket) -> None:
        if after:
            line.recv(after)
        done.wait(PATIENCE)

    with broker(stop, listens=False) as port:
        link = Link(shows(port, authority, None), "a", will=WILL, timeouts=Timeouts(stalled=0.3))
        told, what, following = said(link)
        done.set()
    assert (told, what.partition(": ")[2]) == (Cause.NETWORK, "the handshake stood still: nothing moved for 0 s")
    assert following


def test_a_handshake_that_only_creeps_is_given_up_in_the_end(tmp_path: Path) -> None:
    """By a clock that goes on by a second with each byte that comes."""
    authority = Authority(tmp_path / "files")
    pause = threading.Event()
    sent = 0

    def creep(line: socket.socket) -> None:
        nonlocal sent
        for octet in b"\x16\x03\x03\x3f\xff" + bytes(1000):
            line.sendall(bytes([octet]))
            sent += 1
            pause.wait(0.005)

    with broker(creep, listens=False) as port:
        told, what, _ = said(Link(shows(port, authority, None), "a", will=WILL, clock=lambda: float(sent)))
    assert (told, what.endswith("the handshake stood still: it was not done within 90 s")) == (Cause.NETWORK, True)


def test_a_session_leaves_no_socket_behind_however_it_ends(tmp_path: Path) -> None:
    """Nothing is left to be collected: each warning would be an error here."""
    authority, other = Authority(tmp_path / "files"), Authority(tmp_path / "other")
    with encrypted(tmp_path, authority, authority.server()) as real:
        for told in (
            shows(real.port, other, None),
            shows(real.port, authority, None),
            BrokerSettings(port=real.port, tls=False),
            BrokerSettings(port=free_port()),
        ):
            said(Link(told, "a", will=WILL))
            gc.collect()


def test_the_figures_that_the_broker_is_told_are_the_link_s_own() -> None:
    heard: list[bytes] = []
    with broker(lambda line: heard.append(line.recv(1000)), listens=False) as port:
        said(Link(BrokerSettings(port=port), "a", will=WILL))
    assert b"\x27" + MAX_PACKET.to_bytes(4, "big") in heard[0]
