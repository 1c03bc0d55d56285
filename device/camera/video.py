"""A video file as eyes, for trying things out: brightness only, at its own pace, looped or once."""

import logging
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.config import MAX_PIXELS, CameraSettings, SightingSettings
from device.model import Frame
from device.system.errors import TitikError
from device.system.stop import Stop

log = logging.getLogger(__name__)

SLOW = SightingSettings().quiet
"""Seconds between two pictures from which a code that stays in the film is a showing of its own in each."""
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,ogg,flv,yuv4mpegpipe"
"""Containers that hold their pictures themselves; a playlist would open whatever else it names."""
PLANAR = frozenset(
    {"gray", "yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuva420p", "nv12", "nv21"}
)
"""The forms that begin with the brightness of every pixel, a byte each; others are converted."""
WITHOUT = 'the video needs PyAV. Next: sudo apt install python3-av, or: pip install "titik[video]"'


class VideoError(TitikError, OSError):
    """A file that cannot be played as a video, in one sentence."""


def frames(camera: CameraSettings, stop: Stop) -> Generator[Frame, None, None]:
    """Yield the frames of ``camera.video``, at most *fps* a second; ends after the last one unless it loops.

    None comes before its time; a loop that is slow gets them later, and all of them, so that two runs see the same.
    What is broken is passed over; raises `VideoError` for *patience* seconds, or a whole file, without a picture.
    The file is opened again on every round, so that it may be replaced.
    """
    if camera.video is None:
        raise VideoError("no video is named. Next: [camera] video = FILE")
    due = monotonic()
    slow = False
    while True:
        played = None
        with closing(_pictures(camera.video, camera.patience, stop)) as pictures:
            for luma, seconds in pictures:
                at = seconds if seconds is not None else (0.0 if played is None else played + 1 / camera.fps)
                step = 1 / camera.fps if played is None else at - played
                # A pause in the file's own clock, or a jump back, is not waited out.
                step = step if 0 <= step <= camera.patience else 1 / camera.fps
                if played is not None and step < 0.99 / camera.fps:
                    continue
                if step >= SLOW and not slow:
                    slow = True
                    log.warning(
                        "%s shows its pictures %.2g s apart: a code in it is shown anew by each of them, unless"
                        " [sighting] quiet is longer. Next: quiet = %.2g, or a film of more frames a second",
                        camera.video,
                        step,
                        2 * step,
                    )
                played = at
                due = max(due + step, monotonic() - step)
                if stop.wait(max(0.0, due - monotonic())):
                    return
                yield Frame(luma, datetime.now(UTC), monotonic())
        if stop.is_set():
            return
        if played is None:
            raise VideoError(f"not one picture in {camera.video} can be decoded. Next: ffmpeg -i {camera.video}")
        if not camera.loop:
            return


def _pictures(path: Path, patience: float, stop: Stop) -> Generator[tuple[NDArray[np.uint8], float | None], None, None]:
    """Yield the brightness of each picture in *path*, and its time in seconds; raises `VideoError`."""
    try:
        import av  # noqa: PLC0415 - 24 MB that nobody else pays for, and not on every machine
    except ImportError:
        raise VideoError(WITHOUT) from None
    av.logging.set_level(None)  # what the decoder thinks of a damaged file is said below, in one sentence
    if not path.is_file():  # a pipe would be waited for without a limit
        raise VideoError(f"there is no video file {path}. Next: [camera] video = FILE")
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
    try:
        with av.open(str(path), options=options, timeout=patience) as container:
            if not container.streams.video:
                raise VideoError(f"{path} holds no video. Next: another file")
            stream = container.streams.video[0]
            _bounded(path, stream.codec_context.width, stream.codec_context.height)
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            since = monotonic()
            for packet in container.demux(stream):
                if stop.is_set():
                    return
                if monotonic() - since > patience:
                    raise VideoError(f"{path} gave no picture for {patience:g} s. Next: ffmpeg -i {path}")
                try:
                    pictures = packet.decode()
                except av.FFmpegError:
                    continue  # broken: as a webcam's broken frame, it counts against the patience
                for picture in pictures:
                    _bounded(path, picture.width, picture.height)
                    yield _luma(picture), picture.time
                    since = monotonic()
    except av.FFmpegError as error:
        raise VideoError(f"{path} cannot be played as a video ({error.strerror}). Next: ffmpeg -i {path}") from None


def _bounded(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise VideoError(f"{path} has pictures of {width} x {height}, more than {MAX_PIXELS} pixels. Next: scale it")


def _luma(picture: Any) -> NDArray[np.uint8]:
    """Return the brightness of *picture*, without a copy where its form begins with it."""
    plane = picture.planes[0]
    if picture.format.name not in PLANAR or plane.line_size < picture.width:
        converted: NDArray[np.uint8] = picture.to_ndarray(format="gray")
        return converted
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: picture.height, : picture.width]
