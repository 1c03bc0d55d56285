"""Where packets end: told from their first bytes, however they are cut, and before anything long is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device.mqtt.framing import MAX_OTHER, ForeignPeerError, Framing, OverlongPacketError, properties_of
from tests.support.framing import length

MOST = 2_000_000
CONNACK = b"\x20\x03\x00\x00\x00"


PACKETS = st.lists(
    st.tuples(st.sampled_from([0x30, 0x32, 0x31, 0x40, 0x90, 0xD0, 0xE0]), st.integers(0, 300)), max_size=8
)


@given(PACKETS, st.lists(st.integers(1, 50), min_size=1, max_size=9))
def test_packets_are_counted_however_they_are_cut(packets: list[tuple[int, int]], cuts: list[int]) -> None:
    stream = CONNACK + b"".join(bytes([first]) + length(size) + bytes(size) for first, size in packets)
    framing, at, n = Framing(MOST), 0, 0
    while at < len(stream):
        framing.take(stream[at : at + cuts[n % len(cuts)]])
        at, n = at + cuts[n % len(cuts)], n + 1
    assert (framing.packets, framing.inside) == (1 + len(packets), False)
    framing.take(b"\x30\x05")
    assert (framing.packets, framing.inside) == (1 + len(packets), True)


@pytest.mark.parametrize(
    ("first", "size", "most"),
    [(0x30, MOST + 1, MOST), (0x33, 200_000_000, MOST), (0x90, MAX_OTHER + 1, MAX_OTHER)],
)
def test_what_is_too_long_is_known_before_its_first_byte(first: int, size: int, most: int) -> None:
    framing = Framing(MOST)
    framing.take(CONNACK)
    with pytest.raises(OverlongPacketError) as caught:
        framing.take(bytes([first]) + length(size))
    assert caught.value.most == most < caught.value.length <= size
    framing = Framing(MOST)
    framing.take(CONNACK + b"\x30" + length(MOST))
    assert framing.inside


def test_the_longest_list_of_reason_codes_is_kept_out_like_a_message_is_not() -> None:
    framing = Framing(MOST)
    framing.take(CONNACK + b"\x90" + length(MAX_OTHER) + bytes(MAX_OTHER))
    assert framing.packets == 2


@pytest.mark.parametrize("octets", [b"H", b"\x15\x03\x03", b"\x30\x00", b"\xd0\x00"])
def test_what_begins_with_anything_but_the_broker_s_word_is_foreign(octets: bytes) -> None:
    with pytest.raises(ForeignPeerError, match="no CONNACK"):
        Framing(MOST).take(octets)


@pytest.mark.parametrize("octets", [b"\x34\x02", b"\x36\x02", b"\x30\xff\xff\xff\xff"])
def test_a_message_at_qos_2_and_a_length_of_five_bytes_are_foreign(octets: bytes) -> None:
    framing = Framing(0x0FFF_FFFF)
    framing.take(CONNACK)
    with pytest.raises(ForeignPeerError):
        framing.take(octets)


@given(st.text(max_size=20), st.integers(0, 1), st.integers(0, 40), st.binary(max_size=30))
def test_the_bytes_of_properties_before_a_message_are_counted(topic: str, qos: int, users: int, body: bytes) -> None:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has types, but not here
    for n in range(users):
        properties.UserProperty = (str(n), "x")
    packed = properties.pack()
    name = topic.encode()
    packet = len(name).to_bytes(2, "big") + name + (b"\x00\x07" if qos else b"") + packed + body
    assert len(length(properties_of(packet, qos))) + properties_of(packet, qos) == len(packed)


@given(st.binary(max_size=12), st.integers(0, 1))
def test_any_bytes_have_some_number_of_properties(octets: bytes, qos: int) -> None:
    assert 0 <= properties_of(octets, qos) < 2**28
