"""What one point's stolen certificate does to the other six: scan to receipt at rest, under attack, and after it.

    python -m bench attacks [NAME...] [--seconds 30] [--json]

The broker with the shipped configuration and rules, the centre as its own program, six honest points that decide
once a second each, and a seventh certificate that does what its holder likes. The attacker runs on the same two
cores as everybody else, at the lowest priority, as it would not in an office.
"""

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import Any, NamedTuple

from device.config import BrokerSettings, DeliverySettings
from device.delivery.announcements import Notice, Sender
from device.delivery.courier import Courier
from device.health import percentile
from device.model import Event, Place
from device.mqtt_client import Link, SessionError
from device.record.outbox import Outbox
from device.wire import CONTENT_TYPE_BATCH, Message, Topics, batch, dumps
from tests.faults.wall import event
from tests.support.certificates import Authority, Pair
from tests.support.shipped import shipped_broker
from tests.support.world import Child, Mosquitto, free_port, wait_for

TOPICS = Topics()
HONEST = ("bupati-1", "bupati-2", "bupati-3", "gabungan-1", "gabungan-2", "gabungan-3")
THIEF = "dprd-1"
EVERY = 1.0
"""Seconds between two people at one point."""
AFTER = 60.0
"""Seconds that the office has to be as before."""
PERIOD = 30
"""Seconds of the watchdog, as in the shipped unit."""
GOALS = {"during / rest": 3.0, "after / rest": 1.2}


def broker_of(port: int, ca: Path, pair: Pair) -> BrokerSettings:
    """Return the broker as the owner of *pair* has it in its configuration."""
    return BrokerSettings(host="127.0.0.1", port=port, tls=True, ca=ca, certificate=pair.certificate, key=pair.key)


# --- the six ---


class Watched(Outbox):
    """An outbox that notes how long each event waited for its receipt."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, 200_000)
        self.began: dict[str, float] = {}
        self.took: list[tuple[float, float]] = []
        """When it was shown, monotonic, and how many milliseconds later it was held."""

    def hold(self, ids: list[str], trusted: datetime | None = None) -> int:
        """Hold, and note when."""
        held, now = super().hold(ids, trusted), monotonic()
        self._noted(ids, now)
        return held

    def settle(self, receipt: Any, trusted: datetime | None = None) -> int | None:
        """Settle, and note when."""
        settled, now = super().settle(receipt, trusted), monotonic()
        if settled:
            self._noted([id_ for id_ in self.began if self._is_held(id_)], now)
        return settled

    def _is_held(self, id_: str) -> bool:
        with self._lock:
            if self._file is None:
                return False
            told = self._file.execute("SELECT held_at FROM event WHERE id = ?", (id_,)).fetchone()
        return told is not None and told[0] is not None

    def _noted(self, ids: list[str], now: float) -> None:
        for id_ in ids:
            if (began := self.began.pop(id_, None)) is not None:
                self.took.append((began, 1000 * (now - began)))


class Point:
    """One honest point, its people coming at a steady pace."""

    def __init__(self, name: str, folder: Path, broker: BrokerSettings, stack: ExitStack) -> None:
        self.name = name
        self.outbox = stack.enter_context(Watched(folder / f"{name}.db"))
        sender = Sender(name, secrets.token_hex(16), {"version": "bench"})
        self.courier = stack.enter_context(Courier(self.outbox, broker, DeliverySettings(), sender))

    def person(self) -> None:
        """Let one person have their light."""
        now = datetime.now(UTC)
        self.courier.tell(Notice(trusted_time=now, health={}))

        def composed(place: Place) -> Event:
            told = event(self.name, place, now)
            self.outbox.began[told.id] = monotonic()
            return told

        self.outbox.append(composed)
        self.courier.wake()


class People(Thread):
    """Come to the six points in turn until told to stop."""

    def __init__(self, points: list[Point]) -> None:
        super().__init__(name="people", daemon=True)
        self.points = points
        self.stop = Flag()

    def run(self) -> None:
        """Come."""
        for n in count():
            if self.stop.wait(EVERY / len(self.points)):
                return
            self.points[n % len(self.points)].person()


class Beats(Thread):
    """Hear what the centre tells systemd, and when."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="beats", daemon=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.heard: list[float] = []

    def run(self) -> None:
        """Hear."""
        with suppress(OSError):
            while told := self._socket.recv(4096):
                if b"WATCHDOG=1" in told:
                    self.heard.append(monotonic())

    def longest(self, since: float, until: float) -> float:
        """Return the longest gap between two beats that touches this span, seconds."""
        ends = [since, *(one for one in self.heard if since <= one <= until), until]
        return max(after - before for before, after in pairwise(ends))


# --- the seventh ---


def retained(topic: Callable[[int], str]) -> Iterator[Message]:
    """Yield retained megabytes, each on a topic of its own."""
    body = os.urandom(1_000_000)
    for n in count():
        yield Message(topic(n), body, retain=True)


def said_epochs() -> Iterator[Message]:
    """Yield health messages that name a hundred epochs that nobody saw."""
    while True:
        kept = [[secrets.token_hex(4), 1, 5] for _ in range(100)]
        told = {"epoch": kept[-1][0], "seq": 5, "oldest": None, "owed": 0, "kept": kept}
        yield Message(TOPICS.of(THIEF, "health"), dumps(told))


def opened_epochs() -> Iterator[Message]:
    """Yield events each of which opens an epoch."""
    now = datetime.now(UTC)
    while True:
        yield Message(
            TOPICS.of(THIEF, "event"),
            batch([scan(secrets.token_hex(4), 2, now) for _ in range(50)]),
            content_type=CONTENT_TYPE_BATCH,
        )


def scan(epoch: str, seq: int, at: datetime, **clock: object) -> bytes:
    """Return an event of the thief's point at this place."""
    told = json.loads(event(THIEF, Place(epoch, seq), at).body)
    told["data"]["clock"] |= clock
    return dumps(told)


def corrections() -> Iterator[Message]:
    """Yield 20,000 undated events, then messages of 200 corrections of their clock, in falling uptime."""
    now, epoch, boot = datetime.now(UTC), secrets.token_hex(4), secrets.token_hex(16)
    topic = TOPICS.of(THIEF, "event")
    for first in range(1, 20_001, 50):
        some = [scan(epoch, seq, now, synced=False, boot=boot, uptime=100.0 + seq) for seq in range(first, first + 50)]
        yield Message(topic, batch(some), content_type=CONTENT_TYPE_BATCH)
    for first in count(20_001, 200):
        some = []
        for seq in range(first, first + 200):
            told = json.loads(scan(epoch, seq, now, synced=True, boot=boot, uptime=1e6 - seq))
            told["type"] = "id.titik.clock"
            told["data"]["offset"] = now.timestamp() - 1000.0 - seq
            some.append(dumps(told))
        yield Message(topic, batch(some), content_type=CONTENT_TYPE_BATCH)


def states() -> Iterator[Message]:
    """Yield states of two boots in turn, as fast as they are taken."""
    for n in count():
        told = {"state": "online", "boot": f"boot-{n % 2}", "epoch": f"{n:08x}", "seq": n, "oldest": None, "owed": 0}
        yield Message(TOPICS.of(THIEF, "state"), dumps({**told, "faults": [], "kept": []}), retain=True)


def rubbish() -> Iterator[Message]:
    """Yield megabytes that are no events."""
    while True:
        yield Message(TOPICS.of(THIEF, "event"), os.urandom(1_000_000))


def flood() -> Iterator[Message]:
    """Yield good events, more than any door sees."""
    now = datetime.now(UTC)
    for n in count():
        epoch = f"{n // 1000:08x}"
        first = n % 1000 * 50 + 1
        some = [scan(epoch, seq, now) for seq in range(first, first + 50)]
        yield Message(TOPICS.of(THIEF, "event"), batch(some), content_type=CONTENT_TYPE_BATCH)


ATTACKS: dict[str, Callable[[], Iterator[Message]]] = {
    "retained responses": lambda: retained(lambda n: TOPICS.of(THIEF, f"response/x/{n}")),
    "retained own topics": lambda: retained(lambda n: TOPICS.of(THIEF, ("state", "info", "health", "event")[n % 4])),
    "said epochs": said_epochs,
    "opened epochs": opened_epochs,
    "corrections": corrections,
    "states": states,
    "rubbish": rubbish,
    "flood": flood,
}


def attack(name: str, broker: BrokerSettings, seconds: float) -> int:
    """Publish what *name* says for *seconds*, reconnecting as often as the broker ends it; return how many went out."""
    sent, until, messages = 0, monotonic() + seconds, ATTACKS[name]()
    waiting: Message | None = None
    while monotonic() < until:
        try:
            with Link(broker, THIEF, will=Message(TOPICS.of(THIEF, "state"), b"{}")) as link:
                open_: set[int] = set()
                while monotonic() < until:
                    while len(open_) < 20 and not link.congested:  # noqa: PLR2004 - a window, like anybody's
                        waiting = waiting or next(messages)
                        open_.add(link.publish(waiting))
                        waiting, sent = None, sent + 1
                    open_ -= {getattr(one, "mid", 0) for one in link.turn(0.05)}
        except SessionError:
            Flag().wait(0.2)
    return sent


# --- the office ---


class Figures(NamedTuple):
    """Milliseconds from light to receipt in one span, and what the machine did."""

    p50: float
    p99: float
    people: int


class Office:
    """The shipped broker, the centre, the six, and the files of the seventh."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.port, self.authority = free_port(), Authority(folder / "files")
        self.broker = stack.enter_context(
            Mosquitto(folder, conf=shipped_broker(self.port, folder, self.authority), port=self.port)
        )
        beats = folder / "notify"
        self.beats = Beats(beats)
        self.beats.start()
        told = broker_of(self.port, self.authority.ca, self.authority.client("central"))
        self.database = folder / "central.db"
        (folder / "central.toml").write_text(
            f'[broker]\nhost = "127.0.0.1"\nport = {self.port}\ntls = true\nca = "{told.ca}"\n'
            f'certificate = "{told.certificate}"\nkey = "{told.key}"\n[store]\npath = "{self.database}"\n'
        )
        command = [sys.executable, "-m", "central", "run", "--config", folder / "central.toml"]
        env = {"NOTIFY_SOCKET": str(beats), "WATCHDOG_USEC": str(PERIOD * 1_000_000)}
        self.centre = stack.enter_context(Child(command, folder / "central", env))
        wait_for(lambda: bool(self.beats.heard) or self.database.exists(), 30)
        self.points = [
            Point(name, folder, broker_of(self.port, self.authority.ca, self.authority.client(name)), stack)
            for name in HONEST
        ]
        wait_for(lambda: all(point.courier.linked for point in self.points), 60)
        self.people = People(self.points)
        self.people.start()
        stack.callback(self.close)

    def close(self) -> None:
        """Let nobody come any more."""
        self.people.stop.set()
        self.people.join(10)

    def figures(self, since: float, until: float) -> Figures:
        """Return how long who came in this span waited; who waits still counts with the time until now."""
        now = monotonic()
        took = [ms for point in self.points for began, ms in list(point.outbox.took) if since <= began < until]
        took += [
            1000 * (now - began)
            for point in self.points
            for began in list(point.outbox.began.values())
            if since <= began < until
        ]
        return Figures(percentile(took, 0.5) or 0.0, percentile(took, 0.99) or 0.0, len(took))

    def memory(self, pid: int) -> float:
        """Return the most memory that a program had, MiB."""
        told = Path(f"/proc/{pid}/status").read_text()
        return int(told.partition("VmHWM:")[2].split()[0]) / 1024

    def suffer(self, name: str, seconds: float) -> dict[str, Any]:
        """Return the figures at rest, during the attack *name*, and after it."""
        pause = Flag()
        began = monotonic()
        pause.wait(seconds)
        attacked = monotonic()
        pair = self.authority.client(THIEF)
        command = ["nice", "-n", "19", sys.executable, "-m", "bench.attacks", name, str(self.port), str(seconds)]
        done = subprocess.run(  # noqa: S603 - our own
            [*command, str(self.authority.ca), str(pair.certificate), str(pair.key)],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=True,
        )
        over = monotonic()
        pause.wait(AFTER + seconds)
        calm, during, after = (
            self.figures(*span) for span in ((began, attacked), (attacked, over), (over + AFTER, monotonic()))
        )
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as file:
            rows = int(file.execute("SELECT count(*) FROM said").fetchone()[0])
        return {
            "sent": int(done.stdout),
            "rest": calm._asdict(),
            "during": during._asdict(),
            "after": after._asdict(),
            "during / rest": during.p99 / calm.p99,
            "after / rest": after.p99 / calm.p99,
            "beat_gap_s": self.beats.longest(attacked, monotonic()),
            "centre_alive": self.centre.process.poll() is None,
            "broker_mib": self.memory(self.broker.pid),
            "centre_mib": self.memory(self.centre.process.pid),
            "said_rows": rows,
        }


def line(name: str, told: dict[str, Any]) -> str:
    """Return the figures of one attack for a person."""
    rest, during, after = (told[span]["p99"] for span in ("rest", "during", "after"))
    ratios = "  ".join(f"{ratio} {told[ratio]:7.2f} (goal {goal})" for ratio, goal in GOALS.items())
    return (
        f"{name:20} sent {told['sent']:6}  p99 {rest:5.0f} {during:6.0f} {after:5.0f} ms  {ratios}"
        f"  beat gap {told['beat_gap_s']:5.1f} s  broker {told['broker_mib']:4.0f} MiB"
        f"  centre {told['centre_mib']:4.0f} MiB{'' if told['centre_alive'] else ', dead'}  said {told['said_rows']}"
    )


def main(arguments: list[str]) -> int:
    """Measure and print; 0 whatever the figures are, for a benchmark is not a test."""
    parser = ArgumentParser(prog="python -m bench attacks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"left out: all of {', '.join(ATTACKS)}")
    parser.add_argument("--seconds", type=float, default=30.0, help="of rest, of attack, and a minute after it")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(arguments)
    answer = {}
    for name in told.names or ATTACKS:
        with tempfile.TemporaryDirectory(dir=".") as folder, ExitStack() as stack:
            figures = Office(Path(folder).resolve(), stack).suffer(name, told.seconds)
        answer[name] = figures
        if not told.json:
            print(line(name, figures), flush=True)
    if told.json:
        print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    which, port, seconds, ca, certificate, key = sys.argv[1:]
    pair = Pair(Path(certificate), Path(key))
    print(attack(which, broker_of(int(port), Path(ca), pair), float(seconds)))
