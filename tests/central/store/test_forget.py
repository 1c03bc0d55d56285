"""What is merely said of a point can be forgotten; no event is, and who still speaks is back."""

from pathlib import Path
from typing import Any

import pytest

from central.store.forget import ForgetError, NoDatabaseError, forget
from central.store.known_points import Known
from central.store.missing import Gap
from central.store.troubles import TWIN
from device.wire import dumps
from tests.support.centre import CentreProgram, ask, fake_station
from tests.support.messages import NOW, POINT, correction, event, message, spans, state, undated
from tests.support.store import CentreStore, poison
from tests.support.world import Mosquitto, wait_for

TABLES = ("station", "said", "lost", "trouble", "clock", "mend")


def let_go(path: Path, point: str = POINT) -> Known | None:
    forgotten = forget(path, point, NOW, lambda _: True)
    return forgotten and forgotten.gone


def test_a_point_that_was_never_ours_is_in_no_list_any_more(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(
            state("online", kept=spans(0, 50), seq=9), message(b"{}", leaf="health"), message(b"{}", leaf="info")
        )
        centre.take(state("online", epoch="e2"), state("online"), state("online", epoch="e2"))
        with centre.store.writing():
            centre.store.lose(POINT, Gap("x", 1, 5), NOW)
        centre.take(message(dumps({"state": "online", "boot": "b", "epoch": "e"}), point="dprd-1", leaf="state"))
        assert [trouble.word for trouble in centre.store.troubles()] == [TWIN]
    assert let_go(centre.path) == Known(words=1, epochs=51, lost=1, troubles=1, events=0, messages=0)
    for table in TABLES:
        assert centre.all(f"SELECT count(*) FROM {table} WHERE point = '{POINT}'") == [(0,)], table  # noqa: S608 - ours
    with pytest.raises(KeyError):
        centre.point()
    assert centre.point("dprd-1").state == "online"


def test_an_event_a_tombstone_and_the_quarantine_stay(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(2)), message(b"unreadable"), state("online", seq=4))
        centre.take(message(undated(5, 1.0)), message(correction(6, 2.0, NOW.timestamp())))
        with centre.store.writing():
            centre.store.bury([(f"/titik/{POINT}", "purged-id", POINT, "7f3a9c1e", 1)])
        before = [centre.all(f"SELECT * FROM {table}") for table in ("event", "quarantine", "purged", "clock")]  # noqa: S608 - ours
    assert let_go(centre.path) == Known(words=1, epochs=1, lost=0, troubles=0, events=3, messages=1)
    after = [centre.all(f"SELECT * FROM {table}") for table in ("event", "quarantine", "purged", "clock")]  # noqa: S608 - ours
    assert after == before
    with CentreStore(tmp_path) as centre:
        assert (centre.point().state, centre.point().events, centre.point().tail) == (None, 3, 0)


def test_what_the_broker_keeps_of_it_is_passed_over_until_it_is_heard_itself(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", seq=9))
    let_go(centre.path)
    with CentreStore(tmp_path) as centre:
        centre.take(state("online", seq=9, retained=True), message(b"{}", leaf="info", retained=True))
        assert centre.all("SELECT * FROM station") == centre.all("SELECT * FROM said") == []
        centre.take(state("offline"))
        assert centre.all("SELECT point FROM station") == [(POINT,)], "its will shows that it was there until now"
        centre.take(state("online", seq=9))
        centre.take(message(b"{}", leaf="info", retained=True))
        assert centre.all("SELECT info FROM station") == [("{}",)]
        assert centre.all("SELECT * FROM forgotten") == []


def test_a_centre_that_runs_meanwhile_asks_again_for_what_was_forgotten_to_be_lost(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(message(event(1)), message(event(4)), state("online", seq=4))
        with centre.store.writing():
            centre.store.lose(POINT, Gap("7f3a9c1e", 2, 3), NOW)
        assert centre.missing(POINT) == []
        let_go(centre.path)
        centre.take(state("online", seq=4))
        assert centre.point().missing == 2
        assert centre.missing(POINT) == [Gap("7f3a9c1e", 2, 3)]


def test_half_a_million_epochs_go_in_pieces(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        poison(centre, 5_500)
        pieces = 0
        more = True
        while more:
            with centre.store.writing():
                more = centre.store.forget(POINT, NOW)
            pieces += 1
        assert pieces == 7
        assert centre.store.said() == []


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("dprd-9", "nothing is known of dprd-9. Next: titik-central status"),
        ("%", "'%' is no point's name"),
        ("a" * 41, "is no point's name"),
        ("\x1b[31m", "'\\x1b[31m' is no point's name"),
    ],
)
def test_who_is_not_there_is_not_forgotten(tmp_path: Path, point: str, said: str) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online"))
    with pytest.raises(ForgetError) as told:
        let_go(centre.path, point)
    assert said in str(told.value)
    with pytest.raises(NoDatabaseError, match="does not exist"):
        let_go(tmp_path / "none.db")


def test_nothing_is_forgotten_where_nobody_agrees(tmp_path: Path) -> None:
    with CentreStore(tmp_path) as centre:
        centre.take(state("online"))
    assert forget(centre.path, POINT, NOW, lambda _: False) is None
    assert centre.point().state == "online"


def test_the_command_works_beside_a_running_centre(tmp_path: Path) -> None:
    def words(told: Any) -> tuple[int, str, str]:
        return told.returncode, told.stdout, told.stderr

    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "centre", broker.port) as centre:
        with fake_station(broker) as point:
            point.centre("online")
            point.send(dumps({"state": "online", "boot": "b", "epoch": "e", "seq": 3}), "state", retain=True)
            wait_for(lambda: point.look() or POINT in ask("status", "--config", centre.config).stdout)
        code, out, err = words(ask("forget", POINT, "--config", centre.config))
        assert code == 1
        assert "nobody is there to ask. Next: the same with --yes" in err
        assert "bupati-1: 1 epochs, 0 lost ranges, its state and health are forgotten." in out
        code, out, err = words(ask("forget", POINT, "--yes", "--config", centre.config))
        assert (code, err) == (0, "")
        assert "bupati-1 dilupakan / is forgotten\n" in out
        assert "it still sends and will be back" in out
        assert POINT not in ask("status", "--config", centre.config).stdout
        assert centre.stop() == 0
        with centre:  # the broker gives its retained state once more
            centre.says("state online", 2)
            assert POINT not in ask("status", "--config", centre.config).stdout
            assert centre.stop() == 0
    assert words(ask("forget", POINT, "--config", centre.config))[0] == 1
    (tmp_path / "none.toml").write_text(f'[store]\npath = "{tmp_path}/none.db"\n')
    assert words(ask("forget", POINT, "--config", tmp_path / "none.toml"))[0] == 3
