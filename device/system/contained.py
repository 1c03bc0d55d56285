"""Exceptions that went no further than they had to: counted, and each kind said once.

Whatever a stranger holds up may make a library raise what nobody foresaw. That must cost one step, or one person a
refusal, never the station; and it must be seen. Only where such a thing is foreseen is it contained: what our own
record, lights or courier raise is not the stranger's doing, and ends the program.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

log = logging.getLogger(__name__)

MAX_KINDS = 20
"""Kinds that are told apart; more would not fit into health, which has a bound."""
OTHERS = "others"


class Contained:
    """Counts what is raised, by where it was and its class; never a word of what the exception says.

    An exception's sentence may quote the text of a code, and so may its traceback.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each kind was raised since the start."""
        return dict(self._counts)

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Let no exception out of the ``with`` block; what stands after the block then says what follows."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted and said, and the next person is served
            self._note(where, error)

    def _note(self, where: str, error: Exception) -> None:
        kind = f"{where}: {type(error).__name__}"
        if kind not in self._counts and len(self._counts) >= MAX_KINDS:
            kind = OTHERS
        self._counts[kind] += 1
        if self._counts[kind] == 1:
            log.warning(
                "%s was raised (%s) and contained: that look, or text, came to nothing; health counts the next ones."
                " Next: nothing, unless the count grows; then report it, with the code that does it",
                kind,
                _place(error.__traceback__),
            )


def _place(trace: TracebackType | None) -> str:
    """Return file and line of where it was raised: what a developer needs, and nothing that was shown."""
    places = [f"{Path(frame.f_code.co_filename).name}:{line}" for frame, line in walk_tb(trace)]
    return places[-1] if places else "?"
