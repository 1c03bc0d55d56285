"""The phone code that somebody holds before the desk's webcam."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from device.camera import webcam
from device.config import CameraSettings
from device.model import Frame
from device.scanner import read_still
from device.system.stop import Stop
from office.desk.refusal import MissingError, RefusalError
from office.passes import phone

PATIENCE: Final = 60.0
"""Seconds in which a person finds the page on the phone and holds it up."""


def key_from_webcam(device: Path | None) -> ec.EllipticCurvePublicKey:
    """Return the key of the phone that is held up; *device* ``None`` is the first webcam.

    Raises `RefusalError` where none is held up, and `MissingError` for a webcam that cannot be used.
    """
    # A still is read with all that is known, so a few a second will do.
    camera = CameraSettings(source="webcam", device=device, fps=5)
    with Stop() as stop, closing(webcam.frames(camera, stop)) as frames:
        try:
            return key_from_frames(frames, PATIENCE)
        except webcam.WebcamGoneError as error:
            raise MissingError(f"Webcam tidak dapat dipakai. / The webcam cannot be used: {error}") from None


def key_from_frames(frames: Iterable[Frame], patience: float) -> ec.EllipticCurvePublicKey:
    """Return the key of the first phone code that is seen alone; raises `RefusalError` after *patience* seconds."""
    began: float | None = None
    for frame in frames:
        texts = {text for text in read_still(frame.luma) if text.startswith(phone.PREFIX)}
        if len(texts) == 1:
            return phone.phone_key(texts.pop())
        began = frame.tick if began is None else began
        if frame.tick - began > patience:
            break
    raise RefusalError(
        "Tidak ada satu kode telepon di depan webcam. / No single phone code was seen by the webcam."
        " Berikutnya / next: lebih dekat dan terang, atau ketik kodenya / closer and brighter, or type the code"
    )
