"""A station is put together once, for the wall and for every test; and its loop is one screen."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device import config
from device.daemon import Station
from device.indicators import Indicators
from device.reading.crashes import Crashes
from device.reading.decoders import ZBAR, ZXING
from device.system.clock import Clock
from device.trust.fleet_secret import FleetSecret
from device.wiring import World, wired
from tests.support.world import REPOSITORY

SECRET = FleetSecret(bytes(32))

SCREEN = 130
"""Lines."""
FOLDERS = ("device", "demo", "bench", "fuzz", "tests")


def _makes_a_station(path: Path) -> bool:
    """Whether *path* calls the loop's class, under whatever name it took it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("device.daemon", "device.parts")
        for alias in node.names
    }
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return bool(calls & {*names, "daemon.Station", "parts.Parts"})


def test_a_station_is_put_together_in_one_place() -> None:
    makers = [
        str(path.relative_to(REPOSITORY))
        for folder in FOLDERS
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        if _makes_a_station(path)
    ]
    assert makers == ["device/wiring.py"]


class WithoutZbar(Crashes):
    """What a start finds where a reader has crashed before."""

    @property
    def left_out(self) -> frozenset[str]:
        return frozenset({ZBAR})


@contextmanager
def station(folder: Path, source: str) -> Iterator[Station]:
    """Wire a station whose settings are all others than those that count where none is written; nothing of it runs."""
    folder.mkdir()
    settings = config.StationSettings.model_validate(
        {
            "point": {"name": "dprd-2", "site": "dprd", "direction": "out"},
            "camera": {"source": source, "fps": 8.0, "pictures": (folder / "a.png",)},
            "sighting": {"quiet": 0.9, "repeat": 33.0, "strangers": 7},
            "broker": {"host": "192.0.2.7", "username": "dprd-2"},
            "delivery": {"most": 4321, "most_bytes": 7_654_321, "window": 11},
            "trust": {"roots": ("MCowBQYDK2VwAyEA",)},
            "privacy": {"pass_number": True},
            "state": folder,
        }
    )
    lights = Indicators(config.Pins(factory="mock"), MockFactory(pin_class=MockPWMPin))
    world = World(folder, Clock("system"), lights, WithoutZbar(), SECRET, "rahasia", lambda: 77.0)
    made = wired(settings, world)
    with made.courier._waker, made.courier._woken:
        yield made


@pytest.mark.parametrize(("source", "sensor"), [("picamera2", True), ("webcam", True), ("pictures", False)])
def test_every_setting_arrives_at_the_part_that_it_is_for(tmp_path: Path, source: str, sensor: bool) -> None:
    with station(tmp_path / "state", source) as made:
        pass
    eyes, outbox, courier, composer = made.sightings, made.outbox, made.courier, made.composer
    assert (eyes._quiet, eyes._repeat, eyes._strangers) == (0.9, 33.0, 7)
    assert (outbox._most, outbox._room._most, outbox._point, outbox._uptime()) == (4321, 7_654_321, "dprd-2", 77.0)
    assert (courier._broker.host, courier._delivery.window, courier._outbox) == ("192.0.2.7", 11, outbox)
    assert (courier._sender.point, courier._sender.boot, courier._sender.password) == (
        "dprd-2",
        made.clock.boot,
        "rahasia",
    )
    assert (composer.point.direction, composer.privacy.pass_number, composer.secret) == ("out", True, SECRET)
    assert (composer.simulated, made.monitor._sharpness_history._path is None) == (not sensor, not sensor)
    assert {attempt.library for attempt in (*made.scanner._chain.whole, *made.scanner._chain.close)} == {ZXING}
    assert made.scanner._ward.mark is made.crashes


def test_what_the_station_says_of_itself_names_no_file_of_keys_and_no_credential(tmp_path: Path) -> None:
    with station(tmp_path / "state", "webcam") as made:
        info = made.courier._sender.info
    shown = info["config"]
    assert set(info) == {"version", "config", "config_hash", "can", "verbs"}
    assert set(shown) == set(config.StationSettings.model_fields) - {"trust", "state"}
    assert shown["broker"] == {"host": "192.0.2.7", "port": None, "protocol": 5, "root": "titik/v1", "tls": None}


def test_the_loop_is_one_screen() -> None:
    assert len((REPOSITORY / "device" / "daemon.py").read_text(encoding="utf-8").splitlines()) <= SCREEN
