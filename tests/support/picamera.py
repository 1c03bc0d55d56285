"""A stand-in for picamera2 that keeps its manners, the bad ones too."""

import threading
from concurrent.futures import CancelledError, Future
from typing import Any, ClassVar


class Job:
    """What ``wait=False`` gives: a result, or nothing for ever."""

    def __init__(self, planes: Any) -> None:
        self._future: Future[Any] = Future()
        if planes is not None:
            self._future.set_result(planes)

    def pending(self) -> bool:
        return not self._future.done()

    def cancel(self) -> None:
        self._future.set_exception(CancelledError())

    def get_result(self, timeout: float) -> Any:
        return self._future.result(timeout)


class Picamera2:
    """Gives each scripted frame once; ``None`` is silence."""

    script: ClassVar[list[Any]] = []
    calls: ClassVar[list[str]] = []
    given: ClassVar[str] = "YUV420"
    plugged: ClassVar[int] = 1
    listed: ClassVar[int] = 0
    has: ClassVar[dict[str, Any]] = {}
    told: ClassVar[dict[str, Any]] = {}
    hang: ClassVar[dict[str, threading.Event]] = {}

    class _cm:  # noqa: N801 - picamera2's own name for its list of cameras
        @staticmethod
        def reset() -> None:
            Picamera2.listed = Picamera2.plugged

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return [{"Num": 0}] * Picamera2.listed

    def __init__(self) -> None:
        assert Picamera2.listed, "it would leave a descriptor open"
        if self.script and isinstance(self.script[0], Exception):
            raise self.script.pop(0)
        self.calls.append("open")
        self.camera_controls = self.has
        self._job: Job | None = None

    def create_video_configuration(self, main: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"main": main, **more}

    def configure(self, told: dict[str, Any]) -> None:
        self.calls.append("configure")
        self.told.clear()
        self.told.update(told)
        self._main = {**told["main"], "format": self.given}

    def set_controls(self, told: dict[str, Any]) -> None:
        assert told.keys() <= self.camera_controls.keys()
        self.told["controls"].update(told)

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": self._main}

    def start(self) -> None:
        self._hangs("start")
        self.calls.append("start")

    def capture_array(self, name: str, wait: bool) -> Job:
        assert (name, wait) == ("main", False)
        self._job = Job(self.script.pop(0) if self.script else None)
        return self._job

    def cancel_all_and_flush(self) -> None:
        if self._job is not None and self._job.pending():
            self._job.cancel()

    def stop(self) -> None:
        """Wait for what is queued, as the real one does, which would be for ever."""
        assert self._job is None or not self._job.pending()
        self._hangs("stop")
        self.calls.append("stop")

    def _hangs(self, what: str) -> None:
        if what in self.hang:
            assert self.hang[what].wait(3600)

    def close(self) -> None:
        self.calls.append("close")
