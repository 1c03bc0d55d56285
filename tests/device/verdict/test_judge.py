"""For how long a judgement holds: between a moment and the turn that is named, the same rules say the same."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.model import WITA
from device.trust.bundle import Trust
from device.verdict import policy
from device.verdict.judge import Rules, choose, judge, until
from device.verdict.policy import Setting
from tests.support.credentials import AT, dose, hcert, staff_pass, trust

HERE = Setting("bupati-1", "bupati", "in")
CHECKED = """
name = "checked"
title = "t"
source = "s"
domains = ["health"]
since = 2026-11-22
until = 2026-11-24
stale_days = 1
[[rule]]
when = { statement = "test", detected = false, hours_since_sample = { max = 48 } }
outcome = "admit"
reason = "tested"
[[rule]]
when = { statement = "vaccination", age = { min = 18 }, days_since_dose = { max = 1910 } }
outcome = "admit"
reason = "two-doses"
[[rule]]
when = { statement = "test" }
outcome = "refuse"
reason = "no-dose"
"""


def negative(sampled: datetime) -> dict[str, Any]:
    """One negative test."""
    return {"tg": "840539006", "tt": "LP6464-4", "sc": sampled.isoformat(), "tr": "260415000", "co": "ID", "is": "K"}


TEXTS = [
    staff_pass(expires=AT + timedelta(hours=7)),
    staff_pass(issued=AT + timedelta(hours=5), expires=AT + timedelta(days=2)),
    hcert(t=[negative(AT - timedelta(hours=47, minutes=20))], expires=AT + timedelta(days=3)),
    hcert(v=[dose(on=date(2021, 9, 1))], born="2008-11-24", expires=AT + timedelta(days=3)),
    "https://contoh.example/",
]
POLICIES = (policy.parse(CHECKED), *choose(("staff", "brief-2021"), Trust())[0])
RULES = Rules(replace(trust(), next=AT - timedelta(hours=8)), POLICIES, HERE)


def hours(most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(0, most * 3600).map(lambda seconds: timedelta(seconds=seconds))


@given(st.sampled_from(TEXTS), hours(80), st.floats(0, 1))
def test_until_its_turn_a_verdict_is_the_same(text: str, after: timedelta, share: float) -> None:
    at = AT + after - timedelta(hours=4)
    judged = judge(text, RULES, at)
    turn = until(judged.belief, RULES, at)
    assert at < turn <= at + timedelta(days=1)
    for between in (at + share * (turn - at - timedelta.resolution), turn - timedelta.resolution):
        assert judge(text, RULES, between).verdict == judged.verdict


@pytest.mark.parametrize("before", [4, 5])  # hours; an hour that is leapt over shows from one of the two
@pytest.mark.parametrize("text", TEXTS[:-1])
def test_each_change_of_a_verdict_is_at_a_turn_and_every_kind_of_turn_is_met(text: str, before: int) -> None:
    at, changes = AT - timedelta(hours=before), []
    while at < AT + timedelta(days=4):
        judged = judge(text, RULES, at)
        at = until(judged.belief, RULES, at)
        after = judge(text, RULES, at)
        if after.verdict != judged.verdict:
            changes.append((at, after.verdict.outcome, after.verdict.reason))
    midnight = datetime(2026, 11, 24, tzinfo=WITA).astimezone(UTC)
    late = AT - timedelta(hours=8) + timedelta(days=1, microseconds=1)
    instant = timedelta.resolution
    assert [(when - AT, *told) for when, *told in changes] == {
        TEXTS[0]: [(timedelta(hours=7) + instant, "refuse", "expired")],
        TEXTS[1]: [(timedelta(hours=5), "admit", "staff"), (timedelta(days=2) + instant, "refuse", "expired")],
        TEXTS[2]: [
            (timedelta(hours=1, minutes=40), "refuse", "no-dose"),
            (midnight + timedelta(days=1) - AT, "check", "unknown"),
            (timedelta(days=3) + instant, "check", "expired"),
        ],
        TEXTS[3]: [
            (midnight - AT, "admit", "two-doses"),
            (late - AT, "check", "two-doses"),
            (midnight + timedelta(days=1) - AT, "admit", "two-doses"),
            (timedelta(days=3) + instant, "check", "expired"),
        ],
    }[text]
