"""A name that a person or a stick gives may be a pipe, a device or a folder: each command says so, and ends."""

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from select import select

import pytest

from central.broker.bundle_publisher import BundlePublisher, PostingFault
from central.settings import password
from central.store.backup import restore
from central.store.database import Store
from device.config import BrokerSettings, ConfigError
from device.mqtt_client import Link, SessionError
from device.record._reserve import Reserve
from device.record.outbox import Outbox
from device.record.transfer_file import MAX_DAMAGED, Header, Holds, TransferFile, TransferFileError, told_of, writing
from device.system.disk import NotPlainError, check_plain, open_plain, read_bounded
from device.wire import Message
from office.cli.issue import _phone_key
from office.desk.bundle_file import opened
from office.desk.new_desk import found
from office.desk.refusal import RefusalError
from tests.support.certificates import Authority
from tests.support.credentials import staff_pass
from tests.support.point import DATES, Station, save
from tests.support.world import REPOSITORY, free_port

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WORD = "kuda benar baterai staples"
LIMIT = 60.0
"""Seconds that a child may take beside eight busy ones; one that waits at a pipe takes for ever."""
PIPE = "a pipe (FIFO), not a plain file"


@dataclass(frozen=True, slots=True)
class Case:
    """A command line with a pipe in it, the exit code it ends with, and what it says."""

    name: str
    program: str
    line: str
    """With ``{pipe}``, and ``{desk}``, ``{word}``, ``{central}`` for what is whole."""
    code: int
    says: str = PIPE


DESK = "--desk {desk} --passphrase-file {word}"
CASES = (
    Case("scan", "device", "scan {pipe}", 1),
    Case("scan, a bundle", "device", "scan --bundle {pipe} {word}", 1),
    Case("judge, a bundle", "device", "judge --bundle {pipe}", 1),
    Case("judge, a key", "device", "judge --key {pipe}", 1),
    Case("bench", "device", "bench {pipes}", 1),
    Case("bundle import", "device", "bundle import {pipe}", 3),
    Case("queue import", "device", "queue import {pipe}", 1),
    Case("queue list, a card", "device", "queue list --state {state}", 3),
    Case("queue list, a card's log", "device", "queue list --state {log}", 3),
    Case("queue export, a card", "device", "queue export --state {state} {out}", 3),
    Case("run, its configuration", "device", "run --config {pipe}", 78),
    Case("check-config", "device", "check-config --config {pipe}", 78),
    Case("check-config, conf.d", "device", "check-config --config {drop}", 78),
    Case("test camera, its configuration", "device", "test camera --config {pipe}", 78),
    Case("central run, its configuration", "central", "run --config {pipe}", 78),
    Case("central run, its database", "central", "run --config {nodb}", 78),
    Case("central status, its database", "central", "status --config {nodb}", 78),
    Case("central import", "central", "import --config {central} {pipe}", 1),
    Case("central import, its database", "central", "import --config {nodb} {stick}", 78),
    Case("central backup, its database", "central", "backup --config {nodb} {out}/copy.db", 1),
    Case("central restore", "central", "restore --config {central} {pipe}", 1),
    Case("central purge, its database", "central", "purge --config {nodb} --before 2026-01-01 --yes", 78),
    Case("issue, a picture", "office", f"issue {DESK} --domain staff --number 1 --name A --until 2027-06-30"
         " --png {out}/a.png --page https://pas.example/ --phone {pipe}", 1),
    Case("issue, a picture with an ending", "office", f"issue {DESK} --domain staff --number 1 --name A"
         " --until 2027-06-30 --png {out}/a.png --page https://pas.example/ --phone {png}", 1),
    Case("issue, a passphrase", "office", "issue --desk {desk} --passphrase-file {pipe} --domain staff --number 1"
         " --name A --until 2027-06-30 --png {out}/a.png", 1),
    Case("a desk's book", "office", "foreign-keys list --desk {nobook}", 1),
    Case("a desk's log", "office", "revoke --desk {nolog} 0042", 1),
    Case("a desk's key", "office", "issue --desk {nokey} --passphrase-file {word} --domain staff --number 1"
         " --name A --until 2027-06-30 --png {out}/a.png", 1),
    Case("a desk's trusted keys", "office", "foreign-keys list --desk {notrust}", 1),
    Case("a desk's last bundle", "office", "policy check --desk {nolast} staff", 1),
    Case("a desk's roster", "office", "bundle sign --desk {noroster} --passphrase-file {word} --out {out}/t.cbor", 1),
    Case("cards, a list", "office", f"cards {DESK} --csv {{pipe}} --domain staff --until 2027-06-30"
         " --out {out}/k", 1),
    Case("roster import", "office", "roster import --desk {desk} {pipe}", 1),
    Case("foreign-keys import", "office", "foreign-keys import --desk {desk} --issuer ID {pipe}", 1),
    Case("foreign-keys import, an authority", "office",
         "foreign-keys import --desk {desk} --issuer ID --ca {pipe} {word}", 1),
    Case("policy check", "office", "policy check {pipe}", 1),
    Case("bundle show", "office", "bundle show --root {root} {pipe}", 1),
    Case("bundle show, a root", "office", "bundle show --root {pipe} {word}", 1),
    Case("bundle diff", "office", "bundle diff --root {root} {pipe} {pipe}", 1),
)  # fmt: skip


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the names that a command line may hold; they are as it was before a command, whichever ran."""
    folder = tmp_path_factory.mktemp("pipes")
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "kode.png")
    (folder / "pipes").mkdir()
    os.mkfifo(folder / "pipes" / "kode.png")
    (folder / "out").mkdir()
    (folder / "word").write_text(WORD)
    point = Station(folder / "point", 1)
    point.write()
    (point.folder / "conf.d").mkdir()
    os.mkfifo(point.folder / "conf.d" / "camera.toml")
    (folder / "state").mkdir()
    os.mkfifo(folder / "state" / "outbox.db")
    with Outbox(folder / "log" / "outbox.db", 1000) as outbox:
        outbox.kept()
    (folder / "log" / "outbox.db-wal").unlink(missing_ok=True)
    os.mkfifo(folder / "log" / "outbox.db-wal")
    (folder / "central.toml").write_text(f'[store]\npath = "{folder}/central.db"\n')
    with Store(folder / "central.db", NOW):
        pass
    (folder / "nodb.toml").write_text(f'[store]\npath = "{folder}/nodb.db"\n')
    os.mkfifo(folder / "nodb.db")
    with writing(folder / "events.jsonl", Header(Holds.EVENTS, "bupati-1", "2026-11-23T03:00:00Z")):
        pass
    desk = found(folder / "desk", "Kantor", "luwuutarakab", WORD, datetime.now(UTC))
    without = {
        "nobook": "desk.toml",
        "nolog": "issued.csv",
        "nokey": next(key.file for key in desk.book.key if key.domain == "staff"),
        "notrust": "trusted.toml",
        "nolast": "last-bundle.cbor",
        "noroster": "roster.cbor",
    }
    for name, file in without.items():
        shutil.copytree(folder / "desk", folder / name)
        (folder / name / file).unlink(missing_ok=True)
        os.mkfifo(folder / name / file)
    return {
        **{name: str(folder / name) for name in ("pipe", "pipes", "out", "word", "state", "log", "desk", *without)},
        "png": str(folder / "kode.png"),
        "drop": str(point.config),
        "central": str(folder / "central.toml"),
        "nodb": str(folder / "nodb.toml"),
        "stick": str(folder / "events.jsonl"),
        "root": desk.book.root,
    }


SERVER = """
import json, os, sys, traceback
from central.__main__ import main as central
from device.__main__ import main as device
from office.__main__ import main as office

programs = {"central": central, "device": device, "office": office}
for line in sys.stdin:
    told = json.loads(line)
    child = os.fork()
    if not child:
        said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for handle, place in ((nothing, 0), (said, 1), (said, 2)):
            os.dup2(handle, place)
        code = 99
        try:
            code = programs[told["program"]](told["line"])
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""The three programs, imported once; each command runs in a child of its own, as if it had been typed."""


class Shell:
    """Runs commands in child processes, in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None

    def run(self, program: str, line: list[str]) -> tuple[int, str]:
        """Return the exit code of a command and what it said; AssertionError where it does not end."""
        if self._server is None:
            env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1"}
            self._server = subprocess.Popen(
                [sys.executable, "-c", SERVER],
                cwd=self._folder,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps({"program": program, "line": line}).encode() + b"\n")
        self._server.stdin.flush()
        ready, _, _ = select([self._server.stdout], [], [], LIMIT)
        if not ready:
            self.end()
            raise AssertionError(f"{program} {' '.join(line)} does not end")
        code = int(self._server.stdout.readline())
        return code, (self._folder / "said").read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """Kill what still runs."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.communicate()
            self._server = None


@pytest.fixture(scope="module")
def shell(places: dict[str, str]) -> Iterator[Shell]:
    made = Shell(Path(places["out"]).parent)
    yield made
    made.end()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_pipe_in_a_command_line_is_one_sentence_and_never_waited_for(
    case: Case, places: dict[str, str], shell: Shell
) -> None:
    code, told = shell.run(case.program, case.line.format(**places).split())
    assert (code, case.says in told, "Traceback" in told) == (case.code, True, False), told


def test_a_station_whose_secrets_certificates_and_card_are_pipes_says_so_and_ends_when_it_is_told(
    tmp_path: Path,
) -> None:
    certificates = "\n".join(f'{name} = "{tmp_path}/{name}"' for name in ("ca", "certificate", "key"))
    point = Station(tmp_path, free_port(), more=f"tls = true\n{certificates}")
    point.write()
    for name in ("ca", "certificate", "key", "state/outbox.db", "secrets/mqtt-password", "trust.cbor"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).unlink(missing_ok=True)
        os.mkfifo(tmp_path / name)
    save(point.pictures / "1.png", staff_pass("0001", **DATES))
    with point:
        point.says(f"the credential mqtt-password cannot be read: it is {PIPE}")
        point.says(f"{tmp_path}/trust.cbor cannot be read: it is {PIPE}")
        point.says(f"nothing can be recorded: outbox.db cannot be opened: it is {PIPE}")
        point.says(f"[broker] ca = {tmp_path}/ca cannot be read: it is {PIPE}")
        assert point.child.stop() == 0
    assert "shown id=" not in point.child.err


@pytest.mark.parametrize("name", ["ca", "certificate", "key"])
def test_each_of_the_brokers_files_may_be_a_pipe_or_endless(tmp_path: Path, name: str) -> None:
    authority = Authority(tmp_path / "files")
    own = authority.client("bupati-1")
    told = {"ca": authority.ca, "certificate": own.certificate, "key": own.key}
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "holes").write_bytes(b"")
    os.truncate(tmp_path / "holes", 200 * 2**30)
    for other, says in (("pipe", f"it is {PIPE}"), ("holes", "it is larger than 1048576 bytes")):
        broker = BrokerSettings(host="broker.kantor.example", tls=True, **{**told, name: tmp_path / other})
        link = Link(broker, "bupati-1", will=Message("titik/v1/bupati-1/state", b"{}"), clean=True)
        with pytest.raises(SessionError) as broken, link:
            pass
        assert f"[broker] {name} = {tmp_path}/{other} cannot be read: {says}" in str(broken.value)


def test_the_centre_posts_no_pipe_and_says_why(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "trust.cbor")
    posting = BundlePublisher(tmp_path / "trust.cbor")
    assert posting.newer("titik/v1/fleet/bundle", None, 0.0) is None
    assert posting.fault == PostingFault(f"{tmp_path}/trust.cbor: it is {PIPE}", "[trust] bundle in central.toml")


def test_the_centres_password_may_not_be_a_pipe(tmp_path: Path) -> None:
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path), "TITIK_MQTT_PASSWORD": "other"}
    assert password(env) == "other"
    os.mkfifo(tmp_path / "mqtt-password")
    with pytest.raises(ConfigError, match=r"mqtt-password: cannot be read: it is a pipe"):
        password(env)


def test_a_backup_is_restored_over_a_database_that_is_a_pipe(tmp_path: Path) -> None:
    with Store(tmp_path / "copy.db", NOW):
        pass
    os.mkfifo(tmp_path / "central.db")
    restored = restore(tmp_path / "central.db", tmp_path / "copy.db", NOW)
    assert restored.aside is not None
    assert restored.aside.is_fifo()
    assert restored.purged is None
    with Store(tmp_path / "central.db", NOW) as store:
        assert store.life


def test_a_text_that_is_too_long_for_a_name_is_no_file() -> None:
    with pytest.raises(RefusalError, match="A phone code has 56 characters, this has 400"):
        _phone_key("A" * 400)
    with pytest.raises(RefusalError, match=r"--root: bukan kunci akar"):
        opened(Path("trust.cbor"), "A" * 400)


def test_what_is_no_plain_file_is_named_and_never_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("nothing")
    (tmp_path / "to-pipe").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name, kind in (
            ("pipe", "a pipe (FIFO)"),
            ("to-pipe", "a pipe (FIFO)"),
            ("socket", "a socket"),
            ("", "a folder"),
            ("/dev/zero", "a device"),
        ):
            for look in (open_plain, check_plain):
                with pytest.raises(NotPlainError) as told:
                    look(tmp_path / name)
                assert told.value.strerror == f"it is {kind}, not a plain file"
    for name, code in (("loop", errno.ELOOP), ("gone", errno.ENOENT)):
        with pytest.raises(OSError) as told_of:  # the system's own word for it
            open_plain(tmp_path / name)
        assert told_of.value.errno == code
    check_plain(tmp_path / "gone")


def test_a_plain_file_is_read_by_its_name_or_a_link_and_no_further_than_its_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"satu")
    (tmp_path / "link").symlink_to("file")
    os.truncate(tmp_path / "file", 200 * 2**30)
    assert read_bounded(tmp_path / "link", 5) == b"satu\0\0"
    check_plain(tmp_path / "link")
    with pytest.raises(NotPlainError, match="it is larger than 5 bytes"):
        check_plain(tmp_path / "link", 5)


def written(path: Path, lines: int) -> None:
    with writing(path, Header(Holds.EVENTS, "bupati-1", "2026-11-23T03:00:00Z")) as pen:
        for _ in range(lines):
            pen.write(b"[]", 1)


def test_a_stick_of_holes_is_given_up_and_what_is_whole_of_it_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    written(path, 3)
    os.truncate(path, 200 * 2**30)
    with TransferFile(path, Holds.EVENTS) as stick:
        assert list(stick) == [b"[]"] * 3
        assert (stick.given_up, stick.whole, stick.damaged) == (True, False, 1)
        assert "the rest was not read, and what is whole was taken. Next: export again" in str(told_of(stick))
    path.write_bytes(b"")
    os.truncate(path, 200 * 2**30)
    with pytest.raises(TransferFileError, match="is no file of titik's"), TransferFile(path, Holds.EVENTS):
        pass


def test_a_stick_of_nothing_but_line_ends_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    written(path, 1)
    with path.open("ab") as file:
        file.write(b"\n" * (MAX_DAMAGED + 5))
    with TransferFile(path, Holds.EVENTS) as stick:
        assert list(stick) == [b"[]"]
        assert (stick.given_up, stick.damaged) == (True, MAX_DAMAGED)


def test_a_ballast_that_is_a_pipe_is_thrown_away_and_laid_anew(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ballast")
    reserve = Reserve(tmp_path / "ballast", 4096)
    assert reserve.lay() is False
    assert reserve.lay() is True
    assert (tmp_path / "ballast").is_file()
