"""What is shown again, or stays in view while its verdict turns: frames into a whole station, events and lights out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.model import WITA, Outcome, Reason, Verdict
from device.patterns import pattern
from device.system.clock import Clock
from device.trust.bundle import Key, revocation
from device.verdict.verify import believe
from tests.support.codes import code, view
from tests.support.credentials import AT, phone_pass, proof, staff_pass, trust
from tests.support.point import signed_bundle
from tests.support.wired_station import EMPTY, STAFF_PASS, WiredStation

ADMITTED, AGAIN = ("admit", "staff", False), ("admit", "staff", True)
REVOKED = ("refuse", "revoked", False)
CARD = view(code(STAFF_PASS, 4))
PHONE = ec.generate_private_key(ec.SECP256R1())
STAFF_RULES = """
name = "staff"
title = "t"
source = "s"
domains = ["staff"]
{when} = {on}
[[rule]]
outcome = "{outcome}"
reason = "staff"
[rule.when]
domain = "staff"
"""


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[WiredStation]:
    with ExitStack() as stack:
        yield WiredStation(tmp_path, stack)


def revoked(*texts: str) -> dict[str, frozenset[bytes]]:
    hashes = []
    for text in texts:
        credential = believe(text, trust(), AT).credential
        assert credential is not None
        hashes.append(revocation(credential.identity))
    return {"luwuutarakab": frozenset(hashes)}


def bundle(wall: WiredStation, version: int, **changed: Any) -> None:
    """Bring a bundle into force, as ``titik bundle import`` does."""
    wall.station.ruleset.offer(signed_bundle(version=version, **changed))


def shown(
    wall: WiredStation, luma: np.ndarray, times: int, every: float, before: Callable[[int], None] = lambda _: None
) -> None:
    """Show *luma* for two frames, *times* times, one each *every* seconds."""
    for n in range(times):
        before(n)
        wall.serve(luma, luma, EMPTY)
        wall.tick += every - 3 / 15


def until(wall: WiredStation, at: datetime) -> None:
    """Go on to just before the time *at*."""
    wall.tick = 100 + (at - AT).total_seconds() - 2


@pytest.mark.parametrize("every", [4.0, 10.7])
def test_a_card_that_is_revoked_turns_red_at_its_first_showing_after_that(wall: WiredStation, every: float) -> None:
    def before(n: int) -> None:
        if n == 3:
            bundle(wall, 4, revoked=revoked(STAFF_PASS))

    shown(wall, CARD, 11, every, before)
    outcomes = [outcome for outcome, _, _ in wall.verdicts()]
    assert outcomes == ["admit"] * 3 + ["refuse"] * 8
    assert wall.verdicts()[3] == REVOKED


def test_the_window_is_counted_from_the_first_showing_and_moved_by_none(wall: WiredStation) -> None:
    shown(wall, CARD, 7, 4.0)
    assert wall.verdicts() == [ADMITTED, AGAIN, AGAIN, ADMITTED, AGAIN, AGAIN, ADMITTED]


def test_a_card_in_view_turns_red_when_the_bundle_that_revokes_it_comes_and_once(wall: WiredStation) -> None:
    wall.serve(*[CARD] * 30)
    bundle(wall, 4, revoked=revoked(STAFF_PASS))
    wall.serve(*[CARD] * 60)
    assert wall.verdicts() == [ADMITTED, REVOKED]
    assert [light for light, _ in wall.lights.shown] == [
        pattern(Verdict(Outcome.ADMIT, Reason.STAFF)),
        pattern(Verdict(Outcome.REFUSE, Reason.REVOKED)),
    ]


def test_a_card_from_the_shelf_gets_a_light_when_it_is_laid_there_again(wall: WiredStation) -> None:
    wall.serve(*[CARD] * 315, *[EMPTY] * 75, *[CARD] * 15)
    assert wall.verdicts() == [ADMITTED, AGAIN]


def test_a_poster_that_was_hidden_for_a_while_and_is_taken_down_is_still_the_same_showing(wall: WiredStation) -> None:
    poster = view(code("https://contoh.example/poster", 4))
    wall.serve(*[poster] * 84, *[EMPTY] * 20, *[poster] * 4, np.roll(poster, 20, axis=0), fps=4)
    assert wall.verdicts() == [("refuse", "not-a-pass", False)]


def test_a_poster_is_one_event_though_somebody_stands_before_it_for_a_minute(wall: WiredStation) -> None:
    poster = view(code("https://contoh.example/poster", 4))
    wall.serve(*[poster] * 315, *[EMPTY] * 900, *[poster] * 15)
    assert wall.verdicts() == [("refuse", "not-a-pass", False)]


def test_a_bundle_that_changes_nothing_for_what_is_in_view_makes_no_event(wall: WiredStation) -> None:
    wall.serve(*[CARD] * 30)
    for version in (4, 5):
        bundle(wall, version, revoked=revoked(staff_pass("0043")))
        wall.serve(*[CARD] * 15)
    assert wall.verdicts() == [ADMITTED]
    assert len(wall.lights.shown) == 1


def test_all_that_is_in_view_is_judged_again_also_what_is_not_the_nearest(wall: WiredStation) -> None:
    far = staff_pass("0043")
    both = view(code(STAFF_PASS, 5), code(far, 4))
    wall.serve(*[both] * 90)
    assert wall.verdicts() == [ADMITTED, ADMITTED]
    bundle(wall, 4, revoked=revoked(STAFF_PASS, far))
    wall.serve(*[both] * 15)
    assert wall.verdicts() == [ADMITTED, ADMITTED, REVOKED, REVOKED]


def test_a_pass_in_view_turns_red_at_its_own_end(wall: WiredStation) -> None:
    ends = view(code(staff_pass(expires=AT + timedelta(seconds=3)), 4))
    wall.serve(*[ends] * 90)
    assert wall.verdicts() == [ADMITTED, ("refuse", "expired", False)]


def test_a_pass_shown_again_after_its_end_turns_red(wall: WiredStation) -> None:
    ends = view(code(staff_pass(expires=AT + timedelta(seconds=3)), 4))
    shown(wall, ends, 4, 2.5)
    assert wall.verdicts() == [ADMITTED, AGAIN, ("refuse", "expired", False), ("refuse", "expired", True)]


@pytest.mark.parametrize("held", [True, False])
def test_a_rule_that_ends_with_the_day_turns_what_is_in_view_or_shown_again(tmp_path: Path, *, held: bool) -> None:
    day = AT.astimezone(WITA).date()
    rules = [
        STAFF_RULES.format(when=when, on=on, outcome=outcome)
        for when, on, outcome in (("until", day, "admit"), ("since", day + timedelta(days=1), "check"))
    ]
    with ExitStack() as stack:
        wall = WiredStation(tmp_path, stack, policies=tuple(rules))
        until(wall, datetime.combine(day + timedelta(days=1), datetime.min.time(), WITA))
        wall.serve(*[CARD] * 15, *([CARD] if held else [EMPTY]) * 30, *[CARD] * 15)
        assert wall.verdicts() == [ADMITTED, ("check", "staff", False)]


def test_who_came_too_early_is_not_admitted_while_the_pass_stays_in_view_nor_within_the_window(
    wall: WiredStation,
) -> None:
    early = view(code(staff_pass(issued=AT + timedelta(seconds=3), expires=AT + timedelta(days=9)), 4))
    wall.serve(*[early] * 90, *[EMPTY] * 15, *[early] * 15)
    assert wall.verdicts() == [("refuse", "not-yet-valid", False), ("refuse", "not-yet-valid", True)]
    wall.serve(*[EMPTY] * 150, early)
    assert wall.verdicts()[2:] == [ADMITTED]


def test_who_was_refused_for_want_of_a_signer_is_not_admitted_within_the_window_when_a_bundle_brings_it(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        keys = {kid: group for kid, group in trust().keys.items() if group[0].domain != "staff"}
        wall = WiredStation(tmp_path, stack, keys=dated(keys))
        wall.serve(*[CARD] * 15)
        bundle(wall, 4)
        wall.serve(*[CARD] * 15, *[EMPTY] * 15, *[CARD] * 15)
        assert wall.verdicts() == [("refuse", "unknown-issuer", False), ("refuse", "unknown-issuer", True)]
        bundle(wall, 5, keys=dated(keys))
        bundle(wall, 6)
        wall.serve(*[EMPTY] * 165, *[CARD] * 15)
        assert wall.verdicts()[2:] == [ADMITTED]
        bundle(wall, 7, keys=dated(keys))
        wall.serve(*[CARD] * 15)
        assert wall.verdicts()[3:] == [("refuse", "unknown-issuer", False)]


def dated(keys: Any) -> dict[bytes, tuple[Key, ...]]:
    span = {"since": AT - timedelta(days=400), "until": AT + timedelta(days=400)}
    return {kid: tuple(replace(key, **span) for key in group) for kid, group in keys.items()}


def test_a_phone_in_view_turns_red_with_the_first_proof_after_its_pass_was_revoked(wall: WiredStation) -> None:
    carried = phone_pass(PHONE.public_key())
    first, second = (proof(PHONE, carried, AT + timedelta(seconds=after)) for after in (0, 30))
    wall.serve(*[view(code(first, 4))] * 15)
    bundle(wall, 4, revoked=revoked(first))
    wall.serve(*[view(code(first, 4))] * 15, *[view(code(second, 4))] * 15)
    assert wall.verdicts() == [ADMITTED, REVOKED]


def test_a_phone_whose_proof_grew_old_in_view_is_not_red_when_a_bundle_comes(wall: WiredStation) -> None:
    carried = phone_pass(PHONE.public_key())
    old, new = (view(code(proof(PHONE, carried, AT + timedelta(seconds=after)), 4)) for after in (0, 50))
    wall.serve(*[old] * 15 * 50)
    bundle(wall, 4)
    wall.serve(*[old] * 15, *[new] * 15)
    assert wall.verdicts() == [ADMITTED]


def test_once_the_clock_is_trusted_what_is_in_view_is_judged_again_and_its_doubt_is_no_news(tmp_path: Path) -> None:
    mark, told = tmp_path / "synchronized", {"uptime": 0.0}
    ends = view(code(staff_pass(expires=AT + timedelta(seconds=4)), 4))
    with ExitStack() as stack:
        wall = WiredStation(tmp_path, stack, issued=AT - timedelta(days=1), next=AT + timedelta(days=30))
        clock = Clock("ntp", (mark,), wall=AT.timestamp, uptime=lambda: told["uptime"])
        wall.station = replace(wall.station, clock=clock)
        doubted = [("check", "clock-untrusted", False)]
        wall.serve(*[ends] * 75)
        assert said(wall) == doubted
        mark.touch()
        told["uptime"] = 0.5  # less than a step of the clock
        wall.serve(*[ends] * 15)
        assert said(wall) == [*doubted, ("refuse", "expired", False)]
        mark.unlink()
        wall.serve(*[ends] * 15)
        assert len(said(wall)) == 2


def said(wall: WiredStation) -> list[tuple[str, str, bool]]:
    """Return the verdicts, corrections of the clock left out."""
    return [(data["outcome"], data["reason"], data["repeat"]) for data in wall.events() if "outcome" in data]


def test_a_stricter_verdict_that_cannot_be_recorded_is_no_light(tmp_path: Path) -> None:
    with ExitStack() as stack:
        wall = WiredStation(tmp_path, stack, most=1)
        wall.serve(*[CARD] * 15)
        bundle(wall, 4, revoked=revoked(STAFF_PASS))
        wall.serve(*[CARD] * 30, *[EMPTY] * 15)
        assert wall.verdicts() == [ADMITTED]
        assert len(wall.lights.shown) == 2
        wall.outbox.hold([row.event.id for row in wall.outbox.owed(0, 1)])
        wall.serve(*[CARD] * 15)
        assert wall.verdicts() == [REVOKED]
