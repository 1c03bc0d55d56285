"""The centre as a program: a real broker, a real process, a fake station that speaks the real protocol."""

import base64
import faulthandler
import hashlib
import json
import logging
import os
import resource
import select
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from central.__main__ import main
from device.config import BrokerSettings
from device.delivery.remote_commands import VERBS
from device.mqtt_client import Link
from device.system.disk import write_whole
from device.wire import MAX_BUNDLE, Message, Quarantined, Received, Topics, batch, dumps
from tests.support.centre import FLEET, CentreProgram, ask, fake_station, receipt
from tests.support.framing import Packets
from tests.support.messages import POINT, event, schema
from tests.support.world import PATIENCE, REPOSITORY, Mosquitto, free_port, wait_for


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as mosquitto:
        yield mosquitto


ENDLESS = (
    "-c",
    """
import sys
from functools import partial
from central import __main__, centre
from device.mqtt.connection import Timeouts
centre.GOODBYE = 3600
centre.Link = partial(centre.Link, timeouts=Timeouts(stalled=3600, connect=3600))
sys.exit(__main__.main())
""",
)
"""The centre's program with limits that no test could wait for: who waits for them hangs."""


@pytest.fixture
def centre(tmp_path: Path, broker: Mosquitto) -> Iterator[CentreProgram]:
    with CentreProgram(tmp_path / "centre", broker.port) as child:
        child.says("state online")
        yield child


@pytest.mark.parametrize("protocol", [5, 4])
def test_a_receipt_is_a_row_that_survives_kill_9(tmp_path: Path, broker: Mosquitto, protocol: int) -> None:
    told = [event(seq) for seq in range(1, 8)]
    centre = CentreProgram(tmp_path / "centre", broker.port, f"protocol = {protocol}")
    with fake_station(broker, protocol=protocol) as point:
        with centre:
            life = point.centre("online")["centre"]
            point.send(dumps(told[0]))
            point.send(batch([dumps(one) for one in told[1:]]))
            assert point.receipts(2) == [receipt(life, told[0]), receipt(life, *told[1:])]
            centre.kill()
        assert centre.rows() == [("/titik/bupati-1", "7f3a9c1e", seq) for seq in range(1, 8)]
        assert point.centre("offline")["centre"] == life
        with centre:
            assert point.centre("online")["centre"] == life
            point.send(dumps(told[0]))
            assert point.receipts(1) == [receipt(life, told[0])]
            assert centre.stop() == 0
        assert len(centre.rows()) == 7
        point.centre("stopped")


def test_garbage_and_a_foreign_source_are_quarantined_and_answered(broker: Mosquitto, centre: CentreProgram) -> None:
    foreign = dumps(event(point="dprd-1"))
    with fake_station(broker) as point:
        life = point.centre("online")["centre"]
        for body in (b"GEHEIM", foreign, foreign):
            point.send(body)
        assert point.receipts(3) == [
            Quarantined(life, hashlib.sha256(body).hexdigest()) for body in (b"GEHEIM", foreign, foreign)
        ]
    assert centre.rows() == []
    assert centre.err.count("a message is quarantined") == 2
    assert "GEHEIM" not in centre.err


def test_events_of_a_night_without_a_centre_wait_for_it(tmp_path: Path, broker: Mosquitto) -> None:
    centre = CentreProgram(tmp_path / "centre", broker.port)
    with centre:
        centre.says("state online")
        assert centre.stop() == 0
    with fake_station(broker) as point:
        for seq in range(1, 31):
            point.send(dumps(event(seq)))
        with centre:
            assert len(point.receipts(30)) == 30
    assert [seq for _, _, seq in centre.rows()] == list(range(1, 31))


def test_what_a_kept_session_brings_with_the_brokers_first_word_is_not_lost() -> None:
    """A broker redelivers at once; the CONNACK and the first PUBLISH then lie in one segment."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            conn, _ = server.accept()
            with conn:
                conn.recv(1000)
                conn.sendall(b"\x20\x02\x01\x00" + b"\x30\x07\x00\x03a/b" + b"hi")
                conn.recv(1000)

        thread = Thread(target=speak)
        thread.start()
        told = BrokerSettings(port=server.getsockname()[1], protocol=4)
        with Link(told, "centre", will=Message("a/will", b""), clean=False) as link:
            assert link.turn(3600) == [Received("a/b", b"hi", retained=False)]  # and does not wait for more
        thread.join()


def test_a_broker_that_is_away_is_weather(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    with CentreProgram(tmp_path / "centre", broker.port) as centre:
        centre.says("no broker at 127.0.0.1")
        with broker:
            centre.says("state online")
            broker.kill()
            centre.says("the next try follows", 2)
            broker.start()
            centre.says("state online", 2)
            with fake_station(broker) as point:
                point.send(dumps(event(1)))
                point.receipts(1)
            assert centre.stop() == 0
        assert centre.err.count("no broker at") <= 2  # once each time it went, not once a gust


WEATHERS = ("no broker", "a mute broker", "a broker")


@pytest.fixture(params=WEATHERS)
def weather(request: pytest.FixtureRequest, broker: Mosquitto) -> Iterator[int]:
    """Yield the port of a broker that is away, one that takes a connection and says nothing, or one that is well."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        yield dict(zip(WEATHERS, (free_port(), mute.getsockname()[1], broker.port), strict=True))[request.param]


def test_the_last_word_is_acknowledged_before_the_centre_hangs_up(tmp_path: Path) -> None:
    """A broker that the centre leaves meanwhile may give it to nobody."""
    order: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            conn, _ = server.accept()
            with conn:
                for kind, body in Packets(conn):
                    if kind >> 4 == 1:
                        conn.sendall(b"\x20\x02\x00\x00")
                    elif kind >> 4 == 8:
                        conn.sendall(b"\x90\x08" + body[:2] + bytes(6))
                    elif kind >> 4 == 3:
                        size = struct.unpack("!H", body[:2])[0]
                        order.append(json.loads(body[4 + size :])["state"])
                        if order[-1] == "stopped":
                            early = select.select([conn], [], [], 0.5)[0]
                            order.append("early" if early else "acknowledged")
                        conn.sendall(b"\x40\x02" + body[2 + size : 4 + size])
                    elif kind >> 4 == 14:
                        order.append("disconnect")

        thread = Thread(target=speak)
        thread.start()
        port = server.getsockname()[1]
        with CentreProgram(tmp_path / "centre", port, "protocol = 4", program=ENDLESS) as centre:
            centre.says("state online")
            assert centre.stop() == 0
        thread.join()
    assert order == ["online", "stopped", "acknowledged", "disconnect"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_waits_for_no_weather(tmp_path: Path, weather: int, signum: signal.Signals) -> None:
    with CentreProgram(tmp_path / "centre", weather, program=ENDLESS) as centre:
        centre.says("the store is open")
        centre.process.send_signal(signum)
        assert centre.process.wait() == 0
        assert "Traceback" not in centre.err


def test_systemd_hears_ready_then_each_turn_then_stopping_in_any_weather(tmp_path: Path, weather: int) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        with CentreProgram(tmp_path / "centre", weather, env=env, program=ENDLESS) as centre:
            assert systemd.recv(100) == b"READY=1"
            assert centre.database.exists()
            assert [systemd.recv(100) for _ in range(4)] == 4 * [b"WATCHDOG=1"]
            assert centre.stop() == 0
        systemd.settimeout(0)
        words = list(iter(lambda: _word(systemd), b""))
        assert [word for word in words if word != b"WATCHDOG=1"] == [b"STOPPING=1"]


def _word(systemd: socket.socket) -> bytes:
    try:
        return systemd.recv(100)
    except BlockingIOError:
        return b""


def test_a_full_disk_is_said_receipts_nothing_and_heals_by_itself(broker: Mosquitto, centre: CentreProgram) -> None:
    """The limit on the size of its files stands in for the disk; Python turns it into an error, not a signal."""
    told = [event(seq) for seq in range(1, 101)]
    whole = [batch([dumps(one) for one in told[:50]]), batch([dumps(one) for one in told[50:]])]
    with fake_station(broker) as point:
        life = point.centre("online")["centre"]
        before = resource.prlimit(centre.process.pid, resource.RLIMIT_FSIZE)
        log = (centre.config.parent / "err").stat().st_size
        resource.prlimit(centre.process.pid, resource.RLIMIT_FSIZE, (max(log, 32_768), before[1]))
        for body in whole:
            point.send(body)
        point.centre("degraded")
        assert "nothing is receipted, and the stations keep their events. Next: df -h" in centre.err
        assert [got for got in point.heard if got.topic != FLEET] == []
        resource.prlimit(centre.process.pid, resource.RLIMIT_FSIZE, before)
        assert point.receipts(2) == [receipt(life, *told[:50]), receipt(life, *told[50:])]
        point.centre("online")
    assert len(centre.rows()) == 100
    assert centre.err.count("nothing is receipted") == centre.err.count("can be written again") == 1
    assert "Traceback" not in centre.err


def test_a_database_moved_away_ends_the_centre_without_a_receipt(broker: Mosquitto, centre: CentreProgram) -> None:
    with fake_station(broker) as point:
        point.centre("online")
        centre.database.rename(centre.database.with_name("moved.db"))
        point.send(dumps(event(1)))
        assert centre.process.wait() == 1
        point.centre("offline")
        assert [got for got in point.heard if got.topic != FLEET] == []
    assert "was moved or deleted" in centre.err
    assert "Traceback" not in centre.err


@pytest.mark.parametrize(
    ("password", "said"), [("sesame", "state online"), ("wrong", "the broker refused this client")]
)
def test_the_password_comes_from_the_environment_and_is_never_logged(tmp_path: Path, password: str, said: str) -> None:
    salt = os.urandom(12)
    hashed = hashlib.pbkdf2_hmac("sha512", b"sesame", salt, 101)
    known = tmp_path / "passwords"
    known.write_text(f"central:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(hashed).decode()}\n")
    known.chmod(0o600)
    with Mosquitto(tmp_path, f"allow_anonymous false\npassword_file {known}") as broker:
        env = {"TITIK_MQTT_PASSWORD": password}
        with CentreProgram(tmp_path / "centre", broker.port, 'username = "central"', env) as centre:
            centre.says(said)
        assert password not in centre.err.replace(said, "")


def test_an_acl_that_eats_receipts_is_said_once(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text(
        "topic read titik/v1/+/event\ntopic write titik/v1/bupati-1/event\ntopic write titik/v1/fleet/centre\n"
    )
    acl.chmod(0o600)
    with Mosquitto(tmp_path, f"acl_file {acl}") as broker, CentreProgram(tmp_path / "centre", broker.port) as centre:
        centre.says("state online")
        with fake_station(broker) as point:
            for seq in (1, 2, 3):
                point.send(dumps(event(seq)))
            point.look()
            centre.says("the broker refuses what the centre says")
            wait_for(lambda: len(centre.rows()) == 3)
        assert centre.stop() == 0
    assert centre.err.count("the broker refuses what the centre says") == 1


def test_status_reads_beside_the_running_centre(broker: Mosquitto, centre: CentreProgram) -> None:
    with fake_station(broker) as point:
        life = point.centre("online")["centre"]
        said = {"state": "online", "boot": "b1", "epoch": "7f3a9c1e", "seq": 6}
        schema("state").validate(said)
        point.send(dumps(said), "state", retain=True)
        for seq in (1, 4):
            point.send(dumps(event(seq)))
        point.receipts(2)
    told = ask("status", "--json", "--config", centre.config)
    assert (told.returncode, told.stderr) == (1, "")
    status = json.loads(told.stdout)
    seen = status["points"][POINT].pop("seen")
    assert seen > "2026"
    assert status.pop("at") >= seen
    assert [problem["what"] for problem in status.pop("problems")] == ["backup", "missing"]
    assert status == {
        "centre": life,
        "points": {
            POINT: {
                "events": 2,
                "counts": {"admit": 2},
                "last_event": "2026-11-22T01:02:03.456Z",
                "last_event_between": None,
                "state": "online",
                "faults": [],
                "owed": None,
                "oldest": None,
                "owed_since": None,
                "version": None,
                "bundle": None,
                "synced": None,
                "skew": None,
                "epochs": 1,
                "missing": 2,
                "gaps": [["7f3a9c1e", 2, 3]],
                "tail": 2,
                "lost": 0,
                "lost_gaps": [],
                "lost_at": None,
                "undated": 0,
                "undated_between": None,
                "clashes": 0,
                "clashes_at": None,
                "foreign": [],
            }
        },
        "quarantined": 0,
        "unreleased": 0,
        "backup": None,
        "troubles": [],
        "bundle": None,
        "never_heard": [],
    }
    table = ask("status", "--config", centre.config)
    assert (table.returncode, table.stderr) == (1, "")
    assert "hilang / missing  bupati-1: 7f3a9c1e 2-3" in table.stdout


@pytest.fixture
def _log_ends_with_the_test() -> Iterator[None]:
    before = logging.root.handlers[:]
    yield
    logging.root.handlers[:] = before
    faulthandler.unregister(signal.SIGUSR1)


@pytest.mark.usefixtures("_log_ends_with_the_test")
def test_status_without_a_database_says_so_with_3(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "central.toml"
    config.write_text(f"[store]\npath = {json.dumps(str(tmp_path / 'none.db'))}\n", encoding="utf-8")
    assert main(["status", "--config", str(config)]) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        f"error: {tmp_path}/none.db does not exist: no centre has run with this configuration."
        " Next: titik-central run\n"
    )


@pytest.mark.parametrize(
    ("verb", "config", "said"),
    [
        ("run", "[broker]\nport = 0\n", "broker.port = 0"),
        ("status", "[broker\n", "this is not TOML"),
        ("run", "[store]\npath = 'letter'\n", "letter: this is not a database"),
        ("status", "[store]\npath = 'letter'\n", "letter: this is not a database"),
    ],
)
def test_what_cannot_be_served_ends_with_78_and_a_sentence(tmp_path: Path, verb: str, config: str, said: str) -> None:
    letter, file = tmp_path / "letter", tmp_path / "central.toml"
    letter.write_text("a letter " * 200, encoding="ascii")
    file.write_text(config.replace("letter", str(letter)), encoding="utf-8")
    told = ask(verb, "--config", file)
    assert told.returncode == 78
    assert said in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.usefixtures("_log_ends_with_the_test")
def test_an_unknown_key_only_warns(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "central.toml"
    config.write_text(f"[store]\npth = 1\npath = {json.dumps(str(tmp_path / 'none.db'))}\n", encoding="utf-8")
    assert main(["status", "--config", str(config)]) == 3
    assert "warning: " in (err := capfd.readouterr().err)
    assert "unknown key store.pth is not used; did you mean path?" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["statsu"], 2, "invalid choice"),
        (["run", "--help"], 0, "example: titik-central run"),
        (["status", "--help"], 0, "example: titik-central status"),
    ],
)
def test_a_wrong_command_ends_with_2_and_help_has_an_example(
    arguments: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code
    assert said in "".join(capfd.readouterr())


def test_the_bundle_is_posted_again_to_a_broker_that_forgot_it(tmp_path: Path) -> None:
    bundle = tmp_path / "trust.cbor"
    bundle.write_bytes(b"as the desk signed it")
    posted = "the bundle of 21 bytes is posted for all points"
    with (
        Mosquitto(tmp_path) as broker,
        CentreProgram(tmp_path / "centre", broker.port, f'[trust]\nbundle = "{bundle}"') as centre,
    ):
        centre.says(posted)
        broker.kill()
        broker.start()
        centre.says(posted, 2)
        with Link(BrokerSettings(port=broker.port), "listener", will=Message("a/will", b"")) as listener:
            listener.subscribe([Topics().bundle()])
            heard = wait_for(lambda: [m for m in listener.turn(0.2) if isinstance(m, Received)])
        assert heard == [Received(Topics().bundle(), b"as the desk signed it", retained=True)]


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (None, "trust.cbor: No such file or directory"),
        (b"", "trust.cbor is no bundle by its size"),
        (bytes(MAX_BUNDLE + 1), "trust.cbor is no bundle by its size"),
    ],
)
def test_a_bundle_that_cannot_be_posted_is_said_once_and_posted_when_it_is_mended(
    tmp_path: Path, broker: Mosquitto, octets: bytes | None, says: str
) -> None:
    bundle = tmp_path / "trust.cbor"
    if octets is not None:
        bundle.write_bytes(octets)
    with CentreProgram(tmp_path / "centre", broker.port, f'[trust]\nbundle = "{bundle}"') as centre:
        centre.says(says)
        write_whole(bundle, b"mended")
        centre.says("the bundle of 6 bytes is posted for all points")
        assert centre.err.count("no bundle can be posted") == 1
        assert centre.err.count("is posted for all points") == 1


def test_asyncapi_names_every_schema_and_the_topics_of_the_code() -> None:
    folder = REPOSITORY / "schemas"
    told = (folder / "asyncapi.yaml").read_text(encoding="utf-8")
    for file in folder.glob("*.json"):
        assert f"'./{file.name}'" in told
    for leaf in ("event", "receipt", "state", "info", "health"):
        assert f"address: titik/v1/{{point}}/{leaf}\n" in told
    for leaf in ("request", "response"):
        assert f"address: titik/v1/{{point}}/{leaf}/{{verb}}\n" in told
    assert f"enum: [{', '.join(VERBS)}]\n" in told
    assert f"address: {FLEET}\n" in told
    assert f"address: {Topics().bundle()}\n" in told
