"""What is believed, and what is not: over real test data, over passes made here, and over anything at all."""

import base64
import json
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from device.camera.pictures import luma_of
from device.cli._judging import moment
from device.formats import base45, claim169
from device.formats.cwt import read, unpack
from device.model import MAX_TEXT, Belief, Claims, Domain, Kind, Outcome, Reason, Statement, Verdict
from device.scanner import read_still
from device.trust.audit_keys import audit_key
from device.trust.bundle import Key, Trust, identity, kid_of, revocation, trusting
from device.verdict.judge import Rules, judge
from device.verdict.policy import Setting, parse
from device.verdict.verify import believe, kind_of, public_claims
from tests.support.credentials import (
    AT,
    HEALTH_KEY,
    OTHER_KEY,
    STAFF_KEY,
    VISITOR_KEY,
    dose,
    flipped_s,
    hcert,
    pack,
    proof,
    sign,
    staff_pass,
    token,
    trust,
)

# The flags that concern decoding, signature, validity and key usage (the data's own README).
ACCEPTING = (
    "EXPECTEDUNPREFIX",
    "EXPECTEDB45DECODE",
    "EXPECTEDCOMPRESSION",
    "EXPECTEDDECODE",
    "EXPECTEDVALIDJSON",
    "EXPECTEDVALIDOBJECT",
    "EXPECTEDVERIFY",
    "EXPECTEDEXPIRATIONCHECK",
    "EXPECTEDKEYUSAGE",
)
# Cases held to be wrong upstream, with the reason.
WRONG_UPSTREAM = {
    "SG/4": "its clock is a week before `issued at`, which EU DCC 1.0.8 (A.4) refuses, and no flag says so",
}


def begins(at: datetime) -> str:
    """Return a pass that was issued yesterday and counts from *at* on."""
    yesterday, end = AT - timedelta(days=1), AT + timedelta(days=9)
    claims = {1: "luwuutarakab", 4: int(end.timestamp()), 5: int(at.timestamp()), 6: int(yesterday.timestamp())}
    return pack(token(STAFF_KEY, {**claims, 169: {1: "0042"}}))


def dgc_cases(shared: Path) -> list[tuple[str, dict[str, Any]]]:
    files = sorted((shared / "dgc").glob("*/2DCode/[rR]aw/*.json"))
    assert len(files) == 77
    return [(f"{file.parts[-4]}/{file.stem}", json.loads(file.read_text(encoding="utf-8"))) for file in files]


def clock_and_trust(case: dict[str, Any]) -> tuple[datetime, Trust]:
    context = case["TESTCTX"]
    at = moment(context["VALIDATIONCLOCK"]) if context.get("VALIDATIONCLOCK") else datetime.now(UTC)
    return at, trusting(audit_key(base64.b64decode(context["CERTIFICATE"])))


def test_the_texts_of_the_eu_test_data_are_accepted_and_refused_as_expected(shared: Path) -> None:
    surprises = {}
    for name, case in dgc_cases(shared):
        at, keys = clock_and_trust(case)
        expected = all(value for flag, value in case["EXPECTEDRESULTS"].items() if flag in ACCEPTING)
        belief = believe(case["PREFIX"], keys, at)
        if (belief.reason is None) is not expected:
            surprises[name] = belief.reason
    assert surprises == dict.fromkeys(WRONG_UPSTREAM, Reason.NOT_YET_VALID)


def test_the_pictures_inside_the_eu_test_data_say_what_their_texts_say(shared: Path, tmp_path: Path) -> None:
    surprises = {}
    pictures = 0
    for name, case in dgc_cases(shared):
        if not case.get("2DCODE"):
            continue
        pictures += 1
        file = tmp_path / "code.png"
        file.write_bytes(base64.b64decode(case["2DCODE"]))
        try:
            texts = read_still(luma_of(file))
        except OSError:
            texts = []
        expected = case["EXPECTEDRESULTS"].get("EXPECTEDPICTUREDECODE", True)
        if (texts == [case["PREFIX"]]) is not expected:
            surprises[name] = texts
    assert pictures > 30
    assert surprises == {}


def test_the_pictures_beside_the_eu_test_data_say_what_their_texts_say(shared: Path) -> None:
    cases = dict(dgc_cases(shared))
    pictures = {
        f"{file.relative_to(shared / 'dgc').parts[0]}/{file.stem}": file
        for file in sorted((shared / "dgc").glob("*/**/*.png"))
    }
    told = {name: read_still(luma_of(file)) for name, file in pictures.items() if name in cases}
    assert len(told) > 30
    assert told == {name: [cases[name]["PREFIX"]] for name in told}


def test_the_claim_169_vectors_are_handled_as_expected(shared: Path) -> None:
    handled = {}
    for file in sorted((shared / "claim-169").glob("*/*.json")):
        case = json.loads(file.read_text(encoding="utf-8"))
        at = datetime(2024, 6, 1, tzinfo=UTC)
        if "signing_key" in case and "encryption_key" not in case:
            octets = bytes.fromhex(case["signing_key"]["public_key_hex"])
            edwards = case["signing_key"]["algorithm"] == "EdDSA"
            public = (
                ed25519.Ed25519PublicKey.from_public_bytes(octets)
                if edwards
                else ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets)
            )
            belief = believe(case["qr_data"], trusting(Key(public)), at)
            assert belief.credential is not None
            assert belief.credential.claims == Claims(pass_number=case["expected_claim169"]["id"])
            handled[file.stem] = "genuine"
            stranger = ed25519.Ed25519PrivateKey.generate() if edwards else OTHER_KEY
            assert believe(case["qr_data"], trusting(Key(stranger.public_key())), at).reason is Reason.FORGED
        else:
            handled[file.stem] = str(believe(case["qr_data"], Trust(), at).reason)
            if "expected_claim169" in case and "encryption_key" not in case:
                message = unpack(case["qr_data"])
                claims = read(message.payload)
                assert claim169.read(claims.claims).pass_number == case["expected_claim169"].get("id")
                assert int(claims.expires.timestamp()) == case["expected_cwt_meta"]["expiresAt"]
    unsigned = dict.fromkeys(
        (
            "claim169-example", "demographics-full", "minimal", "refugee-identity", "with-all-biometrics",
            "with-face", "with-fingerprints", "expired", "not-yet-valid", "unknown-fields", "missing-169",
        ),
        "unknown-issuer",
    )  # fmt: skip
    assert handled == {
        **unsigned,
        "ecdsa-p256-signed": "genuine",
        "ed25519-signed": "genuine",
        "encrypted-aes256": "not-supported",
        "encrypted-signed": "not-supported",
        "bad-base45": "not-a-pass",
        "bad-zlib": "not-a-pass",
        "not-cose": "not-a-pass",
    }


def test_a_staff_pass_is_believed_and_tells_its_number_to_nobody_who_may_not_know() -> None:
    belief = believe(staff_pass(), trust(), AT)
    assert belief.reason is None
    assert belief.credential is not None
    assert (belief.credential.domain, belief.credential.issuer) == (Domain.STAFF, "luwuutarakab")
    assert belief.credential.claims == Claims(pass_number="0042")
    assert public_claims(belief.credential) == {
        "domain": "staff",
        "issuer": "luwuutarakab",
        "expires": (AT + timedelta(days=300)).isoformat(),
    }


def test_a_health_certificate_says_its_doses_and_its_holder_age_only_inside() -> None:
    belief = believe(hcert(v=[dose(2, 2)]), trust(), AT)
    assert belief.credential is not None
    claims = belief.credential.claims
    assert (claims.statement, claims.doses, claims.series, claims.country) == (Statement.VACCINATION, 2, 2, "ID")
    assert "1990" not in json.dumps(public_claims(belief.credential))


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)])
def test_the_other_two_algorithms_are_believed_as_well(key: Any) -> None:
    keys = trusting(Key(key.public_key(), kid_of(key.public_key()), "luwuutarakab", Domain.STAFF))
    assert believe(staff_pass(key=key), keys, AT).reason is None


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        (staff_pass(expires=AT - timedelta(seconds=1)), AT, Reason.EXPIRED),
        (staff_pass(expires=AT), AT, None),
        (staff_pass(issued=AT + timedelta(seconds=1)), AT, Reason.NOT_YET_VALID),
        (begins(AT + timedelta(seconds=1)), AT, Reason.NOT_YET_VALID),
        (begins(AT), AT, None),
        (staff_pass(key=OTHER_KEY), AT, Reason.UNKNOWN_ISSUER),
        (staff_pass(key=HEALTH_KEY), AT, Reason.WRONG_DOMAIN),
        (hcert(v=[dose()], key=STAFF_KEY), AT, Reason.WRONG_DOMAIN),
        (hcert(v=[{**dose(), "co": "SA"}]), AT, None),  # where the dose was given, not who says so
        (hcert(v=[dose()], issuer="DE"), AT, Reason.WRONG_DOMAIN),
        (hcert(v=[dose()])[:-4], AT, Reason.MALFORMED),
        (hcert(v=[dose()]).removeprefix("HC1:"), AT, Reason.MALFORMED),
        ("HC1:" + staff_pass(key=HEALTH_KEY), AT, Reason.MALFORMED),
        ("HC2:" + hcert(v=[dose()])[4:], AT, Reason.NOT_SUPPORTED),
        ("shc:/5676295953", AT, Reason.NOT_SUPPORTED),
        ("checkin:abc", AT, Reason.NOT_A_PASS),
        ("https://example.invalid/menu", AT, Reason.NOT_A_PASS),
        ("", AT, Reason.NOT_A_PASS),
    ],
)
def test_every_flaw_has_its_own_reason(text: str, at: datetime, reason: Reason | None) -> None:
    assert believe(text, trust(), at).reason is reason


@pytest.mark.parametrize("expired", ["refuse", "check", "accept"])
def test_a_revoked_pass_stays_revoked_when_it_is_over_whatever_a_policy_says_of_expired_ones(expired: str) -> None:
    text = staff_pass(issued=AT - timedelta(days=9), expires=AT - timedelta(days=1))
    credential = believe(text, trust(), AT).credential
    assert credential is not None
    revoking = replace(trust(), revoked={"luwuutarakab": frozenset({revocation(credential.identity)})})
    policy = parse(
        f'name = "x"\ntitle = "t"\nsource = "s"\ndomains = ["staff"]\nexpired = "{expired}"\n'
        '[[rule]]\nwhen = {}\noutcome = "admit"\nreason = "staff"\n'
    )
    verdict = judge(text, Rules(revoking, (policy,), Setting("bupati-1", "bupati", "in")), AT).verdict
    assert verdict == Verdict(Outcome.REFUSE, Reason.REVOKED)


def test_a_national_key_speaks_only_for_its_own_country_and_is_no_less_genuine_abroad() -> None:
    home = believe(hcert(v=[dose()]), trust(), AT).credential
    abroad = believe(hcert(v=[{**dose(), "co": "SA"}]), trust(), AT).credential
    assert home is not None
    assert abroad is not None
    assert (home.claims.doses, home.claims.country) == (2, "ID")
    assert abroad.claims == Claims(Statement.VACCINATION, born=home.claims.born, country="SA")
    audit = trusting(Key(HEALTH_KEY.public_key()))
    heard = believe(hcert(v=[{**dose(), "co": "SA"}]), audit, AT).credential
    assert heard is not None
    assert heard.claims.doses == 2  # whoever names a key for an audit asks what it says


@pytest.mark.parametrize(
    ("inner", "form"),
    [
        ({3: {}}, "ddcc-vaccination"),
        ({4: {}}, "ddcc-test"),
        ({5: []}, "health-link"),
        ({-6: {}}, "icvp"),
        ({-7: {}}, "private"),
        ({9: {}}, "other"),
    ],
)
def test_another_kind_of_health_certificate_is_genuine_named_and_not_read(inner: dict[int, Any], form: str) -> None:
    claims = {1: "ID", 4: int((AT + timedelta(days=1)).timestamp()), 6: int(AT.timestamp()), -260: inner}
    belief = believe("HC1:" + pack(token(HEALTH_KEY, claims)), trust(), AT)
    assert (belief.reason, belief.form) == (Reason.NOT_SUPPORTED, form)
    assert belief.credential is not None
    assert belief.credential.claims == Claims()
    late = believe("HC1:" + pack(token(HEALTH_KEY, claims)), trust(), AT + timedelta(days=2))
    assert (late.reason, late.form) == (Reason.EXPIRED, form)
    accepting = 'name = "x"\ntitle = "t"\nsource = "s"\ndomains = ["health"]\nexpired = "accept"\n'
    accepting += '[[rule]]\nwhen = {}\noutcome = "admit"\nreason = "tested"\n'
    rules = Rules(trust(), (parse(accepting),), Setting("a", "a", "in"))
    for days in (0, 2):
        verdict = judge("HC1:" + pack(token(HEALTH_KEY, claims)), rules, AT + timedelta(days=days)).verdict
        assert verdict == Verdict(Outcome.CHECK, Reason.NOT_SUPPORTED)


def test_a_forged_pass_under_a_known_kid_is_forged() -> None:
    claims = {1: "luwuutarakab", 4: int(AT.timestamp()) + 9, 169: {1: "1"}}
    forged = pack(sign(OTHER_KEY, cbor2.dumps(claims), {1: -7, 4: kid_of(STAFF_KEY.public_key())}))
    assert believe(forged, trust(), AT).reason is Reason.FORGED


@pytest.mark.parametrize("kid", [kid_of(STAFF_KEY.public_key()), b"nobody's"], ids=["known", "unknown"])
def test_another_algorithm_is_not_supported_whoever_signed_and_is_no_forgery(kid: bytes) -> None:
    end = int((AT + timedelta(days=9)).timestamp())
    signed = sign(STAFF_KEY, cbor2.dumps({1: "x", 4: end, 169: {1: "0042"}}), {1: -35, 4: kid})
    phone = ec.generate_private_key(ec.SECP256R1())
    for text in (pack(signed), "HC1:" + pack(signed), proof(phone, signed, AT)):
        assert believe(text, trust(), AT) == Belief(kind_of(text), Reason.NOT_SUPPORTED)


def test_a_critical_header_is_not_supported_whoever_signed() -> None:
    """RFC 9052, 3.1: what is marked so, and not understood, may change what all the rest means."""
    payload = cbor2.dumps({1: "x", 4: int(AT.timestamp()) + 9, 169: {1: "0042"}})
    headers = {1: -7, 4: kid_of(STAFF_KEY.public_key())}
    for key in (STAFF_KEY, OTHER_KEY):
        text = pack(sign(key, payload, headers | {2: [-70000], -70000: 1}))
        assert believe(text, trust(), AT) == Belief(Kind.PASS, Reason.NOT_SUPPORTED)
    assert believe(pack(sign(STAFF_KEY, payload, headers | {-70000: 1})), trust(), AT).reason is None


def test_a_kid_in_the_protected_header_wins() -> None:
    payload = cbor2.dumps({1: "x", 4: int(AT.timestamp()) + 9, 169: {1: "1"}})
    mine, other = kid_of(STAFF_KEY.public_key()), b"\0" * 8
    for protected, open_header, reason in (
        ({1: -7, 4: mine}, {4: other}, None),
        ({1: -7, 4: other}, {4: mine}, Reason.UNKNOWN_ISSUER),
        ({1: -7}, {4: mine}, None),
        ({1: -7}, {}, Reason.UNKNOWN_ISSUER),
    ):
        assert believe(pack(sign(STAFF_KEY, payload, protected, open_header)), trust(), AT).reason is reason


def test_what_anybody_can_change_keeps_the_identity_so_that_revocation_holds() -> None:
    text = staff_pass()
    first = believe(text, trust(), AT).credential
    assert first is not None
    message = cbor2.loads(zlib.decompress(base45.decode(text)))
    header, _, payload, signature = message.value
    bare = cbor2.dumps([header, {}, payload, signature])
    noted = cbor2.dumps(cbor2.CBORTag(61, cbor2.CBORTag(18, [header, {9: "note"}, payload, signature])))
    variants = [flipped_s(text), pack(zlib.decompress(base45.decode(text)), 1), pack(bare), pack(noted)]
    assert len({text, *variants}) == 5
    for variant in variants:
        again = believe(variant, trust(), AT)
        assert again.credential == first
        revoked = Trust(trust().keys, {"luwuutarakab": frozenset({revocation(first.identity)})})
        assert believe(variant, revoked, AT).reason is Reason.REVOKED


def test_another_issuer_or_another_pass_is_another_identity() -> None:
    assert identity("a", b"token") != identity("b", b"token")
    one, two = (believe(staff_pass(), trust(), AT).credential for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.identity != two.identity


@pytest.mark.parametrize("expiry", [float("nan"), float("inf"), -1, "2027", True, 2**70, None, b"1"])
def test_a_time_that_no_clock_can_pass_is_malformed(expiry: Any) -> None:
    text = pack(token(STAFF_KEY, {1: "x", 4: expiry, 169: {1: "1"}}))
    assert believe(text, trust(), AT).reason is Reason.MALFORMED


def test_key_usage_binds_every_statement() -> None:
    public = HEALTH_KEY.public_key()
    tests_only = trusting(
        Key(public, kid_of(public), "ID", Domain.HEALTH, frozenset({Statement.TEST})),
    )
    test = {"tg": "840539006", "tr": "260415000", "sc": "2026-11-22T00:00:00Z", "co": "ID"}
    assert believe(hcert(t=[test]), tests_only, AT).reason is None
    assert believe(hcert(v=[dose()]), tests_only, AT).reason is Reason.WRONG_DOMAIN
    assert believe(hcert(t=[test], v=[dose()]), tests_only, AT).reason is Reason.WRONG_DOMAIN


@pytest.mark.parametrize(
    "said", ["7322010101900001", "2147483648", "0000", "2021-13", "2021-02-30", "", "é", None, 7.5, []]
)
def test_a_date_that_is_none_is_not_said(said: Any) -> None:
    for text in (
        hcert(v=[{**dose(), "dt": said}]),
        hcert(v=[dose()], born=said),
        hcert(r=[{"tg": "840539006", "fr": said}]),
        hcert(t=[{"tg": "840539006", "sc": said}]),
    ):
        credential = believe(text, trust(), AT).credential
        assert credential is not None
        claims = credential.claims
        told = claims.statement, claims.dose_on, claims.born, claims.positive_on, claims.sampled_at
        assert sum(one is not None for one in told) <= 3


@pytest.mark.parametrize(
    ("said", "doses"),
    [(2, 2), (2.0, 2), (0, 0), (99, 99), (1.5, None), (-1, None), (100, None), ("2", None), (True, None)],
)
def test_a_count_of_doses_that_is_none_is_not_said(said: Any, doses: int | None) -> None:
    credential = believe(hcert(v=[{**dose(), "dn": said}]), trust(), AT).credential
    assert credential is not None
    assert (credential.claims.doses, credential.claims.series) == (doses, 2)


@pytest.mark.parametrize("number", ["0", "x" * 64, "", "x" * 65, 42, None])
def test_a_pass_number_that_is_none_is_not_said(number: Any) -> None:
    said = claim169.read({claim169.CLAIM: {claim169.NUMBER: number, claim169.NAME: "Contoh"}})
    assert said == Claims(pass_number=number if number in ("0", "x" * 64) else None)


def test_odd_extensions_and_tags_in_a_genuine_certificate_are_passed_over() -> None:
    odd = {
        "dt": cbor2.CBORTag(1004, "2021-09-01"),
        "x": [cbor2.CBORTag(4, [-1, 5]), cbor2.CBORTag(37, b"u" * 16), cbor2.CBORTag(1, 2**60), [[[[[[[[1]]]]]]]]],
    }
    credential = believe(hcert(v=[{**dose(), **odd}]), trust(), AT).credential
    assert credential is not None
    assert (credential.claims.doses, credential.claims.dose_on) == (2, date(2021, 9, 1))


def test_a_disease_that_is_not_named_is_not_the_one() -> None:
    nameless = {name: value for name, value in dose().items() if name != "tg"}
    credential = believe(hcert(v=[nameless]), trust(), AT).credential
    assert credential is not None
    assert credential.claims == Claims(Statement.VACCINATION, born=credential.claims.born, country="ID")


def test_a_key_with_dates_signs_only_what_says_when_it_was_signed() -> None:
    public = STAFF_KEY.public_key()
    span = {"since": AT - timedelta(days=9), "until": AT + timedelta(days=9)}
    dated = trusting(Key(public, kid_of(public), "luwuutarakab", Domain.STAFF, **span))
    claims = {1: "luwuutarakab", 4: int(AT.timestamp()) + 99, 169: {1: "1"}}
    timed = {name: claims | {6: int(at.timestamp())} for name, at in (("in", AT), ("out", AT - timedelta(days=20)))}
    assert believe(pack(token(STAFF_KEY, claims)), dated, AT).reason is Reason.WRONG_DOMAIN
    assert believe(pack(token(STAFF_KEY, timed["out"])), dated, AT).reason is Reason.WRONG_DOMAIN
    assert believe(pack(token(STAFF_KEY, timed["in"])), dated, AT).reason is None


def test_what_does_not_say_when_it_was_issued_was_signed_when_it_begins() -> None:
    public, since = STAFF_KEY.public_key(), AT - timedelta(days=9)
    dated = trusting(Key(public, kid_of(public), "luwuutarakab", Domain.STAFF, since=since))
    claims = {1: "luwuutarakab", 4: int(AT.timestamp()) + 99, 169: {1: "1"}}
    said = {
        begins: believe(pack(token(STAFF_KEY, claims | {5: int(since.timestamp()) + begins})), dated, AT).reason
        for begins in (-1, 0)
    }
    assert said == {-1: Reason.WRONG_DOMAIN, 0: None}


@pytest.mark.parametrize("shown_at", [timedelta(0), timedelta(days=9)])  # while the key counts, and long after its end
@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (timedelta(seconds=-1), Reason.WRONG_DOMAIN),
        (timedelta(0), None),
        (timedelta(days=2, seconds=-1), None),
        (timedelta(days=2), Reason.WRONG_DOMAIN),
        (timedelta(days=2, seconds=1), Reason.WRONG_DOMAIN),
    ],
)
def test_what_is_signed_before_a_key_s_beginning_or_from_its_end_on_is_not_believed(
    signed: timedelta, reason: Reason | None, shown_at: timedelta
) -> None:
    since, until = AT - timedelta(days=3), AT - timedelta(days=1)
    keys = [replace(key, since=since, until=until) for group in trust().keys.values() for key in group]
    dated = trusting(*keys)
    for make in (staff_pass, lambda **dates: hcert(v=[dose()], **dates)):
        belief = believe(make(issued=since + signed), dated, AT + shown_at)
        assert (belief.reason, belief.credential is None) == (reason, reason is not None)


def test_an_rsa_signature_has_one_writing_only() -> None:
    key = rsa.generate_private_key(65537, 2048)
    keys = trusting(Key(key.public_key(), kid_of(key.public_key()), "luwuutarakab", Domain.STAFF))
    for n in range(4000):  # one in 256 begins with a zero byte
        text = staff_pass(str(n), key=key)
        header, open_header, payload, signature = cbor2.loads(zlib.decompress(base45.decode(text))).value
        if signature[0] == 0:
            break
    short = pack(cbor2.dumps(cbor2.CBORTag(18, [header, dict(open_header), payload, signature[1:]])))
    assert believe(text, keys, AT).reason is None
    assert believe(short, keys, AT).reason is Reason.FORGED


def test_two_statements_in_one_certificate_are_genuine_and_say_nothing() -> None:
    belief = believe(hcert(v=[dose(), dose()]), trust(), AT)
    assert belief.credential is not None
    assert belief.credential.claims == Claims()


def test_what_stands_behind_a_credential_makes_it_malformed() -> None:
    octets = zlib.decompress(base45.decode(staff_pass()))
    doubled = base45.encode(zlib.compress(octets) + zlib.compress(octets))
    for text in (pack(octets + octets), pack(octets + b"\0"), doubled):
        assert believe(text, trust(), AT).reason is Reason.MALFORMED


@pytest.mark.parametrize("kind", [Kind.HCERT, Kind.PASS])
def test_a_bomb_is_malformed_and_never_unpacked(kind: Kind) -> None:
    bomb = base45.encode(zlib.compress(b"\0" * 200_000_000, 9)[:2000])
    text = ("HC1:" if kind is Kind.HCERT else "") + bomb
    assert kind_of(text) is kind
    assert believe(text, trust(), AT).reason is Reason.MALFORMED


@given(st.one_of(st.text(max_size=60), st.binary(max_size=200).map(pack), st.text().map("HC1:".__add__)))
def test_anything_at_all_is_answered_and_never_believed(text: str) -> None:
    assert believe(text, trust(), AT).credential is None


@given(st.data())
def test_no_flipped_bit_is_believed(data: st.DataObject) -> None:
    octets = bytearray(zlib.decompress(base45.decode(PASS)))
    at = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[at // 8] ^= 1 << (at % 8)
    belief = believe(pack(bytes(octets)), trust(), AT)
    assert belief.credential is None or belief == believe(PASS, trust(), AT)


PASS = staff_pass()


def test_a_text_longer_than_any_code_is_refused_by_its_length_alone() -> None:
    assert believe("HC1:" + "A" * 1_000_000, trust(), AT).reason is Reason.MALFORMED
    assert believe("A" * (MAX_TEXT + 1), trust(), AT).reason is Reason.NOT_A_PASS
    assert believe("\ud800" * 50, trust(), AT).reason is Reason.NOT_A_PASS


def test_visitors_and_staff_are_told_apart_by_the_key() -> None:
    belief = believe(staff_pass(key=VISITOR_KEY), trust(), AT)
    assert belief.credential is not None
    assert belief.credential.domain is Domain.VISITOR


def test_under_a_key_that_says_no_domain_a_pass_counts_as_staff_s() -> None:
    credential = believe(staff_pass(), trusting(Key(STAFF_KEY.public_key())), AT).credential
    assert credential is not None
    assert credential.domain is Domain.STAFF
