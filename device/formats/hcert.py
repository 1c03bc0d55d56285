"""EU DCC and WHO HCERT: ``HC1:`` and a CWT whose claim -260 holds one statement about health.

Strict about the crypto and about who may say what, lenient about content: what cannot be read is *not
said*, never *no*. Sources: EU DCC specification 1.0.8; schema 1.3.3; the WHO's smart-trust HCERT.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from device.formats.cbor import LISTS, MAPS, MalformedError
from device.model import Claims, Statement

PREFIX = "HC1:"
CLAIM = -260
EU_DCC = 1
COVID = "840539006"
DETECTED, NOT_DETECTED = "260373001", "260415000"

FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Of a sample: what lies outside was not meant."""
_LISTS = (("v", Statement.VACCINATION), ("t", Statement.TEST), ("r", Statement.RECOVERY))
_KINDS = {statement: frozenset({statement}) for statement in Statement}
_RESULTS = {DETECTED: True, NOT_DETECTED: False}
_WHOLE_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_FORMS = {3: "ddcc-vaccination", 4: "ddcc-test", 5: "health-link", -6: "icvp"}


class HealthCertificate(NamedTuple):
    """What a health certificate says, and what its signer must be allowed to say it."""

    claims: Claims
    kinds: frozenset[Statement]
    form: str | None = None
    """What the certificate is called, where it is another than the EU's; nothing of it is read then."""


def read(claims: Mapping[Any, Any]) -> HealthCertificate:
    """Return what the token's *claims* say; raises `MalformedError` where there is no certificate at all.

    A certificate holds one statement (schema 1.3.3); where there are more, or none, it is as genuine as its
    signature, and nothing is said.
    """
    inner = claims.get(CLAIM)
    if not isinstance(inner, MAPS):
        raise MalformedError("no health certificate inside")
    certificate = inner.get(EU_DCC)
    if certificate is None and inner:
        return HealthCertificate(Claims(), frozenset(), _form(inner))
    if not isinstance(certificate, MAPS):
        raise MalformedError("no health certificate inside")
    found = [
        (statement, entry)
        for name, statement in _LISTS
        if isinstance(entries := certificate.get(name), LISTS)
        for entry in entries
        if isinstance(entry, MAPS)
    ]
    if len(found) != 1:
        return HealthCertificate(Claims(), frozenset(statement for statement, _ in found))
    statement, entry = found[0]
    return HealthCertificate(_statement(statement, entry, _span(certificate.get("dob"))), _KINDS[statement])


def _form(inner: Mapping[Any, Any]) -> str:
    """Return the name of a subclaim that is not the EU's (WHO smart-trust, HCERT specification)."""
    for number, name in _FORMS.items():
        if number in inner:
            return name
    private = any(isinstance(number, int) and number < 0 for number in inner)
    return "private" if private else "other"


def _statement(statement: Statement, entry: Mapping[Any, Any], born: tuple[date, date] | None) -> Claims:
    said = entry.get("co")
    country = said if isinstance(said, str) else None
    if entry.get("tg") != COVID:
        # another disease, or none named: genuine, and silent about doses against this one
        return Claims(statement, born=born, country=country)
    if statement is Statement.VACCINATION:
        return Claims(
            statement,
            _whole(entry.get("dn")),
            _whole(entry.get("sd")),
            _day(entry.get("dt")),
            born=born,
            country=country,
        )
    if statement is Statement.TEST:
        result = entry.get("tr")
        detected = _RESULTS.get(result) if isinstance(result, str) else None
        return Claims(statement, detected=detected, sampled_at=_moment(entry.get("sc")), born=born, country=country)
    return Claims(statement, positive_on=_day(entry.get("fr")), born=born, country=country)


def _whole(said: Any) -> int | None:
    """Return a count; real certificates also carry it as a float."""
    if isinstance(said, bool) or not isinstance(said, int | float) or said != said // 1 or not 0 <= said <= 99:  # noqa: PLR2004 - a count of doses
        return None
    return int(said)


def _day(said: Any) -> date | None:
    span = _span(said)
    return span[0] if span is not None and span[0] == span[1] else None


def _span(said: Any) -> tuple[date, date] | None:
    """Return the first and last day that *said* may mean: births are also given as a year or a month."""
    if not isinstance(said, str) or not said.isascii():
        return None
    if _WHOLE_DAY.match(said):
        try:
            whole = date.fromisoformat(said)
        except ValueError:
            return None
        return whole, whole
    parts = said.strip()[:10].split("-")
    if not all(part.isdigit() for part in parts) or not 1 <= len(parts) <= 3:  # noqa: PLR2004 - year, month, day
        return None
    year, month, day = ([int(part) for part in parts] + [0, 0])[:3]
    try:
        first = date(year, month or 1, day or 1)
        last_month = month or 12
        return first, date(year, last_month, day or monthrange(year, last_month)[1])
    except (ValueError, OverflowError):  # ten digits are no year
        return None


def _moment(said: Any) -> datetime | None:
    """Return an aware time; one without a zone is taken as UTC."""
    if not isinstance(said, str) or len(said) > 40:  # noqa: PLR2004 - longer than any ISO 8601 time
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:  # at the ends of all time, no other zone's time can be told
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
