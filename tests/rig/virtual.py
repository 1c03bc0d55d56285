"""What stands in for a Pi, so that the real picamera2 opens libcamera's virtual camera; import it before picamera2.

picamera2 itself is not changed, but for three things that it takes from a Pi: `pykms` (a window on a screen that is
not there), memory from the kernel's DMA heaps, and the list of raw modes, which a camera without a sensor refuses to
give. A fourth, `Sensor`, is a clock: the virtual camera fills a buffer the moment that it is handed one.
"""

import mmap
import os
import sys
import threading
import types
from collections import deque
from pathlib import Path
from time import sleep
from typing import Any

# picamera2 names the formats of a screen when it is imported, and needs none of them without one.
_pykms: Any = types.ModuleType("pykms")
_pykms.PixelFormat = types.SimpleNamespace(
    **dict.fromkeys(("RGB888", "BGR888", "XRGB8888", "XBGR8888", "YUV420", "YVU420", "NV12", "NV21"))
)
sys.modules.setdefault("pykms", _pykms)

import libcamera  # noqa: E402 - after the stand-in, as everything below
import picamera2  # noqa: E402
from picamera2.allocators.allocator import Allocator, Sync  # noqa: E402


class Memory(Allocator):
    """Buffers in anonymous files, for kernels without DMA heaps; a plane of brightness and one of colour each.

    The virtual camera wants the planes of NV12 one by one, where picamera2 gives a Pi one plane for all.
    """

    class _Mapped(Sync):
        def __init__(self, allocator: "Memory", buffer: Any, _write: bool) -> None:
            self._map = allocator.maps[buffer.planes[0].fd]

        def __enter__(self) -> mmap.mmap:
            return self._map

        def __exit__(self, *_: object) -> None:
            """Leave the mapping: it lives as long as its buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.sync = self._Mapped
        self.maps: dict[int, mmap.mmap] = {}
        self._buffers: dict[Any, list[Any]] = {}

    def allocate(self, libcamera_config: Any, _use_case: object) -> None:
        self.maps.clear()
        self._buffers = {
            stream.stream: [self._buffer(stream) for _ in range(stream.buffer_count)] for stream in libcamera_config
        }

    def buffers(self, stream: Any) -> list[Any]:
        return self._buffers[stream]

    def _buffer(self, stream: Any) -> Any:
        size = stream.frame_size
        luma = stream.stride * stream.size.height
        file = os.memfd_create("frame")
        os.ftruncate(file, size)
        planes = []
        for offset, length in ((0, luma), (luma, size - luma)):
            plane = libcamera.FrameBuffer.Plane()
            plane.fd, plane.offset, plane.length = file, offset, length
            planes.append(plane)
        buffer = libcamera.FrameBuffer(planes)
        self.maps[buffer.planes[0].fd] = mmap.mmap(file, size)  # libcamera has its own copies of the descriptor
        os.close(file)
        return buffer


def _raw_modes(self: Any) -> list[dict[str, Any]]:
    """Return the modes that the camera does have, in place of a sensor's."""
    formats = self.camera.generate_configuration([libcamera.StreamRole.Viewfinder]).at(0).formats
    return [
        {"format": str(pixel), "size": (size.width, size.height)}
        for pixel in formats.pixel_formats
        for size in formats.sizes(pixel)
    ]


def unplugged_while(gone: Path) -> None:
    """Let libcamera list no camera while the file *gone* exists, whenever it is asked to look anew.

    It is told to look for another kind of camera: its virtual one, once it was not found, is never found again.
    """
    look: Any = libcamera.CameraManager.singleton

    def looked() -> Any:
        os.environ["LIBCAMERA_PIPELINES_MATCH_LIST"] = "uvcvideo" if gone.exists() else "virtual"
        return look()

    libcamera.CameraManager.singleton = looked


class Sensor:
    """Hands the camera one waiting buffer per frame; none while the file *stalled* exists, as a sensor that hangs."""

    def __init__(self, fps: float, stalled: Path) -> None:
        self._interval = 1 / fps
        self._stalled = stalled
        self._waiting: deque[tuple[Any, Any]] = deque()
        self._lock = threading.Lock()
        self._queue, self._stop = libcamera.Camera.queue_request, libcamera.Camera.stop

        def queue(camera: Any, request: Any) -> None:
            self._waiting.append((camera, request))

        def stop(camera: Any) -> None:
            with self._lock:
                self._waiting.clear()  # as libcamera's stop does with the buffers that it has
                self._stop(camera)

        libcamera.Camera.queue_request, libcamera.Camera.stop = queue, stop
        threading.Thread(target=self._expose, name="sensor", daemon=True).start()

    def _expose(self) -> None:
        while True:
            sleep(self._interval)
            with self._lock:
                if self._waiting and not self._stalled.exists():
                    self._queue(*self._waiting.popleft())


picamera2.picamera2.DmaAllocator = Memory
picamera2.Picamera2._get_raw_modes = _raw_modes
