"""Whom to believe: the trust bundle, one file signed by the regency's root.

The bundle is a COSE_Sign1 (EdDSA) over a CBOR map with text keys, and holds no secret::

    version   uint, only ever rises        keys       [{kid, spki, issuer, domain, usages?, from, until}]
    issued    epoch seconds                revoked    {issuer: 8-byte hashes, joined}
    next      epoch seconds                policies   [TOML text, ...]
    roster    see `device.trust.roster`          capacities {site: uint}

As a file it is ``trust.cbor``: *cbor* is the ending that ``application/cose`` is registered with (RFC 9052, 11.3.1).
Certificates are checked at the desk; the station gets bare public keys (SPKI, DER). The next root takes the
place of the current one in a *handover*: a bundle signed by the current root, inside a COSE_Sign1 by the next.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import cbor2
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from device.formats.cbor import MalformedError, loads
from device.formats.cose import PublicKey, Sign1, UnsupportedAlgorithmError, holds, parse, usable
from device.model import Domain, Statement
from device.system.errors import TitikError
from device.trust._fields import COUNT, OCTETS, TEXT, TIME, Field, Form, Table, count, of_kind, word, words
from device.trust.roster import Roster, read_roster, written_roster
from device.wire import MAX_BUNDLE

MAX_BUNDLE_ITEMS: Final = 50_000
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


def spki(key: PublicKey) -> bytes:
    """Return the public key as DER (SubjectPublicKeyInfo)."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def spki_text(key: PublicKey) -> str:
    """Return the public key as base64 of its SPKI, the form that `root_key` reads and ``[trust] roots`` takes."""
    return base64.b64encode(spki(key)).decode()


def kid_of(key: PublicKey) -> bytes:
    """Return the first 8 bytes of the SHA-256 over the key's SPKI; certificates have their own rule."""
    return sha256(spki(key)).digest()[:8]


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


def payload(trust: Trust) -> bytes:
    """Return *trust* as the canonical CBOR that gets signed; raises ValueError where a bundle must say more.

    The same trust is the same bytes: keys stand in order of issuer, kid and domain, revocations in their own.
    """
    return cbor2.dumps(TRUST.written(trust), canonical=True)


def _trust(signed: bytes) -> Trust:
    """Return what a bundle's payload says; every field is of its own kind or the bundle is none."""
    try:
        return TRUST.read(loads(signed, MAX_BUNDLE, MAX_BUNDLE_ITEMS))
    except ValueError as error:
        raise BundleError(f"signed, but not readable by this version: {error}") from None


class _NotUsableError(TitikError):
    """A key of a kind that this version cannot check: its credentials have an unknown signer."""


def _public(written: bytes, _name: str) -> PublicKey:
    try:
        public = usable(load_der_public_key(written))
    except UnsupportedAlgorithm:
        public = None
    if public is None:
        raise _NotUsableError
    return public


def _read_keys(listed: list[Any], _name: str) -> dict[bytes | None, tuple[Key, ...]]:
    """Return the keys by kid; one key may speak in one name only, or whoever shows a code could choose."""
    grouped: dict[bytes | None, tuple[Key, ...]] = {}
    speaks: dict[bytes, tuple[str | None, Domain | None]] = {}
    for one in listed:
        try:
            key = KEY.read(one)
        except _NotUsableError:
            continue
        written = spki(key.public)  # the one way of several
        if speaks.setdefault(written, (key.issuer, key.domain)) != (key.issuer, key.domain):
            raise ValueError("one key under two names")
        grouped[key.kid] = (*grouped.get(key.kid, ()), key)
        if len(grouped[key.kid]) > MAX_NAMESAKES:
            raise ValueError(f"more than {MAX_NAMESAKES} keys under one kid")
    return grouped


def _written_keys(keys: Mapping[bytes | None, tuple[Key, ...]]) -> list[dict[str, Any]]:
    listed = [KEY.written(one) for group in keys.values() for one in group]
    return sorted(listed, key=lambda one: (one["issuer"], one["kid"], one["domain"]))


def _read_revoked(listed: dict[Any, Any], _name: str) -> dict[str, frozenset[bytes]]:
    return {of_kind(str, issuer): _hashes(of_kind(bytes, joined)) for issuer, joined in listed.items()}


def _hashes(joined: bytes) -> frozenset[bytes]:
    if len(joined) % 8:
        raise ValueError("revocations are 8 bytes each")
    return frozenset(joined[at : at + 8] for at in range(0, len(joined), 8))


def _written_revoked(revoked: Mapping[str, frozenset[bytes]]) -> dict[str, bytes]:
    return {issuer: b"".join(sorted(hashes)) for issuer, hashes in revoked.items()}


def _written_roster(roster: Roster) -> dict[str, Any] | None:
    return written_roster(roster) if roster.entries else None


# What a bundle says, reader and writer at once: a new field is a row here, and an attribute above.
KEY: Final = Table(
    Key,
    Field("issuer", TEXT),
    Field("domain", word(Domain)),
    Field("spki", Form(bytes, _public, spki), "public"),  # before the rest, which another kind may say in other words
    Field("kid", OCTETS),
    Field("usages", words(Statement), optional=True),
    Field("from", TIME, "since"),
    Field("until", TIME),
)
TRUST: Final = Table(
    Trust,
    Field("keys", Form(list, _read_keys, _written_keys)),
    Field("revoked", Form(dict, _read_revoked, _written_revoked)),
    Field("policies", Form(list, lambda texts, _: tuple(of_kind(str, text) for text in texts), list)),
    Field(
        "capacities",
        Form(
            dict,
            lambda listed, _: {of_kind(str, site): count(number, site) for site, number in listed.items()},
            dict,
        ),
        absent={},
    ),
    Field("roster", Form(dict, lambda said, _: read_roster(said), _written_roster), optional=True),
    Field("version", COUNT),
    Field("issued", TIME),
    Field("next", TIME),
    beside=("handover",),
)
