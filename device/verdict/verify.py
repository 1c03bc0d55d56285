"""What may be believed of a code: text in, `Belief` out, total and pure.

The order is fixed: form, signer, signature, and only then content, domain, revocation, dates. A
refusal is a value with its reason; nothing a stranger shows raises.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from device.formats import base45, claim169, hcert
from device.formats.cbor import MalformedError
from device.formats.cose import EDDSA, ES256, PS256, Sign1, UnsupportedAlgorithmError, holds, parse
from device.formats.cwt import MAX_TEXT, Token, read, unpack
from device.formats.proof import fresh, holder_key, is_proof, proven_at
from device.model import Belief, Claims, Credential, Domain, Kind, Reason, Statement
from device.trust.bundle import Key, Trust, identity, revocation
from device.trust.roster import MAX_NUMBER

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
_ZLIB = frozenset(base45.encode(bytes([0x78, low])) for low in range(256) if (0x7800 + low) % 31 == 0)
"""How a pass begins: the zlib headers there are (RFC 1950, 2.2), in base45."""
SHORTEST_PASS = 30
"""Characters; a token with a signature has over 100."""
_SIGNED = (Kind.HCERT, Kind.PASS)
_NO_KIND = frozenset[Statement]()
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
    return Kind.PASS if text[:3] in _ZLIB and len(text) >= SHORTEST_PASS else Kind.TEXT


def believe(text: str, trust: Trust, at: datetime) -> Belief:
    """Return what may be believed of *text* at the time *at* (aware), whatever *text* is."""
    text = text[: MAX_TEXT + 1]  # of what is longer than any code, enough to see that it is
    kind = kind_of(text)
    if kind in _NOT_READ or (kind is Kind.HCERT and not text.startswith(hcert.PREFIX)):
        return Belief(kind, Reason.NOT_SUPPORTED, form=None if kind in _NOT_READ else "hcert-other-version")
    if kind not in _SIGNED:
        return (_listed(text, trust, at) if kind is Kind.TEXT else None) or Belief(kind, Reason.NOT_A_PASS)
    try:
        return _weigh(kind, unpack(text.removeprefix(hcert.PREFIX)), trust, at)
    except UnsupportedAlgorithmError:
        return Belief(kind, Reason.NOT_SUPPORTED)
    except MalformedError:
        return Belief(kind, Reason.MALFORMED)


def _weigh(kind: Kind, message: Sign1, trust: Trust, at: datetime) -> Belief:
    proof = message if kind is Kind.PASS and is_proof(message) else None
    if proof is not None:
        message = parse(proof.payload)
    if message.algorithm not in (ES256, EDDSA, PS256):
        raise UnsupportedAlgorithmError("another algorithm")
    candidates = trust.candidates(message.kid)
    if not candidates:
        return Belief(kind, Reason.UNKNOWN_ISSUER)
    signers = [key for key in candidates if holds(message, key.public)]
    if not signers:
        return Belief(kind, Reason.FORGED)
    token = read(message.payload)
    said = hcert.read(token.claims) if kind is Kind.HCERT else hcert.Health(claim169.read(token.claims), _NO_KIND)
    key = next((key for key in signers if _may_vouch(key, kind, token, said.kinds)), None)
    if key is None:
        return Belief(kind, Reason.WRONG_DOMAIN)
    issuer = key.issuer if key.issuer is not None else token.issuer
    credential = Credential(
        kind,
        key.domain or _DOMAINS[kind][0],
        issuer,
        identity(issuer, message.token),
        _within(said.claims, key.issuer),
        token.not_before or token.issued,
        token.expires,
    )
    flaw = _flaw(credential, token, trust, at)
    if said.form is not None:
        return Belief(kind, flaw or Reason.NOT_SUPPORTED, credential, said.form)
    belief = Belief(kind, flaw, credential)
    return belief if kind is Kind.HCERT else _held(belief, token, proof, at)


def _held(belief: Belief, token: Token, proof: Sign1 | None, at: datetime) -> Belief:
    """Return *belief* in a pass, once it is known whether the phone that it names shows it, and shows it now."""
    key = holder_key(token.claims)
    if key is None:
        if proof is not None:
            raise MalformedError("a proof for a pass that names no phone")
        return belief
    proven = None if proof is None else proven_at(proof, key)
    if proof is not None and proven is None:
        return Belief(belief.kind, Reason.FORGED)
    live = proven is not None and fresh(proven, at)
    return belief._replace(reason=belief.reason or (None if live else Reason.REPLAYED), proven_at=proven, live=live)


def _listed(text: str, trust: Trust, at: datetime) -> Belief | None:
    """Return the belief in a number that the roster lists: that it is listed, and no more."""
    found = trust.roster.find(text)
    if found is None:
        # A roster that cannot be opened may list it: nobody here can say that it is no pass.
        unknown = trust.roster.locked and len(text) <= MAX_NUMBER
        return Belief(Kind.TEXT, Reason.NOT_SUPPORTED) if unknown else None
    hashed, listing = found
    counted = listing.doses is not None
    claims = Claims(Statement.VACCINATION if counted else None, listing.doses, listing.series)
    issuer = trust.roster.issuer
    credential = Credential(Kind.LISTED, listing.domain, issuer, identity(issuer, hashed), claims, None, listing.until)
    if revocation(credential.identity) in trust.revoked.get(issuer, ()):
        return Belief(Kind.LISTED, Reason.REVOKED, credential)
    expired = listing.until is not None and at >= listing.until
    return Belief(Kind.LISTED, Reason.EXPIRED if expired else None, credential)


def _within(claims: Claims, issuer: str | None) -> Claims:
    """Return *claims* as far as *issuer* may make them: a national key speaks only for its own ``co``.

    What it states of another country is genuine all the same (schema 1.3.3: ``co`` is where the dose was
    given, and a ministry may certify what was done abroad). So it is not refused; it is not *said*.
    """
    stated = claims.country
    if issuer is None or stated is None or stated == issuer:
        return claims
    if not (_COUNTRY.match(issuer) and _COUNTRY.match(stated)):
        return claims
    return Claims(claims.statement, born=claims.born, country=stated)


def _may_vouch(key: Key, kind: Kind, token: Token, stated: frozenset[Statement]) -> bool:
    """Whether *key* may say this: its domain, its usages (EU DCC spec, EKU), its dates, its own country as issuer."""
    if key.domain is not None and key.domain not in _DOMAINS[kind]:
        return False
    if key.usages is not None and not stated <= key.usages:
        return False
    if key.since is not None or key.until is not None:
        signed_at = token.issued or token.not_before
        if signed_at is None or (key.since is not None and signed_at < key.since):
            return False
        if key.until is not None and signed_at >= key.until:
            return False
    return key.issuer is None or token.issuer == key.issuer or not _COUNTRY.match(token.issuer)


def _flaw(credential: Credential, token: Token, trust: Trust, at: datetime) -> Reason | None:
    if revocation(credential.identity) in trust.revoked.get(credential.issuer, ()):
        return Reason.REVOKED
    if (token.not_before is not None and at < token.not_before) or (token.issued is not None and at < token.issued):
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
