"""Keys for an audit without a bundle: certificates and bare public keys, PEM or DER (``judge --key``)."""

import base64
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from device.formats import lenient_der
from device.formats.cose import PublicKey, usable
from device.model import Domain, Statement
from device.trust.bundle import Key

_USAGES = {
    f"1.3.6.1.4.1.{middle}1847.2021.1.{number}": statement
    for middle in ("", "0.")  # both arcs are in use (EU DCC specification, DSC profile)
    for number, statement in enumerate((Statement.TEST, Statement.VACCINATION, Statement.RECOVERY), 1)
}


def audit_key(octets: bytes) -> Key:
    """Return the key in *octets*: a certificate speaks under its own kid, a bare key under any.

    The kid is the first 8 bytes of the SHA-256 over the DER certificate, the usages are its extended key
    usages; none of those three means all of them (EU DCC specification, 3.2.2 and A.4). Its dates are not
    held against it: whoever names a key for an audit vouches for it. Raises ValueError.
    """
    der = _der(octets) if b"-----BEGIN" in octets else octets
    try:
        certificate = lenient_der.certificate(der)
    except ValueError:
        return Key(_public(der))
    usages = frozenset(_USAGES[oid] for oid in certificate.purposes if oid in _USAGES)
    return Key(
        _public(certificate.spki),
        sha256(der).digest()[:8],
        domain=Domain.HEALTH if usages else None,
        usages=usages or None,
    )


def _der(pem: bytes) -> bytes:
    """Return the bytes of the first PEM block (RFC 7468); raises ValueError."""
    lines = pem.splitlines()
    begins = [at for at, line in enumerate(lines) if line.lstrip().startswith(b"-----BEGIN")]
    ends = [at for at, line in enumerate(lines) if line.lstrip().startswith(b"-----END")]
    if not begins or not ends:
        raise ValueError("PEM that is cut short")
    return base64.b64decode(b"".join(lines[begins[0] + 1 : ends[0]]))


def _public(spki: bytes) -> PublicKey:
    try:
        public = usable(load_der_public_key(spki))
    except UnsupportedAlgorithm:
        public = None
    if public is None:
        raise ValueError("a kind of key that signs no credential read here")
    return public
