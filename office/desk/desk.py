"""The desk: one folder with the keys, the book of what they are for, and the log of what was issued.

Private keys are PKCS#8 under a passphrase; everything is the desk's user's alone (0600 in a 0700 folder).
The book, ``desk.toml``, is written by this program and may be read by anybody.
"""

import base64
import fcntl
import json
import os
import re
import secrets
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Annotated, Any, Final, NamedTuple, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_der_public_key,
    load_pem_private_key,
)
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from device.formats.cose import PublicKey
from device.model import WITA, Domain
from device.system.disk import write_whole
from device.trust.bundle import Key, kid_of, revocation
from office.bundle import spki_text
from office.desk import issue_log
from office.desk.issue_log import LOG, Entry, own
from office.desk.refusal import MissingError, RefusalError
from office.keys.signing import PrivateKey

BOOK, ROOT, ROOT_PUBLIC, FLEET_SECRET = "desk.toml", "root.pem", "root.pub", "fleet-secret"
ROOT_NEXT: Final = "root-next.pem"
LAST: Final = "last-bundle.cbor"
"""The bundle that was signed last, to compare with; the stations' copies are what counts."""
MIN_PASSPHRASE: Final = 12
"""Characters: PKCS#8 as it is written here stretches a passphrase only by 2048 rounds of PBKDF2."""
MARGIN: Final = timedelta(days=30)
"""How much longer than its year a key may sign, so that next year's need not be made on the very day."""
SECRET_BYTES: Final = 32
PATIENCE: Final = 10.0
"""Seconds that a command waits for another one at the same desk."""

_HEX8 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
_ISSUER = re.compile(r"[a-z0-9]([a-z0-9.-]{0,18}[a-z0-9])?\Z")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class IssuingKey(_Table):
    """A key of one domain: what it may sign from when to when, and where its private half lies."""

    kid: _HEX8
    domain: Domain
    since: Annotated[AwareDatetime, Field(alias="from")]
    until: AwareDatetime
    file: str
    public: str
    """Base64 SPKI, so that a bundle is made without opening this key."""

    def trusted(self, issuer: str) -> Key:
        """Return it as a station knows it."""
        return Key(public_key(self.public), bytes.fromhex(self.kid), issuer, self.domain, None, self.since, self.until)


class Book(_Table):
    """What ``desk.toml`` says."""

    name: str
    issuer: str
    bundle: Annotated[int, Field(ge=0)] = 0
    """Version of the last bundle that was signed; it only ever rises."""
    root: str
    """The root's public key, base64 SPKI."""
    root_file: str = ROOT
    next_root: str | None = None
    """The root that is to come after it; every point's ``[trust] roots`` names both."""
    next_file: str = ROOT_NEXT
    old_root: str | None = None
    """The root that was, as long as bundles are signed by both for points that were away."""
    old_file: str = ""
    key: tuple[IssuingKey, ...]
    revoked: dict[str, tuple[_HEX8, ...]] = {}
    """By issuer, the revocation hashes of ``issued.csv``."""
    capacities: dict[str, Annotated[int, Field(ge=0)]] = {}
    """By site, how many people may be in at once."""


class Signing(NamedTuple):
    """The roots that sign a bundle, and what the book says once it is signed."""

    root: ed25519.Ed25519PrivateKey
    old: ed25519.Ed25519PrivateKey | None
    changes: Mapping[str, str | None]


class Desk:
    """An existing desk."""

    def __init__(self, folder: Path, book: Book) -> None:
        self.folder = folder
        self.book = book

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the desk in *folder*; raises `MissingError` if there is none, `RefusalError` if it is damaged."""
        path = folder / BOOK
        try:
            return cls(folder, Book.model_validate(tomllib.loads(own(path).decode("utf-8"))))
        except FileNotFoundError:
            raise MissingError(
                f"Tidak ada meja di {folder}. / There is no desk in {folder}."
                f" Berikutnya / next: titik-office init --desk {folder}"
            ) from None
        except OSError as error:
            raise RefusalError(f"{path}: tidak terbaca / cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RefusalError(f"{path}: rusak / damaged: {error}") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RefusalError(f"{path}: rusak / damaged: {where}: {first['msg']}") from None

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
        return _unlocked(self.folder / key.file, passphrase, key.kid)

    def unlock_root(self, passphrase: str) -> ed25519.Ed25519PrivateKey:
        """Return the root's private key; raises as `unlock` does."""
        return self._root(self.book.root_file, self.book.root, passphrase)

    def signing(self, passphrase: str, *, handover: bool = False, settled: bool = False) -> Signing:
        """Return the roots that sign the next bundle; the book is changed only when its `Signing.changes` are kept.

        With *handover* the next root takes over, and the one before it signs along from now on; with *settled* it
        does so no more. Raises `RefusalError` where there is no next root, where the last handover is not settled,
        or where there is none to settle; and as `unlock` does.
        """
        book = self.book
        if handover:
            if book.old_root is not None:
                raise RefusalError(
                    "Pergantian yang lalu belum selesai: setiap bundel sudah oleh kedua akar."
                    " / The last handover is not settled: every bundle is by both roots already."
                    " Berikutnya / next: bundle sign, tanpa / without --handover"
                )
            if book.next_root is None:
                raise RefusalError(f"{BOOK} tidak menyebut akar berikutnya. / {BOOK} names no next root.")
            old = self._root(book.root_file, book.root, passphrase)
            root = self._root(book.next_file, book.next_root, passphrase)
            following = ed25519.Ed25519PrivateKey.generate()
            file = f"root-{kid_of(following.public_key()).hex()}.pem"
            write_new(self.folder / file, _locked(following, passphrase))
            changes = {"old_root": book.root, "old_file": book.root_file}
            changes |= {"root": book.next_root, "root_file": book.next_file}
            changes |= {"next_root": spki_text(following.public_key()), "next_file": file}
            return Signing(root, old, changes)
        if settled and book.old_root is None:
            raise RefusalError("Tidak ada pergantian akar. / There is no handover to settle.")
        root = self._root(book.root_file, book.root, passphrase)
        if settled or book.old_root is None:
            return Signing(root, None, {"old_root": None, "old_file": ""} if settled else {})
        return Signing(root, self._root(book.old_file, book.old_root, passphrase), {})

    def _root(self, file: str, public: str, passphrase: str) -> ed25519.Ed25519PrivateKey:
        root = _unlocked(self.folder / file, passphrase, kid_of(public_key(public)).hex())
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


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the desk in *folder* for one command: two that read, change and write would undo each other.

    Raises `RefusalError` after `PATIENCE` seconds. Where there is no desk there is nothing to hold.
    """
    if not folder.is_dir():
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        until = monotonic() + PATIENCE
        while not _locks(handle):
            if monotonic() > until:
                raise RefusalError(
                    f"Perintah lain sedang bekerja di meja {folder}. / Another command is at the desk {folder}."
                    " Berikutnya / next: tunggu sampai selesai, lalu ulangi / wait for it, then the same again"
                )
            Event().wait(0.1)
        yield
    finally:
        os.close(handle)


def _locks(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def found(folder: Path, name: str, issuer: str, passphrase: str, now: datetime) -> Desk:
    """Make a desk in *folder*, new or empty, with its root, this year's key of each domain, and the fleet secret.

    Keys hold from the beginning of the day of *now* for a year and `MARGIN`. The fleet secret is 32 bytes,
    written as 64 hexadecimal characters without a line end. Raises `RefusalError`, and never overwrites.
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
    write_new(folder / ROOT, _locked(root, passphrase))
    write_new(folder / ROOT_NEXT, _locked(following, passphrase))
    write_new(folder / ROOT_PUBLIC, spki_text(root.public_key()).encode() + b"\n")
    write_new(folder / FLEET_SECRET, secrets.token_bytes(SECRET_BYTES).hex().encode())
    today = now.astimezone(WITA).date()
    keys = tuple(new_key(folder, domain, passphrase, today) for domain in (Domain.STAFF, Domain.VISITOR))
    public, public_next = spki_text(root.public_key()), spki_text(following.public_key())
    book = Book(name=name, issuer=issuer, root=public, next_root=public_next, key=keys)
    write_new(folder / BOOK, book_toml(book).encode())  # last: a folder with a book is a whole desk
    return Desk(folder, book)


def check_passphrase(passphrase: str) -> None:
    """Raise `RefusalError` for a passphrase that is too short to lock a key with."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise RefusalError(
            f"Kata sandi kurang dari {MIN_PASSPHRASE} karakter."
            f" / The passphrase has fewer than {MIN_PASSPHRASE} characters."
        )


def book_toml(book: Book) -> str:
    """Return *book* as TOML that `Desk.open` reads back to the same value."""
    lines = [
        "# Ditulis oleh titik-office / written by titik-office. No secret is in it.",
        f"name = {toml_string(book.name)}",
        f"issuer = {toml_string(book.issuer)}",
        *(
            f"{name} = {toml_string(value)}"
            for name in ("root", "root_file", "next_root", "next_file", "old_root", "old_file")
            if (value := getattr(book, name))
        ),
        f"bundle = {book.bundle}",
        "",
        "# Tercabut / revoked: issuer = hashes from issued.csv; the next `bundle sign` carries them to the points.",
        "[revoked]",
        *(
            f"{toml_string(issuer)} = [{', '.join(map(toml_string, hashes))}]"
            for issuer, hashes in book.revoked.items()
        ),
        "",
        "# Kapasitas / how many people a site may hold.",
        "[capacities]",
        *(f"{toml_string(site)} = {number}" for site, number in book.capacities.items()),
    ]
    for key in book.key:
        told = key.model_dump(by_alias=True)
        lines += ["", "[[key]]", *(f"{name} = {toml_value(value)}" for name, value in told.items())]
    return "\n".join(lines) + "\n"


def write_new(path: Path, octets: bytes) -> None:
    """Write a file that must not be there yet, 0600, whole or not at all; raises `RefusalError`."""
    if path.exists():
        raise RefusalError(f"{path} sudah ada; tidak ditimpa. / {path} is there already; nothing is overwritten.")
    replace_file(path, octets)


def replace_file(path: Path, octets: bytes, mode: int = 0o600) -> None:
    """Write a file, whole or not at all, over what was there; raises `RefusalError`."""
    try:
        write_whole(path, octets, mode)
    except OSError as error:
        raise RefusalError(f"{path}: tidak tertulis / cannot be written: {error.strerror}") from None


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


def new_key(folder: Path, domain: Domain, passphrase: str, first: date) -> IssuingKey:
    """Return a new issuing key in force from the start of the day *first*; its private half is in *folder* by then."""
    since = datetime.combine(first, time(), WITA)
    key = ec.generate_private_key(ec.SECP256R1())
    names = (f"{domain}-{first.year}{again}.pem" for again in ("", *(f"-{n}" for n in range(2, 100))))
    file = next((name for name in names if not (folder / name).exists()), f"{domain}-{first.year}.pem")
    write_new(folder / file, _locked(key, passphrase))
    public = key.public_key()
    return IssuingKey(
        kid=kid_of(public).hex(),
        domain=domain,
        since=since,
        until=since + timedelta(days=366) + MARGIN,
        file=file,
        public=spki_text(public),
    )


def _locked(key: PrivateKey, passphrase: str) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))


def _unlocked(path: Path, passphrase: str, kid: str) -> PrivateKey:
    try:
        key = load_pem_private_key(own(path), passphrase.encode())
    except FileNotFoundError:
        raise MissingError(
            f"{path} tidak ada: kunci ini di tempat lain? / {path} is missing: is this key kept elsewhere?"
        ) from None
    except OSError as error:
        raise RefusalError(f"{path}: tidak terbaca / cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise RefusalError(
            f"Kata sandi salah, atau {path.name} rusak. / The passphrase is wrong, or {path.name} is damaged."
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise RefusalError(f"{path}: jenis kunci lain / another kind of key")
    if kid_of(key.public_key()).hex() != kid:
        raise RefusalError(
            f"{path} bukan kunci yang tercatat di {BOOK}. / {path} is not the key that {BOOK} speaks of."
        )
    return key


def public_key(text: str) -> PublicKey:
    """Return the key in *text*, base64 of its SPKI; raises `RefusalError`."""
    key = load_der_public_key(base64.b64decode(text))
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise RefusalError(f"{BOOK}: jenis kunci lain / another kind of key")
    return key


def toml_string(text: str) -> str:
    """Return *text* as a TOML basic string, which JSON's is, once nothing unprintable is in it."""
    return json.dumps(text, ensure_ascii=False)


def toml_value(value: Any) -> str:
    """Return *value*, a time or a text, as TOML."""
    return value.isoformat() if isinstance(value, datetime) else toml_string(str(value))
