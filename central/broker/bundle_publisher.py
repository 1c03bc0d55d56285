"""The trust bundle as the desk signed it, to be posted for all points; the centre neither opens nor believes it."""

from pathlib import Path
from typing import NamedTuple

from device.system.disk import read_bounded
from device.wire import MAX_BUNDLE

AROUND = 16
"""Bytes of a packet around the bundle, its topic apart."""
FIRST_WAIT, MAX_WAIT = 60.0, 3600.0
"""Seconds after which a bundle is tried again at which the session ended, doubling."""


class PostingFault(NamedTuple):
    """Why the bundle is not posted, and what to do."""

    why: str
    following: str
    bytes: int | None = None
    """The bundle's own, where they are too many for the broker."""
    largest: int | None = None
    """The bytes of a packet that the broker takes, where it said so."""


class BundlePublisher:
    """Watches the bundle's file; each new state of it is given out once, until `again` is asked for.

    Times are monotonic seconds.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._seen: tuple[int, int, int, int] | None = None
        self._under_way: int | None = None
        self._size = 0
        self._wait = 0.0
        self._not_before = 0.0
        self._ended_with: tuple[int, int, int, int] | None = None
        """The state of the file with which a session ended."""
        self.fault: PostingFault | None = None
        """Why there is nothing to post, for the operator."""

    def again(self, now: float) -> None:
        """Give out the bundle anew in this session: a broker without its persistence may have forgotten it.

        One that was under way when the session before ended is given out later: a broker on MQTT 3.1.1 says in no
        other way that a message is too large for it, and receipts must go out meanwhile.
        """
        if self._under_way is not None:
            self._wait = min(2 * self._wait, MAX_WAIT) if self._ended_with == self._seen else FIRST_WAIT
            self._ended_with, self._not_before = self._seen, now + self._wait
            self._too_large(None)
        self._under_way = self._seen = None

    def newer(self, topic: str, largest: int | None, now: float) -> bytes | None:
        """Return the bundle if the file is another than before, ``None`` if it is not, or cannot be posted.

        *largest* is the largest packet that the broker takes, if it said so.
        """
        if self.path is None:
            return None
        try:
            state = self.path.stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size)
            if seen == self._seen or (seen == self._ended_with and now < self._not_before):
                return None
            octets = read_bounded(self.path, MAX_BUNDLE)
        except OSError as error:
            self._seen = None
            self.fault = PostingFault(f"{self.path}: {error.strerror}", "[trust] bundle in central.toml")
            return None
        self._seen, self._size = seen, len(octets)
        if not 0 < len(octets) <= MAX_BUNDLE:
            self.fault = PostingFault(f"{self.path} is no bundle by its size", "[trust] bundle in central.toml")
        elif largest is not None and len(octets) + len(topic.encode()) + AROUND > largest:
            self._too_large(largest)
        else:
            return octets
        return None

    def sent(self, mid: int) -> None:
        """Note that what was given out is under way as packet *mid*."""
        self._under_way = mid

    @property
    def under_way(self) -> bool:
        """Whether the broker has not answered for it yet."""
        return self._under_way is not None

    def acked(self, mid: int, *, refused: bool) -> int | None:
        """Note the broker's word for packet *mid*; return the size of the bundle if that is posted now."""
        if mid != self._under_way:
            return None
        self._under_way = self._ended_with = None
        if refused:
            self.fault = PostingFault(
                "the broker refuses it", "the broker's ACL: the centre writes fleet/#", self._size
            )
            return None
        self.fault = None
        return self._size

    def _too_large(self, largest: int | None) -> None:
        said = "it ended the session" if largest is None else f"{largest} at most"
        self.fault = PostingFault(
            f"the broker takes no message of {self._size} bytes ({said})",
            f"max_packet_size in mosquitto.conf, {self._size + 2 * AROUND} or more; restart the broker",
            self._size,
            largest,
        )
