"""The commands of ``titik-office``."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime

from device import __version__
from device.system.command_line import answer
from office.cli import bundle, cards, foreign_keys, init, issue, phone, policy, revoke, roster, rotate
from office.desk.lock import alone
from office.desk.refusal import RefusalError

EXAMPLES = """\
contoh / examples:
  titik-office init --desk meja --name "Kabupaten Luwu Utara"
  titik-office issue --desk meja --domain staff --number 0042 --name "Contoh Satu" --until 2027-06-30 --png 0042.png
  titik-office issue --desk meja --domain visitor --number T-7 --name "Tamu Contoh" --png T-7.png
  titik-office cards --desk meja --csv pegawai.csv --domain staff --until 2027-06-30 --out kartu
  titik-office phone page --desk meja --out halaman
  titik-office revoke --desk meja 0042
  titik-office foreign-keys import --desk meja kemenkes.pem --issuer ID
  titik-office roster import --desk meja kartu-pegawai.csv
  titik-office policy check --desk meja staff brief-2021
  titik-office bundle sign --desk meja --out trust.cbor --policy staff --policy brief-2021
  titik-office bundle show trust.cbor --root meja/root.pub

kode keluar / exit codes:
  0 selesai / done, 1 ditolak / refused, 2 salah ketik / usage, 3 ada yang kurang / something missing
"""


RENAMED = {"trust": "foreign-keys"}
"""Commands by the names they had."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    typed = _parser().parse_args(_by_their_names(sys.argv[1:] if arguments is None else arguments))
    desk = getattr(typed, "desk", None)  # which not every command asks for
    try:
        with alone(desk) if desk is not None else nullcontext():
            answer(typed, datetime.now(UTC))
    except RefusalError as refusal:
        print(f"titik-office: {refusal}", file=sys.stderr)
        return refusal.exit_code
    except (KeyboardInterrupt, EOFError):
        print("\ntitik-office: dibatalkan / cancelled", file=sys.stderr)
        return 1
    return 0


def _by_their_names(words: Sequence[str]) -> list[str]:
    """Return *words* with the command's name of today, and say so where it was another."""
    if not words or words[0] not in RENAMED:
        return list(words)
    print(f"titik-office: {words[0]} kini bernama / is now called {RENAMED[words[0]]}", file=sys.stderr)
    return [RENAMED[words[0]], *words[1:]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="titik-office",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"titik-office {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (init, issue, cards, phone, revoke, rotate, bundle, foreign_keys, roster, policy):
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
