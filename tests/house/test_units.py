"""The units are valid and closed, and what is set up is set up once."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.world import REPOSITORY

UNITS = ("titik", "titik-central")
EXPOSURE = re.compile(r"Overall exposure level for \S+: ([\d.]+)")

# --- the units ---


def _unit(name: str, tmp_path: Path) -> Path:
    """Return a copy whose program exists on this machine."""
    text = (REPOSITORY / "systemd" / f"{name}.service").read_text(encoding="utf-8")
    copy = tmp_path / f"{name}.service"
    copy.write_text(re.sub(r"(?<=^ExecStart=)\S+", sys.executable, text, flags=re.MULTILINE), encoding="utf-8")
    return copy


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed. Next: tools/setup test")
    env = {**os.environ, "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def _told(name: str, kind: str = "service") -> list[tuple[str, str]]:
    """Return the settings of a unit in their order."""
    lines = (REPOSITORY / "systemd" / f"{name}.{kind}").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and line[0] not in "#["]
    return [(key, value) for key, _, value in pairs]


@pytest.mark.parametrize("name", UNITS)
def test_systemd_has_nothing_to_say_against_the_unit(name: str, tmp_path: Path) -> None:
    done = _analyze("verify", _unit(name, tmp_path))  # an unknown key only prints, and ends with 0
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_has_nothing_to_say_against_the_nightly_backup(tmp_path: Path) -> None:
    timer = tmp_path / "titik-central-backup.timer"
    timer.write_text((REPOSITORY / "systemd" / timer.name).read_text(encoding="utf-8"), encoding="utf-8")
    done = _analyze("verify", _unit("titik-central-backup", tmp_path), timer)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = _analyze("security", "--offline=true", "--no-pager", tmp_path / "titik-central-backup.service")
    found = EXPOSURE.search(done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 1.4


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_is_closed_but_for_what_it_needs(name: str, tmp_path: Path) -> None:
    done = _analyze("security", "--offline=true", "--no-pager", _unit(name, tmp_path))
    found = EXPOSURE.search(done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 1.4


@pytest.mark.parametrize(("name", "file"), [("titik", "titik.toml"), ("titik-central", "central.toml")])
def test_the_unit_keeps_its_program_alive_and_lets_it_end(name: str, file: str) -> None:
    patient = {"TimeoutStartSec": "5min"} if name == "titik" else {}
    wanted = {
        "Type": "notify",
        "NotifyAccess": "main",
        "ExecStart": f"/opt/titik/venv/bin/{name} run --config /etc/titik/{file}",
        "WatchdogSec": "30",
        "Restart": "always",
        "RestartSec": "2",
        "RestartPreventExitStatus": "78",
        "StartLimitIntervalSec": "0",
        "TimeoutStopSec": "5",
        "StateDirectory": name,
        "DynamicUser": "yes",
        **patient,
    }
    told = _told(name)
    assert {key: value for key, value in told if key in wanted} == wanted


def test_systemd_has_nothing_to_say_against_what_stands_beside_debian_s_broker_and_journal(tmp_path: Path) -> None:
    unit = tmp_path / "mosquitto.service"
    unit.write_text(f"[Service]\nType=notify\nExecStart={sys.executable}\nRestart=on-failure\n", encoding="utf-8")
    (tmp_path / "mosquitto.service.d").mkdir()
    shutil.copy(REPOSITORY / "systemd" / "mosquitto.conf", tmp_path / "mosquitto.service.d" / "titik.conf")
    done = _analyze("verify", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert dict(_told("mosquitto", "conf")) == {
        "StartLimitIntervalSec": "0",
        "Restart": "always",
        "RestartSec": "2",
        "LimitNOFILE": "16384",
        "MemoryMax": "1G",
    }
    assert dict(_told("journald", "conf")) == {"Storage": "persistent", "SystemMaxUse": "50M"}


def test_which_reader_was_at_work_outlives_a_restart_and_not_a_stop() -> None:
    told = dict(_told("titik"))
    assert (told["RuntimeDirectory"], told["RuntimeDirectoryPreserve"]) == ("titik", "restart")


@pytest.mark.parametrize("name", UNITS)
def test_a_secret_that_is_not_there_does_not_keep_the_unit_from_starting(name: str) -> None:
    sources = [value.partition(":")[2] for key, value in _told(name) if key == "LoadCredential"]
    assert sources
    # systemd.exec(5): a name is looked for in the credential stores, and skipped; an absolute path must exist.
    assert [source for source in sources if not source or "/" in source] == []


# --- setting up ---


def test_what_is_set_up_asks_nobody_and_says_nothing(tmp_path: Path) -> None:
    if Path(sys.prefix) != REPOSITORY / ".venv":
        pytest.skip("these tests do not run in the .venv that tools/setup makes")
    calls = tmp_path / "calls"
    for name in ("apt-get", "sudo"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$0 $*" >>{calls}\nexit 1\n', encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHON": sys.executable}
    env["PYTHON"] = str(Path(sys.base_prefix) / "bin" / "python3")
    done = subprocess.run(
        [REPOSITORY / "tools" / "setup", "test"], capture_output=True, text=True, env=env, check=False
    )
    assert (done.returncode, done.stdout, done.stderr, calls.exists()) == (0, "", "", False)


def test_an_unknown_word_to_setup_is_answered_with_the_known_ones() -> None:
    done = subprocess.run([REPOSITORY / "tools" / "setup", "everything"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "setup: 'everything' is not known here. Next: tools/setup demo, tools/setup test or tools/setup bench\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ([], 0, "skipped: no apt here, and the root is made of Debian's packages"),
        (
            ["lens"],
            3,
            "'lens' is not known here. Next: tools/rig-camera camera, tools/rig-camera suite, or without a word",
        ),
    ],
)
def test_where_no_root_can_be_made_the_rig_says_so_in_one_line(
    tmp_path: Path, words: list[str], code: int, line: str
) -> None:
    for name in ("sh", "dirname", "uname"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    done = subprocess.run(
        [REPOSITORY / "tools" / "rig-camera", *words],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"rig-camera: {line}\n")
