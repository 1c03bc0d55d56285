"""The courier against a real mosquitto, and a centre of a few lines that may be rude."""

import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Literal, Self

import pytest

from device.config import BrokerSettings, DeliverySettings, PointSettings, StationSettings, TrustSettings
from device.delivery.announcements import Notice, Sender
from device.delivery.courier import ASK_EVERY, GLANCE, PURGE_EVERY, Courier
from device.delivery.in_flight import FIRST_RESEND, MAX_RESEND
from device.model import Event, Place
from device.mqtt.connection import ACK_LIMIT, USUAL, Timeouts
from device.mqtt_client import Link, SessionError
from device.record.outbox import Outbox, RecordError
from device.system.clock import boot_time
from device.trust.bundle import spki_text
from device.verdict.ruleset import Ruleset
from device.wire import Acked, Message, Receipt, Received, State, digest, dumps
from tests.support.courier import SOON, TOPICS, FakeCentre, append, until
from tests.support.point import ROOT, signed_bundle
from tests.support.world import PATIENCE, Mosquitto, free_port, wait_for

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
HUGE = {"last": 10**23}


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox.db", 10_000) as opened:
        yield opened


def courier(outbox: Outbox, port: int, *, timeouts: Timeouts = USUAL, **more: object) -> Courier:
    sender = Sender("bupati-1", "boot-1", {"version": "test"})
    broker, delivery = BrokerSettings(port=port, keepalive=5), DeliverySettings(**more)  # type: ignore[arg-type]  # a test may say anything
    return Courier(outbox, broker, delivery, sender, timeouts=timeouts, pauses=SOON)


def test_every_event_arrives_once_in_order_and_is_forgotten_on_its_receipt(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        ids = append(outbox, 30)
        bike.wake()
        until(centre, lambda: outbox.depth().owed == 0)
        assert [one["id"] for one in centre.got] == ids
        assert bike.linked


def test_a_backlog_goes_in_batches(tmp_path: Path, outbox: Outbox) -> None:
    ids = append(outbox, 300)
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port):
        until(centre, lambda: outbox.depth().owed == 0)
        assert [one["id"] for one in centre.got] == ids
        assert len([m for m in centre.messages if m.topic.endswith("/event")]) == 6


def test_a_broker_s_word_alone_makes_nobody_forget(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        append(outbox, 3)
        bike.wake()
        until(centre, lambda: len(centre.got) == 3, answer=False)
        assert outbox.depth().owed == 3


def test_with_puback_as_the_end_the_broker_s_word_is_enough(tmp_path: Path, outbox: Outbox) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        FakeCentre(broker.port) as centre,
        courier(outbox, broker.port, until="puback") as bike,
    ):
        append(outbox, 3)
        bike.wake()
        until(centre, lambda: outbox.depth().owed == 0 and len(centre.got) == 3, answer=False)


def test_one_receipt_for_several_messages_makes_all_of_them_forgotten(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        append(outbox, 4)
        bike.wake()
        until(centre, lambda: len(centre.got) == 4, answer=False)
        assert all(isinstance(json.loads(m.body), dict) for m in centre.messages if m.topic.endswith("/event"))
        centre.receipt(centre.got[1:])
        until(centre, lambda: outbox.depth().owed == 1, answer=False)
        assert [row.event.place.seq for row in outbox.owed(0, 9)] == [1]
        centre.receipt(centre.got[:1])
        until(centre, lambda: outbox.depth().owed == 0, answer=False)


def test_what_was_answered_is_forgotten_when_the_disk_takes_a_commit_again(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.delivery._settlements.AGAIN", 0.1)
    assert outbox._file is not None
    outbox._file.execute("PRAGMA busy_timeout = 50")
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        append(outbox, 3)
        bike.wake()
        until(centre, lambda: len(centre.got) == 3, answer=False)
        with closing(sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            centre.receipt(centre.got)
            until(centre, lambda: outbox.fault is not None, answer=False)
            assert outbox.depth().owed == 3
        until(centre, lambda: outbox.depth().owed == 0, answer=False)
        assert len(centre.got) == 3


def test_many_receipts_cost_few_commits(tmp_path: Path, outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "device.delivery._settlements")
    append(outbox, 15)
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        until(centre, lambda: len(centre.got) == 15, answer=False)
        assert len(bike._window.batches) == 15
        for one in centre.got:
            centre.receipt([one])
        until(centre, lambda: outbox.depth().owed == 0, answer=False)
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("held")]
    assert lines[-1] == f"held events={lines[-1].split()[1][7:]} through=15 epoch={outbox.epoch}"
    assert sum(int(line.split()[1][7:]) for line in lines) == 15
    assert len(lines) < 8


def taken(outbox: Outbox, boot: str, uptime: float, *, synced: bool) -> str:
    """Append one event that was composed in *boot* at *uptime*; return its id."""
    clock = {"synced": synced, "boot": boot, "uptime": uptime}

    def composed(place: Place) -> Event:
        told = {"id": f"i{place.seq}", "epoch": place.epoch, "seq": place.seq, "data": {"clock": clock}}
        return Event(place, f"i{place.seq}", dumps(told))

    return outbox.append(composed).id


def test_an_event_taken_in_doubt_waits_for_the_clock_and_for_five_minutes_at_most(
    tmp_path: Path, outbox: Outbox
) -> None:
    now = boot_time()
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        early = [taken(outbox, "another", now, synced=False), taken(outbox, "boot-1", now - 301, synced=False)]
        late = [taken(outbox, "boot-1", now, synced=False), taken(outbox, "boot-1", now, synced=True)]
        bike.wake()
        until(centre, lambda: len(centre.got) == 2 and outbox.depth().owed == 2)
        assert [one["id"] for one in centre.got] == early
        bike.tell(Notice(trusted_time=AT))
        until(centre, lambda: outbox.depth().owed == 0)
        assert [one["id"] for one in centre.got] == early + late


def test_an_event_nobody_listens_for_is_said_until_somebody_does(tmp_path: Path, outbox: Outbox) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        Link(BrokerSettings(port=broker.port), "reader", will=Message("t", b"")) as reader,
    ):
        said: list[Received] = []
        reader.subscribe([TOPICS.every("state"), TOPICS.every("health")])

        def states() -> list[list[str]]:
            said.extend(one for one in reader.turn(0.02) if isinstance(one, Received))
            return [json.loads(m.body)["faults"] for m in said if m.topic.endswith("/state")]

        with courier(outbox, broker.port) as bike:
            wait_for(lambda: states() == [[]])
            append(outbox, 1)
            bike.wake()
            wait_for(lambda: states() == [[], ["unrouted"]])
            assert not bike.linked
            with FakeCentre(broker.port) as centre:
                until(centre, lambda: outbox.depth().owed == 0)
                wait_for(lambda: states() == [[], ["unrouted"], []])


@pytest.mark.parametrize(
    "wrong", [{"digest": "0" * 64}, {"epoch": "ffff"}, {"count": 2}, {"first": -1}, {"last": "x"}, {"last": 10**23}]
)
def test_a_receipt_that_does_not_fit_is_passed_over_and_a_fitting_one_still_counts(
    tmp_path: Path, outbox: Outbox, wrong: dict[str, object]
) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        append(outbox, 1)
        bike.wake()
        until(centre, lambda: centre.got, answer=False)
        centre.receipt(centre.got, **wrong)
        centre.link.publish(Message(TOPICS.of("bupati-1", "receipt"), b"\xff not json"))
        append(outbox, 1)
        bike.wake()
        until(centre, lambda: len(centre.got) == 2, answer=False)
        assert outbox.depth().owed == 2
        for one in list(centre.got):
            centre.receipt([one])
        until(centre, lambda: outbox.depth().owed == 0, answer=False)


def test_a_retained_receipt_makes_nobody_forget_even_if_it_fits(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre:
        (id_,) = append(outbox, 1)
        place = outbox.depth().last
        fitting = Receipt("c", place.epoch, place.seq, place.seq, 1, digest([id_])).encode()
        centre.link.publish(Message(TOPICS.of("bupati-1", "receipt"), fitting, retain=True))
        with courier(outbox, broker.port) as bike:
            until(centre, lambda: centre.got, answer=False)
            append(outbox, 1)
            bike.wake()
            until(centre, lambda: len(centre.got) == 2, answer=False)
            assert outbox.depth().owed == 2


def test_what_the_centre_could_not_read_but_holds_is_forgotten(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        append(outbox, 1)
        bike.wake()
        until(centre, lambda: centre.got, answer=False)
        body = next(m.body for m in centre.messages if m.topic.endswith("/event"))
        centre.link.publish(
            Message(TOPICS.of("bupati-1", "receipt"), dumps({"centre": "c", "quarantined": sha256(body).hexdigest()}))
        )
        until(centre, lambda: outbox.depth().owed == 0, answer=False)


def test_a_killed_broker_is_weather_and_everything_arrives_after_it(tmp_path: Path, outbox: Outbox) -> None:
    port = free_port()
    with ExitStack() as stack:
        bike = stack.enter_context(courier(outbox, port))
        ids = append(outbox, 3)
        broker = stack.enter_context(Mosquitto(tmp_path, port=port))
        for _ in range(2):
            with FakeCentre(port) as centre:
                until(centre, lambda: outbox.depth().owed == 0)
                broker.kill()
            ids = append(outbox, 3)
            broker.start()
        with FakeCentre(port) as centre:
            until(centre, lambda: outbox.depth().owed == 0)
            assert [one["id"] for one in centre.got][-3:] == ids
        bike.check()


def test_a_centre_that_says_it_is_there_and_gives_no_receipt_is_not_called_linked(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("device.delivery._reachability.DEAF", 1.0)
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        until(centre, lambda: bike.linked, answer=False)
        append(outbox, 1)
        bike.wake()
        until(centre, lambda: not bike.linked, answer=False)
        assert caplog.text.count("although the centre says it is there") == 1
        centre.receipt(centre.got[:1])
        until(centre, lambda: bike.linked, answer=False)


class Standing:
    """The courier's clock, which only the test moves, until it is let go; the broker keeps its own."""

    def __init__(self) -> None:
        self.now: float | None = monotonic()

    def __call__(self) -> float:
        return monotonic() if self.now is None else self.now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.now = None  # a stop has a limit, by this clock


def test_nothing_is_sent_again_while_the_centre_says_it_is_away_and_everything_when_it_is_back(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Standing()
    monkeypatch.setattr("device.delivery.courier.monotonic", clock)
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike, clock:

        def says(state: str) -> None:
            centre.link.publish(Message(TOPICS.centre(), dumps({"state": state, "centre": "c"}), retain=True))

        def hears(count: int) -> list[object]:
            until(centre, lambda: len(centre.got) == count, answer=False)
            return [one["id"] for one in centre.got]

        until(centre, lambda: bike.linked, answer=False)
        ids = append(outbox, 3)
        bike.wake()
        assert hears(3) == ids
        until(centre, lambda: not bike._window.flying, answer=False)  # the time counts from the broker's word on
        clock.now = clock() + FIRST_RESEND  # a centre that is there, and says nothing, is asked again
        assert hears(6) == ids + ids
        says("offline")
        until(centre, lambda: not bike.linked and not bike._window.flying, answer=False)
        clock.now = clock() + 20 * MAX_RESEND
        fresh = []
        for count in (7, 8):  # what is new goes once, into the broker's hands; with the second, all of a turn went by
            fresh += append(outbox, 1)
            bike.wake()
            assert hears(count) == ids + ids + fresh
        assert bike._patience(clock()) == GLANCE  # and what is overdue keeps nobody awake
        says("online")
        assert hears(13) == ids + ids + fresh + ids + fresh  # at once, although no time went by
        for one in centre.got[-5:]:
            centre.receipt([one])
        until(centre, lambda: outbox.depth().owed == 0 and bike.linked, answer=False)
        assert len(centre.got) == 13


def test_what_went_to_nobody_goes_again_at_once_when_the_first_centre_comes(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Standing()
    monkeypatch.setattr("device.delivery.courier.monotonic", clock)
    with Mosquitto(tmp_path) as broker, courier(outbox, broker.port) as bike, clock:
        append(outbox, 3)
        bike.wake()
        wait_for(lambda: bike._counts.unrouted == 3)
        with FakeCentre(broker.port) as centre:
            until(centre, lambda: outbox.depth().owed == 0)  # although no time went by


def test_a_centre_whose_last_word_went_astray_is_asked_for_it_again(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Standing()
    monkeypatch.setattr("device.delivery.courier.monotonic", clock)
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike, clock:
        until(centre, lambda: bike.linked)
        centre.link.publish(Message(TOPICS.centre(), dumps({"state": "offline", "centre": "c"})))
        until(centre, lambda: not bike.linked)
        clock.now = clock() + ASK_EVERY  # what the broker retains still says that it is there
        until(centre, lambda: bike.linked)


REFUSING = "allow_anonymous true\nacl_file {}\n"


@pytest.mark.parametrize("end", ["receipt", "puback"])
def test_a_broker_that_refuses_events_is_a_fault_and_nothing_is_forgotten_by_its_word(
    tmp_path: Path, outbox: Outbox, end: str
) -> None:
    topics = ("fleet/#", "bupati-1/state", "bupati-1/info")
    (tmp_path / "acl").write_text("".join(f"topic readwrite titik/v1/{one}\n" for one in topics))
    with (
        Mosquitto(tmp_path, REFUSING.format(tmp_path / "acl")) as broker,
        FakeCentre(broker.port) as centre,
        courier(outbox, broker.port, until=end) as bike,
    ):
        until(centre, lambda: bike.linked)
        append(outbox, 1)
        bike.wake()
        until(centre, lambda: centre.states() and centre.states()[-1]["faults"] == ["refused"])
        assert not bike.linked
        assert outbox.depth().owed == 1
        broker.kill()
    assert outbox.depth().owed == 1


def test_a_lost_session_is_not_called_linked(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, courier(outbox, broker.port) as bike:
        with FakeCentre(broker.port) as centre:
            until(centre, lambda: bike.linked)
            broker.kill()
        wait_for(lambda: not bike.linked)


def test_a_bundle_that_the_disk_would_not_take_is_written_down_once_it_does(
    tmp_path: Path, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Standing()
    monkeypatch.setattr("device.delivery.courier.monotonic", clock)
    root = spki_text(ROOT.public_key())
    station = StationSettings(point=PointSettings(name="bupati-1", site="bupati"), trust=TrustSettings(roots=(root,)))
    ruleset = Ruleset(station, tmp_path / "gone", None)
    ruleset.offer(signed_bundle())
    assert not ruleset.kept
    sender = Sender("bupati-1", "boot-1", {})
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, clock:
        told = BrokerSettings(port=broker.port, keepalive=5)
        with Courier(outbox, told, DeliverySettings(), sender, ruleset) as bike:
            until(centre, lambda: bike.linked)
            (tmp_path / "gone").mkdir()
            clock.now = clock() + PURGE_EVERY
            bike.wake()
            until(centre, lambda: ruleset.kept)
            clock.now = None
    assert (tmp_path / "gone" / "bundle.cose").read_bytes() == signed_bundle()


def test_an_outbox_opened_anew_is_sent_from_its_first_row(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        append(outbox, 30)
        bike.wake()
        until(centre, lambda: outbox.depth().owed == 0)
        for ending in ("", "-wal", "-shm"):
            (tmp_path / f"outbox.db{ending}").rename(tmp_path / f"away.db{ending}")
        with pytest.raises(RecordError):
            append(outbox, 1)
        ids = append(outbox, 2)
        bike.wake()
        until(centre, lambda: outbox.depth().owed == 0)
        assert [one["id"] for one in centre.got][-2:] == ids


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (4, [b"\x20\x02\x00\x01"]),  # CONNACK: the broker refuses 3.1.1
        (5, [b"\x20\x03\x00\x87\x00"]),  # CONNACK: not authorized
        (5, [b"\x20\x03\x00\x00\x00", b"\x30\x05\x00\x02\xff\xfe\x00"]),  # a topic that is no text
        (5, [b"\x20\x03\x00\x00\x00", b"\xd0\x00" * 5000]),  # a flood of PINGRESP
        (5, [b"\xff" * 50]),
    ],
)
def test_a_rude_broker_is_weather(protocol: Literal[4, 5], words: list[bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:
        rude.settimeout(PATIENCE)
        broker = BrokerSettings(port=rude.getsockname()[1], protocol=protocol)
        link = Link(broker, "bupati-1", will=Message("t", b"", retain=True))

        def serve() -> None:
            line, _ = rude.accept()
            with line:
                line.settimeout(PATIENCE)
                line.recv(1000)
                for word in words:
                    line.sendall(word)

        teller = threading.Thread(target=serve)
        teller.start()

        def listen() -> None:
            with link:
                while True:
                    link.turn(1)

        with pytest.raises(SessionError):
            listen()
        teller.join()


def test_state_info_and_health_are_said_and_a_clean_stop_is_told_from_a_crash(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre:
        with courier(outbox, broker.port) as bike:
            bike.tell(Notice(health={"frames": 1}))
            until(centre, lambda: any(m.topic.endswith("/health") for m in centre.messages))
            bike.tell(Notice(faults=("camera",)))
            until(centre, lambda: centre.states()[-1]["state"] == "degraded")
        until(centre, lambda: centre.states()[-1]["state"] == "stopped")
        assert [state["state"] for state in centre.states()] == ["online", "degraded", "stopped"]
        assert {(state["boot"], state["epoch"]) for state in centre.states()} == {("boot-1", outbox.epoch)}
        assert centre.states()[1]["faults"] == ["camera"]
        told = {m.topic.rsplit("/", 1)[-1]: json.loads(m.body) for m in centre.messages}
        assert told["info"] == {"version": "test", "bundle": 0}
        counted = {"reconnects": 0, "refused": 0, "unrouted": 0, "hidden": [], "lost": 0, "under_way": 0}
        assert told["health"] == {"frames": 1, **counted}


def test_a_fault_brings_the_health_that_explains_it_at_once(tmp_path: Path, outbox: Outbox) -> None:
    def explained() -> list[str | None]:
        return [json.loads(m.body)["blind"] for m in centre.messages if m.topic.endswith("/health")]

    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        for faults, expected in (((), [None]), (("camera",), [None, "silent"]), ((), [None, "silent", None])):
            bike.tell(Notice(faults, {"blind": expected[-1]}))
            until(centre, lambda expected=expected: explained() == expected)


def test_the_will_says_offline_with_the_boot_it_belongs_to(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre:
        with courier(outbox, broker.port) as bike:
            will = bike._announcements.state(State.OFFLINE)
        link = Link(BrokerSettings(port=broker.port), "bupati-1", will=will)
        link.__enter__()
        link._drop()
        until(centre, lambda: centre.states() and centre.states()[-1]["state"] == "offline")
        assert centre.states()[-1]["boot"] == "boot-1"


def test_the_state_is_said_anew_to_a_new_life_of_the_centre_and_once(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre, courier(outbox, broker.port) as bike:
        until(centre, lambda: len(centre.states()) == 1)
        for life, faults in (("c", "camera"), ("d", None), ("d", "lens")):
            heard = len(centre.states())
            centre.link.publish(Message(TOPICS.centre(), dumps({"state": "online", "centre": life}), retain=True))
            if faults:
                bike.tell(Notice((faults,)))
            until(centre, lambda heard=heard: len(centre.states()) > heard)
        assert [state["faults"] for state in centre.states()] == [[], ["camera"], ["camera"], ["lens"]]


def test_protocol_3_1_1_delivers_too(tmp_path: Path, outbox: Outbox) -> None:
    with Mosquitto(tmp_path) as broker, FakeCentre(broker.port) as centre:
        sender = Sender("bupati-1", "boot-1", {})
        with Courier(outbox, BrokerSettings(port=broker.port, protocol=4), DeliverySettings(), sender) as bike:
            ids = append(outbox, 30)
            bike.wake()
            until(centre, lambda: outbox.depth().owed == 0)
            assert [one["id"] for one in centre.got] == ids


def test_no_broker_at_start_is_no_error_and_stopping_is_quick(outbox: Outbox) -> None:
    with courier(outbox, free_port()) as bike:
        append(outbox, 1)
        bike.check()
    assert outbox.depth().owed == 1


def test_a_broker_that_takes_the_connection_and_says_nothing_is_given_up(outbox: Outbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:
        will = Message("t", b"", retain=True)
        link = Link(BrokerSettings(port=rude.getsockname()[1]), "bupati-1", will=will, timeouts=Timeouts(stalled=0.1))
        with pytest.raises(SessionError, match="took the connection and then said nothing"):
            link.__enter__()
        with courier(outbox, rude.getsockname()[1], timeouts=Timeouts(stalled=3600, connect=3600)) as bike:
            bike.grace = 0.1
            rude.settimeout(PATIENCE)
            rude.accept()[0].close()
            rude.accept()[0].close()
            last, _ = rude.accept()
        with last:
            """Leaving did not wait for the broker's word, which would take an hour."""
    bike._thread.join()


def test_the_answers_of_a_broker_are_told_apart() -> None:
    assert [(a.refused, a.unrouted) for a in (Acked(1, 0, ""), Acked(1, 0x10, ""), Acked(1, 0x87, ""))] == [
        (False, False),
        (False, True),
        (True, False),
    ]


@contextmanager
def told(broker: Callable[[socket.socket], None]) -> Iterator[int]:
    """Bind a broker of a few lines, which says CONNACK and then what *broker* says; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)

        def serve() -> None:
            line, _ = server.accept()
            with line, suppress(OSError):
                line.settimeout(PATIENCE)
                line.recv(1000)
                line.sendall(b"\x20\x03\x00\x00\x00")
                broker(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join()


def test_a_broker_is_there_as_long_as_bytes_come_and_gone_after_one_and_a_half_keep_alives() -> None:
    """Nine minutes on the link's clock, which only the test moves: by a minute and a half for each byte that came."""
    now = 0.0
    more = threading.Semaphore(0)

    def trickle(line: socket.socket) -> None:
        """Send one long message byte by byte, a keep-alive and a half for each, and answer no ping meanwhile."""
        line.sendall(b"\x30\x80\x08\x00\x01t\x00")
        for _ in range(6):
            more.acquire(timeout=PATIENCE)
            line.sendall(b"x")
        while line.recv(100):
            pass

    with (
        told(trickle) as port,
        Link(BrokerSettings(port=port, keepalive=60), "a", will=Message("t", b""), clock=lambda: now) as link,
    ):
        for _ in range(6):
            before = link._line.read if link._line else 0
            more.release()
            wait_for(lambda before=before: (link.turn(0.05), link._line.read > before)[1])  # type: ignore[misc, union-attr]  # there is a line
            now += 90.0
            assert link.turn(0) == []
        now += 0.1
        with pytest.raises(SessionError, match="nothing came from the broker for 90 s"):
            link.turn(0)


def test_a_broker_that_never_acknowledges_is_left_before_it_fills_the_memory() -> None:
    alive = threading.Event()

    def chatter(line: socket.socket) -> None:
        """Answer every ping and nothing else."""
        while not alive.wait(0.05):
            line.sendall(b"\xd0\x00")

    with told(chatter) as port:
        with (  # noqa: PT012 - what is raised comes from the loop
            pytest.raises(SessionError, match="has not acknowledged"),
            Link(BrokerSettings(port=port), "a", will=Message("t", b""), timeouts=Timeouts(acknowledged=0.3)) as link,
        ):
            link.publish(Message("t", b"", qos=0))
            link.publish(Message("t", b""))
            while True:
                link.turn(0.05)
        alive.set()


def test_what_was_acknowledged_in_time_is_nobody_s_fault(tmp_path: Path) -> None:
    now = 0.0
    with (
        Mosquitto(tmp_path) as broker,
        Link(BrokerSettings(port=broker.port, keepalive=60), "a", will=Message("t", b""), clock=lambda: now) as link,
    ):
        mid = link.publish(Message("t", b""))
        assert [one.mid for one in wait_for(lambda: link.turn(0.05)) if isinstance(one, Acked)] == [mid]
        now += ACK_LIMIT + 1
        assert link.turn(0) == []


def test_a_line_that_takes_nothing_is_called_congested() -> None:
    done = threading.Event()
    with told(lambda _line: done.wait(PATIENCE) and None) as port:
        with Link(BrokerSettings(port=port), "a", will=Message("t", b"")) as link:
            assert not link.congested
            for _ in range(200):
                link.publish(Message("t", bytes(100_000)))
                if link.congested:
                    break
            assert link.congested
        done.set()


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example", "127.0.0.1"])
def test_a_broker_that_cannot_be_reached_is_weather_told_in_one_sentence(host: str) -> None:
    link = Link(BrokerSettings(host=host, port=free_port(), tls=False), "bupati-1", will=Message("t", b"", retain=True))
    with pytest.raises(SessionError, match=r"^no broker at "):
        link.__enter__()
