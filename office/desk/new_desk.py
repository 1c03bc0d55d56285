"""A new desk: its folder, its roots, this year's keys and the fleet secret."""

import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519

from device.model import WITA, Domain
from device.trust.bundle import spki_text
from office.desk.book import BOOK, ROOT, ROOT_NEXT, Book, book_toml
from office.desk.desk import FLEET_SECRET, ROOT_PUBLIC, Desk
from office.desk.files import write_new
from office.desk.passphrase import check_passphrase
from office.desk.private_keys import locked, new_key
from office.desk.refusal import RefusalError

SECRET_BYTES: Final = 32
_ISSUER = re.compile(r"[a-z0-9]([a-z0-9.-]{0,18}[a-z0-9])?\Z")


def found(folder: Path, name: str, issuer: str, passphrase: str, now: datetime) -> Desk:
    """Make a desk in *folder*, new or empty, with its root, this year's key of each domain, and the fleet secret.

    Keys hold from the beginning of the day of *now* for a year and a margin. The fleet secret is 32 bytes, written as
    64 hexadecimal characters without a line end. Raises `RefusalError`, and never overwrites.
    """
    check_passphrase(passphrase)
    if not _ISSUER.match(issuer):
        raise RefusalError(
            "--issuer: 1 sampai 20 huruf kecil, angka, titik atau strip."
            " / --issuer is 1 to 20 lower-case letters, digits, dots or hyphens."
        )
    if not name.strip() or not name.isprintable():
        raise RefusalError("--name kosong atau memuat tanda kendali. / --name is empty or holds control characters.")
    _make_empty(folder)
    root, following = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    write_new(folder / ROOT, locked(root, passphrase))
    write_new(folder / ROOT_NEXT, locked(following, passphrase))
    write_new(folder / ROOT_PUBLIC, spki_text(root.public_key()).encode() + b"\n")
    write_new(folder / FLEET_SECRET, secrets.token_bytes(SECRET_BYTES).hex().encode())
    today = now.astimezone(WITA).date()
    keys = tuple(new_key(folder, domain, passphrase, today) for domain in (Domain.STAFF, Domain.VISITOR))
    public, public_next = spki_text(root.public_key()), spki_text(following.public_key())
    book = Book(name=name, issuer=issuer, root=public, next_root=public_next, key=keys)
    write_new(folder / BOOK, book_toml(book).encode())  # last: a folder with a book is a whole desk
    return Desk(folder, book)


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RefusalError(
                f"{folder} tidak kosong; tidak ada yang ditimpa. / {folder} is not empty; nothing is overwritten."
                " Berikutnya / next: --desk FOLDER-BARU"
            )
        folder.chmod(0o700)  # it may have been there, and open to others
    except OSError as error:
        raise RefusalError(f"{folder}: {error.strerror}") from None
