"""What an event says, held to its schema; and what it never says."""

import hmac
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from device.config import PointSettings, PrivacySettings
from device.model import (
    Belief,
    Claims,
    Credential,
    Domain,
    Kind,
    Outcome,
    Place,
    Reason,
    Statement,
    Verdict,
)
from device.record.event import Composer, age
from device.system.clock import BUILT, Clock, ClockState
from device.trust.bundle import Trust
from device.trust.fleet_secret import FleetSecret, read_secret
from device.verdict.judge import Judged, Rules, choose, judge
from device.verdict.policy import Setting
from device.verdict.sightings import Sighting
from device.wire import dumps
from tests.support.credentials import AT, VISITOR_KEY, dose, hcert, staff_pass, trust
from tests.support.world import REPOSITORY

SECRET = FleetSecret(bytes(range(32)))
CLOCK = ClockState(synced=True, boot="b" * 32, uptime=5123.4)
TOOK = {"read": 9.1234, "judge": 1.2}
SCHEMA = json.loads((REPOSITORY / "schemas" / "event.json").read_text(encoding="utf-8"))


def composer(*, pass_number: bool = False, secret: FleetSecret | None = SECRET, simulated: bool = False) -> Composer:
    return Composer(
        PointSettings(name="bupati-1", site="bupati"), PrivacySettings(pass_number=pass_number), secret, simulated
    )


def told(text: str, by: Composer | None = None, clock: ClockState = CLOCK, at: datetime = AT) -> dict[str, Any]:
    policies, _ = choose(("staff", "brief-2021"), Trust())
    sighting = Sighting(judge(text, Rules(trust(), policies, Setting("bupati-1", "bupati", "in")), at))
    event = (by or composer()).compose(Place("7f3a9c1e", 42), sighting, at, clock, TOOK)
    body: dict[str, Any] = json.loads(event.body)
    assert body["id"] == event.id
    jsonschema.validate(body, SCHEMA, format_checker=jsonschema.FormatChecker())
    return body


def test_a_vaccinated_person_is_this_event_and_no_word_more() -> None:
    body = told(hcert(v=[dose(2, 2)]))
    holder = body["data"].pop("holder")
    assert body == {
        "specversion": "1.0",
        "type": "id.titik.scan",
        "source": "/titik/bupati-1",
        "id": body["id"],
        "time": "2026-11-23T02:00:00.000Z",
        "datacontenttype": "application/json",
        "data": {
            "point": "bupati-1",
            "epoch": "7f3a9c1e",
            "seq": 42,
            "direction": "in",
            "outcome": "admit",
            "colour": "green",
            "reason": "two-doses",
            "policy": "brief-2021",
            "credential": {"kind": "hcert", "domain": "health", "issuer": "ID", "doses": 2},
            "repeat": False,
            "simulated": False,
            "clock": {"synced": True, "boot": "b" * 32, "uptime": 5123.4},
            "took_ms": {"read": 9.12, "judge": 1.2},
        },
    }
    assert len(bytes.fromhex(holder)) == 16


def test_ids_are_random_and_never_derived() -> None:
    text = staff_pass()
    assert len({told(text)["id"] for _ in range(50)}) == 50


@pytest.mark.parametrize("text", ["https://example.invalid", "HC1:XYZ", staff_pass()[:-9], "shc:/1"])
def test_what_is_not_genuine_says_its_kind_and_nothing_of_itself(text: str) -> None:
    data = told(text)["data"]
    assert (data["holder"], list(data["credential"])) == (None, ["kind"])
    assert text not in json.dumps(data)


def test_nobody_is_named_numbered_or_dated() -> None:
    name, number, born = "NAMARAHASIA", "NOMOR7777", "1990-05-17"
    for by in (composer(), composer(secret=None)):
        written = json.dumps([told(staff_pass(number, name), by), told(hcert(v=[dose()], born=born), by)])
        assert [word for word in (name, number, born, "CONTOH") if word in written] == []


def test_a_pass_number_is_sent_for_staff_alone_and_only_when_asked_for() -> None:
    asked = composer(pass_number=True)
    assert told(staff_pass("0042"), asked)["data"]["credential"]["pass_number"] == "0042"
    assert "pass_number" not in told(staff_pass("0042"))["data"]["credential"]
    assert "pass_number" not in told(hcert(v=[dose()]), asked)["data"]["credential"]


@pytest.mark.parametrize("expires", [AT + timedelta(days=300), AT - timedelta(seconds=1)])
@pytest.mark.parametrize("pass_number", [True, False])
def test_a_visitor_s_pass_number_never_leaves_the_station_whatever_is_asked_for(
    pass_number: bool, expires: datetime
) -> None:
    body = told(staff_pass("TAMU-0815", key=VISITOR_KEY, expires=expires), composer(pass_number=pass_number))
    assert body["data"]["credential"] == {"kind": "pass", "domain": "visitor", "issuer": "luwuutarakab"}
    assert "TAMU-0815" not in json.dumps(body)


def test_a_pass_number_and_a_dose_count_are_never_in_one_event() -> None:
    claims = Claims(Statement.VACCINATION, doses=2, pass_number="0042")
    credential = Credential(Kind.PASS, Domain.STAFF, "luwuutarakab", b"\0" * 32, claims)
    sighting = Sighting(Judged(Belief(Kind.PASS, None, credential), Verdict(Outcome.ADMIT, Reason.STAFF)))
    event = composer(pass_number=True).compose(Place("7f3a9c1e", 1), sighting, AT, CLOCK, TOOK)
    told = {"kind": "pass", "domain": "staff", "issuer": "luwuutarakab", "doses": 2}
    assert json.loads(event.body)["data"]["credential"] == told


@pytest.mark.parametrize("simulated", [True, False])
def test_what_a_camera_did_not_see_is_marked_in_its_event(simulated: bool) -> None:
    assert told("x", composer(simulated=simulated))["data"]["simulated"] is simulated


def test_a_holder_is_the_same_all_day_at_every_point_and_another_tomorrow() -> None:
    text = staff_pass()
    midnight = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # 00:00 in Masamba
    holders = [told(text, at=midnight + timedelta(seconds=s))["data"]["holder"] for s in (-1, 0, 3600)]
    assert holders[0] != holders[1] == holders[2]
    other = FleetSecret(b"\1" * 32)
    assert told(text, composer(secret=other))["data"]["holder"] != told(text)["data"]["holder"]


def test_without_a_trusted_clock_or_a_secret_nobody_is_joined_with_anybody() -> None:
    untrusted = ClockState(synced=False, boot="b", uptime=1.0)
    assert told(staff_pass(), clock=untrusted)["data"]["holder"] is None
    assert told(staff_pass(), composer(secret=None))["data"]["holder"] is None


def test_a_holder_is_the_published_construction() -> None:
    """A second implementation by the standard library: HKDF (RFC 5869) and HMAC-SHA-256, cut to 128 bits."""
    key = hmac.digest(b"\0" * 32, bytes(range(32)), "sha256")
    day = hmac.digest(key, b"titik holder 2026-11-23\1", "sha256")
    assert SECRET.holder(b"identity", date(2026, 11, 23)) == hmac.digest(day, b"identity", "sha256")[:16].hex()


@pytest.mark.parametrize("written", ["", "xyz", "00" * 31, "00" * 33, "é" * 64])
def test_a_fleet_secret_that_is_none_is_refused_and_not_quoted(written: str) -> None:
    with pytest.raises(ValueError, match="32 bytes") as raised:
        read_secret(written)
    assert not written or written not in str(raised.value)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("reason", Reason)
def test_every_word_of_the_code_is_a_word_of_the_schema(outcome: Outcome, reason: Reason) -> None:
    sighting = Sighting(judge("x", Rules(Trust(), (), Setting("a", "a", "in")), AT))
    spoken = Sighting(type(sighting.judged)(sighting.judged.belief, Verdict(outcome, reason)), repeat=True)
    event = composer().compose(Place("e", 1), spoken, AT, CLOCK, TOOK)
    jsonschema.validate(json.loads(event.body), SCHEMA)


def test_the_schema_knows_no_reason_that_the_code_does_not() -> None:
    assert sorted(SCHEMA["$defs"]["scan"]["properties"]["reason"]["enum"]) == sorted(Reason)


def test_the_clock_is_trusted_by_its_marks_alone(tmp_path: Path) -> None:
    mark, rtc, boot = tmp_path / "synchronized", tmp_path / "rtc", tmp_path / "boot"
    boot.write_text("0f8b-11\n")

    def synced(trust: Any, at: datetime = AT) -> bool:
        return Clock(trust, (mark,), rtc, boot).look(at).synced

    assert [synced(trust) for trust in ("ntp", "rtc", "system")] == [False, False, True]
    rtc.write_text(f"{int(AT.timestamp()) + 100}\n")
    assert [synced(trust) for trust in ("ntp", "rtc")] == [False, True]
    rtc.write_text(f"{int(AT.timestamp()) + 1000}\n")
    assert not synced("rtc")
    mark.touch()
    assert [synced(trust) for trust in ("ntp", "rtc")] == [True, True]
    assert not synced("system", BUILT - timedelta(seconds=1))
    assert Clock("ntp", (mark,), rtc, boot).look(AT).boot == "0f8b11"
    assert Clock("ntp", (mark,), rtc, tmp_path / "gone").boot == "unknown"


def test_an_event_of_this_boot_is_as_old_as_the_uptime_says_whatever_the_clock_says() -> None:
    body = dumps(told(staff_pass()))
    later = ClockState(synced=False, boot=CLOCK.boot, uptime=CLOCK.uptime + 90.25)
    assert age(body, AT - timedelta(days=400), later) == ("2026-11-23T02:00:00.000Z", 90.2)
    assert age(body, AT, ClockState(synced=True, boot=CLOCK.boot, uptime=1.0)) == ("2026-11-23T02:00:00.000Z", 0.0)


def test_an_event_of_an_older_boot_is_as_old_as_the_time_says_where_that_can_be_trusted() -> None:
    body, hours = dumps(told(staff_pass())), timedelta(hours=3)
    new = ClockState(synced=True, boot="c" * 32, uptime=1.0)
    assert age(body, AT + hours, new) == ("2026-11-23T02:00:00.000Z", 10_800.0)
    assert age(body, AT - hours, new) == ("2026-11-23T02:00:00.000Z", None)
    assert age(body, AT + hours, ClockState(synced=False, boot="c" * 32, uptime=1.0)) == (
        "2026-11-23T02:00:00.000Z",
        None,
    )
    for damaged in (b"?", b"[]", b"{}", b'{"time": 1, "data": {"clock": {"boot": "x"}}}', b'{"time": "x", "data": 1}'):
        assert age(damaged, AT, new) == (None, None)
