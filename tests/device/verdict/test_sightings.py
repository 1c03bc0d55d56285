"""One sighting of one showing: by example, and against a plain model of the rule."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.model import WITA, Belief, Claims, Credential, Domain, Kind, Outcome, Reason, Verdict
from device.reading.target import Shown
from device.trust.bundle import Trust
from device.verdict.judge import Basis, Judged, Rules
from device.verdict.sightings import MAX_KNOWN, PASS_HOLDS, QUIET_AFTER_PASS, STRICTNESS, Sighting, Sightings
from tests.support.credentials import AT
from tests.support.judged import QUIET, REPEAT, RULES, STRANGERS, genuine, stranger


def sightings() -> Sightings:
    return Sightings(QUIET, REPEAT, STRANGERS)


def basis(tick: float, rules: Rules = RULES) -> Basis:
    return Basis(rules, AT + timedelta(seconds=tick))


def holds(sightings: Sightings, text: str, tick: float, rules: Rules = RULES) -> Shown | None:
    return held(sightings, text, tick, basis(tick, rules))


def held(sightings: Sightings, text: str, tick: float, basis: Basis) -> Shown | None:
    (shown,) = sightings.showings([(text, False)], tick=tick, basis=basis)
    return shown


def show(sightings: Sightings, text: str, judged: Judged, tick: float, rules: Rules = RULES) -> Sighting | None:
    """Show *text* in one frame, in which it is judged if it is new or stale."""
    shown = holds(sightings, text, tick, rules)
    return sightings.sight(text, judged, tick=tick, basis=basis(tick, rules)) if shown is None or shown.stale else None


def test_a_code_held_for_thirty_seconds_is_one_sighting() -> None:
    eyes = sightings()
    seen = [show(eyes, "a", genuine(1), frame / 15) for frame in range(450)]
    assert [one for one in seen if one is not None] == [Sighting(genuine(1))]


def test_two_people_one_second_apart_are_two_sightings() -> None:
    eyes = sightings()
    assert [show(eyes, "a", genuine(1), 0.0), show(eyes, "b", genuine(2), 1.0)] == [
        Sighting(genuine(1)),
        Sighting(genuine(2)),
    ]


def test_away_a_second_and_back_is_a_repeat_with_the_first_verdict() -> None:
    eyes = sightings()
    refused = genuine(1, Outcome.REFUSE)
    assert show(eyes, "a", refused, 0.0) == Sighting(refused)
    assert show(eyes, "a", genuine(1), 1.5) == Sighting(refused, repeat=True)
    assert show(eyes, "a", genuine(1), 1.5 + QUIET + REPEAT + 0.1) == Sighting(genuine(1))


def replayed(number: int) -> Judged:
    return Judged(genuine(number).belief._replace(reason=Reason.REPLAYED), Verdict(Outcome.REFUSE, Reason.REPLAYED))


def test_a_repeat_has_a_light_of_its_own_and_says_since_when() -> None:
    eyes = sightings()
    for tick, lit in ((0.0, 0.0), (0.5, 0.0), (1.5, 1.5), (2.0, 1.5), (4.0, 4.0)):
        show(eyes, "a", genuine(1), tick)
        assert holds(eyes, "a", tick) == Shown(lit, a_pass=True, stale=False)


def test_who_opens_the_page_after_a_screenshot_is_admitted_and_no_repeat() -> None:
    eyes = sightings()
    assert show(eyes, "screenshot", replayed(1), 0.0) == Sighting(replayed(1))
    assert show(eyes, "live", genuine(1), 0.3) == Sighting(genuine(1))
    assert show(eyes, "live", genuine(1), 0.6) is None
    assert show(eyes, "live, half a minute on", genuine(1), 0.9) is None


def test_a_screenshot_hides_behind_no_admission() -> None:
    eyes = sightings()
    assert show(eyes, "live", genuine(1), 0.0) == Sighting(genuine(1))
    assert show(eyes, "screenshot", replayed(1), 3.0) == Sighting(replayed(1))
    assert show(eyes, "screenshot", replayed(1), 6.0) == Sighting(replayed(1), repeat=True)


def test_a_live_page_beside_its_screenshot_is_no_flood() -> None:
    eyes = sightings()
    seen = [
        show(eyes, text, judged, frame / 15)
        for frame in range(90)
        for text, judged in (("screenshot", replayed(1)), ("live", genuine(1)))
    ]
    assert [one for one in seen if one is not None] == [Sighting(replayed(1)), Sighting(genuine(1))]


def test_live_screenshot_live_is_one_admission_and_a_repeat() -> None:
    eyes = sightings()
    assert show(eyes, "live", genuine(1), 0.0) == Sighting(genuine(1))
    assert show(eyes, "screenshot", replayed(1), 2.0) == Sighting(replayed(1))
    assert show(eyes, "live again", genuine(1), 4.0) == Sighting(genuine(1), repeat=True)


def test_an_old_text_of_a_pass_in_view_is_judged_again() -> None:
    eyes = sightings()
    assert show(eyes, "proof", genuine(1), 0.0) == Sighting(genuine(1))
    assert show(eyes, "the next proof", genuine(1), 100.0) == Sighting(genuine(1))
    assert holds(eyes, "proof", 100.2) is None  # a screenshot of it beside the living page
    assert show(eyes, "proof", replayed(1), 100.2) == Sighting(replayed(1))
    assert holds(eyes, "the next proof", 100.3) == Shown(100.0)


def listed(number: int) -> Judged:
    credential = Credential(Kind.LISTED, Domain.STAFF, "x", number.to_bytes(32, "big"), Claims())
    return Judged(Belief(Kind.LISTED, None, credential), Verdict(Outcome.CHECK, Reason.LISTED))


def test_who_counts_numbers_or_shows_pictures_of_passes_waits_like_any_stranger() -> None:
    for made in (listed, replayed):
        eyes = sightings()
        seen = [show(eyes, f"code {n}", made(n), n * 0.1) for n in range(100)]
        assert [one is not None and not one.waits for one in seen] == [True] * 20 + [False] * 80
        assert eyes.limited == 80
        assert show(eyes, "pass", genuine(1000), 11.0) == Sighting(genuine(1000))


def test_the_same_pass_written_another_way_is_the_same_showing() -> None:
    eyes = sightings()
    assert show(eyes, "a", genuine(1), 0.0) is not None
    assert show(eyes, "another text of the same pass", genuine(1), 0.1) is None
    assert show(eyes, "a third", genuine(1), 2.0) == Sighting(genuine(1), repeat=True)


def test_two_codes_in_one_view_are_two_sightings_and_stay_two() -> None:
    eyes = sightings()
    seen = [show(eyes, text, genuine(n), frame / 15) for frame in range(60) for n, text in ((1, "a"), (2, "b"))]
    assert len([one for one in seen if one is not None]) == 2


def test_strangers_wait_after_twenty_a_minute_and_people_with_passes_do_not() -> None:
    eyes = sightings()
    seen = [show(eyes, f"code {n}", stranger(), n * 0.1) for n in range(100)]
    assert [one is not None and not one.waits for one in seen] == [True] * 20 + [False] * 80
    assert eyes.limited == 80
    assert show(eyes, "pass", genuine(1), 11.0) == Sighting(genuine(1))
    again = show(eyes, "one more", stranger(), 60.05)
    assert again == Sighting(stranger())


def test_who_had_to_wait_is_no_repeat_later() -> None:
    eyes = Sightings(QUIET, REPEAT, 1)
    show(eyes, "first", stranger(), 0.0)
    waiting = show(eyes, "second", stranger(), 55.0)
    assert waiting is not None
    assert waiting.waits
    assert show(eyes, "second", stranger(), 61.0) == Sighting(stranger())


def test_what_could_not_be_recorded_is_a_first_showing_later_and_silent_meanwhile() -> None:
    eyes = sightings()
    show(eyes, "a", genuine(1), 0.0)
    eyes.retract("a")
    assert show(eyes, "a", genuine(1), 0.5) is None
    assert show(eyes, "a", genuine(1), 3.0) == Sighting(genuine(1))


def test_a_flood_of_strangers_neither_fills_the_memory_nor_hides_who_was_seen() -> None:
    eyes = sightings()
    show(eyes, "a", genuine(1), 0.0)
    for n in range(5 * MAX_KNOWN):
        show(eyes, f"code {n}", stranger(), 0.8 + n / 1000)
    assert len(eyes._known) <= MAX_KNOWN
    assert len(eyes._keys) <= 2 * MAX_KNOWN
    assert show(eyes, "a", genuine(1), 5.0) == Sighting(genuine(1), repeat=True)


def test_a_stricter_verdict_is_a_new_sighting_in_the_window_and_a_milder_one_is_a_repeat() -> None:
    for first in Outcome:
        for fresh in Outcome:
            eyes = sightings()
            show(eyes, "a", genuine(1, first), 0.0)
            stricter = STRICTNESS[fresh] > STRICTNESS[first]
            assert show(eyes, "a", genuine(1, fresh), 5.0) == Sighting(
                genuine(1, fresh if stricter else first), repeat=not stricter
            )


def test_after_a_stricter_verdict_the_window_begins_anew_with_that() -> None:
    eyes = sightings()
    refused = genuine(1, Outcome.REFUSE)
    assert show(eyes, "a", genuine(1), 0.0) == Sighting(genuine(1))
    assert show(eyes, "a", refused, 8.0) == Sighting(refused)
    assert show(eyes, "a", genuine(1), 16.0) == Sighting(refused, repeat=True)
    assert show(eyes, "a", genuine(1), 8.0 + QUIET + REPEAT + 0.1) == Sighting(genuine(1))


def test_what_is_in_view_is_judged_again_by_other_rules_at_midnight_at_three_and_at_its_end_and_not_else() -> None:
    at = AT.astimezone(WITA)  # ten in the morning
    ends = genuine(1).belief.credential
    assert ends is not None
    judged = Judged(
        Belief(Kind.PASS, None, ends._replace(expires=AT + timedelta(minutes=5))), Verdict(Outcome.ADMIT, Reason.STAFF)
    )
    eyes, stale = sightings(), []
    show(eyes, "a", judged, 0.0)
    hours = 24 - at.hour
    other = Rules(Trust(), (), RULES.setting)
    for second in range(18 * 3600 * 2):
        tick = second / 2
        shown = holds(eyes, "a", tick, other if tick >= 100 else RULES)
        assert shown is not None
        if shown.stale:
            stale.append(tick)
            rules = other if tick >= 100 else RULES
            assert eyes.sight("a", judged, tick=tick, basis=basis(tick, rules)) is None
    assert stale == [100.0, 300.0, 300.5, hours * 3600.0, (hours + 3) * 3600.0]


def test_a_clock_set_back_is_a_reason_to_judge_again_and_one_that_is_doubted_is_none() -> None:
    eyes = sightings()
    show(eyes, "a", genuine(1), 0.0)
    back, doubted = Basis(RULES, AT - timedelta(hours=1)), Basis(RULES, AT + timedelta(days=3), floor=AT)
    assert held(eyes, "a", 0.1, doubted) == Shown(0.0)
    assert held(eyes, "a", 0.2, back) == Shown(0.0, stale=True)
    assert eyes.sight("a", genuine(1), tick=0.2, basis=doubted) is None
    assert held(eyes, "a", 0.3, doubted) == Shown(0.0)
    assert held(eyes, "a", 0.4, basis(0.4)) == Shown(0.0, stale=True)


def test_what_waited_or_could_not_be_recorded_is_not_judged_again_while_it_stays() -> None:
    eyes = sightings()
    show(eyes, "a", genuine(1), 0.0)
    eyes.retract("a")
    other = Rules(Trust(), (), RULES.setting)
    assert holds(eyes, "a", 0.5, other) == Shown(0.0)


def test_a_repeat_that_has_to_wait_forgets_no_refusal() -> None:
    eyes = Sightings(QUIET, REPEAT, 1)
    refused = listed(1)._replace(verdict=Verdict(Outcome.REFUSE, Reason.REVOKED))
    assert show(eyes, "1", refused, 0.0) == Sighting(refused)
    waiting = show(eyes, "1", listed(1), 3.0)
    assert waiting is not None
    assert (waiting.waits, waiting.repeat) == (True, False)
    eyes._counted.clear()
    assert show(eyes, "1", listed(1), 6.0) == Sighting(refused, repeat=True)


def test_a_phone_that_makes_a_text_each_frame_fills_no_memory() -> None:
    eyes = sightings()
    for n in range(5 * MAX_KNOWN):
        show(eyes, f"proof {n}", genuine(1), n / 15)
    assert (len(eyes._known), len(eyes._keys)) == (1, 1)


def beside(eyes: Sightings, text: str, tick: float, came: float) -> Sighting | None:
    """Show *text*, no pass, that has been in view since *came*."""
    if holds(eyes, text, tick) is not None:
        return None
    return eyes.sight(text, stranger(), tick=tick, basis=basis(tick), came=came)


def test_what_is_no_pass_and_was_seen_beside_one_shines_a_moment_after_that_has_gone() -> None:
    eyes = sightings()
    seen = []
    for frame in range(90):
        tick = frame / 15
        if tick <= 2:
            show(eyes, "pass", genuine(1), tick)
        seen += [tick] if beside(eyes, "shirt", tick, came=0.0) == Sighting(stranger()) else []
    assert len(seen) == 1
    assert 2 + QUIET_AFTER_PASS <= seen[0] <= 2 + QUIET_AFTER_PASS + 0.1


def test_a_pass_that_lingers_keeps_what_is_no_pass_waiting_for_so_long_and_no_longer() -> None:
    eyes = sightings()
    seen = []
    for frame in range(15 * 20):
        tick = frame / 15
        show(eyes, "badge", genuine(1), tick)
        seen += [tick] if beside(eyes, "shirt", tick, came=0.0) == Sighting(stranger()) else []
    assert len(seen) == 1
    assert PASS_HOLDS + QUIET_AFTER_PASS <= seen[0] <= PASS_HOLDS + QUIET_AFTER_PASS + 0.1


def test_who_comes_with_another_code_right_after_a_pass_is_told_at_once() -> None:
    eyes = sightings()
    show(eyes, "pass", genuine(1), 0.0)
    assert beside(eyes, "menu", 0.3, came=0.3) == Sighting(stranger())


def test_what_had_its_light_and_was_hidden_by_a_pass_has_no_second_one() -> None:
    eyes = sightings()
    assert beside(eyes, "shirt", 0.0, came=0.0) == Sighting(stranger())
    for frame in range(15, 120):
        show(eyes, "pass", genuine(1), frame / 15)
    assert beside(eyes, "shirt", 8.1, came=8.1) is None
    assert beside(eyes, "shirt", 8.7, came=8.1) is None


def test_a_pass_of_any_kind_is_never_kept_back() -> None:
    for reason in set(Reason) - {Reason.NOT_A_PASS, Reason.WAIT}:
        eyes = sightings()
        show(eyes, "pass", genuine(1), 0.0)
        judged = Judged(Belief(Kind.PASS, reason), Verdict(Outcome.REFUSE, reason))
        assert eyes.sight("other", judged, tick=0.1, basis=basis(0.1), came=0.0) == Sighting(judged)


class Wall(RuleBasedStateMachine):
    """People come and go with a few passes while bundles come, midnights pass and passes end.

    The model says of each pass what would be said of it now, and remembers of it: what the first verdict was, when
    that showing ended, and when it was seen last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.eyes = sightings()
        self.tick = 0.0
        self.rules = RULES
        self.said = dict.fromkeys(range(1, 5), Outcome.ADMIT)
        self.ends: dict[int, float] = {}
        self.first: dict[int, Outcome] = {}
        self.end: dict[int, float] = {}
        self.again: set[int] = set()
        self.last: dict[int, float] = {}

    def fresh(self, number: int) -> Judged:
        """Return what a judge would say now."""
        outcome = Outcome.REFUSE if self.tick >= self.ends.get(number, 1e9) else self.said[number]
        judged = genuine(number, outcome)
        credential = judged.belief.credential
        assert credential is not None
        expires = AT + timedelta(seconds=self.ends[number]) if number in self.ends else None
        return judged._replace(belief=judged.belief._replace(credential=credential._replace(expires=expires)))

    @rule(seconds=st.sampled_from([0.05, 0.3, 0.65, 0.75, 2.0, 9.0, 10.5, 12.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.tick += seconds

    @rule(numbers=st.sets(st.integers(1, 4), max_size=4), outcome=st.sampled_from(Outcome))
    def a_bundle_comes(self, numbers: set[int], outcome: Outcome) -> None:
        self.rules = Rules(Trust(), (), RULES.setting)
        self.said.update(dict.fromkeys(numbers, outcome))

    @rule(
        numbers=st.sets(st.integers(1, 4), max_size=4), outcome=st.sampled_from(Outcome), hour=st.sampled_from([0, 3])
    )
    def a_day_turns(self, numbers: set[int], outcome: Outcome, hour: int) -> None:
        """Go on to the next time of that *hour*; what is in view stays there all along."""
        at = (AT + timedelta(seconds=self.tick)).astimezone(WITA)
        turn = at.replace(hour=hour, minute=0, second=0, microsecond=0)
        turn += timedelta(days=turn <= at)
        seconds = (turn - at).total_seconds()
        self.leap(seconds)
        self.said.update(dict.fromkeys(numbers, outcome))

    def leap(self, seconds: float) -> None:
        """Let time go by while everything in view stays in view."""
        staying = [number for number, last in self.last.items() if self.tick - last <= QUIET]
        self.tick += seconds
        for number in staying:
            self.last[number] = self.tick
            for known in self.eyes._known.values():
                if known.key == key(number):
                    known.last = self.tick

    @rule(number=st.integers(1, 4), seconds=st.floats(0.1, 20))
    def a_pass_gets_an_end(self, number: int, seconds: float) -> None:
        if self.tick - self.last.get(number, -1e9) > QUIET + REPEAT:  # it is not another pass while it is in view
            self.ends[number] = self.tick + seconds

    @rule(number=st.integers(1, 4), writing=st.integers(0, 2))
    def a_pass_is_shown(self, number: int, writing: int) -> None:
        fresh = self.fresh(number)
        seen = show(self.eyes, f"{number}/{writing}", fresh, self.tick, self.rules)
        away = self.tick - self.last.get(number, -1e9)
        in_view = away <= QUIET
        ended = self.end[number] if number in self.again else self.last.get(number, -1e9)
        within = in_view or self.tick - ended <= QUIET + REPEAT
        outcome = fresh.verdict.outcome
        if not within or STRICTNESS[outcome] > STRICTNESS[self.first[number]]:
            assert seen is not None
            assert (seen.judged.verdict.outcome, seen.repeat) == (outcome, False)
            self.first[number] = outcome
            self.again.discard(number)
        elif in_view:
            assert seen is None
        else:
            assert seen is not None
            assert (seen.judged.verdict.outcome, seen.repeat) == (self.first[number], True)
            if number not in self.again:
                self.again.add(number)
                self.end[number] = self.last[number]
        self.last[number] = self.tick

    @precondition(lambda self: self.last)
    @rule(strangers=st.integers(1, 30))
    def strangers_come(self, strangers: int) -> None:
        for n in range(strangers):
            show(self.eyes, f"stranger {self.tick} {n}", stranger(), self.tick, self.rules)

    @invariant()
    def no_minute_has_more_than_twenty_strangers(self) -> None:
        counted = list(self.eyes._counted)
        assert all(sum(1 for other in counted if 0 <= other - one < 60) <= STRANGERS for one in counted)

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.eyes._keys) == len(self.eyes._known) <= MAX_KNOWN


def key(number: int) -> bytes:
    credential = genuine(number).belief.credential
    assert credential is not None
    return credential.identity


Wall.TestCase.settings = settings(stateful_step_count=40)
TestWall = Wall.TestCase


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 3)), max_size=40))
def test_never_two_first_sightings_of_one_pass_within_the_window(showings: list[tuple[float, int]]) -> None:
    eyes, tick = sightings(), 0.0
    first: dict[int, float] = {}
    for pause, number in showings:
        tick += pause
        seen = show(eyes, str(number), genuine(number), tick)
        if seen is not None and not seen.repeat:
            assert tick - first.get(number, -1e9) > REPEAT
            first[number] = tick
