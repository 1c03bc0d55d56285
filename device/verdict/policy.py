"""Dated rules as data: claims → outcome, colour, reason; the first rule that matches wins.

A policy is a TOML file that a lawyer can read (``device/policies/``). What a credential does not say is
neither true nor false: a rule that would need it is *open*, and a later rule may only speak if every open
one before it says the same. So silence never turns into "not vaccinated", nor into a green light.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from device.model import WITA, Claims, Colour, Credential, Domain, Kind, Outcome, Reason, Statement, Verdict
from device.system.errors import TitikError

SHIPPED = Path(__file__).parent / "policies"
MAX_RULES = 100
MAX_TEXT, MAX_LINE = 32_768, 1_000
"""Characters; the longest that ships has 2,000, and no line over 120."""

Word = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class PolicyError(TitikError, ValueError):
    """A policy that cannot be used: found at the desk; at the wall it can only ever yield *check*."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Whole = Annotated[int, Field(strict=True)]
YesNo = Annotated[bool, Field(strict=True)]
Day = Annotated[date, Field(strict=True)]

Audience = Literal["internal", "public"]

RULED = frozenset(
    {
        Reason.TWO_DOSES, Reason.ONE_DOSE, Reason.NO_DOSE, Reason.BOOSTER, Reason.RECOVERED, Reason.TESTED,
        Reason.POSITIVE, Reason.CONTACT, Reason.STAFF, Reason.VISITOR, Reason.LISTED, Reason.UNKNOWN,
    }
)  # fmt: skip
"""The reasons that a policy may give (``design.md``, Verdicts); the others are belief's and the station's."""
COLOURS: Mapping[Outcome, frozenset[Colour | None]] = {
    Outcome.ADMIT: frozenset({Colour.GREEN, Colour.YELLOW, None}),
    Outcome.CHECK: frozenset({Colour.YELLOW, None}),
    Outcome.REFUSE: frozenset({Colour.RED, Colour.BLACK, None}),
}


class Range(_Section):
    """From *min* to *max*, both included; an open end is left out."""

    min: Whole | None = None
    max: Whole | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"nothing lies between min {self.min} and max {self.max}")
        return self


class When(_Section):
    """What must hold, all of it; a name that is left out does not matter."""

    domain: Domain | None = None
    kind: Kind | None = None
    statement: Statement | None = None
    doses: Whole | Range | None = None
    series: Whole | Range | None = None
    series_complete: YesNo | None = None
    detected: YesNo | None = None
    age: Whole | Range | None = None
    """Full years on the day, by the office's calendar."""
    days_since_dose: Whole | Range | None = None
    days_since_positive: Whole | Range | None = None
    hours_since_sample: Whole | Range | None = None
    days_since_test: Whole | Range | None = None
    audience: Audience | None = None
    """``internal``: the office's own staff; ``public``: everybody else, for no other credential says whose staff
    its bearer is."""
    direction: Literal["in", "out"] | None = None
    point: Word | None = None
    site: Word | None = None


class Rule(_Section):
    """When this holds, that follows."""

    when: When
    outcome: Outcome
    colour: Colour | None = None
    reason: Reason

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.reason not in RULED:
            raise ValueError(f"reason {self.reason} is not a policy's to give; allowed: {', '.join(sorted(RULED))}")
        if self.colour not in COLOURS[self.outcome]:
            raise ValueError(f"{self.outcome} and {self.colour} contradict each other")
        return self


class Policy(_Section):
    """Rules in force from *since* to *until*, days of the office's calendar, both included."""

    name: Word
    title: str
    source: str
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    since: Day | None = None
    until: Day | None = None
    expired: Literal["refuse", "check", "accept"] = "refuse"
    """What a genuine credential past its date comes to; ``accept`` goes on to the rules."""
    stale_days: Annotated[int, Field(strict=True, ge=0, le=3660)] = 30
    """Days past the bundle's ``next`` after which *admit* becomes *check*: nobody knows any more who was revoked."""
    rule: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=MAX_RULES)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("until lies before since")
        return self

    @cached_property
    def rows(self) -> tuple["CompiledRule", ...]:
        """The rules as they are asked, in order."""
        return tuple(
            CompiledRule(
                tuple((name, wanted) for name in When.model_fields if (wanted := getattr(one.when, name)) is not None),
                Verdict(one.outcome, one.reason, one.colour, self.name),
            )
            for one in self.rule
        )

    def in_force(self, day: date) -> bool:
        """Return whether it speaks on *day*."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the question is asked."""

    point: str
    site: str
    direction: Literal["in", "out"]


def parse(text: str) -> Policy:
    """Return the policy in *text*; raises `PolicyError` that says where it is wrong."""
    if len(text) > MAX_TEXT:
        raise PolicyError(f"longer than {MAX_TEXT} characters")
    if any(len(line) > MAX_LINE for line in text.splitlines()):
        raise PolicyError(f"a line of more than {MAX_LINE} characters")  # a key of many dots costs its square
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOML's own error is one of the first; digits without end another
        raise PolicyError(f"not TOML: {error}") from None
    try:
        return Policy.model_validate(tables)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PolicyError(f"{where}: {first['msg']}") from None


def shipped(name: str) -> Policy | None:
    """Return the policy of that name that comes with the program."""
    file = SHIPPED / f"{name}.toml"
    return parse(file.read_text(encoding="utf-8")) if file.is_file() else None


def decide(
    policies: tuple[Policy, ...],
    credential: Credential,
    setting: Setting,
    at: datetime,
    due: datetime | None = None,
) -> Verdict:
    """Return what *policies*, earlier ones first, say of a genuine or listed *credential* at the time *at* (aware).

    *due* is when a newer bundle should have come. A listed number is unsigned and copyable: it comes to *check*,
    unless the rule that speaks names that kind in words, or refuses.
    """
    day = at.astimezone(WITA).date()
    asked = _Asked(credential.claims, credential, setting, at, day)
    speaking = [policy for policy in policies if credential.domain in policy.domains and policy.in_force(day)]
    open_rows: list[Verdict] = []
    for policy in speaking:
        for row in policy.rows:
            holds = _holds(row.parts, asked)
            if holds is None:
                open_rows.append(row.verdict)
            elif holds and any(row.differs(verdict) for verdict in open_rows):
                return Verdict(Outcome.CHECK, Reason.UNKNOWN, None, policy.name)
            elif holds:
                return _bounded(row, credential, late=_stale(policy, at, due))
    if not credential.genuine:
        return Verdict(Outcome.CHECK, Reason.LISTED)
    return Verdict(Outcome.CHECK, Reason.UNKNOWN if speaking else Reason.NO_RULE)


def _bounded(row: "CompiledRule", credential: Credential, *, late: bool) -> Verdict:
    """Return the row's verdict, as far as a listed number, or a bundle that is *late*, can carry it."""
    verdict = row.verdict
    if verdict.outcome is Outcome.REFUSE:
        return verdict
    if not credential.genuine and ("kind", Kind.LISTED) not in row.parts:
        return Verdict(Outcome.CHECK, Reason.LISTED, None, verdict.policy)
    if verdict.outcome is Outcome.ADMIT and late:
        return verdict._replace(outcome=Outcome.CHECK, colour=None)
    return verdict


def _stale(policy: Policy, at: datetime, due: datetime | None) -> bool:
    return due is not None and at > due + timedelta(days=policy.stale_days)


def on_expired(
    policies: tuple[Policy, ...], credential: Credential, at: datetime
) -> Literal["refuse", "check", "accept"]:
    """Return what the first policy that speaks of *credential*'s domain says of an expired one."""
    day = at.astimezone(WITA).date()
    return next(
        (policy.expired for policy in policies if credential.domain in policy.domains and policy.in_force(day)),
        "refuse",
    )


class CompiledRule(NamedTuple):
    """One rule as it is asked: the parts that must hold, by the names of `When`, and what follows."""

    parts: tuple[tuple[str, object], ...]
    verdict: Verdict

    def differs(self, verdict: Verdict) -> bool:
        """Return whether *verdict* says something else to whoever stands there."""
        return (verdict.outcome, verdict.colour) != (self.verdict.outcome, self.verdict.colour)


class _Asked(NamedTuple):
    """What the facts are taken from."""

    claims: Claims
    credential: Credential
    setting: Setting
    at: datetime
    day: date


_Fact: TypeAlias = Callable[[_Asked], object]


def _span(fact: _Fact) -> Callable[[_Asked], tuple[object, object] | None]:
    """Return *fact* as its least and greatest value, which are the same; ``None`` is *not said*."""

    def span(asked: _Asked) -> tuple[object, object] | None:
        value = fact(asked)
        return None if value is None else (value, value)

    return span


def _age(asked: _Asked) -> tuple[object, object] | None:
    born = asked.claims.born
    return None if born is None else (_years(born[1], asked.day), _years(born[0], asked.day))


def _hours_since_sample(asked: _Asked) -> object:
    sampled = asked.claims.sampled_at
    return None if sampled is None else int((asked.at - sampled).total_seconds() // 3600)


def _days_since_test(asked: _Asked) -> object:
    sampled = asked.claims.sampled_at
    return None if sampled is None else (asked.day - sampled.astimezone(WITA).date()).days


def _days_since(day: date, then: date | None) -> int | None:
    return None if then is None else (day - then).days


_FACTS: Mapping[str, Callable[[_Asked], tuple[object, object] | None]] = {
    "domain": _span(lambda asked: asked.credential.domain),
    "kind": _span(lambda asked: asked.credential.kind),
    "statement": _span(lambda asked: asked.claims.statement),
    "doses": _span(lambda asked: asked.claims.doses),
    "series": _span(lambda asked: asked.claims.series),
    "series_complete": _span(lambda asked: _complete(asked.claims)),
    "detected": _span(lambda asked: asked.claims.detected),
    "age": _age,
    "days_since_dose": _span(lambda asked: _days_since(asked.day, asked.claims.dose_on)),
    "days_since_positive": _span(lambda asked: _days_since(asked.day, asked.claims.positive_on)),
    "hours_since_sample": _span(_hours_since_sample),
    "days_since_test": _span(_days_since_test),
    "audience": _span(lambda asked: "internal" if asked.credential.domain is Domain.STAFF else "public"),
    "direction": _span(lambda asked: asked.setting.direction),
    "point": _span(lambda asked: asked.setting.point),
    "site": _span(lambda asked: asked.setting.site),
}
"""By the names of `When`, the least and the greatest value that a fact may have."""


def _complete(claims: Claims) -> bool | None:
    return None if claims.doses is None or not claims.series else claims.doses >= claims.series


def _years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _holds(parts: tuple[tuple[str, object], ...], asked: _Asked) -> bool | None:
    """Return whether all *parts* hold: False as soon as one surely does not, None if one is open."""
    answer: bool | None = True
    for name, wanted in parts:
        holds = _part(wanted, _FACTS[name](asked))
        if holds is False:
            return False
        if holds is None:
            answer = None
    return answer


def _part(wanted: object, span: tuple[object, object] | None) -> bool | None:
    if span is None:
        return None
    least, greatest = span
    if not isinstance(wanted, Range):
        return least == wanted if least == greatest else (None if _between(least, wanted, greatest) else False)
    if not isinstance(least, int) or not isinstance(greatest, int):
        return None
    below, above = _at_least(least, greatest, wanted.min), _at_most(least, greatest, wanted.max)
    if below is False or above is False:
        return False
    return None if below is None or above is None else True


def _between(least: object, wanted: object, greatest: object) -> bool:
    return (
        isinstance(least, int) and isinstance(wanted, int) and isinstance(greatest, int) and least <= wanted <= greatest
    )


def _at_least(least: int, greatest: int, bound: int | None) -> bool | None:
    if bound is None or least >= bound:
        return True
    return None if greatest >= bound else False


def _at_most(least: int, greatest: int, bound: int | None) -> bool | None:
    if bound is None or greatest <= bound:
        return True
    return None if least <= bound else False
