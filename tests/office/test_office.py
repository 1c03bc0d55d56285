"""The desk: what it makes is believed at the wall, and nothing else is."""

import csv
import io
import json
import stat
import string
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import cbor2
import numpy as np
import pytest
import segno
import zxingcpp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from device.formats.cose import parse
from device.model import WITA, Belief, Claims, Credential, Domain, Kind, Reason, Statement
from device.trust.bundle import (
    BundleError,
    Key,
    Roots,
    Trust,
    kid_of,
    open_bundle,
    revocation,
    root_key,
    spki,
    spki_text,
    trusting,
)
from device.verdict.verify import believe
from office import bundle
from office.__main__ import main
from office.desk.book import book_toml
from office.desk.desk import Desk
from office.desk.files import write_new
from office.desk.new_desk import found
from office.desk.refusal import MissingError, RefusalError
from office.keys.signing import sign1
from office.passes import qr
from office.passes.compose import MAX_TEXT, compose, issue, pass_text, validity
from tests.support.desk import PASSPHRASE

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SPAN = validity(Domain.STAFF, NOW, date(2027, 6, 30))
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = Key(
    KEY.public_key(), kid_of(KEY.public_key()), "luwuutarakab", Domain.STAFF, None, SPAN[0], NOW + timedelta(days=400)
)
ROOT = ed25519.Ed25519PrivateKey.generate()
BUNDLE = bundle.sign(
    Trust(
        trusting(SIGNER).keys,
        {"luwuutarakab": frozenset({b"12345678"})},
        (),
        {"bupati": 40},
        7,
        NOW,
        NOW + timedelta(90),
    ),
    ROOT,
)


def _issue(desk: Path, secret: list[str], domain: str, number: str, *more: str) -> Path:
    """Issue one pass by the command, for a month or, a visitor's, for today; return its picture."""
    file = desk.parent / f"{number}.png"
    until = ["--until", str(datetime.now(WITA).date() + timedelta(days=30))] if domain == "staff" else []
    told = ["issue", "--desk", str(desk), "--domain", domain, "--number", number, "--png", str(file), *until, *more]
    assert main([*told, "--name", "Contoh Pertama", *secret]) == 0
    return file


def _text(file: Path) -> str:
    """Return what another reader sees on the picture."""
    with Image.open(file) as picture:
        codes = zxingcpp.read_barcodes(np.asarray(picture.convert("L")))
    return str(codes[0].text)


def _signed_bundle(desk: Path, secret: list[str], *more: str) -> bytes:
    out = desk.parent / "trust.cbor"
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(out), *more, *secret]) == 0
    return out.read_bytes()


def _opened(desk: Path, octets: bytes) -> Trust:
    return open_bundle(octets, Roots(root_key((desk / "root.pub").read_text())))


def test_a_staff_pass_is_believed_at_the_wall(desk: Path, secret: list[str]) -> None:
    text = _text(_issue(desk, secret, "staff", "0042"))
    trust = _opened(desk, _signed_bundle(desk, secret))
    now = datetime.now(UTC)
    today = now.astimezone(WITA).replace(hour=0, minute=0, second=0, microsecond=0)
    belief = believe(text, trust, now)
    assert belief.credential is not None
    identity = belief.credential.identity
    credential = Credential(
        Kind.PASS,
        Domain.STAFF,
        "luwuutarakab",
        identity,
        Claims(pass_number="0042"),
        today,
        today + timedelta(days=31),
    )
    assert belief == Belief(Kind.PASS, None, credential)
    assert believe(text, trust, today + timedelta(days=31, seconds=1)).reason is Reason.EXPIRED


def test_a_visitors_pass_is_of_the_visitor_key_and_ends_with_the_day(desk: Path, secret: list[str]) -> None:
    text = _text(_issue(desk, secret, "visitor", "T-7"))
    trust = _opened(desk, _signed_bundle(desk, secret))
    belief = believe(text, trust, datetime.now(UTC))
    assert belief.reason is None
    assert belief.credential is not None
    assert belief.credential.domain is Domain.VISITOR
    assert belief.credential.expires == SPAN[0].replace(
        year=datetime.now(WITA).year, month=datetime.now(WITA).month, day=datetime.now(WITA).day
    ) + timedelta(days=1)


def test_the_name_is_in_the_pass_and_nowhere_else_on_the_desk(desk: Path, secret: list[str]) -> None:
    file = _issue(desk, secret, "staff", "0042")
    rows = list(csv.DictReader((desk / "issued.csv").read_text().splitlines()))
    credential = believe(_text(file), _opened(desk, _signed_bundle(desk, secret)), datetime.now(UTC)).credential
    assert credential is not None
    (row,) = rows
    assert row | {"issued": ""} == {
        "number": "0042",
        "domain": "staff",
        "until": str(datetime.now(WITA).date() + timedelta(days=30)),
        "revocation": revocation(credential.identity).hex(),
        "issued": "",
    }
    assert not any(word in path.read_bytes().lower() for path in desk.rglob("*") for word in (b"contoh", b"pertama"))


def test_a_hash_from_the_log_revokes_the_pass(desk: Path, secret: list[str]) -> None:
    text = _text(_issue(desk, secret, "staff", "0042"))
    (row,) = csv.DictReader((desk / "issued.csv").read_text().splitlines())
    book = desk / "desk.toml"
    book.write_text(book.read_text().replace("[revoked]\n", f'[revoked]\nluwuutarakab = ["{row["revocation"]}"]\n'))
    trust = _opened(desk, _signed_bundle(desk, secret))
    assert believe(text, trust, datetime.now(UTC)).reason is Reason.REVOKED
    assert Desk.open(desk).book.revoked == {"luwuutarakab": (row["revocation"],)}, "and the book still says so"


def test_what_the_desk_keeps_is_its_users_alone(desk: Path, secret: list[str]) -> None:
    _issue(desk, secret, "staff", "0042")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in desk.iterdir()}
    year = datetime.now(WITA).year
    names = ("desk.toml", "fleet-secret", "issued.csv", "root.pem", "root-next.pem", "root.pub")
    assert modes == dict.fromkeys((*names, f"staff-{year}.pem", f"visitor-{year}.pem"), 0o600)
    assert stat.S_IMODE(desk.stat().st_mode) == 0o700
    assert all(b"ENCRYPTED PRIVATE KEY" in path.read_bytes() for path in desk.glob("*.pem"))


def test_the_fleet_secret_is_32_bytes_in_hexadecimal(desk: Path) -> None:
    text = (desk / "fleet-secret").read_text()
    assert (len(text), len(bytes.fromhex(text))) == (64, 32)


def test_a_desk_is_never_overwritten(desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in desk.iterdir()}
    assert main(["init", "--desk", str(desk), *secret]) == 1
    assert "nothing is overwritten" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in desk.iterdir()} == before


def test_a_folder_with_anything_in_it_is_no_place_for_a_new_desk(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("milik orang lain")
    with pytest.raises(RefusalError, match="is not empty"):
        found(tmp_path, "Kantor", "kantor", PASSPHRASE, NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_an_empty_folder_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    found(tmp_path, "Kantor", "kantor", PASSPHRASE, NOW)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_new_file_is_never_written_over_another(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write_new(file, b"first")
    with pytest.raises(RefusalError, match="is there already"):
        write_new(file, b"second")
    assert (file.read_bytes(), [path.name for path in tmp_path.iterdir()]) == (b"first", ["x"])


def test_a_picture_is_never_overwritten_and_then_nothing_is_logged(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = _issue(desk, secret, "visitor", "T-7")
    before = file.read_bytes(), (desk / "issued.csv").read_bytes()
    told = ["issue", "--desk", str(desk), "--domain", "visitor", "--number", "T-8", "--name", "X", "--png", str(file)]
    assert main([*told, *secret]) == 1
    assert "is there already" in capsys.readouterr().err
    assert (file.read_bytes(), (desk / "issued.csv").read_bytes()) == before


def test_a_wrong_passphrase_is_one_clear_line(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("bukan kata sandinya")
    told = ["--desk", str(desk), "--passphrase-file", str(wrong)]
    png, out = tmp_path / "x.png", tmp_path / "trust.cbor"
    capsys.readouterr()
    assert main(["issue", *told, "--domain", "visitor", "--number", "1", "--name", "X", "--png", str(png)]) == 1
    assert main(["bundle", "sign", *told, "--out", str(out)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(", ")[0] for line in lines] == ["titik-office: Kata sandi salah"] * 2
    assert not png.exists()
    assert not out.exists()
    assert not (desk / "issued.csv").exists()


@pytest.mark.parametrize("passphrase", ["", "pendek", "x" * 11])
def test_a_short_passphrase_locks_nothing(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(RefusalError, match="12"):
        found(tmp_path / "meja", "Kantor", "kantor", passphrase, NOW)
    assert not (tmp_path / "meja").exists()


def test_an_unknown_desk_and_a_missing_key_are_something_missing(desk: Path, secret: list[str], tmp_path: Path) -> None:
    told = ["--domain", "visitor", "--number", "1", "--name", "X", "--png", str(tmp_path / "x.png"), *secret]
    assert main(["issue", "--desk", str(tmp_path / "nix"), *told]) == 3
    next(desk.glob("visitor-*.pem")).unlink()
    assert main(["issue", "--desk", str(desk), *told]) == 3


def test_a_key_swapped_in_under_another_name_is_noticed(
    desk: Path, secret: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (staff,), (visitor,) = desk.glob("staff-*.pem"), desk.glob("visitor-*.pem")
    visitor.write_bytes(staff.read_bytes())
    told = ["--domain", "visitor", "--number", "1", "--name", "X", "--png", str(tmp_path / "x.png")]
    assert main(["issue", "--desk", str(desk), *told, *secret]) == 1
    assert "is not the key that desk.toml speaks of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[], ["issue"], ["bundle"], ["issue", "--until", "besok"], ["bundle", "sign", "--capacity", "bupati"]],
)
def test_a_slip_of_the_keyboard_is_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_the_book_reads_back_as_it_was_written(tmp_path: Path) -> None:
    desk = found(tmp_path / "meja", 'Kantor "Contoh" \\ é', "kantor", PASSPHRASE, NOW)
    assert Desk.open(desk.folder).book == desk.book
    assert book_toml(desk.book) == (desk.folder / "desk.toml").read_text()


def test_keys_hold_from_the_mornings_midnight_for_a_year_and_a_margin(tmp_path: Path) -> None:
    desk = found(tmp_path / "meja", "Kantor", "kantor", PASSPHRASE, NOW)
    midnight = datetime(2026, 11, 23, tzinfo=WITA)
    assert [(key.domain, key.since, key.until) for key in desk.book.key] == [
        (domain, midnight, midnight + timedelta(days=396)) for domain in (Domain.STAFF, Domain.VISITOR)
    ]
    with pytest.raises(RefusalError, match="No key for staff"):
        desk.key_for(Domain.STAFF, midnight - timedelta(seconds=1))
    ends = midnight + timedelta(days=396)
    assert desk.key_for(Domain.STAFF, ends - timedelta(seconds=1)) == desk.book.key[0]
    with pytest.raises(RefusalError, match="No key for staff"):
        desk.key_for(Domain.STAFF, ends)  # no station believes what is signed from then on


def test_a_log_whose_last_line_was_left_open_by_an_editor_gets_a_line_of_its_own(tmp_path: Path) -> None:
    desk = found(tmp_path / "meja", "Kantor", "kantor", PASSPHRASE, NOW)
    log, day = tmp_path / "meja" / "issued.csv", date(2027, 6, 30)
    desk.log("0042", Domain.STAFF, day, bytes(32), NOW)
    log.write_bytes(log.read_bytes().rstrip(b"\n"))
    desk.log("0043", Domain.STAFF, day, bytes(32), NOW)
    assert [(one.number, one.until, one.revocation) for one in desk.issued()] == [
        ("0042", day, "00" * 8),
        ("0043", day, "00" * 8),
    ]


def test_a_damaged_book_is_one_clear_line(desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    book = desk / "desk.toml"
    whole = book.read_text()
    for broken in (whole[:100], whole.replace("bundle = 0", "bundle = -1"), whole.replace("issuer", "isuer")):
        book.write_text(broken)
        capsys.readouterr()
        assert main(["bundle", "sign", "--desk", str(desk), "--out", str(desk.parent / "t"), *secret]) == 1
        assert "desk.toml" in capsys.readouterr().err


# Validity


@pytest.mark.parametrize(
    ("domain", "until", "ends"),
    [
        (Domain.STAFF, date(2027, 6, 30), datetime(2027, 7, 1, tzinfo=WITA)),
        (Domain.STAFF, date(2027, 11, 23), datetime(2027, 11, 24, tzinfo=WITA)),
        (Domain.VISITOR, None, datetime(2026, 11, 24, tzinfo=WITA)),
        (Domain.VISITOR, date(2026, 11, 29), datetime(2026, 11, 30, tzinfo=WITA)),
    ],
)
def test_a_pass_is_in_force_from_midnight_to_midnight(domain: Domain, until: date | None, ends: datetime) -> None:
    assert validity(domain, NOW, until) == (datetime(2026, 11, 23, tzinfo=WITA), ends)


@pytest.mark.parametrize(
    ("domain", "until"),
    [
        (Domain.STAFF, None),
        (Domain.STAFF, date(2026, 11, 22)),
        (Domain.STAFF, date(2027, 11, 24)),
        (Domain.VISITOR, date(2026, 11, 30)),
    ],
)
def test_a_pass_for_too_long_or_for_the_past_is_refused(domain: Domain, until: date | None) -> None:
    with pytest.raises(RefusalError):
        validity(domain, NOW, until)


def test_a_year_from_a_leap_day_ends_on_the_28th() -> None:
    leap = datetime(2028, 2, 29, 3, tzinfo=UTC)
    assert validity(Domain.STAFF, leap, date(2029, 2, 28))[1] == datetime(2029, 3, 1, tzinfo=WITA)


def test_the_day_is_the_offices_not_greenwichs() -> None:
    late = datetime(2026, 11, 22, 17, tzinfo=UTC)  # one in the morning of the 23rd in Masamba
    assert validity(Domain.VISITOR, late, None)[0] == datetime(2026, 11, 23, tzinfo=WITA)


# The text and its QR


@given(
    name=st.text(min_size=1, max_size=60), number=st.text(string.ascii_letters + string.digits, min_size=1, max_size=32)
)
def test_any_name_is_a_pass_that_fits_its_card_or_a_clear_refusal(name: str, number: str) -> None:
    try:
        one = compose("luwuutarakab", number, name, SPAN)
        text, credential = issue(one, KEY, SIGNER, NOW)
    except RefusalError as refusal:
        assert "/" in str(refusal)  # noqa: PT017 - any refusal is right that says why in two languages
        return
    made = qr.code(text)
    assert len(text) <= MAX_TEXT
    assert (made.mode, made.version <= qr.MAX_VERSION, made.error in "MQH") == ("alphanumeric", True, True)
    assert credential.claims == Claims(pass_number=number)


@pytest.mark.parametrize("name", ["Li", "Siti Contoh Rahmawati", "Muhammad Contoh Saputra", "Ñandú Çontoh é ü"])
def test_names_as_people_have_them_fit(name: str) -> None:
    text, _ = issue(compose("luwuutarakab", "0042", name, SPAN), KEY, SIGNER, NOW)
    assert len(text) <= MAX_TEXT


def test_a_long_name_takes_the_issuers_room_and_is_believed_all_the_same() -> None:
    short = compose("luwuutarakab", "0042", "Contoh", SPAN)
    long = compose("luwuutarakab", "0042", "Muhammad Contoh Saputra", SPAN)
    assert len(pass_text(long, KEY, b"12345678")) > MAX_TEXT
    issuers = {issue(one, KEY, SIGNER, NOW)[1].issuer for one in (short, long)}
    assert issuers == {"luwuutarakab"}


def test_a_name_that_cannot_fit_says_how_much_must_go() -> None:
    with pytest.raises(RefusalError, match=r"about [0-9]+ letters must go"):
        issue(compose("luwuutarakab", "0042", "Muhammad Contoh Saputra Wijaya Kusuma", SPAN), KEY, SIGNER, NOW)


def test_composed_and_decomposed_names_are_the_same_name() -> None:
    names = {compose("kantor", "1", name, SPAN).name for name in ("José  Contoh ", " Jose\u0301 Contoh")}
    assert names == {"José Contoh"}


@pytest.mark.parametrize("number", ["", "=1+1", "1 ,2", "1" * 33, "1\n", "-1"])
def test_numbers_that_could_do_harm_in_a_table_are_refused(number: str) -> None:
    with pytest.raises(RefusalError):
        compose("kantor", number, "X", SPAN)


@pytest.mark.parametrize("name", ["", " ", "a\x1b[31mb", "a\u202eb"])
def test_names_that_could_do_harm_on_a_screen_are_refused(name: str) -> None:
    with pytest.raises(RefusalError):
        compose("kantor", "1", name, SPAN)


def test_a_pass_that_a_station_would_refuse_is_not_made() -> None:
    one = compose("luwuutarakab", "1", "X", (SPAN[0] - timedelta(days=1), SPAN[1]))  # before its key was in force
    with pytest.raises(RefusalError, match="wrong-domain"):
        issue(one, KEY, SIGNER, NOW)
    for now, reason in ((SPAN[0] - timedelta(seconds=1), "not-yet-valid"), (SPAN[1] + timedelta(seconds=1), "expired")):
        with pytest.raises(RefusalError, match=reason):
            issue(compose("luwuutarakab", "1", "X", SPAN), KEY, SIGNER, now)


@pytest.mark.parametrize("length", [40, 180, 220])
def test_the_picture_prints_at_25_mm_or_more_with_its_quiet_zone(length: int) -> None:
    text = "0" * length
    with Image.open(io.BytesIO(qr.png(text))) as picture:
        dark = np.asarray(picture.convert("L")) < 128
        dpi = picture.info["dpi"][0]
        assert str(zxingcpp.read_barcodes(np.asarray(picture.convert("L")))[0].text) == text
    columns = np.flatnonzero(dark.any(axis=0))
    width = int(columns[-1] - columns[0] + 1)
    modules = segno.make(text, error="m", micro=False).symbol_size(border=0)[0]
    assert width / dpi * 25.4 >= 24.999
    assert columns[0] == 4 * width // modules


def test_a_code_too_large_for_the_card_is_refused() -> None:
    with pytest.raises(RefusalError, match="version 9"):
        qr.code("0A" * 111)


# The bundle


def test_a_bundle_opens_to_what_was_signed(desk: Path, secret: list[str]) -> None:
    octets = _signed_bundle(desk, secret, "--policy", "staff", "--policy", "brief-2021", "--days", "30")
    trust = _opened(desk, octets)
    book = Desk.open(desk).book
    assert dict(trust.keys) == {bytes.fromhex(key.kid): (key.trusted(book.issuer),) for key in book.key}
    assert (trust.version, len(trust.policies), trust.revoked, trust.capacities) == (1, 2, {}, {})
    assert trust.issued is not None
    assert trust.next == trust.issued + timedelta(days=30)


def test_every_bundle_has_a_higher_version_even_after_one_that_failed(desk: Path, secret: list[str]) -> None:
    first = _opened(desk, _signed_bundle(desk, secret)).version
    nowhere = ["bundle", "sign", "--desk", str(desk), "--out", str(desk / "no" / "trust.cbor"), *secret]
    assert main(nowhere) == 1
    assert (first, _opened(desk, _signed_bundle(desk, secret)).version) == (1, 3)


def test_the_same_trust_is_the_same_bytes_in_whatever_order_it_came() -> None:
    other = Key(ROOT.public_key(), b"87654321", "ID", Domain.HEALTH, frozenset(Statement), NOW, NOW + timedelta(1))
    parts = {"version": 1, "issued": NOW, "next": NOW}
    one = Trust(trusting(SIGNER, other).keys, {"a": frozenset({b"1" * 8, b"2" * 8}), "b": frozenset()}, **parts)  # type: ignore[arg-type]  # a dict of three kinds
    two = Trust(trusting(other, SIGNER).keys, {"b": frozenset(), "a": frozenset({b"2" * 8, b"1" * 8})}, **parts)  # type: ignore[arg-type]  # the same
    assert bundle.sign(one, ROOT) == bundle.sign(two, ROOT)


def test_a_bundle_names_the_root_that_signed_it_and_a_handover_each_on_its_own_message() -> None:
    old, root = ed25519.Ed25519PrivateKey.generate(), ROOT
    trust = Trust(issued=NOW, next=NOW)
    alone, outer = parse(bundle.sign(trust, root)), parse(bundle.sign(trust, root, old))
    inner = parse(outer.payload)
    assert [one.kid for one in (alone, outer, inner)] == [kid_of(key.public_key()) for key in (root, root, old)]
    assert [one.header.get(3) for one in (alone, outer, inner)] == [None, 18, None]
    assert [one.signed_by(key.public_key()) for one, key in ((alone, root), (outer, root), (inner, old))] == [True] * 3


def test_another_root_does_not_open_a_bundle() -> None:
    assert open_bundle(BUNDLE, Roots(ROOT.public_key())).version == 7
    with pytest.raises(BundleError, match="not signed by the regency's root"):
        open_bundle(BUNDLE, Roots(ed25519.Ed25519PrivateKey.generate().public_key()))


@given(at=st.integers(0, 8 * len(BUNDLE) - 1))
def test_no_bundle_survives_a_flipped_bit(at: int) -> None:
    octets = bytearray(BUNDLE)
    octets[at // 8] ^= 1 << at % 8
    try:
        opened = open_bundle(bytes(octets), Roots(ROOT.public_key()))
    except BundleError:
        return
    assert opened == open_bundle(BUNDLE, Roots(ROOT.public_key())), "only what no signature covers may differ"


def test_somebody_elses_certificate_brings_its_own_dates_and_kid(desk: Path, secret: list[str], tmp_path: Path) -> None:
    ministry = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Contoh")])
    begins, ends = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, ministry.public_key(), 1, begins, ends)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.4.1.1847.2021.1.2")]), critical=False)
        .sign(ministry, SHA256())
    )
    files = {"certificate.pem": certificate.public_bytes(Encoding.PEM), "bare.der": spki(ministry.public_key())}
    for file, octets in files.items():
        (tmp_path / file).write_bytes(octets)
    paths = [str(tmp_path / file) for file in files]
    assert main(["foreign-keys", "import", "--desk", str(desk), *paths, "--issuer", "ID"]) == 0
    trust = _opened(desk, _signed_bundle(desk, secret))
    health = {key.kid: key for group in trust.keys.values() for key in group if key.domain is Domain.HEALTH}
    bare = kid_of(ministry.public_key())
    (by_certificate,) = set(health) - {bare}
    assert by_certificate == certificate.fingerprint(SHA256())[:8]
    assert [(health[kid].issuer, health[kid].usages, health[kid].since, health[kid].until) for kid in health] == [
        ("ID", usages, *dates)
        for usages, dates in (
            (None, bundle.ALWAYS) if kid == bare else (frozenset({Statement.VACCINATION}), (begins, ends))
            for kid in health
        )
    ]


@pytest.mark.parametrize(
    "more",
    [
        ["--policy", "no-such"],
        ["--policy", "staff", "--policy", "staff"],
        ["--policy", "{}/bad.toml"],
    ],
)
def test_a_bundle_with_something_wrong_in_it_is_not_signed(
    desk: Path, secret: list[str], tmp_path: Path, more: list[str]
) -> None:
    (tmp_path / "bad.toml").write_text("name = 'bad'")
    out = tmp_path / "trust.cbor"
    told = [part.format(tmp_path) for part in more]
    assert main(["bundle", "sign", "--desk", str(desk), "--out", str(out), *told, *secret]) == 1
    assert not out.exists()
    assert Desk.open(desk).book.bundle == 0, "and no version is used up"


def test_show_tells_a_program_what_a_bundle_holds(
    desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _signed_bundle(desk, secret, "--policy", "staff")
    capsys.readouterr()
    root = (desk / "root.pub").read_text().strip()
    for key in (root, str(desk / "root.pub")):
        assert main(["bundle", "show", str(desk.parent / "trust.cbor"), "--root", key, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["version"], told["policies"], [key["domain"] for key in told["keys"]].sort()) == (
            1,
            ["staff"],
            None,
        )
        assert {key["domain"] for key in told["keys"]} == {"staff", "visitor"}


def test_show_believes_no_other_root(desk: Path, secret: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    _signed_bundle(desk, secret)
    capsys.readouterr()
    for key in (spki_text(ROOT.public_key()), "bukan kunci"):
        assert main(["bundle", "show", str(desk.parent / "trust.cbor"), "--root", key]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_missing_drawing_library_is_said_before_anything_is_asked(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(qr, "segno", None)  # as on a machine that has none
    told = ["issue", "--desk", str(desk), "--domain", "visitor", "--number", "1", "--name", "X", "--png", "x.png"]
    assert main(told) == 3
    assert "pip install" in capsys.readouterr().err
    with pytest.raises(MissingError):
        qr.png("X")


def test_a_signed_message_is_a_tagged_sign1_of_the_documented_headers() -> None:
    message = cbor2.loads(sign1(b"payload", KEY, b"12345678"))
    protected, unprotected, payload, signature = message.value
    assert (message.tag, cbor2.loads(protected), unprotected, payload, len(signature)) == (
        18,
        {1: -7, 4: b"12345678"},
        {},
        b"payload",
        64,
    )
    with pytest.raises(ValueError, match="P-256 or Ed25519"):
        sign1(b"payload", ec.generate_private_key(ec.SECP384R1()), b"12345678")
