"""A trust bundle on its way to a real station: over the broker, from a stick, kept through kill -9, and too old."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from device.__main__ import main
from device.config import BrokerSettings
from device.formats import registry
from device.mqtt_client import Link
from device.system.clock import BUILT
from device.system.disk import write_whole
from device.trust.bundle import Trust, open_bundle, revocation
from device.verdict.verify import believe
from device.wire import Message, Received
from office import bundle
from tests.support.centre import CentreProgram
from tests.support.credentials import staff_pass, trust
from tests.support.point import NOW, ROOT, ROOTS, Station, save, signed_bundle
from tests.support.world import REPOSITORY, Mosquitto, free_port, run_here, tmpfs, wait_for

PASS = staff_pass(issued=NOW - timedelta(days=1), expires=NOW + timedelta(days=300))
ONE_BY_ONE = "[sighting]\nquiet = 0.2\nrepeat = 0\n"
LOOKING = {"loop": "true", "hold": 0.3, "gap": 0.5}


def told(version: int, **more: object) -> bytes:
    opened: Trust = open_bundle(signed_bundle(), ROOTS)
    return bundle.sign(replace(opened, version=version, **more), ROOT)  # type: ignore[arg-type]  # fields of a Trust


def revoking(version: int) -> bytes:
    credential = believe(PASS, trust(), NOW).credential
    assert credential is not None
    return told(version, revoked={"luwuutarakab": frozenset({revocation(credential.identity)})})


def verdicts(point: Station) -> list[tuple[str, ...]]:
    return [(outcome, reason) for _, _, outcome, _, reason, *_ in point.shown()]


def test_a_revocation_reaches_the_wall_over_the_broker_and_outlives_kill_9(tmp_path: Path) -> None:
    posted = tmp_path / "trust.cbor"
    write_whole(posted, told(3))
    with (
        Mosquitto(tmp_path) as broker,
        CentreProgram(tmp_path / "centre", broker.port, f'[trust]\nbundle = "{posted}"') as centre,
        Station(tmp_path / "point", broker.port, camera=LOOKING, more=ONE_BY_ONE) as point,
    ):
        save(point.pictures / "pass.png", PASS)
        wait_for(lambda: ("admit", "staff") in verdicts(point), "the pass is admitted")
        write_whole(posted, revoking(4))
        wait_for(lambda: ("refuse", "revoked") in verdicts(point), "the pass is refused")
        assert point.child.err.count("bundle version=4 came over the network and is in force") == 1
        assert ("admit", "staff") not in verdicts(point)[verdicts(point).index(("refuse", "revoked")) :]
        will = Message("titik/v1/listener/state", b"{}")
        with Link(BrokerSettings(port=broker.port), "listener", will=will) as listener:
            listener.subscribe(["titik/v1/bupati-1/info"])
            infos = wait_for(lambda: [json.loads(m.body) for m in listener.turn(0.2) if isinstance(m, Received)])
        assert [(told["bundle"], told["can"]) for told in infos] == [(4, registry.can())]
        schema = json.loads((REPOSITORY / "schemas" / "info.json").read_text(encoding="utf-8"))
        Draft202012Validator(schema).validate(infos[0])
        assert set(infos[0]) == set(schema["properties"])
        write_whole(posted, told(3))  # somebody copies an old file over it
        point.says("the bundle that the broker holds is refused: older than the one in force")
        point.child.kill()
        assert centre.process.poll() is None
    seen = len(point.shown())
    with Station(point.folder, free_port(), camera=LOOKING, more=ONE_BY_ONE) as again:
        wait_for(lambda: len(again.shown()) > seen, "it serves without a broker")
        assert verdicts(again)[seen] == ("refuse", "revoked")


def command(*arguments: str | Path, verb: tuple[str, ...] = ("bundle", "import")) -> tuple[int, str, str]:
    done = run_here(main, *verb, *arguments)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_bundle_from_a_stick_is_taken_by_the_running_station(tmp_path: Path) -> None:
    stick = tmp_path / "trust.cbor"
    stick.write_bytes(revoking(4))
    with Station(tmp_path / "p", free_port(), camera=LOOKING, more=ONE_BY_ONE) as point:
        socket = point.folder / "state" / "titik.sock"
        wait_for(socket.is_socket)
        take = (stick, "--socket", socket)
        assert command(*take) == (0, "bundle version 4 is in force\n", "")
        assert command(*take) == (0, "bundle version 4 is in force, and was before\n", "")
        stick.write_bytes(told(3))
        older = f"{stick} is refused: older than the one in force: version 3, and 4 is in force\n"
        assert command(*take) == (1, "", older)
        told_back = f"the time floor is {BUILT.date()} again\n"
        assert command("--socket", socket, verb=("clock", "reset")) == (0, told_back, "")
        save(point.pictures / "pass.png", PASS)
        wait_for(lambda: ("refuse", "revoked") in verdicts(point))
        assert point.child.stop() == 0
    assert command("--socket", socket, verb=("clock", "reset"))[0] == 3
    code, out, err = command(*take)
    assert (code, out) == (3, "")
    assert err.startswith(f"no station answers at {socket}: ")
    code, out, err = command(tmp_path / "nothing", "--socket", socket)
    assert (code, out, err) == (3, "", f"{tmp_path}/nothing cannot be read: No such file or directory\n")


def test_a_bundle_that_the_disk_does_not_take_is_no_success(tmp_path: Path) -> None:
    stick = tmp_path / "trust.cbor"
    with (
        tmpfs(tmp_path / "small", "4m") as disk,
        Station(disk / "p", free_port(), camera=LOOKING, more=ONE_BY_ONE) as point,
    ):
        socket = point.folder / "state" / "titik.sock"
        wait_for(socket.is_socket)
        reserve = disk / "ballast"
        with suppress(OSError), reserve.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        stick.write_bytes(revoking(4))
        code, out, err = command(stick, "--socket", socket)
        assert (code, out) == (1, "")
        assert "bundle version 4 is in force until the next start only: the disk did not take it" in err
        reserve.unlink()
        wait_for(lambda: command(stick, "--socket", socket)[0] == 0)


@pytest.mark.parametrize(("days", "verdict"), [(1, ("admit", "staff")), (31, ("check", "staff"))])
def test_a_bundle_past_its_next_is_said_and_at_last_admits_nobody(
    tmp_path: Path, days: int, verdict: tuple[str, str]
) -> None:
    with Mosquitto(tmp_path) as broker, Station(tmp_path / "p", broker.port, camera=LOOKING, more=ONE_BY_ONE) as point:
        save(point.pictures / "pass.png", PASS)
        stick = tmp_path / "trust.cbor"
        stick.write_bytes(told(4, issued=NOW - timedelta(days=90), next=NOW - timedelta(days=days)))
        wait_for((point.folder / "state" / "titik.sock").is_socket)
        assert command(stick, "--socket", point.folder / "state" / "titik.sock")[0] == 0
        point.says("state degraded bundle")
        wait_for(lambda: verdict in verdicts(point))
