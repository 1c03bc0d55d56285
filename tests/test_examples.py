"""What an operator copies: the configurations load, and the broker's files keep everybody to their own topics."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import BaseModel

from central.settings import Settings
from device import config, wire
from device.config import Broker, Point, Station, Trust
from device.mqtt_client import Acked, Broken, Link, Message, Received
from device.trust import root_key
from tests import point as point_
from tests.certificates import Authority, Pair
from tests.credentials import staff_pass
from tests.test_whole import DATES, hold_up
from tests.world import REPOSITORY, Mosquitto, free_port, wait_for

EXAMPLES = REPOSITORY / "examples"
TOPICS = wire.Topics()
COMMENTED_OUT = re.compile(r"^# (\w+ = )", re.MULTILINE)
REFUSED, DONE = 0x87, 0x00

# --- the configurations ---


def test_the_stations_example_is_the_defaults_and_what_is_its_own() -> None:
    told, warnings = config.load(Station, EXAMPLES / "titik.toml")
    assert warnings == []
    assert told == Station(
        point=Point(name="bupati-1", site="bupati", direction="in"),
        broker=Broker(
            host="broker.kantor.example",
            ca=Path("/etc/titik/ca.crt"),
            certificate=Path("/etc/titik/titik.crt"),
            key=Path("/run/credentials/titik.service/mqtt-key"),
        ),
        trust=Trust(bundle=Path("/etc/titik/trust.cbor"), roots=told.trust.roots),
    )
    assert [root_key(root) is not None for root in told.trust.roots] == [True]


def test_the_centres_example_is_the_defaults_and_what_is_its_own() -> None:
    told, warnings = config.load(Settings, EXAMPLES / "central.toml")
    assert warnings == []
    assert told == Settings(
        broker=Broker(
            host="broker.kantor.example",
            ca=Path("/etc/titik/ca.crt"),
            certificate=Path("/etc/titik/central.crt"),
            key=Path("/run/credentials/titik-central.service/mqtt-key"),
        )
    )


@pytest.mark.parametrize(("model", "name"), [(Station, "titik.toml"), (Settings, "central.toml")])
def test_every_key_stands_in_its_example(model: type[BaseModel], name: str) -> None:
    text = COMMENTED_OUT.sub(r"\1", (EXAMPLES / name).read_text(encoding="utf-8"))
    assert _keys_told(tomllib.loads(text)) == _keys_known(model)


@pytest.mark.parametrize(("model", "name"), [(Station, "titik.toml"), (Settings, "central.toml")])
def test_what_is_commented_out_may_be_taken_in(model: type[config.Section], name: str, tmp_path: Path) -> None:
    text = COMMENTED_OUT.sub(r"\1", (EXAMPLES / name).read_text(encoding="utf-8"))
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert config.load(model, tmp_path / name)[1] == []


def test_the_inventory_holds_the_seven_points() -> None:
    told = tomllib.loads((EXAMPLES / "inventory.toml").read_text(encoding="utf-8"))["point"]
    points = [Point.model_validate(one) for one in told]
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


class Office:
    """The broker of examples/, on this machine, and whoever has a certificate."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.authority = Authority(folder)

    @contextmanager
    def as_(self, name: str, *, clean: bool = True, client_id: str | None = None) -> Iterator[Link]:
        """Bind a session of the one whose certificate says *name*."""
        will = TOPICS.centre() if name == "central" else TOPICS.of(name, "state")
        pair = self.authority.client(name)
        with _link(self.port, self.authority.ca, pair, client_id or name, will=will, clean=clean) as link:
            yield link


def _link(port: int, ca: Path, pair: Pair | None, client_id: str, *, will: str = "", clean: bool = True) -> Link:
    broker = Broker(
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


def _conf(port: int, files: Path, state: Path) -> str:
    """Return the shipped configuration with the deployment's paths and port replaced, and nothing else."""
    text = (EXAMPLES / "mosquitto.conf").read_text(encoding="utf-8")
    for shipped, here in (
        ("listener 8883\n", f"listener {port} 127.0.0.1\n"),
        ("/etc/mosquitto/titik/", f"{files}/"),
        ("/var/lib/mosquitto/", f"{state}/"),
        ("/run/mosquitto/", f"{state}/"),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    # Started by root, it would give up root for a user who may not enter this folder.
    return text + ("user root\n" if state.owner() == "root" else "")


def shipped(port: int, folder: Path, authority: Authority) -> str:
    """Return the shipped configuration, to listen on *port*; its rules and certificates are put into *folder*/files."""
    state = folder / "state"
    state.mkdir()
    authority.server()
    shutil.copy(EXAMPLES / "mosquitto.acl", folder / "files" / "acl")
    return _conf(port, folder / "files", state)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Run mosquitto with the shipped configuration and ACL."""
    port = free_port()
    office = Office(tmp_path / "files", port)
    with Mosquitto(tmp_path, conf=shipped(port, tmp_path, office.authority), port=port):
        yield office


def test_a_station_and_the_centre_deliver_through_the_shipped_broker_with_certificates(
    office: Office, tmp_path: Path
) -> None:
    def encrypted(name: str) -> str:
        pair = office.authority.client(name)
        return f'tls = true\nca = "{office.authority.ca}"\ncertificate = "{pair.certificate}"\nkey = "{pair.key}"'

    point = point_.Station(tmp_path / "point", office.port, more=encrypted("bupati-1"))
    hold_up(point, staff_pass("0001", **DATES), "https://toko.example/menu")
    with point_.Centre(tmp_path / "centre", office.port, encrypted("central")) as centre, point:
        assert point.ends() == 0, point.child.err
        assert len(point.shown()) == 2
        wait_for(lambda: sorted(centre.ids()) == sorted(one[0] for one in point.shown()))
    stranger = point_.Station(tmp_path / "stranger", office.port, name="bupati-2", more=encrypted("bupati-1"))
    hold_up(stranger, staff_pass("0002", **DATES))
    with stranger:
        assert stranger.ends() == 0
    assert "error: the broker refuses what we ask" in stranger.child.err
    assert stranger.owed() == 1


def _say(link: Link, topic: str, body: bytes = b"{}") -> int:
    """Publish and return the broker's answer to it."""
    mid = link.publish(Message(topic, body))
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
            pytest.raises(Broken),
            _link(office.port, office.authority.ca, pair, "bupati-1"),
        ):
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves the socket to be collected
def test_a_station_does_not_speak_with_a_broker_of_another_authority(office: Office, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with (
        pytest.raises(Broken, match="no TLS"),
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
    conf = _conf(port, files, state).replace("#crlfile", "crlfile")
    with Mosquitto(tmp_path, conf=conf, port=port):
        for pair, name in ((other, "bupati-2"), (new, "bupati-1")):
            with _link(port, files / "ca.crt", pair, name) as link:
                assert _say(link, TOPICS.of(name, "event")) != REFUSED
        with pytest.raises(Broken), _link(port, files / "ca.crt", old, "bupati-1"):
            pass


def _kept(files: Path, name: str) -> Pair:
    """Return copies of a pair, which the script may take away."""
    aside = files / f"kept-{len(list(files.iterdir()))}"
    aside.mkdir()
    return Pair(*(Path(shutil.copy(files / f"{name}{kind}", aside)) for kind in (".crt", ".key")))
