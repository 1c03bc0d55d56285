"""Files of other people's keys, taken apart: certificates, bare keys and the two kinds of list; nothing is believed.

PEM with one or many, DER, the GDHCN's ``did.json`` (WHO smart trust, DID documents with ``publicKeyJwk``), and the
gateway's list (``[{kid, country, certificateType, rawData}]``, with or without its first line of signature).
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device.system.errors import TitikError

MAX_LIST: Final = 8_000_000
MAX_ONE: Final = 16_384
"""Bytes of one certificate or key; real ones have under 2,000."""
MAX_ENTRIES: Final = 5000
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)
_DSC = ("DSC", "")


class NotAListError(TitikError, ValueError):
    """The file as a whole cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class OfferedKey:
    """One key or certificate of a file, with what the file says of it."""

    name: str
    """What to call it when it is refused."""
    octets: bytes
    """DER, or PEM; empty where the file holds nothing that could be one."""
    kid: bytes | None = None
    country: str | None = None
    bare: bytes | None = None
    """The SPKI, DER, that stands beside the certificate in a ``publicKeyJwk``."""
    flaw: str = ""
    """Why it is none, if that is plain to see."""


@dataclass(frozen=True, slots=True)
class File:
    """What a file offers."""

    offers: tuple[OfferedKey, ...]
    unproven: bool = False
    """It carries a signature over the whole list, which is not checked here."""


def parse(octets: bytes) -> File:
    """Return what *octets* offer; raises `NotAListError` for a file that is nothing of the kind, or too large."""
    if len(octets) > MAX_LIST:
        raise NotAListError(f"larger than {MAX_LIST} bytes")
    if b"-----BEGIN" in octets:
        offers = tuple(_pem(octets))
        return File(_bounded(offers))
    text = octets.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in {b"{", b"["}:
        return _json(text)
    signature, _, rest = text.partition(b"\n")
    if rest.lstrip()[:1] in {b"{", b"["} and re.fullmatch(rb"[A-Za-z0-9+/=\r]{1,2000}", signature):
        return File(_json(rest).offers, unproven=True)
    if not octets:
        raise NotAListError("empty")
    return File((OfferedKey("", octets, flaw="" if len(octets) <= MAX_ONE else f"larger than {MAX_ONE} bytes"),))


def _pem(octets: bytes) -> Iterator[OfferedKey]:
    blocks = list(_BLOCK.finditer(octets))
    if len(blocks) != octets.count(b"-----BEGIN"):
        raise NotAListError("PEM that is cut short")
    for number, block in enumerate(blocks, 1):
        label = block[1].decode()
        flaw = ""
        if label not in {"CERTIFICATE", "X509 CERTIFICATE", "PUBLIC KEY"}:
            flaw = f"{label.lower()}, neither a certificate nor a public key"
        elif len(block[0]) > MAX_ONE:
            flaw = f"larger than {MAX_ONE} bytes"
        yield OfferedKey(f"no. {number}" if len(blocks) > 1 else "", block[0] + b"\n", flaw=flaw)


def _json(text: bytes) -> File:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAListError("not JSON") from None
    if isinstance(content, dict) and isinstance(content.get("verificationMethod"), list):
        offers = [_did(number, one) for number, one in enumerate(content["verificationMethod"], 1)]
        return File(_bounded(offers), unproven=True)
    if isinstance(content, dict) and isinstance(content.get("certificates"), list):
        content = content["certificates"]
    if isinstance(content, list):
        return File(_bounded([_gateway(number, one) for number, one in enumerate(content, 1)]))
    raise NotAListError("JSON, but neither a did.json nor a list of certificates")


def _bounded(offers: list[OfferedKey] | tuple[OfferedKey, ...]) -> tuple[OfferedKey, ...]:
    if not offers:
        raise NotAListError("holds no key at all")
    if len(offers) > MAX_ENTRIES:
        raise NotAListError(f"more than {MAX_ENTRIES} entries")
    return tuple(offers)


def _gateway(number: int, one: Any) -> OfferedKey:
    if not isinstance(one, dict):
        return OfferedKey(f"no. {number}", b"", flaw="not an object")
    kid = _base64(one.get("kid"))
    name = f"no. {number}" + (f" kid {kid.hex()}" if kid else "")
    kind = one.get("certificateType", "")
    if kind not in _DSC:
        return OfferedKey(name, b"", flaw=f"of type {str(kind)[:20]!r}, not DSC")
    raw = _base64(one.get("rawData"))
    country = one.get("country")
    if not raw:
        return OfferedKey(name, b"", flaw="rawData is not base64 of at most 16 KB")
    return OfferedKey(name, raw, kid, country if isinstance(country, str) else None)


def _did(number: int, one: Any) -> OfferedKey:
    if not isinstance(one, dict) or not isinstance(one.get("publicKeyJwk"), dict):
        return OfferedKey(f"no. {number}", b"", flaw="no publicKeyJwk")
    jwk = one["publicKeyJwk"]
    fragment = unquote(str(one.get("id", ""))[:400].rpartition("#")[2])
    kid = _base64(fragment) or _base64(jwk.get("kid"))
    kid = kid if kid is not None and len(kid) == 8 else None  # noqa: PLR2004 - a kid has 8 bytes; else it is another name
    name = f"no. {number}" + (f" kid {kid.hex()}" if kid else "")
    if "d" in jwk:
        return OfferedKey(name, b"", flaw="a private key")
    try:
        bare = _jwk(jwk)
    except (ValueError, UnsupportedAlgorithm) as error:
        return OfferedKey(name, b"", flaw=f"not a public key: {error}")
    if (chain := jwk.get("x5c")) is None:
        return OfferedKey(name, bare, kid) if bare else OfferedKey(name, b"", flaw="neither x5c nor a public key")
    leaf = _base64(chain[0]) if isinstance(chain, list) and chain else None
    if leaf is None:
        return OfferedKey(name, b"", flaw="x5c is not a list of base64 of at most 16 KB")
    return OfferedKey(name, leaf, kid, bare=bare)


def _jwk(jwk: dict[str, Any]) -> bytes | None:
    """Return the SPKI of a JSON Web Key (RFC 7518, 6; RFC 8037, 2), ``None`` if only its certificate is there."""
    # The live list writes some numbers with a zero before them, as Java's BigInteger does; RFC 7518 has none.
    parts = {name: (_base64(jwk.get(name)) or b"") for name in ("x", "y", "n", "e")}
    numbers = {name: part.lstrip(b"\0") for name, part in parts.items()}
    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256" if numbers["x"] and numbers["y"]:
            point = b"\x04" + numbers["x"].rjust(32, b"\0") + numbers["y"].rjust(32, b"\0")
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        case "OKP", "Ed25519" if parts["x"]:
            key = ed25519.Ed25519PublicKey.from_public_bytes(parts["x"])
        case "RSA", _ if numbers["n"] and numbers["e"]:
            if len(numbers["n"]) > 512:  # noqa: PLR2004 - 4096 bits, `device.formats.cose.RSA_SIZES`
                raise ValueError("an RSA key of more than 4096 bits")
            modulus, exponent = (int.from_bytes(numbers[name], "big") for name in ("n", "e"))
            key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        case _ if jwk.get("x5c") is not None:
            return None
        case kind, curve:
            raise ValueError(f"a key of kind {str(kind)[:20]} {str(curve)[:20]}")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _base64(text: Any) -> bytes | None:
    if not isinstance(text, str) or not text or len(text) > MAX_ONE * 4 // 3 + 100:
        return None
    plain = "".join(text.split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
