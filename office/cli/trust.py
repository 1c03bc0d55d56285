"""``titik-office trust``: import other people's keys, list them, take one out again."""

import argparse
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from device.model import Domain
from device.trust.audit_keys import audit_key
from device.trust.bundle import Key, kid_of
from office.bundle import ALWAYS, spki
from office.cli import options
from office.desk import foreign_keys
from office.desk.desk import Desk
from office.desk.foreign_keys import MAX_KEYS, TrustedKey
from office.desk.refusal import RefusalError
from office.keys import key_files
from office.keys.key_files import Offer

UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)
"""What cryptography raises over a certificate that is none; the last two are no ValueError."""


class Refused(ValueError):  # noqa: N818 - the word for it
    """One key that is not taken, and why."""


def add(commands: Any) -> None:
    """Add the commands."""
    example = "titik-office trust import --desk meja kemenkes.pem --issuer ID --ca csca.pem"
    under = options.group(commands, "trust", "kunci pihak lain / other people's keys", example)
    taken = options.command(under, "import", "percayai kunci / trust keys", example, run_import)
    options.asks_desk(taken, locked=False)
    taken.add_argument(
        "file", nargs="+", type=Path, metavar="FILE", help="PEM, DER, did.json, daftar DSC / a list of DSCs"
    )
    taken.add_argument(
        "--issuer",
        required=True,
        type=options.issuer,
        help="penerbit, negara dua huruf / issuer, a country's two letters",
    )
    taken.add_argument("--domain", default="health", choices=[str(domain) for domain in Domain], help="(%(default)s)")
    taken.add_argument("--ca", type=Path, metavar="FILE", help="CSCA: sertifikat lain ditolak / others are refused")
    taken.add_argument(
        "--skip-bad", action="store_true", help="ambil yang baik saja / take the good ones; else all or none"
    )
    shown = options.command(under, "list", "tampilkan / show them", "titik-office trust list --desk meja", run_list)
    options.asks_desk(shown, locked=False)
    gone = options.command(
        under, "remove", "keluarkan / take out", "titik-office trust remove --desk meja 00112233aabbccdd", run_remove
    )
    options.asks_desk(gone, locked=False)
    gone.add_argument("kid", metavar="KID", help="seperti di / as in: trust list")


def run_import(told: argparse.Namespace, now: datetime) -> None:
    """Take the keys of the files, or, where one is refused, none."""
    desk = Desk.open(told.desk)
    taken, refused = _sorted(told, now)
    for line in refused:
        print(f"  ditolak / refused: {line}")
    if not taken or (refused and not told.skip_bad):
        more = " Berikutnya / next: --skip-bad mengambil yang baik / takes the good ones" if taken else ""
        raise RefusalError(
            f"{len(refused)} ditolak; tidak ada yang diimpor. / {len(refused)} refused; nothing was imported.{more}"
        )
    before = {(key.kid, key.domain): key for key in foreign_keys.listed(desk.folder)}
    fresh = {(key.kid, key.domain): key for key in taken}
    if len(before | fresh) > MAX_KEYS:
        raise RefusalError(f"Lebih dari {MAX_KEYS} kunci. / More than {MAX_KEYS} keys.")
    foreign_keys.keep(desk.folder, (before | fresh).values())
    known = len(before.keys() & fresh.keys())
    print(f"Diimpor / imported: {len(fresh)} ({known} sudah ada, diganti / were there and are replaced)")
    for key in fresh.values():
        print(f"  {_line(key)}")
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")


def run_list(told: argparse.Namespace, now: datetime) -> None:
    """Show the keys that every bundle carries."""
    desk = Desk.open(told.desk)
    keys = foreign_keys.listed(desk.folder)
    for key in keys:
        print(_line(key) + ("  kedaluwarsa / expired" if key.until <= now else ""))
    print(f"{len(keys)} kunci / keys")


def run_remove(told: argparse.Namespace, _now: datetime) -> None:
    """Take the key out, for every domain it is listed under."""
    desk = Desk.open(told.desk)
    keys = foreign_keys.listed(desk.folder)
    kept = [key for key in keys if key.kid != told.kid.lower()]
    if len(kept) == len(keys):
        raise RefusalError(
            f"Kunci {told.kid!r} tidak ada. / There is no key {told.kid!r}."
            f" Berikutnya / next: titik-office trust list --desk {desk.folder}"
        )
    foreign_keys.keep(desk.folder, kept)
    print(f"Dikeluarkan / taken out: {told.kid.lower()}")
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")


def _sorted(told: argparse.Namespace, now: datetime) -> tuple[list[TrustedKey], list[str]]:
    """Return the keys of all files that are taken, and a line for each that is not."""
    authorities = _authorities(told.ca, now) if told.ca is not None else None
    taken: list[TrustedKey] = []
    refused: list[str] = []
    for path in told.file:
        try:
            file = key_files.parse(options.read(path))
        except key_files.NotAListError as error:
            refused.append(f"{path}: {error}")
            continue
        if file.unproven:
            _say_unproven(path)
        name = "".join(letter if letter.isprintable() else "?" for letter in path.name)
        for offer in file.offers:
            try:
                key = accepted(offer, Domain(told.domain), told.issuer, authorities, now)
            except Refused as error:
                refused.append(f"{path}{' ' + offer.name if offer.name else ''}: {error}")
            else:
                taken.append(TrustedKey.of(key, name))
    return taken, refused


def accepted(
    offer: Offer, domain: Domain, issuer: str, authorities: Sequence[x509.Certificate] | None, now: datetime
) -> Key:
    """Return the key of *offer* for a bundle; raises `Refused`.

    A certificate brings its kid, dates and usages; a bare key gets the list's kid or `device.trust.bundle.kid_of`,
    and the dates `office.bundle.ALWAYS`. With *authorities*, only what one of them signed is taken.
    """
    if offer.flaw:
        raise Refused(offer.flaw)
    if offer.country is not None and offer.country != issuer:
        raise Refused(f"the list says country {offer.country[:20]!r}, not {issuer!r}")
    try:
        key = audit_key(offer.octets)
    except UNREADABLE as error:
        raise Refused(f"not a public key or certificate: {error}") from None
    if key.kid is None:
        if authorities is not None:
            raise Refused("a bare key: no authority signed it")
        return Key(key.public, offer.kid or kid_of(key.public), issuer, domain, None, *ALWAYS)
    if key.domain is not None and key.domain is not domain:
        raise Refused(f"its usages are about {key.domain}, not about {domain}")
    try:
        (certificate,) = certificates(offer.octets)
        flaw = next(_flaws(certificate, key, offer, authorities, now), None)
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except UNREADABLE as error:  # an audit reads what is not quite DER; what is to be trusted must be sound
        raise Refused(f"not a sound certificate: {error}") from None
    if flaw is not None:
        raise Refused(flaw)
    return replace(key, issuer=issuer, domain=domain, since=since, until=until)


def _flaws(
    certificate: x509.Certificate,
    key: Key,
    offer: Offer,
    authorities: Sequence[x509.Certificate] | None,
    now: datetime,
) -> Iterator[str]:
    """Yield what speaks against *certificate*, whose key is *key*."""
    if certificate.not_valid_after_utc <= now:
        yield f"expired on {options.local(certificate.not_valid_after_utc)} ({_subject(certificate)})"
    if _is_authority(certificate):
        yield f"a CA: it signs certificates, no credentials. It goes behind --ca ({_subject(certificate)})"
    if offer.kid is not None and offer.kid != key.kid:
        yield f"the list calls it {offer.kid.hex()}, but it is {(key.kid or b'').hex()}"
    if offer.bare is not None and offer.bare != spki(key.public):
        yield "the key beside the certificate is another one"
    if authorities is not None and not any(_signed(certificate, one) for one in authorities):
        yield f"not signed by any certificate of --ca ({_subject(certificate)})"


def _say_unproven(path: Path) -> None:
    print(
        f"{path}: tanda tangan daftar ini TIDAK diperiksa di sini; ambil hanya dari sumber yang Anda percaya."
        " / the list's own signature is NOT checked here; take it only from where you trust it to come from."
    )


def certificates(octets: bytes) -> list[x509.Certificate]:
    """Return the certificates in *octets*, PEM or DER; raises one of `UNREADABLE`.

    What cryptography only warns of (a serial number of zero, a NULL too many) is in genuine ones as well.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        if b"-----BEGIN" in octets:
            return x509.load_pem_x509_certificates(octets)
        return [x509.load_der_x509_certificate(octets)]


def _authorities(path: Path, now: datetime) -> list[x509.Certificate]:
    try:
        file = key_files.parse(options.read(path))
        found = [one for offer in file.offers for one in certificates(offer.octets)]
        flaws = [flaw for one in found for flaw in _not_an_authority(one, now)]
    except UNREADABLE as error:
        raise RefusalError(f"--ca {path}: bukan sertifikat / not a certificate: {error}") from None
    if flaws:
        raise RefusalError(f"--ca {path}: {'; '.join(flaws)}")
    if file.unproven:
        _say_unproven(path)
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


def _line(key: TrustedKey) -> str:
    usages = "" if key.usages is None else f"  {', '.join(sorted(key.usages))}"
    return (
        f"{key.kid}  {key.issuer:<4} {key.domain:<8} {options.local(key.since)} .. {options.local(key.until)}"
        f"  {key.source}{usages}"
    )
