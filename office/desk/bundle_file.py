"""Bundles as files: one that somebody names, and the one that this desk signed last."""

from contextlib import suppress
from pathlib import Path

from device.trust.bundle import BundleError, Roots, Trust, open_bundle, root_key
from office.desk.desk import LAST, Desk
from office.desk.files import is_there, read
from office.desk.refusal import RefusalError


def opened(file: Path, root: str) -> Trust:
    """Return the trust in the bundle *file*, if *root* signed it: base64, or a file that holds it."""
    text = read(Path(root)).decode("utf-8", "replace") if is_there(root) else root
    try:
        key = root_key(text)
    except ValueError as error:
        raise RefusalError(f"--root: bukan kunci akar / {error}") from None
    try:
        return open_bundle(read(file), Roots(key))
    except BundleError as error:
        raise RefusalError(f"{file}: tidak dipercaya / not believed: {error}") from None


def last(desk: Desk) -> Trust | None:
    """Return the bundle that *desk* signed last, ``None`` if there is none; raises `RefusalError` for a damaged one."""
    path = desk.folder / LAST
    if not path.exists():
        return None
    octets = read(path)
    try:
        return open_bundle(octets, Roots(root_key(desk.book.root)))
    except BundleError as error:
        if desk.book.old_root is not None:  # a handover that was cut off after the book was written
            with suppress(BundleError):
                return open_bundle(octets, Roots(root_key(desk.book.old_root)))
        raise RefusalError(
            f"{path}: rusak / damaged: {error}. Berikutnya / next: hapus berkas itu / delete that file"
        ) from None


def last_or_none(desk: Desk) -> tuple[Trust, str]:
    """Return the last bundle to compare with, or an empty one and why: no signing fails for want of a comparison."""
    try:
        return last(desk) or Trust(), ""
    except RefusalError as refusal:
        return Trust(), str(refusal)
