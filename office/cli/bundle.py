"""``titik-office bundle``: sign one, show one, tell two apart."""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from device.model import WITA
from device.trust.bundle import BundleError, Key, Roots, Trust, open_bundle, root_key, trusting
from device.verdict.policy import SHIPPED, Policy, PolicyError, parse
from office import bundle, bundle_diff
from office.cli import options, roster
from office.cli.revoke import still_needed
from office.desk import foreign_keys
from office.desk.desk import LAST, ROOT_PUBLIC, Desk, replace_file
from office.desk.refusal import RefusalError


def add(commands: Any) -> None:
    """Add the commands."""
    under = options.group(
        commands, "bundle", "berkas kepercayaan / the trust bundle", "titik-office bundle sign --desk meja --out t.cbor"
    )
    sign = options.command(
        under,
        "sign",
        "tanda tangani / sign",
        "titik-office bundle sign --desk meja --out trust.cbor --policy staff --capacity bupati=40 --days 90",
        run_sign,
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
    show = options.command(
        under,
        "show",
        "periksa dan tampilkan / check and show",
        "titik-office bundle show trust.cbor --root meja/root.pub",
        run_show,
    )
    show.add_argument("file", type=Path, metavar="FILE")
    options.asks_root(show)
    show.add_argument("--json", action="store_true", help="untuk program / for a program")
    diff = options.command(
        under,
        "diff",
        "apa yang berubah / what changed",
        "titik-office bundle diff old.cbor trust.cbor --root meja/root.pub",
        run_diff,
    )
    diff.add_argument("old", type=Path, metavar="OLD")
    diff.add_argument("new", type=Path, metavar="NEW")
    options.asks_root(diff)
    diff.add_argument("--json", action="store_true", help="untuk program / for a program")


def run_sign(told: argparse.Namespace, now: datetime) -> None:
    """Sign what the desk knows: its keys and others', revocations, policies, roster, capacities."""
    desk = Desk.open(told.desk)
    before, unread = _compared(desk)
    if unread and not told.policy:
        raise RefusalError(f"{unread}. Sebut semua aturan dengan --policy / Name every rule with --policy")
    policies = tuple(texts(told.policy)) if told.policy else before.policies or tuple(texts(["staff"]))
    own = [entry.trusted(desk.book.issuer) for entry in desk.book.key]
    foreign = [one.key() for one in foreign_keys.listed(desk.folder)]
    _one_name_each([*own, *foreign])
    revoked = desk.book.revoked
    if all(parse(text).expired == "refuse" for text in policies):  # else what is over is not refused for that alone
        revoked = still_needed(revoked, desk.book.issuer, desk.issued(), now.astimezone(WITA).date())
    capacities = {
        site: number for site, number in {**desk.book.capacities, **dict(told.capacity)}.items() if number is not None
    }
    root, old, changes = desk.signing(options.passphrase(told), handover=told.handover, settled=told.settled)
    dropped = _count(desk.book.revoked) - _count(revoked)
    trust = Trust(
        trusting(*own, *foreign).keys,
        bundle.revocations(revoked),
        policies,
        capacities,
        version=desk.next_version(),
        issued=now,
        next=now + timedelta(days=told.days),
        roster=roster.kept(desk.folder),
    )
    octets = bundle.sign(trust, root, old)
    opened = open_bundle(octets, Roots(root.public_key()))  # as a station will
    if old is not None and not open_bundle(octets, Roots(old.public_key(), root.public_key())).handover:
        raise AssertionError("a bundle of both roots hands over")
    replace_file(told.out, octets, 0o644)  # no secret is in it, and the station is another user
    desk.keep(revoked=revoked, capacities=capacities, **changes)  # after it: what could not be written never was
    replace_file(desk.folder / LAST, octets)
    replace_file(desk.folder / ROOT_PUBLIC, desk.book.root.encode() + b"\n")
    print(f"Ditandatangani / signed: {told.out} ({len(octets)} byte)")
    _print(opened)
    if dropped:
        print(
            f"  {dropped} pencabutan lama dihapus, pasnya sudah habis / old revocations dropped, their passes are over"
        )
    if old is not None:
        print("  oleh akar lama dan baru; bila semua titik ikut / by the old root and the new; once all points follow:")
        print(f'    [trust] roots = ["{desk.book.root}", "{desk.book.next_root}"]')
        print(f"    akar kini / root now: {desk.book.root_file}; ke brankas / to the safe: {desk.book.next_file}")
        print(f"    titik-office bundle sign --desk {desk.folder} --out trust.cbor --settled")
    if unread:
        print(f"  tidak dibandingkan dengan yang terakhir / not compared with the last one: {unread}")
    for name in sorted({parse(text).name for text in before.policies} - {parse(text).name for text in policies}):
        print(f"  PERHATIKAN: aturan {name} tidak lagi ikut / TAKE NOTE: policy {name} is no longer in it")
    print(
        "Berikutnya / next: salin ke peladen, [trust] bundle di central.toml / copy it to the server, [trust] bundle in"
        " central.toml; titik tanpa jaringan / a point without a network: titik bundle import"
    )


def run_show(told: argparse.Namespace, _now: datetime) -> None:
    """Show what a bundle holds, if the root signed it."""
    opened = options.opened(told.file, told.root)
    if told.json:
        told_by = bundle.described(opened) | {"policies": [parse(text).name for text in opened.policies]}
        print(json.dumps(told_by, indent=2))
    else:
        _print(opened)


def run_diff(told: argparse.Namespace, _now: datetime) -> None:
    """Tell what changed from one bundle to the next, both signed by the root."""
    changes = bundle_diff.between(options.opened(told.old, told.root), options.opened(told.new, told.root))
    print(json.dumps(changes, indent=2) if told.json else "\n".join(bundle_diff.told(changes)))


def last(desk: Desk) -> Trust | None:
    """Return the bundle that *desk* signed last, ``None`` if there is none; raises `RefusalError` for a damaged one."""
    path = desk.folder / LAST
    if not path.exists():
        return None
    octets = options.read(path)
    try:
        return open_bundle(octets, Roots(root_key(desk.book.root)))
    except BundleError as error:
        if desk.book.old_root is not None:  # a handover that was cut off after the book was written
            with suppress(BundleError):
                return open_bundle(octets, Roots(root_key(desk.book.old_root)))
        raise RefusalError(
            f"{path}: rusak / damaged: {error}. Berikutnya / next: hapus berkas itu / delete that file"
        ) from None


def texts(names: Sequence[str]) -> Iterator[str]:
    """Yield the text of each policy: a file, or one that ships; raises `RefusalError`."""
    read: list[Policy] = []
    for name in names:
        path, text = text_of(name)
        try:
            policy = parse(text)
        except PolicyError as error:
            raise RefusalError(
                f"{path}: bukan aturan / not a policy: {error}. Berikutnya / next: titik-office policy check {name}"
            ) from None
        if any(overlap(policy, other) for other in read):
            raise RefusalError(
                f"--policy {name}: nama {policy.name} dua kali untuk hari yang sama"
                f" / the name {policy.name} twice for the same days"
            )
        read.append(policy)
        yield text


def overlap(one: Policy, other: Policy) -> bool:
    """Return whether two policies of one name speak of the same day.

    A station chooses by name, so a rule changes on a day by two of one name: the one until, the other since.
    """
    first, last = date.min, date.max
    return (
        one.name == other.name
        and (one.since or first) <= (other.until or last)
        and (other.since or first) <= (one.until or last)
    )


def text_of(name: str) -> tuple[Path, str]:
    """Return the file and the text of a policy: a path, or a name of those that ship; raises `RefusalError`."""
    path = Path(name)
    if path.name == name and "." not in name:
        path = SHIPPED / f"{name}.toml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.toml")))
            raise RefusalError(f"{name}: aturan tidak dikenal / policy not known; ada / there are: {known}")
    return path, options.read(path).decode("utf-8", "replace")


def _one_name_each(keys: Sequence[Key]) -> None:
    """Raise `RefusalError` if one key is there under two names, which no station would take."""
    names: dict[str, Key] = {}
    for key in keys:
        other = names.setdefault(bundle.spki_text(key.public), key)
        if (other.issuer, other.domain) != (key.issuer, key.domain):
            kid = (key.kid or b"").hex()
            raise RefusalError(
                f"Satu kunci dengan dua nama / one key under two names: {(other.kid or b'').hex()} ({other.issuer}),"
                f" {kid} ({key.issuer}). Berikutnya / next: titik-office trust remove {kid}"
            )


def _compared(desk: Desk) -> tuple[Trust, str]:
    """Return the last bundle to compare with, or an empty one and why: no signing fails for want of a comparison."""
    try:
        return last(desk) or Trust(), ""
    except RefusalError as refusal:
        return Trust(), str(refusal)


def _capacity(text: str) -> tuple[str, int | None]:
    site, _, number = text.partition("=")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", site) or "=" not in text or not (not number or number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r}: SITE=NUMBER, contoh / example bupati=40")
    if len(number) > 6:  # noqa: PLR2004 - a million people
        raise argparse.ArgumentTypeError(f"{text!r}: terlalu besar / too large")
    return site, int(number) if number else None


def _count(revoked: dict[str, tuple[str, ...]]) -> int:
    return sum(len(hashes) for hashes in revoked.values())


def _print(trust: Trust) -> None:
    """Print what a bundle holds, for a person."""
    print(f"  versi / version {trust.version}, berikutnya sebelum / next due by {options.local(trust.next)}")
    for key in (key for group in trust.keys.values() for key in group):
        usages = "" if key.usages is None else f"  {', '.join(sorted(key.usages))}"
        kid = (key.kid or b"").hex()
        print(
            f"  kunci / key {key.domain or '-':<8} {key.issuer or '-':<14} {kid}"
            f"  {options.local(key.since)} .. {options.local(key.until)}{usages}"
        )
    for text in trust.policies:
        policy = parse(text)
        dated = f" ({policy.since or ''}..{policy.until or ''})" if policy.since or policy.until else ""
        print(f"  aturan / policy {policy.name}{dated}: {policy.title}")
    for site, number in trust.capacities.items():
        print(f"  kapasitas / capacity {site}: {number}")
    if trust.roster.entries:
        print(f"  nomor terdaftar / listed numbers: {len(trust.roster.entries)}")
    print(f"  tercabut / revoked: {sum(len(hashes) for hashes in trust.revoked.values())}")
