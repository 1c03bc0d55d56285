"""The commands as an operator, or a program, uses them: words in, lines and an exit code out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import device.__main__
from device import __version__
from device.__main__ import main
from device.trust.bundle import spki_text
from tests.support.commands import whole
from tests.support.configuration import GOOD
from tests.support.credentials import AT, HEALTH_KEY, STAFF_KEY, dose, hcert, staff_pass
from tests.support.point import ROOT, save, signed_bundle
from tests.support.world import REPOSITORY, run_here

WHEN = AT.isoformat()


def titik(*words: str | Path, text: str | bytes = "") -> subprocess.CompletedProcess[bytes]:
    return run_here(main, *words, text=text.encode() if isinstance(text, str) else text)


def objects(done: subprocess.CompletedProcess[bytes]) -> list[Any]:
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name, key in (("staff", STAFF_KEY), ("health", HEALTH_KEY)):
        public = key.public_key()
        (folder / f"{name}.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        (folder / f"{name}.der").write_bytes(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    (folder / "trust.cbor").write_bytes(signed_bundle())
    return folder


def test_judge_answers_each_line_with_one_object(keys: Path) -> None:
    lines = [staff_pass(), hcert(v=[dose(2, 2)]), "https://toko.example", "", hcert(v=[dose()])[:-5]]
    asked = ["judge", "--json", "--key", keys / "staff.pem", keys / "health.der", "--at", WHEN]
    told = objects(titik(*asked, "--policy", "staff", "--policy", "brief-2021", text="\n".join(lines) + "\n"))
    assert [
        (one["kind"], one["genuine"], one["valid"], one["reason"], one["colour"], one["outcome"]) for one in told
    ] == [
        ("pass", True, True, "staff", "green", "admit"),
        ("hcert", True, True, "two-doses", "green", "admit"),
        ("text", False, False, "not-a-pass", None, "refuse"),
        ("text", False, False, "not-a-pass", None, "refuse"),
        ("hcert", False, False, "malformed", None, "refuse"),
    ]
    assert told[1]["claims"] == {
        "domain": "health",
        "issuer": "ID",
        "expires": "2027-09-19T02:00:00+00:00",
        "statement": "vaccination",
        "doses": 2,
        "series": 2,
        "dose_on": "2021-09-01",
        "country": "ID",
    }
    assert [one["claims"] for one in told[2:]] == [None] * 3


def test_judge_tells_no_name_no_number_and_no_birth_date(keys: Path) -> None:
    text = "\n".join([staff_pass("NOMOR77", "NAMARAHASIA"), hcert(v=[dose()], born="1990-05-17")])
    for form in ([], ["--json"]):
        done = titik("judge", *form, "--key", keys / "staff.pem", keys / "health.pem", "--at", WHEN, text=text)
        said = done.stdout + done.stderr
        assert [word for word in (b"NOMOR77", b"NAMARAHASIA", b"1990", b"CONTOH") if word in said] == []


def test_judge_believes_a_bundle_by_its_root(keys: Path) -> None:
    root = spki_text(ROOT.public_key())
    asked = ["judge", "--json", "--bundle", keys / "trust.cbor", "--at", WHEN]
    (told,) = objects(titik(*asked, "--root", root, text=staff_pass()))
    assert (told["genuine"], told["valid"], told["reason"]) == (True, True, "staff")
    unproven = titik(*asked, text=staff_pass())
    assert b"nobody checked who signed it" in unproven.stderr
    assert objects(unproven)[0]["genuine"] is True
    other = spki_text(ed25519.Ed25519PrivateKey.generate().public_key())
    refused = titik(*asked, "--root", other, text=staff_pass())
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"not signed by the regency's root" in refused.stderr


def test_judge_takes_any_bytes_and_any_length(keys: Path) -> None:
    text = b"\xff\xfe\x00\n" + b"A" * 1_000_000 + b"\n" + staff_pass().encode() + b"\r\n"
    told = objects(titik("judge", "--json", "--key", keys / "staff.pem", "--at", WHEN, text=text))
    assert [one["reason"] for one in told] == ["not-a-pass", "not-a-pass", "staff"]


def test_a_pass_with_anything_behind_it_is_not_the_pass(keys: Path) -> None:
    text = staff_pass().encode() + b"\r" * 6000 + b"garbage\n"
    (told,) = objects(titik("judge", "--json", "--key", keys / "staff.pem", "--at", WHEN, text=text))
    assert told["genuine"] is False


def test_free_text_of_a_signer_is_not_told(keys: Path) -> None:
    text = hcert(v=[{**dose(), "co": "BUDI SANTOSO"}], issuer="BUDI SANTOSO 7322")
    (told,) = objects(titik("judge", "--json", "--key", keys / "health.pem", "--at", WHEN, text=text))
    assert (told["valid"], told["claims"]["issuer"], "country" in told["claims"]) == (True, None, False)


def test_scan_reads_pictures_without_any_configuration(tmp_path: Path, keys: Path) -> None:
    text = staff_pass()
    save(tmp_path / "pass.png", text)
    save(tmp_path / "two.png", "SATU", "DUA")
    (told,) = objects(titik("scan", "--json", tmp_path / "pass.png"))
    took = told.pop("took_ms")
    assert list(took) == ["read"]
    assert told == {
        "path": str(tmp_path / "pass.png"),
        "codes": [
            {
                "kind": "pass",
                "verdict": {
                    "genuine": False,
                    "valid": False,
                    "reason": "unknown-issuer",
                    "colour": None,
                    "outcome": "refuse",
                },
            }
        ],
    }
    asked = ["scan", "--json", "--show-text", tmp_path / "pass.png", tmp_path / "two.png"]
    believed = objects(titik(*asked, "--key", keys / "staff.pem", "--at", WHEN))
    assert believed[0]["codes"][0]["text"] == text
    assert believed[0]["codes"][0]["verdict"]["valid"] is True
    assert sorted(one["text"] for one in believed[1]["codes"]) == ["DUA", "SATU"]


def test_scan_names_a_picture_that_is_none_and_goes_on(tmp_path: Path) -> None:
    save(tmp_path / "b.png", "SATU")
    (tmp_path / "a.png").write_bytes(b"no picture")
    done = titik("scan", "--json", tmp_path / "a.png", tmp_path / "gone.png", tmp_path / "b.png")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.decode().splitlines() == [
        (
            f"{tmp_path}/a.png: not a picture that is read here: by its content it is none of PNG, JPEG, WebP, BMP, GIF"
            " and PPM. Next: convert it to PNG"
        ),
        f"{tmp_path}/gone.png: No such file or directory. Next: ls -l {tmp_path}",
    ]


def test_the_name_of_a_picture_paints_no_terminal(tmp_path: Path) -> None:
    painted = tmp_path / "\x1b]0;PWNED\x07\x1b[31m.png"
    save(painted, "SATU")
    done = titik("scan", painted, tmp_path / "\x1b[31mnone.png")
    said = (done.stdout + done.stderr).decode()
    assert "PWNED" in said
    assert all(line.isprintable() for line in said.splitlines())


def test_scan_shows_control_characters_harmlessly(tmp_path: Path) -> None:
    save(tmp_path / "evil.png", "\x1b]0;x\x07merah")
    done = titik("scan", "--show-text", tmp_path / "evil.png")
    assert b"\x1b" not in done.stdout
    assert b"merah" in done.stdout


def test_check_config_ends_with_0_for_a_good_file_and_78_for_any_other(tmp_path: Path) -> None:
    path = tmp_path / "titik.toml"
    for text, code in ((GOOD, 0), (GOOD + "[camra]\n", 78), ("[point]\n", 78), ("no toml", 78)):
        path.write_text(text)
        done = titik("check-config", "--config", path)
        assert (done.returncode, bool(done.stderr)) == (code, code != 0)


def test_bench_measures_each_stage(tmp_path: Path) -> None:
    for n in range(3):
        save(tmp_path / f"{n}.png", staff_pass(str(n)))
    (told,) = objects(titik("bench", tmp_path, "--rounds", "2", "--json"))
    assert (told["frames"], told["codes"]) == (6, 6)
    assert told["frames_per_cpu_second"] > 0
    assert list(told["ms"]) == ["read", "judge", "record", "turn"]
    assert all(list(figures) == ["p50", "p95", "p99"] for figures in told["ms"].values())
    assert b"frames per CPU-second" in titik("bench", tmp_path, "--rounds", "1").stdout
    assert titik("bench", tmp_path / "gone").returncode == 1


@pytest.mark.parametrize("verb", ["run", "scan", "judge", "check-config", "bench"])
def test_every_command_has_help_with_an_example(verb: str) -> None:
    done = titik(verb, "--help")
    assert (done.returncode, b"example: titik " + verb.encode() in done.stdout) == (0, True)


@pytest.mark.parametrize(
    "words", [[], ["dance"], ["scan"], ["judge", "--at", "yesterday"], ["judge", "--at", "9999-12-31"]]
)
def test_words_that_make_no_command_end_with_2(words: list[str]) -> None:
    assert titik(*words).returncode == 2


def test_the_version_is_the_package_s() -> None:
    program = [sys.executable, "-W", "error", "-m", "device", "version"]
    assert subprocess.run(program, capture_output=True, check=True, text=True).stdout == f"titik {__version__}\n"
    assert titik("--version").stdout.decode() == f"titik {__version__}\n"


def test_a_help_text_waits_for_no_library() -> None:
    asked = "import sys, device.__main__; device.__main__._parser().format_help(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    libraries = {name.partition(".")[0] for name in loaded}
    heavy = {"numpy", "PIL", "zxingcpp", "pyzbar", "cryptography", "cbor2", "pydantic", "paho", "gpiozero"}
    assert "device.cli.run" in loaded
    assert libraries & heavy == set()


def test_each_command_is_a_file_that_adds_itself() -> None:
    parser = device.__main__._parser()
    folder = REPOSITORY / "device" / "cli"
    files = {path.stem for path in folder.glob("*.py") if "def add(commands" in path.read_text(encoding="utf-8")}
    named = {command.removeprefix("titik ").replace(" ", "_").replace("-", "_") for command in whole(parser)}
    assert files == named
