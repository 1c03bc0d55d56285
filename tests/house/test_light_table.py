"""README's table of the lights, which people print and hang beside the device, says what the lamps do."""

import re
from itertools import groupby
from typing import NamedTuple

import pytest

from device.model import Reason
from device.patterns import AMBER, GREEN, HIGH, LIGHTS, LOW, RED, SUFFIX, Pattern
from tests.support.world import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

COUNTS = {"a": 1, "one": 1, "two": 2, "three": 3}
LENGTHS = {"blip": "short", "blips": "short", "short": "short", "long": "long", "longer": "long", "steady": "long"}
LAMPS = {
    "green": frozenset({GREEN}),
    "red": frozenset({RED}),
    "red and green": frozenset({RED, GREEN}),
    "both lamps": frozenset({RED, GREEN}),
    "the first answer's lamp": None,
}
SHORT = 0.3
"""Seconds."""
SAYS_NO_MORE = {"blink", "blinks", "together", "ones", "one"}


class Said(NamedTuple):
    """Lamps, or a tone, for a time; ``None`` where the table does not say which or how long."""

    lit: frozenset[str] | None
    length: str | float | None


def told(cell: str) -> tuple[list[Said], float | None]:
    """Return what a cell of README's table says: each time it is on, and after how many seconds it begins again.

    Its grammar is small: parts behind commas or *then*, each of so many, so long, of a colour; a part that is neither
    many nor long names the colour of those behind it, unless none stand there. Fails on a word that it does not know.
    """
    period, lit, blinks = None, None, []
    cell = cell.removesuffix(", for ever")
    if found := re.search(r",? every ([\d.]+) s$", cell):
        cell, period = cell[: found.start()], float(found[1])
    if found := re.search(r", ([\d.]+) s on, ([\d.]+) s off", cell):
        period = float(found[1]) + float(found[2])
        cell = cell.replace(found[0], f", {found[1]} s")
    parts = re.split(r", then |, | then ", cell)
    for n, part in enumerate(parts):
        here = part
        named = max((name for name in LAMPS if re.search(rf"\b{name}\b", part)), key=len, default=None)
        if named is not None:
            lit, here = LAMPS[named], re.sub(rf"\b{named}\b", "", part)
        seconds = re.search(r"([\d.]+) s\b", here)
        words = re.sub(r"[\d.]+ s\b", "", here).split()
        count = COUNTS.get(words[0]) if words else None
        lengths = {LENGTHS[word] for word in words if word in LENGTHS}
        strange = [w for w in words[count is not None :] if w not in LENGTHS and w not in SAYS_NO_MORE]
        assert strange == [], f"{cell!r}: say it in the words of the table"
        length = float(seconds[1]) if seconds else next(iter(lengths), None)
        if count is not None or length is not None or n == len(parts) - 1:
            blinks += [Said(lit, length)] * (count or 1)
    return blinks, period


def fits(said: list[Said], shown: list[tuple[frozenset[str], float]]) -> bool:
    """Whether what is *shown*, lamps and seconds, is what is *said*."""
    return len(said) == len(shown) and all(
        one.lit in (None, lamps) and one.length in (None, seconds, "short" if seconds <= SHORT else "long")
        for one, (lamps, seconds) in zip(said, shown, strict=True)
    )


def lit(shown: Pattern) -> list[tuple[frozenset[str], float]]:
    """Return which lamps are lit and for how long, each time that they are; the tone of a step is no part of it."""
    runs = [
        (lamps, [step.seconds for step in steps]) for lamps, steps in groupby(shown, lambda step: step.lit - {AMBER})
    ]
    return [(lamps, round(sum(seconds), 3)) for lamps, seconds in runs if lamps]


def table() -> dict[str, tuple[str, str]]:
    """Return README's table of the lights: what is meant, in English, to lamps and sound."""
    text = README.partition("## The lights")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| \*\*(.+)\*\* / (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    return {english: (lamps, sound) for _, english, lamps, sound in rows}


def test_the_readme_has_a_row_for_each_light_and_no_other() -> None:
    assert list(table()) == list(LIGHTS)


@pytest.mark.parametrize("row", LIGHTS)
def test_a_row_of_the_readme_says_colour_rhythm_and_sound_of_its_light(row: str) -> None:
    lamps, sound = table()[row]
    blinks, period = told(lamps)
    for one in LIGHTS[row]:
        assert fits(blinks, lit(one)), (lamps, lit(one))
        assert period in {None, sum(step.seconds for step in one)}
        pitch = {"high": {HIGH}, "low": {LOW}}.get(sound.rpartition(", ")[2])
        beeps = [] if sound == "\N{EN DASH}" else told(re.sub(", (high|low)$", "", sound))[0]
        assert fits(beeps, [(frozenset(), step.seconds) for step in one if step.tone is not None])
        assert pitch in (None, {step.tone for step in one if step.tone is not None})
    assert (len(LIGHTS[row]) == 1) == all(blink.lit for blink in blinks), "one light has one colour"


WHY = {
    "expired": Reason.EXPIRED,
    "not yet valid": Reason.NOT_YET_VALID,
    "issuer unknown": Reason.UNKNOWN_ISSUER,
    "not allowed to say this": Reason.WRONG_DOMAIN,
    "forged": Reason.FORGED,
    "revoked": Reason.REVOKED,
    "replayed": Reason.REPLAYED,
    "damaged": Reason.MALFORMED,
    "the station's clock is not trusted": Reason.CLOCK_UNTRUSTED,
    "a rule cannot be used": Reason.POLICY_ERROR,
    "no rule speaks of it": Reason.NO_RULE,
}


def test_the_readme_says_how_many_blips_say_why() -> None:
    after = re.search(
        r"^After \*refused\*, short blips say why: (.+?)\.\nAfter \*check\*: (.+?)\. ", README, re.MULTILINE
    )
    assert after is not None
    said = {
        WHY[word]: int(count)
        for sentence in after.groups()
        for count, words in re.findall(r"(\d) ([^\d]+?)(?:, (?=\d)|$)", sentence)
        for word in re.split(r", | or ", words)
    }
    assert said == SUFFIX
