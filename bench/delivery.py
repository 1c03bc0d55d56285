"""Delivery to the centre's disk beside what keeps nothing: raw paho, ``mosquitto_pub``, a bare append and fdatasync.

    python -m bench delivery [--json] [--quick]

One mosquitto and one ``titik-central run`` serve all; what is compared takes turns, and only ratios mean anything.
"""

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event as Flag
from time import monotonic
from typing import Any

import bench.__main__ as belief
from bench.senders import POINT, RAW_POINT, TOPIC
from device.config import BrokerSettings, DeliverySettings, PointSettings, PrivacySettings
from device.delivery.announcements import Notice, Sender
from device.delivery.courier import Courier
from device.health import percentile
from device.model import Event, Place
from device.mqtt_client import Link
from device.record.event import Composer
from device.record.outbox import Outbox
from device.record.schema import checksum
from device.system.clock import ClockState
from device.trust.bundle import Trust
from device.verdict.judge import Rules, choose, judge
from device.verdict.policy import Setting
from device.verdict.sightings import Sighting
from device.wire import Acked, Message, dumps
from tests.support.world import Child, Mosquitto, wait_for

GROWN = 300
"""Events after which the log of an outbox has its full size, about 4 MiB, until the station stops."""
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
GOALS = {
    "single / paho": ">= 0.9",
    "batched / paho": ">= 5",
    "batched / mosquitto_pub": ">= 1.0",
    "single / paho, to the disk": ">= 0.9",
    "batched / paho, to the disk": ">= 5",
    "batched / mosquitto_pub, to the disk": ">= 1.0",
    "confirm / append + fdatasync": "<= 1.3",
    "scan to receipt / (PUBACK + 2 commits)": "<= 1.5",
    "verdict while draining / at rest": "<= 1.5",
}


def bodies(count: int, epoch: str, point: str = POINT) -> Iterator[Event]:
    """Yield *count* events as the station writes them."""
    texts, trust = belief.passes(2)
    policies, _ = choose(("staff", "brief-2021"), Trust())
    judged = judge(texts[0], Rules(trust, policies, Setting("bench", "bench", "in")), AT)
    composer = Composer(PointSettings(name=point, site="bupati"), PrivacySettings(), None, simulated=True)
    clock = ClockState(synced=True, boot="b" * 32, uptime=5123.4)
    for seq in range(1, count + 1):
        yield composer.compose(Place(epoch, seq), Sighting(judged, repeat=False), AT, clock, {"read": 9, "judge": 1})


def fill(path: Path, count: int) -> None:
    """Put a backlog of *count* events into a new outbox, in one commit: that it is safe is measured elsewhere."""
    with Outbox(path, 5_000_000):
        pass
    with closing(sqlite3.connect(path)) as file, file:
        file.executemany(
            "INSERT INTO event (epoch, seq, id, body, crc) VALUES (?, ?, ?, ?, ?)",
            (
                (*one.place, one.id, one.body, checksum(*one.place, one.id, one.body))
                for one in bodies(count, secrets.token_hex(4))
            ),
        )


# --- the world around ---


class Office:
    """One broker and one centre on its database."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.broker = stack.enter_context(Mosquitto(folder, "max_queued_messages 2000000"))
        config = folder / "central.toml"
        database = folder / "central.db"
        config.write_text(f'[broker]\nport = {self.broker.port}\n[store]\npath = "{database}"\n', encoding="utf-8")
        command = [sys.executable, "-m", "central", "run", "--config", config]
        stack.enter_context(Child(command, folder / "central"))
        wait_for(database.exists, 20)
        self._file = stack.enter_context(closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)))
        wait_for(lambda: self.held() == 0, 20)

    def held(self) -> int | None:
        """Return how many events are on the centre's disk, ``None`` while it makes its tables."""
        with suppress(sqlite3.OperationalError):
            return int(self._file.execute("SELECT count(*) FROM event").fetchone()[0])
        return None

    def child(self, *arguments: object) -> dict[str, Any]:
        """Run one side in a process of its own, and wait until the centre holds all that it sent."""
        before = self.held() or 0
        command = [sys.executable, "-m", "bench.senders", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=True)  # noqa: S603 - our own
        told: dict[str, Any] = json.loads(done.stdout)
        wait_for(lambda: (self.held() or 0) >= before + told["events"], "the centre holds it all")
        return told

    def lines(self, count: int) -> Path:
        """Return a file of *count* new events, one a line."""
        file = self.folder / "lines"
        file.write_bytes(b"\n".join(one.body for one in bodies(count, secrets.token_hex(4), RAW_POINT)) + b"\n")
        return file

    def publish_lines(self, count: int) -> tuple[float, float]:
        """Return the events a second of ``mosquitto_pub -l``, to its end and to the centre's disk.

        It sends chunks that its packet ids can count.
        """
        took = kept = 0.0
        for _ in range(0, count, 50_000):
            lines = self.lines(min(50_000, count))
            before, began = self.held() or 0, monotonic()
            with lines.open("rb") as said:
                command = ["mosquitto_pub", "-p", str(self.broker.port), "-q", "1", "-V", "5", "-t", TOPIC, "-l"]
                subprocess.run(command, stdin=said, check=True, timeout=600)  # noqa: S603 - a port and a file of ours
            took += monotonic() - began
            wait_for(lambda before=before: (self.held() or 0) >= before + min(50_000, count), 300)
            kept += monotonic() - began
        return count / took, count / kept


def throughput(office: Office, count: int, rounds: int) -> dict[str, float]:
    """Return events a second of each way, the median of *rounds* that took turns.

    What keeps nothing is measured to its last PUBACK, and until the centre has it on the disk.
    """
    found: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for way, size in (("single", count // 4), ("batched", count)):
            outbox = office.folder / f"{secrets.token_hex(4)}.db"
            fill(outbox, size)
            told = office.child("drain", outbox, office.broker.port, way, 600)
            found[way].append(told["events"] / told["seconds"])
            for file in office.folder.glob(f"{outbox.stem}*"):
                file.unlink()
        told = office.child("raw", office.lines(count // 4), office.broker.port)
        found["paho"].append(told["events"] / told["seconds"])
        found["paho, to the disk"].append(told["events"] / (monotonic() - told["began"]))
        if shutil.which("mosquitto_pub"):
            published, kept = office.publish_lines(count)
            found["mosquitto_pub"].append(published)
            found["mosquitto_pub, to the disk"].append(kept)
    return {name: median(rates) for name, rates in found.items()}


def confirm(folder: Path, count: int) -> dict[str, float]:
    """Return p50 and p99 in milliseconds of an append, and of the same bytes appended to a file and synced, in turn.

    *new* is the same of an outbox that was opened a moment ago: its log still grows, which costs the disk more.
    """
    took: dict[str, list[float]] = {"new": [], "confirm": [], "bare": []}
    handle = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with Outbox(folder / "confirm.db", 1_000_000) as outbox:
        for n, one in enumerate(bodies(GROWN + count, "e")):
            took["new" if n < GROWN else "confirm"].append(
                _timed(lambda one=one: outbox.append(lambda place: Event(place, one.id, one.body)))
            )
            if n < GROWN:
                continue
            took["bare"].append(_timed(lambda one=one: (os.write(handle, one.body), os.fdatasync(handle))))
    os.close(handle)
    return {f"{name} {word}": _at(readings, share) for name, readings in took.items() for word, share in SHARES}


class Watched(Outbox):
    """An outbox that notes when a receipt for its rows came."""

    receipted: Flag

    def hold(self, ids: list[str], trusted: datetime | None = None) -> int:
        """Say so, and hold."""
        self.receipted.set()
        return super().hold(ids, trusted)


def round_trip(office: Office, folder: Path, count: int) -> dict[str, float]:
    """Return p50 in milliseconds from append to receipt, of a PUBACK, and of one commit, in turn."""
    took: dict[str, list[float]] = {"receipt": [], "puback": [], "commit": []}
    pause = Flag()
    with Watched(folder / "trip.db", 100_000) as outbox, Outbox(folder / "aside.db", 100_000) as aside:
        outbox.receipted = Flag()
        sender = Sender(POINT, "b" * 32, {})
        will = Message("bench/state", b"{}")
        with (
            Link(BrokerSettings(port=office.broker.port), "bench", will=will) as link,
            Courier(outbox, BrokerSettings(port=office.broker.port), DeliverySettings(), sender) as courier,
        ):
            courier.tell(Notice(trusted_time=AT))
            wait_for(lambda: courier.linked, 20)
            for one in bodies(count, "e"):
                outbox.receipted.clear()

                def send(one: Event = one) -> None:
                    outbox.append(partial(_placed, one))
                    courier.wake()
                    if not outbox.receipted.wait(20):
                        raise TimeoutError("no receipt")

                ways: dict[str, Callable[[], object]] = {
                    "receipt": send,
                    "puback": lambda one=one: _published(link, one.body),
                    "commit": lambda one=one: aside.append(lambda place: Event(place, one.id, one.body)),
                }
                for name, way in ways.items():
                    pause.wait(0.02)  # nobody scans into a machine that is warm from the scan before
                    took[name].append(_timed(way))
    return {f"{name} p50": _at(readings, 0.5) for name, readings in took.items()}


def under_load(office: Office, folder: Path, count: int) -> dict[str, float]:
    """Return p50 and p99 in milliseconds of a verdict and its record, at rest and while a backlog drains."""
    texts, trust = belief.passes(2)
    policies, _ = choose(("staff", "brief-2021"), Trust())
    rules = Rules(trust, policies, Setting("bench", "bench", "in"))
    found = {}
    for name, backlog in (("rest", 0), ("drain", count)):
        path = folder / f"{name}.db"
        fill(path, backlog)
        took: list[float] = []
        pause = Flag()
        with Outbox(path, 5_000_000) as outbox:
            sender = Sender(POINT, "b" * 32, {})
            with Courier(outbox, BrokerSettings(port=office.broker.port), DeliverySettings(), sender) as courier:
                courier.tell(Notice(trusted_time=AT))
                wait_for(lambda courier=courier: courier.linked, 20)
                for one in bodies(200, "e"):
                    if backlog and outbox.depth().owed < 100:  # noqa: PLR2004 - the backlog is gone
                        break

                    def verdict(one: Event = one, outbox: Outbox = outbox) -> None:
                        judge(texts[0], rules, AT)
                        outbox.append(partial(_placed, one))

                    took.append(_timed(verdict))
                    pause.wait(0.02)
        found |= {f"{name} {word}": _at(took, share) for word, share in SHARES} | {f"{name} verdicts": len(took)}
    return found


SHARES = (("p50", 0.5), ("p99", 0.99))


def _placed(one: Event, place: Place) -> Event:
    told: dict[str, Any] = json.loads(one.body)
    return Event(place, one.id, dumps({**told, "data": {**told["data"], "epoch": place.epoch, "seq": place.seq}}))


def _published(link: Link, body: bytes) -> None:
    mid = link.publish(Message("bench/event", body))
    while not any(isinstance(one, Acked) and one.mid == mid for one in link.turn(5)):
        pass


def _timed(work: Callable[[], object]) -> float:
    began = monotonic()
    work()
    return 1000 * (monotonic() - began)


def _at(readings: list[float], share: float) -> float:
    return percentile(readings, share) or 0.0


@contextmanager
def office_in(folder: Path) -> Iterator[Office]:
    """Bind a broker and a centre to *folder*."""
    with ExitStack() as stack:
        yield Office(folder, stack)


def memory(office: Office, sizes: tuple[int, ...]) -> dict[str, Any]:
    """Return the memory of a process that drains backlogs of these sizes for twenty seconds each."""
    found = {}
    for size in sizes:
        path = office.folder / f"memory-{size}.db"
        fill(path, size)
        found[str(size)] = office.child("drain", path, office.broker.port, "batched", 20)
        for file in office.folder.glob(f"{path.stem}*"):
            file.unlink()
    return found


def main(arguments: list[str]) -> int:
    """Measure and print; 0 whatever the figures are, for a benchmark is not a test."""
    parser = ArgumentParser(prog="python -m bench delivery", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fewer events and rounds")
    told = parser.parse_args(arguments)
    count, rounds, few = (20_000, 1, 100) if told.quick else (50_000, 3, 400)
    with tempfile.TemporaryDirectory(dir=".") as name, office_in(Path(name).resolve()) as office:
        rates = throughput(office, count, rounds)
        times = confirm(office.folder, few) | round_trip(office, office.folder, few // 2)
        times |= under_load(office, office.folder, count)
        grown = memory(office, (1_000, 100_000) if told.quick else (1_000, 100_000, 1_000_000))
    ratios = {
        name: rates[ours] / rates[theirs]
        for name in GOALS
        for ours, _, theirs in [name.partition(" / ")]
        if theirs in rates
    } | {
        "confirm / append + fdatasync": times["confirm p50"] / times["bare p50"],
        "scan to receipt / (PUBACK + 2 commits)": times["receipt p50"]
        / (times["puback p50"] + 2 * times["commit p50"]),
        "verdict while draining / at rest": times["drain p50"] / times["rest p50"],
    }
    answer = {"events_per_second": rates, "ms": times, "memory": grown, "ratios": ratios}
    if told.json:
        print(json.dumps(answer))
        return 0
    for name, rate in rates.items():
        print(f"{name:44} {rate:10.0f} events/s")
    for name, value in times.items():
        print(f"{name:44} {value:10.2f}" + ("" if "verdicts" in name else " ms"))
    for size, figures in grown.items():
        print(
            f"memory, backlog {size:>9}{'':19} {figures['resident_mib']:10.1f} MiB, most {figures['most_mib']:.1f},"
            f" before {figures['idle_mib']:.1f}"
        )
    for name, ratio in ratios.items():
        print(f"{name:44} {ratio:10.2f}   goal {GOALS[name]}")
    return 0
