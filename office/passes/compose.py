"""One pass: what it says, for how long, and the text that its QR carries; pure, the clock comes in."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec

from device.formats import claim169
from device.formats.cwt import EXP, IAT, ISS
from device.formats.proof import CNF
from device.model import WITA, Credential, Domain, Reason
from device.trust.bundle import Key, trusting
from device.verdict.verify import believe
from office.desk.refusal import RefusalError
from office.keys.signing import PrivateKey, code_text, packed, sign1
from office.passes import phone

MAX_TEXT: Final = 220
"""Characters; a QR of version 8 at level M holds 221 of this alphabet (ISO/IEC 18004, table 7)."""
VISITOR_DAYS: Final = 7
"""Days, today included, that a visitor's pass may last: its short life is its revocation."""

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,31}\Z")


class TooLongError(RefusalError):
    """A name or a number that leaves no room in the card's QR."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass says; the domain is not among it, for the key that signs says that."""

    issuer: str
    number: str
    name: str
    issued: datetime
    expires: datetime


def compose(issuer: str, number: str, name: str, span: tuple[datetime, datetime]) -> Pass:
    """Return the pass with its words in order; raises `RefusalError` for a number or a name that cannot be.

    The name is composed (NFC), so that the same name is the same bytes from every keyboard.
    """
    if not _NUMBER.match(number):
        raise RefusalError(
            "Nomor pas: 1 sampai 32 huruf, angka, titik, garis miring atau strip."
            " / A pass number is 1 to 32 letters, digits, dots, slashes or hyphens."
        )
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not name or not name.isprintable():
        raise RefusalError("Nama kosong atau memuat tanda kendali. / The name is empty or holds control characters.")
    return Pass(issuer, number, name, *span)


def validity(domain: Domain, now: datetime, until: date | None) -> tuple[datetime, datetime]:
    """Return from when and to when (exclusive) a pass issued at *now* (aware) is in force, in the office's time.

    It begins with the day, not with the minute: at a station whose clock is some minutes behind, the pass
    would else be not yet valid. It ends with the day *until*; a visitor's ends today if nothing is said.
    Raises `RefusalError` for a day that is past or too far off, and for a staff pass without one.
    """
    today = now.astimezone(WITA).date()
    if until is None and domain is not Domain.VISITOR:
        raise RefusalError("Pas pegawai perlu --until TANGGAL. / A staff pass needs --until DATE.")
    until = until or today
    last = today + timedelta(days=VISITOR_DAYS - 1) if domain is Domain.VISITOR else _year_after(today)
    if not today <= until <= last:
        raise RefusalError(
            f"Berlaku sampai {until} tidak boleh; dari {today} sampai {last}."
            f" / Until {until} is not allowed; {today} to {last} is."
        )
    return _midnight(today), _midnight(until + timedelta(days=1))


def pass_text(one: Pass, key: PrivateKey, kid: bytes) -> str:
    """Return the text of *one*'s QR, of any length; a pass without an issuer leaves that to the key's kid."""
    return code_text(_claims(one), key, kid)


def _claims(one: Pass) -> dict[Any, Any]:
    return ({ISS: one.issuer} if one.issuer else {}) | {
        EXP: int(one.expires.timestamp()),
        IAT: int(one.issued.timestamp()),
        claim169.CLAIM: {claim169.NUMBER: one.number, claim169.NAME: one.name},
    }


def issue(one: Pass, key: PrivateKey, signer: Key, now: datetime) -> tuple[str, Credential]:
    """Return the text of *one*'s QR and what a station will believe of it at *now*.

    A name that needs the room takes the issuer's: the kid already says whose key it is, and a station
    believes the bundle about that, never the pass. Raises `TooLongError` if it does not fit its QR, `RefusalError` if a
    station that knows *signer* would refuse it.
    """
    if signer.kid is None:
        raise ValueError("an issuing key has a kid")
    text = pass_text(one, key, signer.kid)
    if len(text) > MAX_TEXT:
        text = pass_text(replace(one, issuer=""), key, signer.kid)
    if len(text) > MAX_TEXT:
        over = -(-(len(text) - MAX_TEXT) * 2 // 3)  # three characters of base45 carry two bytes
        raise TooLongError(
            f"Nama atau nomor terlalu panjang untuk QR kartu: kurangi sekitar {over} huruf."
            f" / The name or number is too long for the card's QR: about {over} letters must go."
        )
    belief = believe(text, trusting(signer), now)
    if belief.reason is not None or belief.credential is None:
        raise RefusalError(
            f"Pas ini akan ditolak di titik ({belief.reason}); tidak ada yang dibuat."
            f" / A station would refuse this pass ({belief.reason}); nothing was made."
        )
    return text, belief.credential


def issue_for_phone(
    one: Pass, holder: ec.EllipticCurvePublicKey, key: PrivateKey, signer: Key, now: datetime
) -> tuple[bytes, Credential]:
    """Return the message of a pass that only the phone with the key *holder* can show, and what will be believed.

    Raises `RefusalError` if a station that knows *signer* would refuse it for more than the want of a proof.
    """
    if signer.kid is None:
        raise ValueError("an issuing key has a kid")
    message = sign1(cbor2.dumps(_claims(one) | {CNF: phone.cnf(holder)}, canonical=True), key, signer.kid)
    belief = believe(packed(message), trusting(signer), now)
    if belief.reason is not Reason.REPLAYED or belief.credential is None:
        raise RefusalError(
            f"Pas ini akan ditolak di titik ({belief.reason}); tidak ada yang dibuat."
            f" / A station would refuse this pass ({belief.reason}); nothing was made."
        )
    return message, belief.credential


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), WITA)


def _year_after(day: date) -> date:
    """Return the same day a year on; the 29th of February is followed by a 28th."""
    return day.replace(year=day.year + 1, day=min(day.day, 28) if day.month == 2 else day.day)  # noqa: PLR2004 - February
