"""The verbs of the local socket, in one table: what it answers, and what the papers and commands are held to."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from device.control import bundle_import, clock_reset, queue_list, queue_read, queue_settle
from device.control.context import Context
from device.control.control_socket import Verb
from device.wire import MAX_BUNDLE


class VerbRow(NamedTuple):
    """One verb."""

    name: str
    limit: int
    """Bytes that may follow it."""
    answer: Callable[[Context, bytes], str]
    """Returns what goes back; raises `RequestRefusedError`."""
    command: str
    """What people type for it."""


VERBS = (
    VerbRow("bundle-import", MAX_BUNDLE, bundle_import.answer, "titik bundle import"),
    VerbRow("clock-reset", 0, clock_reset.answer, "titik clock reset"),
    VerbRow("queue-list", 0, queue_list.answer, "titik queue list"),
    VerbRow("queue-read", queue_read.MAX_REQUEST, queue_read.answer, "titik queue export"),
    VerbRow("queue-settle", MAX_BUNDLE, queue_settle.answer, "titik queue import"),
)


def answered(station: Context) -> Mapping[str, Verb]:
    """Return all verbs, by name, as *station* answers them."""
    return {row.name: Verb(row.limit, partial(row.answer, station)) for row in VERBS}
