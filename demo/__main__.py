"""Run an office on this machine: the seven points, a broker and the centre, over pictures that the demo makes."""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from demo import lines, scenes, setting, tally
from demo.children import ChildDied, Children, wait_until
from demo.codes import MINISTRY, Signers, held_up, signers
from demo.setting import Listed, points
from demo.tally import Tally
from device.model import Domain
from device.trust.bundle import Key, Trust, kid_of, trusting
from device.verdict.policy import SHIPPED
from office import bundle
from office.desk.desk import FLEET_SECRET
from office.desk.new_desk import found
from office.desk.refusal import MissingError, RefusalError
from office.passes import qr

HERE = Path(__file__).resolve().parent.parent
BROKER, CENTRE = "broker", "centre"
START_WITHIN, END_WITHIN, ARRIVE_WITHIN = 60.0, 5.0, 15.0
"""Seconds: for all to be online on a slow machine; for a child to end; for the last event to reach the centre."""
STATUS_SAID = (0, 1)
"""Exit codes with which the status was said; 1 is that something is wrong, and the demo makes no backups."""
DAYS_OPEN = 60
"""How long the demo's desk has existed, so that a pass of it can have run out."""


class Office:
    """One run: the folder it lives in, its processes, and the account it keeps."""

    def __init__(self, folder: Path, listed: Sequence[Listed], children: Children, ending: "Ending") -> None:
        self._folder = folder
        self._points = listed
        self._children = children
        self._ending = ending
        self._began = monotonic()
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._env = _environment(folder)
        self._database = folder / "central.db"
        self.tallies = {point.name: Tally() for point in listed}

    def prepare(self, port: int, now: datetime) -> tuple[Signers, str]:
        """Make the desk, the trust bundle, and the broker's and the centre's files; return who signs, and the root."""
        passphrase = secrets.token_urlsafe(24)
        opened = now - timedelta(days=DAYS_OPEN)
        made = found(self._folder / "desk", "Kantor Contoh", "kantorcontoh", passphrase, opened)
        by = signers(made, passphrase, now)
        ministry = by.ministry.public_key()
        health = Key(ministry, kid_of(ministry), MINISTRY, Domain.HEALTH, None, *bundle.ALWAYS)
        trust = Trust(
            trusting(by.staff[1], by.visitor[1], health).keys,
            policies=tuple((SHIPPED / f"{name}.toml").read_text(encoding="utf-8") for name in setting.POLICIES),
            version=made.next_version(),
            issued=now,
            next=now + timedelta(days=1),
        )
        (self._folder / "trust.cbor").write_bytes(bundle.sign(trust, made.unlock_root(passphrase)))
        secret = self._folder / "secrets" / FLEET_SECRET
        secret.parent.mkdir(mode=0o700)
        shutil.copy(made.folder / FLEET_SECRET, secret)
        (self._folder / "central.toml").write_text(setting.centre_toml(self._database, port), encoding="utf-8")
        conf = setting.broker_conf(port, as_root=os.geteuid() == 0)
        (self._folder / "mosquitto.conf").write_text(conf, encoding="utf-8")
        return by, made.book.root

    def open(self, mosquitto: str, port: int, now: datetime) -> bool:
        """Start the broker, the centre and the stations; return whether all came online.

        Each station starts as soon as its pictures are there, so that one core paints while the other starts.
        """
        by, root = self.prepare(port, now)
        self._start(BROKER, [mosquitto, "-c", str(self._folder / "mosquitto.conf")])
        if not wait_until(lambda: self._ending.asked or _listens(port), START_WITHIN, self._turn):
            self.say("broker tidak menjawab / the broker does not answer")
            return False
        self._start(CENTRE, [*_module("central"), "run", "--config", str(self._folder / "central.toml")])
        for place, point in enumerate(self._points):
            if self._ending.asked:
                return False
            own = self._folder / point.name
            self._paint(by, place, own, now)
            (own / "titik.toml").write_text(setting.station_toml(point, own, port, root), encoding="utf-8")
            self._start(point.name, [*_module("device"), "run", "--config", str(own / "titik.toml")])
            self._turn(0)
        wait_until(lambda: self._ending.asked or not self._absent(), START_WITHIN, self._turn)
        if self._absent() and not self._ending.asked:
            self.say(f"tidak terhubung / not online after {START_WITHIN:.0f} s: {', '.join(self._absent())}")
        return not self._absent()

    def serve(self, seconds: float | None) -> None:
        """Let people come, for *seconds* or until the demo is told to end."""
        limit = seconds if seconds is not None else float("inf")
        wait_until(lambda: self._ending.asked, limit, self._turn)

    def close(self) -> bool:
        """Stop the stations, wait for what they showed to arrive, and sum up; return whether all is well."""
        self.say("berhenti / stopping ...")
        names = list(self.tallies)
        self._children.stop(names)
        ended = wait_until(lambda: self._children.ended(names), END_WITHIN, self._turn)
        wait_until(lambda: tally.arrived(self.tallies, tally.held_ids(self._database)), ARRIVE_WITHIN, self._turn)
        gaps = self._asked_of_the_centre()
        summed = tally.accounts(self.tallies, tally.held_ids(self._database), gaps)
        for name in (CENTRE, BROKER):
            self._children.stop([name])
            ended = wait_until(lambda name=name: self._children.ended([name]), END_WITHIN, self._turn) and ended  # type: ignore[misc]  # bound now, not at the end of the loop
        codes = {name: code for name, code in self._children.codes([*names, CENTRE]).items() if code != 0}
        print(f"\n{tally.table(summed)}\n", flush=True)
        for name, code in codes.items():
            print(
                f"{name}: {'tidak berhenti / did not stop' if code is None else f'berakhir dengan / ended with {code}'}"
            )
        return ended and not codes and gaps is not None and all(line.whole for line in summed)

    def say(self, text: str, who: str = "demo") -> None:
        """Print one line of the show."""
        print(f"{monotonic() - self._began:6.1f} s  {who:<12} {text}", flush=True)

    @staticmethod
    def _paint(by: Signers, place: int, own: Path, now: datetime) -> None:
        """Make the folders of one point, and the pictures of what is held up there."""
        for folder in (own / "pictures", own / "state"):
            folder.mkdir(parents=True)
        for number, shown in enumerate(held_up(by, place, now)):
            scenes.save(shown, own / "pictures", number)

    def _absent(self) -> list[str]:
        return [name for name, one in self.tallies.items() if not one.online]

    def _start(self, name: str, command: list[str]) -> None:
        self._children.start(name, command, self._env, self._folder)

    def _turn(self, seconds: float) -> None:
        for name, line in self._children.hear(seconds):
            told = lines.parse(line) if name in self.tallies else None
            if told is not None:
                self.tallies[name].add(told)
                self.say(lines.readable(told, colour=self._colour), name)

    def _asked_of_the_centre(self) -> Mapping[str, int] | None:
        """Return what the centre misses, by point; ``None`` if it cannot say."""
        command = [*_module("central"), "status", "--json", "--config", str(self._folder / "central.toml")]
        try:
            answer = subprocess.run(
                command, env=self._env, cwd=self._folder, capture_output=True, check=False, timeout=ARRIVE_WITHIN
            )
            if answer.returncode not in STATUS_SAID:
                answer.check_returncode()
            told = json.loads(answer.stdout)["points"]
            return {name: int(of["missing"]) for name, of in told.items()}
        except subprocess.CalledProcessError as error:
            self.say(f"titik-central status: {error.returncode}: {error.stderr.decode('utf-8', 'replace').strip()}")
        except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
            self.say(f"titik-central status: {error!r}")
        return None


class Ending:
    """Whether somebody asked the demo to end."""

    def __init__(self) -> None:
        self.asked = False

    def install(self) -> None:
        """Take Ctrl-C, a polite kill and a closed terminal for the same word."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: object) -> None:
        self.asked = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return 0 only if every point's events reached the database."""
    told = _parser().parse_args(arguments)
    try:
        return _run(told.seconds, told.dir)
    except ChildDied as died:
        print(
            f"\n{died.name} berakhir sendiri / ended by itself ({died.code}); terakhir / its last lines:",
            file=sys.stderr,
        )
        print("\n".join(f"  {line}" for line in died.last) or "  (-)", file=sys.stderr)
        return 1
    except RefusalError as refusal:
        print(f"demo: {refusal}", file=sys.stderr)
        return refusal.exit_code
    except OSError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description=__doc__,
        epilog="contoh / example:\n  python -m demo --seconds 20\n\n"
        "kode keluar / exit codes: 0 semua sampai / all arrived, 1 tidak / not, 2 salah ketik / usage,"
        " 3 ada yang kurang / something missing",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=_seconds, help="berakhir sendiri / end by itself; else Ctrl-C")
    parser.add_argument("--dir", type=Path, help="folder kosong yang disimpan / an empty folder that is kept")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds <= 86_400:  # noqa: PLR2004 - a day
        raise argparse.ArgumentTypeError(f"{text!r}: detik, lebih dari 0 / seconds, more than 0")
    return seconds


def _run(seconds: float | None, kept: Path | None) -> int:
    qr.check_ready()
    mosquitto = _mosquitto()
    listed = _points()
    ending = Ending()
    ending.install()
    _header(listed)
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(kept))
        children = stack.enter_context(Children())
        office = Office(folder, listed, children, ending)
        port = _free_port()
        office.say(f"meja, pas, broker 127.0.0.1:{port}, pusat / centre, {len(listed)} titik / points; {folder}")
        opened = office.open(mosquitto, port, datetime.now(UTC))
        if opened and not ending.asked:
            office.say("semua terhubung / all online" + ("" if seconds is None else f"; {seconds:g} s"))
            office.serve(seconds)
        return 0 if office.close() and opened else 1


def _header(listed: Sequence[Listed]) -> None:
    print("=== SIMULASI / SIMULATION: bukan orang, bukan data sungguhan / no real people, no real records ===")
    for point in listed:
        print(f"  {point.name:<12} {point.title}")
    print(
        "  (+) masuk / admit   (?) periksa / check   (x) tolak / refuse   --> tersimpan di pusat / held at the centre"
    )
    print("  Ctrl-C: selesai / end", flush=True)


def _mosquitto() -> str:
    found = shutil.which(
        "mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )
    if found is None:
        raise MissingError("mosquitto belum terpasang. / mosquitto is not installed. Berikutnya / next: make setup")
    return found


def _points() -> tuple[Listed, ...]:
    try:
        return points()
    except OSError as error:
        raise MissingError(f"{setting.INVENTORY}: {error.strerror}") from None
    except ValueError as error:
        raise RefusalError(str(error)) from None


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Yield an empty folder: a new one that goes with the demo, or the one to keep; raises `RefusalError`."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="titik-demo-") as made:
            yield Path(made)
        return
    kept.mkdir(parents=True, exist_ok=True)
    if any(kept.iterdir()):
        raise RefusalError(f"{kept} tidak kosong. / {kept} is not empty.")
    yield kept.resolve()


def _environment(folder: Path) -> dict[str, str]:
    """Return what the children see: the secrets' folder, this tree, and nothing of a service manager's."""
    env = {name: value for name, value in os.environ.items() if name not in _SERVICE}
    path = os.pathsep.join([str(HERE), *filter(None, [env.get("PYTHONPATH")])])
    return env | {"CREDENTIALS_DIRECTORY": str(folder / "secrets"), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


_SERVICE = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "STATE_DIRECTORY", "JOURNAL_STREAM"})


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
