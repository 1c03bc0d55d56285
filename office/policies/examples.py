"""Example persons, for trying a rule: what each would hold up on a day, signed by keys of the moment.

Nobody is described here, and no key lives longer than the command.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from device.formats import claim169, hcert
from device.formats.cwt import EXP, IAT, ISS
from device.model import Domain
from device.trust.bundle import Key, Trust, kid_of, trusting
from office.keys.signing import code_text

ISSUER: Final = "contoh"
ADULT, CHILD, INFANT = 40, 12, 4
"""Years."""
_DOSE: Final = timedelta(days=60)
"""How long ago the last dose was given."""


@dataclass(frozen=True, slots=True)
class Example:
    """One person, who is made up."""

    name: str
    """Indonesian / English."""
    domain: Domain
    said: Callable[[datetime], dict[Any, Any]]
    """The claims, at a time."""
    days: int = 1
    """How long the certificate is still good for; less than none is expired."""


class ExampleSigners:
    """Keys of the moment, one for each domain, and the trust that knows them."""

    def __init__(self) -> None:
        self._keys = {domain: ec.generate_private_key(ec.SECP256R1()) for domain in Domain}
        self.trust: Trust = trusting(
            *(Key(key.public_key(), kid_of(key.public_key()), ISSUER, domain) for domain, key in self._keys.items())
        )

    def shown(self, person: Example, at: datetime) -> str:
        """Return the text of what *person* holds up at the time *at*."""
        key = self._keys[person.domain]
        times = {
            ISS: ISSUER,
            IAT: int((at - timedelta(days=300)).timestamp()),
            EXP: int((at + timedelta(days=person.days)).timestamp()),
        }
        prefix = hcert.PREFIX if person.domain is Domain.HEALTH else ""
        return code_text(times | person.said(at), key, kid_of(key.public_key()), prefix)


def _health(years: int | None, **lists: Callable[[datetime], dict[str, Any]]) -> Callable[[datetime], dict[Any, Any]]:
    def said(at: datetime) -> dict[Any, Any]:
        certificate: dict[str, Any] = {"ver": "1.3.0", "nam": {"fnt": "CONTOH"}}
        if years is not None:
            certificate["dob"] = date(at.year - years, 1, 1).isoformat()
        certificate |= {name: [entry(at) | {"tg": hcert.COVID, "co": "ID"}] for name, entry in lists.items()}
        return {hcert.CLAIM: {hcert.EU_DCC: certificate}}

    return said


def _vaccinated(years: int | None, doses: int, series: int = 2) -> Callable[[datetime], dict[Any, Any]]:
    return _health(years, v=lambda at: {"dn": doses, "sd": series, "dt": (at - _DOSE).date().isoformat()})


def _recovered(days: int) -> Callable[[datetime], dict[Any, Any]]:
    return _health(ADULT, r=lambda at: {"fr": (at - timedelta(days=days)).date().isoformat()})


def _tested(hours: int, result: str) -> Callable[[datetime], dict[Any, Any]]:
    return _health(ADULT, t=lambda at: {"tr": result, "sc": (at - timedelta(hours=hours)).astimezone(UTC).isoformat()})


def _pass(_at: datetime) -> dict[Any, Any]:
    return {claim169.CLAIM: {claim169.NUMBER: "1", claim169.NAME: "Contoh"}}


PERSONS: Final = (
    Example("belum divaksin / unvaccinated", Domain.HEALTH, _vaccinated(ADULT, 0)),
    Example("dosis 1 dari 2 / dose 1 of 2", Domain.HEALTH, _vaccinated(ADULT, 1)),
    Example("dosis 2 dari 2 / dose 2 of 2", Domain.HEALTH, _vaccinated(ADULT, 2)),
    Example("dosis 3 dari 2 / dose 3 of 2", Domain.HEALTH, _vaccinated(ADULT, 3)),
    Example("vaksin sekali / single-dose vaccine", Domain.HEALTH, _vaccinated(ADULT, 1, 1)),
    Example(f"anak / child {CHILD}, 2/2", Domain.HEALTH, _vaccinated(CHILD, 2)),
    Example(f"balita / infant {INFANT}, 0/2", Domain.HEALTH, _vaccinated(INFANT, 0)),
    Example("umur tak disebut / age not said, 2/2", Domain.HEALTH, _vaccinated(None, 2)),
    Example("sembuh 30 hari / recovered 30 d", Domain.HEALTH, _recovered(30)),
    Example("sembuh 200 hari / recovered 200 d", Domain.HEALTH, _recovered(200)),
    Example("tes negatif 12 jam / negative 12 h", Domain.HEALTH, _tested(12, hcert.NOT_DETECTED)),
    Example("tes positif 3 hari / positive 3 d", Domain.HEALTH, _tested(72, hcert.DETECTED)),
    Example("pegawai / staff", Domain.STAFF, _pass),
    Example("tamu / visitor", Domain.VISITOR, _pass),
    Example("sertifikat habis / expired, 2/2", Domain.HEALTH, _vaccinated(ADULT, 2), days=-1),
)
