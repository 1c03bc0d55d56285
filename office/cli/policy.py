"""``titik-office policy``: what rules mean for example persons, day by day, before anybody signs them."""

import argparse
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from device.model import WITA, Colour, Domain, Kind, Outcome, Reason, Statement, Verdict
from device.verdict.judge import Rules, judge
from device.verdict.policy import Policy, PolicyError, Range, Rule, Setting, When, parse
from office.cli import bundle, options
from office.desk.desk import Desk
from office.desk.refusal import RefusalError
from office.passes.examples import PERSONS, Signers

Answers = Mapping[tuple[str, date], Verdict]
"""What each person, by name, is told on each day."""

_DAY: Final = timedelta(days=1)
_WIDE: Final = 4
"""Days side by side."""
_WORDS: Final = sorted(
    {str(word) for words in (Colour, Domain, Kind, Outcome, Reason, Statement) for word in words}
    | {name for table in (Policy, Rule, When, Range) for name in table.model_fields}
    | {"check", "refuse", "accept", "in", "out"}
)


def add(commands: Any) -> None:
    """Add the commands."""
    example = "titik-office policy check --desk meja staff aturan-2027.toml"
    under = options.group(commands, "policy", "aturan / rules", example)
    check = options.command(under, "check", "coba aturan / try rules", example, run)
    check.add_argument("policy", nargs="+", metavar="FILE_OR_NAME", help="semua yang akan berlaku / all that will hold")
    check.add_argument("--desk", type=Path, metavar="DIR", help="bandingkan dengan bundel terakhirnya / compare with its last bundle")  # fmt: skip  # noqa: E501 - one option, one line
    check.add_argument("--against", metavar="BUNDLE_OR_NAME", help="bandingkan dengan ini / compare with this instead")
    options.asks_root(check, required=False)
    check.add_argument("--point", default="bupati-1", help="(%(default)s)")
    check.add_argument("--site", default="bupati", help="(%(default)s)")
    check.add_argument("--direction", default="in", choices=("in", "out"), help="(%(default)s)")
    check.add_argument("--json", action="store_true", help="untuk program / for a program")


def run(told: argparse.Namespace, now: datetime) -> None:
    """Print what the policies say, then what that changes."""
    new = _policies(told.policy)
    name, old = _in_force(told)
    today = now.astimezone(WITA).date()
    days = turning_days((*new, *(old or ())), today)
    setting = Setting(told.point, told.site, told.direction)
    signers = Signers()
    answers = said(signers, new, days, setting)
    before = said(signers, old, days, setting) if old is not None else None
    changed = None if before is None else changes(before, answers)
    if told.json:
        print(json.dumps(_for_a_program(answers, before, changed, name), indent=2))
        return
    print("\n".join(_table(answers, days, today)))
    print()
    if changed is None:
        print("Belum ada bundel untuk dibandingkan. / There is no bundle yet to compare with. --desk, --against")
    elif not changed:
        print(f"Tidak ada yang berubah. / Nothing changes. ({name})")
    else:
        print(f"Yang berubah / what changes ({name} -> ini / this):")
        print("\n".join(_changes(changed)))


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
    signers: Signers, policies: tuple[Policy, ...], days: Iterable[date], setting: Setting
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


def mistakes(text: str) -> list[str]:
    """Return everything that is wrong with a policy: where, what, and the nearest word that there is."""
    try:
        Policy.model_validate(tomllib.loads(text))
    except ValidationError as error:
        found = error.errors(include_url=False)
        places = [one["loc"] for one in found]
        return [
            _mistake(text, one)
            for one in found  # a list left empty because all in it is wrong is no mistake of its own
            if one["type"] != "too_short" or not any(_under(one["loc"], place) for place in places)
        ]
    except (ValueError, RecursionError) as error:  # TOML's own error names its line and column
        return [f"bukan TOML / not TOML: {error}"]
    return []


def _under(place: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    return len(other) > len(place) and other[: len(place)] == place


def _mistake(text: str, one: Any) -> str:
    place = list(one["loc"])
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
    if place[:1] == ["rule"] and len(place) > 1 and isinstance(place[1], int):
        begins = [match.start() for match in re.finditer(r"^[ \t]*\[\[\s*rule\s*\]\]", text, re.MULTILINE)]
        if place[1] < len(begins):
            line = text.count("\n", 0, begins[place[1]]) + 1
            where += f" (aturan mulai baris / the rule begins on line {line})"
    unknown = one["type"] == "extra_forbidden"
    wrote = str(place[-1]) if unknown and place else one.get("input")
    near = get_close_matches(wrote, _WORDS, 1, 0.6) if isinstance(wrote, str) else []
    hint = f". Maksudnya / did you mean {near[0]!r}?" if near and near[0] != wrote else ""
    return f"{where}: {one['msg']}{hint}"


def _policies(names: Sequence[str]) -> tuple[Policy, ...]:
    read: list[Policy] = []
    wrong: list[str] = []
    for name in names:
        path, text = bundle.text_of(name)
        try:
            read.append(parse(text))
        except PolicyError as error:
            wrong += [f"  {path}: {one}" for one in mistakes(text) or [str(error)]]
    twice = {one.name for one, other in combinations(read, 2) if bundle.overlap(one, other)}
    wrong += [
        f"  nama {name} dua kali untuk hari yang sama / the name {name} twice for the same days"
        for name in sorted(twice)
    ]
    if wrong:
        raise RefusalError("Aturan salah: / The rules are wrong:\n" + "\n".join(wrong))
    return tuple(read)


def _in_force(told: argparse.Namespace) -> tuple[str, tuple[Policy, ...] | None]:
    """Return what to compare with, and what to call it."""
    if told.against is None:
        if told.desk is None:
            return "", None
        trust = bundle.last(Desk.open(told.desk))
        return "bundel terakhir / the last bundle", None if trust is None else _of(trust.policies)
    if told.against.endswith(".toml") or (Path(told.against).name == told.against and "." not in told.against):
        return told.against, _policies([told.against])
    if told.root is None and told.desk is None:
        raise RefusalError("--against BUNDLE perlu / needs --root KEY, atau / or --desk DIR")
    root = told.root or Desk.open(told.desk).book.root
    return told.against, _of(options.opened(Path(told.against), root).policies)


def _of(texts: Iterable[str]) -> tuple[Policy, ...]:
    try:
        return tuple(parse(text) for text in texts)
    except PolicyError as error:
        raise RefusalError(f"Aturan di bundel itu tidak terbaca / a policy of that bundle: {error}") from None


def _word(verdict: Verdict) -> str:
    return " ".join(str(part) for part in (verdict.outcome, verdict.colour, verdict.reason) if part is not None)


def _table(answers: Answers, days: Sequence[date], today: date) -> Iterator[str]:
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


def _changes(changed: Iterable[tuple[str, date, Verdict, Verdict]]) -> Iterator[str]:
    for name, day, old, new in changed:
        yield f"  {day}  {name}: {_word(old)} -> {_word(new)}"


def _for_a_program(
    answers: Answers,
    before: Answers | None,
    changed: Sequence[tuple[str, date, Verdict, Verdict]] | None,
    against: str,
) -> dict[str, Any]:
    return {
        "answers": [{"person": name, "day": day.isoformat()} | _told(one) for (name, day), one in answers.items()],
        "against": None if before is None else against,
        "changes": None
        if changed is None
        else [
            {"person": name, "day": day.isoformat(), "before": _told(old), "after": _told(new)}
            for name, day, old, new in changed
        ],
    }


def _told(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome,
        "colour": verdict.colour,
        "reason": verdict.reason,
        "policy": verdict.policy,
    }
