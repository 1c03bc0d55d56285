"""One session with a broker: paho's protocol, turned by the thread that owns it, on a line of ours.

paho's own network thread is not used: an exception in one of its callbacks would end it unseen, and
``loop_stop`` can wait for ever (paho issues 894 and 608). Here the owner turns the session, callbacks
only append to a list, and a session that breaks is thrown away whole. The courier and the centre each
own one; neither keeps anything in it that a crash may not take.
"""

import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from time import monotonic
from types import TracebackType
from typing import Any, Self

from paho.mqtt import MQTTException
from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from device.config import BrokerSettings
from device.mqtt import tls
from device.mqtt.connection import USUAL, Connection, StalledError, Timeouts, dial
from device.mqtt.framing import ForeignPeerError, Framing
from device.mqtt.liveness import SILENCE, Liveness
from device.mqtt.paho_client import ConnectionClient, properties_for, publish_properties, words_of
from device.mqtt.session_end import Ending, Sentence, SessionError, Stage, lacking, silent, told, unanswered
from device.wire import MAX_BUNDLE, TOO_LARGE, Acked, Message, Received, around

__all__ = ["Link", "SessionError"]

READ_AT_ONCE, READ_BYTES = 1000, 4_194_304
"""Packets and bytes taken in one turn at the most, so that a flood cannot keep the owner from its other work, nor
fill the memory."""
MAX_PACKET = MAX_BUNDLE + 4096
"""Bytes; the trust bundle is the largest of all messages. Nothing larger is read, whoever sends it."""
QUEUED = 10_000
"""Messages that may wait here for the broker's acknowledgements of those before them."""
NEVER = 0xFFFF_FFFF
"""The session expiry of MQTT 5 that means never (MQTT 5.0, 3.1.2.11.2)."""
NO_LIMIT = 0x0FFF_FFFF
"""Bytes of the largest packet that MQTT has (MQTT 5.0, 1.5.5)."""
LEAST = (("MaximumQoS", 1, 0x9B), ("RetainAvailable", 1, 0x9A), ("WildcardSubscriptionAvailable", 1, 0xA2))
"""What CONNACK must not say less of, and the reason code that names it."""


class Link:
    """One session with a broker, bound to a ``with`` block.

    Entering connects and waits for the broker's word; `turn` waits for something to happen. Both raise
    `SessionError`. *password* is never logged. *clean* sessions leave nothing behind at the broker; the
    centre's is kept, so that events of a night without a centre wait for it.

    What the broker says of itself in CONNACK is kept to (MQTT 5.0, 3.2.2.3): Receive Maximum, Maximum Packet Size
    and Server Keep Alive; without QoS 1, retained messages or wildcards there is no link. Topic aliases are not
    used, and another client id or a shorter session than asked for stands in `remarks`. On 3.1.1, which has none
    of it, ``[broker] in_flight`` and ``largest_packet`` say it. *most_waiting* is what the owner has learned.
    *timeouts* are kept to by *clock*, which gives seconds; paho's own pings keep to the machine's.
    """

    def __init__(  # noqa: PLR0913 - each is one word of the CONNECT packet, or of its answer
        self,
        broker: BrokerSettings,
        client_id: str,
        *,
        will: Message,
        will_delay: int = 0,
        clean: bool = True,
        password: str | None = None,
        most_waiting: int = NO_LIMIT,
        timeouts: Timeouts = USUAL,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._broker = broker
        self._name = client_id
        self._clean = clean
        self._modern = broker.protocol == 5  # noqa: PLR2004 - the protocol's own number
        self.largest = broker.largest_packet
        """Bytes of the largest packet that the broker takes, ``None`` where nobody says."""
        self.remarks: list[str] = []
        """What the owner may want to say of the broker."""
        self._most_waiting = min(most_waiting, broker.most_waiting)
        self._inbox: list[Received | Acked] = []
        self._queue: deque[tuple[int, Message]] = deque()
        self._mid = 0
        self._messages = 0
        """Messages that came in this turn."""
        self._line: Connection | None = None
        self._timeouts, self._clock = timeouts, clock
        self._life = Liveness(broker.keepalive, clock(), timeouts.acknowledged)
        self._stage = Stage.CONNECT
        self._accepted: float | None = None
        self._end: Sentence | None = None
        self._code: int | None = None
        self._words = ""
        self._unreadable: ForeignPeerError | None = None
        client = ConnectionClient(
            self._dial,
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTv5 if self._modern else MQTTv311,
            clean_session=None if self._modern else clean,
            reconnect_on_failure=False,  # a session that breaks is thrown away, never mended behind our back
        )
        client.max_inflight_messages_set(0)  # `_send_on` holds back; paho must not
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        if broker.username is not None:
            client.username_pw_set(broker.username, password)
        delay = properties_for(PacketTypes.WILLMESSAGE, WillDelayInterval=will_delay) if self._modern else None
        client.will_set(will.topic, will.body, will.qos, will.retain, delay)
        self._client = client

    def __enter__(self) -> Self:
        host, port = self._broker.address
        try:
            if self._modern:
                # A clean session must outlive its will's delay, or the broker sends the will at once.
                expiry = 60 if self._clean else NEVER
                asked = {"SessionExpiryInterval": expiry, "MaximumPacketSize": MAX_PACKET}
                properties = properties_for(PacketTypes.CONNECT, **asked)
                self._client.connect(host, port, self._broker.keepalive, "", 0, self._clean, properties)
            else:
                self._client.connect(host, port, self._broker.keepalive)
            self._await_word()
        except SessionError:
            self._drop()
            raise
        except (OSError, UnicodeError) as error:  # a name that no name server takes is not even asked for
            self._drop()
            raise self._broken(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._queue:  # with something left unsaid, the will speaks
            self._client.disconnect()
        self._drop()

    def _dial(self) -> Connection:
        """Return a new line; paho asks for it when it connects."""
        context = tls.context(self._broker) if self._broker.encrypted else None
        self._line = dial(self._broker.address, context, Framing(MAX_PACKET), self._timeouts, self._clock)
        self._stage = Stage.WORD
        return self._line

    def _await_word(self) -> None:
        """Wait for CONNACK as long as anything moves."""
        timeouts, began = self._timeouts, self._clock()
        self._life = Liveness(self._broker.keepalive, began, timeouts.acknowledged)
        early: list[Received | Acked] = []
        while self._accepted is None:
            early += self.turn(0.1)  # a kept session's messages come with the word itself
            now = self._clock()
            if now - max(self._life.heard, self._life.moved) > timeouts.stalled or now - began > timeouts.connect:
                raise self._broken(StalledError("no CONNACK came"))
        if self._end is not None:
            raise self._broken()
        self._inbox = early + self._inbox

    def _drop(self) -> None:
        """Close the socket without a goodbye, so that the broker sends the will; twice does no harm."""
        self._client.on_disconnect = None
        if self._line is not None:
            self._line.close()

    def turn(
        self, seconds: float, wake: socket.socket | None = None, most: int = READ_AT_ONCE
    ) -> list[Received | Acked]:
        """Return what happened, waiting for it at most *seconds*, or until *wake* has something to read.

        *most* messages are taken, and few more bytes than `READ_BYTES`; the others come with the next turn.
        Raises `SessionError` when the session has ended, after everything that came before was returned.
        """
        line = self._line
        if line is None or self._client.socket() is None:
            raise self._broken()
        self._send_on()
        self._watch(line)
        readers: list[Any] = [line] if wake is None else [line, wake]
        writers = [line] if self._client.want_write() else []
        ready, writable, _ = select.select(readers, writers, [], 0 if line.pending() or self._inbox else seconds)
        if wake is not None and wake in ready:
            wake.recv(4096)
        if writable:
            self._client.loop_write()
        try:
            if line.pending() or line in ready:
                self._read(line, most)
            if not self._life.busy:  # behind what is under way a ping would be late, and its answer, too
                self._client.loop_misc()
        except (ValueError, MQTTException, struct.error) as error:
            raise self._broken(error) from error
        happened, self._inbox = self._inbox, []
        if not happened:
            if self._client.socket() is None:
                raise self._broken()
            self._leave_if(self._life.silent(self._clock()))
        return happened

    def _watch(self, line: Connection) -> None:
        """Note what has left since the last look."""
        now = self._clock()
        self._life.look(line.flow(), now, congested=self._client.want_write())
        self._leave_if(self._life.overdue(now))

    def _leave_if(self, end: Sentence | None) -> None:
        if end is not None:
            self._end = end
            raise self._broken()

    @property
    def congested(self) -> bool:
        """Whether something published still waits for room on the line; the owner should wait with more."""
        return bool(self._queue) or self._client.want_write()

    @property
    def room(self) -> int:
        """How many messages at QoS 1 may go before the broker must acknowledge one."""
        return max(0, self._most_waiting - len(self._life.waiting) - len(self._queue))

    @property
    def midway(self) -> float:
        """When a piece of a longer packet last came, monotonic seconds: what comes after it has to wait."""
        return self._life.midway

    def body_limit(self, topic: str, content_type: str | None = None) -> int:
        """Return how many bytes a message on *topic* may have."""
        return (self.largest or NO_LIMIT) - around(topic, content_type, modern=self._modern)

    def _read(self, line: Connection, most: int) -> None:
        """Take what has come, *most* messages, so much and so many packets at the most, whatever they are."""
        self._client.note_life()
        line.allow(READ_BYTES, READ_AT_ONCE)
        packets = line.framing.packets
        self._messages = 0
        while not line.spent and self._messages < most:
            if self._client.loop_read() != MQTT_ERR_SUCCESS or self._client.socket() is None:
                break
            if not line.pending() and not select.select([line], [], [], 0)[0]:
                break
        framing = line.framing
        self._life.came(self._clock(), whole=framing.packets > packets and not framing.inside)

    def publish(self, message: Message) -> int:
        """Send *message*, or let it wait its turn, and return the number by which `Acked` will name it.

        One that is larger than the broker takes is not sent (MQTT 5.0, 3.2.2.3.6), and answered as `Acked.too_large`.
        """
        self._mid += 1
        if message.packet(modern=self._modern) > (self.largest or NO_LIMIT):
            self._inbox.append(Acked(self._mid, TOO_LARGE, "Packet too large"))
            return self._mid
        if len(self._queue) >= QUEUED:
            self._leave_if(unanswered(self._timeouts.acknowledged))
        self._queue.append((self._mid, message))
        self._send_on()
        return self._mid

    def _send_on(self) -> None:
        """Hand over what waits, as long as the line has room and the broker will have it."""
        while self._queue and not self._client.want_write():
            mid, message = self._queue[0]
            if message.qos and len(self._life.waiting) >= self._most_waiting:
                return
            self._queue.popleft()
            properties = _properties(message.content_type, message.expiry) if self._modern else None
            given = self._client.publish(message.topic, message.body, message.qos, message.retain, properties)
            if message.qos:
                self._life.sent(given.mid, mid, message.packet(modern=self._modern))
            if given.rc != MQTT_ERR_SUCCESS:
                raise self._broken()

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

    def _broken(self, error: Exception | None = None) -> SessionError:
        """Return what is known of the end."""
        line, broker = self._line, self._broker
        in_hand = tuple(waiting.size for waiting in self._life.waiting.values())
        end = self._end or told(
            Ending(
                where=":".join(map(str, broker.address)),
                stage=self._stage,
                error=error or (line.error if line is not None else None) or self._unreadable,
                code=self._code,
                words=self._words,
                first=line.first if line is not None else b"",
                in_hand=in_hand,
                certificate=str(broker.certificate or ""),
                encrypted=broker.encrypted,
                modern=self._modern,
                now=datetime.now(UTC),
            )
        )
        lasted = None if self._accepted is None else self._clock() - self._accepted
        return SessionError(end.what, end.following, end.cause, in_hand=in_hand, lasted=lasted)

    def _on_connect(
        self, _client: Client, _user: Any, _flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._code, self._words = code.value, words_of(properties)
            return
        self._accepted, self._stage = self._clock(), Stage.SESSION
        for name, least, missing in LEAST:
            if getattr(properties, name, least) < least:
                self._end = lacking(missing)
        self._most_waiting = min(self._most_waiting, getattr(properties, "ReceiveMaximum", NO_LIMIT))
        largest = min(self.largest or NO_LIMIT, getattr(properties, "MaximumPacketSize", NO_LIMIT))
        self.largest = None if largest == NO_LIMIT else largest
        self._life.keepalive = min(self._broker.keepalive, getattr(properties, "ServerKeepAlive", 0) or NEVER)
        self._client.keep_alive(int(self._life.keepalive))
        if (name := getattr(properties, "AssignedClientIdentifier", self._name)) != self._name:
            self.remarks.append(f"the broker calls this client {name!a}, not {self._name}")
        asked = 60 if self._clean else NEVER
        if (kept := getattr(properties, "SessionExpiryInterval", asked)) < asked:
            self.remarks.append(f"the broker keeps what waits for this client for {kept} s only")

    def _on_disconnect(
        self, _client: Client, _user: Any, flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        """Note why: the broker's own code, or what paho found wrong with a packet; a broken line says so itself."""
        if flags.is_disconnect_packet_from_server:
            self._code, self._words = code.value, words_of(properties)
        elif code.getName() == "Keep alive timeout":
            self._end = self._end or silent(SILENCE * self._life.keepalive)
        elif code.getName() == "Protocol error":
            self._unreadable = ForeignPeerError("a packet that cannot be read")

    def _on_message(self, _client: Client, _user: Any, message: MQTTMessage) -> None:
        self._messages += 1
        self._inbox.append(Received(message.topic, bytes(message.payload), message.retain))

    def _on_publish(
        self, _client: Client, _user: Any, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        waiting = self._life.acked(mid)
        if waiting is not None:  # else it went at QoS 0, and nobody has answered anything
            self._inbox.append(Acked(waiting.mid, code.value, code.getName()))

    def _on_subscribe(
        self, _client: Client, _user: Any, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._inbox += [Acked(0, code.value, f"subscription: {code.getName()}") for code in codes if code.is_failure]


_properties = cache(publish_properties)  # to make them costs as much as to send the message (measured)
