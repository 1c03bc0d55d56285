"""Readers side by side: pyzbar as usually called, pyzbar for QR only, zxing-cpp for QR only, and ours.

Over photographs, pictures without a code, seeded hard photographs and seeded showings; in one run, in turn, CPU time.

    python -m bench reading [--json] [--quick]
    python -m bench idle [--json]             what a minute of nothing costs
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import zxingcpp
from PIL import Image
from pyzbar import pyzbar

from bench import approach, hard
from bench.hard import Photograph
from bench.optics import Luma
from device.camera.pictures import luma_of
from device.health import Health
from device.model import Frame
from device.scanner import Scanner, read_still

SHARED = Path(__file__).parents[2] / "shared" / "data"
SEED = 20261123
LONGEST = 1280
GOALS = {"mean": 0.25, "median": 0.12}
"""At most this share of pyzbar-QR's CPU."""
GOAL_FRAMES = 2
"""At most, at the 95th percentile, from a frame that any reader reads to our text."""
GOAL_IDLE = 3.0
"""At most, per cent of one core at 30 frames a second."""
SAMPLED = 4
"""The other readers see every so many frames of a showing; it is their cost that is asked for there."""
QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
Reader = Callable[[Luma], list[str]]


def _pyzbar(luma: Luma) -> list[str]:
    return [symbol.data.decode("utf-8", "replace") for symbol in pyzbar.decode(luma)]


def _pyzbar_qr(luma: Luma) -> list[str]:
    found = pyzbar.decode(luma, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return [symbol.data.decode("utf-8", "replace") for symbol in found]


def _zxing_qr(luma: Luma) -> list[str]:
    found = zxingcpp.read_barcodes(luma, formats=QR, text_mode=zxingcpp.TextMode.Plain)
    return [symbol.text for symbol in found]


READERS: dict[str, Reader] = {"pyzbar": _pyzbar, "pyzbar QR": _pyzbar_qr, "zxing QR": _zxing_qr, "ours": read_still}
YARDSTICK = "pyzbar QR"


class Tally:
    """What one reader did with one set; *whole*: all that stands in its pictures is known, so anything else is wrong.

    Where it is not, as in photographs of others that show a second code, only a reading without any right text is.
    """

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self.read = self.wrong = self.altered = 0
        self.took: list[float] = []

    def note(self, found: list[str], texts: tuple[str, ...], took: float) -> None:
        """Count what was *found* where *texts* stand, in *took* milliseconds."""
        right, seen = {plain(text) for text in texts}, {plain(text) for text in found}
        if seen & right and not self._whole:
            seen &= right
        altered = {text for text in seen - right if any(is_altered(text, one) for one in right)}
        self.took.append(took)
        self.read += bool(seen & right)
        self.altered += bool(altered)
        self.wrong += bool(seen - right - altered)

    def told(self, yardstick: "Tally") -> dict[str, Any]:
        """Return the figures, CPU in milliseconds and as a share of *yardstick*'s."""
        cpu, other = cpu_of(self.took), cpu_of(yardstick.took)
        shares = {figure: cpu[figure] / other[figure] for figure in GOALS if other[figure]}
        return {
            "pictures": len(self.took), "read": self.read, "wrong": self.wrong, "altered": self.altered,
            "cpu_ms": cpu, "of_pyzbar_qr": shares,
        }  # fmt: skip


def cpu_of(took: list[float]) -> dict[str, float]:
    """Return the usual figures of *took*; noughts where there is nothing."""
    if not took:
        return {"mean": 0.0, "median": 0.0, "p95": 0.0, "most": 0.0}
    return {"mean": mean(took), "median": median(took), "p95": float(np.percentile(took, 95)), "most": max(took)}


def plain(text: str) -> str:
    """Return *text* as the data's own list writes it: without carriage returns and ends of white space."""
    return text.replace("\r\n", "\n").strip()


def is_altered(text: str, right: str) -> bool:
    """Return whether *text* is *right* with characters changed or lost, rather than some other text."""
    bare, wanted = (one.encode("ascii", "ignore").decode().replace("?", "") for one in (text, right))
    return bool(text) and (bare == wanted or right.startswith(text) or right.endswith(text) or _near(bare, wanted))


def _near(text: str, right: str) -> bool:
    """Return whether most characters stand where they should."""
    same = sum(one == other for one, other in zip(text, right, strict=False))
    return same > max(len(text), len(right)) / 2


def timed(reader: Reader, luma: Luma) -> tuple[list[str], float]:
    """Return what *reader* finds, and its CPU in milliseconds."""
    began = process_time()
    found = reader(luma)
    return found, 1000 * (process_time() - began)


def stills(pictures: Iterator[Photograph], *, whole: bool = True) -> dict[str, dict[str, Any]]:
    """Return by kind, and for "all", what each reader did with *pictures*; *whole* is `Tally`'s."""
    tallies: dict[str, dict[str, Tally]] = {"all": {name: Tally(whole=whole) for name in READERS}}
    names = list(READERS)
    for number, picture in enumerate(pictures):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            found, took = timed(READERS[name], picture.luma)
            for kind in ("all", picture.kind):
                tallies.setdefault(kind, {one: Tally(whole=whole) for one in READERS})[name].note(
                    found, picture.texts, took
                )
    return {
        kind: {name: tally.told(by_reader[YARDSTICK]) for name, tally in by_reader.items()}
        for kind, by_reader in tallies.items()
    }


def from_folder(folder: Path, step: int) -> Iterator[Photograph]:
    """Yield every *step*-th picture of *folder*, longest side 1280 at most, with what its list says is in it."""
    if (folder / "manifest.json").is_file():
        entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        listed = [(entry["file"], tuple(entry["texts"])) for entry in entries]
    else:
        endings = {".png", ".webp", ".jpg", ".jpeg"}
        listed = [(path.name, ()) for path in sorted(folder.iterdir()) if path.suffix.lower() in endings]
    for name, texts in listed[::step]:
        picture = Image.fromarray(luma_of(folder / name))
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        yield Photograph(folder.name, texts, np.ascontiguousarray(np.asarray(picture, dtype=np.uint8)))


class Seen(NamedTuple):
    """When a showing could first be read, and when we did, in frames; None: never."""

    kind: str
    readable: int | None
    ours: int | None

    @property
    def waited(self) -> int | None:
        """Frames from the one to the other, None where it was not read or could not be."""
        return None if self.readable is None or self.ours is None else self.ours - self.readable


def watch(showings: Iterator[approach.Showing], tallies: dict[str, Tally]) -> list[Seen]:
    """Return when each of *showings* was read; what the frames cost goes to *tallies*.

    A frame is readable when any still reader reads it taken alone, or we did. Plain pyzbar is not asked for
    that: what it finds of QR codes pyzbar QR finds too.
    """
    scanner, seen, tick = Scanner(1 / approach.RATE), [], 0.0
    for showing in showings:
        readable = ours = None
        for number, look in enumerate(showing.frames):
            tick += 1 / approach.RATE
            found, took = timed(partial(_on, scanner, tick), look.luma)
            tallies["ours"].note(found, (showing.text,), took)
            if ours is None and showing.text in found:
                ours = number
                readable = number if readable is None else readable
            if readable is None and look.shown and _readable(showing.text, look.luma):
                readable = number
            if number % SAMPLED == 0:
                for name in list(READERS)[:-1]:
                    others, cost = timed(READERS[name], look.luma)
                    tallies[name].note(others, (showing.text,), cost)
        seen.append(Seen(showing.kind, readable, ours))
    return seen


def _on(scanner: Scanner, tick: float, luma: Luma) -> list[str]:
    return [code.text for code in scanner.read(luma, tick).codes]


def _readable(text: str, luma: Luma) -> bool:
    return any(text in READERS[name](luma) for name in ("zxing QR", "pyzbar QR", "ours"))  # the cheapest first


def shown(showings: Iterator[approach.Showing]) -> dict[str, Any]:
    """Return how soon *showings* were read, by kind and for all, and what a frame of them cost each reader."""
    tallies = {name: Tally() for name in READERS}
    seen = watch(showings, tallies)
    kinds = ["all", *dict.fromkeys(one.kind for one in seen)]
    return {
        "frames": {name: tally.told(tallies[YARDSTICK]) for name, tally in tallies.items()},
        "waits": {kind: _waits([one for one in seen if kind in ("all", one.kind)]) for kind in kinds},
    }


def _waits(seen: list[Seen]) -> dict[str, Any]:
    """Return the figures of *seen*; a readable showing that we never read counts as an endless wait in them."""
    readable = [one for one in seen if one.readable is not None]
    waited = [float("inf") if one.waited is None else float(one.waited) for one in readable]
    ranks = {"p50": 50, "p95": 95}
    figures = {name: float(np.percentile(waited, rank, method="higher")) for name, rank in ranks.items() if waited}
    return {
        "showings": len(seen), "readable": len(readable), "read": sum(one.ours is not None for one in seen),
        **{name: figure if np.isfinite(figure) else None for name, figure in figures.items()},
    }  # fmt: skip


def idle(count: int = 60 * approach.RATE) -> dict[str, Any]:
    """Return per cent of one core that looking at nothing takes at 30 frames a second, by the noise's deviation."""
    told = {}
    for rough in (2.0, 4.0, 6.0):
        scanner, health, took = Scanner(1 / approach.RATE), Health(approach.RATE), []
        for look in approach.nothing(SEED, count, rough):
            frame = Frame(look.luma, datetime.now(UTC), look.tick)
            began = process_time()
            scanner.read(frame.luma, frame.tick)
            health.frame(frame, 0.0)
            took.append(1000 * (process_time() - began))
        told[f"{rough:.0f}"] = {"frames": count, "cpu_ms": cpu_of(took), "percent": mean(took) * approach.RATE / 10}
    return told


def main(arguments: list[str]) -> int:
    """Measure and print; 0 whatever the figures are, for a benchmark is not a test."""
    parser = ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("reading", "idle"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fewer of everything, some two minutes")
    told = parser.parse_args(arguments)
    if told.what == "idle":
        answer: dict[str, Any] = idle(300 if told.quick else 60 * approach.RATE)
        print(json.dumps(answer)) if told.json else _print_idle(answer)
        return 0
    step, photographs, people = (8, 34, 9) if told.quick else (1, 255, 27)
    sets = {name: from_folder(SHARED / name, step) for name in ("photos", "no-code") if (SHARED / name).is_dir()}
    sets["hard"] = hard.photographs(photographs, SEED)
    sets["hard, no code"] = hard.empties(photographs // 3, SEED)
    answer = {
        "stills": {name: stills(pictures, whole=name != "photos") for name, pictures in sets.items()},
        "showings": shown(approach.showings(people, SEED)),
        "slow": shown(approach.slow(SEED)),
    }
    print(json.dumps(answer)) if told.json else _print(answer)
    return 0


def _print_idle(answer: dict[str, Any]) -> None:
    cost = f"{'mean ms':>9} {'p95 ms':>8} {'most ms':>8} {'% of a core':>12}"
    print(f"{'noise':8} {'frames':>7} {cost}   goal {GOAL_IDLE:.0f}")
    for rough, figures in answer.items():
        cpu = figures["cpu_ms"]
        costs = f"{cpu['mean']:9.3f} {cpu['p95']:8.3f} {cpu['most']:8.2f}"
        print(f"{rough:8} {figures['frames']:7} {costs} {figures['percent']:12.2f}")


def _print(answer: dict[str, Any]) -> None:
    head = f"{'pictures':14} {'reader':10} {'count':>6} {'read':>7} {'wrong':>6} {'altered':>8}"
    cost = f"{'mean ms':>9} {'median':>8} {'p95':>8} {'most':>8} {'mean/':>7} {'median/':>8}"
    print(f"{head} {cost}   goal {GOALS['mean']} and {GOALS['median']} of pyzbar QR")
    for name, by_kind in answer["stills"].items():
        _print_rows(name, by_kind["all"])
    _print_rows("showings", answer["showings"]["frames"])
    names = " ".join(f"{reader:>10}" for reader in READERS)
    print(f"\n{'hard, of which':14} {'count':>6} {names}   per cent read")
    for kind, by_reader in answer["stills"]["hard"].items():
        rates = (100 * figures["read"] / figures["pictures"] for figures in by_reader.values())
        print(f"{kind:14} {by_reader['ours']['pictures']:6} " + " ".join(f"{rate:10.0f}" for rate in rates))
    head = f"{'count':>6} {'readable':>9} {'read':>6} {'p50':>5} {'p95':>5}"
    print(f"\n{'showings':22} {head} frames   goal p95 {GOAL_FRAMES}")
    slow = {kind: waits for kind, waits in answer["slow"]["waits"].items() if kind != "all"}
    for kind, waits in {**answer["showings"]["waits"], **slow}.items():
        _print_waits(kind, waits)


def _print_rows(name: str, by_reader: dict[str, Any]) -> None:
    for reader, figures in by_reader.items():
        cpu, shares, count = figures["cpu_ms"], figures["of_pyzbar_qr"], figures["pictures"]
        rate = f"{100 * figures['read'] / max(count, 1):6.1f}%"
        costs = f"{cpu['mean']:9.2f} {cpu['median']:8.2f} {cpu['p95']:8.2f} {cpu['most']:8.2f}"
        ratios = f"{shares.get('mean', 0):7.3f} {shares.get('median', 0):8.3f}"
        print(f"{name:14} {reader:10} {count:6} {rate} {figures['wrong']:6} {figures['altered']:8} {costs} {ratios}")


def _print_waits(kind: str, waits: dict[str, Any]) -> None:
    p50, p95 = ("never" if (figure := waits.get(name)) is None else f"{figure:.0f}" for name in ("p50", "p95"))
    if not waits["readable"]:
        p50 = p95 = "-"
    print(f"{kind:22} {waits['showings']:6} {waits['readable']:9} {waits['read']:6} {p50:>5} {p95:>5}")
