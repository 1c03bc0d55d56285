"""What the clock was worth: once it is trusted, the events that were taken in doubt get their true time."""

from datetime import datetime

from device.record.event import Composer
from device.record.outbox import Outbox, RecordError
from device.system.clock import ClockState


class ClockCorrection:
    """Appends one ``id.titik.clock`` event whenever the clock is trusted after events for which it was not.

    An earlier run of the program in the same boot may have left some: the outbox is asked for them once.
    """

    def __init__(self, outbox: Outbox, composer: Composer) -> None:
        self._outbox = outbox
        self._composer = composer
        self._waiting: bool | None = None

    def note(self, clock: ClockState) -> None:
        """Note the clock that an event was recorded with."""
        if not clock.synced:
            self._waiting = True

    def tell(self, at: datetime, clock: ClockState) -> bool:
        """Record the correction that is due at *at*, and return whether one was; one that could not be stays due."""
        if not clock.synced or self._waiting is False:
            return False
        try:
            if self._waiting is None:
                self._waiting = self._outbox.uncorrected(clock.boot)
            if not self._waiting:
                return False
            self._outbox.append(lambda place: self._composer.correct(place, at, clock))
        except RecordError:  # the outbox has said so itself, and the wall shows it
            return False
        self._waiting = False
        return True
