"""Videos of even greys, and a camera that is one."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from device.config import CameraSettings

SIZE = (64, 48)


def film(path: Path, *greys: int, fps: int = 100, form: str = "yuv420p", codec: str = "ffv1") -> Path:
    """Write a video of one even grey after another; *ffv1* loses nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = SIZE  # type: ignore[attr-defined]  # a video's stream
        stream.pix_fmt = form  # type: ignore[attr-defined]  # as above
        for n, grey in enumerate(greys):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64), grey, np.uint8), format="gray").reformat(format=form)
            picture.pts, picture.time_base = n, Fraction(1, fps)
            container.mux(stream.encode(picture))  # type: ignore[attr-defined]  # as above
        container.mux(stream.encode(None))  # type: ignore[attr-defined]  # as above
    return path


def camera_of_video(path: Path, **more: object) -> CameraSettings:
    """Return the settings of a camera that shows the video at *path* once."""
    return CameraSettings(**{"source": "video", "video": path, "fps": 100, "loop": False, **more})  # type: ignore[arg-type]  # a test may say anything
