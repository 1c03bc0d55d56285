"""What hostile input costs: CPU, and memory above idle, each case in a process of its own.

    python -m bench hostile [--json]

The cases, and what each must come to, stand in ``tests/support/hostile.py``. Linux only: the peak is the kernel's own
figure (``VmHWM``), set back before each case.
"""

import ctypes
import gc
import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from tests.support.hostile import Case, cases

GOALS = (("ms", "ms", 10.0), ("MiB", "mib", 8.0))
ROUNDS = 5
MAX_SECONDS = 2.0
"""After this much CPU a case is not tried again."""


def memory(name: str) -> float:
    """Return a figure of this process's memory, in MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {name} in /proc/self/status")


def measured(case: Case) -> dict[str, Any]:
    """Return what *case* costs in this process: CPU in ms, the median, and MiB above idle, the first time."""
    made = case.make()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed and kept would hide what is taken
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    idle = memory("VmRSS")
    answer = attempt(case, made)
    peak = memory("VmHWM") - idle
    took: list[float] = []
    while len(took) < ROUNDS and sum(took) < MAX_SECONDS * 1000:
        began = process_time()
        attempt(case, made)
        took.append(1000 * (process_time() - began))
    return {"ms": median(took), "mib": max(peak, 0.0), "met": not isinstance(answer, Exception) and case.met(answer)}


def attempt(case: Case, made: Any) -> Any:
    """Return the answer, or the exception that nobody documented: it is measured all the same, and told."""
    try:
        return case.answer(made)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return error


def apart(case: Case) -> dict[str, Any]:
    """Return what *case* costs, measured in a child of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as out:
            json.dump(measured(case), out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as told:
        text = told.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        return {"ms": float("inf"), "mib": float("inf"), "met": False}
    figures: dict[str, Any] = json.loads(text)
    return figures


def main(arguments: list[str]) -> int:
    """Measure and print; 0 whatever the figures are, for a benchmark is not a test."""
    parser = ArgumentParser(prog="python -m bench hostile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(arguments)
    figures = {case.name: apart(case) for case in cases()}
    if told.json:
        print(json.dumps(figures))
        return 0
    print(f"{'case':82} {'CPU ms':>9} {'MiB':>7}")
    for name, cost in figures.items():
        remarks = [f"over {goal:g} {unit}" for unit, key, goal in GOALS if cost[key] > goal]
        remarks += ["not what was expected"] * (not cost["met"])
        print(f"{name[:82]:82} {cost['ms']:9.2f} {cost['mib']:7.2f}  {', '.join(remarks)}".rstrip())
    slowest, largest = (max(figures, key=lambda name, by=by: figures[name][by]) for by in ("ms", "mib"))
    print(f"{len(figures)} cases; dearest: {figures[slowest]['ms']:.2f} ms, {slowest}")
    print(f"largest: {figures[largest]['mib']:.2f} MiB, {largest}; goals: 10 ms and 8 MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
