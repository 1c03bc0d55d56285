"""Seeded scenes of people, cards, shirts and posters before the wall; a referee knows who stood where.

A scene is a sequence of views at 15 a second: hands tremble, shirts sway, posters hang, a nearer phone hides what is
behind it, people walk by, and not every code is read in every frame. The referee reads what was in view and who got a
light, and knows the rules in words alone.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import pi, sin

import pytest

from device.reading.decoders import Code, Corners
from device.reading.target import TargetSelector
from device.verdict.judge import Basis, Judged
from device.verdict.sightings import Sightings
from tests.support.credentials import AT
from tests.support.judged import QUIET, REPEAT, RULES, genuine, stranger

FPS, HEIGHT, WIDTH = 15, 720, 1280
AT_ONCE = 0.8
"""Seconds in which a pass gets its light where no other is: twice the time for something nearer to be read."""
TURN, OVERDUE = 2.5, 3.0
"""Seconds that one light takes, and after which who waits comes first."""
SCENERY, BLINK, TAKEN, STILL = 20.0, 2.0, 4.0, 0.015 * HEIGHT
"""What lay still for so long belongs to the room, gaps of so long left out, until it moves or is away for so long."""
PASS_HOLDS, QUIET_AFTER_PASS = 9.9, 1.9
"""Seconds after its light in which a pass is being served, and after that in which no stray code answers for it."""
Spot = tuple[float, float, float]
"""Where a code's centre is, and its side."""


@dataclass
class Thing:
    """Something with a code on it: where it is at a time, ``None`` while it is not there; and how well it is read."""

    text: str
    judged: Judged
    where: Callable[[float], Spot | None]
    read: float = 1.0


@dataclass
class Body:
    """Somebody who goes by without a code, and hides what is behind."""

    begins: float
    ends: float
    left: float
    right: float


@dataclass
class Seen:
    """What the referee wrote down of one text: when it could be read, and where; and its lights."""

    judged: Judged
    sights: list[tuple[float, Spot]] = field(default_factory=list)
    lights: list[tuple[float, bool]] = field(default_factory=list)

    @property
    def a_pass(self) -> bool:
        return self.judged.belief.credential is not None

    def spells(self) -> Iterator[list[tuple[float, Spot]]]:
        """Yield its showings: what was never out of view for longer than *quiet*, or lay there and was only hidden."""
        spell, spot, lay = self.sights[:1], self.sights[0][1], 0.0
        for before, now in zip(self.sights, self.sights[1:], strict=False):
            gap, still = now[0] - before[0], same(spot, now[1])
            if gap > QUIET and not (still and lay >= SCENERY and gap <= TAKEN):
                yield spell
                spell = []
            if not still or (lay >= SCENERY and gap > TAKEN):
                spot, lay = now[1], 0.0
            elif gap <= BLINK:
                lay += gap
            elif lay < SCENERY:
                lay = max(0.0, lay - 2 * gap)
            spell.append(now)
        yield spell

    def served(self) -> list[float]:
        """Return when it was in view with a light of its own that went on a moment ago."""
        return [
            tick
            for spell in (self.spells() if self.a_pass else ())
            for tick, _ in spell
            if any(spell[0][0] <= lit <= tick < lit + PASS_HOLDS for lit, _ in self.lights)
        ]


def same(one: Spot, other: Spot) -> bool:
    return all(abs(a - b) <= STILL for a, b in zip(one, other, strict=True))


def square(spot: Spot) -> Corners:
    x, y, half = spot[0], spot[1], spot[2] / 2
    return Corners(((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)))


def hidden(spot: Spot, by: Spot) -> bool:
    """Whether the phone or card around the nearer code *by* covers the middle of *spot*."""
    return by[2] > spot[2] and max(abs(spot[0] - by[0]), abs(spot[1] - by[1])) < 0.9 * by[2]


def play(things: list[Thing], bodies: list[Body], seconds: float, chance: random.Random) -> dict[str, Seen]:
    """Let a wall look at a scene, and return what the referee wrote down."""
    selector, sightings = TargetSelector(), Sightings(QUIET, REPEAT, 20)
    judged = {thing.text: thing.judged for thing in things}
    seen = {thing.text: Seen(thing.judged) for thing in things}
    for frame in range(round(seconds * FPS)):
        tick = frame / FPS
        there = [(thing, spot) for thing in things if (spot := thing.where(tick)) is not None]
        codes, suspects = [], []
        for thing, spot in there:
            if any(hidden(spot, by) for other, by in there if other is not thing):
                continue
            if any(one.begins <= tick < one.ends and one.left <= spot[0] < one.right for one in bodies):
                continue
            if chance.random() < thing.read:
                codes.append(Code(thing.text, square(spot)))
                seen[thing.text].sights.append((tick, spot))
            elif chance.random() < 0.5:
                suspects.append(square(spot))
        chance.shuffle(codes)
        basis = Basis(RULES, AT + timedelta(seconds=tick))
        in_view = selector.seen(codes, (HEIGHT, WIDTH), tick)
        showings = sightings.showings([(one.text, one.rests) for one in in_view], tick=tick, basis=basis)
        meant = selector.chosen(in_view, showings, tuple(suspects), tick)
        if meant is not None:
            sighting = sightings.sight(meant.text, judged[meant.text], tick=tick, basis=basis, came=meant.came)
            if sighting is not None:
                seen[meant.text].lights.append((tick, sighting.repeat))
    return {text: one for text, one in seen.items() if one.sights}


def held(chance: random.Random, begins: float, ends: float, spot: Spot) -> Callable[[float], Spot | None]:
    """Return a hand that holds a code up: it comes from below, trembles and drifts, and goes down again."""
    phase, tremble = chance.uniform(0, 9), chance.uniform(2, 9)

    def where(t: float) -> Spot | None:
        if not begins <= t < ends:
            return None
        x, y, side = spot
        down = 200 * (max(0.0, 0.3 - (t - begins)) + max(0.0, 0.3 - (ends - t)))
        return x + tremble * sin(9 * t + phase) + 4 * sin(t), y + down + tremble * sin(11 * t), side + 2 * sin(3 * t)

    return where


def swaying(chance: random.Random, begins: float, ends: float, spot: Spot) -> Callable[[float], Spot | None]:
    """Return what hangs on somebody who stands there, or walks by."""
    phase, wide = chance.uniform(0, 9), chance.uniform(14, 40)
    pace = chance.choice([0.0, 0.0, WIDTH / (ends - begins)])

    def where(t: float) -> Spot | None:
        x = spot[0] + wide * sin(2 * pi * t / 1.7 + phase) + pace * (t - begins)
        return (x, spot[1], spot[2]) if begins <= t < ends and 60 < x < WIDTH - 60 else None

    return where


def laid(times: list[tuple[float, float]], spot: Spot) -> Callable[[float], Spot | None]:
    """Return what lies on the shelf, in exactly the same place each of these *times*."""
    return lambda t: spot if any(begins <= t < ends for begins, ends in times) else None


def somewhere(chance: random.Random, least: float, most: float) -> Spot:
    return chance.uniform(250, 1030), chance.uniform(250, 470), chance.uniform(least, most)


def scene(seed: int) -> tuple[list[Thing], list[Body], random.Random]:
    """Return a minute and a half: posters hang and are left alone at first, then people come."""
    chance = random.Random(seed)  # noqa: S311 - a seed makes a failure repeatable
    read = partial(chance.uniform, 0.75, 1)
    things = [
        Thing(f"poster {n}", stranger(), laid([(0, 90)], (x, 130.0, chance.uniform(50, 110))), read())
        for n, x in enumerate(chance.sample([110.0, 420.0, 1170.0], chance.randrange(3)))
    ]
    for n in range(chance.randrange(3)):
        begins = chance.uniform(22, 60)
        where = swaying(chance, begins, begins + chance.uniform(5, 40), somewhere(chance, 80, 220))
        things.append(Thing(f"shirt {n}", stranger(), where, read()))
    if chance.random() < 0.4:
        where = swaying(chance, 20.0, 90.0, (chance.choice([150.0, 1100.0]), 480.0, chance.uniform(50, 90)))
        things.append(Thing("badge", genuine(99), where, read()))
    begins = 26.0
    for n in range(chance.randrange(4, 9)):
        begins += chance.choice([0.3, 1.5, 6.0])
        lasts = chance.choice([0.8, 2.0, 3.0, 8.0, 25.0, 40.0])
        spot = somewhere(chance, 110, 320)
        where = held(chance, begins, begins + lasts, spot)
        if lasts >= 25.0 and chance.random() < 0.7:
            again = begins + lasts + chance.choice([5.0, 14.0])
            where = laid([(begins, begins + lasts), (again, again + 4)], spot)
        elif chance.random() < 0.2:
            where = laid([(begins + 4.2 * m, begins + 4.2 * m + 2) for m in range(8)], spot)
        things.append(Thing(f"pass {n}", genuine(n), where, read()))
        begins += chance.choice([0.0, lasts])
    if chance.random() < 0.2:
        begins, spot = chance.uniform(26, 50), somewhere(chance, 330, 360)
        for n in range(100):
            where = laid([(begins + n / 5, begins + n / 5 + 0.2)], spot)
            things.append(Thing(f"cycled {n}", stranger(), where))
    bodies = []
    for _ in range(chance.randrange(6)):
        left, at = chance.uniform(0, 1000), chance.uniform(26, 70)
        bodies.append(Body(at, at + chance.choice([1.0, 2.5, 3.5, 6.0, 20.0]), left, left + 350))
    return things, bodies, chance


def everybody_with_a_pass_got_a_light(seen: dict[str, Seen]) -> None:
    """Hold that it came at once where nobody else with a pass was there, else after the others' lights in turn."""
    for text, one in seen.items():
        for spell in one.spells() if one.a_pass else ():
            begins, ends = spell[0][0], spell[-1][0]
            others = [
                other
                for name, other in seen.items()
                if name != text and other.a_pass and any(begins - TURN <= tick <= ends for tick, _ in other.sights)
            ]
            limit = OVERDUE + TURN * len(others) if others else AT_ONCE
            lit = [tick for tick, _ in one.lights if begins <= tick <= ends]
            assert lit or ends - begins < limit, f"{text} was in view from {begins:.2f} to {ends:.2f} and got no light"
            assert not lit or lit[0] - begins <= limit, f"{text} had to wait until {lit[0] - begins:.2f}"
            assert len(lit) <= 1, f"{text} got several lights for one showing"


def nobody_was_counted_twice_and_whoever_came_later_was(seen: dict[str, Seen]) -> None:
    """Hold that what is shown again is flagged until ten seconds after the first showing was over, and not then."""
    for text, one in seen.items():
        end = -1e9
        for tick, repeat in one.lights if one.a_pass else ():
            assert repeat == (tick - end <= QUIET + REPEAT), f"{text} at {tick:.2f} was counted wrongly: {one.lights}"
            if not repeat:
                end = next(spell[-1][0] for spell in one.spells() if spell[-1][0] >= tick)


def no_poster_shone_after_its_first_light(seen: dict[str, Seen]) -> None:
    for text, one in seen.items():
        if text.startswith("poster"):
            assert [tick < 1 for tick, _ in one.lights] == [True], f"{text} shone at {one.lights}"


def no_stray_code_answered_for_a_pass(seen: dict[str, Seen]) -> None:
    """Hold that what is no pass, and was seen beside a pass that had its light, is dark until that has been gone."""
    for text, one in seen.items():
        for tick, _ in () if one.a_pass else one.lights:
            for name, other in seen.items():
                served = [at for at in other.served() if at < tick]
                if served and tick - served[-1] < QUIET_AFTER_PASS:
                    beside = [at for at, _ in one.sights if served[-1] - 5 < at <= served[-1] and at in served]
                    assert not beside, f"{text} shone at {tick:.2f}, {name} was there until {served[-1]:.2f}"


def a_stray_code_shone_once_there_was_time(seen: dict[str, Seen]) -> None:
    """Hold that whoever holds up what is no pass is told so, once no pass has been there for a moment."""
    served = sorted(tick for one in seen.values() for tick in one.served())
    for text, one in seen.items():
        for spell in one.spells() if not one.a_pass and not text.startswith("cycled") else ():
            calm = spell[0][0]
            for tick, after in zip(served, [*served[1:], 1e9], strict=True):
                if tick >= calm and after - max(tick, calm) < 2 * QUIET_AFTER_PASS:
                    calm = after
            if spell[-1][0] - calm > 2 * QUIET_AFTER_PASS:
                until = calm + 2 * QUIET_AFTER_PASS
                assert any(tick <= until for tick, _ in one.lights), f"{text} was dark until {until:.2f}"


RULES_OF_THE_REFEREE = (
    everybody_with_a_pass_got_a_light,
    nobody_was_counted_twice_and_whoever_came_later_was,
    no_poster_shone_after_its_first_light,
    no_stray_code_answered_for_a_pass,
    a_stray_code_shone_once_there_was_time,
)


@pytest.mark.parametrize("seed", range(24))
def test_whoever_stands_before_the_wall_is_served_in_time_and_once(seed: int) -> None:
    things, bodies, chance = scene(seed)
    seen = play(things, bodies, 90, chance)
    for rule in RULES_OF_THE_REFEREE:
        rule(seen)


MIDDLE = (640.0, 360.0, 200.0)


def lights(things: list[Thing], seconds: float, *bodies: Body) -> list[tuple[str, bool]]:
    """Return who got a light, and whether as a repeat, in order."""
    seen = play(things, list(bodies), seconds, random.Random(0))  # noqa: S311 - a seed makes a failure repeatable
    shone = sorted((tick, text, repeat) for text, one in seen.items() for tick, repeat in one.lights)
    return [(text, repeat) for _, text, repeat in shone]


@pytest.mark.parametrize("each", [0.1, 0.2, 0.3, 0.4, 0.5])
def test_two_phones_swapped_to_and_fro_are_two_people(each: float) -> None:
    things = [
        Thing(f"pass {n}", genuine(n), lambda t, n=n: MIDDLE if int(t / each + 1e-6) % 2 == n else None)
        for n in range(2)
    ]
    assert lights(things, 20) == [("pass 0", False), ("pass 1", False)]


def test_three_people_of_a_seventh_of_a_second_each_are_three() -> None:
    things = [
        Thing(f"pass {n}", genuine(n), laid([(1 + 0.15 * n, 1.15 + 0.15 * n)], MIDDLE), read=1.0) for n in range(3)
    ]
    assert lights(things, 3) == [("pass 0", False), ("pass 1", False), ("pass 2", False)]


def test_a_code_that_flickers_and_one_that_is_held_for_five_minutes_are_one_showing() -> None:
    flickers = Thing("flickers", genuine(1), lambda t: MIDDLE if int(t / 0.3) % 2 else None, read=0.8)
    assert lights([flickers], 30) == [("flickers", False)]
    held_up = Thing("held", genuine(2), held(random.Random(1), 0, 300, MIDDLE), read=0.9)  # noqa: S311 - a seed
    assert lights([held_up], 300) == [("held", False)]


def test_a_phone_that_renews_its_code_each_half_minute_is_one_showing() -> None:
    texts = [Thing(f"proof {n}", genuine(1), laid([(30 * n, 30 * n + 30)], MIDDLE)) for n in range(10)]
    assert lights(texts, 300) == [("proof 0", False)]


def test_a_card_from_the_shelf_gets_a_light_when_it_is_laid_there_again_and_none_when_a_hand_hid_it() -> None:
    away = Thing("card", genuine(1), laid([(0, 21), (26, 30)], MIDDLE))
    assert lights([away], 30) == [("card", False), ("card", True)]
    lies = Thing("card", genuine(1), laid([(0, 60)], MIDDLE))
    assert lights([lies], 60, Body(25, 28.5, 0, WIDTH), Body(40, 43.5, 0, WIDTH)) == [("card", False)]


@pytest.mark.parametrize("hidden_for", [1.0, 3.0, 25.0, 45.0, 600.0])
def test_a_poster_shines_once_however_long_people_stand_before_it(hidden_for: float) -> None:
    poster = Thing("poster", stranger(), laid([(0, 1e9)], (200.0, 200.0, 100.0)), read=0.7)
    assert lights([poster], 30 + hidden_for + 5, Body(25, 25 + hidden_for, 0, WIDTH)) == [("poster", False)]


@pytest.mark.parametrize("side", [60, 120, 200, 300])
def test_a_badge_that_sways_and_a_phone_that_lingers_keep_nobody_waiting_for_longer_than_a_light(side: float) -> None:
    badge = Thing("badge", genuine(1), lambda t: (900 + 25 * sin(2 * pi * t / 1.7), 420, 350))
    late = Thing("late", genuine(2), laid([(10, 18)], (500.0, 360.0, side)))
    early = Thing("early", genuine(3), laid([(1, 9)], (500.0, 360.0, side)))
    seen = play([badge, late, early], [], 20, random.Random(0))  # noqa: S311 - a seed
    waited = [seen["early"].lights[0][0] - 1, seen["late"].lights[0][0] - 10]
    assert [round(one, 1) for one in waited] == [1.5, 0.0]
