"""A phone code on a picture."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from device.camera.stills import read_file
from office.desk.refusal import RefusalError
from office.passes.phone import PREFIX, phone_key


def key_from_picture(path: Path) -> ec.EllipticCurvePublicKey:
    """Return the key of the one phone code on the picture in *path*; raises `RefusalError`."""
    still = read_file(path)
    if not still.frames:
        raise RefusalError(f"Gambar tidak terbaca. / The picture cannot be read: {still.wrong}")
    texts = [text for text in still.texts if text.startswith(PREFIX)]
    if len(texts) != 1:
        raise RefusalError(
            f"{path}: {len(texts)} kode telepon terlihat, perlu satu. / {len(texts)} phone codes seen, one is needed."
            " Berikutnya / next: foto lebih dekat, atau ketik kodenya / a closer picture, or type the code"
            + (f" ({still.wrong})" if still.wrong is not None else "")
        )
    return phone_key(texts[0])
