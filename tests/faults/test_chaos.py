"""Every light is at the centre once, whatever breaks: real processes, a seeded storm, and the count."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.credentials import staff_pass
from tests.faults.chaos import RESTORES, Count, Fault, Site, overlapping, plan, whole
from tests.test_whole import DATES
from tests.world import wait_for


def drained(site: Site, limit: float) -> Count:
    """Stop the deciding, wait until nothing is owed or missing, and return the count."""
    site.quiet()
    try:
        wait_for(lambda: site.owed() == 0, limit, "everything owed is held")
        wait_for(lambda: site.missing() == 0, limit, "everything recorded is at the centre")
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
        site.storm(list(plan(11, 10, site.names)))
        site.again()
        found = drained(site, 30)
        assert found.well, found
        assert found.shown > 100


@whole
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_storm_loses_nothing_and_doubles_nothing(tmp_path: Path, seed: int, told: list[str]) -> None:
    codes = tuple(staff_pass(f"{n:04d}", **DATES) for n in range(12))
    with Site(tmp_path, stations=4, real=True, codes=codes) as site:
        wait_for(lambda: all(len(site.shown(name)) > 5 for name in site.names), 30)
        faults = plan(seed, 170, site.names, restores=RESTORES)
        site.storm(faults)
        found = drained(site, 150)
        told.append(f"seed {seed}: {len(faults)} faults, {overlapping(faults)} overlapping at the centre; {found}")
        told.extend(f"  {count} of {kind}" for kind, count in sorted(site.done.items()))
        assert found.well, found
        assert len(site.shown(site.names[0])) > 10


@whole
@pytest.mark.timeout(300)
def test_deletion_on_puback_loses_in_the_same_storm(tmp_path: Path, told: list[str]) -> None:
    with Site(tmp_path, stations=3, until="puback") as site:
        wait_for(lambda: all(len(site.shown(name)) > 5 for name in site.names), 30)
        site.storm(plan(1, 60, site.names))
        site.quiet()
        wait_for(lambda: site.owed() == 0, 120, "the broker's word for everything")
        found = site.count()
        told.append(f"until = puback: {found}")
        assert found.lost > 0, "the storm proves nothing"
