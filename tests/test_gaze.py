"""One sighting of one showing: by example, and against a plain model of the rule."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.gaze import MOST_KNOWN, Gaze, Sighting
from device.judge import Judged
from device.model import Belief, Claims, Credential, Domain, Kind, Outcome, Reason, Verdict

QUIET, REPEAT, STRANGERS = 0.7, 10.0, 20


def genuine(number: int, outcome: Outcome = Outcome.ADMIT) -> Judged:
    credential = Credential(Kind.PASS, Domain.STAFF, "x", number.to_bytes(32, "big"), Claims())
    return Judged(Belief(Kind.PASS, None, credential), Verdict(outcome, Reason.STAFF))


def stranger() -> Judged:
    return Judged(Belief(Kind.TEXT, Reason.NOT_A_PASS), Verdict(Outcome.REFUSE, Reason.NOT_A_PASS))


def gaze() -> Gaze:
    return Gaze(QUIET, REPEAT, STRANGERS)


def show(gaze: Gaze, text: str, judged: Judged, tick: float) -> Sighting | None:
    return None if gaze.holds(text, tick) else gaze.sight(text, judged, tick)


def test_a_code_held_for_thirty_seconds_is_one_sighting() -> None:
    eyes = gaze()
    seen = [show(eyes, "a", genuine(1), frame / 15) for frame in range(450)]
    assert [one for one in seen if one is not None] == [Sighting(genuine(1))]


def test_two_people_one_second_apart_are_two_sightings() -> None:
    eyes = gaze()
    assert [show(eyes, "a", genuine(1), 0.0), show(eyes, "b", genuine(2), 1.0)] == [
        Sighting(genuine(1)),
        Sighting(genuine(2)),
    ]


def test_away_a_second_and_back_is_a_repeat_with_the_first_verdict() -> None:
    eyes = gaze()
    refused = genuine(1, Outcome.REFUSE)
    assert show(eyes, "a", refused, 0.0) == Sighting(refused)
    assert show(eyes, "a", genuine(1), 1.5) == Sighting(refused, repeat=True)
    assert show(eyes, "a", genuine(1), 1.5 + QUIET + REPEAT + 0.1) == Sighting(genuine(1))


def replayed(number: int) -> Judged:
    return Judged(genuine(number).belief._replace(reason=Reason.REPLAYED), Verdict(Outcome.REFUSE, Reason.REPLAYED))


def test_who_opens_the_page_after_a_screenshot_is_admitted_and_no_repeat() -> None:
    eyes = gaze()
    assert show(eyes, "screenshot", replayed(1), 0.0) == Sighting(replayed(1))
    assert show(eyes, "live", genuine(1), 0.3) == Sighting(genuine(1))
    assert show(eyes, "live", genuine(1), 0.6) is None
    assert show(eyes, "live, half a minute on", genuine(1), 0.9) is None


def test_a_screenshot_hides_behind_no_admission() -> None:
    eyes = gaze()
    assert show(eyes, "live", genuine(1), 0.0) == Sighting(genuine(1))
    assert show(eyes, "screenshot", replayed(1), 3.0) == Sighting(replayed(1))
    assert show(eyes, "screenshot", replayed(1), 6.0) == Sighting(replayed(1), repeat=True)


def test_a_live_page_beside_its_screenshot_is_no_flood() -> None:
    eyes = gaze()
    seen = [
        show(eyes, text, judged, frame / 15)
        for frame in range(90)
        for text, judged in (("screenshot", replayed(1)), ("live", genuine(1)))
    ]
    assert [one for one in seen if one is not None] == [Sighting(replayed(1)), Sighting(genuine(1))]


def test_live_screenshot_live_is_one_admission_and_a_repeat() -> None:
    eyes = gaze()
    assert show(eyes, "live", genuine(1), 0.0) == Sighting(genuine(1))
    assert show(eyes, "screenshot", replayed(1), 2.0) == Sighting(replayed(1))
    assert show(eyes, "live again", genuine(1), 4.0) == Sighting(genuine(1), repeat=True)


def test_an_old_text_of_a_pass_in_view_is_judged_again() -> None:
    eyes = gaze()
    assert show(eyes, "proof", genuine(1), 0.0) == Sighting(genuine(1))
    assert show(eyes, "the next proof", genuine(1), 100.0) == Sighting(genuine(1))
    assert not eyes.holds("proof", 100.2)  # a screenshot of it beside the living page
    assert show(eyes, "proof", replayed(1), 100.2) == Sighting(replayed(1))
    assert eyes.holds("the next proof", 100.3)


def listed(number: int) -> Judged:
    credential = Credential(Kind.LISTED, Domain.STAFF, "x", number.to_bytes(32, "big"), Claims())
    return Judged(Belief(Kind.LISTED, None, credential), Verdict(Outcome.CHECK, Reason.LISTED))


def test_who_counts_numbers_or_shows_pictures_of_passes_waits_like_any_stranger() -> None:
    for made in (listed, replayed):
        eyes = gaze()
        seen = [show(eyes, f"code {n}", made(n), n * 0.1) for n in range(100)]
        assert [one is not None and not one.waits for one in seen] == [True] * 20 + [False] * 80
        assert eyes.limited == 80
        assert show(eyes, "pass", genuine(1000), 11.0) == Sighting(genuine(1000))


def test_the_same_pass_written_another_way_is_the_same_showing() -> None:
    eyes = gaze()
    assert show(eyes, "a", genuine(1), 0.0) is not None
    assert show(eyes, "another text of the same pass", genuine(1), 0.1) is None
    assert show(eyes, "a third", genuine(1), 2.0) == Sighting(genuine(1), repeat=True)


def test_two_codes_in_one_view_are_two_sightings_and_stay_two() -> None:
    eyes = gaze()
    seen = [show(eyes, text, genuine(n), frame / 15) for frame in range(60) for n, text in ((1, "a"), (2, "b"))]
    assert len([one for one in seen if one is not None]) == 2


def test_strangers_wait_after_twenty_a_minute_and_people_with_passes_do_not() -> None:
    eyes = gaze()
    seen = [show(eyes, f"code {n}", stranger(), n * 0.1) for n in range(100)]
    assert [one is not None and not one.waits for one in seen] == [True] * 20 + [False] * 80
    assert eyes.limited == 80
    assert show(eyes, "pass", genuine(1), 11.0) == Sighting(genuine(1))
    again = show(eyes, "one more", stranger(), 60.05)
    assert again == Sighting(stranger())


def test_who_had_to_wait_is_no_repeat_later() -> None:
    eyes = Gaze(QUIET, REPEAT, 1)
    show(eyes, "first", stranger(), 0.0)
    waiting = show(eyes, "second", stranger(), 55.0)
    assert waiting is not None
    assert waiting.waits
    assert show(eyes, "second", stranger(), 61.0) == Sighting(stranger())


def test_what_could_not_be_recorded_is_a_first_showing_later_and_silent_meanwhile() -> None:
    eyes = gaze()
    show(eyes, "a", genuine(1), 0.0)
    eyes.retract("a")
    assert show(eyes, "a", genuine(1), 0.5) is None
    assert show(eyes, "a", genuine(1), 3.0) == Sighting(genuine(1))


def test_a_flood_of_strangers_neither_fills_the_memory_nor_hides_who_was_seen() -> None:
    eyes = gaze()
    show(eyes, "a", genuine(1), 0.0)
    for n in range(5 * MOST_KNOWN):
        show(eyes, f"code {n}", stranger(), 0.8 + n / 1000)
    assert len(eyes._known) <= MOST_KNOWN
    assert len(eyes._keys) <= 2 * MOST_KNOWN
    assert show(eyes, "a", genuine(1), 5.0) == Sighting(genuine(1), repeat=True)


class Wall(RuleBasedStateMachine):
    """People come and go with a few passes; the model remembers when each was last seen."""

    def __init__(self) -> None:
        super().__init__()
        self.eyes = gaze()
        self.tick = 0.0
        self.last: dict[int, float] = {}
        self.first: dict[int, Outcome] = {}

    @rule(seconds=st.sampled_from([0.05, 0.3, 0.65, 0.75, 2.0, 9.0, 12.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.tick += seconds

    @rule(number=st.integers(1, 4), writing=st.integers(0, 2), outcome=st.sampled_from(Outcome))
    def a_pass_is_shown(self, number: int, writing: int, outcome: Outcome) -> None:
        away = self.tick - self.last.get(number, -1e9)
        seen = show(self.eyes, f"{number}/{writing}", genuine(number, outcome), self.tick)
        if away <= QUIET:
            assert seen is None
        elif away <= QUIET + REPEAT:
            assert seen == Sighting(genuine(number, self.first[number]), repeat=True)
        else:
            self.first[number] = outcome
            assert seen == Sighting(genuine(number, outcome))
        self.last[number] = self.tick

    @precondition(lambda self: self.last)
    @rule(strangers=st.integers(1, 30))
    def strangers_come(self, strangers: int) -> None:
        for n in range(strangers):
            show(self.eyes, f"stranger {self.tick} {n}", stranger(), self.tick)

    @invariant()
    def no_minute_has_more_than_twenty_strangers(self) -> None:
        counted = list(self.eyes._counted)
        assert all(sum(1 for other in counted if 0 <= other - one < 60) <= STRANGERS for one in counted)


Wall.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=timedelta(seconds=5))
TestWall = Wall.TestCase


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 3)), max_size=40))
def test_never_two_first_sightings_of_one_pass_within_the_window(showings: list[tuple[float, int]]) -> None:
    eyes, tick = gaze(), 0.0
    first: dict[int, float] = {}
    for pause, number in showings:
        tick += pause
        seen = show(eyes, str(number), genuine(number), tick)
        if seen is not None and not seen.repeat:
            assert tick - first.get(number, -1e9) > REPEAT
            first[number] = tick
