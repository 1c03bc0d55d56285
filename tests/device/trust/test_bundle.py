"""The trust bundle: believed by its root's signature, strict in every field, and cheap to refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from device.formats.cose import PublicKey
from device.model import Domain, Statement
from device.trust.bundle import BundleError, Key, Roots, Trust, kid_of, open_bundle, root_key
from office.keys.signing import sign1
from tests.device.formats.test_cbor import colliding
from tests.support.credentials import HEALTH_KEY, STAFF_KEY

ROOT, OTHER = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def spki(key: PublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def listed(key: Any = STAFF_KEY, **changed: Any) -> dict[str, Any]:
    told = {
        "kid": b"12345678",
        "spki": spki(key.public_key()),
        "issuer": "luwuutarakab",
        "domain": "staff",
        "from": int(SINCE.timestamp()),
        "until": int(UNTIL.timestamp()),
    }
    return {name: value for name, value in {**told, **changed}.items() if value is not ...}


def told(**changed: Any) -> dict[str, Any]:
    plain = {
        "version": 7,
        "issued": int(SINCE.timestamp()),
        "next": int((SINCE + timedelta(days=90)).timestamp()),
        "keys": [listed()],
        "revoked": {"luwuutarakab": b"AAAAAAAABBBBBBBB"},
        "policies": ["a policy"],
        "capacities": {"bupati": 40},
    }
    return {name: value for name, value in {**plain, **changed}.items() if value is not ...}


def signed(payload: Any, key: ed25519.Ed25519PrivateKey = ROOT) -> bytes:
    octets = payload if isinstance(payload, bytes) else cbor2.dumps(payload)
    return sign1(octets, key, kid_of(key.public_key()))


def opened(octets: bytes) -> Trust:
    return open_bundle(octets, Roots(ROOT.public_key()))


def test_a_bundle_is_what_its_root_signed() -> None:
    health = listed(HEALTH_KEY, kid=b"87654321", issuer="ID", domain="health", usages=["vaccination", "test"])
    assert opened(signed(told(keys=[listed(), health]))) == Trust(
        keys={
            b"12345678": (Key(STAFF_KEY.public_key(), b"12345678", "luwuutarakab", Domain.STAFF, None, SINCE, UNTIL),),
            b"87654321": (
                Key(
                    HEALTH_KEY.public_key(),
                    b"87654321",
                    "ID",
                    Domain.HEALTH,
                    frozenset({Statement.VACCINATION, Statement.TEST}),
                    SINCE,
                    UNTIL,
                ),
            ),
        },
        revoked={"luwuutarakab": frozenset({b"AAAAAAAA", b"BBBBBBBB"})},
        policies=("a policy",),
        capacities={"bupati": 40},
        version=7,
        issued=SINCE,
        next=SINCE + timedelta(days=90),
    )


def test_another_s_bundle_is_not_believed() -> None:
    with pytest.raises(BundleError, match="not signed by the regency's root"):
        opened(signed(told(), OTHER))
    with pytest.raises(BundleError, match="not signed by the regency's root"):
        open_bundle(signed(told(), OTHER), Roots(ROOT.public_key(), OTHER.public_key()))


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - too small, which is the case in question
    ],
)
def test_a_key_of_a_kind_that_is_not_read_here_is_passed_over(key: Any) -> None:
    assert list(opened(signed(told(keys=[listed(key), listed()]))).keys) == [b"12345678"]
    assert opened(signed(told(keys=[listed(key)]))).keys == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"keys": [listed(kid=10**12)]},
        {"keys": [listed(kid="12345678")]},
        {"keys": [listed(spki=b"no key")]},
        {"keys": [listed(spki=...)]},
        {"keys": [listed(issuer=None)]},
        {"keys": [listed(domain="everything")]},
        {"keys": [listed(usages=["dancing"])]},
        {"keys": [listed(until=10**17)]},
        {"keys": [listed(), listed(issuer="luwu-2027")]},
        {"keys": [listed(), listed(domain="visitor", kid=b"87654321")]},
        {"keys": listed()},
        {"keys": ["x"]},
        {"keys": ...},
        {"version": "7"},
        {"version": True},
        {"version": cbor2.CBORTag(4, [3145727, 1])},
        {"issued": float("nan")},
        {"next": 10**17},
        {"revoked": {"ID": "12345678"}},
        {"revoked": {"ID": b"1234567"}},
        {"revoked": [b"12345678"]},
        {"policies": "a policy"},
        {"policies": [1]},
        {"capacities": {"bupati": "40"}},
    ],
)
def test_a_signed_bundle_with_a_field_of_another_kind_is_refused_and_never_half_read(changed: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="not readable by this version"):
        opened(signed(told(**changed)))


@pytest.mark.parametrize(
    "payload", [b"", b"\xa0", b"\x00", cbor2.dumps(told()) + b"\x00", b"\xa2\x67version\x01\x67version\x02"]
)
def test_a_payload_that_is_no_bundle_is_refused(payload: bytes) -> None:
    with pytest.raises(BundleError):
        opened(signed(payload))


@pytest.mark.parametrize(
    "open_header", [colliding(900), b"\x9a\x00\x3d\x09\x00" + b"\xa0" * 4_000_000, b"\x81" * 100_000]
)
def test_what_nobody_signed_costs_nothing_to_refuse(open_header: bytes) -> None:
    with pytest.raises(BundleError):
        opened(b"\xd2\x84\x40" + open_header[:3_900_000] + b"\x40\x40")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(octets: bytes) -> None:
    for bundle in (octets, signed(octets)):
        with pytest.raises(BundleError):
            opened(bundle)


@pytest.mark.parametrize("text", ["", "no key", "MCowBQYDK2VwAyEA", "é", "TUlJ" * 30])
def test_a_root_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        root_key(text)
