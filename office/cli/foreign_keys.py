"""``titik-office foreign-keys``: import other people's keys, list them, take one out again."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.model import Domain
from device.system.command_line import answered_by
from office.cli import options
from office.days import local
from office.desk.refusal import RefusalError

if TYPE_CHECKING:
    from office.desk.foreign_keys import TrustedKey


@dataclass(frozen=True, slots=True)
class ImportKeys:
    """What ``foreign-keys import`` is asked."""

    desk: Path
    file: list[Path]
    issuer: str
    domain: str
    ca: Path | None
    skip_bad: bool


@dataclass(frozen=True, slots=True)
class ListKeys:
    """What ``foreign-keys list`` is asked."""

    desk: Path


@dataclass(frozen=True, slots=True)
class RemoveKey:
    """What ``foreign-keys remove`` is asked."""

    desk: Path
    kid: str


def add(commands: Any) -> None:
    """Add the commands."""
    example = "titik-office foreign-keys import --desk meja kemenkes.pem --issuer ID --ca csca.pem"
    under = options.group(commands, "foreign-keys", "kunci pihak lain / other people's keys", example)
    taken = options.command(under, "import", "percayai kunci / trust keys", example)
    options.asks_desk(taken, locked=False)
    taken.add_argument(
        "file", nargs="+", type=Path, metavar="FILE", help="PEM, DER, did.json, daftar DSC / a list of DSCs"
    )
    taken.add_argument(
        "--issuer",
        required=True,
        type=options.issuer,
        help="penerbit, negara dua huruf / issuer, a country's two letters",
    )
    taken.add_argument("--domain", default="health", choices=[str(domain) for domain in Domain], help="(%(default)s)")
    taken.add_argument("--ca", type=Path, metavar="FILE", help="CSCA: sertifikat lain ditolak / others are refused")
    taken.add_argument(
        "--skip-bad", action="store_true", help="ambil yang baik saja / take the good ones; else all or none"
    )
    answered_by(taken, ImportKeys, run_import)
    shown = options.command(under, "list", "tampilkan / show them", "titik-office foreign-keys list --desk meja")
    options.asks_desk(shown, locked=False)
    answered_by(shown, ListKeys, run_list)
    gone = options.command(
        under, "remove", "keluarkan / take out", "titik-office foreign-keys remove --desk meja 00112233aabbccdd"
    )
    options.asks_desk(gone, locked=False)
    gone.add_argument("kid", metavar="KID", help="seperti di / as in: foreign-keys list")
    answered_by(gone, RemoveKey, run_remove)


def run_import(asked: ImportKeys, now: datetime) -> None:
    """Take the keys of the files, or, where one is refused, none."""
    from office.desk import foreign_keys
    from office.desk.desk import Desk
    from office.desk.key_checks import sort_keys

    desk = Desk.open(asked.desk)
    taken, refused = sort_keys(
        asked.file, asked.ca, Domain(asked.domain), asked.issuer, now=now, unproven=_say_unproven
    )
    for line in refused:
        print(f"  ditolak / refused: {line}")
    if not taken or (refused and not asked.skip_bad):
        more = " Berikutnya / next: --skip-bad mengambil yang baik / takes the good ones" if taken else ""
        raise RefusalError(
            f"{len(refused)} ditolak; tidak ada yang diimpor. / {len(refused)} refused; nothing was imported.{more}"
        )
    before = {(key.kid, key.domain): key for key in foreign_keys.listed(desk.folder)}
    fresh = {(key.kid, key.domain): key for key in taken}
    if len(before | fresh) > foreign_keys.MAX_KEYS:
        raise RefusalError(f"Lebih dari {foreign_keys.MAX_KEYS} kunci. / More than {foreign_keys.MAX_KEYS} keys.")
    foreign_keys.keep(desk.folder, (before | fresh).values())
    known = len(before.keys() & fresh.keys())
    print(f"Diimpor / imported: {len(fresh)} ({known} sudah ada, diganti / were there and are replaced)")
    for key in fresh.values():
        print(f"  {_line(key)}")
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")


def run_list(asked: ListKeys, now: datetime) -> None:
    """Show the keys that every bundle carries."""
    from office.desk import foreign_keys
    from office.desk.desk import Desk

    desk = Desk.open(asked.desk)
    keys = foreign_keys.listed(desk.folder)
    for key in keys:
        print(_line(key) + ("  kedaluwarsa / expired" if key.until <= now else ""))
    print(f"{len(keys)} kunci / keys")


def run_remove(asked: RemoveKey, _now: datetime) -> None:
    """Take the key out, for every domain it is listed under."""
    from office.desk import foreign_keys
    from office.desk.desk import Desk

    desk = Desk.open(asked.desk)
    keys = foreign_keys.listed(desk.folder)
    kept = [key for key in keys if key.kid != asked.kid.lower()]
    if len(kept) == len(keys):
        raise RefusalError(
            f"Kunci {asked.kid!r} tidak ada. / There is no key {asked.kid!r}."
            f" Berikutnya / next: titik-office foreign-keys list --desk {desk.folder}"
        )
    foreign_keys.keep(desk.folder, kept)
    print(f"Dikeluarkan / taken out: {asked.kid.lower()}")
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")


def _say_unproven(path: Path) -> None:
    print(
        f"{path}: tanda tangan daftar ini TIDAK diperiksa di sini; ambil hanya dari sumber yang Anda percaya."
        " / the list's own signature is NOT checked here; take it only from where you trust it to come from."
    )


def _line(key: "TrustedKey") -> str:

    usages = "" if key.usages is None else f"  {', '.join(sorted(key.usages))}"
    return f"{key.kid}  {key.issuer:<4} {key.domain:<8} {local(key.since)} .. {local(key.until)}  {key.source}{usages}"
