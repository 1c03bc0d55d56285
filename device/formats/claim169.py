"""The office's own pass: a CWT with claim 169 (MOSIP, IANA CWT claims), no prefix, base45 all through."""

from collections.abc import Mapping
from typing import Any

from device.formats.cbor import MAPS, MalformedError
from device.model import Claims

CLAIM = 169
NUMBER, NAME = 1, 4
MAX_NUMBER = 64


def read(claims: Mapping[Any, Any]) -> Claims:
    """Return what the token's *claims* say: the pass number, and nothing of the person; raises `MalformedError`."""
    identity = claims.get(CLAIM)
    if not isinstance(identity, MAPS):
        raise MalformedError("no identity inside")
    number = identity.get(NUMBER)
    return Claims(pass_number=number if isinstance(number, str) and 0 < len(number) <= MAX_NUMBER else None)
