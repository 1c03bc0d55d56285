"""Other people's public keys that the desk trusts: ``trusted.toml`` in its folder, carried by every bundle."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from device.model import Domain, Statement
from device.trust.bundle import Key, spki_text
from office.desk.book import public_key, toml_string
from office.desk.files import own, replace_file
from office.desk.refusal import RefusalError

FILE: Final = "trusted.toml"
MAX_KEYS: Final = 5000
"""What a station reads in one bundle with room to spare; the whole world's list has about 900."""


class TrustedKey(BaseModel):
    """A key of somebody else: what it may vouch for, from when to when."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    kid: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){1,32}$")]
    issuer: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    domain: Domain
    since: Annotated[AwareDatetime, Field(alias="from")]
    until: AwareDatetime
    usages: frozenset[Statement] | None = None
    """None leaves that open."""
    public: str
    """Base64 SPKI."""
    source: str = ""
    """The file it came from."""

    @classmethod
    def of(cls, key: Key, source: str) -> "TrustedKey":
        """Return *key*, which has all that a bundle needs, as the desk keeps it."""
        return cls.model_validate(
            {
                "kid": (key.kid or b"").hex(),
                "issuer": key.issuer,
                "domain": key.domain,
                "from": key.since,
                "until": key.until,
                "usages": key.usages,
                "public": spki_text(key.public),
                "source": source,
            }
        )

    def key(self) -> Key:
        """Return it as a station knows it."""
        return Key(
            public_key(self.public), bytes.fromhex(self.kid), self.issuer, self.domain, self.usages, self.since,
            self.until,
        )  # fmt: skip


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[tuple[TrustedKey, ...], Field(max_length=MAX_KEYS)] = ()


def listed(folder: Path) -> tuple[TrustedKey, ...]:
    """Return the keys that the desk in *folder* trusts; raises `RefusalError` for a damaged file."""
    path = folder / FILE
    try:
        return _Keys.model_validate(tomllib.loads(own(path).decode("utf-8"))).key
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RefusalError(f"{path}: tidak terbaca / cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RefusalError(f"{path}: rusak / damaged: {where}: {first['msg']}") from None
    except ValueError as error:
        raise RefusalError(f"{path}: rusak / damaged: {error}") from None


def keep(folder: Path, keys: Iterable[TrustedKey]) -> None:
    """Write the keys down, durably; raises `RefusalError`."""
    lines = ["# Ditulis oleh titik-office / written by titik-office foreign-keys import. Public keys only."]
    for key in keys:
        lines += ["", "[[key]]"]
        lines += [f"{name} = {toml_string(getattr(key, name))}" for name in ("kid", "issuer", "domain")]
        lines += [f"from = {key.since.isoformat()}", f"until = {key.until.isoformat()}"]
        if key.usages is not None:
            lines.append(f"usages = [{', '.join(toml_string(usage) for usage in sorted(key.usages))}]")
        lines += [f"{name} = {toml_string(getattr(key, name))}" for name in ("public", "source")]
    replace_file(folder / FILE, ("\n".join(lines) + "\n").encode())
