"""``titik-office rotate``: next year's issuing keys, and the end of one that was stolen."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.model import WITA, Domain
from device.system.command_line import answered_by
from office.cli import options
from office.days import local
from office.desk import passphrase
from office.desk.refusal import RefusalError

if TYPE_CHECKING:
    from office.desk.desk import Desk


@dataclass(frozen=True, slots=True)
class Rotate:
    """What ``rotate`` is asked."""

    desk: Path
    passphrase_file: Path | None
    domain: str | None
    first: date | None
    """The first day of the new keys."""
    distrust_old: bool


def add(commands: Any) -> None:
    """Add the command."""
    rotate = options.command(
        commands,
        "rotate",
        "buat kunci penerbit yang baru / make new issuing keys",
        "titik-office rotate --desk meja --from 2027-11-23",
    )
    options.asks_desk(rotate)
    rotate.add_argument("--domain", choices=("staff", "visitor"), help="hanya ini / only this one")
    rotate.add_argument(
        "--from", dest="first", type=options.day, metavar="YYYY-MM-DD", help="hari pertama / first day (today)"
    )
    rotate.add_argument(
        "--distrust-old",
        action="store_true",
        help="kunci dicuri: semua pas lama tidak berlaku lagi / a key was stolen: every old pass ends",
    )
    answered_by(rotate, Rotate, run)


def run(asked: Rotate, now: datetime) -> None:
    """Make a key for each domain asked for; the old ones go on being trusted, unless they must not."""
    from office.desk.desk import Desk
    from office.desk.private_keys import new_key
    from office.desk.revocations import count_in_force

    desk = Desk.open(asked.desk)
    today = now.astimezone(WITA).date()
    first = asked.first or today
    if first < today or (first - today).days > 366:  # noqa: PLR2004 - a year ahead
        raise RefusalError(
            f"--from {first}: hari ini sampai setahun ke depan. / --from {first}: today to a year ahead."
        )
    if asked.distrust_old and first != today:
        raise RefusalError(
            "--distrust-old berlaku hari ini; tanpa --from. / --distrust-old is from today on; leave out --from."
        )
    domains = [Domain(asked.domain)] if asked.domain else [Domain.STAFF, Domain.VISITOR]
    word = _proven(desk, asked.passphrase_file)
    made = [new_key(desk.folder, domain, word, first) for domain in domains]
    dropped = [key for key in desk.book.key if asked.distrust_old and key.domain in domains]
    desk.keep(key=(*(key for key in desk.book.key if key not in dropped), *made))
    for key in made:
        print(
            f"Kunci baru / new key {key.domain} {key.kid}, {key.since.date()} .. {local(key.until)}:"
            f" {desk.folder / key.file}"
        )
    for key in desk.book.key:
        if key not in made and key.domain in domains:
            print(f"  kunci lama tetap dipercaya sampai / old key still trusted until {local(key.until)}: {key.kid}")
    log = desk.issued() if dropped else ()
    for key in dropped:
        print(f"  tidak dipercaya lagi / no longer trusted: {key.kid} ({key.file})")
    if dropped:
        count = sum(count_in_force(log, domain, today) for domain in domains)
        print(f"  {count} pas yang masih berlaku harus dibuat ulang / passes in force must be made anew: cards --again")
    files = ", ".join([*(key.file for key in made), "desk.toml"])
    print(f"Cadangkan sekarang ke dua USB / back up now to two USB sticks: {files} ({desk.folder})")
    print(
        f"Berikutnya / next: titik-office bundle sign --desk {desk.folder} --out trust.cbor, lalu salin ke tiap titik"
        " sebelum pas pertama dari kunci baru / then copy it to each point before the first pass of the new key"
    )


def _proven(desk: "Desk", file: Path | None) -> str:
    """Return the passphrase, tried on a key of this desk, so that no new key is locked with a slip of the keyboard."""
    present = [key for key in desk.book.key if (desk.folder / key.file).exists()]
    root = (desk.folder / desk.book.root_file).exists()
    word = passphrase.given(file, new=not present and not root)
    if present:
        desk.unlock(present[-1], word)
    elif root:
        desk.unlock_root(word)
    passphrase.check_passphrase(word)
    return word
