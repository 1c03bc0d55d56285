"""A connection in the making, beside the loop, which must not wait for a name server or a mute broker."""

from threading import Event

from device.mqtt_client import Link, SessionError
from device.system.worker import Worker


class Connector(Worker):
    """Enters *link* on a thread of its own; what it enters belongs to whoever asked, once it is there."""

    grace = 0.1
    leavable = True

    def __init__(self, link: Link) -> None:
        super().__init__("dial")
        self._link = link
        self._done = Event()
        self._broken: SessionError | None = None
        self._linked = False

    def work(self) -> None:
        """Connect, and keep the broker's refusal."""
        try:
            self._link.__enter__()
            self._linked = True
        except SessionError as broken:
            self._broken = broken
        finally:
            self._done.set()

    def there(self, seconds: float) -> bool:
        """Wait at most *seconds*; return whether the link may be used.

        Raises `SessionError` where there will be none.
        """
        if not self._done.wait(seconds):
            return False
        if self._broken is not None:
            raise self._broken
        if not self._linked:
            self._thread.join(self.grace)
            self.check()
        return True
