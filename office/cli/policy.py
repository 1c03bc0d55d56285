"""``titik-office policy``: what rules mean for example persons, day by day, before anybody signs them."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from device.model import WITA
from device.system.command_line import answered_by
from office.cli import options
from office.desk.refusal import RefusalError

if TYPE_CHECKING:
    from device.verdict.policy import Policy


@dataclass(frozen=True, slots=True)
class CheckPolicies:
    """What ``policy check`` is asked."""

    policy: list[str]
    desk: Path | None
    against: str | None
    root: str | None
    point: str
    site: str
    direction: Literal["in", "out"]
    json: bool


def add(commands: Any) -> None:
    """Add the commands."""
    example = "titik-office policy check --desk meja staff aturan-2027.toml"
    under = options.group(commands, "policy", "aturan / rules", example)
    check = options.command(under, "check", "coba aturan / try rules", example)
    check.add_argument("policy", nargs="+", metavar="FILE_OR_NAME", help="semua yang akan berlaku / all that will hold")
    check.add_argument("--desk", type=Path, metavar="DIR", help="bandingkan dengan bundel terakhirnya / compare with its last bundle")  # fmt: skip  # noqa: E501 - one option, one line
    check.add_argument("--against", metavar="BUNDLE_OR_NAME", help="bandingkan dengan ini / compare with this instead")
    options.asks_root(check, required=False)
    check.add_argument("--point", default="bupati-1", help="(%(default)s)")
    check.add_argument("--site", default="bupati", help="(%(default)s)")
    check.add_argument("--direction", default="in", choices=("in", "out"), help="(%(default)s)")
    check.add_argument("--json", action="store_true", help="untuk program / for a program")
    answered_by(check, CheckPolicies, run)


def run(asked: CheckPolicies, now: datetime) -> None:
    """Print what the policies say, then what that changes."""
    from device.verdict.policy import Setting
    from office.policies import trial
    from office.policies.examples import ExampleSigners
    from office.policies.texts import policies

    new = policies(asked.policy)
    name, old = _in_force(asked)
    today = now.astimezone(WITA).date()
    days = trial.turning_days((*new, *(old or ())), today)
    setting = Setting(asked.point, asked.site, asked.direction)
    signers = ExampleSigners()
    answers = trial.said(signers, new, days, setting)
    before = trial.said(signers, old, days, setting) if old is not None else None
    changed = None if before is None else trial.changes(before, answers)
    if asked.json:
        print(json.dumps(trial.described(answers, before, changed, name), indent=2))
        return
    print("\n".join(trial.table(answers, days, today)))
    print()
    if changed is None:
        print("Belum ada bundel untuk dibandingkan. / There is no bundle yet to compare with. --desk, --against")
    elif not changed:
        print(f"Tidak ada yang berubah. / Nothing changes. ({name})")
    else:
        print(f"Yang berubah / what changes ({name} -> ini / this):")
        print("\n".join(trial.change_lines(changed)))


def _in_force(asked: CheckPolicies) -> "tuple[str, tuple[Policy, ...] | None]":
    """Return what to compare with, and what to call it."""
    from office.desk.bundle_file import last, opened
    from office.desk.desk import Desk
    from office.policies.texts import all_of, policies

    if asked.against is None:
        if asked.desk is None:
            return "", None
        trust = last(Desk.open(asked.desk))
        return "bundel terakhir / the last bundle", None if trust is None else all_of(trust.policies)
    if asked.against.endswith(".toml") or (Path(asked.against).name == asked.against and "." not in asked.against):
        return asked.against, policies([asked.against])
    root = asked.root or (None if asked.desk is None else Desk.open(asked.desk).book.root)
    if root is None:
        raise RefusalError("--against BUNDLE perlu / needs --root KEY, atau / or --desk DIR")
    return asked.against, all_of(opened(Path(asked.against), root).policies)
