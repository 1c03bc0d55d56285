"""What ``scan`` and ``judge`` have in common: whom to believe, by which rules, when; and how a verdict is said."""

from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli.say import say
from device.system.disk import read_whole
from device.wire import MAX_BUNDLE

if TYPE_CHECKING:  # whoever asks for help alone waits for none of it
    from device.trust.bundle import Trust
    from device.verdict.judge import Judged, Rules

MAX_KEY = 1_000_000
"""Bytes of a file of certificates or keys."""


@dataclass(frozen=True, slots=True)
class Judging:
    """How somebody wants codes to be judged."""

    json: bool
    bundle: Path | None
    root: list[str]
    key: list[Path]
    policy: list[str]
    at: datetime | None
    """Left out: now."""


def asks_how(parser: ArgumentParser) -> None:
    """Let a command be told whom to believe, by which rules, and when."""
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--bundle", type=Path, metavar="FILE", help="the trust bundle to believe")
    parser.add_argument("--root", action="append", default=[], metavar="KEY", help="the root that must have signed it")
    parser.add_argument(
        "--key",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        metavar="CERT",
        help="PEM or DER certificates or public keys, for an audit without a bundle",
    )
    parser.add_argument("--policy", action="append", default=[], metavar="NAME", help="a policy to judge by")
    parser.add_argument("--at", type=moment, metavar="TIME", help="the time to judge at; left out: now")


def rules(asked: Judging) -> "Rules | None":
    """Return the rules that the arguments name, ``None`` once a sentence has said what is wrong."""
    from device.trust.audit_keys import audit_key
    from device.trust.bundle import BundleError, Roots, open_bundle, root_key, trusting, unproven_bundle
    from device.verdict.judge import Rules, choose
    from device.verdict.policy import Setting

    try:
        if asked.bundle is None:
            trust = trusting(*(audit_key(read_whole(path, MAX_KEY)) for path in asked.key))
        elif asked.root:
            trust = open_bundle(
                read_whole(asked.bundle, MAX_BUNDLE), Roots(*(root_key(text) for text in asked.root[:2]))
            )
        else:
            say(f"{asked.bundle}: nobody checked who signed it, for no --root was given; an audit may do that")
            trust = unproven_bundle(read_whole(asked.bundle, MAX_BUNDLE))
    except (BundleError, ValueError, OSError) as error:
        say(f"the keys cannot be used: {error}")
        return None
    policies, wrong = choose(tuple(asked.policy) or _bundled(trust) or ("staff",), trust)
    for sentence in wrong:
        say(sentence)
    return Rules(trust, policies, Setting("audit", "audit", "in"), broken=bool(wrong))


def _bundled(trust: "Trust") -> tuple[str, ...]:
    """Return the names of the bundle's own policies, in its order."""
    from device.verdict.policy import PolicyError, parse

    names: list[str] = []
    for text in trust.policies:
        try:
            names.append(parse(text).name)
        except PolicyError:
            continue  # `choose` says which and why
    return tuple(dict.fromkeys(names))


def code(text: str, judged: "Judged", *, show_text: bool) -> dict[str, Any]:
    """Return what is said of one code on a picture."""
    said: dict[str, Any] = {"kind": judged.belief.kind, **form(judged), "verdict": verdict(judged)}
    return {**said, "text": text} if show_text else said


def form(judged: "Judged") -> dict[str, Any]:
    """Return what the code is called, where it is recognised and not read."""
    return {} if judged.belief.form is None else {"form": judged.belief.form}


def verdict(judged: "Judged") -> dict[str, Any]:
    """Return what came of it."""
    genuine = judged.belief.credential is not None and judged.belief.credential.genuine
    return {
        "genuine": genuine,
        "valid": genuine and judged.belief.reason is None,
        "reason": judged.verdict.reason,
        "colour": judged.verdict.colour,
        "outcome": judged.verdict.outcome,
    }


def plainly(verdict: dict[str, Any]) -> str:
    """Return for people what a verdict says of the signature."""
    if verdict["valid"]:
        return "genuine and in force"
    return "genuine" if verdict["genuine"] else "not shown to be genuine"


def moment(text: str) -> datetime:
    """Return an aware time from ISO 8601 text, UTC where it names no zone; raises ValueError."""
    at = datetime.fromisoformat(text)
    if not 1970 <= at.year < 3000:  # noqa: PLR2004 - what a credential may say
        raise ValueError("a time from 1970 to 2999")
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
