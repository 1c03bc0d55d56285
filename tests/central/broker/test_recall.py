"""What the centre lacks is asked of the point that may hold it, gently, until it is held or surely lost."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.broker.recall import EACH_MINUTE, Recall, ReplayRequest, owed
from central.store.backup import backup, restore
from central.store.missing import Gap
from device.config import BrokerSettings, DeliverySettings
from device.delivery.announcements import Sender
from device.delivery.courier import Courier
from device.mqtt_client import Link
from device.record.outbox import Outbox
from device.wire import MAX_REPLAY, Message, Received, Topics, dumps, loads
from tests.faults.wall import event as wall_event
from tests.support.centre import CentreProgram
from tests.support.messages import event
from tests.support.world import Mosquitto, wait_for

POINT = "bupati-1"
EPOCH = "7f3a9c1e"
NOW = datetime(2026, 11, 23, 1, 2, 3, 456_000, UTC)


def said(leaf: str, told: dict[str, Any], *, point: str = POINT, retained: bool = False) -> Received:
    return Received(f"titik/v1/{point}/{leaf}", dumps(told), retained=retained)


def online(recall: Recall, now: float = 0.0, **more: Any) -> None:
    recall.hear(said("state", {"state": "online", **more}), now)


def answered(request: ReplayRequest, again: int, kept: int) -> Received:
    gap = request.gap
    told = {"epoch": gap.epoch, "from": gap.first, "to": gap.last, "again": again, "kept": kept}
    return said("response/replay", {"transaction": request.transaction, "answer": "done", "why": None, **told})


def gaps(places: set[int]) -> list[Gap]:
    """Return *places* as runs."""
    found: list[Gap] = []
    for seq in sorted(places):
        if found and found[-1].last == seq - 1:
            found[-1] = Gap(EPOCH, found[-1].first, seq)
        else:
            found.append(Gap(EPOCH, seq, seq))
    return found


def asked(recall: Recall, missing: Sequence[Gap], now: float) -> list[Gap]:
    return [request.gap for request in recall.look(POINT, missing, now)[0]]


def test_only_a_point_that_is_online_is_looked_at() -> None:
    recall = Recall(Topics())
    assert recall.next(0) is None
    recall.hear(said("state", {"state": "offline"}), 0)
    assert recall.next(0) is None
    online(recall)
    assert [recall.next(0), recall.next(1), recall.next(20)] == [POINT, None, POINT]


def test_a_range_is_asked_for_once_a_minute_doubling_to_an_hour() -> None:
    recall = Recall(Topics())
    online(recall)
    times = [now for now in range(0, 20_000, 20) if asked(recall, [Gap(EPOCH, 1, 5)], now)]
    assert times == [0, 60, 180, 420, 900, 1860, 3780, 7380, 10980, 14580, 18180]


def test_what_arrives_makes_the_pause_short_again() -> None:
    recall = Recall(Topics())
    online(recall)
    for now in (0, 60, 180):
        assert asked(recall, [Gap(EPOCH, 1, 5)], now) == [Gap(EPOCH, 1, 5)]
    assert asked(recall, [Gap(EPOCH, 3, 5)], 200) == []
    assert asked(recall, [Gap(EPOCH, 3, 5)], 259) == []
    assert asked(recall, [Gap(EPOCH, 3, 5)], 260) == [Gap(EPOCH, 3, 5)]
    assert asked(recall, [Gap(EPOCH, 3, 5)], 320) == [Gap(EPOCH, 3, 5)]


def test_a_long_gap_is_asked_for_in_pieces_and_few_a_minute() -> None:
    recall = Recall(Topics())
    online(recall)
    long = [Gap(EPOCH, 1, 25 * MAX_REPLAY)]
    first = asked(recall, long, 0)
    assert first == [Gap(EPOCH, 1 + n * MAX_REPLAY, (n + 1) * MAX_REPLAY) for n in range(EACH_MINUTE)]
    assert asked(recall, long, 59) == []
    assert len(asked(recall, long, 60)) == EACH_MINUTE


def test_what_is_on_its_way_is_not_asked_for_but_not_for_ever() -> None:
    state: dict[str, Any] = {
        "owed": 6,
        "oldest": {"epoch": EPOCH, "seq": 4},
        "kept": [["e0", 1, 9], [EPOCH, 1, 5], ["later", 1, 4]],
    }
    assert owed(state) == [Gap(EPOCH, 4, 5), Gap("later", 1, 4)]
    assert owed({**state, "owed": 5}) == []
    missing = [Gap("e0", 7, 9), Gap(EPOCH, 2, 5), Gap("later", 1, 4)]
    recall = Recall(Topics())
    online(recall, **state)
    health = {key: value for key, value in state.items() if key != "kept"}
    recall.hear(Received(f"titik/v1/{POINT}/health", dumps(health), retained=False), 0.5)
    assert asked(recall, missing, 1) == [Gap("e0", 7, 9), Gap(EPOCH, 2, 3)]
    assert asked(recall, missing, 181)[-2:] == [Gap(EPOCH, 4, 5), Gap("later", 1, 4)]
    retained = Recall(Topics())
    retained.hear(said("state", {"state": "online", **state}, retained=True), 0)
    assert asked(retained, missing, 1) == missing


def test_lost_is_only_what_is_left_when_all_that_was_kept_has_come() -> None:
    recall = Recall(Topics())
    online(recall)
    missing = [Gap(EPOCH, 1, 5)]
    (request,), lost = recall.look(POINT, missing, 0)
    assert lost == []
    recall.hear(answered(request, 2, 2), 1)
    assert recall.look(POINT, missing, 15) == ([], [])
    assert recall.look(POINT, [Gap(EPOCH, 1, 4)], 30) == ([], [])
    assert recall.look(POINT, [Gap(EPOCH, 1, 2), Gap(EPOCH, 4, 4)], 45) == ([], [Gap(EPOCH, 1, 2), Gap(EPOCH, 4, 4)])


def test_what_one_card_has_not_is_not_lost_before_the_next_card_is_asked() -> None:
    recall = Recall(Topics())
    online(recall, epoch="e1")
    missing = [Gap(EPOCH, 1, 5)]
    (request,), _ = recall.look(POINT, missing, 0)
    recall.hear(answered(request, 0, 0), 1)
    online(recall, 2, epoch="e2")
    assert recall.look(POINT, missing, 15) == ([], [])
    (request,), lost = recall.look(POINT, missing, 60)
    assert (request.gap, lost) == (missing[0], [])


@pytest.mark.parametrize(
    "change",
    [
        {"transaction": "another"},
        {"answer": "refused"},
        {"kept": -1},
        {"kept": 6},
        {"kept": False},
        {"kept": "0"},
        {"to": 4},
        {"epoch": "other"},
    ],
)
def test_an_answer_that_does_not_fit_loses_nothing(change: dict[str, Any]) -> None:
    recall = Recall(Topics())
    online(recall)
    online_other = said("state", {"state": "online"}, point="dprd-1")
    recall.hear(online_other, 0)
    (request,), _ = recall.look(POINT, [Gap(EPOCH, 1, 5)], 0)
    fitting = answered(request, 0, 0)
    recall.hear(Received(fitting.topic, dumps({**loads(fitting.body), **change}), retained=False), 1)
    recall.hear(Received("titik/v1/dprd-1/response/replay", fitting.body, retained=False), 1)
    recall.hear(Received(fitting.topic, fitting.body, retained=True), 1)
    recall.hear(Received(fitting.topic, b"[" * 20_000, retained=False), 1)
    assert recall.look(POINT, [Gap(EPOCH, 1, 5)], 15) == ([], [])


@given(
    st.sets(st.integers(1, 30), min_size=1),
    st.sets(st.integers(1, 30)),
    st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=12),
)
def test_everything_is_known_in_the_end(missing: set[int], card: set[int], weather: list[tuple[bool, int]]) -> None:
    recall = Recall(Topics())
    online(recall)
    stored: set[int] = set()
    lost: set[int] = set()
    backlog: list[int] = []
    sent: list[float] = []
    for turn in range(2000):
        hears, most = weather[turn] if turn < len(weather) else (True, 30)
        requests, gone = recall.look(POINT, gaps(missing - stored - lost), turn * 15.0)
        lost |= {seq for gap in gone for seq in range(gap.first, gap.last + 1)}
        for request in requests:
            sent.append(turn * 15.0)
            if hears:
                held = [seq for seq in range(request.gap.first, request.gap.last + 1) if seq in card]
                backlog += [seq for seq in held if seq not in backlog]
                recall.hear(answered(request, len(held), len(held)), turn * 15.0)
        stored |= set(backlog[:most])
        backlog = backlog[most:]
        if missing <= stored | lost:
            break
    assert (missing & stored, lost) == (missing & card, missing - card)
    assert all(sum(now - 60 < at <= now for at in sent) <= EACH_MINUTE for now in sent)


def test_a_restored_centre_gets_back_what_the_card_keeps_and_knows_the_rest_lost(tmp_path: Path) -> None:
    told = {seq: event(seq) for seq in range(1, 6)}
    state = {"state": "online", "boot": "b1", "epoch": EPOCH, "kept": [[EPOCH, 1, 5]], "owed": 0}
    with Mosquitto(tmp_path) as mosquitto, CentreProgram(tmp_path / "centre", mosquitto.port) as centre:
        centre.says("state online")
        will = Message(f"titik/v1/{POINT}/state", b"{}")
        with Link(BrokerSettings(port=mosquitto.port), POINT, will=will) as link:
            link.subscribe([f"titik/v1/{POINT}/request/replay"])
            link.publish(Message(will.topic, dumps(state), retain=True))
            heard: list[Received] = []

            def request() -> bool:
                heard.extend(got for got in link.turn(0.05) if isinstance(got, Received))
                return bool(heard)

            wait_for(request, what="a replay is asked for")
            asks = loads(heard[0].body)
            assert {**asks, "transaction": "", "at": ""} == {
                "transaction": "",
                "at": "",
                "epoch": EPOCH,
                "from": 1,
                "to": 5,
            }
            for seq in (1, 2, 4):
                link.publish(Message(f"titik/v1/{POINT}/event", dumps(told[seq])))
            answer = {"answer": "done", "why": None, "again": 3, "kept": 3}
            link.publish(Message(f"titik/v1/{POINT}/response/replay", dumps({**asks, **answer})))

            def lost() -> list[tuple[str, str, int, int]]:
                link.turn(0.05)
                with closing(sqlite3.connect(centre.database)) as file:
                    return file.execute("SELECT point, epoch, first, last FROM lost ORDER BY first").fetchall()

            wait_for(lambda: len(lost()) == 2, what="what is lost is known")
            assert lost() == [(POINT, EPOCH, 3, 3), (POINT, EPOCH, 5, 5)]
            assert [seq for _, _, seq in centre.rows()] == [1, 2, 4]
            assert centre.err.count("are lost") == 2


def test_a_centre_restored_from_an_older_backup_gets_everything_again_from_a_real_station(tmp_path: Path) -> None:
    def ids(centre: CentreProgram) -> set[str]:
        with closing(sqlite3.connect(centre.database)) as file:
            return {id_ for (id_,) in file.execute("SELECT id FROM event")}

    def scan(outbox: Outbox, count: int) -> set[str]:
        scanned = set()
        for _ in range(count):
            scanned.add(outbox.append(lambda place: wall_event(POINT, place, NOW)).id)
        return scanned

    copy = tmp_path / "copy.db"
    with Mosquitto(tmp_path) as mosquitto:
        centre = CentreProgram(tmp_path / "centre", mosquitto.port)
        sender = Sender(POINT, "boot-1", {"version": "test"})
        with Outbox(tmp_path / "outbox.db", 1000) as first, centre:
            centre.says("state online")
            with Courier(first, BrokerSettings(port=mosquitto.port), DeliverySettings(), sender):
                shown = scan(first, 3)
                wait_for(lambda: ids(centre) == shown, what="the first events are held")
            backup(centre.database, copy)
        with (
            Outbox(tmp_path / "outbox.db", 1000) as second,
            Courier(second, BrokerSettings(port=mosquitto.port), DeliverySettings(), sender),
        ):
            with centre:
                centre.says("state online")
                shown |= scan(second, 40)
                wait_for(lambda: ids(centre) == shown and second.depth().owed == 0, what="everything is held")
                assert centre.stop() == 0
            restore(centre.database, copy, NOW)
            assert len(ids(centre)) == 3
            with centre:
                wait_for(lambda: ids(centre) == shown, what="everything is held again")
                assert "are lost" not in centre.err
