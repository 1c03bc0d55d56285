"""Throw-away TLS certificates: an authority, a broker's, and clients by name."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOURS = timedelta(hours=12)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs for 127.0.0.1 and for clients; its files lie in *folder*."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Throw-away CA")
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        made = (
            _builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, SHA256())
        )
        self.ca = self._write("ca.crt", made.public_bytes(Encoding.PEM))
        self.revoke()

    def server(self, shift: timedelta = timedelta(), address: str = "127.0.0.1") -> Pair:
        """Return a pair for a broker on *address*, valid from 12 hours before to 12 hours after now + *shift*."""
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address)), x509.DNSName("localhost")])
        return self._pair("server", "127.0.0.1", ExtendedKeyUsageOID.SERVER_AUTH, names, shift)

    def client(self, name: str, shift: timedelta = timedelta()) -> Pair:
        """Return a pair whose CN is *name*, valid around now + *shift*."""
        return self._pair(f"client-{name}", name, ExtendedKeyUsageOID.CLIENT_AUTH, shift=shift)

    def revoke(self, *pairs: Pair) -> Path:
        """Write and return the list of those that are believed no more, and of no others: ``revoked.crl``."""
        now = datetime.now(UTC)
        told = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        told = told.last_update(now - HOURS).next_update(now + HOURS)
        for pair in pairs:
            serial = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).serial_number
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - HOURS).build()
            told = told.add_revoked_certificate(one)
        return self._write("revoked.crl", told.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def locked(self, pair: Pair) -> Path:
        """Return a file with the key of *pair* under a passphrase."""
        key = load_pem_private_key(pair.key.read_bytes(), None)
        octets = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"1234"))
        return self._write("locked.key", octets, mode=0o600)

    def _pair(
        self,
        file: str,
        name: str,
        purpose: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None = None,
        shift: timedelta = timedelta(),
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        # Python 3.13 verifies strictly: without the authority's key identifier it trusts nobody.
        builder = (
            _builder(_name(name), self._name, key, shift)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier), critical=False
            )
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, SHA256())
        return Pair(
            self._write(f"{file}.crt", certificate.public_bytes(Encoding.PEM)),
            self._write(
                f"{file}.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600
            ),
        )

    def _write(self, name: str, octets: bytes, mode: int = 0o644) -> Path:
        file = self._folder / name
        file.write_bytes(octets)
        file.chmod(mode)
        return file


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, shift: timedelta = timedelta()
) -> x509.CertificateBuilder:
    now = datetime.now(UTC) + shift
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - HOURS)
        .not_valid_after(now + HOURS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
