"""One text's verdict: what may be believed of it, and what the rules in force make of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from device.model import WITA, Belief, Outcome, Reason, Verdict
from device.system.contained import Contained
from device.trust.bundle import Trust
from device.verdict import policy
from device.verdict.policy import Policy, PolicyError, Setting
from device.verdict.verify import believe, kind_of

CLOCK_DOUBT = timedelta(days=30)
"""How far behind the truth an untrusted clock's floor is taken to be at the most (``design.md``, Time)."""

TURNS = (timedelta(0), timedelta(hours=3))
"""Times of the office's day at which what is in view is judged again: midnight, when policies begin and end, and three,
which is to be the border of the office day (``design.md``, Words) and at which nothing turns yet."""
INSTANT = timedelta.resolution

REFUSALS: Mapping[Reason, Outcome] = {
    Reason.EXPIRED: Outcome.REFUSE,
    Reason.NOT_YET_VALID: Outcome.REFUSE,
    Reason.REVOKED: Outcome.REFUSE,
    Reason.UNKNOWN_ISSUER: Outcome.REFUSE,
    Reason.WRONG_DOMAIN: Outcome.REFUSE,
    Reason.FORGED: Outcome.REFUSE,
    Reason.MALFORMED: Outcome.REFUSE,
    Reason.NOT_A_PASS: Outcome.REFUSE,
    Reason.REPLAYED: Outcome.REFUSE,
    Reason.NOT_SUPPORTED: Outcome.CHECK,  # it may well be genuine; the guard has eyes
}
"""What follows from disbelief; the policy has a say on expired ones only."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that a verdict depends on, besides the text and the time."""

    trust: Trust
    policies: tuple[Policy, ...]
    setting: Setting
    broken: bool = False
    """A policy that should speak cannot be read: every genuine credential is checked by the guard."""


class Basis(NamedTuple):
    """What one text is judged by, as `judge` takes it."""

    rules: Rules
    at: datetime
    floor: datetime | None = None
    """The time before which it surely is not, where the clock is not trusted."""


class Judged(NamedTuple):
    """A verdict, with the belief it rests on."""

    belief: Belief
    verdict: Verdict


def choose(names: tuple[str, ...], trust: Trust) -> tuple[tuple[Policy, ...], list[str]]:
    """Return the policies of these *names*, the bundle's before those that ship, and what was wrong."""
    wrong: list[str] = []
    bundled: dict[str, list[Policy]] = {}
    for text in trust.policies:
        try:
            read = policy.parse(text)
        except PolicyError as error:
            wrong.append(f"a policy of the bundle cannot be read: {error}")
        else:
            bundled.setdefault(read.name, []).append(read)
    chosen: list[Policy] = []
    for name in names:
        found = bundled.get(name) or [one for one in [policy.shipped(name)] if one is not None]
        if not found:
            wrong.append(f"policy {name} is neither in the bundle nor among those that ship")
        chosen += found
    return tuple(chosen), wrong


def judge(text: str, rules: Rules, at: datetime, floor: datetime | None = None) -> Judged:
    """Return the verdict on *text* at the time *at*, for any text whatever.

    With a *floor* the clock is not trusted: only what is the same at the floor and thirty days later is
    said, everything else is ``clock-untrusted``. So is every proof of a phone that nothing else speaks against.
    """
    if floor is None:
        return _judge(text, rules, at)
    early, late = _judge(text, rules, floor), _judge(text, rules, floor + CLOCK_DOUBT)
    moving = late.belief.proven_at is not None and late.belief.reason in (None, Reason.REPLAYED)
    if early.verdict == late.verdict and not moving:
        return late
    return Judged(late.belief, Verdict(Outcome.CHECK, Reason.CLOCK_UNTRUSTED))


def judge_shown(text: str, rules: Rules, at: datetime, contained: Contained, floor: datetime | None = None) -> Judged:
    """Return what `judge` does; a text that makes it raise, which none should, is *malformed* and counted.

    The person who shows it gets a light, and never a green one.
    """
    with contained.at("judge"):
        return judge(text, rules, at, floor)
    return Judged(Belief(kind_of(text), Reason.MALFORMED), Verdict(REFUSALS[Reason.MALFORMED], Reason.MALFORMED))


def until(belief: Belief, rules: Rules, at: datetime) -> datetime:
    """Return the first time after *at* at which the same *rules* may say something else of what is believed.

    A phone's proof grows old besides; but the phone that stays in view makes a new one, and that is judged by itself.
    """
    day = at.astimezone(WITA).replace(hour=0, minute=0, second=0, microsecond=0)
    turns = [day + timedelta(days=ahead) + turn for ahead in (0, 1) for turn in TURNS]
    credential, following = belief.credential, rules.trust.next
    if credential is not None:
        if credential.not_before is not None:
            turns.append(credential.not_before)
        if credential.expires is not None:
            turns += [credential.expires, credential.expires + INSTANT]  # a listing ends with it, a token after it
        if credential.claims.sampled_at is not None:
            hours = (at - credential.claims.sampled_at) // timedelta(hours=1)
            turns.append(credential.claims.sampled_at + timedelta(hours=hours + 1))
    if following is not None:
        turns += [following + timedelta(days=one.stale_days) + INSTANT for one in rules.policies]
    return min(turn for turn in turns if turn > at)


def _judge(text: str, rules: Rules, at: datetime) -> Judged:
    belief = believe(text, rules.trust, at)
    return Judged(belief, _decide(belief, rules, at))


def _decide(belief: Belief, rules: Rules, at: datetime) -> Verdict:
    if belief.reason is Reason.EXPIRED and belief.credential is not None:
        match policy.on_expired(rules.policies, belief.credential, at):
            case "refuse":
                return Verdict(Outcome.REFUSE, Reason.EXPIRED)
            case "check":
                return Verdict(Outcome.CHECK, Reason.EXPIRED)
        # A rule that accepts what is over accepts neither a picture of it nor what nobody has read.
        if not belief.live or belief.form is not None:
            reason = Reason.NOT_SUPPORTED if belief.live else Reason.REPLAYED
            return Verdict(REFUSALS[reason], reason)
    elif belief.reason is not None:
        return Verdict(REFUSALS[belief.reason], belief.reason)
    if belief.credential is None:
        raise AssertionError("what is believed has a credential")
    if rules.broken:
        return Verdict(Outcome.CHECK, Reason.POLICY_ERROR)
    return policy.decide(rules.policies, belief.credential, rules.setting, at, rules.trust.next)
