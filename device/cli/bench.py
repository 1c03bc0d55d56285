"""``titik bench DIR``: what each stage of a turn costs on this machine, over pictures of one's own."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TypeVar

from device.cli import options
from device.cli.say import say
from device.system.command_line import answered_by
from device.system.exit_codes import DONE, FAILED

T = TypeVar("T")
STAGES = ("read", "judge", "record", "turn")


@dataclass(frozen=True, slots=True)
class Bench:
    """What ``bench`` is asked."""

    folder: Path
    rounds: int
    json: bool


def add(commands: Any) -> None:
    """Add the command."""
    one = options.command(
        commands, "bench", "measure reading, judging and recording over a folder of pictures", "titik bench photos/"
    )
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--rounds", type=int, default=3, help="how often each picture is taken")
    one.add_argument("--json", action="store_true", help="one JSON object")
    answered_by(one, Bench, run)


def run(asked: Bench) -> int:
    """Print percentiles for each stage; a picture that cannot be read is said and passed over, and makes it exit 1."""
    from device.camera.pictures import PictureError

    try:
        answer, code = _measured(asked.folder, asked.rounds)
    except PictureError as error:
        say(str(error))
        return FAILED
    if answer is None:
        return code
    if asked.json:
        print(json.dumps(answer))
        return code
    print(
        f"{answer['frames']} frames, {answer['codes']} codes, {answer['frames_per_cpu_second']} frames per CPU-second"
    )
    print(f"{'ms':8} {'p50':>9} {'p95':>9} {'p99':>9}")
    for stage in STAGES:
        print(f"{stage:8} " + " ".join(f"{value!s:>9}" for value in answer["ms"][stage].values()))
    return code


def _measured(folder: Path, rounds: int) -> tuple[dict[str, Any] | None, int]:
    """Run every picture in *folder* through reading, judging and recording; return what it took, and the exit code.

    Raises `PictureError` where the folder holds none.
    """
    from device.camera.pictures import PictureError, left_out, listed, luma_of, told_of
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

    if (sentence := told_of(left_out((folder,)))) is not None:
        say(sentence)
    took: dict[str, list[float]] = {stage: [] for stage in STAGES}
    rules = Rules(Trust(), (), Setting("bench", "bench", "in"))
    composer = Composer(PointSettings(name="bench", site="bench"), PrivacySettings(), None, simulated=True)
    clock, contained = Clock("system"), Contained()
    codes = frames = 0
    cpu = 0.0
    code = DONE
    with tempfile.TemporaryDirectory() as temporary, Outbox(Path(temporary) / "outbox.db", 1_000_000) as outbox:

        def record(sighting: Sighting, at: datetime) -> None:
            outbox.append(lambda place: composer.compose(place, sighting, at, clock.look(at), {}))

        for path in listed((folder,)):
            try:
                luma = luma_of(path)
            except PictureError as error:
                say(str(error))
                code = FAILED
                continue
            began = process_time()
            for _ in range(rounds):
                turn = perf_counter()
                at = datetime.now(UTC)
                for text in _timed(took["read"], partial(read_still, luma)):
                    codes += 1
                    judged = _timed(took["judge"], partial(judge_shown, text, rules, at, contained))
                    _timed(took["record"], partial(record, Sighting(judged), at))
                took["turn"].append(1000 * (perf_counter() - turn))
            frames += rounds
            cpu += process_time() - began
    if not frames:
        return None, FAILED
    answer = {
        "frames": frames,
        "codes": codes,
        "frames_per_cpu_second": round(frames / cpu, 1),
        "ms": {
            stage: {f"p{share}": _rounded(percentile(took[stage], share / 100)) for share in (50, 95, 99)}
            for stage in STAGES
        },
    }
    return answer, code


def _timed(readings: list[float], work: Callable[[], T]) -> T:
    began = perf_counter()
    result = work()
    readings.append(1000 * (perf_counter() - began))
    return result


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
