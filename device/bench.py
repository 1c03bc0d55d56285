"""``titik bench DIR``: what each stage of a turn costs on this machine, over pictures of one's own."""

import json
import tempfile
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TypeVar

from device.clock import Clock
from device.config import Point, Privacy
from device.contained import Contained
from device.event import Composer
from device.gaze import Sighting
from device.judge import Rules, judge_shown
from device.outbox import Outbox
from device.pictures import listed, luma_of
from device.policy import Setting
from device.scanner import read_still
from device.trust import Trust
from device.vitals import percentile

T = TypeVar("T")
STAGES = ("read", "judge", "record", "turn")


def bench(told: Namespace) -> int:
    """Run every picture through reading, judging and recording, and print percentiles for each stage."""
    pictures = [luma_of(path) for path in listed((told.folder,))]
    took: dict[str, list[float]] = {stage: [] for stage in STAGES}
    rules = Rules(Trust(), (), Setting("bench", "bench", "in"))
    composer = Composer(Point(name="bench", site="bench"), Privacy(), None, simulated=True)
    clock, contained = Clock("system"), Contained()
    codes = 0
    with tempfile.TemporaryDirectory() as folder, Outbox(Path(folder) / "outbox.db", 1_000_000) as outbox:

        def record(sighting: Sighting, at: datetime) -> None:
            outbox.append(composer.compose(outbox.place(), sighting, at, clock.look(at), {}))

        began = process_time()
        for _ in range(told.rounds):
            for luma in pictures:
                turn = perf_counter()
                at = datetime.now(UTC)
                for text in _timed(took["read"], partial(read_still, luma)):
                    codes += 1
                    judged = _timed(took["judge"], partial(judge_shown, text, rules, at, contained))
                    _timed(took["record"], partial(record, Sighting(judged), at))
                took["turn"].append(1000 * (perf_counter() - turn))
        cpu = process_time() - began
    frames = told.rounds * len(pictures)
    answer: dict[str, Any] = {
        "frames": frames,
        "codes": codes,
        "frames_per_cpu_second": round(frames / cpu, 1),
        "ms": {
            stage: {f"p{share}": _rounded(percentile(took[stage], share / 100)) for share in (50, 95, 99)}
            for stage in STAGES
        },
    }
    if told.json:
        print(json.dumps(answer))
        return 0
    print(f"{frames} frames, {codes} codes, {answer['frames_per_cpu_second']} frames per CPU-second")
    print(f"{'ms':8} {'p50':>9} {'p95':>9} {'p99':>9}")
    for stage in STAGES:
        print(f"{stage:8} " + " ".join(f"{value!s:>9}" for value in answer["ms"][stage].values()))
    return 0


def _timed(readings: list[float], work: Callable[[], T]) -> T:
    began = perf_counter()
    result = work()
    readings.append(1000 * (perf_counter() - began))
    return result


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
