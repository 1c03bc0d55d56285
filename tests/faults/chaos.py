"""Real processes under seeded faults that overlap, and the count of what was lost.

mosquitto as Debian ships it (persistence on, the disk written every half an hour), `titik-central run`, stations of
`wall` and one `titik run`, each behind a link of its own. The plan follows from the seed alone; where exactly in a
program's work a fault falls does not.
"""

import importlib.util
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self

import pytest

from device.config import BrokerSettings
from device.mqtt_client import Link, SessionError
from device.wire import Message
from tests.faults.link import Mood, Relay
from tests.support import point
from tests.support.centre import CentreProgram
from tests.support.world import Child, Mosquitto, free_port

ALL = os.environ.get("TITIK_FAULTS") == "all"
whole = pytest.mark.skipif(not ALL, reason="long. Next: make faults")
"""Marks what is too long for every run of the tests."""

RESTORES = importlib.util.find_spec("central.broker.recall") is not None
"""Whether the centre asks for what a restored database never saw; without it a restore loses by design."""

KINDS: dict[str, dict[str, tuple[float, float]]] = {
    "broker": {
        "killed, its state kept": (0.2, 3.0),
        "killed, its state wiped": (0.2, 3.0),
        "killed, an old state restored": (0.2, 3.0),
        "stalled": (0.5, 4.0),
        "refuses events": (0.5, 4.0),
        "refuses receipts": (0.5, 4.0),
    },
    "centre": {"killed": (0.2, 4.0), "stalled": (0.5, 4.0)},
    "station": {"killed": (0.05, 1.0), "stalled": (0.3, 2.0), "its name taken": (0.1, 0.2)},
    "link": {
        "reset": (0.1, 0.2),
        "hole": (0.5, 8.0),
        "deaf": (0.5, 4.0),
        "mute": (0.5, 4.0),
        "slow": (0.5, 4.0),
        "small": (0.5, 4.0),
    },
}
"""What may befall each kind of subject, and for how many seconds."""

WEIGHT = {"broker": 12, "centre": 12, "station": 2, "link": 1}
"""How often each is hit: what goes wrong at the centre must overlap, or it proves nothing (measured)."""

ALLOWED = "topic readwrite titik/v1/#\n"
NO_EVENTS = "topic read titik/v1/#\n" + "".join(
    f"topic write titik/v1/+/{leaf}\n" for leaf in ("state", "info", "health", "receipt", "centre", "request/+")
)
NO_RECEIPTS = NO_EVENTS.replace("/receipt\n", "/event\n")


class Fault(NamedTuple):
    """One fault of a plan; times are seconds from its beginning."""

    at: float
    subject: str
    kind: str
    lasts: float


def plan(
    seed: int,
    count: int,
    stations: list[str],
    *,
    restores: bool = False,
    every: tuple[float, float] = (0.2, 1.0),
    most: float = 8.0,
) -> list[Fault]:
    """Return *count* faults for these stations, one *every* so many seconds, none longer than *most*.

    A subject is well before it is hit again.
    """
    chance = random.Random(seed)  # noqa: S311 - a seed makes a failure repeatable
    subjects = ["broker", "centre", "link of centre", *stations, *(f"link of {name}" for name in stations)]
    weights = [WEIGHT[_sort(subject)] for subject in subjects]
    well_at = dict.fromkeys(subjects, 0.0)
    faults: list[Fault] = []
    at = 0.0
    while len(faults) < count:
        at += chance.uniform(*every)
        well = [weight if well_at[subject] <= at else 0 for subject, weight in zip(subjects, weights, strict=True)]
        if not any(well):
            continue
        subject = chance.choices(subjects, well)[0]
        kinds = dict(KINDS[_sort(subject)])
        if subject == "centre" and restores:
            kinds["restored from an older copy"] = (0.1, 1.0)
        kind = chance.choice(list(kinds))
        lasts = min(most, chance.uniform(*kinds[kind]))
        well_at[subject] = at + lasts + 0.2
        faults.append(Fault(at, subject, kind, lasts))
    return faults


def overlapping(faults: list[Fault]) -> int:
    """Return how many faults of broker and centre fell while the other one was in one."""
    central = [fault for fault in faults if fault.subject in ("broker", "centre", "link of centre")]
    return sum(
        any(
            other.subject != fault.subject and other.at <= fault.at <= other.at + other.lasts
            for other in central
            if other is not fault
        )
        for fault in central
    )


def _sort(subject: str) -> str:
    if subject in ("broker", "centre"):
        return subject
    return "link" if subject.startswith("link of ") else "station"


@dataclass
class Count:
    """What the referee found, all stations together."""

    shown: int = 0
    recorded: int = 0
    held: int = 0
    lost: int = 0
    """Lights shown, or rows recorded, that the centre does not hold."""
    doubled: int = 0
    """Places, or ids, that the centre holds more than once."""
    strange: int = 0
    """Rows of the centre that no station recorded."""
    disordered: int = 0
    """Epochs in which the centre's rows by ``seq`` are not the station's rows in the order of writing."""
    unrecorded: int = 0
    """Lights shown for which there is no row on the card."""

    @property
    def well(self) -> bool:
        """Whether every light is at the centre once, in its place, and nothing else is."""
        return not (self.lost or self.doubled or self.strange or self.disordered or self.unrecorded)


@dataclass
class Site:
    """A broker, a centre and stations in *folder*, bound to a ``with`` block."""

    folder: Path
    stations: int = 3
    rate: float = 60.0
    until: str = "receipt"
    real: bool = False
    """Whether the first station is the whole `titik run`, with pictures as its eye."""
    codes: tuple[str, ...] = ()
    """What is held before the real one."""
    done: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        self.names = [f"bupati-{n + 1}" for n in range(self.stations)]
        with ExitStack() as stack:
            self._broker()
            stack.enter_context(self.broker)
            self.links = {name: stack.enter_context(Relay(self.broker.port)) for name in ["centre", *self.names]}
            self.centre = CentreProgram(self.folder / "centre", self.links["centre"].port, more="keepalive = 5")
            stack.enter_context(self.centre)
            self.walls: dict[str, Child] = {}
            for name in self.names:
                self.walls[name] = self._wall(name)
                stack.callback(self._kill, name)
            self._stack = stack.pop_all()
        self._old: Path = self.folder / "old.db"
        self._copy = self.folder / "centre-copy.db"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # --- what stands there ---

    def _broker(self) -> None:
        port = free_port()
        state = self.folder / f"mosquitto-{port}"
        state.mkdir(parents=True)
        (state / "acl").write_text(ALLOWED, encoding="ascii")
        lines = [
            f"listener {port} 127.0.0.1",
            "allow_anonymous true",
            "persistence true",  # as Debian ships it: written each half an hour, and at a clean stop
            f"persistence_location {state}/",
            f"acl_file {state}/acl",
            "set_tcp_nodelay true",
            *(["user root"] if os.geteuid() == 0 else []),
        ]
        self.broker = Mosquitto(self.folder, conf="\n".join([*lines, ""]), port=port)

    def _wall(self, name: str, called: str = "") -> Child:
        folder = self.folder / name
        if self.real and name == self.names[0]:
            told = point.Station(
                folder,
                self.links[name].port,
                name=name,
                camera={"loop": "true", "hold": 0.1, "gap": 0.0},
                more=f'keepalive = 5\n[delivery]\nuntil = "{self.until}"',
            )
            if not told.config.exists():
                for n, text in enumerate(self.codes):
                    point.save(told.pictures / f"{n:03d}.png", text)
            told.__enter__()
            return told.child
        port = str(self.links[name].port)
        arguments = [sys.executable, "-W", "error", "-m", "tests.faults.wall", str(folder), called or name, port]
        return Child([*arguments, self.until, str(self.rate)], folder).__enter__()

    def _kill(self, name: str) -> None:
        self.walls[name].kill()

    def start(self, name: str, called: str = "") -> None:
        """Start the program of *name*, which may call itself *called* instead."""
        self.walls[name] = self._wall(name, called)

    def outbox(self, name: str) -> Path:
        """Return the file that *name* records in."""
        folder = self.folder / name
        return folder / "state" / "outbox.db" if self.real and name == self.names[0] else folder / "outbox.db"

    def shown(self, name: str) -> list[str]:
        """Return the ids of the lights that *name* showed, in their order, of all its lives."""
        if self.real and name == self.names[0]:
            return [match[1] for match in point.SHOWN.finditer(self.walls[name].err)]
        record = self.folder / name / "shown"
        return [line.split()[0] for line in record.read_text().splitlines()] if record.exists() else []

    # --- what befalls it ---

    def storm(self, faults: list[Fault]) -> None:
        """Let *faults* befall it, and mend each when its time is over."""
        began, pause = monotonic(), Event()
        steps: list[tuple[float, int, Callable[[], None]]] = []
        for n, fault in enumerate(faults):
            mends: list[Callable[[], None]] = []
            steps.append((fault.at, n, lambda fault=fault, mends=mends: mends.append(self._befall(fault))))  # type: ignore[misc]
            steps.append((fault.at + fault.lasts, n, lambda mends=mends: mends.pop()()))  # type: ignore[misc]
        for at, _, step in sorted(steps, key=lambda one: one[:2]):
            pause.wait(max(0.0, began + at - monotonic()))
            step()

    def _befall(self, fault: Fault) -> Callable[[], None]:
        self.done[f"{_sort(fault.subject)}: {fault.kind}"] += 1
        if fault.subject == "broker":
            return self._befall_broker(fault.kind)
        if fault.subject == "centre":
            return self._befall_centre(fault.kind)
        if fault.subject.startswith("link of "):
            return self._befall_link(self.links[fault.subject.removeprefix("link of ")], fault.kind)
        return self._befall_wall(fault.subject, fault.kind)

    def _befall_broker(self, kind: str) -> Callable[[], None]:
        pid, state = self._pid(), self.broker.folder / "mosquitto.db"
        if kind == "stalled":
            os.kill(pid, signal.SIGSTOP)
            return lambda: os.kill(pid, signal.SIGCONT)
        if kind.startswith("refuses"):
            self._acl(NO_EVENTS if kind == "refuses events" else NO_RECEIPTS)
            return lambda: self._acl(ALLOWED)
        self.broker.kill()
        with suppress(FileNotFoundError):
            if kind == "killed, its state wiped":
                state.unlink()
            elif kind == "killed, an old state restored":
                shutil.copy(self._old, state)

        def mend() -> None:
            self.broker.start()
            with suppress(FileNotFoundError):
                shutil.copy(state, self._old)  # what the next restore brings back, half a storm old
            os.kill(self._pid(), signal.SIGUSR1)  # mosquitto writes its state

        return mend

    def _pid(self) -> int:
        child = self.broker._child
        assert child is not None
        return child.pid

    def _acl(self, text: str) -> None:
        (self.broker.folder / "acl").write_text(text, encoding="ascii")
        os.kill(self._pid(), signal.SIGHUP)

    def _befall_centre(self, kind: str) -> Callable[[], None]:
        process = self.centre.process
        if kind == "stalled":
            process.send_signal(signal.SIGSTOP)
            return lambda: process.send_signal(signal.SIGCONT)
        self.centre.kill()
        if kind == "restored from an older copy" and self._copy.exists():
            self._central("restore", self._copy)

        def mend() -> None:
            if self.centre.database.exists():
                self._central("backup", "--force", self._copy)
            self.centre.__enter__()

        return mend

    def _central(self, *arguments: str | Path) -> None:
        """Run a command of the centre that is not running."""
        subprocess.run(
            [sys.executable, "-m", "central", *arguments, "--config", self.centre.config],
            check=True,
            capture_output=True,
        )

    def _befall_wall(self, name: str, kind: str) -> Callable[[], None]:
        if kind == "stalled":
            process = self.walls[name].process
            process.send_signal(signal.SIGSTOP)
            return lambda: process.send_signal(signal.SIGCONT)
        if kind == "killed":
            self.walls[name].kill()

            def mend() -> None:
                self.walls[name] = self._wall(name)

            return mend
        # Its client id is used by another: what that one says of itself is no event.
        thief = Link(BrokerSettings(port=self.links[name].port, keepalive=5), name, will=Message("titik/v1/x/y", b""))
        Thief(thief).start()
        return lambda: None

    def _befall_link(self, link: Relay, kind: str) -> Callable[[], None]:
        if kind == "reset":
            link.cut()
            return lambda: None
        link.mood = Mood(kind)

        def mend() -> None:
            link.mood = Mood.WELL

        return mend

    def again(self) -> None:
        """Cut the power of the whole site, and start everything at once."""
        self.broker.kill()
        self.centre.kill()
        for name in self.names:
            self.walls[name].kill()
        self.broker.start()
        self.centre.__enter__()
        for name in self.names:
            self.walls[name] = self._wall(name)

    # --- the end ---

    def quiet(self) -> None:
        """Let nobody decide any more; what is owed is still delivered."""
        for name in self.names:
            if self.real and name == self.names[0]:
                (self.folder / name / "pictures").rename(self.folder / name / "away")
            else:
                (self.folder / name / "quiet").touch()

    def owed(self) -> int:
        """Return how many rows of all stations no receipt has named."""
        return sum(self.owed_by(name) for name in self.names)

    def owed_by(self, name: str) -> int:
        """Return how many rows of *name* no receipt has named."""
        return _number(_all(self.outbox(name), "SELECT count(*) FROM event WHERE held_at IS NULL"))

    def missing(self) -> int:
        """Return how many rows on the stations' cards the centre does not hold."""
        held = {id_ for (id_,) in _all(self.centre.database, "SELECT id FROM event")}
        return sum(id_ not in held for n in self.names for (id_,) in _all(self.outbox(n), "SELECT id FROM event"))

    def count(self) -> Count:
        """Return what the referee finds now."""
        found = Count()
        everything = _all(
            self.centre.database, "SELECT point, epoch, seq, id FROM event ORDER BY point, epoch, seq, rowid"
        )
        found.held = len(everything)
        found.doubled = len(everything) - len({row[:3] for row in everything})
        found.doubled += len(everything) - len({row[3] for row in everything})
        for name in self.names:
            held: dict[str, list[str]] = {}
            for where, epoch, _, id_ in everything:
                if where == name:
                    held.setdefault(str(epoch), []).append(str(id_))
            written: dict[str, list[str]] = {}
            for epoch, id_ in _all(self.outbox(name), "SELECT epoch, id FROM event ORDER BY row"):
                written.setdefault(str(epoch), []).append(str(id_))
            shown = self.shown(name)
            recorded = {id_ for ids in written.values() for id_ in ids}
            at_centre = {id_ for ids in held.values() for id_ in ids}
            found.shown += len(shown)
            found.recorded += len(recorded)
            found.lost += len((recorded | set(shown)) - at_centre)
            found.strange += len(at_centre - recorded)
            found.unrecorded += len(set(shown) - recorded)
            found.disordered += sum(
                ids != [one for one in written.get(epoch, []) if one in at_centre] for epoch, ids in held.items()
            )
        return found


class Thief:
    """Somebody else with a station's client id, for a moment."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def start(self) -> None:
        """Connect, and leave again; a broker that is away or stalls takes nobody."""
        with suppress(SessionError), self._link:
            self._link.turn(0.05)


def _all(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a database that others write."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as file:
        return file.execute(sql).fetchall()


def _number(rows: list[tuple[object, ...]]) -> int:
    return int(str(rows[0][0])) if rows else 0
