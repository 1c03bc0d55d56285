"""Thousands of seeded faults in virtual time lose nothing, double nothing, disorder nothing, date nothing wrongly."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.chaos import whole
from tests.faults.referee import Held, Light, judge
from tests.faults.scene import Scene
from tests.faults.scripted import Moods
from tests.faults.simulator import Run, run
from tests.faults.town import SMALL, Design, Town

MINUTE = 60.0
SEEDS = 15
"""Seeds of one part of the whole."""
TRUSTING = Design(until="puback", forgets=True)
"""Stations that take the broker's word for the centre's."""
TOGETHER = (
    "broker: crash, all forgotten, while ill: centre",
    "centre: killed, while ill: broker",
    "broker: drops what it acknowledges, while ill: centre",
    "broker: queue limited, while ill: centre",
    "broker: refuses receipts, while ill: disk",
)
"""Overlaps of which every part must have some."""
RARE = (
    "card: restored from an older copy",
    "card: cloned",
    "centre: restored from an older backup",
    "receipt: stale",
    "receipt: retained",
    "station: disk full",
    "centre: disk full",
    "clock: stepped",
)


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Collect what a run found, printed at its end, for ``pytest -s``."""
    lines: list[str] = []
    yield lines
    print(*lines, sep="\n")  # noqa: T201 - figures are for whoever runs it


def faultless(one: Run) -> Run:
    assert one.judgement.faultless, "\n".join((str(one), *one.last))
    return one


def test_a_run_follows_from_its_seed_alone(tmp_path: Path) -> None:
    assert run(tmp_path / "a", 7, 10.0) == run(tmp_path / "b", 7, 10.0)


@pytest.mark.parametrize("seed", [35])
def test_a_minute_of_faults_leaves_every_light_at_the_centre(tmp_path: Path, seed: int) -> None:
    one = faultless(run(tmp_path / "town", seed, MINUTE))
    assert one.overlapping > 10
    assert one.judgement.shown > 300


def test_the_same_minute_loses_where_the_brokers_word_is_enough(tmp_path: Path) -> None:
    lost = run(tmp_path / "together", 1, 30.0, TRUSTING, drain=90.0).judgement.lost
    assert lost, "the storm proves nothing"
    assert run(tmp_path / "apart", 1, 20.0, TRUSTING, alone=True, drain=90.0).judgement.faultless


def test_a_centre_whose_return_went_unheard_is_found_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path, 1)
    town = Town(scene, Design())
    try:
        with scene.bound():
            scene.stage.run(5.0)
            town.office.kill()
            scene.stage.run(5.5)
            scene.broker.moods.drop = 1.0
            scene.stage.run(15.0)
            assert town.office.alive
            assert {machine.courier.linked for machine in town.machines} == {False}
            scene.broker.moods = Moods()
        told = town.calm(120.0)
        assert (told.lost, told.excused) == ((), ())
    finally:
        town.close()


def test_the_judge_sees_what_is_lost_doubled_strange_disordered_and_late() -> None:
    lights = [Light("lobi-4", number, 100.0 + number) for number in range(1, 6)]
    good = [Held("lobi-4", number, "e1", number, 100.0 + number, None, None) for number in range(1, 6)]
    fine = judge(lights, good)
    assert (fine.faultless, fine.shown, fine.held) == (True, 5, 5)
    assert judge(lights, good[:4]).lost == (5,)
    excused = judge(lights, good[:3], excusable={5})
    assert (excused.lost, excused.excused, excused.faultless) == ((4,), (5,), False)
    assert judge(lights, [*good, good[2]._replace(epoch="e2")]).doubled == (3,)
    swapped = [*good[:2], good[2]._replace(seq=4), good[3]._replace(seq=3), good[4]]
    assert judge(lights, swapped).disordered == (3,)
    assert judge(lights, [*good[:4], good[4]._replace(seq=4)]).disordered == (5,)
    assert judge(lights, [*good[:4], good[4]._replace(point="dinas-2")]).lost == (5,)
    assert judge(lights, [*good[:4], good[4]._replace(at=107.0)]).mistimed == (5,)
    bounds = good[4]._replace(at=None, earliest=90.0, latest=106.0)
    assert judge(lights, [*good[:4], bounds]).faultless
    assert judge(lights, [*good[:4], bounds._replace(latest=103.0)]).mistimed == (5,)
    assert judge(lights, [*good[:4], bounds._replace(latest=None)]).mistimed == (5,)


@whole
@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", range(8))
def test_ten_thousand_faults_lose_nothing(tmp_path: Path, part: int, told: list[str]) -> None:
    faults: Counter[str] = Counter()
    overlaps: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    for seed in range(1000 + SEEDS * part, 1000 + SEEDS * (part + 1)):
        one = faultless(run(tmp_path / str(seed), seed, MINUTE))
        faults += one.faults
        overlaps += one.overlaps
        figures["overlapping"] += one.overlapping
        figures["shown"] += one.judgement.shown
        figures["held"] += one.judgement.held
        figures["excused"] += len(one.judgement.excused)
        figures["messages and statements hit"] += one.met.total()
    told.append(f"part {part}: {faults.total()} faults; {dict(figures)}")
    told.extend(f"  {count} of {kind}" for kind, count in sorted(faults.items()))
    assert faults.total() >= 1250
    assert figures["overlapping"] > 150
    assert not [pair for pair in TOGETHER if not overlaps[pair]]
    assert not [kind for kind in RARE if not faults[kind]]


@whole
@pytest.mark.timeout(300)
def test_ten_minutes_on_end_lose_nothing(tmp_path: Path, told: list[str]) -> None:
    told.append(str(faultless(run(tmp_path / "town", 1, 10 * MINUTE))))


@whole
@pytest.mark.timeout(300)
def test_where_no_card_is_replaced_nothing_is_excused_for_it(tmp_path: Path, told: list[str]) -> None:
    """What is excused then gave way on a small card, before a restored centre had asked for it again."""
    one = faultless(run(tmp_path / "town", 1, 10 * MINUTE, cards=False))
    told.append(str(one))
    assert not any(one.excused.values())
    assert one.points <= {SMALL}


@whole
@pytest.mark.timeout(300)
def test_the_brokers_word_loses_only_where_faults_at_the_centre_overlap(tmp_path: Path, told: list[str]) -> None:
    together = [run(tmp_path / f"a{seed}", seed, MINUTE, TRUSTING, drain=400.0) for seed in range(1, 11)]
    apart = [run(tmp_path / f"b{seed}", seed, 2 * MINUTE, TRUSTING, alone=True) for seed in range(1, 11)]
    told += _losses("PUBACK, overlapping", together), _losses("PUBACK, none overlapping", apart)
    assert all(one.judgement.lost for one in together)
    assert not any(one.judgement.lost or one.overlapping for one in apart)


@whole
@pytest.mark.timeout(300)
def test_receipts_must_come_after_the_commit(tmp_path: Path, told: list[str]) -> None:
    hasty = Design(forgets=True, hasty=True)
    early = [run(tmp_path / f"a{seed}", seed, MINUTE, hasty, drain=400.0) for seed in range(1, 11)]
    good = [run(tmp_path / f"b{seed}", seed, MINUTE, Design(forgets=True)) for seed in range(1, 11)]
    told += _losses("receipts before the commit", early), _losses("after it, on cards that forget at once", good)
    assert sum(len(one.judgement.lost) for one in early) > 0
    assert not any(one.judgement.lost for one in good)


def _losses(what: str, runs: list[Run]) -> str:
    shown, lost = sum(one.judgement.shown for one in runs), sum(len(one.judgement.lost) for one in runs)
    overlapping = sum(one.overlapping for one in runs)
    faults = sum(one.faults.total() for one in runs)
    return f"{what}: {faults} faults, {overlapping} overlapping; {lost} of {shown} lights lost"
