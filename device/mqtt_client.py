"""One session with a broker: paho's protocol, turned by the thread that owns it.

paho's own network thread is not used: an exception in one of its callbacks would end it unseen, and
``loop_stop`` can wait for ever (paho issues 894 and 608). Here the owner turns the session, callbacks
only append to a list, and a session that breaks is thrown away whole. The courier and the centre each
own one; neither keeps anything in it that a crash may not take.
"""

import select
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self

from paho.mqtt import MQTTException
from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, MQTTMessage, MQTTv5, MQTTv311, error_string
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from device.config import Broker
from device.wire import MAX_BUNDLE

CONNECT_LIMIT = 5.0
"""Seconds that a connection, its TLS handshake and the broker's word may each take."""
READ_AT_ONCE = 1000
"""Packets taken in one turn at the most, so that a flood cannot keep the owner from its other work."""
READ_BYTES = 4_194_304
"""Bytes of messages after which a turn takes no more of them."""
LARGEST_PACKET = MAX_BUNDLE + 4096
"""Bytes; the trust bundle is the largest of all messages. The broker keeps larger ones from us (on 3.1.1 its own
limit must)."""
SILENCE = 1.5
"""Keep-alives without one byte after which the broker is gone: paho pings after one, and itself waits another."""
ACK_LIMIT = 60.0
"""Seconds that a broker may take to acknowledge a message; one that never does would fill our memory."""
NEVER = 0xFFFF_FFFF
"""The session expiry of MQTT 5 that means never (MQTT 5.0, 3.1.2.11.2)."""


class Message(NamedTuple):
    """What is to be published."""

    topic: str
    body: bytes
    qos: int = 1
    retain: bool = False
    content_type: str | None = None
    expiry: int | None = None
    """Seconds after which the broker forgets it; never set on events."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came in."""

    topic: str
    body: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Acked:
    """The broker's answer to one publish or subscription; it says nothing about anybody's disk."""

    mid: int
    code: int
    name: str

    @property
    def refused(self) -> bool:
        """Whether the broker refused it (MQTT 5 only; on 3.1.1 a refusal looks like success)."""
        return self.code >= 0x80  # noqa: PLR2004 - MQTT 5.0, 2.4: codes from 0x80 are failures

    @property
    def unrouted(self) -> bool:
        """Whether nobody is subscribed."""
        return self.code == 0x10  # noqa: PLR2004 - MQTT 5.0, 2.4: No matching subscribers


class Broken(OSError):  # noqa: N818 - the weather, not a mistake of anybody's
    """The session ended, or never began: weather, told in one sentence."""


class Link:
    """One session with a broker, bound to a ``with`` block.

    Entering connects and waits for the broker's word; `turn` waits for something to happen. Both raise
    `Broken`. *password* is never logged. *clean* sessions leave nothing behind at the broker; the
    centre's is kept, so that events of a night without a centre wait for it.
    """

    def __init__(  # noqa: PLR0913 - each is one word of the CONNECT packet
        self,
        broker: Broker,
        client_id: str,
        *,
        will: Message,
        will_delay: int = 0,
        clean: bool = True,
        password: str | None = None,
    ) -> None:
        self._broker = broker
        self._clean = clean
        self._inbox: list[Received | Acked] = []
        self._accepted = False
        self._refusal: str | None = None
        self._largest: int | None = None
        self._heard = 0.0
        self._took = self._messages = 0
        self._unacked: dict[int, float] = {}
        self._properties: dict[tuple[str | None, int | None], Properties] = {}
        self._modern = broker.protocol == 5  # noqa: PLR2004 - the protocol's own number
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTv5 if self._modern else MQTTv311,
            clean_session=None if self._modern else clean,
            reconnect_on_failure=False,  # a session that breaks is thrown away, never mended behind our back
        )
        client.connect_timeout = CONNECT_LIMIT
        client.max_inflight_messages_set(1000)  # the owner's window is the window; paho must not hold back
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = _without_nagle
        if broker.username is not None:
            client.username_pw_set(broker.username, password)
        if broker.encrypted:
            client.tls_set_context(_tls(broker))
        properties = None
        if self._modern:
            properties = _properties(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = will_delay
        client.will_set(will.topic, will.body, will.qos, will.retain, properties)
        self._client = client

    def __enter__(self) -> Self:
        host, port = self._broker.address
        where = f"{host}:{port}"
        try:
            if self._modern:
                properties = _properties(PacketTypes.CONNECT)
                # A clean session must outlive its will's delay, or the broker sends the will at once.
                properties.SessionExpiryInterval = 60 if self._clean else NEVER
                properties.MaximumPacketSize = LARGEST_PACKET
                self._client.connect(host, port, self._broker.keepalive, clean_start=self._clean, properties=properties)
            else:
                self._client.connect(host, port, self._broker.keepalive)
            self._await_word(where)
        except ssl.SSLError as error:
            self._drop()
            raise Broken(f"no TLS with {where}: {getattr(error, 'verify_message', '') or error.reason}") from error
        except Broken:
            self._drop()
            raise
        except (OSError, UnicodeError) as error:  # a name that no name server takes is not even asked for
            self._drop()
            raise Broken(f"no broker at {where}: {getattr(error, 'strerror', None) or error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._client.disconnect()
        self._drop()

    def _await_word(self, where: str) -> None:
        self._heard = monotonic()
        limit = self._heard + CONNECT_LIMIT
        early: list[Received | Acked] = []
        while not self._accepted:
            early += self.turn(0.1)  # a kept session's messages come with the word itself
            if monotonic() > limit:
                raise Broken(f"{where} took the connection and then said nothing")
        self._inbox = early

    def _drop(self) -> None:
        """Close the socket without a goodbye, so that the broker sends the will; twice does no harm."""
        self._client.on_disconnect = None
        if (sock := self._client.socket()) is not None:
            with suppress(OSError):
                sock.close()

    @property
    def largest(self) -> int | None:
        """The largest packet that the broker takes, in bytes; ``None`` where it did not say (MQTT 3.1.1 cannot)."""
        return self._largest

    def turn(
        self, seconds: float, wake: socket.socket | None = None, most: int = READ_AT_ONCE
    ) -> list[Received | Acked]:
        """Return what happened, waiting for it at most *seconds*, or until *wake* has something to read.

        *most* messages are taken, and few more bytes than `READ_BYTES`; the others come with the next turn.
        Raises `Broken` when the session has ended, after everything that came before was returned.
        """
        sock = self._client.socket()
        if sock is None:
            raise Broken(self._refusal or "the broker closed the connection")
        if monotonic() - next(iter(self._unacked.values()), monotonic()) > ACK_LIMIT:
            raise Broken(f"the broker has not acknowledged a message for {ACK_LIMIT:.0f} s")
        readers = [sock] if wake is None else [sock, wake]
        pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        writers = [sock] if self._client.want_write() else []
        ready, writable, _ = select.select(readers, writers, [], 0 if pending or self._inbox else seconds)
        if wake is not None and wake in ready:
            wake.recv(4096)
        if writable:
            self._client.loop_write()
        try:
            if pending or sock in ready:
                self._heard = monotonic()
                self._read(sock, most)
            self._client.loop_misc()
        except (ValueError, MQTTException, struct.error) as error:
            raise Broken(f"the broker speaks no MQTT that we know: {type(error).__name__}") from error
        happened, self._inbox = self._inbox, []
        if not happened:
            if self._client.socket() is None:
                raise Broken(self._refusal or "the broker closed the connection")
            if (silent := monotonic() - self._heard) > SILENCE * self._broker.keepalive:
                raise Broken(f"nothing came from the broker for {silent:.0f} s")
        return happened

    @property
    def congested(self) -> bool:
        """Whether something published still waits for room on the line; the owner should wait with more."""
        return bool(self._client.want_write())

    def _read(self, sock: Any, most: int) -> None:
        """Take what has come, so many packets at the most, whatever they are."""
        self._took = self._messages = 0
        for _ in range(READ_AT_ONCE):
            if self._client.loop_read() != MQTT_ERR_SUCCESS or self._client.socket() != sock:
                return
            if self._messages >= most or self._took > READ_BYTES:
                return
            pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            if not pending and not select.select([sock], [], [], 0)[0]:
                return

    def publish(self, message: Message) -> int:
        """Send *message* and return its packet id, by which `Acked` will name it."""
        properties = self._said(message.content_type, message.expiry) if self._modern else None
        told = self._client.publish(message.topic, message.body, message.qos, message.retain, properties)
        if told.rc != MQTT_ERR_SUCCESS:
            raise Broken(error_string(told.rc))
        if message.qos:
            self._unacked[told.mid] = monotonic()
        return told.mid

    def _said(self, content_type: str | None, expiry: int | None) -> Properties:
        """Return the properties of a publish; kept, for to make them costs as much as to send it (measured)."""
        properties = self._properties.get((content_type, expiry))
        if properties is None:
            properties = self._properties[content_type, expiry] = _properties(PacketTypes.PUBLISH)
            if content_type is not None:
                properties.ContentType = content_type
            if expiry is not None:
                properties.MessageExpiryInterval = expiry
        return properties

    def subscribe(self, topics: list[str], qos: int = 1, *, retained: bool = True) -> None:
        """Ask for *topics*; what is retained comes each time, or with *retained* off to a new subscription only.

        The difference is MQTT 5's (3.8.3.1, retain handling 1); on 3.1.1 it comes each time.
        """
        if self._modern:
            handling = (
                SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if retained else SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            )
            self._client.subscribe([(topic, SubscribeOptions(qos=qos, retainHandling=handling)) for topic in topics])
        else:
            self._client.subscribe([(topic, qos) for topic in topics])

    def _on_connect(
        self, _client: Client, _user: Any, _flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._refusal = f"the broker refused this client: {code.getName()}"
        else:
            self._accepted = True
            self._largest = getattr(properties, "MaximumPacketSize", None)  # paho has only what the packet had

    def _on_disconnect(
        self, _client: Client, _user: Any, _flags: Any, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._refusal = self._refusal or f"the connection ended: {code.getName()}"

    def _on_message(self, _client: Client, _user: Any, message: MQTTMessage) -> None:
        self._messages += 1
        self._took += len(message.payload)
        self._inbox.append(Received(message.topic, bytes(message.payload), message.retain))

    def _on_publish(
        self, _client: Client, _user: Any, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._unacked.pop(mid, None)
        self._inbox.append(Acked(mid, code.value, code.getName()))

    def _on_subscribe(
        self, _client: Client, _user: Any, mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._inbox += [Acked(mid, code.value, f"subscription: {code.getName()}") for code in codes if code.is_failure]


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho has types, but not here


def _without_nagle(_client: Client, _user: Any, sock: Any) -> None:
    """Send each packet at once: with Nagle on, a round trip took 55 times as long (measured)."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _tls(broker: Broker) -> ssl.SSLContext:
    """Return a context that trusts the configured authority alone and shows our certificate."""
    try:
        context = ssl.create_default_context(cafile=broker.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if broker.certificate is not None:
            # A key that wants a passphrase would ask for it on the terminal, and wait.
            context.load_cert_chain(broker.certificate, broker.key, password=lambda: "")
    except OSError as error:
        named = ", ".join(str(path) for path in (broker.ca, broker.certificate, broker.key) if path)
        raise Broken(f"the broker's TLS files cannot be used ({named}): {error.strerror or error}") from error
    return context
