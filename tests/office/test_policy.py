"""Rules tried on example persons, and two bundles told apart."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device.model import WITA, Colour, Domain, Outcome, Reason, Statement, Verdict
from device.trust.bundle import Key, Roots, Trust, open_bundle, root_key, trusting
from device.verdict.judge import choose
from device.verdict.policy import Setting, parse, shipped
from office.__main__ import main
from office.bundle import difference
from office.policies.examples import PERSONS, ExampleSigners
from office.policies.mistakes import mistakes
from office.policies.trial import changes, said, turning_days
from tests.support.credentials import AT, HEALTH_KEY, OTHER_KEY

SETTING = Setting("bupati-1", "bupati", "in")
TODAY = date(2026, 11, 23)
HASH = "00112233aabbccdd"
NEW_YEAR = """\
name = "staff"
title = "Mulai tahun baru"
source = "Contoh"
domains = ["staff"]
since = 2027-01-01
until = 2027-12-31

[[rule]]
when = { domain = "staff" }
outcome = "check"
colour = "yellow"
reason = "staff"
"""


def _sign(desk: Path, secret: list[str], name: str, *more: str) -> Path:
    out = desk.parent / name
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(out), *more, *secret]) == 0
    return out


def _json(capsys: pytest.CaptureFixture[str], *told: str) -> Any:
    capsys.readouterr()
    assert main([*told, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


# The example persons


def test_every_person_is_answered_as_the_plain_table_says() -> None:
    policies = tuple(policy for name in ("staff", "brief-2021") if (policy := shipped(name)) is not None)
    answers = said(ExampleSigners(), policies, [TODAY], SETTING)
    words = [(one.outcome, one.colour, one.reason) for one in answers.values()]
    green, yellow, red = (
        (Outcome.ADMIT, Colour.GREEN, Reason.TWO_DOSES),
        (Outcome.CHECK, Colour.YELLOW, Reason.ONE_DOSE),
        (Outcome.REFUSE, Colour.RED, Reason.NO_DOSE),
    )
    unknown = (Outcome.CHECK, None, Reason.UNKNOWN)
    assert words == [
        *(red, yellow, green, green, yellow, green, red, green, unknown, unknown, unknown, unknown),
        (Outcome.ADMIT, Colour.GREEN, Reason.STAFF),
        (Outcome.ADMIT, Colour.GREEN, Reason.VISITOR),
        (Outcome.CHECK, None, Reason.EXPIRED),
    ]


def test_ages_and_times_are_those_of_the_day_that_is_asked_about() -> None:
    policy = shipped("pedulilindungi-2022-07")
    assert policy is not None
    day = date(2022, 8, 1)
    answers = {person: verdict for (person, _), verdict in said(ExampleSigners(), (policy,), [day], SETTING).items()}
    by = {name.split(" / ")[-1]: (verdict.outcome, verdict.reason) for name, verdict in answers.items()}
    assert by["dose 3 of 2"] == (Outcome.ADMIT, Reason.BOOSTER)
    assert by["child 12, 2/2"] == (Outcome.ADMIT, Reason.TWO_DOSES)
    assert by["positive 3 d"] == (Outcome.REFUSE, Reason.POSITIVE)
    assert by["infant 4, 0/2"] == (Outcome.CHECK, Reason.UNKNOWN)
    assert by["age not said, 2/2"] == (Outcome.CHECK, Reason.UNKNOWN)


def test_no_person_is_told_that_its_code_is_not_genuine() -> None:
    genuine = {verdict.reason for verdict in said(ExampleSigners(), (), [TODAY], SETTING).values()}
    assert genuine == {Reason.NO_RULE, Reason.EXPIRED}
    assert len({person.name for person in PERSONS}) == len(PERSONS) == 15


def test_the_days_are_today_and_the_edges_of_every_policy() -> None:
    days = turning_days([parse(NEW_YEAR)], TODAY)
    edges = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 12, 31), date(2028, 1, 1)]
    assert days == (TODAY, *edges)
    assert turning_days([], TODAY) == (TODAY,)


# policy check


def test_the_first_check_says_that_there_is_nothing_to_compare_with(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "check", "--desk", str(desk), "staff"]) == 0
    told = capsys.readouterr().out
    assert "admit green staff" in told
    assert "There is no bundle yet" in told


def test_only_what_changes_against_the_last_bundle_is_told(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _sign(desk, secret, "a.cbor", "--policy", "staff")
    assert _json(capsys, "policy", "check", "--desk", str(desk), "staff")["changes"] == []
    file = desk.parent / "new-year.toml"
    file.write_text(NEW_YEAR.replace('["staff"]', '["staff", "visitor"]'))
    capsys.readouterr()
    assert main(["policy", "check", "--desk", str(desk), str(file)]) == 0
    told = capsys.readouterr().out.partition("what changes")[2].splitlines()[1:]
    today = datetime.now(WITA).date()
    days = [*([today] if today < date(2026, 12, 31) else []), date(2026, 12, 31), date(2028, 1, 1)]
    if today < date(2026, 12, 31):
        assert [line for line in told if "staff:" in line] == [
            *(f"  {day}  pegawai / staff: admit green staff -> check no-rule" for day in days[:2]),
            "  2027-01-01  pegawai / staff: admit green staff -> check yellow staff",
            "  2027-12-31  pegawai / staff: admit green staff -> check yellow staff",
            "  2028-01-01  pegawai / staff: admit green staff -> check no-rule",
        ]
    assert not any("belum divaksin" in line for line in told)


def test_another_bundle_or_policy_may_be_compared_with(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(_sign(desk, secret, "a.cbor", "--policy", "staff"))
    root = ["--root", str(desk / "root.pub")]
    assert _json(capsys, "policy", "check", "staff", "--against", bundle, *root)["changes"] == []
    assert len(_json(capsys, "policy", "check", "staff", "--against", "brief-2021")["changes"]) == 15
    assert main(["policy", "check", "staff", "--against", bundle]) == 1, "whose root?"


def test_every_mistake_is_named_with_its_place_and_the_nearest_word() -> None:
    wrong = (
        NEW_YEAR.replace('["staff"]', '["stff"]')
        .replace("since", "sinse")
        .replace('"check"', '"chek"')
        .replace("domain =", "domian =")
    )
    hints = {line.split(":")[0].split(" (")[0]: line.rpartition(" ")[2] for line in mistakes(wrong)}
    assert hints == {
        "domains.1": "'staff'?",
        "rule.1.when.domian": "'domain'?",
        "rule.1.outcome": "'check'?",
        "sinse": "'since'?",
    }
    assert all("line 8" in line for line in mistakes(wrong) if line.startswith("rule"))
    assert "line 1" in mistakes("name = = 1")[0]
    assert mistakes(NEW_YEAR) == []


def test_a_wrong_policy_ends_the_check_and_nothing_is_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.toml"
    file.write_text(NEW_YEAR.replace('"yellow"', '"yelow"'))
    assert main(["policy", "check", str(file), "staff"]) == 1
    said = capsys.readouterr()
    assert (said.out, "did you mean 'yellow'?" in said.err) == ("", True)
    file.write_text(NEW_YEAR)
    assert main(["policy", "check", str(file), "staff"]) == 1
    assert "the name staff twice" in capsys.readouterr().err


def test_a_rule_changes_on_a_day_by_two_policies_of_one_name(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    until = desk.parent / "until.toml"
    until.write_text(NEW_YEAR.replace("since = 2027-01-01\nuntil = 2027-12-31", "until = 2026-12-31"))
    since = desk.parent / "since.toml"
    since.write_text(NEW_YEAR.replace('"check"', '"admit"').replace('"yellow"', '"green"'))
    bundle = _sign(desk, secret, "a.cbor", "--policy", str(until), "--policy", str(since))
    trust = open_bundle(bundle.read_bytes(), Roots(root_key((desk / "root.pub").read_text())))
    policies, wrong = choose(("staff",), trust)
    assert wrong == []
    days = [date(2026, 12, 31), date(2027, 1, 1), date(2028, 1, 1)]
    answers = said(ExampleSigners(), policies, days, SETTING)
    reasons = [(answers["pegawai / staff", day].colour, answers["pegawai / staff", day].reason) for day in days]
    assert reasons == [(Colour.YELLOW, Reason.STAFF), (Colour.GREEN, Reason.STAFF), (None, Reason.NO_RULE)]
    assert main(["policy", "check", str(until), str(since)]) == 0
    since.write_text(NEW_YEAR.replace("2027-01-01", "2026-12-31"))
    out = str(desk.parent / "b.cbor")
    told = ["--policy", str(until), "--policy", str(since), *secret]
    assert main(["bundle", "sign", "--desk", str(desk), "--out", out, *told]) == 1
    assert "twice for the same days" in capsys.readouterr().err


# bundle sign and diff


def test_capacities_are_kept_until_they_are_taken_out(desk: Path, secret: list[str]) -> None:
    told = (["--capacity", "bupati=40", "--capacity", "dprd=0"], [], ["--capacity", "bupati="])
    root = Roots(root_key((desk / "root.pub").read_text()))
    found = [dict(open_bundle(_sign(desk, secret, "a.cbor", *more).read_bytes(), root).capacities) for more in told]
    assert found == [{"bupati": 40, "dprd": 0}, {"bupati": 40, "dprd": 0}, {"dprd": 0}]


def test_signing_says_which_policy_is_no_longer_in_the_bundle(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _sign(desk, secret, "a.cbor", "--policy", "staff", "--policy", "brief-2021")
    capsys.readouterr()
    _sign(desk, secret, "same.cbor")
    out = capsys.readouterr().out
    assert "no longer in it" not in out
    assert out.count("aturan / policy") == 2, "left out, they are as in the last bundle"
    _sign(desk, secret, "b.cbor", "--policy", "staff")
    assert "policy brief-2021 is no longer in it" in capsys.readouterr().out
    assert (desk / "last-bundle.cbor").read_bytes() == (desk.parent / "b.cbor").read_bytes()


def test_a_diff_names_what_changed_and_nothing_else(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    old = _sign(desk, secret, "a.cbor", "--policy", "staff", "--capacity", "bupati=40")
    file = desk.parent / "new-year.toml"
    file.write_text(NEW_YEAR)
    assert main(["revoke", "--desk", str(desk), "--issuer", "ID", "--hash", HASH]) == 0
    assert main(["rotate", "--desk", str(desk), "--domain", "staff", "--distrust-old", *secret]) == 0
    policies = ["--policy", str(file), "--policy", "brief-2021"]
    new = _sign(desk, secret, "b.cbor", *policies, "--capacity", "bupati=50", "--days", "30")
    root = str(desk / "root.pub")
    told = _json(capsys, "bundle", "diff", str(old), str(new), "--root", root)
    keys = told.pop("keys")
    assert [len(keys[word]) for word in ("added", "removed", "changed")] == [1, 1, 0]
    assert all(name.startswith("staff luwuutarakab ") for name in (*keys["added"], *keys["removed"]))
    issued, due = ([datetime.fromisoformat(at) for at in told.pop(word)] for word in ("issued", "next"))
    assert [after - before for before, after in zip(issued, due, strict=True)] == [timedelta(90), timedelta(30)]
    assert told == {
        "version": [1, 2],
        "roster": {"added": 0, "removed": 0},
        "revoked": {"ID": {"added": 1, "removed": 0}},
        "policies": {"added": ["brief-2021"], "removed": [], "changed": ["staff"]},
        "capacities": {"bupati": [40, 50]},
    }
    assert main(["bundle", "diff", str(old), str(new), "--root", root]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines[3:]] == ["+", "-", "+", "~", "~", "~"]


def test_two_bundles_that_say_the_same_differ_in_version_and_dates_only(desk: Path, secret: list[str]) -> None:
    root = Roots(root_key((desk / "root.pub").read_text()))
    old, new = (open_bundle(_sign(desk, secret, name).read_bytes(), root) for name in ("a.cbor", "b.cbor"))
    lines = list(difference.lines(difference.between(old, new)))
    assert (lines[0], lines[-1], len(lines)) == ("versi / version 1 -> 2", "selain itu sama / otherwise the same", 4)


@pytest.mark.parametrize(
    "change",
    [{"usages": frozenset({Statement.TEST})}, {"since": AT}, {"until": AT}, {"public": OTHER_KEY.public_key()}],
    ids=lambda change: next(iter(change)),
)
def test_a_key_that_keeps_its_name_and_says_another_thing_has_changed(change: dict[str, Any]) -> None:
    usages = frozenset({Statement.TEST, Statement.VACCINATION})
    key = Key(
        HEALTH_KEY.public_key(),
        b"12345678",
        "ID",
        Domain.HEALTH,
        usages,
        AT - timedelta(days=9),
        AT + timedelta(days=9),
    )
    found = [difference.between(trusting(key), trusting(one))["keys"] for one in (key, replace(key, **change))]
    same: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}
    assert found == [same, {**same, "changed": ["health ID 3132333435363738"]}]


def test_a_diff_counts_what_was_revoked_and_what_is_no_longer_by_issuer() -> None:
    old = {"same": frozenset({b"1"}), "ID": frozenset({b"1", b"2", b"3"}), "gone": frozenset({b"1"})}
    new = {"same": frozenset({b"1"}), "ID": frozenset({b"3", b"4"}), "fresh": frozenset({b"1", b"2"})}
    assert difference.between(Trust(revoked=old), Trust(revoked=new))["revoked"] == {
        "ID": {"added": 1, "removed": 2},
        "fresh": {"added": 2, "removed": 0},
        "gone": {"added": 0, "removed": 1},
    }


def test_a_diff_believes_no_other_root(desk: Path, secret: list[str], tmp_path: Path) -> None:
    old = _sign(desk, secret, "a.cbor")
    assert main(["init", "--desk", str(tmp_path / "lain"), *secret]) == 0
    assert main(["bundle", "diff", str(old), str(old), "--root", str(tmp_path / "lain" / "root.pub")]) == 1


def test_a_verdict_differs_by_what_is_seen_and_said_not_by_the_policys_name() -> None:
    one = Verdict(Outcome.ADMIT, Reason.STAFF, Colour.GREEN, "a")
    other = Verdict(Outcome.ADMIT, Reason.STAFF, Colour.GREEN, "b")
    red = Verdict(Outcome.REFUSE, Reason.STAFF, Colour.RED, "b")
    assert changes({("x", TODAY): one}, {("x", TODAY): other}) == []
    assert changes({("x", TODAY): one}, {("x", TODAY): red}) == [("x", TODAY, one, red)]
