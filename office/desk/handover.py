"""Which roots sign a bundle, and how the next one takes over from the one before it."""

from collections.abc import Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ed25519

from device.trust.bundle import kid_of, spki_text
from office.desk.book import BOOK
from office.desk.desk import Desk
from office.desk.files import write_new
from office.desk.private_keys import locked
from office.desk.refusal import RefusalError


class Signing(NamedTuple):
    """The roots that sign a bundle, and what the book says once it is signed."""

    root: ed25519.Ed25519PrivateKey
    old: ed25519.Ed25519PrivateKey | None
    changes: Mapping[str, str | None]


def signing(desk: Desk, passphrase: str, *, handover: bool = False, settled: bool = False) -> Signing:
    """Return the roots that sign the next bundle; the book is changed only when its `Signing.changes` are kept.

    With *handover* the next root takes over, and the one before it signs along from now on; with *settled* it
    does so no more. Raises `RefusalError` where there is no next root, where the last handover is not settled,
    or where there is none to settle; and as `Desk.unlock` does.
    """
    book = desk.book
    if handover:
        if book.old_root is not None:
            raise RefusalError(
                "Pergantian yang lalu belum selesai: setiap bundel sudah oleh kedua akar."
                " / The last handover is not settled: every bundle is by both roots already."
                " Berikutnya / next: bundle sign, tanpa / without --handover"
            )
        if book.next_root is None:
            raise RefusalError(f"{BOOK} tidak menyebut akar berikutnya. / {BOOK} names no next root.")
        old = desk.private_root(book.root_file, book.root, passphrase)
        root = desk.private_root(book.next_file, book.next_root, passphrase)
        following = ed25519.Ed25519PrivateKey.generate()
        file = f"root-{kid_of(following.public_key()).hex()}.pem"
        write_new(desk.folder / file, locked(following, passphrase))
        changes = {"old_root": book.root, "old_file": book.root_file}
        changes |= {"root": book.next_root, "root_file": book.next_file}
        changes |= {"next_root": spki_text(following.public_key()), "next_file": file}
        return Signing(root, old, changes)
    if settled and book.old_root is None:
        raise RefusalError("Tidak ada pergantian akar. / There is no handover to settle.")
    root = desk.private_root(book.root_file, book.root, passphrase)
    if settled or book.old_root is None:
        return Signing(root, None, {"old_root": None, "old_file": ""} if settled else {})
    return Signing(root, desk.private_root(book.old_file, book.old_root, passphrase), {})
