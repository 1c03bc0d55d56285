"""Dated rules as data: claims → outcome, colour, reason; the first rule that matches wins.

A policy is a TOML file that a lawyer can read (``device/policies/``). What a credential does not say is
neither true nor false: a rule that would need it is *open*, and a later rule may only speak if every open
one before it says the same. So silence never turns into "not vaccinated", nor into a green light.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from device.model import WITA, Claims, Colour, Credential, Domain, Kind, Outcome, Reason, Statement, Verdict

SHIPPED = Path(__file__).parent / "policies"
MAX_RULES = 100

Word = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class PolicyError(ValueError):
    """A policy that cannot be used: found at the desk; at the wall it can only ever yield *check*."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Whole = Annotated[int, Field(strict=True)]
YesNo = Annotated[bool, Field(strict=True)]
Day = Annotated[date, Field(strict=True)]

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


class Range(_Table):
    """From *min* to *max*, both included; an open end is left out."""

    min: Whole | None = None
    max: Whole | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"nothing lies between min {self.min} and max {self.max}")
        return self


class When(_Table):
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
    direction: Literal["in", "out"] | None = None
    point: Word | None = None
    site: Word | None = None


class Rule(_Table):
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


class Policy(_Table):
    """Rules in force from *since* to *until*, days of the office's calendar, both included."""

    name: Word
    title: str
    source: str
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    since: Day | None = None
    until: Day | None = None
    expired: Literal["refuse", "check", "accept"] = "refuse"
    """What a genuine credential past its date comes to; ``accept`` goes on to the rules."""
    rule: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=MAX_RULES)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("until lies before since")
        return self

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
    try:
        told = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOML's own error is one of the first; digits without end another
        raise PolicyError(f"not TOML: {error}") from None
    try:
        return Policy.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PolicyError(f"{where}: {first['msg']}") from None


def shipped(name: str) -> Policy | None:
    """Return the policy of that name that comes with the program."""
    file = SHIPPED / f"{name}.toml"
    return parse(file.read_text(encoding="utf-8")) if file.is_file() else None


def decide(policies: tuple[Policy, ...], credential: Credential, setting: Setting, at: datetime) -> Verdict:
    """Return what *policies*, earlier ones first, say of a genuine *credential* at the time *at* (aware)."""
    day = at.astimezone(WITA).date()
    facts = _facts(credential, setting, at, day)
    spoke = False
    open_rules: list[Verdict] = []
    for policy in policies:
        if credential.domain not in policy.domains or not policy.in_force(day):
            continue
        spoke = True
        for rule in policy.rule:
            holds = _holds(rule.when, facts)
            verdict = Verdict(rule.outcome, rule.reason, rule.colour, policy.name)
            if holds is None:
                open_rules.append(verdict)
            elif holds:
                agreed = all((v.outcome, v.colour) == (verdict.outcome, verdict.colour) for v in open_rules)
                return verdict if agreed else Verdict(Outcome.CHECK, Reason.UNKNOWN, None, policy.name)
    return Verdict(Outcome.CHECK, Reason.UNKNOWN if spoke else Reason.NO_RULE)


def on_expired(
    policies: tuple[Policy, ...], credential: Credential, at: datetime
) -> Literal["refuse", "check", "accept"]:
    """Return what the first policy that speaks of *credential*'s domain says of an expired one."""
    day = at.astimezone(WITA).date()
    return next(
        (policy.expired for policy in policies if credential.domain in policy.domains and policy.in_force(day)),
        "refuse",
    )


def _facts(
    credential: Credential, setting: Setting, at: datetime, day: date
) -> Mapping[str, Callable[[], tuple[object, object] | None]]:
    """Return, by the names of `When`, the least and the greatest value that each fact may have."""
    claims = credential.claims

    def exactly(value: object) -> Callable[[], tuple[object, object] | None]:
        return lambda: None if value is None else (value, value)

    return {
        "domain": exactly(credential.domain),
        "kind": exactly(credential.kind),
        "statement": exactly(claims.statement),
        "doses": exactly(claims.doses),
        "series": exactly(claims.series),
        "series_complete": exactly(_complete(claims)),
        "detected": exactly(claims.detected),
        "age": lambda: claims.born and (_years(claims.born[1], day), _years(claims.born[0], day)),
        "days_since_dose": exactly(claims.dose_on and (day - claims.dose_on).days),
        "days_since_positive": exactly(claims.positive_on and (day - claims.positive_on).days),
        "hours_since_sample": exactly(claims.sampled_at and int((at - claims.sampled_at).total_seconds() // 3600)),
        "direction": exactly(setting.direction),
        "point": exactly(setting.point),
        "site": exactly(setting.site),
    }


def _complete(claims: Claims) -> bool | None:
    return None if claims.doses is None or not claims.series else claims.doses >= claims.series


def _years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _holds(when: When, facts: Mapping[str, Callable[[], tuple[object, object] | None]]) -> bool | None:
    """Return whether all of *when* holds: False as soon as one part surely does not, None if one is open."""
    answers = {
        _part(wanted, facts[name]()) for name in When.model_fields if (wanted := getattr(when, name)) is not None
    }
    if False in answers:
        return False
    return None if None in answers else True


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
