"""Listed numbers: found by a keyed hash alone, and never worth more than a look by the guard."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from device.model import Colour, Domain, Kind, Outcome, Reason, Verdict
from device.trust.bundle import BundleError, revocation
from device.trust.roster import ENTRY, Listing
from device.verdict.judge import Rules, judge
from device.verdict.policy import Setting, parse, shipped
from device.verdict.verify import believe
from tests.support.bundle import bundle_fields, opened, signed
from tests.support.credentials import AT
from tests.support.roster import KEY, NEXT, SECRET, TRUST_WITH_ROSTER, UNTIL, roster, unlocked


def rules(*texts: str) -> Rules:
    staff = shipped("staff")
    assert staff is not None
    return Rules(TRUST_WITH_ROSTER, (*(parse(text) for text in texts), staff), Setting("a", "a", "in"))


def test_a_listed_number_is_listed_and_nothing_more() -> None:
    belief = believe(" 19800101\n", TRUST_WITH_ROSTER, AT)
    assert (belief.kind, belief.reason) == (Kind.LISTED, None)
    assert belief.credential is not None
    assert not belief.credential.genuine
    assert belief.credential.domain is Domain.STAFF
    assert judge("19800101", rules(), AT).verdict == Verdict(Outcome.CHECK, Reason.LISTED, None, "staff")


def test_a_number_that_is_not_listed_is_no_pass() -> None:
    for text in ("19800102", "1980010", "19800101 2", "checkin:19800101", "19800101" * 40):
        assert believe(text, TRUST_WITH_ROSTER, AT).reason is Reason.NOT_A_PASS


def test_a_venue_s_code_is_no_pass_though_it_be_listed() -> None:
    trust = unlocked(opened(signed(bundle_fields(next=NEXT, roster=roster(("checkin:abc", 0))))))
    assert believe("checkin:abc", trust, AT).reason is Reason.NOT_A_PASS


def test_without_the_fleet_secret_nobody_says_that_a_number_is_no_pass() -> None:
    locked = opened(signed(bundle_fields(next=NEXT, roster=roster(("19800101", 0)))))
    for text in ("19800101", "19800102"):
        assert believe(text, locked, AT).reason is Reason.NOT_SUPPORTED
        verdict = judge(text, replace(rules(), trust=locked), AT).verdict
        assert verdict == Verdict(Outcome.CHECK, Reason.NOT_SUPPORTED)
    for text in ("checkin:abc", "a poster of more than 256 characters" * 8):
        assert believe(text, locked, AT).reason is Reason.NOT_A_PASS


def test_a_listing_ends_with_its_day_and_can_be_revoked() -> None:
    assert believe("19800101", TRUST_WITH_ROSTER, UNTIL - timedelta(seconds=1)).reason is None
    assert believe("19800101", TRUST_WITH_ROSTER, UNTIL).reason is Reason.EXPIRED
    credential = believe("19800101", TRUST_WITH_ROSTER, AT).credential
    assert credential is not None
    gone = replace(TRUST_WITH_ROSTER, revoked={"luwuutarakab": frozenset({revocation(credential.identity)})})
    assert believe("19800101", gone, AT).reason is Reason.REVOKED


POLICY = """
name = "cards"
title = "t"
source = "s"
domains = ["staff", "health"]
[[rule]]
when = {{ {when} }}
outcome = "{outcome}"
reason = "{reason}"
{colour}
"""


@pytest.mark.parametrize(
    ("when", "outcome", "reason", "verdict"),
    [
        ('kind = "listed"', "admit", "listed", Verdict(Outcome.ADMIT, Reason.LISTED, Colour.GREEN, "cards")),
        ('domain = "staff"', "admit", "staff", Verdict(Outcome.CHECK, Reason.LISTED, None, "cards")),
        ('audience = "internal"', "admit", "staff", Verdict(Outcome.CHECK, Reason.LISTED, None, "cards")),
        ('domain = "staff"', "refuse", "contact", Verdict(Outcome.REFUSE, Reason.CONTACT, None, "cards")),
        ('kind = "pass"', "admit", "staff", Verdict(Outcome.CHECK, Reason.LISTED, None, "staff")),
    ],
)
def test_only_a_rule_that_names_listed_numbers_admits_one(
    when: str, outcome: str, reason: str, verdict: Verdict
) -> None:
    colour = 'colour = "green"' if outcome == "admit" else ""
    text = POLICY.format(when=when, outcome=outcome, reason=reason, colour=colour)
    assert judge("19800101", rules(text), AT).verdict == verdict


def test_doses_of_a_listed_number_are_no_more_than_listed() -> None:
    brief = shipped("brief-2021")
    assert brief is not None
    where = Setting("a", "a", "in")
    assert judge("PL-7F3A", Rules(TRUST_WITH_ROSTER, (brief,), where), AT).verdict == Verdict(
        Outcome.CHECK, Reason.LISTED, None, "brief-2021"
    )
    assert judge("PL-7F3A", Rules(TRUST_WITH_ROSTER, (), where), AT).verdict == Verdict(Outcome.CHECK, Reason.LISTED)


def test_ten_thousand_entries_are_under_half_a_megabyte_and_all_are_found() -> None:
    numbers = [f"{number:05d}" for number in range(10_000)]
    octets = signed(bundle_fields(roster=roster(*((number, 0) for number in numbers))))
    assert len(octets) < 500_000
    trust = unlocked(opened(octets))
    assert {trust.roster.find(number) for number in numbers} == {
        (KEY.hashed(number), Listing(Domain.STAFF, UNTIL)) for number in numbers
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"check": b"123"},
        {"entries": b"x" * (ENTRY - 1)},
        {"entries": b"x" * 16 + b"\x00\x02"},
        {"claims": [{"domain": "army"}]},
        {"claims": [{"domain": "staff", "until": 10**15}]},
        {"claims": [{"domain": "staff", "doses": "2"}]},
        {"issuer": 7},
        {"claims": 7},
    ],
)
def test_a_roster_that_is_not_whole_is_no_bundle(wrong: dict[str, Any]) -> None:
    with pytest.raises(BundleError):
        opened(signed(bundle_fields(roster=roster(("1", 0), **wrong))))


def test_the_key_of_the_roster_is_no_key_of_a_day_and_shows_nowhere() -> None:
    assert KEY.octets.hex() not in repr(TRUST_WITH_ROSTER)
    assert SECRET.holder(b"19800101", AT.date()) != KEY.hashed("19800101").hex()
