"""The trust bundle: believed by its root's signature, strict in every field, and cheap to refuse."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from device.model import Domain, Statement
from device.trust import bundle, roster
from device.trust._fields import COUNT, Field, Table
from device.trust.bundle import (
    KEY,
    TRUST,
    BundleError,
    Key,
    Roots,
    Trust,
    open_bundle,
    payload,
    root_key,
    trusting,
)
from device.trust.roster import LISTING, ROSTER, Listing, Roster
from tests.support.bundle import OTHER, ROOT, SINCE, UNTIL, bundle_fields, key_fields, opened, signed, spki
from tests.support.cbor import colliding
from tests.support.credentials import HEALTH_KEY, STAFF_KEY


def test_a_bundle_is_what_its_root_signed() -> None:
    health = key_fields(HEALTH_KEY, kid=b"87654321", issuer="ID", domain="health", usages=["vaccination", "test"])
    assert opened(signed(bundle_fields(keys=[key_fields(), health]))) == Trust(
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


# --- what is written ---

HELD = Trust(
    trusting(
        Key(HEALTH_KEY.public_key(), b"2", "ID", Domain.HEALTH, frozenset({Statement.VACCINATION}), SINCE, UNTIL),
        Key(OTHER.public_key(), b"3", "ID", Domain.HEALTH, frozenset(), SINCE, UNTIL),
        Key(STAFF_KEY.public_key(), b"1", "luwuutarakab", Domain.STAFF, None, SINCE, UNTIL),
    ).keys,
    {"luwuutarakab": frozenset({b"BBBBBBBB", b"AAAAAAAA"})},
    ("a policy", "another"),
    {"bupati": 40},
    7,
    SINCE,
    UNTIL,
    Roster(
        b"1234",
        "luwuutarakab",
        (Listing(Domain.STAFF, UNTIL), Listing(Domain.HEALTH, None, 2, 0)),
        {b"b" * 16: 0, b"a" * 16: 1},
    ),
)


def test_every_field_is_written_under_its_own_name_and_in_its_own_form() -> None:
    times = {"from": int(SINCE.timestamp()), "until": int(UNTIL.timestamp())}
    by = {"issuer": "ID", "domain": "health"} | times
    assert cbor2.loads(payload(HELD)) == {
        "version": 7,
        "issued": int(SINCE.timestamp()),
        "next": int(UNTIL.timestamp()),
        "keys": [
            {"kid": b"2", "spki": spki(HEALTH_KEY.public_key()), "usages": ["vaccination"]} | by,
            {"kid": b"3", "spki": spki(OTHER.public_key()), "usages": []} | by,
            {"kid": b"1", "spki": spki(STAFF_KEY.public_key()), "issuer": "luwuutarakab", "domain": "staff"} | times,
        ],
        "revoked": {"luwuutarakab": b"AAAAAAAABBBBBBBB"},
        "policies": ["a policy", "another"],
        "capacities": {"bupati": 40},
        "roster": {
            "check": b"1234",
            "issuer": "luwuutarakab",
            "claims": [{"domain": "staff", "until": times["until"]}, {"domain": "health", "doses": 2, "series": 0}],
            "entries": b"a" * 16 + b"\0\1" + b"b" * 16 + b"\0\0",
        },
    }


def test_what_is_written_is_read_back_whole_and_is_the_same_bytes_again() -> None:
    read = opened(signed(payload(HELD)))
    assert read == HELD
    assert payload(read) == payload(HELD)
    without = replace(HELD, roster=Roster())
    assert opened(signed(payload(without))) == without


@pytest.mark.parametrize("name", ["issued", "next"])
def test_a_bundle_that_does_not_say_when_is_not_written(name: str) -> None:
    with pytest.raises(ValueError, match=f"a bundle says the {name} of each Trust"):
        payload(replace(HELD, **{name: None}))  # type: ignore[arg-type]  # which is a time otherwise


@pytest.mark.parametrize("name", ["kid", "issuer", "domain", "since", "until"])
def test_a_key_that_leaves_something_open_is_not_written(name: str) -> None:
    key = replace(HELD.keys[b"1"][0], **{name: None})  # type: ignore[arg-type]  # one field of several kinds
    with pytest.raises(ValueError, match=r"a bundle says the \w+ of each Key"):
        payload(replace(HELD, keys=trusting(key).keys))


@pytest.mark.parametrize(("table", "page"), [(TRUST, bundle), (KEY, bundle), (ROSTER, roster), (LISTING, roster)])
def test_every_field_stands_in_the_description_of_the_format(table: Table[Any], page: ModuleType) -> None:
    form = (page.__doc__ or "").partition("::\n")[2]
    assert [name for name in table.names if not re.search(rf"\b{name}\b", form)] == []


@dataclass
class Grown:
    """What somebody added an attribute to, and forgot the table."""

    known: int
    forgotten: int = 0


def test_an_attribute_without_its_field_is_said_before_anything_is_read() -> None:
    with pytest.raises(TypeError, match=r"Grown and the table of its fields differ by \['forgotten'\]"):
        Table(Grown, Field("known", COUNT))
    assert Table(Grown, Field("known", COUNT), beside=("forgotten",)).read({"known": 3}) == Grown(3)


# --- who signed it ---


def test_another_s_bundle_is_not_believed() -> None:
    with pytest.raises(BundleError, match="not signed by the regency's root"):
        opened(signed(bundle_fields(), OTHER))
    with pytest.raises(BundleError, match="not signed by the regency's root"):
        open_bundle(signed(bundle_fields(), OTHER), Roots(ROOT.public_key(), OTHER.public_key()))


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - too small, which is the case in question
    ],
)
def test_a_key_of_a_kind_that_is_not_read_here_is_passed_over(key: Any) -> None:
    assert list(opened(signed(bundle_fields(keys=[key_fields(key), key_fields()]))).keys) == [b"12345678"]
    assert opened(signed(bundle_fields(keys=[key_fields(key)]))).keys == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"keys": [key_fields(kid=10**12)]},
        {"keys": [key_fields(kid="12345678")]},
        {"keys": [key_fields(spki=b"no key")]},
        {"keys": [key_fields(spki=...)]},
        {"keys": [key_fields(issuer=None)]},
        {"keys": [key_fields(domain="everything")]},
        {"keys": [key_fields(usages=["dancing"])]},
        {"keys": [key_fields(until=10**17)]},
        {"keys": [key_fields(), key_fields(issuer="luwu-2027")]},
        {"keys": [key_fields(), key_fields(domain="visitor", kid=b"87654321")]},
        {"keys": key_fields()},
        {"keys": ["x"]},
        {"keys": ...},
        {"version": "7"},
        {"version": True},
        {"version": cbor2.CBORTag(4, [3145727, 1])},
        {"issued": float("nan")},
        {"issued": True},
        {"next": True},
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
        opened(signed(bundle_fields(**changed)))


@pytest.mark.parametrize(
    "payload", [b"", b"\xa0", b"\x00", cbor2.dumps(bundle_fields()) + b"\x00", b"\xa2\x67version\x01\x67version\x02"]
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
    for said in (octets, signed(octets)):
        with pytest.raises(BundleError):
            opened(said)


@pytest.mark.parametrize("text", ["", "no key", "MCowBQYDK2VwAyEA", "é", "TUlJ" * 30])
def test_a_root_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        root_key(text)
