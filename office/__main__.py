"""The commands of ``titik-office``."""

import argparse
import getpass
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm

from device.model import WITA, Domain
from device.policy import SHIPPED, PolicyError, parse
from device.trust import BundleError, Key, Roots, Trust, open_bundle, root_key, trusting
from office import bundle, card
from office.desk import FLEET_SECRET, ROOT_PUBLIC, Desk, check_passphrase, found, replace_file, write_new
from office.issuing import compose, issue, validity
from office.refusal import MissingError, RefusalError

EXAMPLES = """\
contoh / examples:
  titik-office init --desk meja --name "Kabupaten Luwu Utara"
  titik-office issue --desk meja --domain staff --number 0042 --name "Contoh Satu" --until 2027-06-30 --png 0042.png
  titik-office issue --desk meja --domain visitor --number T-7 --name "Tamu Contoh" --png T-7.png
  titik-office bundle sign --desk meja --out trust.cbor --policy staff --policy brief-2021 --key kemenkes.pem:health:ID
  titik-office bundle show trust.cbor --root meja/root.pub

kode keluar / exit codes:
  0 selesai / done, 1 ditolak / refused, 2 salah ketik / usage, 3 ada yang kurang / something missing
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    told = _parser().parse_args(arguments)
    try:
        told.run(told, datetime.now(UTC))
    except RefusalError as refusal:
        print(f"titik-office: {refusal}", file=sys.stderr)
        return refusal.exit_code
    except (KeyboardInterrupt, EOFError):
        print("\ntitik-office: dibatalkan / cancelled", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="titik-office", description=__doc__, epilog=EXAMPLES, formatter_class=form, allow_abbrev=False
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, says: str, example: str, among: Any = commands) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = among.add_parser(
            name, help=says, description=says, epilog=f"contoh / example:\n  {example}", formatter_class=form
        )
        return made

    init = command(
        "init", "buat meja baru / make a new desk", 'titik-office init --desk meja --name "Kabupaten Luwu Utara"'
    )
    _desk(init)
    init.add_argument("--name", default="Kabupaten Luwu Utara", help="nama kantor / the office's name")
    init.add_argument(
        "--issuer", default="luwuutarakab", help="nama pendek di pas / short name in passes (%(default)s)"
    )
    init.set_defaults(run=_init)

    one = command(
        "issue",
        "buat satu pas / make one pass",
        "titik-office issue --desk meja --domain staff --number 0042"
        ' --name "Contoh Satu" --until 2027-06-30 --png 0042.png',
    )
    _desk(one)
    one.add_argument("--domain", required=True, choices=("staff", "visitor"))
    one.add_argument("--number", required=True, help="nomor pas / pass number")
    one.add_argument("--name", required=True, help="nama pada pas / name on the pass")
    one.add_argument("--until", type=_day, metavar="YYYY-MM-DD", help="hari terakhir / last day; visitor: today")
    one.add_argument("--png", required=True, type=Path, metavar="FILE", help="gambar QR / picture of the QR")
    one.set_defaults(run=_issue)

    bundles = command(
        "bundle", "berkas kepercayaan / the trust bundle", "titik-office bundle sign --desk meja --out trust.cbor"
    )
    under = bundles.add_subparsers(required=True, metavar="COMMAND")
    sign = command(
        "sign", "tanda tangani / sign", "titik-office bundle sign --desk meja --out trust.cbor --days 90", under
    )
    _desk(sign)
    sign.add_argument("--out", required=True, type=Path, metavar="FILE")
    sign.add_argument(
        "--policy", action="append", metavar="NAME_OR_FILE", help="aturan / rules (staff); may be repeated"
    )
    sign.add_argument("--key", action="append", default=[], type=_foreign, metavar="FILE:DOMAIN:ISSUER",
                      help="kunci pihak lain / another's public key or certificate; may be repeated")  # fmt: skip
    sign.add_argument(
        "--days", type=_days, default=90, help="sampai yang berikutnya / until the next is due (%(default)s)"
    )
    sign.set_defaults(run=_sign)
    show = command(
        "show",
        "periksa dan tampilkan / check and show",
        "titik-office bundle show trust.cbor --root meja/root.pub",
        under,
    )
    show.add_argument("file", type=Path, metavar="FILE")
    show.add_argument("--root", required=True, metavar="KEY", help="base64, atau berkasnya / or a file that holds it")
    show.add_argument("--json", action="store_true", help="untuk program / for a program")
    show.set_defaults(run=_show)
    return parser


def _desk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--desk", required=True, type=Path, metavar="DIR", help="folder meja / the desk's folder")
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="untuk skrip / for scripts; else it is asked"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: tanggal seperti 2027-06-30 / a date like 2027-06-30") from None


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3660:  # noqa: PLR2004 - ten years
        raise argparse.ArgumentTypeError(f"{text!r}: hari, 1 sampai 3660 / days, 1 to 3660")
    return int(text)


def _foreign(text: str) -> tuple[Path, Domain, str]:
    file, _, rest = text.rpartition(":")[0].rpartition(":")
    issuer = text.rpartition(":")[2]
    if not file or not issuer or rest not in set(Domain):
        raise argparse.ArgumentTypeError(
            f"{text!r}: FILE:DOMAIN:ISSUER, DOMAIN {', '.join(Domain)}; contoh / example kemenkes.pem:health:ID"
        )
    return Path(file), Domain(rest), issuer


def _init(told: argparse.Namespace, now: datetime) -> None:
    passphrase = _passphrase(told, new=True)
    desk = found(told.desk, told.name, told.issuer, passphrase, now)
    print(f"Meja siap / the desk is ready: {desk.folder}")
    for key in desk.book.key:
        print(f"  kunci / key {key.domain:<8} {key.kid}  sampai / until {key.until.date()}")
    print(f"Kunci akar, umum / root, public ({ROOT_PUBLIC}), untuk / for [trust] roots:\n  {desk.book.root}")
    print(
        f"Rahasia armada / fleet secret: {desk.folder / FLEET_SECRET} (64 angka heksadesimal / hexadecimal characters):"
        " salin hanya ke tiap alat / copy it to the devices only"
    )
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")


def _issue(told: argparse.Namespace, now: datetime) -> None:
    card.check_ready()
    desk = Desk.open(told.desk)
    domain = Domain(told.domain)
    if told.png.exists():
        raise RefusalError(
            f"{told.png} sudah ada; tidak ditimpa. / {told.png} is there already; nothing is overwritten."
        )
    span = validity(domain, now, told.until)
    one = compose(desk.book.issuer, told.number, told.name, span)
    entry = desk.key_for(domain, one.issued)
    key = desk.unlock(entry, _passphrase(told))
    text, credential = issue(one, key, entry.trusted(desk.book.issuer), now)
    picture = card.png(text)
    until = (one.expires - timedelta(days=1)).astimezone(WITA).date()
    desk.log(one.number, domain, until, credential.identity, now)  # first: what is not in the log is never revoked
    write_new(told.png, picture)
    print(
        f"Pas dibuat / pass made: {told.png}  {domain} {one.number}, sampai / until {until}"
        f" ({len(text)} karakter / characters)"
    )


def _sign(told: argparse.Namespace, now: datetime) -> None:
    desk = Desk.open(told.desk)
    policies = tuple(_policies(told.policy or ["staff"]))
    own = [entry.trusted(desk.book.issuer) for entry in desk.book.key]
    foreign = [_foreign_key(*one) for one in told.key]
    root = desk.unlock_root(_passphrase(told))
    trust = Trust(
        trusting(*own, *foreign).keys,
        bundle.revocations(desk.book.revoked),
        policies,
        version=desk.next_version(),
        issued=now,
        next=now + timedelta(days=told.days),
    )
    octets = bundle.sign(trust, root)
    opened = open_bundle(octets, Roots(root_key(desk.book.root)))  # as a station will
    replace_file(told.out, octets, 0o644)  # no secret is in it, and the station is another user
    print(f"Ditandatangani / signed: {told.out} ({len(octets)} byte)")
    _print(opened)
    print(f'Berikutnya / next: salin ke tiap titik / copy it to each point, [trust] bundle = ".../{told.out.name}"')


def _show(told: argparse.Namespace, _now: datetime) -> None:
    text = _read(Path(told.root)).decode("utf-8", "replace") if Path(told.root).is_file() else told.root
    try:
        root = root_key(text)
    except ValueError as error:
        raise RefusalError(f"--root: bukan kunci akar / {error}") from None
    try:
        opened = open_bundle(_read(told.file), Roots(root))
    except BundleError as error:
        raise RefusalError(f"{told.file}: tidak dipercaya / not believed: {error}") from None
    if told.json:
        told_by = bundle.described(opened) | {"policies": [parse(text).name for text in opened.policies]}
        print(json.dumps(told_by, indent=2))
    else:
        _print(opened)


def _policies(names: list[str]) -> Iterator[str]:
    """Yield the text of each policy: a file, or one that ships; raises `RefusalError`."""
    seen: set[str] = set()
    for name in names:
        shipped = SHIPPED / f"{name}.toml"
        path = Path(name)
        if path.name == name and "." not in name:
            if not shipped.is_file():
                known = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.toml")))
                raise RefusalError(f"--policy {name}: tidak dikenal / not known; ada / there are: {known}")
            path = shipped
        text = _read(path).decode("utf-8", "replace")
        try:
            policy = parse(text)
        except PolicyError as error:
            raise RefusalError(f"{path}: bukan aturan / not a policy: {error}") from None
        if policy.name in seen:
            raise RefusalError(f"--policy {name}: nama {policy.name} dua kali / the name {policy.name} twice")
        seen.add(policy.name)
        yield text


def _foreign_key(path: Path, domain: Domain, issuer: str) -> Key:
    try:
        return bundle.foreign_key(_read(path), domain, issuer)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RefusalError(
            f"{path}: bukan kunci umum atau sertifikat / not a public key or certificate: {error}"
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingError(f"{path} tidak ada / is missing") from None
    except OSError as error:
        raise RefusalError(f"{path}: tidak terbaca / cannot be read: {error.strerror}") from None


def _passphrase(told: argparse.Namespace, *, new: bool = False) -> str:
    """Return the passphrase, from a file or asked; a new one is asked twice."""
    if told.passphrase_file is not None:
        try:
            return _read(told.passphrase_file).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise RefusalError(f"{told.passphrase_file}: bukan teks UTF-8 / not UTF-8 text") from None
    first = getpass.getpass("Kata sandi / passphrase: ")
    if new:
        check_passphrase(first)
        if getpass.getpass("Sekali lagi / once more: ") != first:
            raise RefusalError("Kedua kata sandi berbeda. / The two passphrases differ.")
    return first


def _print(trust: Trust) -> None:
    """Print what a bundle holds, for a person."""
    print(f"  versi / version {trust.version}, berikutnya sebelum / next due by {_local(trust.next)}")
    for key in (key for group in trust.keys.values() for key in group):
        usages = "" if key.usages is None else f"  {', '.join(sorted(key.usages))}"
        kid = (key.kid or b"").hex()
        print(
            f"  kunci / key {key.domain or '-':<8} {key.issuer or '-':<14} {kid}"
            f"  {_local(key.since)} .. {_local(key.until)}{usages}"
        )
    for text in trust.policies:
        policy = parse(text)
        print(f"  aturan / policy {policy.name}: {policy.title}")
    print(f"  tercabut / revoked: {sum(len(hashes) for hashes in trust.revoked.values())}")


def _local(at: datetime | None) -> str:
    """Return the day by the office's calendar."""
    return at.astimezone(WITA).date().isoformat() if at is not None else "-"


if __name__ == "__main__":
    sys.exit(main())
