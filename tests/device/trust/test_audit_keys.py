"""Keys for an audit: certificates as signers really make them, and bare keys, PEM or DER."""

import base64
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from device.formats.lenient_der import MAX_CERTIFICATE, certificate
from device.model import Domain, Statement
from device.trust.audit_keys import audit_key
from device.trust.bundle import Key
from tests.support.credentials import HEALTH_KEY

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DSC"), x509.NameAttribute(NameOID.COUNTRY_NAME, "ID")])


def made(*purposes: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = HEALTH_KEY) -> bytes:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=700))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if purposes:
        usages = x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in purposes])
        builder = builder.add_extension(usages, critical=False)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


TEST_ONLY, UNKNOWN = "1.3.6.1.4.1.1847.2021.1.1", "1.3.6.1.5.5.7.3.2"
RECOVERY_TOO = "1.3.6.1.4.1.0.1847.2021.1.3"


def pem(der: bytes, word: str = "CERTIFICATE", line: str = "\n") -> bytes:
    text = base64.b64encode(der).decode()
    rows = [text[at : at + 64] for at in range(0, len(text), 64)]
    return line.join(["Bag attributes: none", f"-----BEGIN {word}-----", *rows, f"-----END {word}-----", ""]).encode()


def whole(der: bytes, domain: Domain | None = None, usages: frozenset[Statement] | None = None) -> Key:
    return Key(HEALTH_KEY.public_key(), sha256(der).digest()[:8], domain=domain, usages=usages)


@pytest.mark.parametrize(
    ("purposes", "domain", "usages"),
    [
        ((), None, None),
        ((UNKNOWN,), None, None),
        ((TEST_ONLY,), Domain.HEALTH, frozenset({Statement.TEST})),
        ((UNKNOWN, TEST_ONLY, RECOVERY_TOO), Domain.HEALTH, frozenset({Statement.TEST, Statement.RECOVERY})),
    ],
)
def test_a_certificate_says_its_kid_and_its_usages(
    purposes: tuple[str, ...], domain: Domain | None, usages: frozenset[Statement] | None
) -> None:
    der = made(*purposes)
    for octets in (der, pem(der), pem(der, line="\r\n")):
        assert audit_key(octets) == whole(der, domain, usages)


def test_a_bare_key_speaks_under_any_kid() -> None:
    der = HEALTH_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert audit_key(der) == audit_key(pem(der, "PUBLIC KEY")) == Key(HEALTH_KEY.public_key())


def broken(der: bytes) -> list[bytes]:
    """Return *der* with faults that a strict parser refuses: a long length, an odd TRUE, a negative serial."""
    long_length = der[:1] + b"\x83\x00" + der[2:4] + der[4:]
    assert der[1] == 0x82
    odd_true = der.replace(b"\x01\x01\xff", b"\x01\x01\x01", 1)
    negative = der.replace(b"\x02\x01\x07", b"\x02\x01\xf7", 1)
    return [long_length, odd_true, negative]


def test_a_certificate_that_is_not_quite_der_still_gives_its_key_and_usages() -> None:
    for octets in broken(made(TEST_ONLY)):
        assert audit_key(octets) == whole(octets, Domain.HEALTH, frozenset({Statement.TEST}))
    long_length, *_ = broken(made(TEST_ONLY))
    with pytest.raises(ValueError, match="parsing"):  # or there were no need to read leniently
        x509.load_der_x509_certificate(long_length)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----",
        b"0\x00 -----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
        pem(b"\x30\x03\x02\x01\x01"),
        bytes(MAX_CERTIFICATE + 1),
        made(key=rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it is refused for that
        ec.generate_private_key(ec.SECP384R1())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_what_is_no_key_that_signs_credentials_is_a_value_error(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        audit_key(octets)


CUT = made(TEST_ONLY)


@given(st.binary(max_size=80) | st.integers(0, len(CUT) - 1).map(lambda at: CUT[:at]))
def test_whatever_is_no_certificate_is_a_value_error(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        certificate(octets)
