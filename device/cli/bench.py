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

from device.camera.pictures import PictureError, left_out, listed, luma_of, told_of
from device.cli.commands import DONE, FAILED, say
from device.config import PointSettings, PrivacySettings
from device.health import percentile
from device.record.event import Composer
from device.record.outbox import Outbox
from device.scanner import read_still
from device.system.clock import Clock
from device.system.contained import Contained
from device.trust.bundle import Trust
from device.verdict.judge import Rules, judge_shown
from device.verdict.policy import Setting
from device.verdict.sightings import Sighting

T = TypeVar("T")
STAGES = ("read", "judge", "record", "turn")


def bench(told: Namespace) -> int:
    """Run every picture through reading, judging and recording, and print percentiles for each stage.

    A picture that cannot be read is said and passed over; the exit code is 1 then. Raises `PictureError` where the
    folder holds none.
    """
    if (sentence := told_of(left_out((told.folder,)))) is not None:
        say(sentence)
    took: dict[str, list[float]] = {stage: [] for stage in STAGES}
    rules = Rules(Trust(), (), Setting("bench", "bench", "in"))
    composer = Composer(PointSettings(name="bench", site="bench"), PrivacySettings(), None, simulated=True)
    clock, contained = Clock("system"), Contained()
    codes = frames = 0
    cpu = 0.0
    code = DONE
    with tempfile.TemporaryDirectory() as folder, Outbox(Path(folder) / "outbox.db", 1_000_000) as outbox:

        def record(sighting: Sighting, at: datetime) -> None:
            outbox.append(composer.compose(outbox.place(), sighting, at, clock.look(at), {}))

        for path in listed((told.folder,)):
            try:
                luma = luma_of(path)
            except PictureError as error:
                say(str(error))
                code = FAILED
                continue
            began = process_time()
            for _ in range(told.rounds):
                turn = perf_counter()
                at = datetime.now(UTC)
                for text in _timed(took["read"], partial(read_still, luma)):
                    codes += 1
                    judged = _timed(took["judge"], partial(judge_shown, text, rules, at, contained))
                    _timed(took["record"], partial(record, Sighting(judged), at))
                took["turn"].append(1000 * (perf_counter() - turn))
            frames += told.rounds
            cpu += process_time() - began
    if not frames:
        return FAILED
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
        return code
    print(f"{frames} frames, {codes} codes, {answer['frames_per_cpu_second']} frames per CPU-second")
    print(f"{'ms':8} {'p50':>9} {'p95':>9} {'p99':>9}")
    for stage in STAGES:
        print(f"{stage:8} " + " ".join(f"{value!s:>9}" for value in answer["ms"][stage].values()))
    return code


def _timed(readings: list[float], work: Callable[[], T]) -> T:
    began = perf_counter()
    result = work()
    readings.append(1000 * (perf_counter() - began))
    return result


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
