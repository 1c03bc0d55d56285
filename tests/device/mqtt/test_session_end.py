"""Each cause of an end has a sentence of its own, with the next command; none of them is *unspecified*."""

import errno
import re
import socket
import ssl
from datetime import UTC, datetime
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.mqtt.connection import NoTlsError, StalledError
from device.mqtt.framing import ForeignPeerError, OverlongPacketError
from device.mqtt.reasons import ALERTS, CODES, VERIFY
from device.mqtt.session_end import (
    Cause,
    Ending,
    Sentence,
    SessionError,
    Stage,
    lacking,
    sentence_of,
    shared,
    silent,
    unanswered,
)
from tests.support.world import REPOSITORY

WHERE = "broker.kantor.example:8883"
NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


def ssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason.lower().replace("_", " "))
    error.reason = reason
    return error


def unverified(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.reason, error.verify_code, error.verify_message = "CERTIFICATE_VERIFY_FAILED", code, f"reason {code}"
    return error


ENDS = {
    "name unknown": Ending(WHERE, Stage.CONNECT, socket.gaierror(socket.EAI_NONAME, "x")),
    "name server away": Ending(WHERE, Stage.CONNECT, socket.gaierror(socket.EAI_AGAIN, "x")),
    "no name": Ending(WHERE, Stage.CONNECT, UnicodeError("x")),
    "no program": Ending(WHERE, Stage.CONNECT, ConnectionRefusedError(111, "x")),
    "no answer": Ending(WHERE, Stage.CONNECT, TimeoutError("x")),
    "no way": Ending(WHERE, Stage.CONNECT, OSError(errno.EHOSTUNREACH, "No route to host")),
    "other": Ending(WHERE, Stage.CONNECT, OSError(errno.EMFILE, "Too many open files")),
    **{
        f"verify {code}": Ending(WHERE, Stage.CONNECT, NoTlsError(unverified(code)), now=NOW)
        for code in (9, 10, 18, 19, 23)
    },
    **{
        f"verify {code}": Ending(WHERE, Stage.CONNECT, NoTlsError(unverified(code)), now=NOW)
        for code in (26, 62, 64, 99)
    },
    **{
        f"alert {word}": Ending(WHERE, Stage.WORD, ssl_error(f"TLSV1_ALERT_{word}"), certificate="/etc/t.crt", now=NOW)
        for word in ALERTS
    },
    "plain port": Ending(WHERE, Stage.CONNECT, NoTlsError(ssl_error("WRONG_VERSION_NUMBER"))),
    "handshake closed": Ending(WHERE, Stage.CONNECT, NoTlsError(ConnectionResetError(104, "x"))),
    "handshake stalled": Ending(WHERE, Stage.CONNECT, NoTlsError(StalledError("nothing moved for 10 s"))),
    "old TLS": Ending(WHERE, Stage.CONNECT, NoTlsError(ssl_error("UNSUPPORTED_PROTOCOL"))),
    **{f"refused 0x{code:02x}": Ending(WHERE, Stage.WORD, code=code) for code in CODES},
    **{f"ended 0x{code:02x}": Ending(WHERE, Stage.SESSION, code=code) for code in (*CODES, 0)},
    "TLS port": Ending(WHERE, Stage.WORD, ForeignPeerError("x"), first=b"\x15\x03\x01\x00\x02\x02\x46"),
    "web": Ending(WHERE, Stage.WORD, ForeignPeerError("x"), first=b"HTTP/1.1 400 Bad"),
    "rubbish": Ending(WHERE, Stage.WORD, ForeignPeerError("the first thing that came is no CONNACK"), first=b"SSH-2.0"),
    "mute": Ending(WHERE, Stage.WORD, StalledError("no CONNACK came")),
    "closed at once": Ending(WHERE, Stage.WORD),
    "closed": Ending(WHERE, Stage.SESSION),
    "closed on a large message": Ending(WHERE, Stage.SESSION, in_hand=(600, 30_000)),
    "closed on messages": Ending(WHERE, Stage.SESSION, in_hand=(600, 700)),
    "line broke": Ending(WHERE, Stage.SESSION, OSError(errno.ENETDOWN, "Network is down")),
    "overlong": Ending(WHERE, Stage.SESSION, OverlongPacketError(200_000_000, 1_052_672)),
    "foreign": Ending(WHERE, Stage.SESSION, ForeignPeerError("a packet that cannot be read")),
}
SENTENCES = {name: sentence_of(end) for name, end in ENDS.items()} | {
    "silent": silent(30),
    "unanswered": unanswered(60),
    "shared": shared("bupati-1", "bupati-2"),
    **{f"lacking 0x{code:02x}": lacking(code) for code in (0x9A, 0x9B, 0xA2)},
}


def test_each_cause_has_a_sentence_of_its_own() -> None:
    alike = [(one, other) for one, other in combinations(SENTENCES, 2) if SENTENCES[one].what == SENTENCES[other].what]
    assert alike == []


def test_each_sentence_says_what_next_and_none_shows_a_library_s_inside() -> None:
    for name, sentence in SENTENCES.items():
        assert sentence.following, name
        for words in (sentence.what, sentence.following):
            assert not {"_ssl.c", "Unspecified", "Errno", "{", "FILE"} & set(words.replace("(", " ").split()), name
            assert "_ssl.c" not in words, name


@pytest.mark.parametrize(
    ("name", "what", "following"),
    [
        ("no program", f"no broker at {WHERE}: that machine is there, and no program listens on the port", "port"),
        (
            "verify 9",
            f"no TLS with {WHERE}: the broker's certificate is not yet valid (this machine's clock says 2026-11-28)",
            "date, here",
        ),
        (
            "alert CERTIFICATE_EXPIRED",
            (
                f"no TLS with {WHERE}: the broker says that our certificate has expired"
                " (/etc/t.crt; this machine's clock says 2026-11-28)"
            ),
            "examples/certificates",
        ),
        ("refused 0x84", "the broker refused this client: it does not speak MQTT 5", "[broker] protocol = 4"),
        ("ended 0x8e", "the broker ended the session: another client has taken the place of this name", "its own name"),
        (
            "closed on a large message",
            "the broker closed the connection without a word while a message of 30000 bytes was under way",
            "max_packet_size",
        ),
        (
            "overlong",
            "the broker sent a packet of 200000000 bytes, and no more than 1052672 are read",
            "max_packet_size",
        ),
    ],
)
def test_what_is_told(name: str, what: str, following: str) -> None:
    assert SENTENCES[name].what == what
    assert following in SENTENCES[name].following


def test_the_codes_of_3_1_1_are_read_as_those_of_5_whichever_is_spoken() -> None:
    old = {n: sentence_of(Ending(WHERE, Stage.WORD, first=b"\x20\x02\x00" + bytes([n]), modern=True)) for n in range(7)}
    assert old[1] == Sentence(
        Cause.REFUSED, "the broker refused this client: it does not speak MQTT 5", "[broker] protocol = 4"
    )
    assert [old[n].what for n in (2, 3, 4, 5)] == [
        sentence_of(Ending(WHERE, Stage.WORD, code=code)).what for code in (0x85, 0x88, 0x86, 0x87)
    ]
    assert old[0] == old[6] == sentence_of(Ending(WHERE, Stage.WORD, code=0x80))


def test_a_close_before_the_first_word_names_what_it_may_be_for_this_client() -> None:
    plain = sentence_of(Ending(WHERE, Stage.WORD, modern=True)).following
    secret = sentence_of(Ending(WHERE, Stage.WORD, modern=False, encrypted=True)).following
    assert ("protocol = 4" in plain, "tls = true" in plain, "certificate" in plain) == (True, True, False)
    assert ("protocol = 4" in secret, "tls = true" in secret, "certificate" in secret) == (False, False, True)


def test_the_broker_s_own_words_stand_beside_its_code() -> None:
    it = sentence_of(Ending(WHERE, Stage.WORD, code=0x87, words="user bupati-9 is unknown"))
    assert it.what.endswith("it does not authorize this client (user bupati-9 is unknown)")


ERRORS = st.sampled_from(
    [
        None,
        OSError("x"),
        ConnectionResetError(104, "x"),
        ssl_error("BAD_RECORD_MAC"),
        ssl_error("SSLV3_ALERT_CERTIFICATE_REVOKED"),
        ssl.SSLEOFError(8, "EOF"),
        NoTlsError(unverified(77)),
        NoTlsError(OSError("x")),
        StalledError("x"),
        ForeignPeerError("x"),
        OverlongPacketError(5, 4),
        ValueError("x"),
        UnicodeError("x"),
        TimeoutError(),
    ]
)


@given(
    st.sampled_from(Stage),
    ERRORS,
    st.none() | st.integers(0, 255),
    st.binary(max_size=16),
    st.lists(st.integers(1, 10**6), max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
)
def test_whatever_is_known_something_is_told(  # noqa: PLR0917 - each is a part of what may be known
    stage: Stage,
    error: BaseException | None,
    code: int | None,
    first: bytes,
    in_hand: tuple[int, ...],
    encrypted: bool,
    modern: bool,
) -> None:
    sentence = sentence_of(Ending(WHERE, stage, error, code, "", first, in_hand, "me", "", encrypted, modern, NOW))
    assert sentence.what
    assert sentence.following


def test_a_broken_link_carries_its_sentence_and_what_was_under_way() -> None:
    broken = SessionError("it rained", "wait", Cause.SILENT, in_hand=(3, 4), lasted=2.0)
    assert str(broken) == broken.what == "it rained"
    assert (broken.following, broken.cause, broken.in_hand, broken.lasted) == ("wait", Cause.SILENT, (3, 4), 2.0)
    assert (SessionError("x").cause, SessionError("x").in_hand, SessionError("x").lasted) == (Cause.NETWORK, (), None)


def test_every_verify_code_of_the_table_is_told_with_no_hole_left() -> None:
    for code in VERIFY:
        assert "{" not in sentence_of(Ending(WHERE, Stage.CONNECT, NoTlsError(unverified(code)))).what


def test_the_operator_s_table_has_a_row_for_what_may_be_read_in_the_log() -> None:
    """Each phrase that stands as code in the table is in some sentence, and each cause is in the table."""
    table = (REPOSITORY / "docs/pusat.md").read_text(encoding="utf-8").partition("No way to the broker")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    phrases = [part.strip("… :,").strip() for row in rows for part in re.findall(r"`([^`]+)`", row)]
    it = [sentence.what for name, sentence in SENTENCES.items() if name != "verify 99"]
    it += ["[broker] ca = x", "the line to the broker is slow, some", "; this machine's clock says"]
    for phrase in phrases:
        begun = re.split(r"…| N |\s=", phrase)[0].strip()
        assert any(begun in what for what in it) or begun in ("certificate", "key"), phrase
    for what in it:
        assert any(re.split(r"…| N ", phrase)[0].strip() in what for phrase in phrases if len(phrase) > 8), what
