"""The trust bundle as the desk signed it, to be posted for all points; the centre neither opens nor believes it."""

from pathlib import Path

from device.disk import read_bounded
from device.wire import MAX_BUNDLE


class Posting:
    """Watches the bundle's file; each new state of it is given out once, until `again` is asked for."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._seen: tuple[int, int, int, int] | None = None
        self.fault: str | None = None
        """Why there is nothing to post, for the operator."""

    def again(self) -> None:
        """Give out the bundle anew: a broker without its persistence may have forgotten it."""
        self._seen = None

    def newer(self) -> bytes | None:
        """Return the bundle if the file is another than before, ``None`` if it is not, or cannot be posted."""
        if self.path is None:
            return None
        try:
            state = self.path.stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size)
            if seen == self._seen:
                return None
            octets = read_bounded(self.path, MAX_BUNDLE)
        except OSError as error:
            self._seen = None
            self.fault = f"{self.path}: {error.strerror}"
            return None
        self._seen = seen
        self.fault = f"{self.path} is no bundle by its size" if not 0 < len(octets) <= MAX_BUNDLE else None
        return None if self.fault else octets
