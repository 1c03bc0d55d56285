"""``titik scan``: read and judge the codes on pictures."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from device.cli import _judging, options
from device.cli._judging import Judging, asks_how
from device.cli.say import say
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED
from device.system.log import shown


@dataclass(frozen=True, slots=True)
class Scan(Judging):
    """What ``scan`` is asked."""

    images: list[Path]
    show_text: bool


def add(commands: Any) -> None:
    """Add the command."""
    one = options.command(commands, "scan", "read and judge the codes on pictures", "titik scan --json pass.png")
    one.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    one.add_argument("--show-text", action="store_true", help="print what the codes say, for test pictures")
    asks_how(one)
    answered_by(one, Scan, run)


def run(asked: Scan) -> int:
    """Read and judge the codes on pictures; one line, or one JSON object, for each picture that was looked at."""
    from device import scanner
    from device.camera.pictures import PartlyReadError
    from device.camera.stills import read_file
    from device.system.contained import Contained
    from device.verdict.judge import judge_shown

    rules = _judging.rules(asked)
    if rules is None:
        return FAILED
    if (missing := scanner.second_reader()) is not None:
        say(missing)
    at = asked.at or datetime.now(UTC)
    contained = Contained()
    code = DONE
    for path in asked.images:
        still = read_file(path)
        if still.wrong is not None:
            say(str(still.wrong))
            code = code if isinstance(still.wrong, PartlyReadError) else FAILED
        if not still.frames:
            continue
        read_ms = round(still.read_ms, 2)
        codes = [
            _judging.code(text, judge_shown(text, rules, at, contained), show_text=asked.show_text)
            for text in still.texts
        ]
        if asked.json:
            print(json.dumps({"path": str(path), "codes": codes, "took_ms": {"read": read_ms}}))
        else:
            print(f"{shown(path)}: {len(codes)} code(s), read in {read_ms} ms")
            for one in codes:
                verdict = one["verdict"]
                print(f"  {one['kind']}: {verdict['outcome']} ({verdict['reason']}), {_judging.plainly(verdict)}")
                if asked.show_text:
                    print(f"    {one['text']!a}")
    return code
