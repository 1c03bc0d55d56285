"""The commands of ``titik-office``."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime

from device import __version__
from office.cli import bundle, cards, issue, options, phone, policy, revoke, roster, rotate, trust
from office.desk.desk import FLEET_SECRET, ROOT_PUBLIC, alone, found
from office.desk.refusal import RefusalError

EXAMPLES = """\
contoh / examples:
  titik-office init --desk meja --name "Kabupaten Luwu Utara"
  titik-office issue --desk meja --domain staff --number 0042 --name "Contoh Satu" --until 2027-06-30 --png 0042.png
  titik-office issue --desk meja --domain visitor --number T-7 --name "Tamu Contoh" --png T-7.png
  titik-office cards --desk meja --csv pegawai.csv --domain staff --until 2027-06-30 --out kartu
  titik-office phone page --desk meja --out halaman
  titik-office revoke --desk meja 0042
  titik-office trust import --desk meja kemenkes.pem --issuer ID
  titik-office roster import --desk meja kartu-pegawai.csv
  titik-office policy check --desk meja staff brief-2021
  titik-office bundle sign --desk meja --out trust.cbor --policy staff --policy brief-2021
  titik-office bundle show trust.cbor --root meja/root.pub

kode keluar / exit codes:
  0 selesai / done, 1 ditolak / refused, 2 salah ketik / usage, 3 ada yang kurang / something missing
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    told = _parser().parse_args(arguments)
    try:
        with alone(told.desk) if getattr(told, "desk", None) is not None else nullcontext():
            told.run(told, datetime.now(UTC))
    except RefusalError as refusal:
        print(f"titik-office: {refusal}", file=sys.stderr)
        return refusal.exit_code
    except (KeyboardInterrupt, EOFError):
        print("\ntitik-office: dibatalkan / cancelled", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="titik-office", description=__doc__, epilog=EXAMPLES, formatter_class=options.FORM, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"titik-office {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    init = options.command(
        commands,
        "init",
        "buat meja baru / make a new desk",
        'titik-office init --desk meja --name "Kabupaten Luwu Utara"',
        _init,
    )
    options.asks_desk(init)
    init.add_argument("--name", default="Kabupaten Luwu Utara", help="nama kantor / the office's name")
    init.add_argument(
        "--issuer", default="luwuutarakab", help="nama pendek di pas / short name in passes (%(default)s)"
    )

    issue.add(commands)
    cards.add(commands)
    phone.add(commands)
    revoke.add(commands)
    rotate.add(commands)
    bundle.add(commands)
    trust.add(commands)
    roster.add(commands)
    policy.add(commands)
    return parser


def _init(told: argparse.Namespace, now: datetime) -> None:
    passphrase = options.passphrase(told, new=True)
    desk = found(told.desk, told.name, told.issuer, passphrase, now)
    print(f"Meja siap / the desk is ready: {desk.folder}")
    for key in desk.book.key:
        print(f"  kunci / key {key.domain:<8} {key.kid}  sampai / until {key.until.date()}")
    print("Kunci akar, umum / the roots, public, untuk / for [trust] roots (" + ROOT_PUBLIC + "; berikutnya / next):")
    print(f"  {desk.book.root}\n  {desk.book.next_root}")
    print(
        f"Rahasia armada / fleet secret: {desk.folder / FLEET_SECRET} (64 angka heksadesimal / hexadecimal characters):"
        " salin hanya ke tiap alat / copy it to the devices only"
    )
    print(f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor")


if __name__ == "__main__":
    sys.exit(main())
