"""CBOR (RFC 8949) from strangers, within fixed bounds of work, and nothing may stand behind the one value.

A decoder hashes map keys, and a stranger may choose keys that all collide: a code of 3,000 characters once
cost 0.8 s. So whatever is larger than any usual credential has its heads walked before a decoder sees it:
keys are whole numbers or text there, and items are counted. What is small cannot hold enough keys to matter.
"""

import io
from collections.abc import Callable
from typing import Any, Final

import cbor2

from device.system.errors import TitikError

MAX_OCTETS = 16_384
"""Bytes of a credential; the largest genuine one in the test sets has 870."""
SMALL = 1_024
"""Bytes that are decoded without a walk: at most 80 colliding keys, a tenth of a millisecond."""
MAX_ITEMS = 2_000
"""Items in it; the largest genuine one has under 100."""
MAX_DEPTH = 32
"""Containers in containers; a genuine HCERT has 6, and its issuer may extend it."""

MAPS: Final = (dict, cbor2.frozendict)
LISTS: Final = (list, tuple)
"""What maps and arrays come as, the second kind inside a tag; asking for the abstract kinds costs more."""

_LENGTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_UNSIGNED, _NEGATIVE, _OCTETS, _TEXT, _ARRAY, _MAP, _TAG = range(7)
_INDEFINITE: Final = 31
_BREAK: Final = 0xFF


class MalformedError(TitikError, ValueError):
    """Bytes that are not what they should be; the sentence names the place, never the content."""


def _content(value: Any, _immutable: bool) -> Any:
    return value


def _nothing(_value: Any, _immutable: bool) -> None:
    return None


# A decoder would act upon these: compile, look up, share, build. What a time is written in is handed on as it
# stands, for whoever reads the field; all else is *not said*.
_TAGS: Final[dict[int, Callable[[Any, bool], Any]]] = {
    **dict.fromkeys((0, 1, 100, 1004), _content),
    **dict.fromkeys((4, 5, 25, 28, 29, 30, 35, 36, 37, 43000, 52, 54, 101, 256, 258, 260, 261, 55799), _nothing),
}


def loads(octets: bytes, limit: int = MAX_OCTETS, items: int = MAX_ITEMS) -> Any:
    """Return the one CBOR value that *octets* are, of at most *limit* bytes and *items* items.

    Raises `MalformedError`. Times (tags 0, 1, 100, 1004) come as what they are written in, other tags that mean
    something to a decoder as ``None``; the rest as `cbor2.CBORTag`.
    """
    if len(octets) > limit:
        raise MalformedError(f"longer than {limit} bytes")
    if len(octets) > SMALL:
        _walk(octets, items)
    stream = io.BytesIO(octets)
    decoder = cbor2.CBORDecoder(stream, semantic_decoders=_TAGS, max_depth=MAX_DEPTH, allow_duplicate_keys=False)
    try:
        value = decoder.decode()
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, TypeError, EOFError):
        raise MalformedError("not CBOR") from None  # the decoder's own words may quote the content
    if stream.tell() != len(octets):
        raise MalformedError("something stands behind the CBOR")
    return value


class _Open:
    """A container that is being walked: how many items it still holds (``None``: until a break), and whose."""

    __slots__ = ("is_map", "left", "seen")

    def __init__(self, left: int | None, is_map: bool) -> None:
        self.left = left
        self.is_map = is_map
        self.seen = 0


def _walk(octets: bytes, items: int) -> None:
    """Look at every head once; raises `MalformedError` for too many items and for keys that are none of ours."""
    at, counted = 0, 0
    inside: list[_Open] = []
    while at < len(octets):
        counted += 1
        if counted > items:
            raise MalformedError(f"more than {items} items")
        if octets[at] == _BREAK:
            if not inside:
                raise MalformedError("not CBOR")
            inside.pop()
            at += 1
        else:
            at = _step(octets, at, inside)
        while inside and inside[-1].left is not None and inside[-1].seen >= inside[-1].left:
            inside.pop()


def _step(octets: bytes, at: int, inside: list[_Open]) -> int:
    """Take the head at *at*, note it in the container it stands in, and return where the next one begins."""
    major, more = octets[at] >> 5, octets[at] & 31
    at += 1
    number = more
    if (length := _LENGTHS.get(more)) is not None:
        number = int.from_bytes(octets[at : at + length], "big")
        at += length
    if inside:
        _note(inside[-1], major, more)
    if major in (_OCTETS, _TEXT) and more != _INDEFINITE:
        return at + number
    if major in (_OCTETS, _TEXT, _ARRAY, _MAP):
        left = None if more == _INDEFINITE else number * (2 if major == _MAP else 1)
        inside.append(_Open(left, is_map=major == _MAP))
    return at


def _note(container: _Open, major: int, more: int) -> None:
    """Count one item of *container*; a tag belongs to its value, and is no key."""
    if container.is_map and container.seen % 2 == 0:
        key = major in (_UNSIGNED, _NEGATIVE) or (major == _TEXT and more != _INDEFINITE)
        if not key:
            raise MalformedError("a key that is neither a whole number nor text")
    if major != _TAG:
        container.seen += 1
