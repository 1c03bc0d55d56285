"""CBOR Web Token (RFC 8392) inside a QR: base45 → zlib → COSE_Sign1 → claims; the pipeline of every pass."""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from device.formats import base45
from device.formats.cbor import MAPS, MAX_OCTETS, MalformedError, loads
from device.formats.cose import Sign1, parse
from device.model import MAX_TEXT

LATEST = 32_503_680_000
"""The year 3000 in seconds since 1970: no time that is said lies beyond it."""

ISS, EXP, NBF, IAT = 1, 4, 5, 6


class Token(NamedTuple):
    """The claims set of a signed token; read it only after its signature held."""

    issuer: str
    issued: datetime | None
    not_before: datetime | None
    expires: datetime | None
    """``None`` where its form lets it count for ever; a CWT of ours must have an end."""
    claims: Mapping[Any, Any]


def unpack(text: str) -> Sign1:
    """Return the signed message in *text*.

    Raises `MalformedError` or `UnsupportedAlgorithmError`, within fixed bounds.
    """
    if len(text) > MAX_TEXT:
        raise MalformedError("longer than any QR")
    try:
        packed = base45.decode(text)
    except ValueError as error:
        raise MalformedError(str(error)) from None
    return parse(_inflate(packed))


def _inflate(packed: bytes) -> bytes:
    """Return what *packed* unpacks to; a bomb stops at the bound, and nothing may stand behind it."""
    unzip = zlib.decompressobj()
    try:
        octets = unzip.decompress(packed, MAX_OCTETS + 1)
    except zlib.error:
        raise MalformedError("not zlib") from None
    if len(octets) > MAX_OCTETS:
        raise MalformedError("unpacks to more than any credential")
    if not unzip.eof or unzip.unused_data:
        raise MalformedError("cut short, or something stands behind it")
    return octets


def read(payload: bytes) -> Token:
    """Return the claims set in *payload*; raises `MalformedError`.

    An expiry is required and every time must be a finite, positive number: a genuine certificate in the
    wild expires at NaN, and no clock is ever later than that.
    """
    claims = loads(payload)
    if not isinstance(claims, MAPS):
        raise MalformedError("the claims are not a map")
    expires = moment(claims.get(EXP))
    if expires is None:
        raise MalformedError("no expiry")
    issuer = claims.get(ISS, "")
    if not isinstance(issuer, str) or len(issuer) > 200:  # noqa: PLR2004 - a name, not a text
        raise MalformedError("the issuer is not a name")
    return Token(issuer, moment(claims.get(IAT)), moment(claims.get(NBF)), expires, claims)


def moment(said: Any) -> datetime | None:
    """Return the time that *said* writes as seconds since 1970, ``None`` of none; raises `MalformedError`."""
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise MalformedError("a time is not a number")
    if not 0 <= said <= LATEST:  # NaN is in no range
        raise MalformedError("a time is out of range")
    return datetime.fromtimestamp(said, UTC)
