"""The walls: who may import whom, and which library lives in which room."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world import REPOSITORY

# From the nouns up; a module imports only from rows above its own.
FLOORS = (
    ("mistake", "layers", "disk"),
    (
        "__init__",
        "model",
        "base45",
        "stop",
        "worker",
        "systemd",
        "log",
        "config",
        "wire",
        "database",
        "cbor",
        "tlv",
        "roster",
        "readers",
        "banding",
        "brightness",
        "contained",
        "framing",
        "message",
    ),
    ("age", "ballast", "clock", "cabinet", "leaves", "lock", "room", "wal", "line"),
    ("ending", "client"),
    ("tls", "liveness", "pace"),
    (
        "cose",
        "roster",
        "heart",
        "pictures",
        "floor",
        "glass",
        "illumination",
        "picamera",
        "steps",
        "crashes",
        "gate",
        "nearest",
        "policy",
        "mqtt_client",
        "hatch",
    ),
    ("lens", "salvage", "scanner", "sealed"),
    ("sealing",),
    ("opening",),
    ("holder", "cwt", "hcert", "claim169", "patterns", "outbox", "vitals", "webcam", "video", "slideshow"),
    ("trust", "proof", "indicators", "window", "eyes", "shelf", "stick", "stills", "frame_rate"),
    ("credential", "audit"),
    ("judge",),
    ("rulebook", "gaze"),
    ("event", "errand", "herald", "ledger", "requests", "weather", "reach", "aside"),
    ("courier",),
    ("correction",),
    ("daemon", "commands"),
    ("viewfinder", "carrier", "bench"),
    ("__main__",),
)
HOME = {
    "picamera2": "picamera",
    "videodev2": "webcam",
    "av": "video",
    "pyzbar": "readers",
    "zxingcpp": "readers",
    "PIL": "pictures brightness steps gate",
    "gpiozero": "indicators",
    "paho": "mqtt_client client",
    "sqlite3": "outbox database cabinet room salvage shelf age opening sealed sealing",
    "pydantic": "config policy",
    "segno": "",
}


def imports(path: Path) -> set[str]:
    """Return the dotted names that *path* imports, anywhere in it."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return named


def modules(folder: str) -> list[Path]:
    return sorted((REPOSITORY / folder).glob("*.py"))


def test_every_module_has_its_floor_and_imports_only_from_below() -> None:
    floor = {name: n for n, row in enumerate(FLOORS) for name in row}
    assert sorted(floor) == [path.stem for path in modules("device")]
    crossed = [
        (path.stem, other)
        for path in modules("device")
        for name in imports(path)
        if name.startswith("device.") and (other := name.split(".")[1]) in floor
        if floor[other] >= floor[path.stem]
    ]
    assert crossed == []


def test_each_library_lives_in_one_room() -> None:
    strays = [
        (path.stem, library)
        for path in modules("device")
        for library in {name.split(".")[0] for name in imports(path)} & HOME.keys()
        if path.stem not in HOME[library].split()
    ]
    assert strays == []


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("device", {"central", "office", "demo", "tests", "bench"}),
        ("central", {"office", "demo", "tests", "bench"}),
        ("office", {"central", "demo", "tests", "bench"}),
        ("demo", {"tests", "bench"}),
    ],
)
def test_the_station_knows_nothing_of_the_centre_or_the_desk(folder: str, forbidden: set[str]) -> None:
    found = {name.split(".")[0] for path in modules(folder) for name in imports(path)}
    assert found & forbidden == set()


def test_no_private_key_is_ever_used_on_a_device() -> None:
    signing = [path.name for path in modules("device") if "private_key" in path.read_text(encoding="utf-8").lower()]
    assert signing == []


def test_the_longest_module_can_still_be_read() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules("device")}
    assert max(lengths.values()) <= 400


def test_what_only_a_tool_needs_is_not_paid_by_the_station() -> None:
    asked = "import sys; import device.__main__, device.daemon, device.pictures; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    )
    tools = {"device.viewfinder", "device.banding", "device.bench", "device.webcam", "device.video", "device.picamera"}
    libraries = {"av", "videodev2", "picamera2", "segno", "reportlab", "unittest.mock", "asyncio", "matplotlib"}
    assert loaded & (tools | libraries) == set()
    assert "device.scanner" in loaded
