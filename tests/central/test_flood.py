"""A point that floods, two stations or two centres under one name: a real broker, the real program, its real files."""

import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from central import centre
from central.broker.bundle_publisher import BundlePublisher
from central.store.database import Store
from central.store.reported import MAX_SAID
from central.store.troubles import CENTRE, RIVAL, TWIN, Trouble
from device.config import BrokerSettings
from device.mqtt_client import Link
from device.system.stop import Stop
from device.system.systemd import Notifier
from device.system.watchdog import Watchdog
from device.wire import Acked, Message, Received, dumps, loads
from tests.faults.strict import Strict
from tests.support.centre import FLEET, CentreProgram, fake_station, receipt
from tests.support.messages import NOW, event
from tests.support.store import CentreStore, poison
from tests.support.world import Mosquitto, wait_for

RECEIPTS = "titik/v1/+/receipt"
WILL = Message("a/will", b"")


def give(link: Link, *messages: Message) -> None:
    """Publish *messages*, and wait until the broker has them all."""
    open_ = {link.publish(message) for message in messages}

    def acked() -> bool:
        open_.difference_update(got.mid for got in link.turn(0.05) if isinstance(got, Acked))
        return not open_

    wait_for(acked, "the broker has them")


def troubles(centre: CentreProgram) -> list[Trouble]:
    with Store(centre.database, NOW) as store:
        return store.troubles()


def test_who_sends_one_event_behind_a_flood_has_its_receipt_before_most_of_the_flood(tmp_path: Path) -> None:
    flood = 900
    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "centre", broker.port) as centre:
        told = BrokerSettings(port=broker.port)
        centre.says("state online")
        with (
            Link(told, "listener", will=WILL) as listener,
            Link(told, "bupati-1", will=WILL) as point,
            Link(told, "dprd-1", will=WILL) as other,
        ):
            listener.subscribe([RECEIPTS])
            centre.process.send_signal(signal.SIGSTOP)
            give(point, *(Message("titik/v1/bupati-1/event", dumps(event(n))) for n in range(1, flood + 1)))
            give(other, Message("titik/v1/dprd-1/event", dumps(event(1, point="dprd-1"))))
            centre.process.send_signal(signal.SIGCONT)
            order: list[str] = []

            def all_came() -> bool:
                order.extend(got.topic for got in listener.turn(0.05) if isinstance(got, Received))
                return len(order) == flood + 1

            wait_for(all_came, "every event is receipted")
            assert order.index("titik/v1/dprd-1/receipt") < flood * 3 / 4
        assert centre.stop() == 0
    assert len(centre.rows()) == flood + 1


def test_where_the_broker_acknowledges_slowly_no_point_is_said_to_send_more_than_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All wait for the broker, which takes two receipts in 0.7 s; with short times."""
    monkeypatch.setattr("central.ingest.inbox.LATE", 0.7)
    monkeypatch.setattr("central.centre.HELD_UP", 0.2)
    with (
        Mosquitto(tmp_path, "max_inflight_messages 2") as broker,
        Strict(broker.port, 1_000, delay=0.7) as slow,
        Link(BrokerSettings(port=broker.port), "bupati-1", will=WILL) as point,
        Stop() as stop,
        ThreadPoolExecutor(1) as pool,
    ):
        point.subscribe([RECEIPTS])

        def serve() -> None:
            watchdog = Watchdog([], Notifier.from_env({}))
            with Store(tmp_path / "central.db", NOW) as store:
                centre.Centre(
                    store, BrokerSettings(port=slow.port), None, stop, watchdog, posting=BundlePublisher(None)
                ).serve()

        came = 0

        def receipts(most: int) -> bool:
            nonlocal came
            came += sum(isinstance(got, Received) for got in point.turn(0.05))
            return came >= most

        ended = pool.submit(serve)
        try:
            point.subscribe([FLEET])
            wait_for(lambda: receipts(1), "the centre is there")
            for first, answered in ((1, 2), (9, 17)):  # the second eight wait behind the receipts of the first
                for seq in range(first, first + 8):
                    point.publish(Message("titik/v1/bupati-1/event", dumps(event(seq))))
                wait_for(lambda answered=answered: receipts(answered), "so many are answered")
        finally:
            stop.set()
        ended.result(20)
    assert "more than its share" not in caplog.text


def test_a_flood_of_words_is_answered_beside_and_leaves_the_newest(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        CentreProgram(tmp_path / "centre", broker.port) as centre,
        fake_station(broker) as point,
    ):
        life = point.centre("online")["centre"]
        for n in range(1_000):
            kept = [[f"{n:06d}-{k}", 1, 5] for k in range(100)]
            point.send(dumps({"epoch": f"epoch-{n}", "seq": n, "kept": kept}), "health")
        point.send(dumps(event(1)))
        assert point.receipts(1) == [receipt(life, event(1))]

        def newest() -> bool:
            point.look()
            with closing(sqlite3.connect(centre.database)) as file:
                told = file.execute("SELECT health FROM station").fetchall()
            return bool(told) and told[0][0] is not None and loads(told[0][0].encode())["seq"] == 999

        wait_for(newest, what="the last health is noted")
        with closing(sqlite3.connect(centre.database)) as file:
            assert file.execute("SELECT count(*) FROM said").fetchone()[0] < 50
        assert centre.stop() == 0


def test_a_centre_whose_file_was_flooded_serves_and_heals_it_meanwhile(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        centre = CentreProgram(tmp_path / "centre", broker.port)
        with CentreStore(tmp_path / "centre") as files:
            poison(files, 60_000)
        with centre, fake_station(broker) as point:
            life = point.centre("online")["centre"]
            point.send(dumps({"state": "online", "boot": "b", "epoch": "7f3a9c1e", "seq": 1}), "state")
            point.send(dumps(event(1)))
            assert point.receipts(1) == [receipt(life, event(1))]

            def healed() -> bool:
                point.look()
                with closing(sqlite3.connect(centre.database)) as file:
                    return file.execute("SELECT count(*) FROM said").fetchone() == (MAX_SAID,)

            wait_for(healed, "what was said is let go")
            assert centre.stop() == 0
        assert "Traceback" not in centre.err


def test_two_stations_that_take_each_others_session_are_named(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, CentreProgram(tmp_path / "centre", broker.port) as centre:
        centre.says("state online")
        for boot, epoch in (("boot-a", "e1"), ("boot-b", "e2"), ("boot-a", "e1"), ("boot-b", "e2")):
            with Link(BrokerSettings(port=broker.port), "bupati-1", will=WILL) as point:
                told = dumps({"state": "online", "boot": boot, "epoch": epoch, "seq": 1})
                give(point, Message("titik/v1/bupati-1/state", told, retain=True))
        centre.says("bupati-1: two stations use this name and take turns: boot 'boot-b' epoch 'e2' and boot 'boot-a'")
        assert centre.stop() == 0
        assert centre.err.count("two stations use this name") == 1
        (trouble,) = troubles(centre)
        assert (trouble.point, trouble.word) == ("bupati-1", TWIN)
        assert set(trouble.details["epochs"]) == {"e1", "e2"}


def test_two_centres_of_one_name_notice_each_other(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        CentreProgram(tmp_path / "one", broker.port) as one,
        Link(BrokerSettings(port=broker.port), "listener", will=WILL) as listener,
    ):
        one.says("state online")
        with CentreProgram(tmp_path / "two", broker.port) as two:
            said = "another centre uses this one's name or certificate"
            wait_for(lambda: said in one.err and said in two.err, "each says that there is another")
            (trouble,) = [one_ for one_ in troubles(one) if one_.word == RIVAL]
            assert trouble.point == CENTRE
            assert f"its database is '{trouble.details['centre']}'" in one.err
        listener.subscribe([FLEET])

        def told() -> bool:
            return any(
                isinstance(got, Received) and loads(got.body).get("faults") == ["rival"] for got in listener.turn(0.1)
            )

        wait_for(told, "its state says so")
        assert one.stop() == 0
    assert one.err.count(said) == two.err.count(said) == 1


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_centre_that_is_started_again_is_no_other(tmp_path: Path, how: str) -> None:
    with Mosquitto(tmp_path) as broker:
        centre = CentreProgram(tmp_path / "centre", broker.port)
        for n in range(1, 4):
            with centre:
                centre.says("state online", n)
                if how == "kill":
                    centre.kill()
                else:
                    assert centre.stop() == 0
        with centre:
            centre.says("state online", 4)
            broker.kill()
            broker.start()
            centre.says("state online", 5)
            assert centre.stop() == 0
        assert "another centre" not in centre.err
