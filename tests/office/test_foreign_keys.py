"""Other people's keys: taken apart within bounds, checked, kept, carried by every bundle until they are taken out."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from device.model import Domain, Statement
from device.trust.bundle import Key, Roots, Trust, kid_of, open_bundle, root_key, spki
from office.__main__ import main
from office.bundle import ALWAYS
from office.desk import foreign_keys
from office.desk.foreign_keys import TrustedKey
from office.desk.key_checks import KeyRefusedError, accepted
from office.keys import key_files

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)
CA_KEY, DSC_KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505 - too small is what is refused
CURVES = {"P-256": DSC_KEY, "P-384": ec.generate_private_key(ec.SECP384R1())}


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def _certificate(
    key: Any = None,
    by: Any = None,
    since: datetime = NOW - YEAR,
    until: datetime = NOW + YEAR,
    *,
    ca: bool = False,
    usage: str | None = None,
) -> x509.Certificate:
    public = (CA_KEY if ca else key or DSC_KEY).public_key()
    builder = x509.CertificateBuilder(_name("CSCA"), _name("CSCA" if ca else "DSC"), public, 1, since, until)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)]), critical=False)
    return builder.sign(by or CA_KEY, SHA256())


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _kid(certificate: x509.Certificate) -> bytes:
    return certificate.fingerprint(SHA256())[:8]


DSC = _certificate(usage="1.3.6.1.4.1.1847.2021.1.2")
CSCA = _certificate(ca=True)
EXPIRED = _certificate(until=NOW - timedelta(days=1))


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _jwk(key: ec.EllipticCurvePublicKey, **more: Any) -> dict[str, Any]:
    numbers = key.public_numbers()
    x, y = (base64.urlsafe_b64encode(part.to_bytes(32, "big")).decode().rstrip("=") for part in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y} | more


def _did(*jwks: dict[str, Any], kids: tuple[bytes, ...] = ()) -> bytes:
    names = [_text(kid).replace("/", "%2F").replace("=", "%3D") for kid in kids] or ["no-kid"] * len(jwks)
    methods = [
        {"id": f"did:web:example:ID#{name}", "type": "JsonWebKey2020", "publicKeyJwk": jwk}
        for name, jwk in zip(names, jwks, strict=True)
    ]
    return json.dumps({"id": "did:web:example:ID", "verificationMethod": methods, "proof": {"jws": "x"}}).encode()


def _gateway(certificate: x509.Certificate, **more: Any) -> dict[str, Any]:
    told = {"kid": _text(_kid(certificate)), "country": "ID", "certificateType": "DSC"}
    return told | {"rawData": _text(_der(certificate))} | more


def _id(value: object) -> str:
    """Return the name of a case: what it says, never its bytes, which are new in every process."""
    return value if isinstance(value, str) else ""


def _keys(octets: bytes, authorities: list[x509.Certificate] | None = None) -> list[Key]:
    return [accepted(one, Domain.HEALTH, "ID", authorities, NOW) for one in key_files.parse(octets).offers]


def _bundle(desk: Path, secret: list[str]) -> Trust:
    out = desk.parent / "trust.cbor"
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(out), *secret]) == 0
    return open_bundle(out.read_bytes(), Roots(root_key((desk / "root.pub").read_text())))


def _import(desk: Path, octets: bytes, *more: str) -> int:
    file = desk.parent / "keys"
    file.write_bytes(octets)
    return main(["foreign-keys", "import", "--desk", str(desk), str(file), "--issuer", "ID", *more])


@pytest.mark.parametrize(
    "octets",
    [
        _pem(DSC),
        _der(DSC),
        b"a word before\n" + _pem(DSC),
        json.dumps([_gateway(DSC)]).encode(),
        b"c2lnbmF0dXJl\n" + json.dumps({"certificates": [_gateway(DSC)]}).encode(),
        _did({"x5c": [_text(_der(DSC))]}),
        _did(_jwk(DSC_KEY.public_key(), x5c=[_text(_der(DSC))]), kids=(_kid(DSC),)),
    ],
    ids=_id,
)
def test_one_certificate_is_the_same_key_in_every_wrapping(octets: bytes) -> None:
    assert _keys(octets, [CSCA]) == [
        Key(
            DSC_KEY.public_key(),
            _kid(DSC),
            "ID",
            Domain.HEALTH,
            frozenset({Statement.VACCINATION}),
            NOW - YEAR,
            NOW + YEAR,
        )
    ]


@pytest.mark.parametrize(
    "key", [DSC_KEY.public_key(), ed25519.Ed25519PrivateKey.generate().public_key()], ids=["P-256", "Ed25519"]
)
def test_a_bare_key_has_no_dates_and_a_kid_of_its_own(key: Any) -> None:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    expected = [Key(key, kid_of(key), "ID", Domain.HEALTH, None, *ALWAYS)]
    assert _keys(pem) == _keys(spki(key)) == expected


def test_a_bare_key_of_a_list_goes_by_the_lists_kid() -> None:
    (key,) = _keys(_did(_jwk(DSC_KEY.public_key()), kids=(b"\xff\xfe345678",)))
    assert (key.kid, key.public) == (b"\xff\xfe345678", DSC_KEY.public_key())


def test_a_number_with_a_zero_before_it_is_that_number() -> None:
    numbers = DSC_KEY.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(b"\0" + part.to_bytes(32, "big")).decode() for part in (numbers.x, numbers.y))
    (key,) = _keys(_did({"kty": "EC", "crv": "P-256", "x": x, "y": y}))
    assert key.public == DSC_KEY.public_key()


def test_a_file_of_many_is_many() -> None:
    second = _certificate(OTHER_KEY)
    assert [key.kid for key in _keys(_pem(DSC) + _pem(second))] == [_kid(DSC), _kid(second)]


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (_pem(EXPIRED), "expired on"),
        (_pem(_certificate(CURVES["P-384"])), "a kind of key"),
        (_pem(_certificate(SMALL)), "a kind of key"),
        (_pem(CSCA), "a CA: it signs certificates"),
        (_pem(_certificate(by=OTHER_KEY)), "not signed by any certificate of --ca"),
        (spki(DSC_KEY.public_key()), "no authority signed it"),
        (b"\x30\x03junk", "not a public key or certificate"),
        (DSC_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "private key, neither"),
        (_did(_jwk(DSC_KEY.public_key(), d="AAAA")), "a private key"),
        (_did(_jwk(OTHER_KEY.public_key(), x5c=[_text(_der(DSC))])), "the key beside the certificate"),
        (_did({"x5c": [_text(_der(DSC))]}, kids=(b"12345678",)), "the list calls it 3132333435363738"),
        (_did({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}), "not a public key: "),
        (_did({"kty": "oct", "k": "AAAA"}), "a key of kind oct"),
        (_did({"kty": "RSA", "n": "B" * 800, "e": "AQAB"}), "more than 4096 bits"),
        (json.dumps([_gateway(DSC, country="XX")]).encode(), "country 'XX', not 'ID'"),
        (json.dumps([_gateway(DSC, certificateType="AUTHENTICATION")]).encode(), "not DSC"),
        (json.dumps([_gateway(DSC, rawData="?")]).encode(), "rawData"),
        (json.dumps([7]).encode(), "not an object"),
        (b"-----BEGIN CERTIFICATE-----\n" + b"A" * 17_000 + b"\n-----END CERTIFICATE-----\n", "larger than 16384"),
    ],
    ids=_id,
)
def test_what_is_not_fit_is_refused_by_its_reason(octets: bytes, says: str) -> None:
    with pytest.raises(KeyRefusedError, match=says):
        _keys(octets, [CSCA])


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "neither a did.json nor"),
        (b"[]", "no key at all"),
        (_did(), "no key at all"),
        (b"[" + b"1," * 5000 + b"1]", "more than 5000 entries"),
        (_pem(DSC)[:-30], "cut short"),
        (b"\0" * 8_000_001, "larger than"),
    ],
    ids=_id,
)
def test_what_is_no_list_is_refused_whole(octets: bytes, says: str) -> None:
    with pytest.raises(key_files.NotAListError, match=says):
        key_files.parse(octets)


def test_a_health_certificate_vouches_for_no_staff() -> None:
    (offer,) = key_files.parse(_pem(DSC)).offers
    with pytest.raises(KeyRefusedError, match="about health, not about staff"):
        accepted(offer, Domain.STAFF, "kantor", None, NOW)


def _cut(octets: bytes, at: int, to: int) -> bytes:
    return octets[: at % len(octets)] + bytes([to]) + octets[at % len(octets) + 1 :]


@given(at=st.integers(0, 5000), to=st.integers(0, 255), form=st.sampled_from([_der, _pem]))
def test_whatever_is_damaged_is_a_key_or_a_reason(at: int, to: int, form: Callable[[x509.Certificate], bytes]) -> None:
    try:
        keys = _keys(_cut(form(DSC), at, to))
    except (KeyRefusedError, key_files.NotAListError):
        return
    assert all(key.issuer == "ID" for key in keys)


def test_an_import_is_carried_by_every_bundle_until_it_is_taken_out(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ca = desk.parent / "csca.pem"
    ca.write_bytes(_pem(CSCA))
    assert _import(desk, _pem(DSC), "--ca", str(ca)) == 0
    (expected,) = _keys(_pem(DSC))
    for _ in range(2):
        assert _bundle(desk, secret).keys[_kid(DSC)] == (expected,)
    capsys.readouterr()
    assert main(["foreign-keys", "list", "--desk", str(desk)]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith(f"{_kid(DSC).hex()}  ID   health")
    assert main(["foreign-keys", "remove", "--desk", str(desk), _kid(DSC).hex().upper()]) == 0
    assert _kid(DSC) not in _bundle(desk, secret).keys
    assert main(["foreign-keys", "remove", "--desk", str(desk), _kid(DSC).hex()]) == 1


def test_one_bad_key_and_nothing_is_imported_unless_the_bad_ones_are_skipped(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _import(desk, _pem(DSC) + _pem(EXPIRED)) == 1
    said = capsys.readouterr()
    assert "keys no. 2: expired on" in said.out
    assert "--skip-bad" in said.err
    assert foreign_keys.listed(desk) == ()
    assert _import(desk, _pem(DSC) + _pem(EXPIRED), "--skip-bad") == 0
    assert [key.kid for key in foreign_keys.listed(desk)] == [_kid(DSC).hex()]
    assert _import(desk, _pem(EXPIRED), "--skip-bad") == 1, "nothing good at all is no import"


def test_it_is_said_that_a_lists_own_signature_is_not_checked(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _import(desk, _did({"x5c": [_text(_der(DSC))]})) == 0
    assert "is NOT checked here" in capsys.readouterr().out


def test_a_key_imported_again_is_replaced_and_not_doubled(desk: Path) -> None:
    assert [_import(desk, _pem(DSC)), _import(desk, _der(DSC))] == [0, 0]
    assert len(foreign_keys.listed(desk)) == 1


@pytest.mark.parametrize(
    ("ca", "says"),
    [
        (_certificate(), "not a CA"),
        (_certificate(ca=True, until=NOW - timedelta(days=1)), "not in force today"),
        (_certificate(ca=True, since=NOW + timedelta(days=1)), "not in force today"),
    ],
    ids=_id,
)
def test_an_authority_that_is_none_is_refused(
    desk: Path, ca: x509.Certificate, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = desk.parent / "ca.pem"
    file.write_bytes(_pem(ca))
    assert _import(desk, _pem(DSC), "--ca", str(file)) == 1
    assert says in capsys.readouterr().err


def test_an_authority_may_come_from_the_did_list_too(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = desk.parent / "sca.json"
    file.write_bytes(_did({"x5c": [_text(_der(CSCA))]}))
    assert _import(desk, _pem(DSC), "--ca", str(file)) == 0
    assert "is NOT checked here" in capsys.readouterr().out
    assert _import(desk, _pem(_certificate(by=OTHER_KEY)), "--ca", str(file)) == 1


def test_what_is_kept_reads_back_as_it_was(tmp_path: Path) -> None:
    keys = tuple(
        TrustedKey.of(key, 'a "file" \\ é') for key in (*_keys(_pem(DSC)), *_keys(spki(OTHER_KEY.public_key())))
    )
    foreign_keys.keep(tmp_path, keys)
    assert foreign_keys.listed(tmp_path) == keys
    assert keys[0].key() == _keys(_pem(DSC))[0]


def test_a_damaged_list_is_one_clear_line(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _import(desk, _pem(DSC)) == 0
    file = desk / "trusted.toml"
    whole = file.read_text()
    for broken in (whole[:-20], whole.replace("health", "helth"), whole.replace("issuer", "isuer")):
        file.write_text(broken)
        capsys.readouterr()
        assert main(["foreign-keys", "list", "--desk", str(desk)]) == 1
        assert "trusted.toml: rusak / damaged" in capsys.readouterr().err
