"""What a card may do to a station, made with real processes, small file systems and strace."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from device.record.outbox import Outbox, RecordError
from tests.faults import wall
from tests.faults.chaos import Site, whole
from tests.support.credentials import staff_pass
from tests.support.point import DATES, Station, hold_up
from tests.support.world import REPOSITORY, free_port, tmpfs, wait_for

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


def filled(outbox: Outbox, count: int) -> list[str]:
    """Record *count* events, and return their ids."""
    return [outbox.append(lambda place: wall.event("bupati-1", place, NOW)).id for _ in range(count)]


def recorded(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        return [id_ for (id_,) in file.execute("SELECT id FROM event ORDER BY row")]


def torn(folder: Path, card: Path, cut: int) -> list[str]:
    """Return what an outbox finds on a copy of *card* whose log ends after *cut* bytes, without its -shm."""
    folder.mkdir()
    shutil.copy(card / "outbox.db", folder)
    (folder / "outbox.db-wal").write_bytes((card / "outbox.db-wal").read_bytes()[:cut])
    with Outbox(folder / "outbox.db", 1000) as outbox:
        assert outbox.fault is None
        assert outbox.set_aside is None
        found = [one.event.id for one in outbox.owed(0, 1000)]
        filled(outbox, 1)
    return found


def test_a_log_torn_anywhere_gives_the_beginning_of_what_was_written(tmp_path: Path) -> None:
    card = tmp_path / "card"
    card.mkdir()
    with Outbox(tmp_path / "outbox.db", 1000) as outbox:
        ids = filled(outbox, 8)
        for ending in ("", "-wal"):
            shutil.copy(tmp_path / f"outbox.db{ending}", card)
    size = (card / "outbox.db-wal").stat().st_size
    found = [torn(tmp_path / str(cut), card, cut) for cut in range(size, 0, -1777)]
    assert found[0] == ids
    assert all(ids[: len(some)] == some for some in found)
    assert len({len(some) for some in found}) > 4


def test_a_card_without_inodes_takes_no_new_outbox_and_is_named(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "4m,nr_inodes=12") as folder:
        n = 0
        with suppress(OSError):
            while n < 100:
                (folder / f"{n}").touch()
                n += 1
        assert n < 100
        with Outbox(folder / "outbox.db", 100) as outbox:
            with pytest.raises(RecordError):
                outbox.kept()
            for one in list(folder.glob("[0-9]*")):
                one.unlink()
            wait_for(lambda: outbox.fault is None)
            assert len(filled(outbox, 3)) == 3


def traced(folder: Path, inject: str, enough: Callable[[list[str], str], bool]) -> tuple[list[str], float]:
    """Run a wall whose disk is as *inject* says (strace), until its lights and the trace are *enough*.

    Returns its lights, and how long it took.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    folder.mkdir()
    shown, trace = folder / "shown", folder.with_suffix(".trace")

    def lights() -> list[str]:
        return [line.split()[0] for line in shown.read_text().splitlines()] if shown.exists() else []

    tried = subprocess.run(["strace", "-e", "trace=none", "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("this user may not trace a process")
    program = [sys.executable, "-m", "tests.faults.wall", str(folder), "bupati-1", str(free_port()), "receipt", "50"]
    command = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=fdatasync,fsync", "-e", f"inject={inject}"]
    began = monotonic()
    with subprocess.Popen(
        [*command, *program], cwd=REPOSITORY, stderr=subprocess.DEVNULL, start_new_session=True
    ) as child:
        try:
            wait_for(lambda: trace.exists() and enough(lights(), trace.read_text()))
            took = monotonic() - began
        finally:
            os.killpg(child.pid, signal.SIGKILL)
    return lights(), took


@whole
def test_a_disk_whose_fsync_fails_is_never_told_to_have_recorded(tmp_path: Path) -> None:
    """The first 30 calls are well, then each fails with EIO: no light is shown from then on."""
    shown, _ = traced(tmp_path / "wall", "fdatasync,fsync:error=EIO:when=30+", lambda _, trace: trace.count("EIO") > 9)
    assert 0 < len(shown) < 40
    assert set(shown) <= set(recorded(tmp_path / "wall" / "outbox.db"))


@whole
def test_a_slow_card_slows_the_station_and_loses_nothing(tmp_path: Path) -> None:
    """Each fsync takes 0.3 s: a light waits for it, none is shown before."""
    shown, seconds = traced(tmp_path / "wall", "fdatasync,fsync:delay_enter=300000", lambda shown, _: len(shown) > 9)
    assert 9 < len(shown) <= seconds / 0.3
    assert set(shown) <= set(recorded(tmp_path / "wall" / "outbox.db"))


@whole
def test_a_cloned_card_in_a_second_station_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Two points of one name from one card: each opening is an epoch of its own, and the ids are random."""
    with Site(tmp_path, stations=2) as site:
        first, second = site.names
        wait_for(lambda: len(site.shown(first)) > 20)
        for name in site.names:
            site.walls[name].kill()
        for ending in ("", "-wal", "-shm"):
            (tmp_path / second / f"outbox.db{ending}").unlink(missing_ok=True)
        for ending in ("", "-wal"):
            shutil.copy(tmp_path / first / f"outbox.db{ending}", tmp_path / second)
        (tmp_path / second / "shown").unlink()
        site.start(second, first)
        site.start(first)
        wait_for(lambda: len(site.shown(second)) > 20)
        site.quiet()
        # The two take each other's session until both are through; one of them is taken out after a while.
        site.walls[second].kill()
        wait_for(lambda: site.owed_by(first) == 0)
        site.walls[first].kill()
        site.start(second, first)
        wait_for(lambda: site.owed_by(second) == 0)
        written = {*recorded(site.outbox(first)), *recorded(site.outbox(second))}
        with closing(sqlite3.connect(site.centre.database)) as file:
            held = [id_ for (id_,) in file.execute("SELECT id FROM event WHERE point = ?", (first,))]
            places = file.execute(
                "SELECT count(*) - count(DISTINCT epoch || seq) FROM event WHERE point = ?", (first,)
            ).fetchone()[0]
        assert sorted(held) == sorted(written)
        assert places == 0


def test_a_full_log_partition_stops_nothing(tmp_path: Path) -> None:
    point = Station(tmp_path / "p", free_port())
    hold_up(point, staff_pass("0001", **DATES), staff_pass("0002", **DATES))
    point.write()
    command = [sys.executable, "-m", "device", "run", "--config", str(point.config)]
    env = {**os.environ, "CREDENTIALS_DIRECTORY": str(point.folder / "secrets"), "PYTHONPATH": str(REPOSITORY)}
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=full, env=env, check=False)
    assert len(point.recorded()) == 2
    assert ended.returncode in (0, 120)  # 120: Python's own word that the last line could not be written
