"""The forms of a code: one row for each, and the only place that knows them all.

A form is told from the text alone. What is read of it is taken apart by its row's *unpack*, into something signed that
nobody believes yet, and by *read* once a signature held. COSE is one way to do that, and a row may bring another. What
the station is able to read (`can`) follows from the rows; tests hold `Kind`, ``info`` and their own samples to them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from device.formats import base45, claim169, cwt, hcert
from device.formats.cose import EDDSA, ES256, PS256, PublicKey, Sign1, UnsupportedAlgorithmError, parse
from device.formats.cwt import Token
from device.formats.proof import is_proof
from device.model import Claims, Domain, Kind, Reason, Statement

SHORTEST_PASS = 30
"""Characters; a token with a signature has over 100."""
_VERSIONS = base45.ALPHABET[:36]
_ZLIB = tuple(base45.encode(bytes([0x78, low])) for low in range(256) if (0x7800 + low) % 31 == 0)
"""How a pass begins: the zlib headers there are (RFC 1950, 2.2), in base45."""


class Signed(Protocol):
    """Something signed, as it came: nothing in it is believed yet."""

    @property
    def kid(self) -> bytes | None:
        """The name of the key that it says has signed it."""

    @property
    def payload(self) -> bytes:
        """What is signed."""

    @property
    def token(self) -> bytes:
        """The part of the signature that only the signer can choose."""

    def signed_by(self, key: PublicKey) -> bool:
        """Return whether *key* signed it."""


class Unpacked(NamedTuple):
    """What one text carries: what was signed, and what the phone that shows it signed around that, if it did."""

    message: Signed
    proof: Sign1 | None = None


class Stated(NamedTuple):
    """What a credential states, and what its signer must be allowed to state."""

    token: Token
    claims: Claims
    kinds: frozenset[Statement] = frozenset()
    form: str | None = None
    """What it is called, where the signature holds and the content is not read."""


@dataclass(frozen=True, slots=True)
class Format:
    """One form of a code; a row without *unpack* is recognised and not read."""

    kind: Kind
    prefixes: tuple[str, ...]
    """How its texts begin."""
    can: tuple[str, ...] = ()
    """The words of ``info`` for what can be read of it."""
    domains: tuple[Domain, ...] = ()
    """What a key must vouch for to sign it; the first where the key says nothing of it."""
    unpack: Callable[[str], Unpacked] | None = None
    """Takes the text apart; raises `MalformedError` or `UnsupportedAlgorithmError`."""
    read: Callable[[bytes], Stated] | None = None
    """Reads the payload, once a signature held; raises `MalformedError`."""
    phone: bool = False
    """Whether it may name a phone, which must prove each showing."""
    unread: Reason = Reason.NOT_SUPPORTED
    """What is said of it where it is not read."""
    form: str | None = None
    """What it is called then."""
    shortest: int = 0
    """Characters below which it is not meant."""

    def has(self, text: str) -> bool:
        """Return whether *text* is of this form."""
        return text.startswith(self.prefixes) and len(text) >= self.shortest


def _supported(message: Sign1) -> Sign1:
    if message.algorithm not in (ES256, EDDSA, PS256):
        raise UnsupportedAlgorithmError("another algorithm")
    return message


def _unpack_certificate(text: str) -> Unpacked:
    return Unpacked(_supported(cwt.unpack(text.removeprefix(hcert.PREFIX))))


def _read_certificate(payload: bytes) -> Stated:
    token = cwt.read(payload)
    return Stated(token, *hcert.read(token.claims))


def _unpack_pass(text: str) -> Unpacked:
    message = cwt.unpack(text)
    if is_proof(message):
        return Unpacked(_supported(parse(message.payload)), message)
    return Unpacked(_supported(message))


def _read_pass(payload: bytes) -> Stated:
    token = cwt.read(payload)
    return Stated(token, claim169.read(token.claims))


FORMATS: tuple[Format, ...] = (
    Format(
        Kind.HCERT,
        (hcert.PREFIX,),
        can=("hcert",),
        domains=(Domain.HEALTH,),
        unpack=_unpack_certificate,
        read=_read_certificate,
    ),
    Format(Kind.HCERT, tuple(f"HC{version}:" for version in _VERSIONS), form="hcert-other-version"),
    Format(Kind.SHC, ("shc:/",)),
    Format(Kind.DIVOC, ("B64:",)),
    Format(Kind.VDS_NC, ('{"data":{"hdr"',)),
    Format(Kind.MDOC, ("mdoc:",)),
    Format(Kind.VENUE, ("checkin:",), unread=Reason.NOT_A_PASS),
    Format(
        Kind.PASS,
        _ZLIB,
        can=("pass", "phone-pass"),
        domains=(Domain.STAFF, Domain.VISITOR),
        unpack=_unpack_pass,
        read=_read_pass,
        phone=True,
        shortest=SHORTEST_PASS,
    ),
    Format(Kind.LISTED, (), can=("listed",)),  # no form of its own: a text that the bundle's roster knows
    Format(Kind.TEXT, ("",), unread=Reason.NOT_A_PASS),
)
"""In the order in which they are asked: the first that a text has is its form, and the last has every text."""


def format_of(text: str) -> Format:
    """Return the form of *text*, told from its first characters."""
    return next(one for one in FORMATS if one.has(text))


def can() -> list[str]:
    """Return the words for all that a station is able to read, as ``info`` says them."""
    return [word for one in FORMATS for word in one.can]
