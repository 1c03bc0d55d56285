"""The TLS of a client: whom it trusts, what it shows, and in plain words which of its files cannot be used."""

import ssl
from pathlib import Path

from device.config import BrokerSettings
from device.mqtt.session_end import Cause, SessionError
from device.system.disk import read_whole

MAX_FILE = 1_048_576
"""Bytes of a PEM file; every authority of Debian together is a quarter of it."""
_KEY, _CERTIFICATE = b"KEY-----", b"CERTIFICATE-----"


def context(broker: BrokerSettings) -> ssl.SSLContext:
    """Return a context that trusts *broker*'s authority alone, and shows our certificate if there is one.

    Raises `SessionError`, which names the file and what is wrong with it.
    """
    made = ssl.create_default_context(cafile=_authority(broker.ca))
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if broker.certificate is not None and broker.key is not None:
        _show(made, broker.certificate, broker.key)
    return made


def _authority(ca: Path | None) -> Path | None:
    """Return *ca* if it can be used."""
    if ca is None:
        return None
    if _CERTIFICATE not in _read(ca, "ca"):
        raise _unusable(ca, "ca", "holds no certificate", "ca.crt, as examples/certificates made it")
    try:
        ssl.create_default_context(cafile=ca)
    except OSError:
        raise _unusable(ca, "ca", "holds a damaged certificate", "ca.crt, as examples/certificates made it") from None
    return ca


def _show(made: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Let *made* show *certificate*, whose private half is in *key*."""
    shown, held = _read(certificate, "certificate"), _read(key, "key")
    if _CERTIFICATE in held and _KEY in shown and _KEY not in held:
        raise _unusable(certificate, "certificate", f"and key ({key}) are swapped", "the other way round, in [broker]")
    if _CERTIFICATE not in shown:
        raise _unusable(certificate, "certificate", "holds no certificate", "the .crt that examples/certificates made")
    if _KEY not in held:
        raise _unusable(key, "key", "holds no key", "the .key that examples/certificates made")
    try:
        # A key that wants a passphrase would ask for it on the terminal, and wait.
        made.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            what = f"is the certificate of another key than {key}"
            following = "both from one run of examples/certificates; was one renewed, restart this service"
            raise _unusable(certificate, "certificate", what, following) from error
        if b"ENCRYPTED" in held:
            raise _unusable(key, "key", "wants a passphrase", "a key without: openssl pkey -in KEY -out KEY") from error
        what = f"or key ({key}) is damaged: {error.reason or 'it cannot be read'}"
        raise _unusable(certificate, "certificate", what, "both anew from examples/certificates") from error


def _read(file: Path, word: str) -> bytes:
    """Return what stands in *file*."""
    try:
        return read_whole(file, MAX_FILE)  # and never waits at a pipe, as what opens it by name would
    except FileNotFoundError:
        following = f"put it there, or name another in [broker] {word}"
        raise _unusable(file, word, "is not there", following) from None
    except PermissionError:
        following = f"ls -l {file}; a key belongs in /etc/credstore, from where systemd hands it over (LoadCredential)"
        raise _unusable(file, word, "may not be read by this program", following) from None
    except OSError as error:
        raise _unusable(file, word, f"cannot be read: {error.strerror}", f"ls -l {file}") from error


def _unusable(file: Path, word: str, what: str, following: str) -> SessionError:
    return SessionError(f"[broker] {word} = {file} {what}", following, Cause.FILES)


def certified_name(certificate: Path | None) -> str | None:
    """Return the common name in the file *certificate*, ``None`` where there is none to be read."""
    from cryptography import x509  # noqa: PLC0415 - only when something went wrong; it takes a while on a Pi
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - the same

    try:
        if certificate is None:
            return None
        held = x509.load_pem_x509_certificate(_read(certificate, "certificate"))
        names = held.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (SessionError, ValueError):
        return None
    return str(names[0].value) if names else None
