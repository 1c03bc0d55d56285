"""What an operator copies: the configurations load, and the broker's files keep everybody to their own topics."""

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from pydantic import BaseModel

from central.settings import Settings
from device import config, wire
from device.config import BrokerSettings, PointSettings, StationSettings, TrustSettings
from device.delivery.remote_commands import VERBS
from device.mqtt_client import Link, SessionError
from device.trust.bundle import root_key
from device.wire import Acked, Message, Received
from tests.support import point as point_
from tests.support.centre import CentreProgram
from tests.support.certificates import Authority, Pair
from tests.support.credentials import staff_pass
from tests.support.point import DATES, hold_up
from tests.support.shipped import EXAMPLES, _conf, shipped_broker
from tests.support.world import REPOSITORY, Mosquitto, free_port, wait_for

TOPICS = wire.Topics()
COMMENTED_OUT = re.compile(r"^# (\w+ = )", re.MULTILINE)
REFUSED, DONE = 0x87, 0x00

# --- the configurations ---


def test_the_stations_example_is_the_defaults_and_what_is_its_own() -> None:
    told, warnings = config.load(StationSettings, EXAMPLES / "titik.toml")
    assert warnings == []
    assert told == StationSettings(
        point=PointSettings(name="bupati-1", site="bupati", direction="in"),
        broker=BrokerSettings(
            host="broker.kantor.example",
            ca=Path("/etc/titik/ca.crt"),
            certificate=Path("/etc/titik/titik.crt"),
            key=Path("/run/credentials/titik.service/mqtt-key"),
        ),
        trust=TrustSettings(bundle=Path("/etc/titik/trust.cbor"), roots=told.trust.roots),
    )
    assert [root_key(root) is not None for root in told.trust.roots] == [True]


def test_the_centres_example_is_the_defaults_and_what_is_its_own() -> None:
    told, warnings = config.load(Settings, EXAMPLES / "central.toml")
    assert warnings == []
    assert told == Settings(
        broker=BrokerSettings(
            host="broker.kantor.example",
            ca=Path("/etc/titik/ca.crt"),
            certificate=Path("/etc/titik/central.crt"),
            key=Path("/run/credentials/titik-central.service/mqtt-key"),
        )
    )


@pytest.mark.parametrize(("model", "name"), [(StationSettings, "titik.toml"), (Settings, "central.toml")])
def test_every_key_stands_in_its_example(model: type[BaseModel], name: str) -> None:
    text = COMMENTED_OUT.sub(r"\1", (EXAMPLES / name).read_text(encoding="utf-8"))
    assert _keys_told(tomllib.loads(text)) == _keys_known(model)


@pytest.mark.parametrize(("model", "name"), [(StationSettings, "titik.toml"), (Settings, "central.toml")])
def test_what_is_commented_out_may_be_taken_in(model: type[config.Section], name: str, tmp_path: Path) -> None:
    text = COMMENTED_OUT.sub(r"\1", (EXAMPLES / name).read_text(encoding="utf-8"))
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert config.load(model, tmp_path / name)[1] == []


def test_the_inventory_holds_the_seven_points() -> None:
    told = tomllib.loads((EXAMPLES / "inventory.toml").read_text(encoding="utf-8"))["point"]
    points = [PointSettings.model_validate(one) for one in told]
    assert [(point.name, point.site) for point in points] == [
        ("bupati-1", "bupati"),
        ("bupati-2", "bupati"),
        ("bupati-3", "bupati"),
        ("gabungan-1", "gabungan"),
        ("gabungan-2", "gabungan"),
        ("gabungan-3", "gabungan"),
        ("dprd-1", "dprd"),
    ]
    assert all(one["title"] for one in told)


def _keys_known(model: type[BaseModel]) -> set[str]:
    keys = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys |= {f"{name}.{key}" for key in inner.model_fields}
        else:
            keys.add(name)
    return keys


def _keys_told(told: dict[str, object]) -> set[str]:
    keys = set()
    for name, value in told.items():
        keys |= {f"{name}.{key}" for key in value} if isinstance(value, dict) else {name}
    return keys


# --- the broker ---

ACL = re.compile(r"(?:(pattern|topic) (read|write)|user) (\S+)")
OPERATION = re.compile(r"action: (send|receive)\n +channel:\n +\$ref: '#/channels/(\w+)'")
CHANNEL = re.compile(r"^  (\w+):\n    address: (\S+)$", re.MULTILINE)


def _rights() -> set[tuple[str, str, str]]:
    """Return who may do what on which topic, as the ACL says it; a line of any other form fails."""
    rights, user = set(), ""
    for line in (EXAMPLES / "mosquitto.acl").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        told = ACL.fullmatch(line)
        assert told, line
        kind, what, topic = told.groups()
        if kind is None:
            user = topic
        else:
            assert (topic, what) not in {(one[2], one[1]) for one in rights if one[0] == user}, f"twice: {line}"
            rights.add(("a point" if kind == "pattern" else user, what, topic))
    return rights


def test_the_acl_grants_what_the_contract_says_by_name_and_nothing_else() -> None:
    told = (REPOSITORY / "schemas" / "asyncapi.yaml").read_text(encoding="utf-8")
    addresses, said = dict(CHANNEL.findall(told)), OPERATION.findall(told)
    assert sorted(name for _, name in said) == sorted(addresses)

    def topics(action: str, point: str) -> list[str]:
        named = [addresses[name].replace("{point}", point) for what, name in said if what == action]
        return [one.replace("{verb}", verb) for one in named for verb in (VERBS if "{verb}" in one else ("",))]

    assert _rights() == {
        *(("a point", "write", topic) for topic in topics("send", "%u")),
        *(("a point", "read", topic) for topic in topics("receive", "%u")),
        *(("central", "read", topic) for topic in topics("send", "+")),
        *(("central", "write", topic) for topic in topics("receive", "+") if topic != "titik/v1/+/request/ping"),
        ("operator", "read", "titik/v1/#"),
        ("operator", "read", "$SYS/#"),
        *(("operator", "write", topic) for topic in topics("receive", "+") if "/request/" in topic),
    }
    assert "titik/v1/+/request/ping" in topics("receive", "+")  # which the centre has no use for


def test_the_limit_of_memory_leaves_room_for_twice_what_may_be_queued_and_retained() -> None:
    lines = (EXAMPLES / "mosquitto.conf").read_text(encoding="utf-8").splitlines()
    told = {key: int(value) for key, _, value in (line.partition(" ") for line in lines) if value.isdigit()}
    each = 400  # bytes of mosquitto's own for a queued message, measured: 323
    own = len([right for right in _rights() if right[:2] == ("a point", "write")])
    queued = told["max_queued_bytes"] + each * told["max_queued_messages"]
    retained = (7 * own + 2) * told["max_packet_size"]
    assert 2 * (queued + retained) < told["memory_limit"] + 10_000_000


class Office:
    """The broker of examples/, on this machine, and whoever has a certificate."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.authority = Authority(folder)
        self.pid = 0

    @contextmanager
    def as_(self, name: str, *, clean: bool = True, client_id: str | None = None) -> Iterator[Link]:
        """Bind a session of the one whose certificate says *name*."""
        will = TOPICS.centre() if name == "central" else TOPICS.of(name, "state")
        pair = self.authority.client(name)
        with _link(self.port, self.authority.ca, pair, client_id or name, will=will, clean=clean) as link:
            yield link


def _link(port: int, ca: Path, pair: Pair | None, client_id: str, *, will: str = "", clean: bool = True) -> Link:
    broker = BrokerSettings(
        host="127.0.0.1",
        port=port,
        tls=True,
        ca=ca,
        certificate=pair.certificate if pair else None,
        key=pair.key if pair else None,
    )
    return Link(
        broker, client_id, will=Message(will or TOPICS.of(client_id, "state"), b"offline", retain=True), clean=clean
    )


@pytest.fixture
def office_of(tmp_path: Path) -> Iterator[Callable[[str, str], Office]]:
    """Return what runs mosquitto with the shipped ACL, and the shipped configuration with one line of it changed."""
    with ExitStack() as stack:

        def run(line: str, other: str) -> Office:
            port = free_port()
            office = Office(tmp_path / "files", port)
            conf = shipped_broker(port, tmp_path, office.authority)
            assert line in conf
            broker = stack.enter_context(Mosquitto(tmp_path, conf=conf.replace(line, other), port=port))
            office.pid = broker.pid
            return office

        yield run


@pytest.fixture
def office(office_of: Callable[[str, str], Office]) -> Office:
    """Run mosquitto with the shipped configuration and ACL."""
    return office_of("", "")


def test_a_station_and_the_centre_deliver_through_the_shipped_broker_with_certificates(
    office: Office, tmp_path: Path
) -> None:
    def encrypted(name: str) -> str:
        pair = office.authority.client(name)
        return f'tls = true\nca = "{office.authority.ca}"\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"'

    point = point_.Station(tmp_path / "point", office.port, more=encrypted("bupati-1"))
    hold_up(point, staff_pass("0001", **DATES), "https://toko.example/menu")
    with CentreProgram(tmp_path / "centre", office.port, encrypted("central")) as centre, point:
        assert point.ends() == 0, point.child.err
        assert len(point.shown()) == 2
        wait_for(lambda: sorted(centre.ids()) == sorted(one[0] for one in point.shown()))
    stranger = point_.Station(tmp_path / "stranger", office.port, name="bupati-2", more=encrypted("bupati-1"))
    hold_up(stranger, staff_pass("0002", **DATES))
    with stranger:
        assert stranger.ends() == 0
    assert "error: the broker refuses what we ask" in stranger.child.err
    assert stranger.owed() == 1


def _say(link: Link, topic: str, body: bytes = b"{}", *, retain: bool = False) -> int:
    """Publish and return the broker's answer to it."""
    mid = link.publish(Message(topic, body, retain=retain))
    answers: list[Acked] = []

    def answered() -> bool:
        answers.extend(one for one in link.turn(0.05) if isinstance(one, Acked) and one.mid == mid)
        return bool(answers)

    wait_for(answered, what=f"the broker answers to {topic}")
    return answers[0].code


def _listen(link: Link, topics: list[str], own: str) -> None:
    """Subscribe, and speak on *own* to know that the broker has taken it: it answers in order."""
    link.subscribe(topics)
    _say(link, own)


def _heard(link: Link, until: str) -> list[tuple[str, bytes]]:
    """Return what comes in, up to and with the first message on *until*."""
    heard: list[tuple[str, bytes]] = []

    def there() -> bool:
        heard.extend((one.topic, one.body) for one in link.turn(0.05) if isinstance(one, Received))
        return until in [topic for topic, _ in heard]

    wait_for(there, what=f"something on {until}")
    return heard


def test_a_stations_event_reaches_the_centre_and_the_receipt_comes_back(office: Office) -> None:
    with office.as_("central") as centre, office.as_("bupati-1") as station:
        _listen(centre, [TOPICS.every("event")], TOPICS.centre())
        _listen(station, [TOPICS.of("bupati-1", "receipt")], TOPICS.of("bupati-1", "health"))
        assert _say(station, TOPICS.of("bupati-1", "event"), b"seen") == DONE
        assert _heard(centre, TOPICS.of("bupati-1", "event")) == [(TOPICS.of("bupati-1", "event"), b"seen")]
        assert _say(centre, TOPICS.of("bupati-1", "receipt"), b"held") == DONE
        assert _heard(station, TOPICS.of("bupati-1", "receipt")) == [(TOPICS.of("bupati-1", "receipt"), b"held")]


def test_a_station_may_write_its_own_words_and_nobody_elses(office: Office) -> None:
    own = [TOPICS.of("bupati-1", leaf) for leaf in ("event", "state", "info", "health", "response/ping")]
    others = [TOPICS.of("bupati-2", leaf) for leaf in ("event", "state", "info", "health", "response/ping")]
    never = [
        TOPICS.of("bupati-1", "receipt"),
        TOPICS.of("bupati-1", "request/ping"),
        TOPICS.centre(),
        "titik/v1/fleet/bundle",
        "titik/v1/fleet/presence",
        "elsewhere",
    ]
    with office.as_("operator") as operator, office.as_("bupati-1") as station:
        # Somebody must listen, else the broker answers "no matching subscribers".
        _listen(operator, ["titik/v1/#"], TOPICS.of("bupati-1", "request/ping"))
        assert {topic: _say(station, topic) for topic in own + others + never} == {
            **dict.fromkeys(own, DONE),
            **dict.fromkeys(others + never, REFUSED),
        }


def _resident(pid: int) -> int:
    """Return the megabytes of memory that a process has in use."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[0]) // 1024


MEGABYTE = b"x" * wire.MAX_BUNDLE


def _flood(link: Link, topic: str, times: int) -> None:
    """Publish a megabyte at QoS 0 as fast as the line takes it."""
    for _ in range(times):
        link.publish(Message(topic, MEGABYTE, qos=0))
        while link.congested:
            link.turn(0.05)


def test_a_stolen_certificate_stores_nothing_at_the_broker_under_names_of_its_choice(office: Office) -> None:
    own = ("event", "state", "info", "health", *(f"response/{verb}" for verb in VERBS))
    strange = [
        *(f"{leaf}/{n}" for n in range(4) for leaf in (*own, "request/ping")),
        *(f"response/{name}" for name in ("", "x", "pong", "Ping", "ping ", "ping/", "$x", "x" * 40)),
        *("certificate", "receipt", "", "request/replay", "$share/g/event"),
    ]
    with office.as_("bupati-1") as thief:
        answers = [_say(thief, TOPICS.of("bupati-1", leaf), MEGABYTE, retain=True) for leaf in own]
        assert REFUSED not in answers  # what it may say it may also retain: six megabytes
        before = _resident(office.pid)
        answers = [_say(thief, TOPICS.of("bupati-1", leaf), MEGABYTE, retain=True) for leaf in strange]
        assert answers == [REFUSED] * len(strange)
        assert _resident(office.pid) - before < len(strange) / 4


def test_who_fills_the_broker_s_memory_is_put_out_and_all_others_go_on(office_of: Callable[[str, str], Office]) -> None:
    """The shipped limit is eight times this one; the mechanism is mosquitto's, and the same at any figure."""
    office = office_of("memory_limit 536870912\n", "memory_limit 67108864\n")
    with office.as_("operator") as asleep, office.as_("dprd-1") as honest:
        _listen(asleep, ["titik/v1/#"], TOPICS.of("bupati-1", "request/ping"))
        with pytest.raises(SessionError), office.as_("bupati-2") as thief:
            _flood(thief, TOPICS.of("bupati-2", "health"), 400)
        assert _resident(office.pid) < 64 + 64
        assert _say(honest, TOPICS.of("dprd-1", "event")) == DONE
        with office.as_("gabungan-1") as newcomer:
            assert _say(newcomer, TOPICS.of("gabungan-1", "event")) == DONE


def test_a_station_reads_what_is_said_to_it_and_nothing_else(office: Office) -> None:
    with office.as_("central") as centre, office.as_("bupati-1") as station, office.as_("bupati-2") as other:
        everything = ["#", TOPICS.of("bupati-2", "receipt"), TOPICS.of("bupati-2", "event")]
        _listen(station, everything, TOPICS.of("bupati-1", "health"))
        _say(other, TOPICS.of("bupati-2", "event"))
        _say(other, TOPICS.of("bupati-2", "state"))
        for topic in (TOPICS.of("bupati-2", "receipt"), "titik/v1/fleet/bundle", TOPICS.of("bupati-1", "receipt")):
            _say(centre, topic)
        heard = _heard(station, TOPICS.of("bupati-1", "receipt"))
        assert {topic for topic, _ in heard} == {"titik/v1/fleet/bundle", TOPICS.of("bupati-1", "receipt")}


def test_the_operator_asks_and_reads_and_gives_no_receipts(office: Office) -> None:
    with office.as_("operator") as operator, office.as_("bupati-1") as station:
        _listen(operator, [TOPICS.every("response/+")], TOPICS.of("bupati-2", "request/ping"))
        _listen(station, [TOPICS.of("bupati-1", "request/#")], TOPICS.of("bupati-1", "health"))
        assert _say(operator, TOPICS.of("bupati-1", "request/ping")) == DONE
        _heard(station, TOPICS.of("bupati-1", "request/ping"))
        assert _say(station, TOPICS.of("bupati-1", "response/ping")) == DONE
        _heard(operator, TOPICS.of("bupati-1", "response/ping"))
        forbidden = [TOPICS.of("bupati-1", "receipt"), TOPICS.of("bupati-1", "event"), TOPICS.centre()]
        assert [_say(operator, topic) for topic in forbidden] == [REFUSED] * 3


def test_who_has_no_certificate_of_the_authority_stays_outside(office: Office, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger").client("bupati-1")
    for pair in (None, stranger):
        with (
            pytest.raises(SessionError),
            _link(office.port, office.authority.ca, pair, "bupati-1"),
        ):
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves the socket to be collected
def test_a_station_does_not_speak_with_a_broker_of_another_authority(office: Office, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with (
        pytest.raises(SessionError, match="no TLS"),
        _link(office.port, other.ca, office.authority.client("bupati-1"), "bupati-1"),
    ):
        pass


def test_nobody_takes_anothers_place_by_its_client_id(office: Office) -> None:
    with office.as_("bupati-1") as victim, office.as_("bupati-2", client_id="bupati-1") as thief:
        _say(thief, TOPICS.of("bupati-2", "event"))
        assert _say(victim, TOPICS.of("bupati-1", "event")) != REFUSED


def test_the_last_will_of_a_station_is_let_through(office: Office) -> None:
    with office.as_("central") as centre:
        _listen(centre, [TOPICS.every("state")], TOPICS.centre())
        with pytest.raises(InterruptedError), office.as_("dprd-1"):
            raise InterruptedError
        assert _heard(centre, TOPICS.of("dprd-1", "state")) == [(TOPICS.of("dprd-1", "state"), b"offline")]


def test_the_centre_hears_what_another_one_says_under_its_name(office: Office) -> None:
    with office.as_("central") as centre:
        _listen(centre, [TOPICS.centre()], TOPICS.of("bupati-1", "receipt"))
        centre.publish(Message(TOPICS.centre(), b'{"state":"online"}'))
        assert _heard(centre, TOPICS.centre()) == [(TOPICS.centre(), b'{"state":"online"}')]


def test_events_of_a_night_without_a_centre_wait_for_it(office: Office) -> None:
    with office.as_("central", clean=False) as centre:
        _listen(centre, [TOPICS.every("event")], TOPICS.centre())
    with office.as_("bupati-1") as station:
        for n in range(3):
            assert _say(station, TOPICS.of("bupati-1", "event"), b"%d" % n) == DONE
        assert _say(station, TOPICS.of("bupati-1", "event"), b"x" * wire.MAX_MESSAGE) == DONE
    heard: list[bytes] = []
    with office.as_("central", clean=False) as centre:

        def all_came() -> bool:
            heard.extend(one.body for one in centre.turn(0.05) if isinstance(one, Received))
            return len(heard) >= 4

        wait_for(all_came, what="the night's events")
    assert heard == [b"0", b"1", b"2", b"x" * wire.MAX_MESSAGE]


def test_the_certificates_script_lets_in_and_its_revocation_shuts_out(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    files, state, port = tmp_path / "files", tmp_path / "state", free_port()
    state.mkdir()
    script = [str(EXAMPLES / "certificates"), str(files)]
    made = subprocess.run([*script, "127.0.0.1", "bupati-1", "bupati-2"], capture_output=True, text=True, check=True)
    assert made.stdout.splitlines() == [
        "ca.crt and ca.key: Titik CA",
        "server.crt and server.key: 127.0.0.1",
        *(f"{name}.crt and {name}.key: {name}" for name in ("central", "operator", "bupati-1", "bupati-2")),
    ]
    old, other = (_kept(files, name) for name in ("bupati-1", "bupati-2"))
    shutil.copy(EXAMPLES / "mosquitto.acl", files / "acl")
    subprocess.run([*script, "revoke", "bupati-1"], capture_output=True, check=True)
    again = subprocess.run([*script, "127.0.0.1", "bupati-1", "bupati-2"], capture_output=True, text=True, check=True)
    assert again.stdout.splitlines() == ["bupati-1.crt and bupati-1.key: bupati-1"]
    new = _kept(files, "bupati-1")
    with Mosquitto(tmp_path, conf=_conf(port, files, state), port=port):
        for pair, name in ((other, "bupati-2"), (new, "bupati-1")):
            with _link(port, files / "ca.crt", pair, name) as link:
                assert _say(link, TOPICS.of(name, "event")) != REFUSED
        with pytest.raises(SessionError), _link(port, files / "ca.crt", old, "bupati-1"):
            pass


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """Return the folder of a broker that could start: its files, and the shipped configuration beside them."""
    files, state = tmp_path / "files", tmp_path / "state"
    state.mkdir()
    Authority(files).server()
    shutil.copy(EXAMPLES / "mosquitto.acl", files / "acl")
    (files / "mosquitto.conf").write_text(_conf(free_port(), files, state), encoding="utf-8")
    return files


def _checked(conf: Path, **env: str) -> subprocess.CompletedProcess[str]:
    told = {**os.environ, **env}
    return subprocess.run([EXAMPLES / "mosquitto-check", conf], capture_output=True, text=True, env=told, check=False)


def test_a_broker_that_would_start_is_said_to_also_beside_the_one_that_runs(ready: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    conf = ready / "mosquitto.conf"
    text = conf.read_text(encoding="utf-8")
    port = int(re.findall(r"^listener (\d+)", text, re.MULTILINE)[0])
    with Mosquitto(ready.parent, conf=text, port=port) as running:
        done = _checked(conf, TMPDIR=str(ready))
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{conf}: the broker would start\n", "")
        assert running.pid
    assert [path.name for path in ready.iterdir() if path.name.startswith("tmp.")] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("revoked.crl is absent", "crl"),
        ("revoked.crl is rubbish", "crl"),
        ("revoked.crl is another authority's", "different CRL|unable to get certificate CRL|CRL"),
        ("server.crt is rubbish", "certificate"),
        ("server.key is another's", "key"),
        ("server.crt is revoked", "revoked"),
        ("ca.crt is another's", "verification failed"),
        ("acl is absent", "acl_file"),
        ("acl is rubbish", "acl"),
        ("the configuration has an unknown word", "configuration"),
    ],
)
def test_a_broker_that_would_not_start_or_let_nobody_in_is_told_before_the_restart(
    ready: Path, wrong: str, said: str
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    other = Authority(ready.parent / "other")
    other.server()
    name, _, what = wrong.partition(" is ")
    file = ready / name
    match what:
        case "absent":
            file.unlink()
        case "rubbish":
            file.write_text("rubbish\n", encoding="utf-8")
        case "revoked":
            mine = Authority(ready)
            mine.revoke(mine.server())
        case "":
            with (ready / "mosquitto.conf").open("a", encoding="utf-8") as conf:
                conf.write("memory_limits 1\n")
        case _:
            shutil.copy(other.ca.with_name(name), file)
    done = _checked(ready / "mosquitto.conf")
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    *words, last = done.stderr.splitlines()
    assert re.search(said, "\n".join(words)), done.stderr
    assert "Next: leave the running broker alone" in last


def test_a_file_that_the_broker_s_own_user_may_not_read_is_told_before_the_restart(ready: Path) -> None:
    """As after `cp` of what root's umask made: the service gives up root, and then reads it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # pytest's own lets nobody in
        shutil.copytree(ready, folder / "files")
        for file in (folder / "files").iterdir():
            file.chmod(0o644)
        conf = folder / "files" / "mosquitto.conf"
        text = conf.read_text(encoding="utf-8").replace(str(ready), str(conf.parent))
        conf.write_text(text.replace("user root\n", "user nobody\n"), encoding="utf-8")
        assert _checked(conf).returncode == 0
        (folder / "files" / "revoked.crl").chmod(0o600 if os.geteuid() == 0 else 0)
        done = _checked(conf)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert "crlfile" in done.stderr


def _kept(files: Path, name: str) -> Pair:
    """Return copies of a pair, which the script may take away."""
    aside = files / f"kept-{len(list(files.iterdir()))}"
    aside.mkdir()
    return Pair(*(Path(shutil.copy(files / f"{name}{kind}", aside)) for kind in (".crt", ".key")))
