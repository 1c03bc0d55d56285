"""Fuzzing by hand or from the Makefile; ends with 0, with 1 where something was found, with 3 where it cannot run.

python -m fuzz seeds                       write fuzz/corpus anew
python -m fuzz replay TARGET FILE...       hand files to a target once, without atheris
python -m fuzz run --seconds N [TARGET...] fuzz each target in turn, N seconds in all (needs atheris)
python -m fuzz.one TARGET [ARGUMENT...]    fuzz one target, with libFuzzer's own arguments
python -m fuzz show [--symbols N] [--pictures N] [--seed N]    hold hostile codes before the chain, without atheris
"""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from fuzz import seeds, showing
from fuzz.targets import CORPUS, TARGETS, Target, taken

WORK: Final = Path("build") / "fuzz"
"""Where a run keeps what it finds: inputs that reach new code in ``corpus``, broken promises in ``found``."""
WORDS: Final = Path(__file__).parent / "words.dict"
MAX_MEMORY: Final = 512
"""MiB of the whole process; and a single allocation may have a sixteenth of it."""


def replay(target: Target, files: list[Path]) -> int:
    """Hand each of *files* to *target*; the traceback is the answer where a promise is broken."""
    for file in files:
        taken(target, file.read_bytes())
    print(f"{target.name}: {len(files)} inputs, nothing found")
    return 0


def run(names: list[str], seconds: int) -> int:
    """Fuzz the targets of *names* one after the other, and say how to repeat what is found."""
    found = 0
    for name in names:
        corpus, crashes = WORK / "corpus" / name, WORK / "found"
        corpus.mkdir(parents=True, exist_ok=True)
        crashes.mkdir(parents=True, exist_ok=True)
        before = set(crashes.iterdir())
        told = [f"-max_total_time={max(1, seconds // len(names))}", f"-max_len={TARGETS[name].longest}"]
        told += [f"-artifact_prefix={crashes}/{name}-", f"-rss_limit_mb={MAX_MEMORY}", "-print_final_stats=1"]
        told += [
            f"-malloc_limit_mb={MAX_MEMORY // 16}",
            "-timeout=5",
            "-len_control=0",
            f"-dict={WORDS}",
            str(corpus),
            str(CORPUS / name),
        ]
        print(f"fuzz: {name}", flush=True)
        ended = subprocess.run([sys.executable, "-m", "fuzz.one", name, *told], check=False).returncode  # noqa: S603 - our own program
        fresh = sorted(set(crashes.iterdir()) - before)
        for file in fresh:
            print(f"fuzz: {name} broke a promise. Next: .venv/bin/python -m fuzz replay {name} {file}", flush=True)
        if ended != 0 and not fresh:
            print(f"fuzz: {name} ended with {ended}; its reason stands above", flush=True)
        found += ended != 0
    return 1 if found else 0


def main() -> int:
    """Do what the command line says."""
    parser = ArgumentParser(prog="python -m fuzz", description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("seeds")
    again = verbs.add_parser("replay")
    again.add_argument("target", choices=TARGETS)
    again.add_argument("files", type=Path, nargs="+")
    whole = verbs.add_parser("run")
    whole.add_argument("--seconds", type=int, default=30)
    whole.add_argument("targets", nargs="*", metavar="TARGET")
    show = verbs.add_parser("show")
    show.add_argument("--symbols", type=int, default=10_000)
    show.add_argument("--pictures", type=int, default=2_000)
    show.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    match told.verb:
        case "seeds":
            seeds.write(CORPUS)
            return 0
        case "replay":
            return replay(TARGETS[told.target], told.files)
        case "show":
            ended = [showing.run(kind, told.seed, getattr(told, f"{kind}s")) for kind in showing.KINDS]
            return 1 if any(ended) else 0
        case _:
            if unknown := set(told.targets) - TARGETS.keys():
                parser.error(f"no such target: {', '.join(sorted(unknown))}")
            return run(told.targets or list(TARGETS), told.seconds)


if __name__ == "__main__":
    sys.exit(main())
