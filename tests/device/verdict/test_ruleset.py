"""How a bundle comes into force: by its root, never backwards, kept before it is followed."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from device import config
from device.model import Reason
from device.trust.bundle import BundleError, Roots, kid_of, open_bundle, spki_text
from device.trust.fleet_secret import FleetSecret
from device.verdict.ruleset import HANDOVER, KEPT, Offered, Ruleset
from tests.support.bundle import bundle_fields, key_fields
from tests.support.credentials import AT, sign
from tests.support.roster import KEY, SECRET, roster

ROOT, NEXT, OTHER = (ed25519.Ed25519PrivateKey.generate() for _ in range(3))


def bundle(version: int, key: ed25519.Ed25519PrivateKey = ROOT, **more: Any) -> bytes:
    payload = cbor2.dumps(bundle_fields(**{"version": version, "policies": [], **more}))
    return sign(key, payload, {1: -8, 4: kid_of(key.public_key())})


def handover(
    version: int, current: ed25519.Ed25519PrivateKey = ROOT, following: ed25519.Ed25519PrivateKey = NEXT
) -> bytes:
    return sign(following, bundle(version, current), {1: -8, 3: 18})


def book(
    folder: Path,
    *,
    roots: tuple[ed25519.Ed25519PrivateKey, ...] = (ROOT, NEXT),
    shipped: Path | None = None,
    secret: FleetSecret | None = None,
    now: datetime | None = AT,
) -> Ruleset:
    named = tuple(spki_text(root.public_key()) for root in roots)
    point = config.PointSettings(name="bupati-1", site="bupati")
    return Ruleset(
        config.StationSettings(point=point, trust=config.TrustSettings(bundle=shipped, roots=named)),
        folder,
        secret,
        lambda: now,
    )


def version(ruleset: Ruleset) -> int:
    return ruleset.rules.trust.version


def test_a_newer_bundle_is_followed_and_is_there_after_a_restart(tmp_path: Path) -> None:
    rules = book(tmp_path)
    assert version(rules) == 0
    assert rules.offer(bundle(5)) == Offered(5, new=True)
    assert rules.offer(bundle(7)) == Offered(7, new=True)
    assert rules.offer(bundle(7)) == Offered(7, new=False)
    assert version(rules) == version(book(tmp_path)) == 7


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (bundle(4), "older than the one in force: version 4, and 5 is in force"),
        (bundle(5, keys=[]), "another bundle of version 5 is in force; sign it anew"),
        (bundle(6, OTHER), "not signed by the regency's root"),
        (bundle(6, NEXT), "not signed by the regency's root"),
        (bundle(6, issued=int((AT + timedelta(days=3)).timestamp())), "issued in the future"),
        (bundle(6)[:-1], "not a bundle"),
        (bytes(2_000_000), "not a bundle: longer than 1048576 bytes"),
        (b"", "not a bundle"),
        (handover(6, OTHER, NEXT), "not signed by the regency's root"),
        (handover(6, ROOT, OTHER), "not signed by the regency's root"),
        (sign(NEXT, bundle(6), {1: -8}), "not signed by the regency's root"),
        (sign(ROOT, b"\xa0", {1: -8, 3: 18}), "not a bundle"),
    ],
    # bytes that are signed anew in each run would make another name each time
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_changes_nothing(tmp_path: Path, octets: bytes, why: str) -> None:
    rules = book(tmp_path)
    rules.offer(bundle(5))
    before = rules.rules
    with pytest.raises(BundleError, match=why):
        rules.offer(octets)
    assert rules.rules is before
    assert version(book(tmp_path)) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == [KEPT]


def test_the_next_root_takes_over_by_a_bundle_of_both_and_the_old_one_is_done(tmp_path: Path) -> None:
    rules = book(tmp_path)
    rules.offer(bundle(5))
    rules.offer(handover(6))
    for life in (rules, book(tmp_path), book(tmp_path)):
        assert version(life) == 6
        with pytest.raises(BundleError, match="not signed by the regency's root"):
            life.offer(bundle(7))
    rules.offer(handover(7))  # for points that were away, the desk goes on signing by both for a while
    rules.offer(bundle(8, NEXT))
    assert version(book(tmp_path)) == 8
    assert version(book(tmp_path, roots=(NEXT,))) == 8  # as the configuration should say by then
    assert (tmp_path / HANDOVER).exists()


def test_a_thief_of_the_old_root_cannot_forestall_the_handover_by_a_great_number(tmp_path: Path) -> None:
    rules = book(tmp_path)
    rules.offer(bundle(2**53))
    rules.offer(handover(6))
    for life in (rules, book(tmp_path)):
        assert version(life) == 6
        with pytest.raises(BundleError, match="not signed by the regency's root"):
            life.offer(bundle(2**53))


def test_a_thief_of_the_old_root_cannot_forestall_the_handover_by_its_own_number(tmp_path: Path) -> None:
    rules = book(tmp_path)
    rules.offer(bundle(6, policies=["a thief's"]))
    assert rules.offer(handover(6)) == Offered(6, new=True)
    for life in (rules, book(tmp_path)):
        with pytest.raises(BundleError, match="not signed by the regency's root"):
            life.offer(bundle(7))
        assert life.offer(handover(6)).version == 6


def test_a_desk_s_clock_may_be_two_days_ahead(tmp_path: Path) -> None:
    rules = book(tmp_path)
    ahead = int((AT + timedelta(days=2)).timestamp())
    assert rules.offer(bundle(5, issued=ahead)) == Offered(5, new=True)
    with pytest.raises(BundleError, match="issued in the future"):
        rules.offer(bundle(6, issued=ahead + 1))


def test_a_next_root_that_the_configuration_does_not_name_takes_over_nothing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not signed by the regency's root"):
        book(tmp_path, roots=(ROOT,)).offer(handover(6))


def test_the_newer_of_the_kept_and_the_shipped_bundle_is_followed(tmp_path: Path) -> None:
    shipped = tmp_path / "image.cose"
    shipped.write_bytes(bundle(5))
    assert version(book(tmp_path, shipped=shipped)) == 5
    book(tmp_path).offer(bundle(6))
    assert version(book(tmp_path, shipped=shipped)) == 6
    shipped.write_bytes(bundle(9))
    assert version(book(tmp_path, shipped=shipped)) == 9
    assert version(book(tmp_path)) == 9


def test_a_damaged_kept_bundle_is_said_and_the_shipped_one_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = tmp_path / "image.cose"
    shipped.write_bytes(bundle(5))
    (tmp_path / KEPT).write_bytes(b"\0" * 80)
    assert version(book(tmp_path, shipped=shipped)) == 5
    assert "bundle.cose is not believed: not a bundle" in caplog.text


def test_a_bundle_that_cannot_be_kept_is_in_force_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rules = book(tmp_path)
    rules._folder = tmp_path / "gone"  # a state folder that went away under a running station
    assert rules.offer(bundle(5)) == Offered(5, new=True, kept=False)
    assert rules.offer(bundle(5)) == Offered(5, new=False, kept=False)
    (tmp_path / "gone").mkdir()
    rules.keep_again()
    assert rules.kept
    assert version(book(tmp_path / "gone")) == 5
    assert "bundle 5 is in force and cannot be kept: No such file or directory" in caplog.text


def test_an_issue_date_ahead_of_us_is_a_reproach_only_where_the_clock_is_trusted(tmp_path: Path) -> None:
    ahead = bundle(6, issued=int((AT + timedelta(days=3)).timestamp()))
    assert book(tmp_path, now=None).offer(ahead) == Offered(6, new=True)


def test_no_root_believes_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no root is configured"):
        book(tmp_path, roots=()).offer(bundle(5))


def test_the_roster_opens_under_its_own_fleet_secret_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from device.verdict.verify import believe  # noqa: PLC0415 - this test's alone

    octets = bundle(5, roster=roster(("19800101", 0)))
    for folder, secret, reason in (
        ("mine", SECRET, None),
        ("none", None, Reason.NOT_SUPPORTED),
        ("other", FleetSecret(b"\x01" * 32), Reason.NOT_SUPPORTED),
    ):
        (tmp_path / folder).mkdir()
        rules = book(tmp_path / folder, secret=secret)
        rules.offer(octets)
        assert believe("19800101", rules.rules.trust, AT).reason is reason
        assert rules.rules.trust.roster.locked is (reason is not None)
    assert caplog.text.count("the roster was made under another fleet secret") == 2
    assert KEY.octets.hex() not in caplog.text


def test_nine_hundred_keys_and_ten_thousand_revocations_are_one_bundle() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - this test's alone

    made = [ec.generate_private_key(ec.SECP256R1()) for _ in range(900)]
    keys = [key_fields(key, kid=number.to_bytes(8, "big")) for number, key in enumerate(made)]
    hashes = [number.to_bytes(8, "big") for number in range(10_000)]
    trust = open_bundle(bundle(5, keys=keys, revoked={"luwuutarakab": b"".join(hashes)}), Roots(ROOT.public_key()))
    assert {kid: len(group) for kid, group in trust.keys.items()} == {n.to_bytes(8, "big"): 1 for n in range(900)}
    assert trust.revoked == {"luwuutarakab": frozenset(hashes)}
