"""``titik judge``: judge one code's text per line of standard input."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from device.cli import _judging, options
from device.cli._judging import Judging, asks_how
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED


@dataclass(frozen=True, slots=True)
class Judge(Judging):
    """What ``judge`` is asked."""


def add(commands: Any) -> None:
    """Add the command."""
    one = options.command(
        commands,
        "judge",
        "judge one code's text per line of standard input",
        "titik judge --json --key dsc.pem --at 2022-05-01T00:00:00Z < codes.txt",
    )
    asks_how(one)
    answered_by(one, Judge, run)


def run(asked: Judge) -> int:
    """Judge one code's text per line of standard input; one line, or one JSON object, for each."""
    from device.model import MAX_TEXT
    from device.system.contained import Contained
    from device.verdict.judge import judge_shown
    from device.verdict.verify import public_claims

    rules = _judging.rules(asked)
    if rules is None:
        return FAILED
    contained = Contained()
    for text in _lines(sys.stdin.buffer, MAX_TEXT):
        judged = judge_shown(text, rules, asked.at or datetime.now(UTC), contained)
        claims = None if judged.belief.credential is None else public_claims(judged.belief.credential)
        verdict = {
            "kind": judged.belief.kind,
            **_judging.form(judged),
            **_judging.verdict(judged),
            "claims": claims,
        }
        if asked.json:
            print(json.dumps(verdict), flush=True)
        else:
            words = f"{verdict['kind']}: {verdict['outcome']} ({verdict['reason']}), {_judging.plainly(verdict)}"
            print(words, flush=True)
    return DONE


def _lines(stream: BinaryIO, longest: int) -> Iterator[str]:
    """Yield lines, each cut a little past the *longest* code (bytes), so that no line fills the memory."""
    while line := stream.readline(longest + 2):
        kept = line
        while not line.endswith(b"\n") and line:
            line = stream.readline(65_536)
        yield kept.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")
