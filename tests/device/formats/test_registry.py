"""The rows of the forms: nothing is read that has no row, says nothing of itself or was never tried."""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from device.formats.cbor import MalformedError
from device.formats.cose import PublicKey
from device.formats.cwt import Token
from device.formats.registry import FORMATS, Format, Stated, Unpacked, can
from device.model import Belief, Claims, Domain, Kind, Reason, Statement
from device.trust.bundle import Key, Trust, revocation, trusting
from device.verdict.verify import believe, believe_as, kind_of
from tests.support.credentials import AT, HEALTH_KEY, OTHER_KEY, dose, hcert, phone_pass, proof, staff_pass, trust
from tests.support.roster import TRUST_WITH_ROSTER

PHONE = ec.generate_private_key(ec.SECP256R1())

READ: Mapping[str, tuple[str, Trust]] = {
    "hcert": (hcert(v=[dose()]), trust()),
    "pass": (staff_pass(), trust()),
    "phone-pass": (proof(PHONE, phone_pass(PHONE.public_key()), AT), trust()),
    "listed": ("19800101", TRUST_WITH_ROSTER),
}
"""One sample of each word that a station says of itself, and whom to believe about it."""

UNREAD: Mapping[str, Belief] = {
    "HC2:6BF": Belief(Kind.HCERT, Reason.NOT_SUPPORTED, form="hcert-other-version"),
    "HCZ:6BF": Belief(Kind.HCERT, Reason.NOT_SUPPORTED, form="hcert-other-version"),
    "shc:/5676295953": Belief(Kind.SHC, Reason.NOT_SUPPORTED),
    "B64:abc": Belief(Kind.DIVOC, Reason.NOT_SUPPORTED),
    '{"data":{"hdr":{}}}': Belief(Kind.VDS_NC, Reason.NOT_SUPPORTED),
    "mdoc:abc": Belief(Kind.MDOC, Reason.NOT_SUPPORTED),
    "checkin:abc": Belief(Kind.VENUE, Reason.NOT_A_PASS),
    "https://contoh.example": Belief(Kind.TEXT, Reason.NOT_A_PASS),
    "": Belief(Kind.TEXT, Reason.NOT_A_PASS),
}
"""What is recognised and not read."""


def test_what_a_station_says_it_can_read_has_a_sample_that_it_believes_and_nothing_else_has() -> None:
    assert can() == ["hcert", "pass", "phone-pass", "listed"] == list(READ)
    believed = {word: believe(text, trust, AT) for word, (text, trust) in READ.items()}
    assert {word: belief.reason for word, belief in believed.items()} == dict.fromkeys(READ)
    assert {word: belief.kind for word, belief in believed.items()} == {
        word: row.kind for row in FORMATS for word in row.can
    }


@pytest.mark.parametrize(("text", "belief"), UNREAD.items(), ids=UNREAD)
def test_what_is_recognised_and_not_read_is_named_and_never_believed(text: str, belief: Belief) -> None:
    assert believe(text, trust(), AT) == belief


def test_every_kind_has_a_row_that_is_read_at_most_once_and_a_sample() -> None:
    assert {row.kind for row in FORMATS} == set(Kind)
    read = Counter(row.kind for row in FORMATS if row.can)
    assert set(read.values()) == {1}
    samples = [text for text, _ in READ.values()] + list(UNREAD)
    assert {kind_of(text) for text in samples} == set(Kind) - {Kind.LISTED}


def test_a_row_that_is_read_has_all_that_reading_needs_and_another_row_has_nothing_of_it() -> None:
    for row in FORMATS:
        signed = {row.unpack is not None, row.read is not None, row.domains != ()}
        assert signed == {row.can != () and row.kind is not Kind.LISTED}, row
        assert not (row.can and row.form), row


def test_the_last_row_has_every_text_and_the_one_of_listed_numbers_none() -> None:
    assert [row.kind for row in FORMATS if row.has("")] == [Kind.TEXT] == [FORMATS[-1].kind]
    assert [row.prefixes for row in FORMATS if row.kind is Kind.LISTED] == [()]


# A form that is no COSE: a JSON Web Signature (RFC 7515), as SMART Health Cards have it.


@dataclass(frozen=True)
class Jws:
    """A compact JWS as it came."""

    header: str
    body: str
    signature: bytes

    @property
    def kid(self) -> bytes | None:
        return str(json.loads(unpadded(self.header))["kid"]).encode()

    @property
    def payload(self) -> bytes:
        return unpadded(self.body)

    @property
    def token(self) -> bytes:
        return self.signature[:32]

    def signed_by(self, key: PublicKey) -> bool:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        r, s = (int.from_bytes(half, "big") for half in (self.signature[:32], self.signature[32:]))
        try:
            key.verify(encode_dss_signature(r, s), f"{self.header}.{self.body}".encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unpack(text: str) -> Unpacked:
    try:
        header, body, signature = text.removeprefix("jws:").split(".")
    except ValueError:
        raise MalformedError("not three parts") from None
    return Unpacked(Jws(header, body, unpadded(signature)))


def read(payload: bytes) -> Stated:
    said = json.loads(payload)
    begins = datetime.fromtimestamp(said["nbf"], UTC)
    token = Token(said["iss"], None, begins, None, said)
    return Stated(token, Claims(Statement.VACCINATION, said["doses"], 2), frozenset({Statement.VACCINATION}))


ROW = Format(Kind.SHC, ("jws:",), can=("shc",), domains=(Domain.HEALTH,), unpack=unpack, read=read)


def packed(told: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def jws(key: ec.EllipticCurvePrivateKey = HEALTH_KEY, kid: str = "k", begins: datetime = AT) -> str:
    head, body = packed({"alg": "ES256", "kid": kid}), packed({"iss": "x", "nbf": begins.timestamp(), "doses": 2})
    r, s = decode_dss_signature(key.sign(f"{head}.{body}".encode(), ec.ECDSA(SHA256())))
    signature = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode().rstrip("=")
    return f"jws:{head}.{body}.{signature}"


def test_a_form_that_is_no_cose_is_believed_by_a_path_of_its_own_and_for_the_same_reasons() -> None:
    key = Key(HEALTH_KEY.public_key(), b"k", "x", Domain.HEALTH)
    text = jws()
    belief = believe_as(ROW, text, trusting(key), AT)
    assert (belief.kind, belief.reason) == (Kind.SHC, None)
    assert belief.credential is not None
    assert belief.credential.claims.doses == 2
    assert belief.credential.expires is None
    revoked = Trust(trusting(key).keys, {"x": frozenset({revocation(belief.credential.identity)})})
    for shown, whom, reason in (
        (text, revoked, Reason.REVOKED),
        (text, trusting(Key(key.public, b"k", "x", Domain.STAFF)), Reason.WRONG_DOMAIN),
        (jws(key=OTHER_KEY), trusting(key), Reason.FORGED),
        (jws(kid="other"), trusting(key), Reason.UNKNOWN_ISSUER),
        (jws(begins=AT + timedelta(seconds=1)), trusting(key), Reason.NOT_YET_VALID),
        ("jws:a.b", trusting(key), Reason.MALFORMED),
    ):
        assert believe_as(ROW, shown, whom, AT).reason is reason
