"""CBOR from strangers: whatever it is, a value or `MalformedError`, and no work that a stranger chooses."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.formats.cbor import MAX_ITEMS, MAX_OCTETS, SMALL, MalformedError, loads
from tests.support.cbor import colliding

KEYS = st.text(max_size=5) | st.integers(-99, 99)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_is_written_plainly_is_read(value: Any) -> None:
    assert loads(cbor2.dumps(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_malformed(octets: bytes) -> None:
    try:
        loads(octets)
    except MalformedError:
        return


def wide(key: bytes) -> bytes:
    """Return a map from *key* to a string, larger than what is decoded unseen."""
    return b"\xa1" + key + b"\x59" + SMALL.to_bytes(2, "big") + bytes(SMALL)


@pytest.mark.parametrize(
    "octets",
    [
        colliding(900),
        *(wide(key) for key in (b"\xf9\x40\x00", b"\xf5", b"\xc1\x00", b"\x7f\x61a\xff")),
        b"\xa2" + wide(b"\x01")[1:] + b"\xf9\x40\x00\x00",  # its second key
        b"\x81" * 2000 + b"\x00",
        b"\xa1" * 2000 + b"\x00",
        b"\xc2" * 100 + b"\x40",
        b"\x98" + bytes([255]) + b"\xa0" * 255 + b"\xa0",
        b"\x9b" + b"\xff" * 8,
        b"\xbb" + b"\x7f" + b"\xff" * 7,
        b"\x5b" + b"\xff" * 8,
        b"\x5f" + b"\x41\x00" * 3000 + b"\xff",
        b"\xa2\x01\x00\x01\x00",  # one key twice
        b"\x00\x00",
        b"\xff",
        b"",
        bytes(MAX_OCTETS + 1),
        b"\x99" + (MAX_ITEMS + 1).to_bytes(2, "big") + bytes(MAX_ITEMS + 1),
    ],
)
def test_what_costs_a_decoder_dear_or_means_two_things_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        loads(octets)


def test_tags_that_a_decoder_would_act_upon_are_not_said_and_times_are_what_they_are_written_in() -> None:
    told = {
        n: cbor2.CBORTag(tag, inner) for n, (tag, inner) in enumerate([(35, "(a"), (28, []), (258, [1]), (37, b"x")])
    }
    assert loads(cbor2.dumps(told)) == dict.fromkeys(told)
    times = [cbor2.CBORTag(0, "no time"), cbor2.CBORTag(1, 10**30), cbor2.CBORTag(1004, "2021-09-01")]
    assert loads(cbor2.dumps(times)) == ["no time", 10**30, "2021-09-01"]


def test_a_refusal_quotes_nothing_of_what_it_refuses() -> None:
    with pytest.raises(MalformedError) as raised:
        loads(b"\xa2\x67RAHASIA\x00\x67RAHASIA\x00")
    assert raised.value.__suppress_context__
    assert "RAHASIA" not in str(raised.value)
