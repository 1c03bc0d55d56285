"""What people hold up in the demo: texts signed by its own desk, by its own ministry, and by nobody who may."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from device.formats import hcert
from device.formats.cwt import EXP, IAT, ISS
from device.model import WITA, Domain
from device.trust.bundle import Key, kid_of
from office.desk.desk import Desk
from office.keys.signing import PrivateKey, code_text
from office.passes.compose import Pass, compose, issue, pass_text, validity

MINISTRY = "ID"
POSTER = "https://example.org/promo"
_NAMES = ("Contoh Satu", "Contoh Dua", "Contoh Tiga", "Contoh Empat", "Contoh Lima")


class Shown(NamedTuple):
    """One code before the lens, and how it is held."""

    name: str
    text: str
    tilt: float = 0.0
    """Degrees."""
    dark: bool = False
    """A phone in dark mode: light modules on black."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Whose keys sign in the demo; *stranger* is in no bundle."""

    issuer: str
    staff: tuple[PrivateKey, Key]
    visitor: tuple[PrivateKey, Key]
    ministry: PrivateKey
    stranger: PrivateKey


def signers(desk: Desk, passphrase: str, now: datetime) -> Signers:
    """Return the desk's keys, a ministry's and a stranger's, both new."""
    own = [
        (desk.unlock(entry, passphrase), entry.trusted(desk.book.issuer))
        for entry in (desk.key_for(domain, now) for domain in (Domain.STAFF, Domain.VISITOR))
    ]
    ministry, stranger = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    return Signers(desk.book.issuer, own[0], own[1], ministry, stranger)


def held_up(by: Signers, place: int, now: datetime) -> Sequence[Shown]:
    """Return what is held up at the point number *place*, in an order of its own.

    The first pass comes a second time at once: the station says *again*, and lets nobody in twice.
    """
    today = now.astimezone(WITA).date()
    span = validity(Domain.STAFF, now, today + timedelta(days=30))
    numbers = [f"{100 * (place + 1) + n:04}" for n in range(len(_NAMES))]
    people = [compose(by.issuer, number, name, span) for number, name in zip(numbers, _NAMES, strict=True)]
    staff = [issue(one, *by.staff, now)[0] for one in people[:3]]
    guest = compose(by.issuer, f"T-{place + 1}", "Tamu Contoh", validity(Domain.VISITOR, now, None))
    past = Pass(by.issuer, "0900", "Contoh Lama", _midnight(today, -40), _midnight(today, -10))
    own_kid = by.staff[1].kid or b""
    shown = [
        Shown("pegawai", staff[0], tilt=4),
        Shown("pegawai-lagi", staff[0], tilt=-3),
        Shown("dua-dosis", _vaccination(by.ministry, 2, now), tilt=2),
        Shown("poster", POSTER, tilt=-6),
        Shown("pegawai-layar-gelap", staff[1], dark=True),
        Shown("palsu", pass_text(people[3], by.stranger, own_kid), tilt=3),
        Shown("tamu", issue(guest, *by.visitor, now)[0], tilt=-5),
        Shown("kedaluwarsa", pass_text(past, by.staff[0], own_kid)),
        Shown("satu-dosis", _vaccination(by.ministry, 1, now), dark=True),
        Shown("penerbit-asing", pass_text(people[4], by.stranger, kid_of(by.stranger.public_key())), tilt=5),
        Shown("pegawai-ketiga", staff[2], tilt=-2),
    ]
    first = 2 * place % len(shown)
    first -= shown[first].name == "pegawai-lagi"  # the two showings of one pass stay together
    return [*shown[first:], *shown[:first]]


def _vaccination(key: PrivateKey, doses: int, now: datetime) -> str:
    """Return an EU DCC (schema 1.3.3) over *doses* of two, about nobody."""
    entry: dict[str, Any] = {
        "tg": hcert.COVID,
        "vp": "1119349007",
        "mp": "EU/1/20/1528",
        "ma": "ORG-100030215",
        "dn": doses,
        "sd": 2,
        "dt": "2021-11-01",
        "co": MINISTRY,
        "is": "Contoh",
        "ci": f"URN:UVCI:01:ID:CONTOH/{doses}",
    }
    name = {"fn": "Contoh", "fnt": "CONTOH", "gn": "Warga", "gnt": "WARGA"}
    claims = {
        ISS: MINISTRY,
        EXP: int((now + timedelta(days=365)).timestamp()),
        IAT: int((now - timedelta(days=1)).timestamp()),
        hcert.CLAIM: {hcert.EU_DCC: {"ver": "1.3.0", "nam": name, "dob": "1990-01-01", "v": [entry]}},
    }
    return code_text(claims, key, kid_of(key.public_key()), hcert.PREFIX)


def _midnight(today: date, days: int) -> datetime:
    return datetime.combine(today + timedelta(days=days), time(), WITA)
