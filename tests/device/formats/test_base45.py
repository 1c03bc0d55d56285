"""Base45 against the RFC's own examples, and every byte string there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.formats import base45


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_the_examples_of_rfc_9285_hold(octets: bytes, text: str) -> None:
    assert base45.encode(octets) == text
    assert base45.decode(text) == octets


@given(st.binary(max_size=300))
def test_what_is_encoded_is_decoded(octets: bytes) -> None:
    assert base45.decode(base45.encode(octets)) == octets


@pytest.mark.parametrize("text", ["GGW", ":::", "::", "A", "AAAA", "ab8", "é0", "0\n"])
def test_what_no_encoder_writes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        base45.decode(text)


@given(st.text(alphabet=base45.ALPHABET, max_size=40))
def test_decoding_is_strict_so_that_no_two_texts_mean_the_same(text: str) -> None:
    try:
        octets = base45.decode(text)
    except ValueError:
        return
    assert base45.encode(octets) == text
