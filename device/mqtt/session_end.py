"""Why a session ended, or never began: one sentence for the operator and the next command; a table, and no I/O.

Brokers say little: many end a connection without a word, and then there is only how far it had come, what the
socket said and what was under way. Reason codes are MQTT 5.0, 2.4; those of 3.1.1 (3.2.2.3) are read as theirs.
"""

import errno
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import NamedTuple

from device.mqtt.connection import NoTlsError, StalledError
from device.mqtt.framing import ForeignPeerError, OverlongPacketError
from device.mqtt.reasons import ALERTS, AT_THE_BROKER, CODES, OLD_CODES, ONE_NAME, UNSUPPORTED, VERIFY
from device.system.errors import TitikError

BIG = 1024
"""Bytes from which one message under way may be why a broker ended the session; no broker's limit is smaller."""


class Stage(StrEnum):
    """How far it had come."""

    CONNECT = auto()
    """There was no connection, or no TLS."""
    WORD = auto()
    """There was one, and the broker had not said CONNACK."""
    SESSION = auto()
    """The broker had taken us in."""


class Cause(StrEnum):
    """What kind of end it was, for who counts them."""

    NETWORK = auto()
    TLS = auto()
    CERTIFICATE = auto()
    """The broker does not take ours."""
    FILES = auto()
    FOREIGN = auto()
    """What answers is no broker, or none that speaks MQTT as we do."""
    REFUSED = auto()
    """The broker gave a reason not to take us in."""
    ENDED = auto()
    """The broker gave a reason to end the session."""
    CLOSED_EARLY = auto()
    CLOSED = auto()
    """Without a word, and with nothing of ours under way."""
    CLOSED_ON = auto()
    """Without a word, while something of ours was under way: perhaps too much, or too large."""
    TAKEN_OVER = auto()
    TOO_LARGE = auto()
    TOO_MANY = auto()
    SILENT = auto()
    UNANSWERED = auto()
    OVERLONG = auto()
    LACKING = auto()
    """The broker has not what the promise needs."""


class Sentence(NamedTuple):
    """What the operator is told."""

    cause: Cause
    what: str
    following: str
    """The next command."""


class SessionError(TitikError, OSError):
    """The session ended, or never began: weather, told in one sentence."""

    def __init__(
        self,
        what: str,
        following: str = "",
        cause: Cause = Cause.NETWORK,
        *,
        in_hand: tuple[int, ...] = (),
        lasted: float | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.following = following
        """The next command."""
        self.cause = cause
        self.in_hand = in_hand
        """The bytes of each message that the broker had not acknowledged, oldest first."""
        self.lasted = lasted
        """Seconds from the broker's word on, ``None`` if it gave none."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known of an end."""

    where: str
    """``host:port``."""
    stage: Stage
    error: BaseException | None = None
    """What the socket, the TLS or the packets said; ``None`` where the broker just closed."""
    code: int | None = None
    """The broker's reason code."""
    words: str = ""
    """The broker's own words (MQTT 5's reason string)."""
    first: bytes = b""
    """The first bytes that came."""
    in_hand: tuple[int, ...] = ()
    """The bytes of each message that the broker had not acknowledged, oldest first."""
    name: str = ""
    """Our client id."""
    certificate: str = ""
    """The file of our certificate."""
    encrypted: bool = False
    modern: bool = True
    """Whether we speak MQTT 5."""
    now: datetime | None = None
    """Our clock."""


_KINDS: Mapping[int, Cause] = {0x8E: Cause.TAKEN_OVER, 0x93: Cause.TOO_MANY, 0x95: Cause.TOO_LARGE}


def sentence_of(end: Ending) -> Sentence:
    """Return what the operator is told of *end*."""
    alert = _alert(end, end.error.error if isinstance(end.error, NoTlsError) else end.error)
    if alert is not None and end.code is None:
        return alert
    if isinstance(end.error, NoTlsError):
        return _no_tls(end, end.error.error)
    if end.stage is Stage.CONNECT:
        return _no_connection(end)
    if end.code is not None:
        return _said(end, end.code)
    return _no_word(end) if end.stage is Stage.WORD else _no_more(end)


def _no_connection(end: Ending) -> Sentence:
    host = end.where.rpartition(":")[0]
    match end.error:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            what, following = "the name server does not answer", f"ip route; resolvectl query {host}"
        case socket.gaierror():
            what, following = "nobody knows that name", f"[broker] host; resolvectl query {host}; or its address"
        case UnicodeError():
            what, following = "that is no name of a machine", "[broker] host"
        case ConnectionRefusedError():
            what, following = (
                "that machine is there, and no program listens on the port",
                f"[broker] port; {AT_THE_BROKER}",
            )
        case TimeoutError():
            what, following = "no answer from that machine", f"ping {host}; is it switched on? is there a firewall?"
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH | errno.ENETDOWN):
            what, following = "there is no way to it", f"ip route; cable and Wi-Fi; ping {host}"
        case error:
            what, following = _plain(error), f"ping {host}"
    return Sentence(Cause.NETWORK, f"no broker at {end.where}: {what}", following)


def _no_tls(end: Ending, error: OSError) -> Sentence:
    cause = Cause.TLS
    match error:
        case ssl.SSLCertVerificationError(verify_code=code) if code in VERIFY:
            what, following = VERIFY[code]
            what = what.format(clock="?" if end.now is None else f"{end.now:%Y-%m-%d}")
        case ssl.SSLCertVerificationError():
            what, following = error.verify_message, "openssl x509 -text -in server.crt, at the broker"
        case StalledError():
            cause = Cause.NETWORK
            what, following = (
                f"the handshake stood still: {error}",
                "the line is very slow, or broken: ping; its signal",
            )
        case ssl.SSLEOFError() | ConnectionError():
            what = "it closed the connection in the middle of the handshake"
            following = "[broker] port: 8883 has TLS and 1883 has not; or its limit of connections: its log"
        case ssl.SSLError(reason="UNSUPPORTED_PROTOCOL"):
            what, following = "its version of TLS is too old; ours are 1.2 and 1.3", "tls_version at the broker"
        case _:
            what = "what answers there speaks another language"
            following = "[broker] port: 8883 has TLS; or tls = false, where the broker has none"
    return Sentence(cause, f"no TLS with {end.where}: {what}", following)


def _alert(end: Ending, error: BaseException | None) -> Sentence | None:
    """Return what a TLS alert of the broker says, ``None`` where there is none that we know."""
    if not isinstance(error, ssl.SSLError):
        return None
    for word, (why, following) in ALERTS.items():
        if str(getattr(error, "reason", None) or "").endswith(f"ALERT_{word}"):
            details = [end.certificate] if end.certificate and "our certificate" in why else []
            if end.now is not None and word in ("CERTIFICATE_EXPIRED", "BAD_CERTIFICATE"):
                details.append(f"this machine's clock says {end.now:%Y-%m-%d}")
            shown = f" ({'; '.join(details)})" if details else ""
            what = f"no TLS with {end.where}: the broker {why}{shown}"
            return Sentence(Cause.CERTIFICATE, what, following.replace("FILE", end.certificate or "FILE"))
    return None


def _said(end: Ending, code: int) -> Sentence:
    """Return what a reason code means; the same may refuse a client, or end its session."""
    why, following = CODES.get(code, (f"its reason is 0x{code:02x}", AT_THE_BROKER))
    if code == UNSUPPORTED and end.stage is Stage.WORD:
        why = f"it does not speak MQTT {'5' if end.modern else '3.1.1'}"
        following = f"[broker] protocol = {4 if end.modern else 5}"
    if not code:
        why = "it said goodbye"
    if end.words:
        why = f"{why} ({end.words})"
    if end.stage is Stage.WORD:
        return Sentence(Cause.REFUSED, f"the broker refused this client: {why}", following)
    return Sentence(_KINDS.get(code, Cause.ENDED), f"the broker ended the session: {why}", following)


def _no_word(end: Ending) -> Sentence:
    """Return why there was no CONNACK that could be read."""
    cause = Cause.FOREIGN
    if len(end.first) == 4 and end.first[:3] == b"\x20\x02\x00":  # noqa: PLR2004 - a whole CONNACK of MQTT 3.1.1
        return _said(end, OLD_CODES.get(end.first[3], 0x80))
    if end.first[:2] == b"\x15\x03" and not end.encrypted:
        what, following = f"{end.where} wants TLS, and we speak without", "[broker] tls = true, and ca"
    elif end.first[:5] == b"HTTP/":
        what = f"what answers at {end.where} is a web server, no broker"
        following = "[broker] port; or a network that wants a login first: open a page in a browser there"
    elif end.first:
        what = f"the broker speaks no MQTT that we know: {_plain(end.error)}"
        following = "[broker] host and port; is it a broker?"
    elif isinstance(end.error, StalledError):
        cause, what = Cause.UNANSWERED, f"{end.where} took the connection and then said nothing"
        following = f"[broker] port; {AT_THE_BROKER}"
    else:
        cause, what = Cause.CLOSED_EARLY, f"{end.where} closed the connection before its first word"
        following = "[broker] " + "; ".join(
            hint
            for hint, may in (
                ("tls = true if the port is 8883", not end.encrypted),
                ("protocol = 4 if it speaks only 3.1.1", end.modern),
                ("certificate, if it does not take ours", end.encrypted),
                ("or its limit of connections: its log", True),
            )
            if may
        )
    return Sentence(cause, what, following)


def _no_more(end: Ending) -> Sentence:
    """Return why a session ended for which the broker gave no reason."""
    match end.error:
        case OverlongPacketError(length=length, most=most):
            cause, what = (
                Cause.OVERLONG,
                f"the broker sent a packet of {length} bytes, and no more than {most} are read",
            )
            following = "who published it? mosquitto_sub -v -t '#' --retained-only; max_packet_size at the broker"
        case ConnectionError() | ssl.SSLEOFError() | None:
            cause, what, following = _closed(end)
        case OSError() as error if not isinstance(error, (ForeignPeerError, ssl.SSLError)):
            cause, what = Cause.NETWORK, f"the line to the broker broke: {_plain(error)}"
            following = "ip route; cable and Wi-Fi; ping"
        case error:
            cause, what = Cause.FOREIGN, f"the broker speaks no MQTT that we know: {_plain(error)}"
            following = "another broker, or a newer one; something between that changes bytes"
    return Sentence(cause, what, following)


def _closed(end: Ending) -> Sentence:
    """Return what an end without a word may be."""
    what = "the broker closed the connection without a word"
    if end.in_hand and max(end.in_hand) >= BIG:
        what = f"{what} while a message of {max(end.in_hand)} bytes was under way"
        following = "if it goes on: its max_packet_size; [broker] largest_packet; smaller ones are tried"
    elif end.in_hand:
        what = f"{what} while {len(end.in_hand)} message(s) were under way"
        following = f"{AT_THE_BROKER}; if it goes on: [broker] in_flight, smaller; fewer are tried"
    else:
        return Sentence(Cause.CLOSED, what, AT_THE_BROKER)
    return Sentence(Cause.CLOSED_ON, what, following)


def silent(seconds: float) -> Sentence:
    """Return what is told when nothing has come, and nothing of ours has left, for *seconds*."""
    what = f"nothing came from the broker for {seconds:.0f} s"
    return Sentence(Cause.SILENT, what, "the network between: ping; then the broker's log")


def unanswered(seconds: float) -> Sentence:
    """Return what is told when a message that has left was not acknowledged for *seconds*."""
    what = f"the broker has not acknowledged a message for {seconds:.0f} s"
    return Sentence(Cause.UNANSWERED, what, f"restart it; {AT_THE_BROKER}")


def lacking(code: int) -> Sentence:
    """Return what is told of a broker whose CONNACK says that it has not what the promise needs."""
    why, following = CODES[code]
    return Sentence(Cause.LACKING, f"no promise can be kept by this broker: {why}", following)


def shared(name: str, certified: str | None) -> Sentence:
    """Return what is told when each session ends soon after it began, without a word: two who fight for one name.

    *certified* is the name in our certificate.
    """
    what = f"each session ends soon after it began: another client uses the name {name}, or its certificate"
    if certified not in (None, name):
        what = f"{what}; ours is made out for {certified}"
    return Sentence(Cause.TAKEN_OVER, what, ONE_NAME)


def _plain(error: BaseException | None) -> str:
    """Return *error* in words, without the places in somebody's source."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "nothing was said" if error is None else type(error).__name__
