"""``titik-office bundle``: sign one, show one, tell two apart."""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.model import WITA
from device.system.command_line import answered_by
from office.cli import options
from office.desk import passphrase
from office.desk.files import replace_file
from office.desk.refusal import RefusalError

if TYPE_CHECKING:
    from office.desk.desk import Desk


@dataclass(frozen=True, slots=True)
class SignBundle:
    """What ``bundle sign`` is asked."""

    desk: Path
    passphrase_file: Path | None
    out: Path
    policy: list[str] | None
    capacity: list[tuple[str, int | None]]
    handover: bool
    settled: bool
    days: int


@dataclass(frozen=True, slots=True)
class ShowBundle:
    """What ``bundle show`` is asked."""

    file: Path
    root: str
    json: bool


@dataclass(frozen=True, slots=True)
class DiffBundles:
    """What ``bundle diff`` is asked."""

    old: Path
    new: Path
    root: str
    json: bool


def add(commands: Any) -> None:
    """Add the commands."""
    under = options.group(
        commands, "bundle", "berkas kepercayaan / the trust bundle", "titik-office bundle sign --desk meja --out t.cbor"
    )
    _add_sign(under)
    _add_show(under)
    _add_diff(under)


def _add_sign(under: Any) -> None:
    sign = options.command(
        under,
        "sign",
        "tanda tangani / sign",
        "titik-office bundle sign --desk meja --out trust.cbor --policy staff --capacity bupati=40 --days 90",
    )
    options.asks_desk(sign)
    sign.add_argument("--out", required=True, type=Path, metavar="FILE")
    sign.add_argument(
        "--policy",
        action="append",
        metavar="NAME_OR_FILE",
        help="aturan, boleh berulang; tanpa ini seperti yang lalu / rules, may be repeated; left out: as before",
    )
    sign.add_argument("--capacity", action="append", default=[], type=_capacity, metavar="SITE=NUMBER",
                      help="berapa orang, diingat; SITE= menghapus / how many people, kept; SITE= removes")  # fmt: skip
    root = sign.add_mutually_exclusive_group()
    root.add_argument(
        "--handover",
        action="store_true",
        help="akar berikutnya mengambil alih / the next root takes over; signed by both from now on",
    )
    root.add_argument(
        "--settled",
        action="store_true",
        help="semua titik sudah ikut akar baru / all points follow the new root; the old one signs no more",
    )
    sign.add_argument(
        "--days", type=options.days, default=90, help="sampai yang berikutnya / until the next is due (%(default)s)"
    )
    answered_by(sign, SignBundle, run_sign)


def _add_show(under: Any) -> None:
    show = options.command(
        under,
        "show",
        "periksa dan tampilkan / check and show",
        "titik-office bundle show trust.cbor --root meja/root.pub",
    )
    show.add_argument("file", type=Path, metavar="FILE")
    options.asks_root(show)
    show.add_argument("--json", action="store_true", help="untuk program / for a program")
    answered_by(show, ShowBundle, run_show)


def _add_diff(under: Any) -> None:
    diff = options.command(
        under,
        "diff",
        "apa yang berubah / what changed",
        "titik-office bundle diff old.cbor trust.cbor --root meja/root.pub",
    )
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, metavar="NEW")
    options.asks_root(diff)
    diff.add_argument("--json", action="store_true", help="untuk program / for a program")
    answered_by(diff, DiffBundles, run_diff)


def run_sign(asked: SignBundle, now: datetime) -> None:
    """Sign what the desk knows: its keys and others', revocations, policies, roster, capacities."""
    from device.trust.bundle import Roots, Trust, open_bundle, trusting
    from device.verdict.policy import parse
    from office.bundle import contents, sign
    from office.desk import foreign_keys, roster
    from office.desk.bundle_file import last_or_none
    from office.desk.desk import LAST, ROOT_PUBLIC, Desk
    from office.desk.handover import signing
    from office.desk.key_checks import one_name_each
    from office.desk.revocations import as_bundled, still_needed
    from office.policies.texts import texts

    desk = Desk.open(asked.desk)
    before, unread = last_or_none(desk)
    if unread and not asked.policy:
        raise RefusalError(f"{unread}. Sebut semua aturan dengan --policy / Name every rule with --policy")
    policies = tuple(texts(asked.policy)) if asked.policy else before.policies or tuple(texts(["staff"]))
    own = [entry.trusted(desk.book.issuer) for entry in desk.book.key]
    foreign = [one.key() for one in foreign_keys.listed(desk.folder)]
    one_name_each([*own, *foreign])
    revoked = desk.book.revoked
    if all(parse(text).expired == "refuse" for text in policies):  # else what is over is not refused for that alone
        revoked = still_needed(revoked, desk.book.issuer, desk.issued(), now.astimezone(WITA).date())
    capacities = {
        site: number for site, number in {**desk.book.capacities, **dict(asked.capacity)}.items() if number is not None
    }
    root, old, changes = signing(
        desk, passphrase.given(asked.passphrase_file), handover=asked.handover, settled=asked.settled
    )
    dropped = _count(desk.book.revoked) - _count(revoked)
    trust = Trust(
        trusting(*own, *foreign).keys,
        as_bundled(revoked),
        policies,
        capacities,
        version=desk.next_version(),
        issued=now,
        next=now + timedelta(days=asked.days),
        roster=roster.kept(desk.folder),
    )
    octets = sign(trust, root, old)
    opened = open_bundle(octets, Roots(root.public_key()))  # as a station will
    if old is not None and not open_bundle(octets, Roots(old.public_key(), root.public_key())).handover:
        raise AssertionError("a bundle of both roots hands over")
    replace_file(asked.out, octets, 0o644)  # no secret is in it, and the station is another user
    desk.keep(revoked=revoked, capacities=capacities, **changes)  # after it: what could not be written never was
    replace_file(desk.folder / LAST, octets)
    replace_file(desk.folder / ROOT_PUBLIC, desk.book.root.encode() + b"\n")
    print(f"Ditandatangani / signed: {asked.out} ({len(octets)} byte)")
    print("\n".join(contents.lines(opened)))
    gone = {parse(text).name for text in before.policies} - {parse(text).name for text in policies}
    for remark in _remarks(desk, dropped, unread, sorted(gone), handed_over=old is not None):
        print(remark)
    print(
        "Berikutnya / next: salin ke peladen, [trust] bundle di central.toml / copy it to the server, [trust] bundle in"
        " central.toml; titik tanpa jaringan / a point without a network: titik bundle import"
    )


def _remarks(desk: "Desk", dropped: int, unread: str, gone: Sequence[str], *, handed_over: bool) -> Iterator[str]:
    """Yield what whoever signed must know besides: of revocations *dropped*, of policies *gone*, of a handover."""
    if dropped:
        yield (
            f"  {dropped} pencabutan lama dihapus, pasnya sudah habis / old revocations dropped, their passes are over"
        )
    if handed_over:
        yield "  oleh akar lama dan baru; bila semua titik ikut / by the old root and the new; once all points follow:"
        yield f'    [trust] roots = ["{desk.book.root}", "{desk.book.next_root}"]'
        yield f"    akar kini / root now: {desk.book.root_file}; ke brankas / to the safe: {desk.book.next_file}"
        yield f"    titik-office bundle sign --desk {desk.folder} --out trust.cbor --settled"
    if unread:
        yield f"  tidak dibandingkan dengan yang terakhir / not compared with the last one: {unread}"
    for name in gone:
        yield f"  PERHATIKAN: aturan {name} tidak lagi ikut / TAKE NOTE: policy {name} is no longer in it"


def run_show(asked: ShowBundle, _now: datetime) -> None:
    """Show what a bundle holds, if the root signed it."""
    from office.bundle import contents
    from office.desk.bundle_file import opened

    trust = opened(asked.file, asked.root)
    print(json.dumps(contents.described(trust), indent=2) if asked.json else "\n".join(contents.lines(trust)))


def run_diff(asked: DiffBundles, _now: datetime) -> None:
    """Tell what changed from one bundle to the next, both signed by the root."""
    from office.bundle import difference
    from office.desk.bundle_file import opened

    changes = difference.between(opened(asked.old, asked.root), opened(asked.new, asked.root))
    print(json.dumps(changes, indent=2) if asked.json else "\n".join(difference.lines(changes)))


def _capacity(text: str) -> tuple[str, int | None]:
    site, _, number = text.partition("=")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", site) or "=" not in text or not (not number or number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r}: SITE=NUMBER, contoh / example bupati=40")
    if len(number) > 6:  # noqa: PLR2004 - a million people
        raise argparse.ArgumentTypeError(f"{text!r}: terlalu besar / too large")
    return site, int(number) if number else None


def _count(revoked: dict[str, tuple[str, ...]]) -> int:
    return sum(len(hashes) for hashes in revoked.values())
