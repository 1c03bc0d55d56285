"""The passphrase of the desk's keys, as it is kept in a file or typed."""

import getpass
from pathlib import Path
from typing import Final

from office.desk.files import read
from office.desk.refusal import RefusalError

MIN_PASSPHRASE: Final = 12
"""Characters: PKCS#8 as it is written here stretches a passphrase only by 2048 rounds of PBKDF2."""


def check_passphrase(passphrase: str) -> None:
    """Raise `RefusalError` for a passphrase that is too short to lock a key with."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise RefusalError(
            f"Kata sandi kurang dari {MIN_PASSPHRASE} karakter."
            f" / The passphrase has fewer than {MIN_PASSPHRASE} characters."
        )


def given(file: Path | None, *, new: bool = False) -> str:
    """Return the passphrase, from *file* or, without one, asked; a *new* one is asked twice. Raises `RefusalError`."""
    if file is not None:
        try:
            return read(file).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise RefusalError(f"{file}: bukan teks UTF-8 / not UTF-8 text") from None
    first = getpass.getpass("Kata sandi / passphrase: ")
    if new:
        check_passphrase(first)
        if getpass.getpass("Sekali lagi / once more: ") != first:
            raise RefusalError("Kedua kata sandi berbeda. / The two passphrases differ.")
    return first
