"""What may be believed of a code: text in, `Belief` out, total and pure.

The order is fixed: form, signer, signature, and only then content, domain, revocation, dates. A
refusal is a value with its reason; nothing a stranger shows raises.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from device import base45, claim169, hcert
from device.cbor import Malformed
from device.cose import EDDSA, ES256, PS256, NotSupported, holds
from device.cwt import MAX_TEXT, Token, read, unpack
from device.model import Belief, Credential, Domain, Kind, Reason, Statement
from device.trust import Key, Trust, identity, revocation

_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_PLAIN = re.compile(r"[A-Za-z0-9.:/_-]{1,100}\Z")
_OTHER_HCERT = re.compile(r"HC[0-9A-Z]:")
_FORMS = (
    ("HC1:", Kind.HCERT),
    ("shc:/", Kind.SHC),
    ("B64:", Kind.DIVOC),
    ('{"data":{"hdr"', Kind.VDS_NC),
    ("mdoc:", Kind.MDOC),
    ("checkin:", Kind.VENUE),
)
_SIGNED = (Kind.HCERT, Kind.PASS)
_NOT_READ = (Kind.SHC, Kind.DIVOC, Kind.VDS_NC, Kind.MDOC)
_DOMAINS: Mapping[Kind, tuple[Domain, ...]] = {
    Kind.HCERT: (Domain.HEALTH,),
    Kind.PASS: (Domain.STAFF, Domain.VISITOR),
}


def kind_of(text: str) -> Kind:
    """Return the form of *text*, by its first characters; a pass has no prefix but zlib's own header."""
    for prefix, kind in _FORMS:
        if text.startswith(prefix):
            return kind
    if _OTHER_HCERT.match(text):
        return Kind.HCERT
    return Kind.PASS if _begins_like_a_pass(text) else Kind.TEXT


def _begins_like_a_pass(text: str) -> bool:
    """Whether *text* is long enough, and its first two bytes are a zlib header (RFC 1950, 2.2)."""
    try:
        first = base45.decode(text[:3])
    except ValueError:
        return False
    return len(text) >= 30 and first[:1] == b"\x78" and int.from_bytes(first, "big") % 31 == 0  # noqa: PLR2004 - a token with a signature has over 100


def believe(text: str, trust: Trust, at: datetime) -> Belief:
    """Return what may be believed of *text* at the time *at* (aware), whatever *text* is."""
    kind = kind_of(text[:MAX_TEXT])
    if kind in _NOT_READ or (kind is Kind.HCERT and not text.startswith(hcert.PREFIX)):
        return Belief(kind, Reason.NOT_SUPPORTED)
    if kind not in _SIGNED:
        return Belief(kind, Reason.NOT_A_PASS)
    try:
        return _weigh(kind, text.removeprefix(hcert.PREFIX), trust, at)
    except NotSupported:
        return Belief(kind, Reason.NOT_SUPPORTED)
    except Malformed:
        return Belief(kind, Reason.MALFORMED)


def _weigh(kind: Kind, text: str, trust: Trust, at: datetime) -> Belief:
    message = unpack(text)
    if message.algorithm not in (ES256, EDDSA, PS256):
        raise NotSupported("another algorithm")
    candidates = list(trust.candidates(message.kid))
    if not candidates:
        return Belief(kind, Reason.UNKNOWN_ISSUER)
    signers = [key for key in candidates if holds(message, key.public)]
    if not signers:
        return Belief(kind, Reason.FORGED)
    token = read(message.payload)
    stated: frozenset[Statement] = frozenset()
    if kind is Kind.HCERT:
        claims, stated = hcert.read(token.claims)
    else:
        claims = claim169.read(token.claims)
    key = next((key for key in signers if _may_vouch(key, kind, token, stated)), None)
    if key is None:
        return Belief(kind, Reason.WRONG_DOMAIN)
    issuer = key.issuer if key.issuer is not None else token.issuer
    credential = Credential(
        kind,
        key.domain or _DOMAINS[kind][0],
        issuer,
        identity(issuer, message.token),
        claims,
        token.not_before or token.issued,
        token.expires,
    )
    return Belief(kind, _flaw(credential, token, trust, at), credential)


def _may_vouch(key: Key, kind: Kind, token: Token, stated: frozenset[Statement]) -> bool:
    """Whether *key* may say this: its domain, its usages (EU DCC spec, EKU), its dates, its own country.

    The country is the token's issuer. It is not the statement's ``co``, which is where the dose was given
    (schema 1.3.3): a ministry may certify what was done abroad.
    """
    signed_at = token.issued or token.not_before
    dated = key.since is not None or key.until is not None
    return not (
        (key.domain is not None and key.domain not in _DOMAINS[kind])
        or (key.usages is not None and not stated <= key.usages)
        or (dated and signed_at is None)
        or (key.since is not None and signed_at is not None and signed_at < key.since)
        or (key.until is not None and signed_at is not None and signed_at >= key.until)
        or (key.issuer is not None and _COUNTRY.match(token.issuer) is not None and token.issuer != key.issuer)
    )


def _flaw(credential: Credential, token: Token, trust: Trust, at: datetime) -> Reason | None:
    if revocation(credential.identity) in trust.revoked.get(credential.issuer, ()):
        return Reason.REVOKED
    if any(start is not None and at < start for start in (token.not_before, token.issued)):
        return Reason.NOT_YET_VALID
    if at > token.expires:  # RFC 8392 says "on or after"; the EU's verifiers and test data (IE/1 to 4) take that second
        return Reason.EXPIRED
    return None


def public_claims(credential: Credential) -> dict[str, Any]:
    """Return what may be told of *credential*: no name, no birth date, no pass number, and no free text."""
    claims = credential.claims
    told = {
        "statement": claims.statement,
        "doses": claims.doses,
        "series": claims.series,
        "dose_on": claims.dose_on and claims.dose_on.isoformat(),
        "detected": claims.detected,
        "sampled_at": claims.sampled_at and claims.sampled_at.isoformat(),
        "positive_on": claims.positive_on and claims.positive_on.isoformat(),
        "country": claims.country if claims.country is not None and _COUNTRY.match(claims.country) else None,
    }
    return {
        "domain": credential.domain,
        "issuer": credential.issuer if _PLAIN.match(credential.issuer) else None,
        "expires": credential.expires and credential.expires.isoformat(),
        **{name: value for name, value in told.items() if value is not None},
    }
