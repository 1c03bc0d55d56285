"""The desk: one folder with the keys, the book of what they are for, and the log of what was issued.

Private keys are PKCS#8 under a passphrase; everything is the desk's user's alone (0600 in a 0700 folder).
"""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric import ed25519

from device.model import WITA, Domain
from device.trust.bundle import kid_of, revocation
from office.desk import issue_log
from office.desk.book import BOOK, Book, IssuingKey, book_toml, public_key, read_book
from office.desk.files import own, replace_file
from office.desk.issue_log import LOG, Entry
from office.desk.private_keys import unlocked
from office.desk.refusal import RefusalError
from office.keys.signing import PrivateKey

ROOT_PUBLIC, FLEET_SECRET = "root.pub", "fleet-secret"
LAST: Final = "last-bundle.cbor"
"""The bundle that was signed last, to compare with; the stations' copies are what counts."""


class Desk:
    """An existing desk."""

    def __init__(self, folder: Path, book: Book) -> None:
        self.folder = folder
        self.book = book

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the desk in *folder*; raises `MissingError` if there is none, `RefusalError` if it is damaged."""
        return cls(folder, read_book(folder))

    def key_for(self, domain: Domain, at: datetime) -> IssuingKey:
        """Return the newest key that may sign for *domain* at *at*; raises `RefusalError` if there is none."""
        fit = [key for key in self.book.key if key.domain is domain and key.since <= at < key.until]
        if not fit:
            raise RefusalError(
                f"Tidak ada kunci {domain} yang berlaku pada {at.astimezone(WITA).date()}."
                f" / No key for {domain} is in force on {at.astimezone(WITA).date()}."
                f" Berikutnya / next: titik-office rotate --desk {self.folder} --domain {domain}"
            )
        return max(reversed(fit), key=lambda key: key.since)  # of two from one day, the one that was made later

    def unlock(self, key: IssuingKey, passphrase: str) -> PrivateKey:
        """Return the private half of *key*.

        Raises `RefusalError` for a wrong passphrase, `MissingError` where there is no file.
        """
        return unlocked(self.folder / key.file, passphrase, key.kid)

    def unlock_root(self, passphrase: str) -> ed25519.Ed25519PrivateKey:
        """Return the root's private key; raises as `unlock` does."""
        return self.private_root(self.book.root_file, self.book.root, passphrase)

    def private_root(self, file: str, public: str, passphrase: str) -> ed25519.Ed25519PrivateKey:
        """Return the private key of the root *public* of the book, from its *file*; raises as `unlock` does."""
        root = unlocked(self.folder / file, passphrase, kid_of(public_key(public)).hex())
        if not isinstance(root, ed25519.Ed25519PrivateKey):
            raise RefusalError(f"{self.folder / file}: bukan kunci akar / not a root key")
        return root

    def log(self, number: str, domain: Domain, until: date, identity: bytes, now: datetime) -> None:
        """Write down that a pass was issued, durably."""
        self.log_all([Entry(number, domain, until, revocation(identity).hex(), now)])

    def log_all(self, entries: Iterable[Entry]) -> None:
        """Write down that passes were issued, durably, all of them or none."""
        path = self.folder / LOG
        try:
            before = own(path)
        except FileNotFoundError:
            before = ",".join(issue_log.COLUMNS).encode() + b"\n"
        except OSError as error:
            raise RefusalError(f"{path}: tidak terbaca / cannot be read: {error.strerror}") from None
        if not before.endswith(b"\n"):
            before += b"\n"
        replace_file(path, before + issue_log.written(entries).encode())

    def issued(self) -> tuple[Entry, ...]:
        """Return what the log says was issued; raises `RefusalError` for a damaged one."""
        return issue_log.entries(self.folder)

    def numbers_in_force(self, domain: Domain, now: datetime) -> frozenset[str]:
        """Return the numbers that have a pass of *domain* which is neither over nor revoked."""
        today = now.astimezone(WITA).date()
        revoked = set(self.book.revoked.get(self.book.issuer, ()))
        return frozenset(
            one.number
            for one in self.issued()
            if one.domain is domain and one.until >= today and one.revocation not in revoked
        )

    def keep(self, **changed: Any) -> None:
        """Write down, durably, what has *changed* in the book, by the names of `Book`."""
        self.book = self.book.model_copy(update=changed)
        replace_file(self.folder / BOOK, book_toml(self.book).encode())

    def next_version(self) -> int:
        """Return the version for the next bundle, used up from now on, whatever becomes of that bundle.

        Two different bundles of one version would leave some stations with the one and some with the other.
        """
        self.keep(bundle=self.book.bundle + 1)
        return self.book.bundle
