"""The seeds: a few good and bad inputs for each target, all made up; ``python -m fuzz seeds`` writes them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device.formats import base45
from device.formats.proof import CONTEXT
from device.trust.bundle import kid_of
from device.verdict import policy
from device.wire import Quarantined, Receipt
from fuzz import symbols
from fuzz.signing import AT, HEALTH, PHONE, PROOF_OF_NOW, ROOT, STAFF, VISITOR, packed, signed
from fuzz.targets import (
    CERTIFICATE,
    CLAIMED,
    HEADER,
    HEALTH_CLAIMS,
    MESSAGE,
    PLAIN,
    PROOF,
    PROOF_HEADER,
    SIGNED,
    STAFF_CLAIMS,
    TEXT,
    VISITOR_CLAIMS,
)

UNTIL, SINCE = (int((AT + timedelta(days=days)).timestamp()) for days in (300, -1))
PASS = {1: "luwuutarakab", 4: UNTIL, 6: SINCE, 169: {1: "0042", 4: "Pegawai Contoh"}}
DOSE = {"tg": "840539006", "dn": 2, "sd": 2, "dt": "2021-09-01", "co": "ID", "is": "Kementerian"}
TEST = {"tg": "840539006", "tr": "260415000", "sc": "2026-11-22T00:00:00Z", "co": "ID"}
RECOVERY = {"tg": "840539006", "fr": "2026-10-01", "co": "ID"}


def certificate(**entries: Any) -> dict[Any, Any]:
    """Return the claims of a health certificate."""
    return {1: "ID", 4: UNTIL, 6: SINCE, -260: {1: {"ver": "1.3.0", "dob": "1990-05-17", "nam": {}, **entries}}}


def code() -> Iterator[bytes]:
    """Yield texts, messages, claims and headers."""
    payloads = [
        (STAFF, PASS),
        (VISITOR, PASS | {5: SINCE}),
        (STAFF, PASS | {4: SINCE}),
        (HEALTH, certificate(v=[DOSE])),
        (HEALTH, certificate(t=[TEST])),
        (HEALTH, certificate(t=[TEST | {"sc": "0001-01-01T00:00:00+14:00"}])),
        (HEALTH, certificate(t=[TEST | {"sc": "9999-12-31T23:59:59Z"}])),
        (HEALTH, certificate(r=[RECOVERY])),
        (HEALTH, certificate(v=[DOSE, DOSE])),
        (
            HEALTH,
            certificate(v=[DOSE | {"dt": cbor2.CBORTag(1004, "2021-09-01"), "x": [cbor2.CBORTag(37, b"u" * 16)]}]),
        ),
    ]
    for key, claims in payloads:
        payload = cbor2.dumps(claims)
        health = key is HEALTH
        message = signed(key, payload)
        yield bytes([TEXT]) + packed(message, "HC1:" if health else "", 9).encode()
        yield bytes([CERTIFICATE if health else MESSAGE]) + message
        yield bytes([HEALTH_CLAIMS if health else VISITOR_CLAIMS if key is VISITOR else STAFF_CLAIMS]) + payload
    point = PHONE.public_key().public_numbers()
    named = {1: {1: 2, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}}
    held = cbor2.dumps(PASS | {8: named})
    yield bytes([TEXT]) + packed(signed(PHONE, signed(STAFF, held), PROOF_OF_NOW, CONTEXT)).encode()
    yield bytes([PROOF]) + signed(STAFF, held)
    yield bytes([STAFF_CLAIMS]) + held
    yield bytes([PROOF_HEADER, len(PROOF_OF_NOW)]) + PROOF_OF_NOW + held
    for text in ("HC1:", "shc:/56762959", "https://example.invalid/", "checkin:x", '{"data":{"hdr"', "HC2:6BF", "é"):
        yield bytes([TEXT]) + text.encode()
    for header in ({1: -7, 4: kid_of(STAFF.public_key())}, {1: -7, 2: [9], 3: 61, 15: {6: SINCE}}):
        octets = cbor2.dumps(header)
        yield bytes([HEADER, len(octets)]) + octets + cbor2.dumps(PASS)


def cbor() -> Iterator[bytes]:
    """Yield values of every major type, plain and odd."""
    values = (PASS, certificate(v=[DOSE]), [1.5, -(2**70), None, True, b"x"], cbor2.CBORTag(1, 2**40), "é" * 30)
    odd = (b"\x9f\xbf\x01\x02\xff\xff", b"\x5f\x41x\x41y\xff", b"\x7f\x61x\xff", b"\xd8\x1c\x81\xd8\x1d\x00", b"\xf7")
    for octets in (*(cbor2.dumps(value) for value in values), *odd, signed(STAFF, cbor2.dumps(PASS))):
        yield from (bytes([walked]) + octets for walked in (0, 1))


def bundle() -> Iterator[bytes]:
    """Yield bundles, signed and bare, whole and with a fault."""
    keys = [
        {
            "kid": kid_of(key.public_key()),
            "spki": key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "issuer": issuer,
            "domain": domain,
            "from": SINCE,
            "until": UNTIL,
            **more,
        }
        for key, issuer, domain, more in (
            (STAFF, "luwuutarakab", "staff", {}),
            (HEALTH, "ID", "health", {"usages": ["vaccination", "test"]}),
        )
    ]
    whole: dict[str, Any] = {"version": 7, "issued": SINCE, "next": UNTIL, "keys": keys}
    whole |= {"revoked": {"ID": b"AAAAAAAABBBBBBBB"}, "policies": ['name = "x"'], "capacities": {"bupati": 40}}
    listing = [{"domain": "health", "until": UNTIL, "doses": 2, "series": 2}]
    roster = {"check": b"abcd", "issuer": "x", "claims": listing, "entries": b"h" * 16 + b"\0\0"}
    for told in (whole, whole | {"roster": roster}, whole | {"keys": []}, whole | {"version": "7"}):
        payload = cbor2.dumps(told)
        yield bytes([PLAIN]) + signed(ROOT, payload)
        yield bytes([SIGNED]) + payload
        yield bytes([CLAIMED]) + signed(STAFF, payload)


def policies() -> Iterator[bytes]:
    """Yield the policies that ship, and small ones."""
    for file in sorted(policy.SHIPPED.glob("*.toml")):
        yield file.read_bytes()
    rule = (
        'when = { age = { min = 18, max = 60 }, doses = 2, site = "bupati" }\noutcome = "admit"\nreason = "two-doses"\n'
    )
    yield f'name = "x"\ntitle = "t"\nsource = "s"\ndomains = ["health"]\n[[rule]]\n{rule}'.encode()
    yield b'a = 2026-01-01T00:00:00+08:00\nb = """x"""\nc = [1, 0x1f, 1e400, nan]\n[d.e]\n'


def wire() -> Iterator[bytes]:
    """Yield receipts, events, batches and odd JSON."""
    yield Receipt("c", "0" * 32, 1, 2, 2, "0" * 64).encode()
    yield Quarantined("c", "0" * 64).encode()
    data = {"point": "bupati-1", "epoch": "0" * 32, "seq": 1, "outcome": "admit", "reason": "staff"}
    event = {"specversion": "1.0", "type": "id.go.luwuutarakab.titik.checkin.v1", "id": "1" * 36, "data": data}
    event |= {"source": "/titik/bupati-1", "time": "2026-11-23T02:00:00.000Z"}
    yield json.dumps(event).encode()
    yield json.dumps([event, event]).encode()
    yield from (b'["\\ud800", 1e400, -0.0, 1E5]', b"[[[[]]]]", b'{"a": null, "a": true}', b"\xef\xbb\xbf1", b"NaN")


def texts() -> Iterator[bytes]:
    """Yield base45 texts."""
    yield from (base45.encode(octets).encode() for octets in (b"", b"A", b"AB", b"base-45", bytes(range(256))))
    yield from (b"GGW", b":::", b"::", b"ab8")


def certificates() -> Iterator[bytes]:
    """Yield certificates with and without usages, in both forms, one that is not quite DER, and a bare key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "DSC")])
    for purposes in ((), ("1.3.6.1.4.1.1847.2021.1.2", "1.3.6.1.4.1.0.1847.2021.1.3")):
        builder = x509.CertificateBuilder(
            name, name, HEALTH.public_key(), 7, AT - timedelta(days=9), AT + timedelta(days=9)
        ).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if purposes:
            usages = x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose) for purpose in purposes])
            builder = builder.add_extension(usages, critical=False)
        made = builder.sign(VISITOR, None)
        yield from (made.public_bytes(form) for form in (Encoding.DER, Encoding.PEM))
    der = made.public_bytes(Encoding.DER)
    yield der[:1] + b"\x83\x00" + der[2:]
    yield HEALTH.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    yield VISITOR.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def raw_symbols() -> Iterator[bytes]:
    """Yield the data of symbols, behind a byte that says the level and the mask: sound ones, and those that are not."""
    streams = [
        symbols.octet(b"HALO"),
        symbols.LATE_FNC1,
        symbols.LATE_FNC1_IN_PARTS,
        symbols.structured(0, 1, 0x55) + symbols.octet(b"HALO"),
        symbols.structured(3, 1, 0),
        symbols.fnc1_first() + symbols.alphanumeric("0104912345%%10A%B"),
        symbols.fnc1_second(33) + symbols.numeric("0123456789"),
        symbols.eci(26) + symbols.octet("é漢".encode()) + symbols.eci(3) + symbols.octet(b"\xe9"),
        symbols.eci(899) + symbols.octet(bytes(range(0, 256, 16))),
        symbols.eci(811_799, 3) + symbols.eci(2_097_151, 3) + symbols.octet(b"x"),
        symbols.eci(25) + symbols.octet(b"\xd8\x00\xdc\x00\xd8\x00"),
        symbols.kanji((0x0D9F, 0x1AAA, 0x1FFF, 0)),
        symbols.hanzi((0x0A5B, 0x1FFF)),
        symbols.hanzi((1,), subset=9) + symbols.numeric("7"),
        symbols.octet("汉字".encode("gbk")),
        symbols.octet(b"AB", count=200),
        symbols.bits(0b1011, 4) + symbols.octet(b"x"),
    ]
    for number, stream in enumerate(streams):
        padded = (*stream, *[0] * (-len(stream) % 8))
        octets = bytes(int("".join(map(str, padded[at : at + 8])), 2) for at in range(0, len(padded), 8))
        yield bytes([number % 32]) + octets


def write(into: Path) -> None:
    """Write every seed into its target's folder, named by its number; nothing else may lie there."""
    makers = {"code": code, "cbor": cbor, "bundle": bundle, "policy": policies, "wire": wire, "base45": texts}
    makers |= {"certificate": certificates, "symbol": raw_symbols}
    for name, make in makers.items():
        folder = into / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for number, octets in enumerate(make()):
            (folder / f"{number:02d}").write_bytes(octets)
