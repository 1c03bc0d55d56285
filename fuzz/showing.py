"""Showings: hostile symbols and pictures held before the whole chain, from the reading to the light.

Nothing may come out of it but views and verdicts. What an attempt raised, and what was contained, is counted; that is
no fault, but it should be rare. Each input depends on a seed and its number alone.
"""

import json
import logging
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from PIL import Image

from device.camera.fill_light import FillLight
from device.camera.pictures import PictureError, luma_of
from device.health import Health
from device.model import MAX_TEXT, Frame, Outcome
from device.reading.attempts import ALONE
from device.reading.decoders import ZXING
from device.reading.target import TargetSelector
from device.scanner import Scanner, read_still
from device.verdict.judge import Basis, judge_shown
from device.verdict.sightings import Sightings
from fuzz import pictures, symbols
from fuzz.symbols import Luma
from fuzz.targets import AT, RULES

BLOCK: Final = 250
"""Showings that one child process takes: what crashes a reader ends the child alone."""
PATIENCE: Final = 600.0
"""Seconds that a block may take."""
FRAMES: Final = 3
INTERVAL: Final = 1 / 15

Make: TypeAlias = Callable[[np.random.Generator], Luma | None]


class Outcomes(NamedTuple):
    """What came of showings: how many there were, how many had a code that was read, and what was contained."""

    shown: int
    read: int
    contained: Mapping[str, int]


def show(luma: Luma) -> tuple[bool, Counter[str]]:
    """Hold *luma* before everything that looks at pictures; return whether a code was read, and what was contained."""
    before = Counter(ALONE.contained.counts)
    texts = read_still(luma)
    contained = Counter(ALONE.contained.counts) - before
    for left_out in ((), (ZXING,)):
        texts += _stream(luma, left_out, contained)
    assert all(0 < len(text) <= MAX_TEXT for text in texts), "a text that no symbol holds"
    return bool(texts), contained


def _stream(luma: Luma, left_out: tuple[str, ...], contained: Counter[str]) -> list[str]:
    """Show *luma* to a wall for some frames, in a hand that trembles; return the texts, count what was contained."""
    eye, nearest, sightings, health, lamp = (
        Scanner(INTERVAL, lambda: 0.0),
        TargetSelector(),
        Sightings(0.7, 10.0, 20),
        Health(15),
        FillLight(),
    )
    eye.leave_out(left_out)
    texts: list[str] = []
    basis = Basis(RULES, AT)
    for number in range(FRAMES if not left_out else 1):
        tick = number * INTERVAL
        shot = np.roll(luma, number, axis=1) if number else luma
        seen = eye.read(shot, tick)
        health.frame(Frame(shot, AT, tick), 1.0)
        lamp.look(shot, tick, eye.stirred)
        texts += [code.text for code in seen.codes]
        there = nearest.seen(seen.codes, shot.shape, tick)
        showings = sightings.showings([(one.text, one.rests) for one in there], tick=tick, basis=basis)
        meant = nearest.chosen(there, showings, seen.suspects, tick)
        if meant is None:
            continue
        judged = judge_shown(meant.text, RULES, AT, health.contained)
        assert judged.verdict.outcome is not Outcome.ADMIT, "admitted, and nobody signed it"
        sightings.sight(meant.text, judged, tick=tick, basis=basis, came=meant.came)
    contained.update(eye.contained)
    contained.update(health.contained.counts)
    return texts


def a_symbol(chance: np.random.Generator) -> Luma:
    """Return a random symbol alone."""
    return symbols.drawn(symbols.symbol(chance), int(chance.integers(2, 7)))


def a_picture(chance: np.random.Generator) -> Luma | None:
    """Return a hostile picture, or what a hostile file comes to: ``None`` if it is refused."""
    if chance.random() < 0.5:
        return pictures.picture(chance)
    hostile = pictures.file(chance)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a header may say anything
        path = Path(folder) / hostile.name
        path.write_bytes(hostile.octets)
        try:
            return luma_of(path)
        except PictureError:
            return None


KINDS: Final[Mapping[str, Make]] = {"symbol": a_symbol, "picture": a_picture}


def showings(kind: str, seed: int, first: int, count: int) -> Iterator[tuple[int, Luma | None]]:
    """Yield number and picture of each showing."""
    for number in range(first, first + count):
        yield number, KINDS[kind](np.random.default_rng((seed, list(KINDS).index(kind), number)))


def outcomes(kind: str, seed: int, first: int, count: int, begins: Callable[[int], None] = lambda _: None) -> Outcomes:
    """Return what comes of so many showings, in this process; *begins* is told of each one's number."""
    read, contained = 0, Counter[str]()
    for number, luma in showings(kind, seed, first, count):
        begins(number)
        if luma is None:
            continue
        found, raised = show(luma)
        read += found
        contained.update(raised)
    return Outcomes(count, read, contained)


def run(kind: str, seed: int, count: int) -> int:
    """Take *count* showings in child processes and print what came of them; return how many blocks ended badly."""
    read, contained, bad = 0, Counter[str](), 0
    for first in range(0, count, BLOCK):
        told = [kind, str(seed), str(first), str(min(BLOCK, count - first))]
        command = [sys.executable, "-X", "faulthandler", "-m", "fuzz.showing", *told]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - our own program
        *_, last = done.stdout.splitlines() or [""]
        if done.returncode:
            bad += 1
            print(
                f"fuzz: {kind} {last} of seed {seed} ended a process with {done.returncode}; its reason stands above."
                f" Next: .venv/bin/python -m fuzz.showing {kind} {seed} {last} 1",
                flush=True,
            )
            continue
        block = json.loads(last)
        read += block["read"]
        contained.update(block["contained"])
    print(f"{kind}: {count} shown, seed {seed}; a code was read on {read}; {bad} processes were ended")
    for name, times in sorted(contained.items()):
        print(f"  contained: {name}: {times}")
    return bad


def main() -> int:
    """Take one block of showings: kind, seed, first number and count are the arguments."""
    kind, seed, first, count = sys.argv[1], *(int(told) for told in sys.argv[2:5])
    logging.disable(logging.WARNING)  # each kind is counted, and said in the end
    told = outcomes(kind, seed, first, count, lambda number: print(number, flush=True))
    print(json.dumps({"read": told.read, "contained": dict(told.contained)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
