"""The ladder: how a file comes to have what this program has, one version after another, each in one transaction.

Each version is a file of ``schema/``, and where that does not say it all a step of Python beside it, which is frozen.
What is filled anew in ``later/`` is filled by today's rules, which count and note what comes as well.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from central import points
from central.events import claims, places
from central.store import schema, strays, tally
from central.store.schema import v2

STEPS = 500_000
"""Instructions of SQLite between two signs of life where one statement reads every row (some 10,000 rows)."""
Fill = Callable[[sqlite3.Connection, Callable[[], None]], None]
FILL: dict[int, Fill] = {2: v2.fill}
"""What a version makes of the rows of the one before; one that is not here makes nothing of them."""


@contextmanager
def beating(file: sqlite3.Connection, beat: Callable[[], None]) -> Iterator[None]:
    """Let *beat* be called within the block, however long one statement on *file* takes."""
    file.set_progress_handler(beat, STEPS)
    try:
        yield
    finally:
        file.set_progress_handler(None, 0)


def begin(file: sqlite3.Connection, life: str, made: str) -> None:
    """Make the first version in the empty *file*, for the centre *life*, *made* at that time."""
    with _transaction(file):
        for statement in schema.statements("v1"):
            file.execute(statement)
        file.execute("INSERT INTO life VALUES (?, ?)", (life, made))


def climb(file: sqlite3.Connection, beat: Callable[[], None]) -> None:
    """Bring *file* to the newest version, and make of `schema.LATER` what it lacks: each wholly or not at all.

    *beat* is called after each piece of what may take long.
    """
    for version in range(schema.version_of(file) + 1, schema.VERSION + 1):
        with _transaction(file):
            if schema.version_of(file) < version:  # else another program did it meanwhile
                for statement in schema.statements(f"v{version}"):
                    file.execute(statement)
                if version in FILL:
                    FILL[version](file, beat)
    behind = tally.is_behind(file)
    with _transaction(file):
        _complete(file, beat, behind=behind)


def _complete(file: sqlite3.Connection, beat: Callable[[], None], *, behind: bool) -> None:
    """Make what is absent; what there is to count or to note of the rows is done then, and where that is *behind*."""
    before = schema.there(file)
    for name in schema.LATER:
        schema.make(file, name)
    if behind or "tally" not in before:
        tally.recount(file, beat)
    if behind or not {"stray", "unread"} <= before:
        _note_quarantined(file, beat, stray=behind or "stray" not in before, unread="unread" not in before)


def _note_quarantined(file: sqlite3.Connection, beat: Callable[[], None], *, stray: bool, unread: bool) -> None:
    """Note which epochs of others, and which places, the messages in quarantine hold; what is noted stays."""
    for row, topic in file.execute("SELECT rowid, topic FROM quarantine").fetchall():
        if point := points.in_topic(topic):
            (body,) = file.execute("SELECT bytes FROM quarantine WHERE rowid = ?", (row,)).fetchone()
            if stray:
                strays.note(file, point, claims(body))
            if unread:
                some = ((point, *place) for place in places(body))
                file.executemany("INSERT INTO unread VALUES (?, ?, ?) ON CONFLICT DO NOTHING", some)
            beat()


@contextmanager
def _transaction(file: sqlite3.Connection) -> Iterator[None]:
    try:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("COMMIT")
    except BaseException:
        if file.in_transaction:
            with suppress(sqlite3.Error):
                file.execute("ROLLBACK")
        raise
