"""Every light is at the centre once, whatever breaks: real processes, a seeded storm, and the count."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.record.outbox import Outbox
from tests.faults import wall
from tests.faults.chaos import RESTORES, Count, Fault, Site, overlapping, plan, whole
from tests.support.centre import CentreProgram
from tests.support.credentials import staff_pass
from tests.support.point import DATES
from tests.support.world import wait_for


def drained(site: Site) -> Count:
    """Stop the deciding, wait until nothing is owed or missing, and return the count."""
    site.quiet()
    try:
        wait_for(lambda: site.owed() == 0, "everything owed is held")
        wait_for(lambda: site.missing() == 0, "everything recorded is at the centre")
    except AssertionError:
        return site.count()  # the figures say more than the wait
    return site.count()


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Collect what a run found, printed at its end, for ``pytest -s``."""
    lines: list[str] = []
    yield lines
    print(*lines, sep="\n")  # noqa: T201 - figures are for whoever runs it


def test_a_plan_follows_from_its_seed_and_overlaps_at_the_centre() -> None:
    stations = ["a", "b"]
    assert plan(1, 50, stations) == plan(1, 50, stations) != plan(2, 50, stations)
    faults = plan(1, 200, stations)
    assert overlapping(faults) >= 20
    assert overlapping([Fault(0, "broker", "x", 1), Fault(2, "centre", "y", 1)]) == 0


def test_ten_faults_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    with Site(tmp_path, stations=2) as site:
        wait_for(lambda: all(len(site.shown(name)) > 5 for name in site.names))
        site.storm(plan(16, 10, site.names, every=(0.1, 0.5), most=1.0))
        site.again()
        found = drained(site)
        assert found.well, found
        assert found.shown > 100


@whole
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_storm_loses_nothing_and_doubles_nothing(tmp_path: Path, seed: int, told: list[str]) -> None:
    codes = tuple(staff_pass(f"{n:04d}", **DATES) for n in range(12))
    with Site(tmp_path, stations=4, real=True, codes=codes) as site:
        wait_for(lambda: all(len(site.shown(name)) > 5 for name in site.names))
        faults = plan(seed, 170, site.names, restores=RESTORES)
        site.storm(faults)
        found = drained(site)
        told.append(f"seed {seed}: {len(faults)} faults, {overlapping(faults)} overlapping at the centre; {found}")
        told.extend(f"  {count} of {kind}" for kind, count in sorted(site.done.items()))
        assert found.well, found
        assert len(site.shown(site.names[0])) > 10


@whole
@pytest.mark.timeout(600)
def test_deletion_on_puback_loses_in_such_storms(tmp_path: Path, told: list[str]) -> None:
    lost = 0
    for seed in range(1, 6):  # whether a fault falls between the broker's word and the centre's is chance
        if lost:
            break
        (tmp_path / str(seed)).mkdir()
        with Site(tmp_path / str(seed), stations=3, until="puback") as site:
            wait_for(lambda site=site: all(len(site.shown(name)) > 5 for name in site.names))
            site.storm(plan(seed, 60, site.names))
            site.quiet()
            wait_for(lambda site=site: site.owed() == 0, "the broker's word for everything")
            found = site.count()
        lost = found.lost
        told.append(f"until = puback, seed {seed}: {found}")
    assert lost > 0, "these storms prove nothing"


def test_the_referee_sees_what_is_lost_doubled_strange_disordered_and_unrecorded(tmp_path: Path) -> None:
    site = Site(tmp_path, stations=1)
    site.names = ["bupati-1"]
    site.centre = CentreProgram(tmp_path / "centre", 1)
    (tmp_path / "bupati-1").mkdir()
    with Outbox(tmp_path / "bupati-1" / "outbox.db", 100) as outbox:
        events = [outbox.append(lambda place: wall.event("bupati-1", place, datetime.now(UTC))) for _ in range(4)]
    rows = [("bupati-1", *one.place, one.id) for one in events]
    epoch = rows[0][1]

    def count(*held: tuple[str, str, int, str], shown: int = 4) -> Count:
        told = [one.id for one in events] + ["f" * 32]
        (tmp_path / "bupati-1" / "shown").write_text("".join(f"{id_} e 1\n" for id_ in told[:shown]))
        site.centre.database.unlink(missing_ok=True)
        with closing(sqlite3.connect(site.centre.database)) as file, file:
            file.execute("CREATE TABLE event (point TEXT, epoch TEXT, seq INTEGER, id TEXT)")
            file.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", held)
        return site.count()

    assert count(*rows) == Count(shown=4, recorded=4, held=4)
    assert count(*rows).well
    assert count(*rows[:3]) == Count(shown=4, recorded=4, held=3, lost=1)
    twice = count(*rows, rows[3])
    assert (twice.doubled, twice.well) == (2, False)
    strange = count(*rows, ("bupati-1", epoch, 9, "e" * 32))
    assert (strange.strange, strange.well) == (1, False)
    swapped = count(*rows[:2], ("bupati-1", epoch, 3, rows[3][3]), ("bupati-1", epoch, 4, rows[2][3]))
    assert (swapped.disordered, swapped.lost, swapped.well) == (1, 0, False)
    unrecorded = count(*rows, shown=5)
    assert (unrecorded.unrecorded, unrecorded.lost, unrecorded.well) == (1, 1, False)
