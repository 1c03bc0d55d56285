"""One line on standard error for each change of state: for the journal with a priority, else with a word."""

import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Mapping

line = logging.getLogger("titik")
"""Where a command says what concerns the program as a whole."""

_PRIORITY = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
_WORD = {logging.ERROR: "error: ", logging.WARNING: "warning: "}


def shown(text: object) -> str:
    """Return *text* for a terminal or a log: what is no printable character, such as an escape, becomes ``?``."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


class _Line(logging.Formatter):
    """Lines that the journal or a terminal reads; a control character is never let through."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__("%(message)s")
        self._journal = journal

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the message as one line, whatever name of a file stands in it."""
        return shown(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; a traceback's lines follow it."""
        text = super().format(record)
        safe = "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)
        if self._journal:
            return f"<{_PRIORITY.get(record.levelno, 3)}>{safe}"
        return _WORD.get(record.levelno, "") + safe


def start(env: Mapping[str, str] = os.environ) -> None:
    """Send the log to standard error, and every thread's stack there on SIGUSR1."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(_Line(journal="JOURNAL_STREAM" in env))
    logging.basicConfig(level=logging.INFO, handlers=[out], force=True)
    faulthandler.register(signal.SIGUSR1)
