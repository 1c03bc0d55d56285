"""What speaks for and against somebody else's key, before it is trusted."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from device.model import Domain
from device.system.errors import TitikError
from device.trust.audit_keys import audit_key
from device.trust.bundle import Key, kid_of, spki, spki_text
from office.bundle import ALWAYS
from office.days import local
from office.desk.files import read
from office.desk.foreign_keys import TrustedKey
from office.desk.refusal import RefusalError
from office.keys import key_files
from office.keys.key_files import OfferedKey

UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)
"""What cryptography raises over a certificate that is none; the last two are no ValueError."""


class KeyRefusedError(TitikError, ValueError):
    """One key that is not taken, and why."""


def sort_keys(  # noqa: PLR0913 - whose keys, for what, by whom, when
    files: Iterable[Path],
    authority: Path | None,
    domain: Domain,
    issuer: str,
    *,
    now: datetime,
    unproven: Callable[[Path], None],
) -> tuple[list[TrustedKey], list[str]]:
    """Return the keys of all *files* that are taken, and a line for each that is not.

    *unproven* hears of each list whose own signature is not checked here. Raises `RefusalError` for a file or an
    *authority* that cannot be read.
    """
    authorities = _authorities(authority, now, unproven) if authority is not None else None
    taken: list[TrustedKey] = []
    refused: list[str] = []
    for path in files:
        try:
            file = key_files.parse(read(path))
        except key_files.NotAListError as error:
            refused.append(f"{path}: {error}")
            continue
        if file.unproven:
            unproven(path)
        name = "".join(letter if letter.isprintable() else "?" for letter in path.name)
        for offer in file.offers:
            try:
                key = accepted(offer, domain, issuer, authorities, now)
            except KeyRefusedError as error:
                refused.append(f"{path}{' ' + offer.name if offer.name else ''}: {error}")
            else:
                taken.append(TrustedKey.of(key, name))
    return taken, refused


def accepted(
    offer: OfferedKey, domain: Domain, issuer: str, authorities: Sequence[x509.Certificate] | None, now: datetime
) -> Key:
    """Return the key of *offer* for a bundle; raises `KeyRefusedError`.

    A certificate brings its kid, dates and usages; a bare key gets the list's kid or `device.trust.bundle.kid_of`,
    and the dates `office.bundle.ALWAYS`. With *authorities*, only what one of them signed is taken.
    """
    if offer.flaw:
        raise KeyRefusedError(offer.flaw)
    if offer.country is not None and offer.country != issuer:
        raise KeyRefusedError(f"the list says country {offer.country[:20]!r}, not {issuer!r}")
    try:
        key = audit_key(offer.octets)
    except UNREADABLE as error:
        raise KeyRefusedError(f"not a public key or certificate: {error}") from None
    if key.kid is None:
        if authorities is not None:
            raise KeyRefusedError("a bare key: no authority signed it")
        return Key(key.public, offer.kid or kid_of(key.public), issuer, domain, None, *ALWAYS)
    if key.domain is not None and key.domain is not domain:
        raise KeyRefusedError(f"its usages are about {key.domain}, not about {domain}")
    try:
        (certificate,) = certificates(offer.octets)
        flaw = next(_flaws(certificate, key, offer, authorities, now), None)
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except UNREADABLE as error:  # an audit reads what is not quite DER; what is to be trusted must be sound
        raise KeyRefusedError(f"not a sound certificate: {error}") from None
    if flaw is not None:
        raise KeyRefusedError(flaw)
    return replace(key, issuer=issuer, domain=domain, since=since, until=until)


def one_name_each(keys: Sequence[Key]) -> None:
    """Raise `RefusalError` if one key is there under two names, which no station would take."""
    names: dict[str, Key] = {}
    for key in keys:
        other = names.setdefault(spki_text(key.public), key)
        if (other.issuer, other.domain) != (key.issuer, key.domain):
            kid = (key.kid or b"").hex()
            raise RefusalError(
                f"Satu kunci dengan dua nama / one key under two names: {(other.kid or b'').hex()} ({other.issuer}),"
                f" {kid} ({key.issuer}). Berikutnya / next: titik-office foreign-keys remove {kid}"
            )


def _flaws(
    certificate: x509.Certificate,
    key: Key,
    offer: OfferedKey,
    authorities: Sequence[x509.Certificate] | None,
    now: datetime,
) -> Iterator[str]:
    """Yield what speaks against *certificate*, whose key is *key*."""
    if certificate.not_valid_after_utc <= now:
        yield f"expired on {local(certificate.not_valid_after_utc)} ({_subject(certificate)})"
    if _is_authority(certificate):
        yield f"a CA: it signs certificates, no credentials. It goes behind --ca ({_subject(certificate)})"
    if offer.kid is not None and offer.kid != key.kid:
        yield f"the list calls it {offer.kid.hex()}, but it is {(key.kid or b'').hex()}"
    if offer.bare is not None and offer.bare != spki(key.public):
        yield "the key beside the certificate is another one"
    if authorities is not None and not any(_signed(certificate, one) for one in authorities):
        yield f"not signed by any certificate of --ca ({_subject(certificate)})"


def certificates(octets: bytes) -> list[x509.Certificate]:
    """Return the certificates in *octets*, PEM or DER; raises one of `UNREADABLE`.

    What cryptography only warns of (a serial number of zero, a NULL too many) is in genuine ones as well.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        if b"-----BEGIN" in octets:
            return x509.load_pem_x509_certificates(octets)
        return [x509.load_der_x509_certificate(octets)]


def _authorities(path: Path, now: datetime, unproven: Callable[[Path], None]) -> list[x509.Certificate]:
    try:
        file = key_files.parse(read(path))
        found = [one for offer in file.offers for one in certificates(offer.octets)]
        flaws = [flaw for one in found for flaw in _not_an_authority(one, now)]
    except UNREADABLE as error:
        raise RefusalError(f"--ca {path}: bukan sertifikat / not a certificate: {error}") from None
    if flaws:
        raise RefusalError(f"--ca {path}: {'; '.join(flaws)}")
    if file.unproven:
        unproven(path)
    return found


def _not_an_authority(one: x509.Certificate, now: datetime) -> Iterator[str]:
    if not one.not_valid_before_utc <= now < one.not_valid_after_utc:
        yield f"{_subject(one)}: tidak berlaku hari ini / not in force today"
    if not _is_authority(one):
        yield f"{_subject(one)}: bukan CA / not a CA"


def _is_authority(one: x509.Certificate) -> bool:
    """Return whether it may sign certificates (RFC 5280, 4.2.1.9)."""
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _subject(certificate: x509.Certificate) -> str:
    """Return who a certificate says it is, fit for a line on a screen."""
    try:
        named = certificate.subject.rfc4514_string()
    except ValueError:
        named = ""
    fit = "".join(letter if letter.isprintable() else "?" for letter in named)[:80]
    return fit or sha256(certificate.public_bytes(Encoding.DER)).hexdigest()[:16]
