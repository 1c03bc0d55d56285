"""A backup is whole, a restore is a new life, and one centre at a time has the database."""

import os
import sqlite3
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from central.__main__ import main
from central.events import rows
from central.store.backup import BackupError, Restored, backup, dated, lock_of, restore
from central.store.database import Store
from central.store.file import ForeignDatabaseError
from device.wire import dumps
from tests.support.messages import event
from tests.support.world import Child, Mosquitto, wait_for

NOW = datetime(2026, 12, 1, 3, 4, 5, tzinfo=UTC)


def keep(store: Store, *seqs: int) -> None:
    """Hold these events of bupati-1."""
    with store.writing():
        store.keep(rows("bupati-1", dumps([event(seq) for seq in seqs])).rows, NOW)


def held(path: Path) -> tuple[str, list[int]]:
    """Return the life of a database and the numbers that it holds."""
    with closing(sqlite3.connect(path)) as file:
        (life,) = file.execute("SELECT centre FROM life").fetchone()
        return life, [seq for (seq,) in file.execute("SELECT seq FROM event ORDER BY seq")]


def test_a_backup_beside_a_working_centre_is_whole_and_a_restore_is_a_new_life(tmp_path: Path) -> None:
    path, copy = tmp_path / "central.db", tmp_path / "copy.db"
    with Store(path, NOW) as store:
        keep(store, 1, 2, 3)
        assert backup(path, copy) == 3
        keep(store, 4)
        life = store.life
    assert held(copy) == (life, [1, 2, 3])
    assert copy.stat().st_mode & 0o777 == 0o600
    aside, _ = restore(path, copy, NOW)
    assert aside is not None
    assert held(aside) == (life, [1, 2, 3, 4])
    with Store(path, NOW) as store:
        assert store.life != life
    assert held(path) == (store.life, [1, 2, 3])
    assert sorted(file.name for file in tmp_path.glob(".*")) == []


def test_a_restore_into_nothing_is_the_copy(tmp_path: Path) -> None:
    path, copy = tmp_path / "central.db", tmp_path / "copy.db"
    with Store(copy, NOW) as store:
        keep(store, 1)
    assert restore(path, copy, NOW) == Restored(None, None)
    assert held(path)[1] == [1]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path, copy = tmp_path / "central.db", tmp_path / "copy.db"
    with Store(path, NOW) as store:
        keep(store, 1)
    copy.write_bytes(b"somebody's")
    with pytest.raises(BackupError, match="exists"):
        backup(path, copy)
    assert copy.read_bytes() == b"somebody's"
    assert backup(path, copy, force=True) == 1
    assert held(copy)[1] == [1]


def test_what_is_no_backup_replaces_nothing(tmp_path: Path) -> None:
    path, copy = tmp_path / "central.db", tmp_path / "copy.db"
    with Store(path, NOW) as store:
        keep(store, 1)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE other (x)")
    with pytest.raises(ForeignDatabaseError):
        restore(path, tmp_path / "other.db", NOW)
    backup(path, copy)
    whole = copy.read_bytes()
    for torn in (b"", whole[:5000], whole[:4096] + bytes(len(whole) - 4096)):
        copy.write_bytes(torn)
        with pytest.raises((BackupError, ForeignDatabaseError)):
            restore(path, copy, NOW)
    with pytest.raises((BackupError, ForeignDatabaseError)):
        restore(path, tmp_path / "nowhere.db", NOW)
    assert held(path)[1] == [1]
    assert sorted(file.name for file in tmp_path.glob(".*")) == []


def test_no_restore_under_a_centre_that_runs(tmp_path: Path) -> None:
    path, copy = tmp_path / "central.db", tmp_path / "copy.db"
    with Store(path, NOW) as store, lock_of(path):
        keep(store, 1)
        backup(path, copy)
        with pytest.raises(BackupError, match="systemctl stop titik-central"):
            restore(path, copy, NOW)


def test_the_commands_and_a_second_centre_on_one_database(tmp_path: Path) -> None:
    path = tmp_path / "central.db"
    config = tmp_path / "central.toml"
    command = [sys.executable, "-m", "central"]
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        config.write_text(f'[broker]\nport = {broker.port}\n[store]\npath = "{path}"\n')
        first = stack.enter_context(Child([*command, "run", "--config", config], tmp_path / "first"))
        wait_for(lambda: "state online" in first.err)
        with Child([*command, "run", "--config", config], tmp_path / "second") as second:
            assert second.process.wait() == 1
            assert "another program has central.db open" in second.err
        elsewhere = tmp_path / "elsewhere.toml"
        elsewhere.write_text(f'[broker]\nport = {broker.port}\n[store]\npath = "{tmp_path / "new.db"}"\n')
        with lock_of(tmp_path / "new.db"), Child([*command, "run", "--config", elsewhere], tmp_path / "third") as third:
            assert third.process.wait() == 1
            assert not (tmp_path / "new.db").exists()  # a restore that is under way makes it
        with Child([*command, "backup", "--config", config, tmp_path / "copy.db"], tmp_path / "backup") as child:
            assert child.process.wait() == 0
            assert child.out == f"0 peristiwa disalin ke / events are copied to {tmp_path / 'copy.db'}\n"
        with Child([*command, "restore", "--config", config, tmp_path / "copy.db"], tmp_path / "early") as child:
            assert child.process.wait() == 1
        assert first.stop() == 0
        before = held(path)[0]
        with Child([*command, "restore", "--config", config, tmp_path / "copy.db"], tmp_path / "late") as child:
            assert child.process.wait() == 0
        assert held(path)[0] != before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away. Next: run the tests as root")
def test_what_root_restores_belongs_to_the_service(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    path, copy = folder / "central.db", tmp_path / "copy.db"
    with Store(path, NOW) as store:
        keep(store, 1)
    backup(path, copy)
    for inside in (folder, *folder.iterdir()):
        os.chown(inside, 4321, 4322)
    restore(path, copy, NOW)
    assert {(one.stat().st_uid, one.stat().st_gid) for one in folder.iterdir()} == {(4321, 4322)}
    assert (copy.stat().st_uid, path.stat().st_mode & 0o777) == (0, 0o600)


def test_backups_in_a_folder_have_dated_names_and_only_the_newest_stay(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, folder, config = tmp_path / "central.db", tmp_path / "backups", tmp_path / "central.toml"
    folder.mkdir()
    config.write_text(f'[store]\npath = "{path}"\n')
    with Store(path, NOW) as store:
        keep(store, 1)
    for year in (2024, 2025, 2099):  # the last one by a clock that was wrong
        dated(folder, NOW.replace(year=year)).touch()
    (folder / "mine.db").touch()
    assert main(["backup", str(folder), "--keep", "2", "--config", str(config)]) == 0
    told = capfd.readouterr().out.splitlines()
    (new,) = (one.name for one in folder.iterdir() if one.stat().st_size)
    assert sorted(one.name for one in folder.iterdir()) == sorted(["mine.db", new, "titik-central-20991201T030405Z.db"])
    assert told == [
        f"1 peristiwa disalin ke / events are copied to {folder / new}",
        "cadangan lama dihapus / an old backup is deleted: titik-central-20241201T030405Z.db",
        "cadangan lama dihapus / an old backup is deleted: titik-central-20251201T030405Z.db",
    ]


def test_a_centre_waits_for_a_disk_that_is_not_there_yet(tmp_path: Path) -> None:
    config = tmp_path / "central.toml"
    config.write_text(f'[broker]\nport = 1\n[store]\npath = "{tmp_path / "disk" / "central.db"}"\n')
    with Child([sys.executable, "-m", "central", "run", "--config", config], tmp_path / "centre") as centre:
        wait_for(lambda: "No such file or directory; trying again" in centre.err)
        (tmp_path / "disk").mkdir()
        wait_for(lambda: "the store is open" in centre.err)
        assert centre.stop() == 0
        assert centre.err.count("trying again") == 1
