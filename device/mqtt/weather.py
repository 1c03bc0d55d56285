"""What is said of the way to the broker: each change once, and what only several ends in a row can show."""

import logging
from pathlib import Path

from device.mqtt import tls
from device.mqtt.pace import Pace
from device.mqtt.session_end import Cause, Sentence, SessionError, shared

log = logging.getLogger(__name__)

SOON = 60.0
"""Seconds within which a session must end to be counted as one that was cut short."""
ALIKE = 3
"""Sessions in a row, each taken in by the broker and soon ended without a word, that look like two under one name."""


class Weather:
    """The last thing said; *name* and *certificate* are what this client shows to the broker.

    *meanwhile* is said with every end of a session.
    """

    def __init__(self, name: str, certificate: Path | None, meanwhile: str) -> None:
        self._name = name
        self._certificate = certificate
        self._meanwhile = meanwhile
        self._slow = False
        self._said: tuple[Cause, str] | None = None
        self._fair = False
        self._short = 0

    def fair(self) -> None:
        """Say that the broker is there."""
        if not self._fair:
            log.info("the broker is there")
        self._fair, self._said = True, None

    def foul(self, broken: SessionError) -> None:
        """Say why there is no session, unless that was the last thing said."""
        sentence = Sentence(broken.cause, broken.what, broken.following)
        cut_short = broken.lasted is not None and broken.lasted < SOON
        if broken.cause is Cause.CLOSED and cut_short:
            self._short += 1
        elif broken.cause is not Cause.CLOSED_ON or not cut_short:
            self._short = 0
        if self._short >= ALIKE and broken.cause is Cause.CLOSED:
            sentence = shared(self._name, tls.certified_name(self._certificate))
        # Not by its words: a number in them may be another each time.
        if self._said != (sentence.cause, sentence.following):
            log.warning("%s; %s. Next: %s", sentence.what, self._meanwhile, sentence.following)
        self._fair, self._said = False, (sentence.cause, sentence.following)

    def line(self, pace: Pace) -> None:
        """Say that the line has become slow, or quick again."""
        if pace.slow and not self._slow:
            self._slow = True
            log.warning(
                "the line to the broker is slow, some %d bytes a second: events go a few at a time, and none is lost."
                " Next: its signal, and who else uses it",
                pace.rate,
            )
        elif self._slow and pace.quick:
            self._slow = False
            log.info("the line to the broker is quick again")
