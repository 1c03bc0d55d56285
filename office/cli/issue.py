"""``titik-office issue``: one pass, on a card or for a phone."""

import argparse
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from device.model import WITA, Domain
from office.cli import options
from office.desk.desk import Desk, write_new
from office.desk.refusal import MissingError, RefusalError
from office.passes import phone, qr
from office.passes.compose import compose, issue, issue_for_phone, validity

LINK_VERSION: Final = 20
"""The largest QR of a link, which a phone's own camera reads off a screen."""

FIRST: Final = Path()
"""In place of a device: the first webcam."""


def add(commands: Any) -> None:
    """Add the command."""
    one = options.command(
        commands,
        "issue",
        "buat satu pas / make one pass",
        "titik-office issue --desk meja --domain staff --number 0042"
        ' --name "Contoh Satu" --until 2027-06-30 --png 0042.png',
        run,
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


def run(told: argparse.Namespace, now: datetime) -> None:
    """Sign a pass, log it, and write the picture of its QR; a phone's is the link that its camera opens."""
    qr.check_ready()
    desk = Desk.open(told.desk)
    domain = Domain(told.domain)
    if told.png.exists():
        raise RefusalError(
            f"{told.png} sudah ada; tidak ditimpa. / {told.png} is there already; nothing is overwritten."
        )
    if not told.png.parent.is_dir():
        raise MissingError(f"Folder {told.png.parent} tidak ada. / The folder {told.png.parent} is missing.")
    if (told.phone is None and told.webcam is None) != (told.page is None):
        raise RefusalError("--phone dan --page berpasangan. / --phone and --page go together.")
    holder = _holder(told)
    one = compose(desk.book.issuer, told.number, told.name, validity(domain, now, told.until))
    entry = desk.key_for(domain, one.issued)
    key, signer = desk.unlock(entry, options.passphrase(told)), entry.trusted(desk.book.issuer)
    if holder is None:
        text, credential = issue(one, key, signer, now)
        picture = qr.png(text)
    else:
        message, credential = issue_for_phone(one, holder, key, signer, now)
        text = phone.link(told.page, message)
        picture = qr.png(text, LINK_VERSION)
    until = (one.expires - timedelta(days=1)).astimezone(WITA).date()
    desk.log(one.number, domain, until, credential.identity, now)  # first: what is not in the log is never revoked
    write_new(told.png, picture)
    print(
        f"Pas dibuat / pass made: {told.png}  {domain} {one.number}, sampai / until {until}"
        f" ({len(text)} karakter / characters)"
    )
    if holder is not None:
        print("Kamera telepon membukanya, atau kirim tautannya / the phone's camera opens it, or send the link:")
        print(f"  {text}")


def _holder(told: argparse.Namespace) -> ec.EllipticCurvePublicKey | None:
    """Return the key of the phone that the pass is for, ``None`` for a card."""
    if told.webcam is not None:
        from office.passes import webcam  # noqa: PLC0415 - a desk without a webcam, as most, does not pay for its library

        print("Hadapkan kode di telepon ke webcam. / Hold the phone's code before the webcam.", flush=True)
        return webcam.key_from_webcam(None if told.webcam == FIRST else told.webcam)
    return None if told.phone is None else _phone_key(told.phone)


def _phone_key(code_or_picture: str) -> ec.EllipticCurvePublicKey:
    """Return the phone's key, from a picture of its code if there is such a file, else from the code as typed."""
    path = Path(code_or_picture)
    there = options.is_there(code_or_picture)
    if path.suffix and not there:  # no phone code has a dot
        raise MissingError(f"Gambar {path} tidak ada. / The picture {path} is missing.")
    if not there:
        return phone.phone_key(code_or_picture)
    from office.passes.phone_picture import key_from_picture  # noqa: PLC0415 - numpy and the readers, for a picture alone

    return key_from_picture(path)
