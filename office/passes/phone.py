"""The phone pass: the page that phones open, the code a phone shows at the desk, and the link back to it.

A phone makes its own key and keeps it; the desk learns only the public half, as a short text with a check.
"""

import base64
import hashlib
import html
import re
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from office.desk.files import replace_file
from office.desk.refusal import RefusalError

PREFIX: Final = "TITIK-PHONE:"
"""What stands before a phone code in its QR, so that no other code is taken for one."""
CODE_LENGTH: Final = 56
"""Characters of a phone code: 33 bytes of a point and 2 of a check in base32."""
MAX_MESSAGE: Final = 1_024
"""Bytes of a pass that the page will look at."""
MAX_NAME: Final = 80
"""Characters of an office's name, on a phone's first line."""

_CHECK: Final = 2
"""Bytes of SHA-256 behind the point: a slip of the eye goes unseen once in 65,536 times."""
_SLIPS: Final = str.maketrans("018", "OIB")
"""Digits that base32 has not (RFC 4648, 6), and the letters they were read from."""
_HERE: Final = frozenset({"localhost"})
"""Names to which a browser grants a key without https, for trying things out."""


def page_html(office: str) -> str:
    """Return the page, which runs the one script and wears the one style whose hashes it names (CSP 3, 2.3.1).

    Raises `RefusalError` for a name that is empty, too long or not printable.
    """
    name = " ".join(office.split())
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise RefusalError(
            f"Nama kantor: 1 sampai {MAX_NAME} huruf tanpa tanda kendali."
            f" / The office's name is 1 to {MAX_NAME} printable characters."
        )
    page = shipped("index.html")
    for tag in ("script", "style"):
        # The template's own text is hashed before any name stands in it: a name can neither be script nor allow one.
        content = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        page = page.replace(f"{{{{{tag}}}}}", f"'sha256-{digest}'")
    return page.replace("{{office}}", html.escape(name))


def write_page(folder: Path, office: str) -> None:
    """Write the page that phones open, with *office* as its heading, into *folder*, made if it is missing.

    Raises `RefusalError` for a folder that holds something, and for a name that cannot be a heading.
    """
    page = page_html(office)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RefusalError(
                f"{folder} tidak kosong; tidak ada yang ditimpa. / {folder} is not empty; nothing is overwritten."
                " Berikutnya / next: folder baru / a new folder"
            )
    except OSError as error:
        raise RefusalError(f"{folder}: {error.strerror}") from None
    replace_file(folder / "index.html", page.encode(), 0o644)  # a web server is another user
    replace_file(folder / "sw.js", shipped("sw.js").encode(), 0o644)


def phone_code(key: ec.EllipticCurvePublicKey) -> str:
    """Return the 56 characters by which a phone's page names *key*: base32 of the point and its check."""
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return base64.b32encode(point + hashlib.sha256(point).digest()[:_CHECK]).decode()


def phone_key(text: str) -> ec.EllipticCurvePublicKey:
    """Return the key that a phone code names, as read from its QR or typed from its groups of four.

    Spaces, hyphens, lower case and the digits 0, 1 and 8 for the letters they look like are forgiven. Raises
    `RefusalError` for a wrong length, a foreign character, a wrong check, and a point that is not on the curve.
    """
    typed = re.sub(r"[\s-]+", "", text[:1_000]).upper().removeprefix(PREFIX.replace("-", "")).translate(_SLIPS)
    if len(typed) != CODE_LENGTH:
        raise RefusalError(
            f"Kode telepon punya {CODE_LENGTH} huruf dan angka, ini {len(typed)}."
            f" / A phone code has {CODE_LENGTH} characters, this has {len(typed)}."
        )
    try:
        octets = base64.b32decode(typed)
    except ValueError:  # base64's error, and a character outside ASCII
        raise RefusalError(
            "Kode telepon hanya memuat A sampai Z dan 2 sampai 7."
            " / A phone code holds only A to Z and 2 to 7. Berikutnya / next: baca lagi / read it again"
        ) from None
    point, check = octets[:-_CHECK], octets[-_CHECK:]
    if hashlib.sha256(point).digest()[:_CHECK] != check:
        raise RefusalError(
            "Ada huruf yang salah di kode telepon; periksa kelompok demi kelompok."
            " / Some character of the phone code is wrong; compare it group by group."
        )
    if point[0] not in (2, 3):  # the length is that of a compressed point, and so must be its form
        raise RefusalError("Kode ini bukan kunci telepon. / This code is not a phone's key.")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise RefusalError("Kode ini bukan kunci telepon. / This code is not a phone's key.") from None


def link(page: str, message: bytes) -> str:
    """Return the link that brings the pass *message* (a COSE_Sign1) to the phone that opens *page*.

    It stands behind ``#``, which a browser does not send to the server. Raises `RefusalError` for an address
    without https, since a browser gives it no key, and for a pass that the page would not look at.
    """
    try:
        parts = urlsplit(page)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    known = host and (parts.scheme == "https" or (parts.scheme == "http" and host in _HERE))
    if not known or not page.isascii() or not page.isprintable() or re.search(r"[\s#?@]", page):
        raise RefusalError(
            f"{page!r}: alamat halaman dimulai dengan https:// dan tanpa # atau ?."
            " / The page's address begins with https:// and has no # or ?."
            " Contoh / example: https://pas.luwuutarakab.example/"
        )
    if len(message) > MAX_MESSAGE:
        raise RefusalError(
            f"Pas ini {len(message)} byte, paling besar {MAX_MESSAGE}."
            f" / This pass has {len(message)} bytes, at most {MAX_MESSAGE}."
        )
    whole = page if parts.path else f"{page}/"
    return f"{whole}#p={base64.urlsafe_b64encode(message).decode().rstrip('=')}"


def cnf(key: ec.EllipticCurvePublicKey) -> dict[int, Any]:
    """Return the value of the claim that names the phone's key: a COSE_Key (RFC 8747, 3.2; RFC 9053, 7.1.1)."""
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return {1: {1: 2, -1: 1, -2: point[1:], -3: point[0] == 3}}  # noqa: PLR2004 - an odd y (SEC 1, 2.3.3)


def shipped(name: str) -> str:
    """Return the file *name* of the page as it lies in this program."""
    return (resources.files("office.passes") / "phone_page" / name).read_text(encoding="utf-8")
