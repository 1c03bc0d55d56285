"""Revoking, and keys that change with the years: what the old ones signed stays good, unless it must not."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from device.model import WITA, Domain, Reason
from device.trust.bundle import Roots, Trust, open_bundle, root_key
from device.verdict.verify import believe
from office.__main__ import main
from office.desk import issue_log
from office.desk.desk import Desk
from office.desk.issue_log import Entry
from office.desk.refusal import RefusalError
from office.desk.revocations import by_number, still_needed

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def _pass(desk: Path, secret: list[str], number: str, domain: str = "visitor", again: str = "") -> str:
    file = desk.parent / f"{number}{again}-{domain}.png"
    until = ["--until", str(datetime.now(WITA).date() + timedelta(days=30))] if domain == "staff" else []
    told = ["--domain", domain, "--number", number, "--name", "Contoh", "--png", str(file), *until]
    assert main(["issue", "--desk", str(desk), *told, *secret]) == 0
    with Image.open(file) as picture:
        return str(zxingcpp.read_barcodes(np.asarray(picture.convert("L")))[0].text)


def _trust(desk: Path, secret: list[str], *more: str) -> Trust:
    out = desk.parent / "trust.cbor"
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(out), *more, *secret]) == 0
    return open_bundle(out.read_bytes(), Roots(root_key((desk / "root.pub").read_text())))


def _entry(number: str, until: date, revocation: str, domain: Domain = Domain.STAFF) -> Entry:
    return Entry(number, domain, until, revocation, NOW)


# revoke


def test_a_number_revokes_all_its_passes_and_nobody_elses(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [_pass(desk, secret, *told) for told in (("7",), ("7", "visitor", "b"), ("7", "staff"), ("8",))]
    capsys.readouterr()
    assert main(["revoke", "--desk", str(desk), "7", "--domain", "visitor"]) == 0
    said = capsys.readouterr().out
    assert "2 pas / passes" in said
    assert "bundle sign" in said
    trust = _trust(desk, secret)
    reasons = [believe(text, trust, datetime.now(UTC)).reason for text in texts]
    assert reasons == [Reason.REVOKED, Reason.REVOKED, None, None]
    capsys.readouterr()
    assert main(["revoke", "--desk", str(desk), "7", "--domain", "visitor"]) == 0
    assert "already revoked" in capsys.readouterr().out
    assert len(Desk.open(desk).book.revoked["luwuutarakab"]) == 2


def test_an_unknown_number_is_a_sentence(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["revoke", "--desk", str(desk), "404"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "titik-office: Nomor '404' tidak ada di catatan. / Number '404' is not in the log."
    ]


def test_somebody_elses_credential_is_revoked_by_its_hash(desk: Path, secret: list[str]) -> None:
    told = ["revoke", "--desk", str(desk), "--issuer", "ID", "--hash"]
    assert [main([*told, one]) for one in ("00112233AABBCCDD", "00112233aabbccdd")] == [0, 0]
    assert _trust(desk, secret).revoked == {"ID": frozenset({bytes.fromhex("00112233aabbccdd")})}


@pytest.mark.parametrize(
    "told",
    [
        [],
        ["7", "--issuer", "ID"],
        ["--issuer", "ID"],
        ["--hash", "0" * 16],
        ["--issuer", "ID", "--hash", "0" * 15],
        ["--issuer", "I\x7f", "--hash", "0" * 16],
    ],
)
def test_revoke_wants_a_number_or_a_hash_with_its_issuer(desk: Path, told: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["revoke", "--desk", str(desk), *told])
    assert ended.value.code == 2


def test_a_pass_that_is_over_is_not_revoked_and_leaves_the_bundle_after_a_month() -> None:
    today = date(2026, 11, 23)
    log = [_entry("1", today, "a" * 16), _entry("1", today - timedelta(days=1), "b" * 16)]
    assert by_number(log, "1", None, today) == ("a" * 16,)
    with pytest.raises(RefusalError, match="ended on 2026-11-22"):
        by_number(log[1:], "1", None, today)
    log = [_entry("1", today - timedelta(days=30), "a" * 16), _entry("1", today - timedelta(days=31), "b" * 16)]
    revoked = {"kantor": ("a" * 16, "b" * 16, "c" * 16), "ID": ("b" * 16,), "X": ()}
    assert still_needed(revoked, "kantor", log, today) == {"kantor": ("a" * 16, "c" * 16), "ID": ("b" * 16,)}


def test_signing_says_which_old_revocations_it_dropped(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "issued.csv").write_text(
        "number,domain,until,revocation,issued\n1,staff,2020-01-01,00112233aabbccdd,2019-01-01T00:00:00+08:00\n"
    )
    told = ["revoke", "--desk", str(desk), "--issuer", "luwuutarakab", "--hash", "00112233aabbccdd"]
    assert main(told) == 0
    assert _trust(desk, secret).revoked == {}
    assert "1 pencabutan lama dihapus" in capsys.readouterr().out
    assert Desk.open(desk).book.revoked == {}


def test_the_log_reads_back_as_it_was_written() -> None:
    entries = (_entry("1", date(2027, 1, 1), "a" * 16), _entry("T-2/3", date(2027, 1, 2), "0" * 16, Domain.VISITOR))
    assert issue_log.parse(",".join(issue_log.COLUMNS) + "\n" + issue_log.written(entries)) == entries


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nomor\n", "the first line"),
        ("number,domain,until,revocation,issued\n1,staff\n", "line 2"),
        ("number,domain,until,revocation,issued\n1,staff,2027-01-01,xyz,2026-01-01T00:00:00+08:00\n", "not a hash"),
    ],
)
def test_a_damaged_log_is_one_clear_line(desk: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "issued.csv").write_text(text)
    capsys.readouterr()
    assert main(["revoke", "--desk", str(desk), "1"]) == 1
    assert says in capsys.readouterr().err


# rotate


def test_after_a_rotation_old_and_new_passes_are_believed(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    old = _pass(desk, secret, "1")
    capsys.readouterr()
    assert main(["rotate", "--desk", str(desk), "--domain", "visitor", *secret]) == 0
    said = capsys.readouterr().out
    year = datetime.now(WITA).year
    keys = Desk.open(desk).book.key
    assert [key.file for key in keys] == [f"staff-{year}.pem", f"visitor-{year}.pem", f"visitor-{year}-2.pem"]
    assert all(part in said for part in (keys[1].kid, keys[2].kid, "desk.toml", "bundle sign"))
    new = _pass(desk, secret, "2")
    trust = _trust(desk, secret)
    assert [believe(text, trust, datetime.now(UTC)).reason for text in (old, new)] == [None, None]
    assert Desk.open(desk).key_for(Domain.VISITOR, datetime.now(UTC)) == keys[2]


def test_a_key_for_a_later_day_signs_nothing_before_it(desk: Path, secret: list[str]) -> None:
    later = datetime.now(WITA).date() + timedelta(days=10)
    assert main(["rotate", "--desk", str(desk), "--from", str(later), *secret]) == 0
    opened = Desk.open(desk)
    assert [key.domain for key in opened.book.key] == [Domain.STAFF, Domain.VISITOR] * 2
    since = datetime(later.year, later.month, later.day, tzinfo=WITA)
    assert [key.since for key in opened.book.key[2:]] == [since, since]
    assert opened.key_for(Domain.STAFF, since - timedelta(seconds=1)) == opened.book.key[0]
    assert opened.key_for(Domain.STAFF, since) == opened.book.key[2]


def test_what_a_stolen_key_signed_is_believed_no_more(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    old = _pass(desk, secret, "1"), _pass(desk, secret, "1", "staff")
    capsys.readouterr()
    assert main(["rotate", "--desk", str(desk), "--domain", "staff", "--distrust-old", *secret]) == 0
    assert "1 pas yang masih berlaku harus dibuat ulang" in capsys.readouterr().out
    new = _pass(desk, secret, "1", "staff", "b")
    trust = _trust(desk, secret)
    reasons = [believe(text, trust, datetime.now(UTC)).reason for text in (*old, new)]
    assert reasons == [None, Reason.UNKNOWN_ISSUER, None]


def test_a_slip_in_the_passphrase_locks_no_new_key(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("bukan kata sandinya")
    before = sorted(desk.iterdir())
    capsys.readouterr()
    assert main(["rotate", "--desk", str(desk), "--passphrase-file", str(wrong)]) == 1
    assert "The passphrase is wrong" in capsys.readouterr().err
    assert sorted(desk.iterdir()) == before


@pytest.mark.parametrize("days", [-1, 367])
def test_a_key_begins_within_a_year(desk: Path, secret: list[str], days: int) -> None:
    first = datetime.now(WITA).date() + timedelta(days=days)
    assert main(["rotate", "--desk", str(desk), "--from", str(first), *secret]) == 1


def test_every_command_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ["init", "issue", "cards", "revoke", "rotate", "bundle sign", "bundle show", "bundle diff"]
    commands += ["foreign-keys import", "foreign-keys list", "foreign-keys remove", "policy check"]
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([*command.split(), "--help"])
        assert ended.value.code == 0
        assert f"contoh / example:\n  titik-office {command} " in capsys.readouterr().out
