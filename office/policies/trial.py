"""What policies mean for example persons, day by day, before anybody signs them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from device.model import WITA, Verdict
from device.verdict.judge import Rules, judge
from device.verdict.policy import Policy, Setting
from office.policies.examples import PERSONS, ExampleSigners

Answers = Mapping[tuple[str, date], Verdict]
"""What each person, by name, is told on each day."""
_DAY: Final = timedelta(days=1)
_WIDE: Final = 4
"""Days side by side."""


def turning_days(policies: Iterable[Policy], today: date) -> tuple[date, ...]:
    """Return the days on which something may be otherwise than the day before.

    Today, and of each policy its first day, its last, the one before and the one after.
    """
    days = {today}
    for one in policies:
        if one.since is not None:
            days |= {one.since, one.since - _DAY if one.since > date.min else one.since}
        if one.until is not None:
            days |= {one.until, one.until + _DAY if one.until < date.max else one.until}
    return tuple(sorted(day for day in days if 2000 <= day.year <= 2100))  # noqa: PLR2004 - what a certificate can date


def said(
    signers: ExampleSigners, policies: tuple[Policy, ...], days: Iterable[date], setting: Setting
) -> dict[tuple[str, date], Verdict]:
    """Return what every person is told at noon of every day, by the very judgement of a station."""
    rules = Rules(signers.trust, policies, setting)
    return {
        (person.name, day): judge(signers.shown(person, at), rules, at).verdict
        for day in days
        for at in [datetime.combine(day, time(12), WITA)]
        for person in PERSONS
    }


def changes(before: Answers, after: Answers) -> list[tuple[str, date, Verdict, Verdict]]:
    """Return what is answered otherwise: outcome, colour or reason; the policy's name alone is no difference."""
    return [
        (name, day, before[name, day], verdict)
        for (name, day), verdict in after.items()
        if _word(before[name, day]) != _word(verdict)
    ]


def _word(verdict: Verdict) -> str:
    return " ".join(str(part) for part in (verdict.outcome, verdict.colour, verdict.reason) if part is not None)


def table(answers: Answers, days: Sequence[date], today: date) -> Iterator[str]:
    """Yield *answers* in lines for a person, a row for each of them, a few *days* side by side."""
    names = [person.name for person in PERSONS]
    first = max(map(len, names))
    width = max(len(_word(verdict)) for verdict in answers.values())
    for some in (days[at : at + _WIDE] for at in range(0, len(days), _WIDE)):
        heads = [f"{day}{' *' if day == today else ''}" for day in some]
        yield "  ".join([f"{'':<{first}}", *(f"{head:<{width}}" for head in heads)]).rstrip()
        for name in names:
            cells = (f"{_word(answers[name, day]):<{width}}" for day in some)
            yield "  ".join([f"{name:<{first}}", *cells]).rstrip()
        yield ""
    yield "* hari ini / today"


def change_lines(changed: Iterable[tuple[str, date, Verdict, Verdict]]) -> Iterator[str]:
    """Yield what `changes` found in lines for a person."""
    for name, day, old, new in changed:
        yield f"  {day}  {name}: {_word(old)} -> {_word(new)}"


def described(
    answers: Answers,
    before: Answers | None,
    changed: Sequence[tuple[str, date, Verdict, Verdict]] | None,
    against: str,
) -> dict[str, Any]:
    """Return *answers* and what *changed* for a program to read; *against* is what the *before* ones are called."""
    return {
        "answers": [{"person": name, "day": day.isoformat()} | _described(one) for (name, day), one in answers.items()],
        "against": None if before is None else against,
        "changes": None
        if changed is None
        else [
            {"person": name, "day": day.isoformat(), "before": _described(old), "after": _described(new)}
            for name, day, old, new in changed
        ],
    }


def _described(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome,
        "colour": verdict.colour,
        "reason": verdict.reason,
        "policy": verdict.policy,
    }
