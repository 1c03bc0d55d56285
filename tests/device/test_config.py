"""Configuration: every mistake names file, key, value, what is allowed and the nearest word."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from central.settings import Settings
from device.config import (
    BrokerSettings,
    CameraSettings,
    ConfigError,
    Pins,
    Section,
    StationSettings,
    fingerprint,
    load,
    pins_alone,
)
from tests.support.configuration import GOOD, written

SOURCES = 'should be "picamera2", "webcam", "video" or "pictures"'
PIN = "should be a whole number from 2 to 27: BCM; 0 and 1 belong to the EEPROM of an added board"
MAYBE = 'should be a whole number from 2 to 27, or "none"'
NAME = (
    "should be lower-case letters and digits, with hyphens between them, 40 characters at most, as bupati-1, in quotes"
)
SIZE = "should be [a whole number from 160 to 4608, a whole number from 120 to 3456]"
ROOT = "a public key in quotes, as titik-office init prints it"
TABLE = "should be a table of its own, in [ ] on a line before its keys"
UNCLOSED = "Expected ']' at the end of a table declaration (at line 1, column 7)"


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(StationSettings, written(folder, text))
    return [mistake.replace(str(folder) + "/", "") for mistake in raised.value.mistakes]


def test_two_keys_are_enough(tmp_path: Path) -> None:
    station, warnings = load(StationSettings, written(tmp_path, GOOD))
    assert warnings == []
    assert (station.point.name, station.policy.use, station.delivery.until) == ("bupati-1", ("staff",), "receipt")


def test_a_drop_in_is_laid_over_key_by_key(tmp_path: Path) -> None:
    written(tmp_path, '[point]\ndirection = "out"\n', "conf.d/10-exit.toml")
    written(tmp_path, "[broker]\nport = 2000\n", "conf.d/20-broker.toml")
    station, _ = load(StationSettings, written(tmp_path, GOOD))
    assert (station.point.name, station.point.direction, station.broker.port) == ("bupati-1", "out", 2000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[point\n", [f"titik.toml: this is not TOML: {UNCLOSED}"]),
        ('[point]\nname = "bupati-1"\n', ["titik.toml: point.site is missing; it has no default"]),
        (
            GOOD + '[camera]\nsource = "picamera"\n',
            [f'titik.toml: camera.source = "picamera": {SOURCES}; did you mean picamera2?'],
        ),
        (
            '[point]\nname = "fleet"\nsite = "bupati"\n',
            ["titik.toml: [point] no point may be named fleet: that is a topic or a user of its own"],
        ),
        (
            GOOD + "[pins]\nred = 17\ngreen = 17\n",
            ["titik.toml: [pins] red and green are both on GPIO 17; give each its own pin"],
        ),
        (
            GOOD + "[pins]\nbuzzer = 27\n",
            ["titik.toml: [pins] green and buzzer are both on GPIO 27; give each its own pin"],
        ),
        (
            GOOD + "[pins]\nlight = 22\n",
            ["titik.toml: [pins] buzzer and light are both on GPIO 22; give each its own pin"],
        ),
        (GOOD + "[pins]\nred = 40\n", [f"titik.toml: pins.red = 40: {PIN}"]),
        (
            GOOD + '[broker]\ncertificate = "c.pem"\n',
            ["titik.toml: [broker] certificate and key go together; one of them is missing"],
        ),
        (
            GOOD + '[camera]\nsource = "pictures"\n',
            ['titik.toml: [camera] source = "pictures" needs at least one file or folder in pictures'],
        ),
        (
            GOOD + '[broker]\nprotocol = 4\n[delivery]\nuntil = "puback"\n',
            [
                'titik.toml: [the file] until = "puback" goes not with broker.protocol = 4: it acknowledges what it'  # noqa: ISC004 - one sentence
                ' drops, too. Use broker.protocol = 5, or say delivery.accept = "events may be lost without a trace"'
            ],
        ),
        (
            GOOD + '[camera]\nsource = "video"\n',
            ['titik.toml: [camera] source = "video" needs a file in video'],
        ),
        (
            '[point]\nname = "Bupati 1"\nsite = "bupati"\n[broker]\nport = "x"\n',
            [
                f'titik.toml: point.name = "Bupati 1": {NAME}',
                'titik.toml: broker.port = "x": should be a whole number from 1 to 65535',
            ],
        ),
    ],
)
def test_every_mistake_is_a_sentence(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert mistakes(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[pins]\ngreen = true", f"pins.green = true: {PIN}"),
        ("[pins]\ngreen = 1", f"pins.green = 1: {PIN}"),
        ("[pins]\nred = 0", f"pins.red = 0: {PIN}"),
        ('[pins]\nred = "none"', f'pins.red = "none": {PIN}'),
        ('[pins]\nred = "17"', f'pins.red = "17": {PIN}, without quotes'),
        ("[pins]\nred = 17.0", f"pins.red = 17.0: {PIN}"),
        ("[pins]\nbuzzer = false", f"pins.buzzer = false: {MAYBE}"),
        ("[pins]\nbuzzer = 0", f"pins.buzzer = 0: {MAYBE}"),
        ("[pins]\nbuzzer = -1", f"pins.buzzer = -1: {MAYBE}"),
        ('[pins]\nbuzzer = ""', f'pins.buzzer = "": {MAYBE}'),
        ('[pins]\nlight = "None"', f'pins.light = "None": {MAYBE}'),
        ('[pins]\namber = "5"', f'pins.amber = "5": {MAYBE}, without quotes'),
        ('[camera]\nfps = "15"', 'camera.fps = "15": should be a number above 0, and 120 at most, without quotes'),
        ("[camera]\nfps = true", "camera.fps = true: should be a number above 0, and 120 at most"),
        ("[camera]\nfps = nan", "camera.fps = nan: should be a number above 0, and 120 at most"),
        ("[camera]\nfps = 1000", "camera.fps = 1000: should be a number above 0, and 120 at most"),
        ("[camera]\ngain = 2026-01-02", "camera.gain = 2026-01-02: should be a number from 0 to 64"),
        ('[camera]\nloop = "yes"', 'camera.loop = "yes": should be true or false'),
        ("[camera]\nloop = 1", "camera.loop = 1: should be true or false"),
        ('[camera]\nmains = "50"', 'camera.mains = "50": should be 50 or 60, without quotes'),
        ("[camera]\nvideo = 5", "camera.video = 5: should be a path in quotes"),
        ("[camera]\nsize = 1280", f"camera.size = 1280: {SIZE}; put [ ] around it: size = [1280]"),
        ("[camera]\nsize = [1280]", f"camera.size = [1280]: {SIZE}"),
        ("[camera]\nsize = [1280, 720, 1]", f"camera.size = [1280, 720, 1]: {SIZE}"),
        (
            '[camera]\nsize = [1280, "720"]',
            'camera.size, value 2 = "720": should be a whole number from 120 to 3456, without quotes',
        ),
        (
            '[camera]\npictures = "people"',
            (
                'camera.pictures = "people": should be a list in [ ]: each a path in quotes;'
                ' put [ ] around it: pictures = ["people"]'
            ),
        ),
        ("[camera]\npictures = [5]", "camera.pictures, value 1 = 5: should be a path in quotes"),
        ('[broker]\nport = "8883"', 'broker.port = "8883": should be a whole number from 1 to 65535, without quotes'),
        (
            "[broker]\nport = [8883]",
            "broker.port = [8883]: should be a whole number from 1 to 65535; take the [ ] away",
        ),
        ("[broker]\nhost = 5", "broker.host = 5: should be a name or an address in quotes, as 192.0.2.7"),
        ("[broker]\nusername = 5", "broker.username = 5: should be a text in quotes"),
        ('[broker]\ntls = "false"', 'broker.tls = "false": should be true or false, without quotes'),
        ("[delivery]\nmost = 1e6", "delivery.most = 1000000.0: should be a whole number from 100 to 5000000"),
        (
            f"[delivery]\nmost = 0x{'f' * 9000}",
            "delivery.most = a number without end: should be a whole number from 100 to 5000000",
        ),
        (
            '[policy]\nuse = "staff"',
            f'policy.use = "staff": should be a list in [ ]: each {NAME[10:]}; put [ ] around it: use = ["staff"]',
        ),
        ('[policy]\nuse = ["Staff"]', f'policy.use, value 1 = "Staff": {NAME}'),
        (
            '[trust]\nroots = "MCowBQYDK2Vw"',
            (
                f'trust.roots = "MCowBQYDK2Vw": should be a list in [ ], of 2 at most: each {ROOT};'
                ' put [ ] around it: roots = ["MCowBQYDK2Vw"]'
            ),
        ),
        (
            f"[trust]\nroots = {['x' * 99] * 3}",
            f'trust.roots = ["{"x" * 58}...: should be a list in [ ], of 2 at most: each {ROOT}',
        ),
        ("[[pins]]\nred = 17", f"pins = [{{...}}]: {TABLE}; take the [ ] away"),
    ],
)
def test_a_value_of_another_kind_is_refused_and_what_is_allowed_is_said(
    tmp_path: Path, written: str, expected: str
) -> None:
    assert mistakes(tmp_path, f"{GOOD}{written}\n") == [f"titik.toml: {expected}"]


STRANGE = ("true", "1", "17.0", '"17"', '"true"', "1979-05-27", "[[]]", "{ a = 1 }", '[{ a = "x" }]')


def keys(model: type[BaseModel], at: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, f"{at}{name}.")
        else:
            yield at + name


@pytest.mark.parametrize(
    ("model", "key"), [(model, key) for model in (StationSettings, Settings) for key in keys(model)]
)
def test_no_key_takes_a_value_of_another_kind(tmp_path: Path, model: type[Section], key: str) -> None:
    """Whatever is taken stands in the configuration as it was written; the rest is refused in plain words."""
    here, whole = key.split("."), GOOD if model is StationSettings else ""
    (tmp_path / "conf.d").mkdir()
    refused = 0
    for value in STRANGE:
        text = f"{key} = {value}\n"
        path = written(tmp_path, whole)
        written(tmp_path, text, "conf.d/one.toml")
        try:
            told: Any = load(model, path)[0]
        except ConfigError as error:
            refused += 1
            for mistake in error.mistakes:
                file, _, sentence = mistake.partition(": ")
                assert file == str(tmp_path / "conf.d" / "one.toml")
                if not sentence.startswith("["):  # a rule that concerns several keys
                    assert re.match(rf"{key}(, value 1)? = .+: should be \S", sentence), sentence
                assert not re.search(r"Input|valid|tuple|instance|parse|pattern|class|Error", sentence), sentence
            continue
        for name in here:
            told = getattr(told, name)
        meant = tomllib.loads(f"x = {value}")["x"]
        as_written = Path(meant) if isinstance(told, Path) else meant
        assert (told, isinstance(told, bool)) == (as_written, isinstance(as_written, bool))
    assert refused >= len(STRANGE) - 2


def test_a_whole_number_is_a_number_and_a_pin_may_be_none(tmp_path: Path) -> None:
    text = '[camera]\nfps = 15\nsize = [640, 480]\n[pins]\nbuzzer = "none"\namber = "none"\nlight = "none"\n'
    station, warnings = load(StationSettings, written(tmp_path, GOOD + text))
    assert warnings == []
    assert station.camera.fps == 15.0
    assert isinstance(station.camera.fps, float)
    pins = station.pins
    assert (pins.red, pins.green, pins.amber, pins.buzzer, pins.light) == (17, 27, None, None, None)


def test_a_pin_of_the_clock_s_is_taken_with_a_warning_that_names_its_file(tmp_path: Path) -> None:
    drop_in = written(tmp_path, "[pins]\nbuzzer = 3\n", "conf.d/pins.toml")
    path = written(tmp_path, GOOD + "[pins]\nred = 2\n")
    station, warnings = load(StationSettings, path)
    assert (station.pins.red, station.pins.buzzer) == (2, 3)
    ends = "of a battery-backed clock, and the board pulls it up: a lamp there glows by itself. Next: another pin"
    assert warnings == [f"{path}: pins.red = 2 is SDA {ends}", f"{drop_in}: pins.buzzer = 3 is SCL {ends}"]


@pytest.mark.parametrize("text", ["x = " + "9" * 5000, "x = " + "[" * 3000, "x = 1\nx = 2", "\t= 1"])
def test_no_text_is_more_than_a_mistake(tmp_path: Path, text: str) -> None:
    (told,) = mistakes(tmp_path, text)
    assert told.startswith("titik.toml: this is not TOML: ")


@pytest.mark.parametrize(
    "text", ["x" + ".x" * 3000 + " = 1", "[" + ".".join(["x"] * 3000) + "]", "x = " + "[" * 400 + "]" * 400]
)
@pytest.mark.parametrize("before", ["", "[camera]\nfps."])
def test_tables_without_end_are_a_mistake_and_not_the_end(tmp_path: Path, before: str, text: str) -> None:
    if before and text.startswith("["):
        before = "[camera]\n"
    assert mistakes(tmp_path, GOOD + before + text) == [
        "titik.toml: more than 20 tables or lists stand inside one another"
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[camera]\nsource = "pictures"\npictures = ["a", "b\\u0000"]', "camera.pictures, value 2"),
        ('[trust]\nbundle = "b\\u0000"', "trust.bundle"),
        ('[broker]\nca = "b\\u0000"', "broker.ca"),
    ],
)
def test_a_path_that_no_machine_has_is_a_mistake_before_anything_is_served(tmp_path: Path, text: str, key: str) -> None:
    said = f'titik.toml: {key} = "b\\u0000": should be a path in quotes; no path holds a zero byte'
    assert mistakes(tmp_path, GOOD + text) == [said]


def test_a_mistake_in_a_drop_in_names_the_drop_in(tmp_path: Path) -> None:
    written(tmp_path, "[pins]\nred = 99\n", "conf.d/pins.toml")
    assert mistakes(tmp_path, GOOD) == [f"conf.d/pins.toml: pins.red = 99: {PIN}"]


def test_an_unknown_key_only_warns_and_names_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + '[camera]\npatiense = 2\n[brokr]\nhost = "x"\n[broker]\ncolour = "blue"\n')
    station, warnings = load(StationSettings, path)
    assert station.camera.patience == 3.0
    told = [warning.removeprefix(f"{path}: ") for warning in warnings]
    assert told[:2] == [
        "unknown key camera.patiense is not used; did you mean patience?",
        "unknown key brokr is not used; did you mean broker?",
    ]
    assert told[2].startswith("unknown key broker.colour is not used; known here: host, port, ")


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file"):
        load(StationSettings, tmp_path / "gone.toml")
    (tmp_path / "titik.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="this is not UTF-8 text"):
        load(StationSettings, tmp_path / "titik.toml")


@pytest.mark.parametrize(
    ("host", "tls", "encrypted", "port"),
    [
        ("127.0.0.1", None, False, 1883),
        ("localhost", None, False, 1883),
        ("::1", None, False, 1883),
        ("10.0.0.5", None, True, 8883),
        ("broker.example", None, True, 8883),
        ("127.0.0.1", True, True, 8883),
    ],
)
def test_tls_is_on_unless_the_broker_is_this_machine(host: str, tls: bool | None, encrypted: bool, port: int) -> None:
    broker = BrokerSettings(host=host, tls=tls)
    assert (broker.encrypted, broker.address) == (encrypted, (host, port))


def test_the_fingerprint_changes_with_any_value(tmp_path: Path) -> None:
    one, _ = load(StationSettings, written(tmp_path, GOOD))
    two, _ = load(StationSettings, written(tmp_path, GOOD + "[sighting]\nrepeat = 11\n"))
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(load(StationSettings, written(tmp_path, GOOD))[0])


def test_the_pins_can_be_told_although_the_rest_is_wrong(tmp_path: Path) -> None:
    pins = pins_alone(written(tmp_path, '[point]\nname = 3\n[pins]\nfactory = "mock"\nred = 5\n'))
    assert pins is not None
    assert (pins.factory, pins.red) == ("mock", 5)
    assert pins_alone(written(tmp_path, "[pins]\nred = 99\n")) is None
    assert pins_alone(tmp_path / "gone.toml") is None


@pytest.mark.parametrize(
    "wrong", ["green = true", 'red = "17"', "red = 1", "buzzer = false", "red = 27", "amber = 17.0"]
)
def test_pins_of_another_kind_light_nothing(tmp_path: Path, wrong: str) -> None:
    assert pins_alone(written(tmp_path, f"[pins]\n{wrong}\n")) is None
    assert pins_alone(written(tmp_path, "pins = 3\n")) is None


def test_the_pins_alone_are_those_of_all_files_that_can_be_read(tmp_path: Path) -> None:
    path = written(tmp_path, "[point]\nname = 3\n[pins]\nred = 5\n")
    written(tmp_path, '[pins]\nred = 6\nbuzzer = "none"\n', "conf.d/10-pins.toml")
    written(tmp_path, "[pins\n", "conf.d/20-broken.toml")
    assert pins_alone(path) == Pins(red=6, buzzer=None)


@pytest.mark.parametrize(
    ("source", "live"), [("picamera2", True), ("webcam", True), ("video", False), ("pictures", False)]
)
def test_only_a_camera_has_a_sensor(source: str, live: bool) -> None:
    told = {"source": source, "video": "door.mkv", "pictures": ["people"]}
    assert CameraSettings.model_validate(told).sensor is live


def test_a_broker_s_word_on_3_1_1_is_taken_only_by_who_says_that_events_may_be_lost(tmp_path: Path) -> None:
    told = '[delivery]\nuntil = "puback"\naccept = "events may be lost without a trace"\n[broker]\nprotocol = 4\n'
    assert load(StationSettings, written(tmp_path, GOOD + told))[0].delivery.until == "puback"


def test_a_key_s_old_name_is_taken_with_a_warning_and_the_last_file_wins(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + "[camera]\nfocus_m = 0.3\n")
    assert load(StationSettings, path)[0].camera.focus_m == 0.3
    old = written(tmp_path, "[camera]\nlens = 0.2\n", "conf.d/camera.toml")
    station, warnings = load(StationSettings, path)
    sentence = "camera.lens is called camera.focus_m now; the old name is taken, too. Next: rename it"
    assert (station.camera.focus_m, warnings) == (0.2, [f"{old}: {sentence}"])
    written(tmp_path, "[camera]\nlens = 0.2\nfocus_m = 0.4\n", "conf.d/camera.toml")
    assert load(StationSettings, path)[0].camera.focus_m == 0.4


def test_a_camera_s_fingerprint_is_what_it_was_before_a_key_was_renamed() -> None:
    assert fingerprint(CameraSettings()) == "5c594af0593ea8a3"  # what a station remembers of its glass hangs on it
