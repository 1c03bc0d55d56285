"""Keys for an audit without a bundle: certificates and bare public keys, PEM or DER (``judge --key``)."""

from collections.abc import Callable
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key, load_pem_public_key

from device.cose import PublicKey, usable
from device.model import Domain, Statement
from device.trust import Key

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
    pem = b"-----BEGIN" in octets
    try:
        certificate = (x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate)(octets)
    except ValueError:
        return Key(_supported((load_pem_public_key if pem else load_der_public_key), octets))
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        usages = frozenset(_USAGES[oid.dotted_string] for oid in purposes if oid.dotted_string in _USAGES)
    except (x509.ExtensionNotFound, ValueError):  # not there, or an empty list, which DER does not allow
        usages = frozenset()
    return Key(
        _supported(lambda _: certificate.public_key(), octets),
        sha256(certificate.public_bytes(Encoding.DER)).digest()[:8],
        domain=Domain.HEALTH if usages else None,
        usages=usages or None,
    )


def _supported(load: Callable[[bytes], object], octets: bytes) -> PublicKey:
    try:
        public = usable(load(octets))
    except UnsupportedAlgorithm:
        public = None
    if public is None:
        raise ValueError("a kind of key that signs no credential read here")
    return public
