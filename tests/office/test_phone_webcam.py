"""A phone code before the desk's webcam."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric import ec

from device.model import Frame
from office.desk.refusal import MissingError, RefusalError
from office.passes.phone import PREFIX, phone_code
from office.passes.phone_webcam import key_from_frames, key_from_webcam

KEY, OTHER, THIRD = (ec.derive_private_key(n, ec.SECP256R1()).public_key() for n in (7, 8, 9))
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def frame(*texts: str, tick: float = 0.0) -> Frame:
    """Return a view of *texts* beside each other."""
    luma = np.full((240, 640), 200, np.uint8)
    for n, text in enumerate(texts):
        code = np.kron(np.pad(np.array(segno.make(text, error="m").matrix, np.uint8), 4), np.ones((4, 4), np.uint8))
        luma[: code.shape[0], n * 320 : n * 320 + code.shape[1]] = np.where(code, 20, 235)
    return Frame(luma, NOW, tick)


def test_the_first_phone_code_that_stands_alone_is_taken() -> None:
    mine, other, third = (PREFIX + phone_code(key) for key in (KEY, OTHER, THIRD))
    assert key_from_frames([frame(), frame("HALO"), frame(other, third), frame("HALO", mine)], 60) == KEY


def test_nobody_waits_for_ever_before_a_webcam() -> None:
    mine = PREFIX + phone_code(KEY)
    with pytest.raises(RefusalError, match="No single phone code was seen by the webcam"):
        key_from_frames([frame(tick=5), frame(tick=64), frame(tick=66), frame(mine, tick=67)], 60)
    assert key_from_frames([frame(tick=5), frame(tick=64), frame(mine, tick=67)], 60) == KEY


def test_a_webcam_that_is_not_there_is_something_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"The webcam cannot be used: the webcam .* is not there"):
        key_from_webcam(tmp_path / "video0")
