"""Private keys as files: PKCS#8 under the desk's passphrase."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from device.model import WITA, Domain
from device.trust.bundle import kid_of, spki_text
from office.desk.book import BOOK, IssuingKey
from office.desk.files import own, write_new
from office.desk.refusal import MissingError, RefusalError
from office.keys.signing import PrivateKey

MARGIN: Final = timedelta(days=30)
"""How much longer than its year a key may sign, so that next year's need not be made on the very day."""


def new_key(folder: Path, domain: Domain, passphrase: str, first: date) -> IssuingKey:
    """Return a new issuing key in force from the start of the day *first*; its private half is in *folder* by then."""
    since = datetime.combine(first, time(), WITA)
    key = ec.generate_private_key(ec.SECP256R1())
    names = (f"{domain}-{first.year}{again}.pem" for again in ("", *(f"-{n}" for n in range(2, 100))))
    file = next((name for name in names if not (folder / name).exists()), f"{domain}-{first.year}.pem")
    write_new(folder / file, locked(key, passphrase))
    public = key.public_key()
    return IssuingKey(
        kid=kid_of(public).hex(),
        domain=domain,
        since=since,
        until=since + timedelta(days=366) + MARGIN,
        file=file,
        public=spki_text(public),
    )


def locked(key: PrivateKey, passphrase: str) -> bytes:
    """Return *key* as PEM that *passphrase* opens."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))


def unlocked(path: Path, passphrase: str, kid: str) -> PrivateKey:
    """Return the private key in the file *path*, which is the one that the book calls *kid*.

    Raises `RefusalError` for a wrong passphrase, a damaged file and another key, `MissingError` where there is no file.
    """
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
