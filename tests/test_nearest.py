"""The nearest and most central code is meant; scenery, the held one and a nearer one not read yet keep others back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.nearest import BLINK, CLEARLY, FORGOTTEN, PATIENCE, SCENERY, Nearest, nearness
from device.readers import Code, Place, View

SIZE = (720, 1280)
MIDDLE = (640.0, 360.0)


def place(side: float, centre: tuple[float, float] = MIDDLE) -> Place:
    x, y, half = *centre, side / 2
    return Place(((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)))


class Wall:
    """A chooser, and the texts that are being shown."""

    def __init__(self) -> None:
        self.nearest = Nearest()
        self.shown: set[str] = set()
        self.asked: list[str] = []

    def stands(self, code: Code, until: float, every: float = 0.5) -> set[str | None]:
        """See *code* from 0 to *until*, both of them too; return what was meant."""
        return {self.sees(code, tick=n * every) for n in range(int(until / every) + 1)}

    def sees(self, *codes: Code, tick: float = 0.0, suspects: tuple[Place, ...] = ()) -> str | None:
        def shown(text: str) -> bool:
            self.asked.append(text)
            return text in self.shown

        code = self.nearest.chosen(View(codes, suspects), SIZE, tick, shown)
        return None if code is None else code.text


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
    assert sorted(wall.asked) == ["phone", "poster"]


def test_beside_the_one_that_is_shown_another_is_meant_only_if_it_is_clearly_nearer() -> None:
    wall = Wall()
    wall.shown = {"first"}
    first = Code("first", place(200))
    assert wall.sees(first, Code("second", place(200 * CLEARLY - 2))) is None
    assert wall.sees(first, Code("second", place(200 * CLEARLY + 2))) == "second"
    assert wall.sees(first) is None


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
    wall = Wall()
    poster = Code("poster", place(400))  # a large one, nearer than any phone
    assert wall.stands(poster, SCENERY - 0.5) == {"poster"}
    assert wall.sees(poster, tick=SCENERY) is None
    assert wall.sees(poster, PHONE, tick=SCENERY + 1) == "phone"
    moved = Code("poster", place(400, (640.0, 372.0)))
    assert wall.sees(moved, tick=SCENERY + 2) == "poster"


def test_a_hand_that_trembles_never_makes_scenery() -> None:
    wall = Wall()
    for n in range(400):
        code = Code("card", place(200, (640.0 + 12 * (n % 2), 360.0)))
        assert wall.sees(code, tick=n / 10) == "card"


def test_who_comes_and_goes_and_stands_on_the_same_spot_each_time_is_no_scenery() -> None:
    """Also the pictures that stand for a camera: each is always in the same place."""
    wall = Wall()
    for came in range(0, 600, 10):
        assert wall.sees(PHONE, tick=float(came)) == wall.sees(PHONE, tick=came + 1.5) == "phone"


def test_a_poster_that_cannot_be_read_each_second_or_is_stood_before_now_and_then_is_scenery() -> None:
    wall = Wall()
    assert wall.stands(POSTER, 2 * SCENERY, every=BLINK) == {"poster", None}
    passed = Wall()
    for came in range(0, 78, 13):  # ten seconds to see it, and then someone for three
        seen = {passed.sees(POSTER, tick=came + n / 2) for n in range(21)}
    assert seen == {None}


def test_scenery_that_was_out_of_sight_is_forgotten() -> None:
    wall = Wall()
    wall.stands(POSTER, SCENERY)
    assert wall.sees(POSTER, tick=SCENERY + FORGOTTEN) is None
    assert wall.sees(POSTER, tick=SCENERY + 2 * FORGOTTEN + 0.1) == "poster"
    assert len(wall.nearest._standing) == 1


def test_a_stranger_that_cycles_texts_fills_no_memory() -> None:
    wall = Wall()
    for n in range(2000):
        wall.sees(Code(f"{n}", place(200)), tick=n / 10)
    assert len(wall.nearest._standing) <= 10 * FORGOTTEN + 1
