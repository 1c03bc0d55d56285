"""Frame in → verdict known: ours against the loop that most Pi projects use, interleaved, in CPU time.

The other loop is ``pyzbar.decode(frame)`` on the colour frame, all symbologies, and the same belief after it.
Both see each frame once, in turn, and a code is shown for as many frames as a person holds it.

    python -m bench [--json] [--frames N]
    python -m bench belief [--json]           a verdict beside its bare verification, see ``bench.belief``
    python -m bench hostile [--json]          what hostile input costs, see ``bench.hostile``
    python -m bench reading [--json] [--quick]    readers side by side, see ``bench.reading``
    python -m bench delivery [--json] [--quick]   to the centre's disk, see ``bench.delivery``
    python -m bench idle [--json] [--quick]   what looking at nothing costs, see ``bench.reading``
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec
from pyzbar import pyzbar

from bench import scenes
from bench.scenes import Scene
from device.model import Domain
from device.scanner import Scanner
from device.trust.bundle import Key, Trust, kid_of, trusting
from device.verdict.judge import Basis, Rules, choose, judge
from device.verdict.policy import Setting
from device.verdict.sightings import Sightings
from office.keys.signing import code_text

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SHARED = Path(__file__).parents[2] / "shared" / "data"
GOALS = {"empty": 0.15, "code": 0.30}
"""At most this share of the other loop's CPU."""
SEED = 20261123


def passes(count: int) -> tuple[list[str], Trust]:
    """Return the texts of staff passes and of health certificates in turn, and the trust in them."""
    staff, health = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    kids = [kid_of(key.public_key()) for key in (staff, health)]
    until, since = (int((AT + timedelta(days=days)).timestamp()) for days in (30, -1))
    dose = {"tg": "840539006", "vp": "1119349007", "mp": "EU/1/20/1528", "ma": "ORG-100030215", "dn": 2, "sd": 2}
    texts = []
    for n in range(count):
        common = {1: "luwuutarakab", 4: until, 6: since}
        if n % 2:
            entry = {**dose, "dt": "2021-09-01", "co": "ID", "is": "Kementerian", "ci": f"URN:UVCI:01:ID:{n:020d}"}
            body = {"ver": "1.3.0", "dob": "1990-01-01", "nam": {"fn": "Contoh", "fnt": "CONTOH"}, "v": [entry]}
            texts.append(code_text({**common, -260: {1: body}}, health, kids[1], "HC1:"))
        else:
            texts.append(code_text({**common, 169: {1: f"{n:04d}", 4: "Pegawai Contoh"}}, staff, kids[0]))
    return texts, trusting(
        Key(staff.public_key(), kids[0], "luwuutarakab", Domain.STAFF),
        Key(health.public_key(), kids[1], "ID", Domain.HEALTH),
    )


def ours(rules: Rules) -> Callable[[Scene, float], int]:
    """Return our way from a frame to its verdicts; it counts them."""
    scanner, sightings, basis = Scanner(1 / 15), Sightings(0.7, 10.0, 1000), Basis(rules, AT)

    def turn(scene: Scene, tick: float) -> int:
        texts = [code.text for code in scanner.read(scene.luma, tick).codes]
        showings = sightings.showings([(text, False) for text in texts], tick=tick, basis=basis)
        for text, shown in zip(texts, showings, strict=True):
            if shown is None:
                sightings.sight(text, judge(text, *basis), tick=tick, basis=basis)
        return len(texts)

    return turn


def usual(rules: Rules) -> Callable[[Scene, float], int]:
    """Return the way of most projects from a frame to its verdicts; it counts them."""

    def turn(scene: Scene, _tick: float) -> int:
        found = pyzbar.decode(scene.colour)
        for symbol in found:
            judge(symbol.data.decode("utf-8", "replace"), rules, AT)
        return len(found)

    return turn


def measure(frames: list[Scene], held: int, rules: Rules) -> dict[str, Any]:
    """Return CPU per frame in milliseconds, both ways, and how many frames each read, *held* frames a scene."""
    ways = {"ours": ours(rules), "usual": usual(rules)}
    took: dict[str, list[float]] = {name: [] for name in ways}
    read = dict.fromkeys(ways, 0)
    tick = 0.0
    for number, scene in enumerate(frames):
        for shown in range(held):
            tick += 1 / 15
            order = list(ways) if (number + shown) % 2 else list(ways)[::-1]
            for name in order:
                began = process_time()
                read[name] += bool(ways[name](scene, tick))
                took[name].append(1000 * (process_time() - began))
        tick += 1.0
    total = {name: sum(readings) for name, readings in took.items()}
    return {
        "frames": len(took["ours"]),
        "cpu_ms": {name: {"mean": total[name] / len(took[name]), "median": median(took[name])} for name in ways},
        "read": read,
        "ratio": total["ours"] / total["usual"],
    }


def main() -> int:
    """Measure and print; 0 whatever the figures are, for a benchmark is not a test."""
    parser = ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--frames", type=int, default=24, help="scenes of each kind")
    told = parser.parse_args()
    chance = np.random.default_rng(SEED)
    texts, trust = passes(told.frames)
    policies, _ = choose(("staff", "brief-2021"), Trust())
    rules = Rules(trust, policies, Setting("bench", "bench", "in"))
    kinds = {
        "empty": ([scenes.of(scenes.background(chance)) for _ in range(told.frames)], 8),
        "code": ([scenes.of(scenes.held_up(text, chance)) for text in texts], 8),
    }
    if (SHARED / "no-code").is_dir():
        kinds["empty, photographs"] = (list(scenes.from_folder(SHARED / "no-code"))[: 2 * told.frames], 8)
    answer = {kind: measure(frames, held, rules) for kind, (frames, held) in kinds.items()}
    if told.json:
        print(json.dumps(answer))
        return 0
    print(f"{'frames':20} {'count':>6} {'ours ms':>9} {'usual ms':>9} {'ratio':>7} {'goal':>6}  read ours/usual")
    for kind, figures in answer.items():
        cpu, read = figures["cpu_ms"], figures["read"]
        print(
            f"{kind:20} {figures['frames']:6} {cpu['ours']['mean']:9.2f} {cpu['usual']['mean']:9.2f}"
            f" {figures['ratio']:7.3f} {GOALS[kind.split(',')[0]]:6.2f}  {read['ours']}/{read['usual']}"
        )
    return 0


if __name__ == "__main__":
    match sys.argv[1:2]:
        case ["belief"]:
            from bench import belief  # each benchmark is paid for by itself

            sys.exit(belief.main(sys.argv[2:]))
        case ["hostile"]:
            from bench import hostile  # as above

            sys.exit(hostile.main(sys.argv[2:]))
        case ["attacks"]:
            from bench import attacks  # as above

            sys.exit(attacks.main(sys.argv[2:]))
        case ["delivery"]:
            from bench import delivery  # as above

            sys.exit(delivery.main(sys.argv[2:]))
        case ["reading" | "idle"]:
            from bench import reading  # as above

            sys.exit(reading.main(sys.argv[1:]))
    sys.exit(main())
