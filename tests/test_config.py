"""Configuration: every mistake names file, key, value, what is allowed and the nearest word."""

from pathlib import Path

import pytest

from device.config import Broker, Camera, ConfigError, Station, fingerprint, load, pins_alone

GOOD = """
[point]
name = "bupati-1"
site = "bupati"
"""

SOURCES = "Input should be 'picamera2', 'webcam', 'video' or 'pictures'"
UNCLOSED = "Expected ']' at the end of a table declaration (at line 1, column 7)"


def written(folder: Path, text: str, name: str = "titik.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(Station, written(folder, text))
    return [mistake.replace(str(folder) + "/", "") for mistake in raised.value.mistakes]


def test_two_keys_are_enough(tmp_path: Path) -> None:
    station, warnings = load(Station, written(tmp_path, GOOD))
    assert warnings == []
    assert (station.point.name, station.policy.use, station.delivery.until) == ("bupati-1", ("staff",), "receipt")


def test_a_drop_in_is_laid_over_key_by_key(tmp_path: Path) -> None:
    written(tmp_path, '[point]\ndirection = "out"\n', "conf.d/10-exit.toml")
    written(tmp_path, "[broker]\nport = 2000\n", "conf.d/20-broker.toml")
    station, _ = load(Station, written(tmp_path, GOOD))
    assert (station.point.name, station.point.direction, station.broker.port) == ("bupati-1", "out", 2000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[point\n", [f"titik.toml: this is not TOML: {UNCLOSED}"]),
        ('[point]\nname = "bupati-1"\n', ["titik.toml: point.site is missing; it has no default"]),
        (
            GOOD + '[camera]\nsource = "picamera"\n',
            [f"titik.toml: camera.source = 'picamera': {SOURCES}; did you mean picamera2?"],
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
        (GOOD + "[pins]\nred = 40\n", ["titik.toml: pins.red = 40: Input should be less than or equal to 27"]),
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
                "titik.toml: point.name = 'Bupati 1': String should match pattern '^[a-z0-9]+(-[a-z0-9]+)*$'",
                "titik.toml: broker.port = 'x': Input should be a valid integer, unable to parse string as an integer",
            ],
        ),
    ],
)
def test_every_mistake_is_a_sentence(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert mistakes(tmp_path, text) == expected


def test_a_mistake_in_a_drop_in_names_the_drop_in(tmp_path: Path) -> None:
    written(tmp_path, "[pins]\nred = 99\n", "conf.d/pins.toml")
    assert mistakes(tmp_path, GOOD) == ["conf.d/pins.toml: pins.red = 99: Input should be less than or equal to 27"]


def test_an_unknown_key_only_warns_and_names_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + '[camera]\npatiense = 2\n[brokr]\nhost = "x"\n[broker]\ncolour = "blue"\n')
    station, warnings = load(Station, path)
    assert station.camera.patience == 3.0
    told = [warning.removeprefix(f"{path}: ") for warning in warnings]
    assert told[:2] == [
        "unknown key camera.patiense is not used; did you mean patience?",
        "unknown key brokr is not used; did you mean broker?",
    ]
    assert told[2].startswith("unknown key broker.colour is not used; known here: host, port, ")


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file"):
        load(Station, tmp_path / "gone.toml")
    (tmp_path / "titik.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="this is not UTF-8 text"):
        load(Station, tmp_path / "titik.toml")


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
    broker = Broker(host=host, tls=tls)
    assert (broker.encrypted, broker.address) == (encrypted, (host, port))


def test_the_fingerprint_changes_with_any_value(tmp_path: Path) -> None:
    one, _ = load(Station, written(tmp_path, GOOD))
    two, _ = load(Station, written(tmp_path, GOOD + "[sighting]\nrepeat = 11\n"))
    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(load(Station, written(tmp_path, GOOD))[0])


def test_the_pins_can_be_told_although_the_rest_is_wrong(tmp_path: Path) -> None:
    pins = pins_alone(written(tmp_path, '[point]\nname = 3\n[pins]\nfactory = "mock"\nred = 5\n'))
    assert pins is not None
    assert (pins.factory, pins.red) == ("mock", 5)
    assert pins_alone(written(tmp_path, "[pins]\nred = 99\n")) is None
    assert pins_alone(tmp_path / "gone.toml") is None


@pytest.mark.parametrize(
    ("source", "live"), [("picamera2", True), ("webcam", True), ("video", False), ("pictures", False)]
)
def test_only_a_camera_has_a_sensor(source: str, live: bool) -> None:
    told = {"source": source, "video": "door.mkv", "pictures": ["people"]}
    assert Camera.model_validate(told).sensor is live


def test_a_broker_s_word_on_3_1_1_is_taken_only_by_who_says_that_events_may_be_lost(tmp_path: Path) -> None:
    told = '[delivery]\nuntil = "puback"\naccept = "events may be lost without a trace"\n[broker]\nprotocol = 4\n'
    assert load(Station, written(tmp_path, GOOD + told))[0].delivery.until == "puback"
