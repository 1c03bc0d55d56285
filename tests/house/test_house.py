"""The walls: which room may take from which, and where each library lives; a new file needs no line here."""

import ast
import builtins
import subprocess
import sys
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.modules import dotted, modules

# From the ground up: what stands in a room imports from its own room and from rooms before it. A room is a folder, or a
# file that stands beside the folders.
ROOMS = {
    "device": (
        "__init__",
        "system",
        "model",
        "wire",
        "config",
        "patterns",
        "indicators",
        "reading",
        "scanner",
        "camera",
        "health",
        "formats",
        "trust",
        "verdict",
        "record",
        "mqtt",
        "mqtt_client",
        "delivery",
        "control",
        "parts",
        "status",
        "daemon",
        "wiring",
        "cli",
        "__main__",
    ),
    "central": (
        "__init__",
        "settings",
        "points",
        "events",
        "store",
        "broker",
        "ingest",
        "expected",
        "problems",
        "alarms",
        "centre",
        "cli",
        "__main__",
    ),
    "office": ("__init__", "days", "csv_table", "keys", "bundle", "desk", "passes", "policies", "cli", "__main__"),
}
# What the other programs may take of the station's rooms: nouns, forms and belief, never its loop or its own disk.
SHARED = {
    "central": {
        "__init__",
        "system",
        "model",
        "wire",
        "config",
        "trust",
        "mqtt",
        "mqtt_client",
        "record.transfer_file",
    },
    "office": {
        "__init__",
        "system",
        "model",
        "wire",
        "config",
        "scanner",
        "camera",
        "formats",
        "trust",
        "verdict",
    },
}
MAX_LINES = 400
"""Lines of a file that can still be read at one sitting."""
# The one room of each library. What a library is, is known in one place, and can be exchanged there.
HOME = {
    "picamera2": {"device.camera"},
    "videodev2": {"device.camera"},
    "av": {"device.camera"},
    "pyzbar": {"device.reading"},
    "zxingcpp": {"device.reading"},
    "PIL": {"device.camera", "device.reading"},  # pictures are opened in one, and made smaller or upright in the other
    "gpiozero": {"device.indicators"},
    "paho": {"device.mqtt", "device.mqtt_client"},  # the folder is what the file is made of
    # system: what its errors say, which the centre's database says too
    "sqlite3": {"device.record", "device.system", "central.store"},
    "pydantic": {"device.config", "device.verdict", "central.expected"},  # the kinds of file that people write by hand
    "segno": set(),
}


def named(path: Path) -> Iterator[str]:
    """Yield the dotted names that *path* imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: an import says where it goes"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str:
    """Return the room of a dotted name: ``device.camera`` of ``device.camera.video``."""
    return ".".join(module.split(".")[:2])


def graph(program: str) -> dict[str, set[str]]:
    """Return which modules of the repository each module of *program* imports."""
    known = {dotted(path) for folder in ("device", "central", "office", "demo") for path in modules(folder)}
    return {
        dotted(path): {module for name in named(path) if (module := _module(name, known))} for path in modules(program)
    }


def _module(name: str, known: set[str]) -> str | None:
    """Return the module of ours that an imported *name* stands in."""
    if name.partition(".")[0] not in ("device", "central", "office", "demo"):
        return None
    for candidate in (name, name.rpartition(".")[0], f"{name.rpartition('.')[0]}.__init__"):
        if candidate in known:
            return candidate
    raise AssertionError(f"{name} is no module of this repository")


def _owner(name: str) -> str | None:
    """Return the room whose private file *name* is, or stands in; ``None`` of what is private to nobody."""
    parts = name.split(".")
    private = [n for n, part in enumerate(parts) if part.startswith("_") and not part.startswith("__")]
    return ".".join(parts[: private[0]]) if private and parts[0] in ("device", "central", "office") else None


@pytest.mark.parametrize("program", ROOMS)
def test_every_room_has_its_place_and_imports_only_from_below(program: str) -> None:
    arrows = graph(program)
    place = {f"{program}.{name}": n for n, name in enumerate(ROOMS[program])}
    assert {room(module) for module in arrows} == place.keys()
    upwards = [
        (module, other)
        for module, others in arrows.items()
        for other in others
        if other.startswith(f"{program}.") and place[room(other)] > place[room(module)]
    ]
    assert upwards == []


@pytest.mark.parametrize("program", SHARED)
def test_the_other_programs_take_of_the_station_only_what_is_shared(program: str) -> None:
    taken = {
        (module, other)
        for module, others in graph(program).items()
        for other in others
        if other.startswith("device.")
        if not {room(other).removeprefix("device."), other.removeprefix("device.")} & SHARED[program]
    }
    assert taken == set()


@pytest.mark.parametrize("program", ["device", "central", "office", "demo"])
def test_no_file_needs_itself_on_the_way_round(program: str) -> None:
    TopologicalSorter(graph(program)).prepare()  # raises CycleError, and names the files


@pytest.mark.parametrize("program", ["device", "central", "office", "demo", "bench", "fuzz"])
def test_a_private_file_is_imported_by_its_own_room_alone(program: str) -> None:
    strangers = [
        (dotted(path), name)
        for path in modules(program)
        for name in named(path)
        if (owner := _owner(name)) is not None and owner != dotted(path) and not dotted(path).startswith(f"{owner}.")
    ]
    assert strangers == []


@pytest.mark.parametrize("folder", ["tests", "bench", "fuzz", "demo"])
def test_a_file_of_tests_gives_nothing_to_another_file(folder: str) -> None:
    """What two files need stands in `tests/support/`: then a test can be moved, split or thrown away alone."""
    taken = [
        (dotted(path), name)
        for path in modules(folder)
        for name in named(path)
        if any(part.startswith("test_") for part in name.split("."))
    ]
    assert taken == []


def test_what_tests_share_stands_on_no_test() -> None:
    above = [
        (dotted(path), name)
        for path in modules("tests/support")
        for name in named(path)
        if name.startswith(("tests.", "bench.", "fuzz.", "demo.")) and not name.startswith("tests.support.")
    ]
    assert above == []


def test_each_library_lives_in_one_room() -> None:
    strays = [
        (dotted(path), library)
        for program in ("device", "central")
        for path in modules(program)
        for library in {name.partition(".")[0] for name in named(path)} & HOME.keys()
        if room(dotted(path)) not in HOME[library]
    ]
    assert strays == []


@pytest.mark.parametrize(
    ("program", "forbidden"),
    [
        ("device", {"central", "office", "demo", "tests", "bench"}),
        ("central", {"office", "demo", "tests", "bench"}),
        ("office", {"central", "demo", "tests", "bench"}),
        ("demo", {"tests", "bench"}),
    ],
)
def test_the_station_knows_nothing_of_the_centre_or_the_desk(program: str, forbidden: set[str]) -> None:
    found = {name.partition(".")[0] for path in modules(program) for name in named(path)}
    assert found & forbidden == set()


def test_no_private_key_is_ever_used_on_a_device() -> None:
    signing = [dotted(path) for path in modules("device") if "private_key" in path.read_text(encoding="utf-8").lower()]
    assert signing == []


@pytest.mark.parametrize("program", ["device", "central", "office"])
def test_the_longest_module_can_still_be_read(program: str) -> None:
    lengths = {dotted(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(program)}
    assert {module: lines for module, lines in lengths.items() if lines > MAX_LINES} == {}


def test_what_only_a_tool_needs_is_not_paid_by_the_station() -> None:
    asked = "import sys; import device.__main__, device.wiring, device.camera.pictures; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    )
    tools = {"flicker", "webcam", "video", "picamera"}
    libraries = {"av", "videodev2", "picamera2", "segno", "reportlab", "unittest.mock", "asyncio", "matplotlib"}
    commands = {"device.cli._camera", "device.cli._calibration"}
    assert loaded & ({f"device.camera.{name}" for name in tools} | commands | libraries) == set()
    assert "device.scanner" in loaded


@pytest.mark.parametrize(
    "module",
    [
        *(f"device.delivery.{name}" for name in ("announcements", "in_flight", "remote_commands", "_reachability")),
        *(f"central.{name}" for name in ("ingest.intake", "ingest.inbox", "ingest.transfer", "broker.recall")),
    ],
)
def test_what_only_speaks_of_messages_loads_no_client_of_a_broker(module: str) -> None:
    asked = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    assert module in loaded
    assert [name for name in loaded if name.partition(".")[0] == "paho"] == []


PROGRAMS = ("device", "central", "office")


def classes(*folders: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield every class in *folders*, each with the module that it stands in."""
    for folder in folders:
        for path in modules(folder):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    yield dotted(path), node


@pytest.mark.parametrize("folders", [PROGRAMS, ["tests/support"]], ids=["programs", "support"])
def test_a_class_name_stands_for_one_thing(folders: Sequence[str]) -> None:
    homes: dict[str, list[str]] = {}
    for module, node in classes(*folders):
        homes.setdefault(node.name, []).append(module)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_every_named_error_has_the_one_root_and_is_called_one() -> None:
    builtin = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    ours = {"TitikError"}
    strays = []
    for module, node in classes(*PROGRAMS):
        bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
        if module != "device.system.errors" and (set(bases) & builtin or any(base.endswith("Error") for base in bases)):
            ours.add(node.name)
            if bases[0] in builtin or not node.name.endswith("Error"):
                strays.append((module, node.name))
    assert strays == []
    assert len(ours) > 30  # they were found at all


def test_an_upper_bound_is_called_max() -> None:
    others = [
        (dotted(path), node.id)
        for program in ("device", "central", "office")
        for path in modules(program)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        if node.id.lstrip("_").startswith(("MOST", "LONGEST", "LARGEST", "DEEPEST", "UPPER", "HIGHEST"))
    ]
    assert others == []


def test_a_value_is_named_by_what_it_is() -> None:
    """*told* once stood for settings, arguments, JSON, file states and sentences."""
    vague = [
        (dotted(path), node.lineno)
        for program in ("device", "central", "office")
        for path in modules(program)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "told")
        or (isinstance(node, ast.arg) and node.arg == "told")
    ]
    assert vague == []
