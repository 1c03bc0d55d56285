"""The power goes away at every system call of a station and of a centre, and takes any part of what was not synced."""

import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from central.store.database import Store
from device.model import Place
from device.record.outbox import Outbox
from tests.faults.chaos import ALL, whole
from tests.faults.medium import Medium
from tests.faults.power import NOW, OTHER, POINT, event, keep, mix, older
from tests.faults.recording import Said, Step, record
from tests.support.store import set_back

SEED = 20261123
pytestmark = pytest.mark.usefixtures("quiet")
EVERY = 1 if ALL else 71
"""Of so many steps one is the last, in the ordinary suite."""
PARTS = 3 if ALL else 1
"""Times that a part of what was not synced is left."""


@dataclass(slots=True)
class Promises:
    """What was promised up to a cut."""

    kind: str = "start"
    acked: list[str] = field(default_factory=list)
    owed: set[str] = field(default_factory=set)
    """Acked, and no settling of them has begun."""
    settled: set[str] = field(default_factory=set)
    receipted: set[str] = field(default_factory=set)
    purged: set[str] = field(default_factory=set)
    """What may be gone: it was held when a purge began."""

    def hear(self, words: tuple[str, ...]) -> None:
        """Note what the program said."""
        match words:
            case ("about", kind, *ids):
                self.kind = kind
                self.owed -= set(ids)
                self.settled -= set(ids) if kind == "recall" else set()
                self.purged |= self.settled if kind == "delete" else set()
            case ("acked", id_):
                self.acked.append(id_)
                self.owed.add(id_)
            case ("settled", *ids):
                self.settled |= set(ids)
            case ("receipted", *ids):
                self.receipted |= set(ids)


Judge = Callable[[Path, Promises], int]
"""Opens what a cut left, and returns how many promises it broke."""


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Keep two thousand openings from filling the report."""
    caplog.set_level("CRITICAL")


@contextmanager
def quick_folder() -> Iterator[Path]:
    """Bind a folder in memory: what a sync is worth is the recording's matter, not this machine's."""
    shm = Path("/dev/shm")  # noqa: S108 - memory, and a folder of our own in it
    with tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as name:
        yield Path(name)


def cuts(before: Path, steps: list[Step], judge: Judge, *, every: int) -> tuple[Counter[str], int]:
    """Cut the power after each of *steps*, in several ways; return the different cuts by kind, and what they broke.

    An opening is cut at each step in any case: what is made only once is easily forgotten.
    """
    medium, promises = Medium(before), Promises()
    made: Counter[str] = Counter()
    seen: set[bytes] = set()
    broken = 0
    for number, step in enumerate(steps):
        if isinstance(step, Said):
            promises.hear(step.words)
            continue
        medium.take(step)
        if number % every and promises.kind != "opening":
            continue
        for way in range(1 + PARTS):
            chance = random.Random(1000 * SEED + PARTS * number + way) if way else None  # noqa: S311 - a seed, no secret
            files = medium.cut(chance)
            state = sha256(repr(promises).encode())
            for path, octets in sorted(files.items()):
                state.update(b"%s %d " % (str(path).encode(), len(octets)) + octets)
            if state.digest() in seen:
                continue
            seen.add(state.digest())
            with quick_folder() as left:
                for path, octets in files.items():
                    (left / path).write_bytes(octets)
                try:
                    broken += judge(left, promises)
                except AssertionError as error:
                    raise AssertionError(f"step {number}, way {way}, while {promises.kind}: {error}") from error
            made[promises.kind] += 1
    return made, broken


def strict(judge: Judge) -> Judge:
    """Return *judge*, with an assertion that nothing is broken."""

    def judged(left: Path, promises: Promises) -> int:
        assert judge(left, promises) == 0, f"seed {SEED}, after {promises.acked[-1:]}"
        return 0

    return judged


def station(left: Path, promises: Promises, *, synced: bool = True) -> int:
    """Open the outbox as the station does at its next start; what was not *synced* may look like a damaged log."""
    with Outbox(left / "outbox.db", 1000, lambda: NOW) as outbox:
        assert outbox.fault is None
        assert not synced or outbox.set_aside is None, "a power cut is no damage"
        owed = {row.event.id: row.event for row in outbox.owed(0, 1000)}
        with closing(sqlite3.connect(left / "outbox.db")) as file:
            there = {
                id_: (Place(epoch, seq), body)
                for id_, epoch, seq, body in file.execute("SELECT id, epoch, seq, body FROM event")
            }
        for place, body in there.values():
            assert event(place).body == body
        acked = set(promises.acked)
        broken = len(promises.owed - owed.keys()) + len(promises.settled & owed.keys())
        broken += len(acked - promises.purged - there.keys())
        late = [one.place for one in owed.values() if one.id not in acked]
        assert len(late) <= 1, "one append at the most had begun"
        for epoch in {place.epoch for place, _ in there.values()}:
            seqs = sorted(place.seq for place, _ in there.values() if place.epoch == epoch)
            gone = sum(f"{epoch}-{seq:06d}" in promises.purged for seq in range(1, seqs[-1] + 1) if seq not in seqs)
            broken += len(seqs) + gone != seqs[-1]
        outbox.append(event)
    return broken


def centre(left: Path, promises: Promises) -> int:
    """Open the database as the centre does at its next start."""
    with Store(left / "central.db", NOW) as store:
        held = dict(store.read("SELECT id, body FROM event"))
        assert all(event(Place(id_.split("-")[0], int(id_.split("-")[1]))).body.decode() == held[id_] for id_ in held)
        assert store.read("PRAGMA integrity_check") == [("ok",)]
    return len(promises.receipted - held.keys())


def test_a_station_keeps_every_promise_through_a_power_cut_at_any_call(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    before = shutil.copytree(folder, tmp_path / "before")
    steps = record(folder, "tests.faults.power", "outbox")
    made, _ = cuts_of(before, folder, steps, strict(station))
    if ALL:
        assert made.keys() >= {"opening", "insert", "settle", "recall", "delete", "checkpoint", "request", "closing"}
        assert made.total() >= 1000, made
    print(f"cuts {dict(made)}")


def cuts_of(
    before: Path, folder: Path, steps: list[Step], judge: Judge, *, every: int = EVERY
) -> tuple[Counter[str], int]:
    """Cut over *before*, the state of *folder* when the recording began."""
    shutil.rmtree(folder)
    shutil.copytree(before, folder)
    return cuts(folder, steps, judge, every=every)


def test_a_migration_and_a_salvage_lose_nothing_whenever_the_power_goes(tmp_path: Path) -> None:
    ids = {event(Place("0a0b0c0d", seq)).id for seq in range(1, 13)}
    for manner in ("migration", "salvage"):
        folder = tmp_path / manner
        folder.mkdir()
        older(folder / "outbox.db")
        if manner == "salvage":
            octets = bytearray((folder / "outbox.db").read_bytes())
            octets[:100] = bytes(100)
            (folder / "outbox.db").write_bytes(octets)
        before = shutil.copytree(folder, tmp_path / f"{manner}-before")
        steps = record(folder, "tests.faults.power", manner)

        def judge(left: Path, promises: Promises, manner: str = manner) -> int:
            with Outbox(left / "outbox.db", 1000, lambda: NOW) as outbox:
                assert outbox.fault is None
                assert manner == "salvage" or outbox.set_aside is None, "a power cut is no damage"
                owed = {row.event.id for row in outbox.owed(0, 1000)}
            return len(({*promises.acked} | ids) - owed)

        made, _ = cuts_of(before, folder, steps, strict(judge), every=1 if ALL else 3)
        assert made[manner] > (20 if ALL else 5), made
        print(f"{manner}: cuts {dict(made)}")


def test_a_card_is_sealed_parted_and_taken_back_whole_whenever_the_power_goes(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    ids = {one.id for one in mix(folder / "outbox.db")}
    before = shutil.copytree(folder, tmp_path / "before")
    steps = record(folder, "tests.faults.power", "seal")

    def judge(left: Path, promises: Promises) -> int:
        there: dict[str, bool] = {}
        for point in (POINT, OTHER):
            with Outbox(left / "outbox.db", 1000, lambda: NOW, point=point) as outbox:
                assert (outbox.fault, outbox.set_aside) == (None, None), "a power cut is no damage"
                assert len(outbox.sealed.all) <= 1
            with closing(sqlite3.connect(left / "outbox.db")) as file:
                for epoch, seq, id_, body, owed in file.execute(
                    "SELECT epoch, seq, id, body, held_at IS NULL FROM event"
                ):
                    assert id_ not in there, "a row is in one file"
                    assert event(Place(epoch, seq), point).body == body, "under its own name"
                    there[id_] = bool(owed)
        late = there.keys() - ids - set(promises.acked)
        assert len(late) <= 1, "one append at the most had begun"
        return len(({*promises.acked} | ids) - there.keys()) + sum(there[id_] for id_ in promises.settled)

    made, _ = cuts_of(before, folder, steps, strict(judge), every=1 if ALL else 5)
    assert made["sealing"] > (100 if ALL else 10), made
    print(f"sealing: cuts {dict(made)}")


def test_a_centre_keeps_every_receipt_through_a_power_cut_at_any_call(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    before = shutil.copytree(folder, tmp_path / "before")
    steps = record(folder, "tests.faults.power", "store")
    made, _ = cuts_of(before, folder, steps, strict(centre))
    if ALL:
        assert made["insert"] > 100
    print(f"cuts {dict(made)}")


@whole
def test_a_centre_s_migration_keeps_everything_whenever_the_power_goes(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    keep(folder / "central.db")
    set_back(folder / "central.db")
    ids = {event(Place("0a0b0c0d", seq)).id for seq in range(1, 62)}
    before = shutil.copytree(folder, tmp_path / "before")
    steps = record(folder, "tests.faults.power", "move")

    def judge(left: Path, promises: Promises) -> int:
        promises.receipted |= ids
        return centre(left, promises)

    made, _ = cuts_of(before, folder, steps, strict(judge))
    assert made["migration"] > 40
    print(f"cuts {dict(made)}")


@pytest.mark.parametrize(("manner", "loses"), [("honest", False), ("forgetful", True)])
def test_who_forgets_on_the_broker_s_word_loses_when_both_lose_their_power(
    tmp_path: Path, manner: str, loses: bool
) -> None:
    """The control: with receipts nothing is lost, without them something must be, or these cuts prove nothing."""
    folder = tmp_path / "state"
    folder.mkdir()
    before = shutil.copytree(folder, tmp_path / "before")
    steps = record(folder, "tests.faults.power", manner)

    def judge(left: Path, promises: Promises) -> int:
        held = owed = set[str]()
        if (left / "central.db").exists():
            with Store(left / "central.db", NOW) as store:
                held = {id_ for (id_,) in store.read("SELECT id FROM event")}
        if (left / "outbox.db").exists():
            with Outbox(left / "outbox.db", 1000, lambda: NOW) as outbox:
                owed = {row.event.id for row in outbox.owed(0, 1000)}
        return len({*promises.acked} - held - owed)

    made, lost = cuts_of(before, folder, steps, judge)
    assert (lost > 0) == loses
    print(f"{manner}: cuts {made.total()}, lost {lost}")


def test_with_synchronous_normal_events_are_lost(tmp_path: Path) -> None:
    """The control: SQLite's NORMAL syncs at checkpoints alone, so a commit is a promise without a sync."""
    folder = tmp_path / "state"
    folder.mkdir()
    before = shutil.copytree(folder, tmp_path / "before")
    steps = record(folder, "tests.faults.power", "normal")
    made, broken = cuts_of(before, folder, steps, partial(station, synced=False))
    assert broken > 0
    print(f"cuts {made.total()}, broken promises {broken}")
