"""EU DCC and WHO HCERT: ``HC1:`` and a CWT whose claim -260 holds one statement about health.

Strict about the crypto and about who may say what, lenient about content: what cannot be read is *not
said*, never *no*. Sources: EU DCC specification 1.0.8; schema 1.3.3; the WHO's smart-trust HCERT.
"""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from device.cbor import Malformed
from device.cose import NotSupported
from device.model import Claims, Statement

PREFIX = "HC1:"
CLAIM = -260
EU_DCC = 1
COVID = "840539006"
DETECTED, NOT_DETECTED = "260373001", "260415000"

_LISTS = {"v": Statement.VACCINATION, "t": Statement.TEST, "r": Statement.RECOVERY}


def read(claims: Mapping[Any, Any]) -> tuple[Claims, frozenset[Statement]]:
    """Return what the token's *claims* say, and the kinds of statement that its signer must be allowed.

    A certificate holds one statement (schema 1.3.3); where there are more, or none, it is as genuine as its
    signature, and nothing is said. Raises `Malformed`, and `NotSupported` for other subclaims.
    """
    inner = claims.get(CLAIM)
    if not isinstance(inner, Mapping):
        raise Malformed("no health certificate inside")
    certificate = inner.get(EU_DCC)
    if certificate is None and inner:
        raise NotSupported("another kind of health certificate")
    if not isinstance(certificate, Mapping):
        raise Malformed("no health certificate inside")
    found = [
        (statement, entry)
        for name, statement in _LISTS.items()
        if isinstance(certificate.get(name), Sequence)
        for entry in certificate[name]
        if isinstance(entry, Mapping)
    ]
    kinds = frozenset(statement for statement, _ in found)
    if len(found) != 1:
        return Claims(), kinds
    return _statement(*found[0], _span(certificate.get("dob"))), kinds


def _statement(statement: Statement, entry: Mapping[Any, Any], born: tuple[date, date] | None) -> Claims:
    country = entry.get("co")
    said = Claims(statement, born=born, country=country if isinstance(country, str) else None)
    if entry.get("tg") != COVID:
        return said  # another disease, or none named: genuine, and silent about doses against this one
    if statement is Statement.VACCINATION:
        return replace(
            said, doses=_whole(entry.get("dn")), series=_whole(entry.get("sd")), dose_on=_day(entry.get("dt"))
        )
    if statement is Statement.TEST:
        result = entry.get("tr")
        detected = {DETECTED: True, NOT_DETECTED: False}.get(result) if isinstance(result, str) else None
        return replace(said, detected=detected, sampled_at=_moment(entry.get("sc")))
    return replace(said, positive_on=_day(entry.get("fr")))


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
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
