"""Many receipts, one commit: when it comes, and what a disk that takes none does to it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.delivery._settlements import AGAIN, AT_ONCE, WITHIN, Settlements
from device.delivery.in_flight import Batch, InFlight
from device.model import Event
from device.record.outbox import Outbox

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def loaded(outbox: Outbox, count: int) -> list[Batch]:
    """Append *count* events, and return them as messages."""
    for _ in range(count):
        outbox.append(lambda place: Event(place, f"i{place.seq}", b"{}"))
    return InFlight(100).load(outbox.owed(0, count))


def test_receipts_wait_for_company_a_moment_and_never_while_nothing_is_under_way(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        one, two, three = loaded(outbox, 3)
        ledger = Settlements(outbox)
        ledger.settle(9.0, AT, idle=True)
        ledger.add([one], 10.0)
        ledger.add([two], 10.04)
        assert ledger.due == 10.0 + WITHIN
        ledger.settle(10.04, AT, idle=False)
        assert outbox.depth().owed == 3
        ledger.settle(10.0 + WITHIN, AT, idle=False)
        assert (outbox.depth().owed, ledger.due) == (1, None)
        ledger.add([three], 11.0)
        ledger.settle(11.0, AT, idle=True)
        assert (outbox.depth().owed, ledger.due) == (0, None)


def test_a_disk_that_takes_no_commit_is_asked_again_later_and_forgets_nothing(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        assert outbox._file is not None
        outbox._file.execute("PRAGMA busy_timeout = 20")
        batches = loaded(outbox, 2)
        ledger = Settlements(outbox)
        ledger.add(batches, 10.0)
        with closing(sqlite3.connect(outbox.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ledger.settle(10.0, AT, idle=True)
            assert (outbox.depth().owed, ledger.due) == (2, 10.0 + AGAIN)
        ledger.settle(10.5, AT, idle=True)
        assert outbox.depth().owed == 2
        ledger.settle(10.0 + AGAIN, AT, idle=True)
        assert (outbox.depth().owed, ledger.due) == (0, None)


def test_it_is_full_past_so_many_events_until_they_are_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "device.delivery._settlements")
    with Outbox(tmp_path / "outbox.db", 100) as outbox:
        ledger = Settlements(outbox)
        for n in range(AT_ONCE // 50):
            ledger.add([Batch([f"{n}-{m}" for m in range(50)], "e", 50 * n + 1, 50 * n + 50, b"")], 1.0)
        assert not ledger.full
        ledger.add([Batch(["x"], "f", 1, 1, b"")], 1.0)
        assert ledger.full
        ledger.settle(2.0, None, idle=False)
        assert not ledger.full
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [f"held events={AT_ONCE} through={AT_ONCE} epoch=e", "held events=1 through=1 epoch=f"]
