"""A file that an older centre wrote becomes what today's would hold of it; a fresh one and an old one end alike."""

import ast
import re
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from central.store import migrations, schema
from central.store.database import Store
from tests.central.store.old import FILES, OLD, restored, rows, todays
from tests.support.messages import NOW, event, message
from tests.support.store import CentreStore

SCHEMA = Path(schema.__file__).parent


def shape(path: Path) -> dict[str, object]:
    """Return by what each table, index and trigger is made, without spaces, and what the file's header says."""
    with closing(sqlite3.connect(path)) as file:
        made = file.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        header = [file.execute(f"PRAGMA {of}").fetchone()[0] for of in ("application_id", "user_version")]
    return {**{name: re.sub(r"\s+", "", sql) for name, sql in made}, "header": header}


def test_there_are_old_files_of_each_version_there_was() -> None:
    versions = {name.partition("-")[0] for name in FILES}
    assert versions == {f"v{version}" for version in range(1, schema.VERSION + 1)}


@pytest.mark.parametrize("name", FILES)
def test_an_old_file_becomes_todays_to_the_last_row(tmp_path: Path, name: str) -> None:
    assert todays(name, tmp_path) == (OLD / f"{name}.today.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", FILES)
def test_an_old_file_ends_in_the_shape_of_a_fresh_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "fresh").mkdir()
    with CentreStore(tmp_path / "fresh") as fresh:
        pass
    path = restored(name, tmp_path)
    with Store(path, NOW):
        pass
    assert shape(path) == shape(fresh.path)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_opened_again_stays_as_it_is(tmp_path: Path, name: str) -> None:
    path = restored(name, tmp_path)
    with Store(path, NOW):
        before = rows(path), shape(path)
    with Store(path, NOW):
        assert (rows(path), shape(path)) == before


@pytest.mark.parametrize("name", FILES)
def test_an_old_file_that_was_migrated_takes_what_comes(tmp_path: Path, name: str) -> None:
    path = restored(name, tmp_path)
    with CentreStore(tmp_path) as centre:
        held = centre.all("SELECT count(*) FROM event")[0][0]
        centre.take(message(event(500)), message(b"{ no more"), message(event(501, id="short")))
        assert centre.all("SELECT count(*) FROM event") == [(held + 1,)]
        assert centre.all("SELECT seq FROM unread WHERE seq > 500") == [(501,)]
        assert centre.all("SELECT sum(events) FROM tally") == [(held + 1,)]
    assert path == centre.path


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("v1")])
def test_a_migration_that_breaks_off_leaves_the_file_as_it_was(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = restored(name, tmp_path)
    before = rows(path), shape(path)

    def break_off(file: sqlite3.Connection, beat: Callable[[], None]) -> None:
        beat()
        file.execute("DELETE FROM event")
        raise ZeroDivisionError

    monkeypatch.setitem(migrations.FILL, 2, break_off)
    with pytest.raises(ZeroDivisionError), Store(path, NOW):
        pass
    assert (rows(path), shape(path)) == before


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("v1")])
def test_two_programs_that_open_an_old_file_at_once_migrate_it_once(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, version_of = restored(name, tmp_path), schema.version_of

    def overtaken(file: sqlite3.Connection) -> int:
        version = version_of(file)
        monkeypatch.setattr(schema, "version_of", version_of)
        with Store(path, NOW):
            pass
        return version

    monkeypatch.setattr(schema, "version_of", overtaken)
    with Store(path, NOW):
        pass
    (tmp_path / "alone").mkdir()
    with Store(alone := restored(name, tmp_path / "alone"), NOW):
        pass
    assert (rows(path), shape(path)) == (rows(alone), shape(alone))


def test_later_tables_come_with_what_is_counted_in_them_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = restored("v2-early", tmp_path)
    before = rows(path), shape(path)

    def break_off(file: sqlite3.Connection, beat: Callable[[], None]) -> None:
        beat()
        file.execute("DELETE FROM tally")
        raise ZeroDivisionError

    monkeypatch.setattr("central.store.tally.recount", break_off)
    with pytest.raises(ZeroDivisionError), Store(path, NOW):
        pass
    assert (rows(path), shape(path)) == before


def test_there_is_a_file_of_statements_for_each_version_and_each_says_which_it_is() -> None:
    assert sorted(path.name for path in SCHEMA.glob("*.sql")) == [f"v{n + 1}.sql" for n in range(schema.VERSION)]
    for version in range(1, schema.VERSION + 1):
        assert schema.statements(f"v{version}")[-1] == f"PRAGMA user_version = {version};"


def test_a_step_that_was_taken_once_uses_nothing_that_may_change() -> None:
    """What a step takes from the program of today, a change there would break silently."""
    steps = sorted(SCHEMA.glob("v*.py"))
    assert [path.stem for path in steps] == [f"v{version}" for version in migrations.FILL]
    for path in steps:
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        imports = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {getattr(node, "module", None) or node.names[0].name for node in imports}
        assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
