"""What may be believed of a code: text in, `Belief` out, total and pure.

The order is fixed: form, signer, signature, and only then content, domain, revocation, dates. A
refusal is a value with its reason; nothing a stranger shows raises.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from device.formats.cbor import MalformedError
from device.formats.cose import Sign1, UnsupportedAlgorithmError
from device.formats.cwt import Token
from device.formats.proof import fresh, holder_key, proven_at
from device.formats.registry import Format, Stated, Unpacked, format_of
from device.model import MAX_TEXT, Belief, Claims, Credential, Kind, Reason, Statement
from device.trust.bundle import Key, Trust, identity, revocation
from device.trust.roster import MAX_NUMBER

_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_PLAIN = re.compile(r"[A-Za-z0-9.:/_-]{1,100}\Z")


def kind_of(text: str) -> Kind:
    """Return the form of *text*, by its first characters."""
    return format_of(text).kind


def believe(text: str, trust: Trust, at: datetime) -> Belief:
    """Return what may be believed of *text* at the time *at* (aware), whatever *text* is."""
    text = text[: MAX_TEXT + 1]  # of what is longer than any code, enough to see that it is
    return believe_as(format_of(text), text, trust, at)


def believe_as(form: Format, text: str, trust: Trust, at: datetime) -> Belief:
    """Return what `believe` does of a *text* that is of this *form*."""
    kind = form.kind
    if form.unpack is None or form.read is None:
        listed = _listed(text, trust, at) if kind is Kind.TEXT else None
        return listed or Belief(kind, form.unread, form=form.form)
    try:
        return _weigh(form, form.unpack(text), form.read, trust, at)
    except UnsupportedAlgorithmError:
        return Belief(kind, Reason.NOT_SUPPORTED)
    except MalformedError:
        return Belief(kind, Reason.MALFORMED)


def _weigh(form: Format, unpacked: Unpacked, read: Callable[[bytes], Stated], trust: Trust, at: datetime) -> Belief:
    kind, message = form.kind, unpacked.message
    candidates = trust.candidates(message.kid)
    if not candidates:
        return Belief(kind, Reason.UNKNOWN_ISSUER)
    signers = [key for key in candidates if message.signed_by(key.public)]
    if not signers:
        return Belief(kind, Reason.FORGED)
    stated = read(message.payload)
    token = stated.token
    key = next((key for key in signers if _may_vouch(key, form, stated)), None)
    if key is None:
        return Belief(kind, Reason.WRONG_DOMAIN)
    issuer = key.issuer if key.issuer is not None else token.issuer
    credential = Credential(
        kind,
        key.domain or form.domains[0],
        issuer,
        identity(issuer, message.token),
        _within(stated.claims, key.issuer),
        token.not_before or token.issued,
        token.expires,
    )
    flaw = _flaw(credential, token, trust, at)
    if stated.form is not None:
        return Belief(kind, flaw or Reason.NOT_SUPPORTED, credential, stated.form)
    belief = Belief(kind, flaw, credential)
    return _held(belief, token, unpacked.proof, at) if form.phone else belief


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


def _may_vouch(key: Key, form: Format, stated: Stated) -> bool:
    """Whether *key* may say this: its domain, its usages (EU DCC spec, EKU), its dates, its own country as issuer."""
    token = stated.token
    if key.domain is not None and key.domain not in form.domains:
        return False
    if key.usages is not None and not stated.kinds <= key.usages:
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
    # RFC 8392 says "on or after"; the EU's verifiers and test data (IE/1 to 4) take that second.
    if token.expires is not None and at > token.expires:
        return Reason.EXPIRED
    return None


def public_claims(credential: Credential) -> dict[str, Any]:
    """Return what may be told of *credential*: no name, no birth date, no pass number, and no free text."""
    claims = credential.claims
    fields = {
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
        **{name: value for name, value in fields.items() if value is not None},
    }
