"""The shipped tables, row by row, and the three-valued reading of what is not said."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.model import WITA, Claims, Colour, Credential, Domain, Kind, Outcome, Reason, Statement, Verdict
from device.trust.bundle import Trust
from device.verdict.judge import Rules, choose, judge
from device.verdict.policy import Policy, PolicyError, Setting, decide, parse, shipped
from tests.support.credentials import AT, dose, hcert, staff_pass, trust

WHOLE = """
name = "x"
title = "t"
source = "s"
domains = ["staff"]
[[rule]]
when = {}
outcome = "admit"
reason = "staff"
"""
HERE = Setting("bupati-1", "bupati", "in")
V, T, R = Statement.VACCINATION, Statement.TEST, Statement.RECOVERY
GREEN, YELLOW, RED, BLACK = Colour.GREEN, Colour.YELLOW, Colour.RED, Colour.BLACK


def born(years: int, day: date) -> tuple[date, date]:
    birth = date(day.year - years, 1, 1)
    return birth, birth


def credential(claims: Claims, domain: Domain = Domain.HEALTH) -> Credential:
    return Credential(Kind.HCERT, domain, "ID", b"\0" * 32, claims)


def said(name: str, claims: Claims, at: datetime, domain: Domain = Domain.HEALTH) -> tuple[Colour | None, Reason]:
    policy = shipped(name)
    assert policy is not None
    verdict = decide((policy,), credential(claims, domain), HERE, at)
    expected = {
        GREEN: Outcome.ADMIT,
        YELLOW: Outcome.CHECK,
        RED: Outcome.REFUSE,
        BLACK: Outcome.REFUSE,
        None: Outcome.CHECK,
    }
    assert verdict.outcome is expected[verdict.colour]
    return verdict.colour, verdict.reason


@pytest.mark.parametrize(
    ("claims", "colour", "reason"),
    [
        (Claims(V, doses=3, series=2), GREEN, Reason.TWO_DOSES),
        (Claims(V, doses=2, series=2), GREEN, Reason.TWO_DOSES),
        (Claims(V, doses=1, series=2), YELLOW, Reason.ONE_DOSE),
        (Claims(V, doses=1, series=1), YELLOW, Reason.ONE_DOSE),
        (Claims(V, doses=0, series=2), RED, Reason.NO_DOSE),
        (Claims(V), None, Reason.UNKNOWN),
        (Claims(), None, Reason.UNKNOWN),
        (Claims(T, detected=False), None, Reason.UNKNOWN),
    ],
)
def test_the_plain_table_of_the_brief(claims: Claims, colour: Colour | None, reason: Reason) -> None:
    assert said("brief-2021", claims, AT) == (colour, reason)


FEBRUARY = datetime(2022, 3, 1, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("claims", "colour", "reason"),
    [
        (Claims(V, doses=2, series=2), GREEN, Reason.TWO_DOSES),
        (Claims(V, doses=1, series=1), GREEN, Reason.ONE_DOSE),
        (Claims(V, doses=1, series=2), YELLOW, Reason.ONE_DOSE),
        (Claims(V, doses=2, series=3), YELLOW, Reason.TWO_DOSES),
        (Claims(V, doses=0, series=2), RED, Reason.NO_DOSE),
        (Claims(V, doses=2), None, Reason.UNKNOWN),  # 2 of 2 is green, 2 of 3 is yellow
        (Claims(R, positive_on=date(2022, 2, 1)), YELLOW, Reason.RECOVERED),
        (Claims(R, positive_on=date(2021, 2, 1)), None, Reason.UNKNOWN),
        (Claims(T, detected=True, sampled_at=FEBRUARY - timedelta(days=3)), BLACK, Reason.POSITIVE),
        (Claims(T, detected=True, sampled_at=FEBRUARY - timedelta(hours=239)), BLACK, Reason.POSITIVE),
        (Claims(T, detected=True, sampled_at=FEBRUARY - timedelta(hours=240)), None, Reason.UNKNOWN),
        (Claims(T, detected=True, sampled_at=FEBRUARY + timedelta(hours=2)), None, Reason.UNKNOWN),
        (Claims(T, detected=False, sampled_at=FEBRUARY), None, Reason.UNKNOWN),
    ],
)
def test_the_table_to_16_july_2022(claims: Claims, colour: Colour | None, reason: Reason) -> None:
    assert said("pedulilindungi-2022-02", claims, FEBRUARY) == (colour, reason)


AUGUST = datetime(2022, 8, 1, 3, 0, tzinfo=UTC)
ADULT, CHILD, INFANT = born(30, AUGUST.date()), born(12, AUGUST.date()), born(4, AUGUST.date())


@pytest.mark.parametrize(
    ("claims", "colour", "reason"),
    [
        (Claims(V, doses=3, series=3, born=ADULT), GREEN, Reason.BOOSTER),
        (Claims(V, doses=2, series=1, born=ADULT), GREEN, Reason.BOOSTER),
        (Claims(V, doses=2, series=2, born=ADULT), YELLOW, Reason.TWO_DOSES),
        (Claims(V, doses=1, series=1, born=ADULT), YELLOW, Reason.ONE_DOSE),
        (Claims(V, doses=1, series=2, born=ADULT), RED, Reason.ONE_DOSE),
        (Claims(V, doses=0, series=2, born=ADULT), RED, Reason.NO_DOSE),
        (Claims(V, doses=2, series=2, born=CHILD), GREEN, Reason.TWO_DOSES),
        (Claims(V, doses=1, series=2, born=CHILD), YELLOW, Reason.ONE_DOSE),
        (Claims(V, doses=0, series=2, born=CHILD), RED, Reason.NO_DOSE),
        (Claims(V, doses=2, series=2, born=INFANT), None, Reason.UNKNOWN),
        (Claims(V, doses=2, series=2), None, Reason.UNKNOWN),  # yellow for an adult, green for a child
        (Claims(V, doses=0, series=2), None, Reason.UNKNOWN),  # no row for an infant
        (Claims(R, positive_on=date(2022, 7, 1), born=CHILD), YELLOW, Reason.RECOVERED),
        (Claims(R, positive_on=date(2022, 7, 1), born=ADULT), None, Reason.UNKNOWN),
        (Claims(T, detected=True, sampled_at=AUGUST - timedelta(days=2)), BLACK, Reason.POSITIVE),
    ],
)
def test_the_table_from_17_july_2022(claims: Claims, colour: Colour | None, reason: Reason) -> None:
    assert said("pedulilindungi-2022-07", claims, AUGUST) == (colour, reason)


def test_the_day_of_change_is_the_offices_own() -> None:
    policies, wrong = choose(("pedulilindungi-2022-02", "pedulilindungi-2022-07"), Trust())
    assert wrong == []
    two = credential(Claims(V, doses=2, series=2, born=ADULT))
    last_moment = datetime(2022, 7, 16, 15, 59, 59, tzinfo=UTC)  # 23:59:59 in Masamba
    assert decide(policies, two, HERE, last_moment).policy == "pedulilindungi-2022-02"
    assert decide(policies, two, HERE, last_moment + timedelta(seconds=1)).policy == "pedulilindungi-2022-07"


def test_a_birthday_counts_on_its_day_and_29_february_on_1_march() -> None:
    policy = parse(
        'name = "age"\ntitle = "t"\nsource = "s"\ndomains = ["health"]\n'
        '[[rule]]\nwhen = { age = { min = 18 } }\noutcome = "admit"\nreason = "tested"\n'
    )

    def admits(birth: date, day: date) -> bool:
        at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        return decide((policy,), credential(Claims(born=(birth, birth))), HERE, at).outcome is Outcome.ADMIT

    assert [admits(date(2004, 7, 20), date(2022, 7, d)) for d in (19, 20)] == [False, True]
    assert [admits(date(2004, 2, 29), date(2022, *d)) for d in ((2, 28), (3, 1))] == [False, True]


def test_a_birth_year_alone_decides_only_where_every_day_of_it_agrees() -> None:
    whole_2004 = (date(2004, 1, 1), date(2004, 12, 31))
    claims = Claims(V, doses=2, series=2, born=whole_2004)
    assert said("pedulilindungi-2022-07", claims, AUGUST) == (None, Reason.UNKNOWN)
    assert said("pedulilindungi-2022-07", claims, datetime(2023, 1, 1, tzinfo=UTC)) == (YELLOW, Reason.TWO_DOSES)


@given(
    st.builds(
        Claims,
        statement=st.sampled_from([None, *Statement]),
        doses=st.none() | st.integers(0, 5),
        series=st.none() | st.integers(0, 3),
        detected=st.none() | st.booleans(),
        dose_on=st.none() | st.dates(date(2021, 1, 1), date(2022, 12, 31)),
        sampled_at=st.none() | st.datetimes(datetime(2022, 2, 1), datetime(2022, 8, 9), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
        positive_on=st.none() | st.dates(date(2022, 1, 1), date(2022, 8, 9)),
        born=st.sampled_from([None, ADULT, CHILD, INFANT]),
    ),
    st.sampled_from(["brief-2021", "pedulilindungi-2022-02", "pedulilindungi-2022-07"]),
)
def test_saying_less_never_turns_a_refusal_into_an_admission(claims: Claims, name: str) -> None:
    at = FEBRUARY if name.endswith("02") else AUGUST
    policy = shipped(name)
    assert policy is not None
    full = decide((policy,), credential(claims), HERE, at).outcome
    for silent in ("doses", "series", "born", "statement"):
        less = Claims(**{f: getattr(claims, f) for f in Claims._fields if f != silent})  # type: ignore[arg-type]  # the fields keep their types
        outcome = decide((policy,), credential(less), HERE, at).outcome
        assert outcome in {full, Outcome.CHECK}


@pytest.mark.parametrize(
    ("first", "verdict"),
    [
        ('outcome = "admit"\ncolour = "green"', Verdict(Outcome.ADMIT, Reason.STAFF, GREEN, "x")),
        ('outcome = "admit"\ncolour = "yellow"', Verdict(Outcome.CHECK, Reason.UNKNOWN, None, "x")),
        ('outcome = "admit"', Verdict(Outcome.CHECK, Reason.UNKNOWN, None, "x")),
        ('outcome = "check"', Verdict(Outcome.CHECK, Reason.UNKNOWN, None, "x")),
    ],
)
def test_a_rule_speaks_past_an_open_one_only_where_outcome_and_colour_are_the_same(
    first: str, verdict: Verdict
) -> None:
    """How many doses it were is not said, so the first rule stays open; the second needs nothing."""
    open_rule = f'[[rule]]\nwhen = {{ doses = 2 }}\n{first}\nreason = "two-doses"\n'
    policy = parse(
        WHOLE.replace("[[rule]]", f"{open_rule}[[rule]]").replace(
            '"admit"\nreason = "staff"', '"admit"\ncolour = "green"\nreason = "staff"'
        )
    )
    assert decide((policy,), credential(Claims(), Domain.STAFF), HERE, AT) == verdict


def test_staff_and_visitors_are_admitted_by_default_and_health_is_not_spoken_of() -> None:
    policies, _ = choose(("staff",), Trust())
    rules = Rules(trust(), policies, HERE)
    assert judge(staff_pass(), rules, AT).verdict == Verdict(Outcome.ADMIT, Reason.STAFF, GREEN, "staff")
    assert judge(hcert(v=[dose()]), rules, AT).verdict == Verdict(Outcome.CHECK, Reason.NO_RULE)


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        ("staff", Verdict(Outcome.REFUSE, Reason.EXPIRED)),
        ("brief-2021", Verdict(Outcome.CHECK, Reason.EXPIRED)),
    ],
)
def test_an_expired_certificate_comes_to_what_its_policy_says(policy: str, verdict: Verdict) -> None:
    policies, _ = choose((policy,), Trust())
    expired = hcert(v=[dose()], issued=AT - timedelta(days=9), expires=AT - timedelta(days=1))
    assert judge(expired, Rules(trust(), policies, HERE), AT).verdict == verdict


def test_a_broken_policy_checks_everybody_and_admits_nobody() -> None:
    policies, wrong = choose(("staff", "stuff"), Trust(policies=("name = 1", "not toml [")))
    assert len(wrong) == 3
    rules = Rules(trust(), policies, HERE, broken=True)
    assert judge(staff_pass(), rules, AT).verdict == Verdict(Outcome.CHECK, Reason.POLICY_ERROR)


def test_a_policy_of_the_bundle_takes_the_place_of_the_shipped_one() -> None:
    head = 'name = "staff"\ntitle = "t"\nsource = "s"\ndomains = ["staff"]\n'
    text = head + '[[rule]]\nwhen = {}\noutcome = "check"\nreason = "staff"\n'
    policies, _ = choose(("staff",), Trust(policies=(text,)))
    assert judge(staff_pass(), Rules(trust(), policies, HERE), AT).verdict.outcome is Outcome.CHECK


@pytest.mark.parametrize(
    "wrong",
    [
        'outcome = "admits"',
        'reason = "because"',
        'reason = "forged"',
        'reason = "wait"',
        'outcome = "refuse"\ncolour = "green"',
        'outcome = "admit"\ncolour = "red"',
        "when = { dose = 2 }",
        "when = { doses = true }",
        "when = { doses = '2' }",
        'when = { detected = "no" }',
        "when = { doses = { minimum = 2 } }",
        "when = { doses = { min = 3, max = 2 } }",
    ],
)
def test_a_mistake_in_a_policy_is_named(wrong: str) -> None:
    lines = {"when": "when = {}", "outcome": 'outcome = "admit"', "reason": 'reason = "staff"'}
    lines[wrong.split(maxsplit=1)[0]] = wrong
    text = 'name = "x"\ntitle = "t"\nsource = "s"\ndomains = ["staff"]\n[[rule]]\n' + "\n".join(lines.values())
    with pytest.raises(PolicyError, match=r"rule\.0"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a = " + "[" * 3000,
        "a = " + "9" * 5000,
        WHOLE.replace('["staff"]', "[]"),
        WHOLE.replace("[[rule]]", "since = 2023-01-01\nuntil = 2022-01-01\n[[rule]]"),
        WHOLE.replace("[[rule]]", "since = 0\n[[rule]]"),
    ],
)
def test_a_policy_that_is_none_is_a_policy_error_whatever_it_is(text: str) -> None:
    assert parse(WHOLE).name == "x"
    with pytest.raises(PolicyError):
        parse(text)


def test_a_bundle_long_past_its_next_admits_nobody_and_refuses_whom_it_refused() -> None:
    policies, _ = choose(("staff", "brief-2021"), Trust())
    none = hcert(v=[dose(0)])
    for days, staff in ((30, Outcome.ADMIT), (31, Outcome.CHECK)):
        rules = Rules(replace(trust(), next=AT - timedelta(days=days)), policies, HERE)
        assert judge(staff_pass(), rules, AT).verdict.outcome is staff
        assert judge(none, rules, AT).verdict == Verdict(Outcome.REFUSE, Reason.NO_DOSE, RED, "brief-2021")
    assert judge(staff_pass(), rules, AT).verdict == Verdict(Outcome.CHECK, Reason.STAFF, None, "staff")


@pytest.mark.parametrize("expired", ["check", "accept"])
@pytest.mark.parametrize(
    ("day", "speaks"),
    [(date(2026, 11, 19), False), (date(2026, 11, 20), True), (date(2026, 11, 22), True), (date(2026, 11, 23), False)],
)
def test_a_policy_speaks_of_a_pass_expired_or_not_from_its_first_day_to_its_last(
    day: date, speaks: bool, expired: str
) -> None:
    """The days are the office's: each is asked in its first and its last second."""
    dated = parse(WHOLE.replace("[[rule]]", f'since = 2026-11-20\nuntil = 2026-11-22\nexpired = "{expired}"\n[[rule]]'))
    begins = datetime(day.year, day.month, day.day, tzinfo=WITA).astimezone(UTC)
    for at in (begins, begins + timedelta(days=1, seconds=-1)):
        over, valid = staff_pass(issued=AT - timedelta(days=9), expires=AT - timedelta(days=8)), staff_pass(issued=at)
        admitted = Verdict(Outcome.ADMIT, Reason.STAFF, None, "x")
        spoken = admitted if expired == "accept" else Verdict(Outcome.CHECK, Reason.EXPIRED)
        # Another policy of that domain, later in the list, is in force on every day and says nothing of what is over.
        for policies, silent in (
            ((dated,), Verdict(Outcome.CHECK, Reason.NO_RULE)),
            ((dated, parse(WHOLE)), admitted),
        ):
            rules = Rules(trust(), policies, HERE)
            assert judge(over, rules, at).verdict == (spoken if speaks else Verdict(Outcome.REFUSE, Reason.EXPIRED))
            assert judge(valid, rules, at).verdict == (admitted if speaks else silent)


def test_the_first_policy_of_a_domain_that_is_in_force_decides_about_what_is_over() -> None:
    over = staff_pass(issued=AT - timedelta(days=9), expires=AT - timedelta(days=8))
    said: dict[str, Verdict] = {}
    for word in ("check", "refuse"):
        first = parse(WHOLE.replace("[[rule]]", f'until = 2026-11-22\nexpired = "{word}"\n[[rule]]'))
        other = parse(WHOLE.replace('["staff"]', '["visitor"]').replace("[[rule]]", 'expired = "check"\n[[rule]]'))
        then = parse(WHOLE.replace("[[rule]]", 'expired = "accept"\n[[rule]]'))
        for name, at in (("on its day", AT - timedelta(days=1)), ("after it", AT)):
            said[f"{word} {name}"] = judge(over, Rules(trust(), (other, first, then), HERE), at).verdict
    assert said == {
        "check on its day": Verdict(Outcome.CHECK, Reason.EXPIRED),
        "check after it": Verdict(Outcome.ADMIT, Reason.STAFF, None, "x"),
        "refuse on its day": Verdict(Outcome.REFUSE, Reason.EXPIRED),
        "refuse after it": Verdict(Outcome.ADMIT, Reason.STAFF, None, "x"),
    }


@pytest.mark.parametrize(
    ("claims", "domain", "when", "holds"),
    [
        (Claims(), Domain.STAFF, 'audience = "internal"', True),
        (Claims(), Domain.VISITOR, 'audience = "internal"', False),
        (Claims(), Domain.HEALTH, 'audience = "public"', True),
        (Claims(T, sampled_at=AT - timedelta(hours=11)), Domain.HEALTH, "days_since_test = 1", True),
        (Claims(T, sampled_at=AT - timedelta(hours=9)), Domain.HEALTH, "days_since_test = 0", True),
        (Claims(T, sampled_at=AT - timedelta(hours=35)), Domain.HEALTH, "days_since_test = { max = 1 }", False),
        (Claims(), Domain.HEALTH, "days_since_test = 1", False),
        (Claims(R, positive_on=date(2026, 11, 13)), Domain.HEALTH, "days_since_positive = 10", True),
        (Claims(V, dose_on=date(2026, 11, 23)), Domain.HEALTH, "days_since_dose = { min = 0 }", True),
        (Claims(), Domain.STAFF, 'direction = "in"\npoint = "bupati-1"\nsite = "bupati"', True),
        (Claims(), Domain.STAFF, 'direction = "out"', False),
        (Claims(), Domain.STAFF, 'site = "dprd"', False),
        (Claims(V, doses=2, series=2), Domain.HEALTH, "series_complete = true", True),
        (Claims(V, doses=2), Domain.HEALTH, "series_complete = true", False),
        (Claims(), Domain.STAFF, 'kind = "hcert"', True),
        (Claims(), Domain.STAFF, 'kind = "pass"', False),
    ],
)
def test_every_predicate_means_what_it_says(claims: Claims, domain: Domain, when: str, holds: bool) -> None:
    """AT is 10:00 in Masamba: nine hours ago was today, eleven hours ago was yesterday."""
    parts = ", ".join(when.split("\n"))
    text = WHOLE.replace('["staff"]', '["staff", "visitor", "health"]').replace("when = {}", f"when = {{ {parts} }}")
    verdict = decide((parse(text),), credential(claims, domain), HERE, AT)
    assert (verdict.outcome is Outcome.ADMIT) is holds


def test_an_untrusted_clock_says_only_what_thirty_days_would_not_change() -> None:
    policies, _ = choose(("staff",), Trust())
    rules = Rules(trust(), policies, HERE)
    soon, later = staff_pass(expires=AT + timedelta(days=29)), staff_pass(expires=AT + timedelta(days=31))
    assert judge(soon, rules, AT, floor=AT).verdict == Verdict(Outcome.CHECK, Reason.CLOCK_UNTRUSTED)
    assert judge(later, rules, AT, floor=AT).verdict.outcome is Outcome.ADMIT
    assert judge("a poster", rules, AT, floor=AT).verdict.reason is Reason.NOT_A_PASS


def test_every_shipped_policy_can_be_read() -> None:
    names = {"staff", "brief-2021", "pedulilindungi-2022-02", "pedulilindungi-2022-07"}
    assert {policy.name for name in names if isinstance(policy := shipped(name), Policy)} == names
