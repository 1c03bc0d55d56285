"""The loop, in this process: a list of frames, mock pins, a real outbox; record first, then light."""

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from device import config, patterns
from device.camera.monitor import REOPENED, CameraState
from device.camera.source import turns
from device.model import Frame, Outcome, Reason, Verdict
from device.patterns import pattern
from device.record.sealed import Sealed
from device.system.clock import BUILT, Clock
from device.system.stop import Stop
from device.system.systemd import Notifier
from device.system.watchdog import Watchdog
from tests.support.codes import code, view
from tests.support.credentials import AT, OTHER_KEY, dose, hcert, staff_pass
from tests.support.views import frame_of
from tests.support.wired_station import EMPTY, HEALTH_SCHEMA, STAFF_PASS, WiredStation
from tests.support.world import REPOSITORY, wait_for

EVENT = json.loads((REPOSITORY / "schemas" / "event.json").read_text(encoding="utf-8"))


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[WiredStation]:
    with ExitStack() as stack:
        yield WiredStation(tmp_path, stack)


def test_a_code_held_for_thirty_seconds_is_one_event_and_one_light(wall: WiredStation) -> None:
    wall.serve(*[view(code(STAFF_PASS, 4))] * 450)
    assert wall.verdicts() == [("admit", "staff", False)]
    assert [shown for shown, _ in wall.lights.shown] == [pattern(Verdict(Outcome.ADMIT, Reason.STAFF))]


def test_the_record_is_on_the_disk_before_the_light_goes_on(wall: WiredStation) -> None:
    wall.serve(view(code(STAFF_PASS, 4)), *[EMPTY] * 15, view(code("a poster")), *[EMPTY] * 15)
    assert [seq for _, seq in wall.lights.shown] == [1, 2]


def test_two_people_one_second_apart_are_two_events(wall: WiredStation) -> None:
    one, other = view(code(staff_pass("0001"), 4)), view(code(staff_pass("0002"), 4))
    wall.serve(one, *[EMPTY] * 14, other)
    assert wall.verdicts() == [("admit", "staff", False)] * 2


def test_of_two_codes_at_once_the_nearer_is_judged_and_the_poster_a_moment_after_it_has_gone(
    wall: WiredStation,
) -> None:
    near, far = code(staff_pass("0001"), 6), code("https://contoh.example/poster", 4)
    wall.serve(*[view(far, near, far)] * 5)
    assert wall.verdicts() == [("admit", "staff", False)]
    wall.serve(*[view(far)] * 25)
    assert wall.verdicts() == [("admit", "staff", False)]  # a red light now would be taken for the answer to the pass
    wall.serve(*[view(far)] * 10)
    assert wall.verdicts() == [("admit", "staff", False), ("refuse", "not-a-pass", False)]


def test_the_white_lamp_is_lit_for_who_comes_and_goes_out_once_nobody_is_there(wall: WiredStation) -> None:
    empty = np.full((480, 640), 120, np.uint8)
    coming = [np.full((480, 640), 120, np.uint8) for _ in range(4)]
    for step, frame in enumerate(coming):
        frame[100:300, 100 * step : 100 * step + 200] = 210
    wall.serve(*[empty] * 15)
    assert wall.lights.white == [False]
    wall.serve(*coming)
    assert wall.lights.white == [False, True]
    wall.serve(*[empty] * 60)
    assert wall.lights.white == [False, True, False]


def test_away_and_back_is_a_repeat_with_the_first_light(wall: WiredStation) -> None:
    forged = view(code(hcert(v=[dose()], key=OTHER_KEY), 3))
    wall.serve(forged, *[EMPTY] * 20, forged)
    assert wall.verdicts() == [("refuse", "unknown-issuer", False), ("refuse", "unknown-issuer", True)]
    assert wall.lights.shown[1][0] == pattern(Verdict(Outcome.REFUSE, Reason.UNKNOWN_ISSUER), repeat=True)


def test_a_flood_of_strange_codes_makes_twenty_events_and_a_pass_still_counts(wall: WiredStation) -> None:
    wall.serve(*(view(code(f"CODE {n}")) for n in range(40)), view(code(STAFF_PASS, 4)))
    assert wall.verdicts() == [("refuse", "not-a-pass", False)] * 20 + [("admit", "staff", False)]
    assert [shown for shown, _ in wall.lights.shown].count(patterns.WAIT) == 20


def test_no_light_promises_what_cannot_be_recorded(tmp_path: Path) -> None:
    with ExitStack() as stack:
        wall = WiredStation(tmp_path, stack, most=2)
        people = [view(code(staff_pass(str(n)), 4)) for n in range(4)]
        wall.serve(people[0], people[1], people[2], people[2], *[EMPTY] * 12)
        assert [shown for shown, _ in wall.lights.shown][2:] == [patterns.OUT_OF_ORDER]
        assert wall.lights.rested[-1] is patterns.FAULT
        assert wall.courier._notice.faults == ("outbox",)
        wall.outbox.hold([row.event.id for row in wall.outbox.owed(0, 1)])
        wall.serve(people[2])
        assert wall.verdicts() == [("admit", "staff", False)] * 2
        assert wall.lights.shown[-1][0] == pattern(Verdict(Outcome.ADMIT, Reason.STAFF))
        assert wall.lights.rested[-1] is patterns.OFFLINE
        assert wall.courier._notice.faults == ()


def test_a_blind_turn_is_a_fault_and_the_next_frame_ends_it(wall: WiredStation) -> None:
    wall.serve(EMPTY, "the camera is gone", "the camera is gone")
    assert wall.lights.rested == [patterns.OFFLINE, patterns.FAULT]
    assert wall.courier._notice.faults == ("camera",)
    assert wall.courier._notice.health is not None
    assert wall.courier._notice.health["blind"] == "the camera is gone"
    wall.serve(EMPTY)
    assert wall.lights.rested[-1] is patterns.OFFLINE
    assert wall.courier._notice.faults == ()


def looked(wall: WiredStation, *views: tuple[CameraState, float]) -> None:
    """Serve a sensor that shows these views for so many seconds each, four frames a second, at one opening each."""
    left = list(views)

    def sensor(_camera: config.CameraSettings, _stop: Stop) -> Generator[Frame, None, None]:
        while left:
            state, seconds = left.pop(0)
            for _ in range(round(4 * seconds)):
                wall.tick += 1 / 4
                yield Frame(frame_of(state), AT + timedelta(seconds=wall.tick - 100), wall.tick)

    monitor = wall.station.monitor
    wall.tick = monotonic()
    with Stop() as stop:
        wall.station.serve(
            turns(config.CameraSettings(), stop, sensor, monitor),
            Watchdog([wall.courier, wall.lights], Notifier(None, None)),
        )


SEEN = [CameraState.BLACK, CameraState.FROZEN, CameraState.COVERED, CameraState.DAZZLED]


@pytest.mark.parametrize("state", SEEN)
def test_an_eye_that_sees_nothing_is_out_of_service_until_it_sees_again(wall: WiredStation, state: CameraState) -> None:
    looked(wall, (CameraState.CLEAR, 2), (state, 6))
    assert wall.lights.rested == [patterns.OFFLINE, patterns.FAULT]
    notice = wall.courier._notice
    assert notice.faults == ("camera",)
    assert notice.health is not None
    assert Draft202012Validator(HEALTH_SCHEMA).is_valid(notice.health)
    assert notice.health["camera"]["state"] == ("away" if state in REOPENED else state)
    assert notice.health["blind"] == REOPENED.get(state)
    looked(wall, (CameraState.CLEAR, 2))
    # The first frames that can be read again do not yet end it.
    assert wall.lights.rested[2:] == [patterns.FAULT, patterns.OFFLINE]
    assert wall.courier._notice.faults == ()


def test_a_night_without_light_is_told_by_health_and_by_nothing_else(wall: WiredStation) -> None:
    looked(wall, (CameraState.CLEAR, 2), (CameraState.DARK, 30))
    assert wall.lights.rested == [patterns.OFFLINE]
    notice = wall.courier._notice
    assert (notice.faults, notice.health and notice.health["camera"]["state"]) == ((), "dark")


def test_a_smeared_glass_is_a_light_of_its_own_and_the_station_serves(wall: WiredStation) -> None:
    wall.station.monitor._sharpness_history.smeared = True
    wall.serve(EMPTY, view(code(STAFF_PASS, 4)))
    assert wall.lights.rested == [patterns.SMEARED]
    assert wall.courier._notice.faults == ("glass",)
    assert wall.verdicts() == [("admit", "staff", False)]


def test_a_linked_centre_makes_it_ready(wall: WiredStation) -> None:
    def ready() -> bool:
        wall.courier.linked = True  # the courier, which finds no broker here, may say otherwise in between
        wall.serve(EMPTY)
        return wall.lights.rested[-1] is patterns.READY

    wait_for(ready)


@pytest.mark.parametrize("text", ["\x1b]0;evil\x07\x1b[2J", "\0" * 100, "HC1:" + "0" * 4000, "6BF" + "A" * 4000])
def test_hostile_codes_are_events_like_others_and_leave_no_trace_of_their_text(
    wall: WiredStation, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    wall.serve(view(code(text, 3, error="l", boost_error=False)))
    assert all(data["outcome"] == "refuse" for data in wall.events())
    assert text[:20] not in caplog.text


def test_an_untrusted_clock_asks_the_guard_where_it_matters(tmp_path: Path) -> None:
    with ExitStack() as stack:
        wall = WiredStation(tmp_path, stack, clock=Clock("ntp", (tmp_path / "never",)))
        wall.serve(view(code(staff_pass(expires=AT + timedelta(days=5)), 4)))
        assert [(d["outcome"], d["reason"], d["clock"]["synced"]) for d in wall.events()] == [
            ("check", "clock-untrusted", False)
        ]


def test_what_was_taken_in_doubt_gets_its_true_time_once_the_clock_is_trusted(tmp_path: Path) -> None:
    told = {"wall": 0.0, "uptime": 20.0}
    mark = tmp_path / "synchronized"

    def clock() -> Clock:
        return Clock(
            "ntp", (mark,), boot_id=tmp_path / "boot", wall=lambda: told["wall"], uptime=lambda: told["uptime"]
        )

    with ExitStack() as stack:
        wall = WiredStation(tmp_path, stack)
        wall.station = replace(wall.station, clock=clock())
        wall.serve(view(code(STAFF_PASS, 4)), *[EMPTY] * 20)
        taken = wall.events()
        assert [(data["clock"]["synced"], data["clock"]["uptime"]) for data in taken] == [(False, 20.0)]
        assert datetime.fromisoformat(taken[0]["clock"]["floor"]) >= BUILT

        told["wall"], told["uptime"] = AT.timestamp(), 70.0
        wall.serve(EMPTY)  # nothing yet: nobody left a mark
        mark.touch()
        wall.station = replace(wall.station, clock=clock())  # the program was started again meanwhile
        wall.serve(EMPTY, EMPTY, view(code(hcert(v=[dose()]), 3)))
        said = [json.loads(row.event.body) for row in wall.outbox.owed(0, 10)][1:]
        assert [(event["type"], event["data"]["clock"]["synced"]) for event in said] == [
            ("id.titik.clock", True),
            ("id.titik.scan", True),
        ]
        correction = said[0]["data"]
        assert (correction["seq"], correction["offset"]) == (2, AT.timestamp() - 70.0)
        assert correction["clock"] == {"synced": True, "boot": "unknown", "uptime": 70.0}
        Draft202012Validator(EVENT).validate(said[0])


def test_a_bundle_says_the_least_that_the_day_can_be(tmp_path: Path) -> None:
    with ExitStack() as stack:
        issued = AT + timedelta(days=20)
        clock = Clock("ntp", (tmp_path / "never",))
        wall = WiredStation(tmp_path, stack, clock=clock, issued=issued, next=issued + timedelta(days=90))
        wall.serve(view(code(staff_pass(expires=AT + timedelta(days=10)), 4)))
        assert wall.verdicts() == [("refuse", "expired", False)]


def test_an_overdue_bundle_shows_in_the_resting_light_and_only_by_a_trusted_clock(tmp_path: Path) -> None:
    late = {"issued": AT - timedelta(days=91), "next": AT - timedelta(days=1)}
    for folder, trust, resting in (("sure", "system", patterns.STALE), ("unsure", "ntp", patterns.OFFLINE)):
        (tmp_path / folder).mkdir()
        with ExitStack() as stack:
            wall = WiredStation(tmp_path / folder, stack, clock=Clock(trust, (tmp_path / "never",)), **late)
            wall.serve(EMPTY, EMPTY)
            assert wall.lights.rested == [resting]


def test_a_bundle_that_is_not_kept_shows_in_the_resting_light_and_in_the_notice(wall: WiredStation) -> None:
    wall.serve(EMPTY)
    assert wall.courier._notice.faults == ()
    wall.station.ruleset.kept = False  # the disk did not take it
    wall.serve(EMPTY)
    assert wall.courier._notice.faults == ("bundle",)
    assert wall.lights.rested == [patterns.OFFLINE, patterns.STALE]


def test_a_sealed_file_that_cannot_be_read_is_a_fault_and_one_that_owes_nothing_is_none(wall: WiredStation) -> None:
    said = {}
    for owed in (None, 0, 3):
        wall.outbox.sealed.all = (Sealed(wall.outbox.path.with_name("outbox.sealed-dprd-1.db"), "dprd-1", owed, 9),)
        wall.serve(EMPTY)
        said[owed] = wall.courier._notice.faults
    assert said == {None: ("sealed",), 0: (), 3: ("sealed",)}


def test_held_rows_grow_old_by_a_trusted_clock_alone(tmp_path: Path) -> None:
    told = {}
    for trust in ("system", "ntp"):
        (tmp_path / trust).mkdir()
        with ExitStack() as stack:
            wall = WiredStation(tmp_path / trust, stack, clock=Clock(trust, (tmp_path / "never",)))
            wall.serve(EMPTY)
            told[trust] = wall.courier._notice.trusted_time
    assert told == {"system": AT + timedelta(seconds=1 / 15), "ntp": None}


def test_health_says_how_the_station_fares(wall: WiredStation) -> None:
    wall.serve(view(code(STAFF_PASS, 4)), *[EMPTY] * 80)
    health = wall.courier._notice.health
    assert health is not None
    assert (health["owed"], health["seq"], health["bundle"], health["limited"]) == (1, 1, 3, 0)
    assert 75 <= health["frames"].pop("read") <= 77
    assert health["frames"] == {"skipped": 0, "blind": 0}
    assert health["brightness"] == 200.0
    (oldest,) = wall.outbox.owed(0, 1)
    assert health["oldest"] == {"epoch": wall.outbox.epoch, "seq": 1, "time": json.loads(oldest.event.body)["time"]}
    assert 0 <= health["oldest_age"] < 60
    assert AT < datetime.fromisoformat(health["clock"]["time"]) <= AT + timedelta(seconds=81 / 15)
    assert Draft202012Validator(HEALTH_SCHEMA).is_valid(health)
    json.dumps(health)
