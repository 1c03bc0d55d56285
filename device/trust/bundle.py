"""Whom to believe: the trust bundle, one file signed by the regency's root.

The bundle is a COSE_Sign1 (EdDSA) over a CBOR map with text keys, and holds no secret::

    version   uint, only ever rises        keys       [{kid, spki, issuer, domain, usages?, from, until}]
    issued    epoch seconds                revoked    {issuer: 8-byte hashes, joined}
    next      epoch seconds                policies   [TOML text, ...]
    roster    see `device.trust.roster`          capacities {site: uint}

Certificates are checked at the desk; the station gets bare public keys (SPKI, DER). The next root takes the
place of the current one in a *handover*: a bundle signed by the current root, inside a COSE_Sign1 by the next.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from device.formats.cbor import MalformedError, loads
from device.formats.cose import PublicKey, Sign1, UnsupportedAlgorithmError, holds, parse, usable
from device.formats.cwt import LATEST
from device.model import Domain, Statement
from device.system.errors import TitikError
from device.trust.roster import ENTRY, HASH, Listing, Roster
from device.wire import MAX_BUNDLE

MAX_BUNDLE_ITEMS: Final = 50_000
MAX_COUNT: Final = 2**53
"""Of versions, persons and doses: what JSON carries unharmed."""
MAX_NAMESAKES: Final = 8
"""Keys under one kid, each of which is tried; two is the most that was ever seen."""
COSE_SIGN1: Final = 18
"""The content type of a handover's outer message: ``application/cose; cose-type="cose-sign1"`` (RFC 9052, 11.3.2)."""


class Roots(NamedTuple):
    """The regency's root keys: the one that signs, and the one that may take its place."""

    current: ed25519.Ed25519PublicKey
    next: ed25519.Ed25519PublicKey | None = None


class BundleError(TitikError, ValueError):
    """A bundle that is not believed, and why; the last good one stays in force."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and what it may vouch for; ``None`` leaves that open, as an audit's ``--key`` does."""

    public: PublicKey
    kid: bytes | None = None
    issuer: str | None = None
    domain: Domain | None = None
    usages: frozenset[Statement] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys by kid, revocations by issuer, policies; empty, every signer is unknown, which is an answer."""

    keys: Mapping[bytes | None, tuple[Key, ...]] = field(default_factory=lambda: MappingProxyType({}))
    revoked: Mapping[str, frozenset[bytes]] = field(default_factory=lambda: MappingProxyType({}))
    policies: tuple[str, ...] = ()
    capacities: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    version: int = 0
    issued: datetime | None = None
    next: datetime | None = None
    roster: Roster = field(default_factory=Roster)
    handover: bool = False
    """Whether both roots signed it, so that the next one is the current one from now on."""

    def due(self, at: datetime) -> bool:
        """Return whether a newer bundle should be here at the time *at*."""
        return self.next is not None and at > self.next

    def candidates(self, kid: bytes | None) -> tuple[Key, ...]:
        """Return the keys that a message with this *kid* may have been signed by."""
        named = self.keys.get(kid, ())
        return named if kid is None else named + self.keys.get(None, ())


def trusting(*keys: Key) -> Trust:
    """Return a Trust of these keys alone."""
    grouped: dict[bytes | None, list[Key]] = {}
    for key in keys:
        grouped.setdefault(key.kid, []).append(key)
    return Trust({kid: tuple(group) for kid, group in grouped.items()})


def identity(issuer: str, token: bytes) -> bytes:
    """Return the 32 bytes by which a credential is known: its issuer and what only that signer could choose."""
    return sha256(issuer.encode() + b"\0" + token).digest()


def revocation(of: bytes) -> bytes:
    """Return the 8 bytes under which the bundle lists a revoked identity."""
    return of[:8]


def root_key(text: str) -> ed25519.Ed25519PublicKey:
    """Return the root's public key from its base64 SPKI, as ``titik-office init`` prints it; raises ValueError."""
    try:
        key = usable(load_der_public_key(base64.b64decode("".join(text.split()), validate=True)))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise ValueError("not a public key in base64") from None
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise ValueError("the root is an Ed25519 key; this is another kind")  # noqa: TRY004 - a value, from a file
    return key


def kid_of(key: PublicKey) -> bytes:
    """Return the first 8 bytes of the SHA-256 over the key's SPKI; certificates have their own rule."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:8]


def open_bundle(octets: bytes, roots: Roots) -> Trust:
    """Return the trust that *octets* carry, if the current root signed them; raises `BundleError`.

    The next root alone may sign nothing: it counts in a handover only, which the current one signed as well. Where
    the next one is the current one already, its signature around another's is as good as its own alone.
    """
    message = _sign1(octets)
    inner = _sign1(message.payload) if message.header.get(3) == COSE_SIGN1 else None
    if holds(message, roots.current):
        return _trust((inner or message).payload)
    if inner is not None and roots.next is not None and holds(message, roots.next) and holds(inner, roots.current):
        return replace(_trust(inner.payload), handover=True)
    raise BundleError("not signed by the regency's root")


def unproven_bundle(octets: bytes) -> Trust:
    """Return the trust that *octets* claim to carry, whoever signed them: for an audit, never for a station."""
    message = _sign1(octets)
    return _trust((_sign1(message.payload) if message.header.get(3) == COSE_SIGN1 else message).payload)


def _sign1(octets: bytes) -> Sign1:
    try:
        return parse(octets, limit=MAX_BUNDLE)
    except (MalformedError, UnsupportedAlgorithmError) as error:
        raise BundleError(f"not a bundle: {error}") from None


def _trust(payload: bytes) -> Trust:
    """Return what a bundle's payload says; every field is of its own kind or the bundle is none."""
    try:
        told = _Fields(loads(payload, MAX_BUNDLE, MAX_BUNDLE_ITEMS))
        return Trust(
            keys=_grouped([_Fields(one) for one in told.of("keys", list)]),
            revoked={
                _a(str, issuer): _hashes(_a(bytes, joined)) for issuer, joined in told.of("revoked", dict).items()
            },
            policies=tuple(_a(str, text) for text in told.of("policies", list)),
            capacities={_a(str, site): _count(count, site) for site, count in told.of("capacities", dict, {}).items()},
            roster=roster(told.of("roster", dict)) if told.has("roster") else Roster(),
            version=_count(told.of("version", int), "version"),
            issued=told.time("issued"),
            next=told.time("next"),
        )
    except ValueError as error:
        raise BundleError(f"signed, but not readable by this version: {error}") from None


T = TypeVar("T")


def _a(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"not a {kind.__name__}")  # noqa: TRY004 - a value, from a file
    return value


def _count(value: Any, name: str) -> int:
    if not 0 <= _a(int, value) <= MAX_COUNT:
        raise ValueError(f"{name} is no number that can be kept")
    return int(value)


class _Fields:
    """A map of the bundle, read by name and kind; raises ValueError that names the field, never its content."""

    def __init__(self, told: Any) -> None:
        self._told = _a(dict, told)

    def of(self, name: str, kind: type[T], default: Any = None) -> T:
        """Return the field *name*, which is of *kind*."""
        value = self._told.get(name, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{name} is not of kind {kind.__name__}")  # noqa: TRY004 - a value, from a file
        return value

    def has(self, name: str) -> bool:
        """Return whether the field *name* is there."""
        return self._told.get(name) is not None

    def time(self, name: str) -> datetime:
        """Return the field *name*, epoch seconds before the year 3000."""
        seconds = self.of(name, int)
        if not 0 <= seconds <= LATEST:
            raise ValueError(f"{name} is no time")
        return datetime.fromtimestamp(seconds, UTC)


def _grouped(told: list[_Fields]) -> dict[bytes | None, tuple[Key, ...]]:
    """Return the keys by kid; one key may speak in one name only, or whoever shows a code could choose."""
    grouped: dict[bytes | None, tuple[Key, ...]] = {}
    speaks: dict[bytes, tuple[str, str]] = {}
    for one in told:
        spki, issuer, domain = one.of("spki", bytes), one.of("issuer", str), Domain(one.of("domain", str))
        try:
            public = usable(load_der_public_key(spki))
        except UnsupportedAlgorithm:
            public = None
        if public is None:
            continue  # a kind that this version cannot check: its credentials have an unknown signer
        written = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # the one way of several
        if speaks.setdefault(written, (issuer, domain)) != (issuer, domain):
            raise ValueError("one key under two names")
        usages = frozenset(Statement(_a(str, word)) for word in one.of("usages", list)) if one.has("usages") else None
        key = Key(public, one.of("kid", bytes), issuer, domain, usages, one.time("from"), one.time("until"))
        grouped[key.kid] = (*grouped.get(key.kid, ()), key)
        if len(grouped[key.kid]) > MAX_NAMESAKES:
            raise ValueError(f"more than {MAX_NAMESAKES} keys under one kid")
    return grouped


def roster(said: Any) -> Roster:
    """Return the roster as a bundle writes it; raises ValueError. Every entry points at a listing."""
    told = _Fields(said)
    check, joined = told.of("check", bytes), told.of("entries", bytes)
    listings = tuple(_listing(_Fields(one)) for one in told.of("claims", list))
    if len(check) != 4 or len(joined) % ENTRY:  # noqa: PLR2004 - see `device.trust.roster`
        raise ValueError("the roster is not whole")
    entries = {
        joined[at : at + HASH]: int.from_bytes(joined[at + HASH : at + ENTRY], "big")
        for at in range(0, len(joined), ENTRY)
    }
    if any(index >= len(listings) for index in entries.values()):
        raise ValueError("a roster entry without its listing")
    return Roster(check, told.of("issuer", str), listings, entries)


def _listing(told: _Fields) -> Listing:
    return Listing(
        Domain(told.of("domain", str)),
        told.time("until") if told.has("until") else None,
        _count(told.of("doses", int), "doses") if told.has("doses") else None,
        _count(told.of("series", int), "series") if told.has("series") else None,
    )


def _hashes(joined: bytes) -> frozenset[bytes]:
    if len(joined) % 8:
        raise ValueError("revocations are 8 bytes each")
    return frozenset(joined[at : at + 8] for at in range(0, len(joined), 8))
