"""A certificate read leniently: its key and its usages, where its DER is not quite DER.

Real signers of health certificates break X.690 in small ways, and a strict parser then refuses them whole
(Finland's test certificates). Nothing is believed here: whoever names a certificate vouches for it, and only
the key it holds, which is checked in full, goes any further.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_CERTIFICATE: Final = 16_384
"""Bytes."""
_SEQUENCE, _OID, _OCTETS, _EXTENSIONS, _VERSION = 0x30, 0x06, 0x04, 0xA3, 0xA0
_EXTENDED_KEY_USAGE: Final = bytes.fromhex("551d25")
"""2.5.29.37 (RFC 5280, 4.2.1.12)."""


class Part(NamedTuple):
    """One tag, its content, and both with the length between them."""

    tag: int
    content: bytes
    whole: bytes


class Certificate(NamedTuple):
    """What is wanted of a certificate."""

    spki: bytes
    """SubjectPublicKeyInfo, DER."""
    purposes: frozenset[str]
    """Extended key usages, dotted."""


def certificate(octets: bytes) -> Certificate:
    """Return what the X.509 certificate in *octets* says (RFC 5280, 4.1); raises ValueError for anything else."""
    if len(octets) > MAX_CERTIFICATE:
        raise ValueError("larger than any certificate")
    signed = [inner for outer in _within(octets, _SEQUENCE)[:1] for inner in _within(outer.content, _SEQUENCE)[:1]]
    fields = list(_parts(signed[0].content)) if signed else []
    after = fields[1:] if fields[:1] and fields[0].tag == _VERSION else fields  # serial, ..., subject, key
    if len(after) < 6 or after[5].tag != _SEQUENCE:  # noqa: PLR2004 - the sixth field (RFC 5280, 4.1)
        raise ValueError("not a certificate")
    extensions = [part.content for part in after[6:] if part.tag == _EXTENSIONS]
    return Certificate(after[5].whole, frozenset(_purposes(extensions[0])) if extensions else frozenset())


def _purposes(extensions: bytes) -> Iterator[str]:
    for listed in _within(extensions, _SEQUENCE)[:1]:
        for extension in _within(listed.content, _SEQUENCE):
            parts = list(_parts(extension.content))
            if parts and parts[0][:2] == (_OID, _EXTENDED_KEY_USAGE) and parts[-1].tag == _OCTETS:
                for usages in _within(parts[-1].content, _SEQUENCE):
                    yield from (_dotted(oid.content) for oid in _within(usages.content, _OID))


def _within(octets: bytes, tag: int) -> list[Part]:
    return [part for part in _parts(octets) if part.tag == tag]


def _parts(octets: bytes) -> Iterator[Part]:
    """Yield the parts that stand one after another in *octets*; lengths may be longer than needed."""
    at = 0
    while at < len(octets):
        head, length = at + 2, octets[at + 1] if at + 1 < len(octets) else 0
        if length & 0x80:
            head += length & 0x7F
            length = int.from_bytes(octets[at + 2 : head], "big")
        if head + length > len(octets) or head <= at:
            raise ValueError("cut short")
        yield Part(octets[at], octets[head : head + length], octets[at : head + length])
        at = head + length


def _dotted(oid: bytes) -> str:
    """Return an object identifier as text (X.690, 8.19)."""
    numbers, value = list[int](), 0
    for octet in oid:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = numbers[0] if numbers else 0
    return ".".join(map(str, (min(first // 40, 2), first - 40 * min(first // 40, 2), *numbers[1:])))
