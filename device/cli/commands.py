"""The commands that need no running station: scan, judge, check-config."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from device import config, scanner
from device.camera import frame_rate
from device.camera.pictures import PartlyReadError
from device.camera.stills import read_file
from device.config import ConfigError
from device.control.control_socket import NoStationError, RequestRefusedError, ask
from device.formats.cwt import MAX_TEXT
from device.system.contained import Contained
from device.system.disk import read_bounded, read_whole
from device.system.log import shown
from device.trust.audit_keys import audit_key
from device.trust.bundle import BundleError, Roots, Trust, open_bundle, root_key, trusting, unproven_bundle
from device.verdict.judge import Judged, Rules, choose, judge_shown
from device.verdict.policy import PolicyError, Setting, parse
from device.verdict.verify import public_claims
from device.wire import MAX_BUNDLE

MAX_KEY = 1_000_000
"""Bytes of a file of certificates or keys."""
DONE, FAILED, USAGE, MISSING, CONFIG = 0, 1, 2, 3, 78
"""Exit codes, the same for every command (``design.md``)."""


def say(sentence: str) -> None:
    """Tell the operator something that is not the answer itself."""
    print(shown(sentence), file=sys.stderr)  # the name of a file may hold anything


def scan(told: Namespace) -> int:
    """Read and judge the codes on pictures; one line, or one JSON object, for each picture that was looked at."""
    rules = _rules(told)
    if rules is None:
        return FAILED
    if (missing := scanner.second_reader()) is not None:
        say(missing)
    at = told.at or datetime.now(UTC)
    contained = Contained()
    code = DONE
    for path in told.images:
        still = read_file(path)
        if still.wrong is not None:
            say(str(still.wrong))
            code = code if isinstance(still.wrong, PartlyReadError) else FAILED
        if not still.frames:
            continue
        read_ms = round(still.read_ms, 2)
        codes = [_code(text, judge_shown(text, rules, at, contained), told.show_text) for text in still.texts]
        if told.json:
            print(json.dumps({"path": str(path), "codes": codes, "took_ms": {"read": read_ms}}))
        else:
            print(f"{shown(path)}: {len(codes)} code(s), read in {read_ms} ms")
            for one in codes:
                verdict = one["verdict"]
                print(f"  {one['kind']}: {verdict['outcome']} ({verdict['reason']}), {_plainly(verdict)}")
                if told.show_text:
                    print(f"    {one['text']!a}")
    return code


def judge_lines(told: Namespace) -> int:
    """Judge one code's text per line of standard input; one line, or one JSON object, for each."""
    rules = _rules(told)
    if rules is None:
        return FAILED
    contained = Contained()
    for text in _lines(sys.stdin.buffer):
        judged = judge_shown(text, rules, told.at or datetime.now(UTC), contained)
        verdict = {"kind": judged.belief.kind, **_form(judged), **_verdict(judged), "claims": _claims(judged)}
        if told.json:
            print(json.dumps(verdict), flush=True)
        else:
            words = f"{verdict['kind']}: {verdict['outcome']} ({verdict['reason']}), {_plainly(verdict)}"
            print(words, flush=True)
    return DONE


def check_config(told: Namespace) -> int:
    """Say every mistake in a configuration; an unknown key, and what is hardly meant, count as one here."""
    try:
        station, warnings = config.load(config.StationSettings, told.config)
    except ConfigError as error:
        for mistake in error.mistakes:
            say(mistake)
        return CONFIG
    if (doubt := frame_rate.doubt(station)) is not None:
        warnings.append(f"{told.config}: {doubt}")
    for warning in warnings:
        say(warning)
    print(f"{told.config}: {station.point.name} ({station.point.site}, {station.point.direction}) is complete")
    return CONFIG if warnings else DONE


def import_bundle(told: Namespace) -> int:
    """Hand a trust bundle, from a stick perhaps, to the station that runs here."""
    try:
        octets = read_bounded(told.file, MAX_BUNDLE)
    except OSError as error:
        say(f"{told.file} cannot be read: {error.strerror}")
        return MISSING
    if len(octets) > MAX_BUNDLE:
        say(f"{told.file} is larger than any bundle")
        return FAILED
    try:
        print(ask(told.socket, "bundle-import", octets))
    except RequestRefusedError as refusal:
        say(f"{told.file} is refused: {refusal}")
        return FAILED
    except NoStationError as error:
        say(f"{error}. Next: systemctl status titik, or run this with sudo")
        return MISSING
    return DONE


def reset_clock(told: Namespace) -> int:
    """Let the station that runs here forget the newest time that it trusted."""
    try:
        print(ask(told.socket, "clock-reset", b""))
    except RequestRefusedError as refusal:
        say(f"refused: {refusal}")
        return FAILED
    except NoStationError as error:
        say(f"{error}. Next: systemctl status titik, or run this with sudo")
        return MISSING
    return DONE


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Yield lines, each cut a little past the longest code, so that no line fills the memory."""
    while line := stream.readline(MAX_TEXT + 2):
        kept = line
        while not line.endswith(b"\n") and line:
            line = stream.readline(65_536)
        yield kept.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")


def _rules(told: Namespace) -> Rules | None:
    """Return the rules that the arguments name, ``None`` once a sentence has said what is wrong."""
    try:
        if told.bundle is None:
            trust = trusting(*(audit_key(read_whole(path, MAX_KEY)) for path in told.key))
        elif told.root:
            trust = open_bundle(read_whole(told.bundle, MAX_BUNDLE), Roots(*(root_key(text) for text in told.root[:2])))
        else:
            say(f"{told.bundle}: nobody checked who signed it, for no --root was given; an audit may do that")
            trust = unproven_bundle(read_whole(told.bundle, MAX_BUNDLE))
    except (BundleError, ValueError, OSError) as error:
        say(f"the keys cannot be used: {error}")
        return None
    policies, wrong = choose(tuple(told.policy) or _bundled(trust) or ("staff",), trust)
    for sentence in wrong:
        say(sentence)
    return Rules(trust, policies, Setting("audit", "audit", "in"), broken=bool(wrong))


def _bundled(trust: Trust) -> tuple[str, ...]:
    """Return the names of the bundle's own policies, in its order."""
    names: list[str] = []
    for text in trust.policies:
        try:
            names.append(parse(text).name)
        except PolicyError:
            continue  # `choose` says which and why
    return tuple(dict.fromkeys(names))


def _code(text: str, judged: Judged, show_text: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": judged.belief.kind, **_form(judged), "verdict": _verdict(judged)}
    return {**told, "text": text} if show_text else told


def _form(judged: Judged) -> dict[str, Any]:
    """Return what the code is called, where it is recognised and not read."""
    return {} if judged.belief.form is None else {"form": judged.belief.form}


def _verdict(judged: Judged) -> dict[str, Any]:
    genuine = judged.belief.credential is not None and judged.belief.credential.genuine
    return {
        "genuine": genuine,
        "valid": genuine and judged.belief.reason is None,
        "reason": judged.verdict.reason,
        "colour": judged.verdict.colour,
        "outcome": judged.verdict.outcome,
    }


def _claims(judged: Judged) -> dict[str, Any] | None:
    return None if judged.belief.credential is None else public_claims(judged.belief.credential)


def _plainly(verdict: dict[str, Any]) -> str:
    if verdict["valid"]:
        return "genuine and in force"
    return "genuine" if verdict["genuine"] else "not shown to be genuine"


def moment(text: str) -> datetime:
    """Return an aware time from ISO 8601 text, UTC where it names no zone; raises ValueError."""
    at = datetime.fromisoformat(text)
    if not 1970 <= at.year < 3000:  # noqa: PLR2004 - what a credential may say
        raise ValueError("a time from 1970 to 2999")
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
