"""The desk's root is handed over, its roster is hashed, and its phone passes are for one phone."""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device import config
from device.camera.pictures import luma_of
from device.model import WITA, Domain, Kind, Reason
from device.scanner import read_still
from device.trust.bundle import BundleError, Roots, Trust, open_bundle, root_key
from device.trust.fleet_secret import read_secret
from device.trust.roster import Listing, Roster
from device.verdict.policy import SHIPPED, parse
from device.verdict.ruleset import Ruleset
from device.verdict.verify import believe
from office.__main__ import main
from office.desk.desk import Desk
from office.desk.lock import alone
from office.passes.phone import PREFIX, phone_code
from tests.support.credentials import proof
from tests.support.point import save
from tests.support.world import REPOSITORY

PHONE = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def secret(tmp_path: Path) -> list[str]:
    (tmp_path / "passphrase").write_text("empat kata acak di sini\n")
    return ["--passphrase-file", str(tmp_path / "passphrase")]


@pytest.fixture
def desk(tmp_path: Path, secret: list[str]) -> Path:
    folder = tmp_path / "meja"
    assert main(["init", "--desk", str(folder), "--name", "Kantor Contoh", *secret]) == 0
    return folder


def sign(desk: Path, secret: list[str], *more: str) -> bytes:
    out = desk.parent / "trust.cbor"
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(out), *secret, *more]) == 0
    return out.read_bytes()


def roots(desk: Path) -> tuple[str, str]:
    book = Desk.open(desk).book
    assert book.next_root is not None
    return book.root, book.next_root


def opened(desk: Path, octets: bytes) -> Trust:
    return open_bundle(octets, Roots(root_key(roots(desk)[0])))


def point(folder: Path, named: tuple[str, ...]) -> Ruleset:
    folder.mkdir(exist_ok=True)
    told = config.StationSettings(
        point=config.PointSettings(name="a", site="a"), trust=config.TrustSettings(roots=named)
    )
    return Ruleset(told, folder, None)


def test_a_root_is_handed_over_to_points_that_were_there_and_to_one_that_was_away(
    tmp_path: Path, desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = roots(desk)
    there, away = (point(tmp_path / name, before) for name in ("there", "away"))
    there.offer(sign(desk, secret))
    over = sign(desk, secret, "--handover")
    assert roots(desk)[0] == before[1] != roots(desk)[1]
    assert f'[trust] roots = ["{roots(desk)[0]}", "{roots(desk)[1]}"]' in capsys.readouterr().out
    there.offer(over)
    later = sign(desk, secret)  # signed by both still
    for rules in (there, away):
        rules.offer(later)
        assert rules.rules.trust.version == 3
    settled = sign(desk, secret, "--settled")
    for rules in (there, away, point(tmp_path / "new", roots(desk))):
        rules.offer(settled)
    with pytest.raises(BundleError, match="not signed by the regency's root"):
        point(tmp_path / "old", before[:1]).offer(settled)
    assert (desk / "root.pub").read_text().strip() == roots(desk)[0]
    assert main(["bundle", "show", str(desk.parent / "trust.cbor"), "--root", str(desk / "root.pub")]) == 0


def test_a_handover_ends_before_the_next_one_begins(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sign(desk, secret, "--handover")
    out = ["--out", str(desk.parent / "x.cbor")]
    assert main(["bundle", "sign", "--desk", str(desk), *out, *secret, "--handover"]) == 1
    assert "The last handover is not settled" in capsys.readouterr().err
    sign(desk, secret, "--settled")
    sign(desk, secret, "--handover")


def test_a_next_root_that_lies_in_its_safe_is_asked_for(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "root-next.pem").unlink()
    out = ["--out", str(desk.parent / "x.cbor")]
    assert main(["bundle", "sign", "--desk", str(desk), *out, *secret, "--handover"]) == 3
    assert "is this key kept elsewhere?" in capsys.readouterr().err
    assert Desk.open(desk).book.old_root is None
    assert sign(desk, secret)


def test_a_picture_or_a_folder_that_is_missing_is_said_before_anything_is_logged(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert issue(desk, secret, "--phone", "kodee.png", "--page", "https://x.example/") == 3
    assert "The picture kodee.png is missing." in capsys.readouterr().err
    assert issue(desk, secret, "--webcam", str(desk.parent / "video7"), "--page", "https://x.example/") == 3
    assert "video7 is not there. Next: plug it in" in capsys.readouterr().err
    assert issue(desk, secret, "--webcam") == 1
    assert "and --page go together." in capsys.readouterr().err
    assert issue(desk, secret, "--png", str(desk.parent / "gone" / "x.png")) == 3
    assert "is missing." in capsys.readouterr().err
    assert not (desk / "issued.csv").exists()


def test_one_key_under_two_names_is_named_and_uses_no_version_up(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    own = Desk.open(desk).book.key[0].public
    pem = b"-----BEGIN PUBLIC KEY-----\n" + own.encode() + b"\n-----END PUBLIC KEY-----\n"
    (desk.parent / "a.pem").write_bytes(pem)
    assert main(["foreign-keys", "import", "--desk", str(desk), str(desk.parent / "a.pem"), "--issuer", "ID"]) == 0
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(desk.parent / "x.cbor"), *secret]) == 1
    assert "one key under two names" in capsys.readouterr().err
    assert Desk.open(desk).book.bundle == 0


def test_a_handover_that_cannot_be_written_changes_nothing(
    tmp_path: Path, desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text((SHIPPED / "staff.toml").read_text().replace('name = "staff"', 'name = "own"'))
    sign(desk, secret, "--policy", str(own))
    book = Desk.open(desk).book
    gone = ["bundle", "sign", "--desk", str(desk), "--out", str(tmp_path / "gone" / "x.cbor"), "--handover", *secret]
    assert main(gone) == 1
    assert Desk.open(desk).book == book.model_copy(update={"bundle": 2})
    rules = point(tmp_path / "p", roots(desk))
    rules.offer(sign(desk, secret, "--handover"))
    assert [parse(text).name for text in rules.rules.trust.policies] == ["own"]
    capsys.readouterr()


def test_a_handover_cut_off_behind_the_book_forgets_no_rule(desk: Path, secret: list[str]) -> None:
    sign(desk, secret, "--policy", "brief-2021")
    last, public = (desk / "last-bundle.cbor").read_bytes(), (desk / "root.pub").read_bytes()
    sign(desk, secret, "--handover")
    (desk / "last-bundle.cbor").write_bytes(last)
    (desk / "root.pub").write_bytes(public)
    assert [parse(text).name for text in opened(desk, sign(desk, secret)).policies] == ["brief-2021"]
    assert (desk / "root.pub").read_text().strip() == roots(desk)[0]


def test_rules_that_cannot_be_recalled_are_asked_for(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sign(desk, secret)
    (desk / "last-bundle.cbor").write_bytes(b"damaged")
    out = ["--out", str(desk.parent / "x.cbor")]
    assert main(["bundle", "sign", "--desk", str(desk), *out, *secret]) == 1
    assert "Name every rule with --policy" in capsys.readouterr().err
    assert main(["bundle", "sign", "--desk", str(desk), *out, *secret, "--policy", "staff"]) == 0


def test_settling_is_for_the_right_passphrase_and_for_a_handover_only(
    desk: Path, secret: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["bundle", "sign", "--desk", str(desk), "--out", str(desk.parent / "x.cbor")]
    assert main([*out, *secret, "--settled"]) == 1
    assert "There is no handover to settle." in capsys.readouterr().err
    sign(desk, secret, "--handover")
    (tmp_path / "wrong").write_text("kata sandi yang salah")
    assert main([*out, "--passphrase-file", str(tmp_path / "wrong"), "--settled"]) == 1
    assert Desk.open(desk).book.old_root is not None
    with pytest.raises(SystemExit):
        main([*out, *secret, "--settled", "--handover"])


def test_two_commands_at_one_desk_wait_for_each_other(
    desk: Path, secret: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("office.desk.lock.PATIENCE", 0.2)
    with alone(desk):
        assert issue(desk, secret) == 1
    assert "Another command is at the desk" in capsys.readouterr().err
    assert issue(desk, secret) == 0


def test_three_passes_at_once_are_three_in_the_log(desk: Path, secret: list[str]) -> None:
    day = (datetime.now(WITA) + timedelta(days=30)).date().isoformat()
    told = [sys.executable, "-m", "office", "issue", "--desk", str(desk), "--domain", "staff", "--until", day, *secret]
    children = [
        subprocess.Popen(
            [*told, "--number", f"N-{n}", "--name", "Contoh", "--png", str(desk.parent / f"{n}.png")],
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
        )
        for n in range(3)
    ]
    assert [child.wait() for child in children] == [0] * 3
    assert sorted(one.number for one in Desk.open(desk).issued()) == [f"N-{n}" for n in range(3)]


LIST = "number;domain;until;doses;series\n198001;staff;2027-06-30;;\nPL-7F3A;health;;2;2\n198002;staff;2027-06-30;;\n"


def test_a_roster_is_hashed_kept_and_carried_by_every_bundle(desk: Path, secret: list[str]) -> None:
    file = desk.parent / "numbers.csv"
    file.write_text(LIST)
    assert main(["roster", "import", "--desk", str(desk), str(file)]) == 0
    key = read_secret((desk / "fleet-secret").read_text()).roster_key()
    end = datetime(2027, 7, 1, tzinfo=WITA)
    listings = (Listing(Domain.STAFF, end), Listing(Domain.HEALTH, None, 2, 2))
    entries = {key.hashed("198001"): 0, key.hashed("PL-7F3A"): 1, key.hashed("198002"): 0}
    for octets in (sign(desk, secret), sign(desk, secret)):
        assert opened(desk, octets).roster == Roster(key.check, "luwuutarakab", listings, entries)
    trust = opened(desk, octets)
    belief = believe("198001", replace(trust, roster=replace(trust.roster, key=key)), datetime.now(UTC))
    assert (belief.kind, belief.reason) == (Kind.LISTED, None)
    assert b"198001" not in b"".join(path.read_bytes() for path in desk.iterdir())
    assert main(["roster", "remove", "--desk", str(desk)]) == 0
    assert opened(desk, sign(desk, secret)).roster == Roster()


def test_every_wrong_row_of_a_roster_is_named_and_no_number_quoted(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = desk.parent / "numbers.csv"
    file.write_text(
        "number,domain,until,doses\n731,staff,soon,\n732,army,,\n733,staff,,100\n734,staff,,\n734,staff,,\n,staff,,\n"
    )
    assert main(["roster", "import", "--desk", str(desk), str(file)]) == 1
    said = capsys.readouterr().err
    assert re.findall(r"line (\d+):", said) == ["2", "3", "4", "6", "7"]
    assert "5 wrong rows; nothing was changed" in said
    assert not re.search(r"73[1-4]", said)
    assert not (desk / "roster.cbor").exists()


def test_a_roster_of_another_fleet_secret_is_made_anew_not_carried(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = desk.parent / "numbers.csv"
    file.write_text(LIST)
    assert main(["roster", "import", "--desk", str(desk), str(file)]) == 0
    (desk / "fleet-secret").write_text("ab" * 32)
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(desk.parent / "x.cbor"), *secret]) == 1
    assert "made under another fleet secret" in capsys.readouterr().err


def issue(desk: Path, secret: list[str], *more: str) -> int:
    day = (datetime.now(WITA) + timedelta(days=30)).date().isoformat()
    told = ["--domain", "staff", "--number", "0042", "--name", "Contoh Satu", "--until", day]
    return main(["issue", "--desk", str(desk), *told, "--png", str(desk.parent / "link.png"), *secret, *more])


@pytest.mark.parametrize("as_picture", [False, True])
def test_a_phone_pass_is_a_link_that_its_phone_alone_can_show(desk: Path, secret: list[str], as_picture: bool) -> None:
    from base64 import urlsafe_b64decode  # noqa: PLC0415 - this test's alone

    code = phone_code(PHONE.public_key())
    picture = desk.parent / "phone.png"
    save(picture, PREFIX + code)
    named = str(picture) if as_picture else " ".join(re.findall("....", code.lower()))
    assert issue(desk, secret, "--phone", named, "--page", "https://pas.kantor.example/") == 0
    (link,) = read_still(luma_of(desk.parent / "link.png"))
    address, _, carried = link.partition("#p=")
    assert address == "https://pas.kantor.example/"
    message = urlsafe_b64decode(carried + "=" * (-len(carried) % 4))
    trust, now = opened(desk, sign(desk, secret)), datetime.now(UTC)
    belief = believe(proof(PHONE, message, now), trust, now)
    assert (belief.reason, belief.credential and belief.credential.claims.pass_number) == (None, "0042")
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert believe(proof(stranger, message, now), trust, now).reason is Reason.FORGED
    assert main(["revoke", "--desk", str(desk), "0042"]) == 0
    assert believe(proof(PHONE, message, now), opened(desk, sign(desk, secret)), now).reason is Reason.REVOKED


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--phone", "AAAA", "--page", "https://x.example/"), "A phone code has 56 characters, this has 4."),
        (("--page", "https://x.example/"), "--phone and --page go together."),
        (("--phone", phone_code(PHONE.public_key()), "--page", "http://x.example/"), "begins with https://"),
    ],
)
def test_a_phone_pass_that_cannot_be_is_refused_and_not_logged(
    desk: Path, secret: list[str], more: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert issue(desk, secret, *more) == 1
    assert says in capsys.readouterr().err
    assert not (desk / "issued.csv").exists()


def test_the_phones_page_bears_the_offices_name(desk: Path) -> None:
    out = desk.parent / "halaman"
    assert main(["phone", "page", "--desk", str(desk), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "sw.js"]
    assert "Kantor Contoh" in (out / "index.html").read_text()
