"""The whole station on the real picamera2: what is held before the camera is read, lit, recorded and delivered.

The camera is libcamera's virtual one, which shows a folder of pictures, each for four frames, from the first again
after the last; the sensor may stall, and the camera may be gone.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice, pairwise
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Self

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from device import patterns
from device.camera.picamera import PiCamera
from device.config import BrokerSettings, CameraSettings
from device.model import Domain, Outcome, Reason, Verdict
from device.mqtt_client import Link
from device.patterns import Pattern
from device.system.stop import Stop
from device.trust.bundle import Key, kid_of
from device.wire import Message, Received, Topics
from office.passes.compose import compose, issue
from tests.support.centre import CentreProgram
from tests.support.codes import code
from tests.support.credentials import OTHER_KEY, STAFF_KEY, Private
from tests.support.point import NOW, Station
from tests.support.world import Mosquitto, wait_for

CAMERA = Path("/usr/share/libcamera/pipeline/virtual/virtual.yaml")
"""Where libcamera looks for its virtual cameras; without it there is none."""
SIZE = (1280, 720)
FPS = 15.0
LAMP, WIRE, RETURN = 5.0, 10.0, 15.0
"""Seconds, at most, from a dead camera to the fault lamp and to the broker, and from its return to service.

Promises to a machine that has nothing else to do: what was measured is printed beside them, and not held to them.
"""
RED, GREEN, BUZZER = 17, 27, 22
FAULT = ({RED}, set())

# --- before the lens ---


def a_pass(number: str, key: Private = STAFF_KEY, days: int = 30) -> str:
    """Return the text of a staff pass as the desk issues it, in force until *days* from now."""
    until = NOW + timedelta(days=days)
    since = min(NOW, until) - timedelta(days=5)
    signer = Key(key.public_key(), kid_of(key.public_key()), "luwuutarakab", Domain.STAFF)
    one = compose("luwuutarakab", number, f"Pegawai {number}", (since, until))
    return issue(one, key, signer, since + timedelta(days=1))[0]


class Scene(NamedTuple):
    """So many pictures of a code, or of nobody; each is seen for four frames."""

    text: str | None
    pictures: int


def film(folder: Path, scenes: Sequence[Scene]) -> Path:
    """Write the pictures of *scenes*, no two alike: a sensor has noise, and a code is never held quite still."""
    chance = np.random.default_rng(4)
    folder.mkdir(parents=True)
    number = 0
    for scene in scenes:
        held = None if scene.text is None else code(scene.text, 6)
        for _ in range(scene.pictures):
            view = np.full((SIZE[1], SIZE[0]), 150.0)
            if held is not None:
                top, left = ((np.array(view.shape) - held.shape) // 2 + chance.integers(-15, 15, 2)).tolist()
                view[top : top + held.shape[0], left : left + held.shape[1]] = held
            seen: NDArray[np.uint8] = (view + chance.normal(0, 5, view.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(seen).convert("RGB").save(folder / f"{number}.jpg", quality=85)
            number += 1
    return folder


def plug(pictures: Path) -> None:
    """Make the camera present, showing *pictures*."""
    CAMERA.parent.mkdir(parents=True, exist_ok=True)
    CAMERA.write_text(
        f'%YAML 1.1\n---\n"Virtual0":\n  supported_formats:\n  - {{width: {SIZE[0]}, height: {SIZE[1]}}}\n'
        f'  frames: {{path: "{pictures}"}}\n  location: "CameraLocationFront"\n  model: "virtual"\n'
    )


# --- the lamps ---

Shown = tuple[set[int], set[int]]
"""The lamps that are lit, and the buzzer if it sounds."""


def meant(pattern: Pattern) -> list[Shown]:
    """Return what *pattern* shows, without how long."""
    lamps = {patterns.RED: RED, patterns.GREEN: GREEN}
    return _merged(
        [({lamps[one] for one in step.lit if one in lamps}, {BUZZER} if step.tone else set()) for step in pattern]
    )


def _merged(steps: Sequence[Shown]) -> list[Shown]:
    return [step for n, step in enumerate(steps) if n == 0 or step != steps[n - 1]]


def seen(pins: Path) -> list[tuple[float, Shown]]:
    """Return what the lamps showed and from when: changes within 50 ms are one step."""
    shown: list[tuple[float, Shown]] = [(0.0, (set(), set()))]
    on: set[int] = set()
    for line in pins.read_text(encoding="ascii").splitlines():
        tick, gpio, level = float(line.split()[0]), int(line.split()[1]), float(line.split()[2])
        on = on | {gpio} if level else on - {gpio}
        step = (on & {RED, GREEN}, on & {BUZZER})
        if tick - shown[-1][0] < 0.05:
            shown[-1] = (shown[-1][0], step)
        else:
            shown.append((tick, step))
    return shown


def follow(shown: list[Shown], wanted: Sequence[list[Shown]]) -> list[list[Shown]]:
    """Return those of *wanted*, in their order, that *shown* holds one after another, each without a gap."""
    found, at = [], 0
    for pattern in wanted:
        places = range(at, len(shown) - len(pattern) + 1)
        at = next((n + len(pattern) - 1 for n in places if shown[n : n + len(pattern)] == pattern), -1)
        if at < 0:
            break
        found.append(pattern)
    return found


# --- the wire ---


@dataclass
class Ear:
    """What the point says of itself on the broker, and when; bound to a ``with`` block."""

    port: int
    said: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _listen(self) -> None:
        with Link(BrokerSettings(port=self.port), "rig", will=Message("rig", b"")) as link:
            link.subscribe([Topics().every(leaf) for leaf in ("state", "health")])
            while not self._ended.is_set():
                for heard in link.turn(0.05):
                    if isinstance(heard, Received):
                        self.said.append((monotonic(), heard.topic.rpartition("/")[2], json.loads(heard.body)))

    def state(self, word: str, after: float, *faults: str) -> float | None:
        """Return when the point first called itself *word* for these *faults*, later than *after*."""
        for tick, leaf, told in self.said:
            if tick > after and leaf == "state" and (told["state"], told.get("faults", [])) == (word, list(faults)):
                return tick
        return None


# --- the station ---


class Wall:
    """A station before the camera, the broker and the centre, and what can be seen of it from outside."""

    def __init__(self, folder: Path, stack: ExitStack, scenes: Sequence[Scene], fps: float | None = FPS) -> None:
        self.folder = folder
        self.pictures = film(folder / "film", scenes)
        plug(self.pictures)
        stack.callback(CAMERA.unlink, missing_ok=True)
        self.broker = stack.enter_context(Mosquitto(folder))
        self.ear = stack.enter_context(Ear(self.broker.port))
        self.centre = stack.enter_context(CentreProgram(folder / "centre", self.broker.port))
        env = {"TITIK_RIG_WALL": str(folder), "LIBCAMERA_LOG_LEVELS": "*:FATAL", "PYTHONFAULTHANDLER": "1"}
        env |= {"TITIK_RIG_FPS": str(fps)} if fps else {}
        camera = {"source": '"picamera2"', "size": list(SIZE), "fps": FPS}
        self.point = Station(folder / "point", self.broker.port, camera=camera, env=env, program="tests.rig.wall")
        stack.enter_context(self.point)

    def lamps(self) -> list[tuple[float, Shown]]:
        return seen(self.folder / "pins")

    def stall(self) -> float:
        """Hang the sensor; return when."""
        (self.folder / "stalled").touch()
        return monotonic()

    def resume(self) -> float:
        """Let the sensor go on; return when."""
        (self.folder / "stalled").unlink()
        return monotonic()

    def files(self) -> int:
        """Return how many files the station has open."""
        return len(list(Path(f"/proc/{self.point.child.process.pid}/fd").iterdir()))

    def settle(self) -> None:
        """Take the camera away, let everything owed arrive, end the station, and hold both sides' books together."""
        self.stall()
        wait_for(lambda: self.point.owed() == 0, "everything owed is held")
        assert self.point.child.stop() == 0, self.point.child.err
        recorded = self.point.recorded()
        assert [one[0] for one in self.point.shown()] == recorded
        assert len(set(recorded)) == len(recorded)
        assert sorted(self.centre.ids()) == sorted(recorded)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def soon(tick: Callable[[], float | None], since: float, limit: float, what: str) -> float:
    """Return how many seconds after *since* it came about, and print it beside *limit*."""
    took = wait_for(tick, what) - since
    print(f"{what}: {took:.2f} s, promised within {limit:.0f}")  # noqa: T201 - the figures are wanted
    return took


def test_what_is_held_before_the_camera_is_read_lit_and_at_the_centre(tmp_path: Path, stack: ExitStack) -> None:
    nobody = Scene(None, 8)
    texts = [a_pass("0001"), a_pass("0002", days=-1), a_pass("0003", OTHER_KEY), "https://toko.example/menu"]
    wall = Wall(tmp_path, stack, [nobody, *(one for text in texts for one in (Scene(text, 3), nobody)), nobody])
    verdicts = [
        Verdict(Outcome.ADMIT, Reason.STAFF),
        Verdict(Outcome.REFUSE, Reason.EXPIRED),
        Verdict(Outcome.REFUSE, Reason.UNKNOWN_ISSUER),
        Verdict(Outcome.REFUSE, Reason.NOT_A_PASS),
    ]
    wanted = [meant(patterns.pattern(verdict)) for verdict in verdicts]
    wall.point.says("shown ", times=4)
    wait_for(lambda: follow([shown for _, shown in wall.lamps()], wanted) == wanted, "four patterns are lit")
    wall.settle()
    assert [one[1:] for one in wall.point.shown()][:4] == [
        ("1", "admit", "green", "staff", "pass", "no"),
        ("2", "refuse", "none", "expired", "pass", "no"),
        ("3", "refuse", "none", "unknown-issuer", "pass", "no"),
        ("4", "refuse", "none", "not-a-pass", "text", "no"),
    ]
    with closing(sqlite3.connect(wall.centre.database)) as file:
        rows = file.execute("SELECT source, seq, outcome, reason, repeat, simulated FROM event ORDER BY seq").fetchall()
    assert rows[:4] == [
        ("/titik/bupati-1", 1, "admit", "staff", 0, 0),
        ("/titik/bupati-1", 2, "refuse", "expired", 0, 0),
        ("/titik/bupati-1", 3, "refuse", "unknown-issuer", 0, 0),
        ("/titik/bupati-1", 4, "refuse", "not-a-pass", 0, 0),
    ]


def test_a_camera_that_stalls_is_a_fault_in_time_and_serves_again_by_itself(tmp_path: Path, stack: ExitStack) -> None:
    wall = Wall(tmp_path, stack, [Scene(a_pass("0001"), 4), Scene(None, 8)])
    wall.point.says("shown ")
    since = wall.stall()
    soon(lambda: fault_since(wall.lamps(), since), since, LAMP, "stalled, to the fault lamp")
    soon(lambda: wall.ear.state("degraded", since, "camera"), since, WIRE, "stalled, to the broker")
    assert "the camera has been silent for 3 s" in wall.point.child.err
    before = len(wall.point.shown())
    since = wall.resume()
    soon(lambda: wall.ear.state("online", since), since, RETURN, "resumed, to service")
    wall.point.says("shown ", times=before + 2)
    wall.settle()


def test_a_camera_that_is_gone_is_a_fault_in_time_and_serves_again_by_itself(tmp_path: Path, stack: ExitStack) -> None:
    wall = Wall(tmp_path, stack, [Scene(a_pass("0001"), 4), Scene(None, 8)])
    wall.point.says("shown ")
    (tmp_path / "gone").touch()
    since = wall.stall()
    soon(lambda: fault_since(wall.lamps(), since), since, LAMP, "gone, to the fault lamp")
    soon(lambda: wall.ear.state("degraded", since, "camera"), since, WIRE, "gone, to the broker")
    wall.resume()
    before, opened = len(wall.point.shown()), wall.files()
    wait_for(lambda: monotonic() > since + 8)  # three tries to open it
    assert wall.files() <= opened
    (tmp_path / "gone").unlink()
    since = monotonic()
    soon(lambda: wall.ear.state("online", since), since, RETURN, "back, to service")
    wall.point.says("shown ", times=before + 2)
    wall.settle()


@pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning")  # picamera2 0.3.38 starts its thread so
def test_the_eye_keeps_its_own_pace_before_a_camera_that_has_none(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", "*:FATAL")
    monkeypatch.setenv("LIBCAMERA_PIPELINES_MATCH_LIST", "virtual")
    from tests.rig import virtual  # noqa: F401, PLC0415 - its stand-ins; here alone picamera2 runs in the test itself

    plug(film(tmp_path / "film", [Scene(None, 2)]))
    stack.callback(CAMERA.unlink)
    with Stop() as stop, closing(PiCamera().frames(CameraSettings(size=SIZE, fps=FPS), stop)) as stream:
        seen = list(islice(stream, 31))
    assert {(frame.luma.shape, frame.luma.dtype) for frame in seen} == {((SIZE[1], SIZE[0]), np.dtype(np.uint8))}
    assert all(abs(frame.luma.mean() - 150) < 5 for frame in seen)
    assert seen[-1].tick - seen[0].tick > 29 / FPS


def fault_since(lamps: list[tuple[float, Shown]], since: float) -> float | None:
    """Return from when, later than *since*, the fault lamp was lit as it is: red alone, a second on, a second off."""
    for (tick, shown), (until, _) in pairwise(lamps):
        if tick > since and shown == FAULT and 0.7 < until - tick < 1.5:
            return tick
    return None
