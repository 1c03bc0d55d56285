"""The book of keys, ``desk.toml``: what each key is for; this program writes it, and anybody may read it."""

import base64
import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from device.formats.cose import PublicKey
from device.model import Domain
from device.trust.bundle import Key
from office.desk.files import own
from office.desk.refusal import MissingError, RefusalError

BOOK: Final = "desk.toml"
ROOT, ROOT_NEXT = "root.pem", "root-next.pem"
_HEX8 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class _BookTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class IssuingKey(_BookTable):
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


class Book(_BookTable):
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


def read_book(folder: Path) -> Book:
    """Return the book in *folder*; raises `MissingError` if there is none, `RefusalError` if it is damaged."""
    path = folder / BOOK
    try:
        return Book.model_validate(tomllib.loads(own(path).decode("utf-8")))
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


def book_toml(book: Book) -> str:
    """Return *book* as TOML that `read_book` reads back to the same value."""
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
        entry = key.model_dump(by_alias=True)
        lines += ["", "[[key]]", *(f"{name} = {toml_value(value)}" for name, value in entry.items())]
    return "\n".join(lines) + "\n"


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
