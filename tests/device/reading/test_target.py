"""The nearest and most central code is meant; scenery never, and a light or a nearer suspect delays others a while."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.reading.decoders import Code, Corners
from device.reading.target import (
    AWAY,
    BLINK,
    CLEARLY,
    FORGOTTEN,
    FURNITURE,
    LIGHT,
    MAX_REMEMBERED,
    OVERDUE,
    PATIENCE,
    SCENERY,
    TAKEN,
    Meant,
    Shown,
    TargetSelector,
    nearness,
)

SIZE = (720, 1280)
MIDDLE = (640.0, 360.0)


def place(side: float, centre: tuple[float, float] = MIDDLE) -> Corners:
    x, y, half = *centre, side / 2
    return Corners(((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)))


class Wall:
    """A chooser, and what it is told of the texts whose showing goes on."""

    def __init__(self) -> None:
        self.target = TargetSelector()
        self.shown: dict[str, Shown] = {}
        self.asked: list[tuple[str, bool]] = []

    def stands(self, code: Code, until: float, every: float = 0.5, told: Shown | None = Shown(0.0)) -> None:  # noqa: B008 - a value
        """See *code*, of which that is *told*, from 0 to *until*, both of them too; nothing is told of it then."""
        if told is not None:
            self.shown[code.text] = told
        for n in range(int(until / every) + 1):
            self.sees(code, tick=n * every)
        self.shown.pop(code.text, None)

    def sees(self, *codes: Code, tick: float = 0.0, suspects: tuple[Corners, ...] = ()) -> str | None:
        meant = self.meant(*codes, tick=tick, suspects=suspects)
        return None if meant is None else meant.text

    def meant(self, *codes: Code, tick: float = 0.0, suspects: tuple[Corners, ...] = ()) -> Meant | None:
        seen = self.target.seen(codes, SIZE, tick)
        self.asked += [(one.text, one.rests) for one in seen]
        return self.target.chosen(seen, [self.shown.get(one.text) for one in seen], suspects, tick)


PHONE, POSTER = Code("phone", place(220)), Code("poster", place(60, (1100.0, 120.0)))


def test_the_larger_of_two_is_meant_in_whatever_order_they_come() -> None:
    assert Wall().sees(PHONE, POSTER) == Wall().sees(POSTER, PHONE) == "phone"


def test_of_two_that_are_as_large_the_one_in_the_middle_is_meant() -> None:
    aside = Code("aside", place(220, (200.0, 200.0)))
    assert Wall().sees(aside, PHONE) == Wall().sees(PHONE, aside) == "phone"


def test_a_code_that_is_alone_is_meant_however_far_it_is() -> None:
    assert Wall().sees(POSTER) == "poster"
    assert Wall().sees() is None


@given(st.floats(1, 700), st.floats(0, 1280), st.floats(0, 720))
def test_nearness_is_half_in_a_corner_and_whole_in_the_middle(side: float, x: float, y: float) -> None:
    whole = side / SIZE[0]
    assert nearness(place(side), SIZE) == pytest.approx(whole)
    assert 0.5 * whole <= nearness(place(side, (x, y)), SIZE) * 1.000001
    assert nearness(place(side, (0.0, 0.0)), SIZE) == pytest.approx(0.5 * whole)


def test_every_code_in_view_is_asked_after_so_that_its_showing_goes_on() -> None:
    wall = Wall()
    wall.sees(PHONE, POSTER)
    assert sorted(wall.asked) == [("phone", False), ("poster", False)]


def test_of_one_text_at_two_places_the_nearer_place_counts() -> None:
    wall = Wall()
    wall.shown = {"shown": Shown(0.0)}
    twice = (Code("shown", place(60, (1100.0, 120.0))), Code("shown", place(200)))
    assert wall.sees(*twice, Code("new", place(220)), tick=1.0) is None
    assert wall.asked == [("shown", False), ("new", False)]


def test_while_a_pass_has_its_light_another_is_meant_only_if_it_is_clearly_nearer() -> None:
    wall = Wall()
    wall.shown = {"first": Shown(0.0)}
    first = Code("first", place(200))
    assert wall.sees(first, Code("second", place(200 * CLEARLY - 2)), tick=1.0) is None
    assert wall.sees(first, Code("third", place(200 * CLEARLY + 2)), tick=1.0) == "third"
    assert wall.sees(first, tick=1.0) is None


def test_of_several_passes_that_have_their_light_the_nearest_keeps_others_back() -> None:
    near, far, new = Code("near", place(220)), Code("far", place(60, (1100.0, 120.0))), Code("new", place(200))
    for codes in ((near, far, new), (far, near, new), (new, near, far)):
        wall = Wall()
        wall.shown = {"near": Shown(0.0), "far": Shown(0.5)}
        assert wall.sees(*codes, tick=1.0) is None


def test_once_its_light_is_over_a_pass_that_lingers_keeps_nobody_back_however_near_it_is() -> None:
    wall = Wall()
    wall.shown = {"first": Shown(0.0)}
    first, second = Code("first", place(400)), Code("second", place(60, (1100.0, 120.0)))
    assert wall.sees(first, second, tick=LIGHT - 0.1) is None
    assert wall.sees(first, second, tick=LIGHT) == "second"


@pytest.mark.parametrize("told", [Shown(0.0, a_pass=False), Shown(None, a_pass=False)])
def test_what_is_no_pass_keeps_nobody_back_from_the_first_moment_on(told: Shown) -> None:
    wall = Wall()
    wall.shown = {"shirt": told}
    assert wall.sees(Code("shirt", place(400)), Code("pass", place(60)), tick=0.1) == "pass"


def test_what_is_stale_is_judged_again_before_what_is_new_and_though_it_is_scenery() -> None:
    wall = Wall()
    wall.stands(POSTER, SCENERY)
    wall.shown = {"poster": Shown(0.0, stale=True)}
    assert wall.sees(POSTER, PHONE, tick=SCENERY + 0.1) == "poster"
    wall.shown = {"poster": Shown(0.0)}
    assert wall.sees(POSTER, PHONE, tick=SCENERY + 0.2) == "phone"


def test_who_waited_for_long_comes_before_who_is_nearer_and_new_in_each_frame() -> None:
    wall, small = Wall(), Code("small", place(60))
    meant = {n / 15: wall.sees(Code(f"cycled {n}", place(400)), small, tick=n / 15) for n in range(90)}
    turns = [tick for tick, text in meant.items() if text == "small"]
    assert len(turns) == 1  # the turn is used up, whatever comes of it
    assert OVERDUE <= turns[0] <= OVERDUE + 0.1


def test_who_went_away_has_not_waited_meanwhile() -> None:
    small = Code("small", place(60))
    for away, meant in ((BLINK, "small"), (BLINK + 0.1, "new")):
        wall = Wall()
        assert [wall.sees(PHONE, small, tick=tick) for tick in (0.0, OVERDUE - 1)] == ["phone"] * 2
        assert wall.sees(Code("new", place(220)), small, tick=OVERDUE - 1 + away) == meant


def test_the_one_that_waited_longest_comes_first() -> None:
    wall = Wall()
    wall.shown = {"first": Shown(1.0)}
    first = Code("first", place(200))
    early, late = Code("early", place(100)), Code("late", place(120))
    wall.sees(first, early, tick=0.0)
    for n in range(1, 8):
        assert wall.sees(first, early, late, tick=n / 2 - 0.1) is None
    wall.shown = {}
    assert wall.sees(early, late, tick=3.5) == "early"


def test_it_says_since_when_what_is_meant_has_been_in_view() -> None:
    wall = Wall()
    wall.shown = {"first": Shown(0.0)}
    first, second = Code("first", place(200)), Code("second", place(200))
    assert wall.meant(first, tick=0.0) is None
    assert wall.meant(first, second, tick=1.0) is None
    assert wall.meant(second, tick=2.0) == Meant("second", 1.0)
    assert wall.meant(second, tick=5.0) == Meant("second", 1.0)  # a phone may have hidden it
    assert wall.meant(second, tick=5.1 + SCENERY / AWAY) == Meant("second", 5.1 + SCENERY / AWAY)


def test_a_nearer_code_that_is_not_read_yet_is_waited_for_but_not_for_long() -> None:
    wall, phone = Wall(), (place(220),)
    assert wall.sees(POSTER, tick=1.0, suspects=phone) is None
    assert wall.sees(POSTER, tick=1.0 + 0.9 * PATIENCE, suspects=phone) is None
    assert wall.sees(POSTER, tick=1.001 + PATIENCE, suspects=phone) == "poster"
    # The wait began anew, and one that is hardly larger is not waited for.
    assert wall.sees(POSTER, tick=2.0, suspects=phone) is None
    assert wall.sees(POSTER, tick=2.1, suspects=(place(80),)) == "poster"
    assert wall.sees(POSTER, tick=2.2, suspects=phone) is None
    assert wall.sees(PHONE, POSTER, tick=2.3) == "phone"


def test_what_stands_still_for_long_belongs_to_the_room_until_it_moves() -> None:
    poster = Code("poster", place(400))  # a large one, nearer than any phone
    wall = Wall()
    wall.stands(poster, SCENERY - 0.5)
    assert wall.sees(poster, tick=SCENERY - 0.4) == "poster"
    wall = Wall()
    wall.stands(poster, SCENERY)
    assert wall.sees(poster, tick=SCENERY + 0.1) is None
    assert wall.sees(poster, PHONE, tick=SCENERY + 1) == "phone"
    moved = Code("poster", place(400, (640.0, 372.0)))
    assert wall.sees(moved, tick=SCENERY + 2) == "poster"


def test_what_still_waits_for_its_turn_is_no_scenery_however_still_it_is() -> None:
    wall = Wall()
    wall.stands(PHONE, 2 * SCENERY, told=None)
    assert wall.sees(PHONE, tick=2 * SCENERY + 0.1) == "phone"


def test_a_hand_that_trembles_never_makes_scenery() -> None:
    wall = Wall()
    for n in range(400):
        code = Code("card", place(200, (640.0 + 12 * (n % 2), 360.0)))
        wall.shown = {"card": Shown(0.0)}
        assert wall.sees(code, tick=n / 10) is None
        wall.shown = {}
        assert wall.sees(code, tick=n / 10 + 0.05) == "card"


def test_who_comes_and_goes_and_stands_on_the_same_spot_each_time_is_no_scenery() -> None:
    """Also the pictures that stand for a camera: each is always in the same place."""
    wall = Wall()
    for came in range(0, 600, 10):
        assert wall.sees(PHONE, tick=float(came)) == "phone"
        wall.shown = {"phone": Shown(float(came))}
        assert wall.sees(PHONE, tick=came + 1.5) is None
        wall.shown = {}


def test_a_poster_that_cannot_be_read_each_second_or_is_stood_before_now_and_then_is_scenery() -> None:
    wall = Wall()
    wall.stands(POSTER, SCENERY, every=BLINK)
    assert wall.sees(POSTER, tick=SCENERY + BLINK) is None
    passed = Wall()
    passed.shown = {"poster": Shown(0.0)}
    for came in range(0, 78, 13):  # ten seconds to see it, and then someone for three
        seen = {passed.sees(POSTER, tick=came + n / 2) for n in range(21)}
    passed.shown = {}
    assert seen == {passed.sees(POSTER, tick=78.0)} == {None}


def hidden(told: Shown, stood: float, away: float) -> tuple[str | None, bool]:
    """Return whether a phone that *stood* so long and was *away* is meant in its old place, and whether it rests."""
    wall = Wall()
    wall.stands(PHONE, stood, told=told)
    wall.asked.clear()
    meant = wall.sees(PHONE, tick=stood + away)
    return meant, wall.asked == [("phone", True)]


def test_a_pass_that_was_taken_off_the_shelf_and_laid_there_again_is_no_scenery() -> None:
    """However exactly it lies where it lay; a hand that goes before it hides it for less long."""
    assert hidden(Shown(0.0), SCENERY + 1, 5.0) == ("phone", False)
    assert hidden(Shown(0.0), 300.0, TAKEN + 0.5) == ("phone", False)
    assert hidden(Shown(0.0), SCENERY + 1, TAKEN - 0.5) == (None, True)


def test_a_poster_is_scenery_however_long_somebody_stands_before_it() -> None:
    poster = Shown(0.0, a_pass=False)
    assert hidden(poster, SCENERY + 1, 60.0) == (None, True)
    assert hidden(poster, SCENERY + 1, FORGOTTEN - 1) == (None, True)
    assert hidden(poster, SCENERY + 1, FORGOTTEN + 1) == ("phone", False)


def test_a_pass_that_has_stood_there_for_ten_minutes_is_a_poster() -> None:
    assert hidden(Shown(0.0), FURNITURE + 1, 60.0) == (None, True)
    assert hidden(Shown(0.0), FURNITURE - 30, 60.0) == ("phone", False)


def test_a_card_that_is_moved_into_its_place_by_a_hand_is_no_scenery() -> None:
    wall = Wall()
    wall.stands(PHONE, SCENERY + 1)
    for n in range(10):
        side, x = 220.0, 700.0 - 6 * n
        assert wall.sees(Code("phone", place(side, (x, 360.0))), tick=SCENERY + 3 + n / 15) == "phone"


def test_scenery_that_was_out_of_sight_is_forgotten() -> None:
    wall = Wall()
    wall.stands(POSTER, SCENERY, told=Shown(0.0, a_pass=False))
    assert wall.sees(POSTER, tick=SCENERY + FORGOTTEN) is None
    assert wall.sees(POSTER, tick=SCENERY + 2 * FORGOTTEN + 0.1) == "poster"
    assert len(wall.target._standing) == 1


def test_a_stranger_that_cycles_texts_fills_no_memory_and_pushes_no_scenery_out() -> None:
    wall = Wall()
    wall.stands(POSTER, SCENERY)
    for n in range(400):
        texts = (Code(f"{n} {m}", place(200)) for m in range(64))
        wall.sees(POSTER, *texts, tick=SCENERY + n / 15)
        assert len(wall.target._standing) <= MAX_REMEMBERED + 65
    assert wall.sees(POSTER, tick=SCENERY + 400 / 15) is None
    assert wall.sees(tick=SCENERY + 400 / 15 + SCENERY / AWAY + 1) is None
    assert len(wall.target._standing) == 0
