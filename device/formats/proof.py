"""Phone passes: the phone that holds one signs it anew each half minute, so that a screenshot is soon dead.

The pass names the phone's key (``cnf``, RFC 8747). What the phone shows is a COSE_Sign1 by that key whose
payload is the pass as the desk signed it, whose protected header says that (content type ``application/cwt``)
and when (``iat`` among CWT claims in a header, RFC 9597), and which is signed over a context of its own, so
that a signature made for anything else proves nothing here::

    18([h'{1: -7, 3: 61, 15: {6: time}}', {}, pass, signature])     external_aad = "titik phone proof 1"
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from device.formats.cbor import MAPS, MalformedError
from device.formats.cose import CONTENT_TYPE, Sign1, UnsupportedAlgorithmError, holds
from device.formats.cwt import IAT, moment

CONTEXT: Final = b"titik phone proof 1"
CNF: Final = 8
"""The claim that names the holder's key (RFC 8747, 3.1)."""
FRESH: Final = timedelta(seconds=45)
"""How far the phone's clock and ours may lie apart, a new proof being made every 30 s."""

_CWT_CLAIMS = 15
_APPLICATION_CWT = 61
_COSE_KEY = 1


def is_proof(message: Sign1) -> bool:
    """Return whether *message* says that its payload is a pass (IANA CoAP content format 61)."""
    return message.header.get(CONTENT_TYPE) == _APPLICATION_CWT


def holder_key(claims: Mapping[Any, Any]) -> ec.EllipticCurvePublicKey | None:
    """Return the key of the phone that the pass is for, ``None`` if it is for whoever carries it.

    Raises `UnsupportedAlgorithmError` for another way to name a key, and `MalformedError` for one that is none.
    """
    named = claims.get(CNF)
    if named is None:
        return None
    match named.get(_COSE_KEY) if isinstance(named, MAPS) else None:
        case {1: 2, -1: 1, -2: bytes(x), -3: bool(odd)} if len(x) == 32:  # noqa: PLR2004 - P-256 (RFC 9053, 7.1.1)
            point = (b"\x03" if odd else b"\x02") + x
        case {1: 2, -1: 1, -2: bytes(x), -3: bytes(y)} if len(x) == len(y) == 32:  # noqa: PLR2004 - as above
            point = b"\x04" + x + y
        case _:
            raise UnsupportedAlgorithmError("a holder named in another way")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise MalformedError("the holder's key is no point of its curve") from None


def proven_at(message: Sign1, key: ec.EllipticCurvePublicKey) -> datetime | None:
    """Return when *key* signed this showing, ``None`` if it did not; raises `MalformedError` if it says no time."""
    if not holds(message, key, CONTEXT):
        return None
    claims = message.header.get(_CWT_CLAIMS)
    at = moment(claims.get(IAT)) if isinstance(claims, MAPS) else None
    if at is None:
        raise MalformedError("a proof without its time")
    return at


def fresh(proven: datetime, at: datetime) -> bool:
    """Return whether a showing signed at *proven* counts at the time *at*, by a trusted clock."""
    return abs(at - proven) <= FRESH
