"""Phone passes: only the phone that a pass names can show it, and only now."""

from datetime import datetime, timedelta
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from device.model import Claims, Kind, Outcome, Reason, Verdict
from device.trust.bundle import Trust
from device.verdict.judge import Rules, choose, judge
from device.verdict.policy import SHIPPED, Setting, parse
from device.verdict.verify import believe
from tests.support.credentials import AT, OTHER_KEY, STAFF_KEY, cnf, pack, phone_pass, proof, staff_pass, token, trust

PHONE = ec.generate_private_key(ec.SECP256R1())
CARRIED = phone_pass(PHONE.public_key())


def told(text: str, at: datetime = AT) -> Reason | None:
    return believe(text, trust(), at).reason


def test_a_pass_shown_by_its_phone_is_believed_and_says_when_it_was_signed() -> None:
    belief = believe(proof(PHONE, CARRIED, AT), trust(), AT)
    assert (belief.kind, belief.reason, belief.proven_at) == (Kind.PASS, None, AT)
    assert belief.credential is not None
    assert belief.credential.claims == Claims(pass_number="0042")


def test_every_proof_of_one_pass_and_the_pass_itself_are_one_credential() -> None:
    shown = [believe(proof(PHONE, CARRIED, AT + timedelta(seconds=n)), trust(), AT).credential for n in range(3)]
    bare = believe(pack(CARRIED), trust(), AT).credential
    assert bare is not None
    assert {one and one.identity for one in shown} == {bare.identity}


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(-46, Reason.REPLAYED), (-45, None), (0, None), (45, None), (46, Reason.REPLAYED)],
)
def test_a_screenshot_is_dead_within_ninety_seconds(seconds: int, reason: Reason | None) -> None:
    shown = proof(PHONE, CARRIED, AT)
    assert told(shown, AT + timedelta(seconds=seconds)) is reason


def test_a_pass_for_a_phone_shown_without_it_is_replayed_and_never_admitted() -> None:
    policies, _ = choose(("staff",), Trust())
    judged = judge(pack(CARRIED), Rules(trust(), policies, Setting("a", "a", "in")), AT)
    assert judged.verdict == Verdict(Outcome.REFUSE, Reason.REPLAYED)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (proof(OTHER_KEY, CARRIED, AT), Reason.FORGED),
        (proof(PHONE, CARRIED, AT, external=b""), Reason.FORGED),
        (proof(PHONE, CARRIED, AT, external=b"titik phone proof 2"), Reason.FORGED),
        (proof(PHONE, phone_pass(PHONE.public_key(), key=OTHER_KEY), AT), Reason.UNKNOWN_ISSUER),
        (proof(PHONE, phone_pass(OTHER_KEY.public_key()), AT), Reason.FORGED),
        (proof(PHONE, phone_pass(PHONE.public_key(), expires=AT - timedelta(seconds=1)), AT), Reason.EXPIRED),
        (proof(PHONE, CARRIED, AT, protected={1: -7, 3: 61}), Reason.MALFORMED),
        (proof(PHONE, CARRIED, AT, protected={1: -7, 3: 61, 15: {6: float("nan")}}), Reason.MALFORMED),
        (proof(PHONE, CARRIED, AT, protected={1: -7, 3: 61, 15: {6: "now"}}), Reason.MALFORMED),
        (proof(PHONE, CARRIED, AT, protected={1: -7, 3: 61, 15: 7}), Reason.MALFORMED),
        (proof(PHONE, CARRIED, AT, protected={1: -7, 15: {6: 1}}), Reason.UNKNOWN_ISSUER),
        (proof(PHONE, token(STAFF_KEY, {4: 2_000_000_000, 169: {1: "1"}}), AT), Reason.MALFORMED),
        (proof(PHONE, proof(PHONE, CARRIED, AT).encode(), AT), Reason.MALFORMED),
        (proof(PHONE, b"", AT), Reason.MALFORMED),
    ],
)
def test_what_proves_nothing_is_refused_for_its_own_reason(text: str, reason: Reason) -> None:
    assert told(text) is reason


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({3: b"kid"}, Reason.NOT_SUPPORTED),
        ({1: {1: 2, -1: 2, -2: b"x" * 48, -3: True}}, Reason.NOT_SUPPORTED),
        ({1: {1: 1, -1: 6, -2: b"x" * 32}}, Reason.NOT_SUPPORTED),
        ({1: {1: 2, -1: 1, -2: b"\xff" * 32, -3: True}}, Reason.MALFORMED),
        ({1: 7}, Reason.NOT_SUPPORTED),
        (7, Reason.NOT_SUPPORTED),
    ],
)
def test_a_holder_named_in_another_way_is_never_taken_for_nobody(named: Any, reason: Reason) -> None:
    assert told(pack(token(STAFF_KEY, {4: 2_000_000_000, 8: named, 169: {1: "1"}}))) is reason


def test_a_whole_point_names_the_same_phone() -> None:
    point = PHONE.public_key().public_numbers()
    named = {1: {**cnf(PHONE.public_key())[1], -3: point.y.to_bytes(32, "big")}}
    carried = token(STAFF_KEY, {4: 2_000_000_000, 8: named, 169: {1: "1"}})
    assert told(proof(PHONE, carried, AT)) is None


def test_a_revoked_pass_stays_revoked_however_fresh_its_proof() -> None:
    from dataclasses import replace  # noqa: PLC0415 - this test's alone

    from device.trust.bundle import revocation  # noqa: PLC0415 - as above

    credential = believe(pack(CARRIED), trust(), AT).credential
    assert credential is not None
    keys = replace(trust(), revoked={"luwuutarakab": frozenset({revocation(credential.identity)})})
    assert believe(proof(PHONE, CARRIED, AT), keys, AT).reason is Reason.REVOKED


def test_without_a_trusted_clock_no_proof_is_fresh_and_none_is_called_a_replay() -> None:
    policies, _ = choose(("staff",), Trust())
    rules = Rules(trust(), policies, Setting("a", "a", "in"))
    unsure = Verdict(Outcome.CHECK, Reason.CLOCK_UNTRUSTED)
    for at in (AT, AT + timedelta(days=3), AT + timedelta(days=30)):
        assert judge(proof(PHONE, CARRIED, at), rules, AT, floor=AT).verdict == unsure
    bare = judge(pack(CARRIED), rules, AT, floor=AT).verdict
    assert bare == Verdict(Outcome.REFUSE, Reason.REPLAYED)
    forged = judge(proof(OTHER_KEY, CARRIED, AT), rules, AT, floor=AT).verdict
    assert forged.reason is Reason.FORGED


def test_a_rule_that_accepts_expired_passes_accepts_no_picture_of_one() -> None:
    text = (SHIPPED / "staff.toml").read_text().replace('expired = "refuse"', 'expired = "accept"')
    rules = Rules(trust(), (parse(text),), Setting("a", "a", "in"))
    late = AT + timedelta(days=301)
    assert judge(proof(PHONE, CARRIED, late), rules, late).verdict.outcome is Outcome.ADMIT
    refused = Verdict(Outcome.REFUSE, Reason.REPLAYED)
    assert judge(proof(PHONE, CARRIED, AT), rules, late).verdict == refused
    assert judge(pack(CARRIED), rules, late).verdict == refused


def test_a_pass_of_paper_needs_no_phone() -> None:
    assert told(staff_pass()) is None


@given(st.binary(max_size=400), st.integers(-(2**66), 2**66))
def test_whatever_a_phone_signs_a_value_comes_back(carried: bytes, when: int) -> None:
    protected = {1: -7, 3: 61, 15: {6: when}}
    assert believe(proof(PHONE, carried, AT, protected=protected), trust(), AT).reason is not None
    assert isinstance(told(proof(PHONE, CARRIED, AT, protected=protected)), Reason)
    assert cbor2.loads(CARRIED)
