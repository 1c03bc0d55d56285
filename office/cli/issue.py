"""``titik-office issue``: one pass, on a card or for a phone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from device.model import WITA, Domain
from device.system.command_line import answered_by
from office.cli import options
from office.desk import passphrase
from office.desk.files import is_there, write_new
from office.desk.refusal import MissingError, RefusalError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

LINK_VERSION: Final = 20
"""The largest QR of a link, which a phone's own camera reads off a screen."""

FIRST: Final = Path()
"""In place of a device: the first webcam."""


@dataclass(frozen=True, slots=True)
class Issue:
    """What ``issue`` is asked."""

    desk: Path
    passphrase_file: Path | None
    domain: str
    number: str
    name: str
    until: date | None
    png: Path
    phone: str | None
    """The phone's code, or a picture of it."""
    webcam: Path | None
    page: str | None


def add(commands: Any) -> None:
    """Add the command."""
    one = options.command(
        commands,
        "issue",
        "buat satu pas / make one pass",
        "titik-office issue --desk meja --domain staff --number 0042"
        ' --name "Contoh Satu" --until 2027-06-30 --png 0042.png',
    )
    options.asks_desk(one)
    one.add_argument("--domain", required=True, choices=("staff", "visitor"))
    one.add_argument("--number", required=True, help="nomor pas / pass number")
    one.add_argument("--name", required=True, help="nama pada pas / name on the pass")
    one.add_argument("--until", type=options.day, metavar="YYYY-MM-DD", help="hari terakhir / last day; visitor: today")
    one.add_argument("--png", required=True, type=Path, metavar="FILE", help="gambar QR / picture of the QR")
    shown = one.add_mutually_exclusive_group()
    shown.add_argument(
        "--phone",
        metavar="CODE_OR_PICTURE",
        help="pas telepon: kode 56 huruf, atau gambarnya / phone pass: the phone's code, or a picture of it",
    )
    shown.add_argument(
        "--webcam",
        nargs="?",
        const=FIRST,
        type=Path,
        metavar="DEVICE",
        help="pas telepon: kode dibaca webcam / phone pass: the code as the webcam sees it; e.g. /dev/video0",
    )
    one.add_argument("--page", metavar="ADDRESS", help="alamat halaman telepon / the phone page's address, https://...")
    answered_by(one, Issue, run)


def run(asked: Issue, now: datetime) -> None:
    """Sign a pass, log it, and write the picture of its QR; a phone's is the link that its camera opens."""
    from office.desk.desk import Desk
    from office.passes import phone, qr
    from office.passes.compose import compose, issue, issue_for_phone, validity

    qr.check_ready()
    desk = Desk.open(asked.desk)
    domain = Domain(asked.domain)
    if asked.png.exists():
        raise RefusalError(
            f"{asked.png} sudah ada; tidak ditimpa. / {asked.png} is there already; nothing is overwritten."
        )
    if not asked.png.parent.is_dir():
        raise MissingError(f"Folder {asked.png.parent} tidak ada. / The folder {asked.png.parent} is missing.")
    if (asked.phone is None and asked.webcam is None) != (asked.page is None):
        raise RefusalError("--phone dan --page berpasangan. / --phone and --page go together.")
    holder = _holder(asked)
    one = compose(desk.book.issuer, asked.number, asked.name, validity(domain, now, asked.until))
    entry = desk.key_for(domain, one.issued)
    key, signer = desk.unlock(entry, passphrase.given(asked.passphrase_file)), entry.trusted(desk.book.issuer)
    if holder is None:
        text, credential = issue(one, key, signer, now)
        picture = qr.png(text)
    else:
        message, credential = issue_for_phone(one, holder, key, signer, now)
        text = phone.link(asked.page or "", message)
        picture = qr.png(text, LINK_VERSION)
    until = (one.expires - timedelta(days=1)).astimezone(WITA).date()
    desk.log(one.number, domain, until, credential.identity, now)  # first: what is not in the log is never revoked
    write_new(asked.png, picture)
    print(
        f"Pas dibuat / pass made: {asked.png}  {domain} {one.number}, sampai / until {until}"
        f" ({len(text)} karakter / characters)"
    )
    if holder is not None:
        print("Kamera telepon membukanya, atau kirim tautannya / the phone's camera opens it, or send the link:")
        print(f"  {text}")


def _holder(asked: Issue) -> "ec.EllipticCurvePublicKey | None":
    """Return the key of the phone that the pass is for, ``None`` for a card."""
    if asked.webcam is not None:
        from office.passes import phone_webcam

        print("Hadapkan kode di telepon ke webcam. / Hold the phone's code before the webcam.", flush=True)
        return phone_webcam.key_from_webcam(None if asked.webcam == FIRST else asked.webcam)
    return None if asked.phone is None else _phone_key(asked.phone)


def _phone_key(code_or_picture: str) -> "ec.EllipticCurvePublicKey":
    """Return the phone's key, from a picture of its code if there is such a file, else from the code as typed."""
    from office.passes import phone, phone_picture

    path = Path(code_or_picture)
    there = is_there(code_or_picture)
    if path.suffix and not there:  # no phone code has a dot
        raise MissingError(f"Gambar {path} tidak ada. / The picture {path} is missing.")
    return phone_picture.key_from_picture(path) if there else phone.phone_key(code_or_picture)
