"""Other people's brokers as child processes on loopback, each in a folder of its own, killed as a power cut would.

Ports are free ones, and nothing is left running: Erlang's port mapper, which a node would leave behind, is a child
of ours as well.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import pytest

from tests.support.world import Mosquitto, answers, free_port, wait_for

HERE = Path(__file__).parent


class Server:
    """A broker of its own kind, bound to a ``with`` block; `start` after `kill` finds its folder as it was left."""

    name = ""
    protocols: tuple[int, ...] = (5, 4)
    """The MQTT versions in which it takes a station."""
    username: str | None = None
    """Whom it wants to be named, with any password; a broker that wants nobody has ``None``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        self.prepare()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def prepare(self) -> None:
        """Write its configuration."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        raise NotImplementedError

    def version(self) -> str:
        """Return what it calls its version."""
        raise NotImplementedError

    def kill(self) -> None:
        """SIGKILL for it and all that it started; twice does no harm."""
        for child in reversed(self._children):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        self._children = []

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start *command* in a process group of its own."""
        with (self.folder / "log").open("ab") as log:
            self._children.append(
                subprocess.Popen(
                    list(command),
                    cwd=self.folder,
                    env={**os.environ, **(env or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def listens(self) -> None:
        """Wait until it does; AssertionError, with the end of its log, where it does not."""
        child = self._children[-1]
        try:
            wait_for(lambda: child.poll() is not None or answers(self.port), f"{self.name} listens")
            assert child.poll() is None, f"{self.name} ended with {child.returncode}"
        except AssertionError as error:
            raise AssertionError(f"{error}\n{(self.folder / 'log').read_text(errors='replace')[-3000:]}") from None


class Persistent(Server):
    """mosquitto, its state on the disk."""

    name = "mosquitto"
    conf = "persistence true\npersistence_location {folder}/\nautosave_interval 1800"

    def prepare(self) -> None:
        self._broker = Mosquitto(self.folder, self.conf.format(folder=self.folder), port=self.port)

    def start(self) -> None:
        self._broker.start()

    def kill(self) -> None:
        self._broker.kill()

    def version(self) -> str:
        told = subprocess.run([_found("mosquitto"), "-h"], capture_output=True, text=True, check=False)
        return told.stdout.split()[2]


class Forgetful(Persistent):
    """mosquitto without persistence: a kill takes every session and everything retained."""

    name = "mosquitto, no persistence"
    conf = ""


class _Erlang(Server):
    """A broker on Erlang, with a port mapper and a distribution port of its own."""

    def prepare(self) -> None:
        self._mapper, self._distribution = free_port(), free_port()
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text("only-for-this-test")
        cookie.chmod(0o400)

    def _map(self) -> Mapping[str, str]:
        """Start the port mapper; return the environment in which it is found."""
        env = {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_MAX_PORTS": "4096",
            "LANG": "C.UTF-8",
        }
        self.run([_found("epmd")], env)
        wait_for(lambda: answers(self._mapper), "epmd listens")
        return env


ERL_QUIET = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
"""One scheduler that does not spin while it waits, and nothing on any other address."""


class RabbitMQ(_Erlang):
    """RabbitMQ 3.10 with its MQTT plugin, as Debian 12 has it; newer ones speak MQTT 5."""

    name = "RabbitMQ"
    program = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # Debian's own in /usr/sbin changes the user
    protocols = (4,)

    def prepare(self) -> None:
        super().prepare()
        (self.folder / "plugins").write_text("[rabbitmq_mqtt].\n")
        (self.folder / "rabbit.conf").write_text(
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "mqtt.allow_anonymous = true\nvm_memory_high_watermark.absolute = 400MB\ndisk_free_limit.absolute = 50MB\n"
        )

    def start(self) -> None:
        told = {
            "NODENAME": f"titik-{self.port}@localhost",
            "NODE_IP_ADDRESS": "127.0.0.1",
            "NODE_PORT": str(free_port()),
            "DIST_PORT": str(self._distribution),
            "MNESIA_BASE": str(self.folder / "mnesia"),
            "LOG_BASE": str(self.folder / "logs"),
            "ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "CONFIG_FILE": str(self.folder / "rabbit.conf"),
            "CONF_ENV_FILE": "/dev/null",
            "PID_FILE": str(self.folder / "pid"),
            "SERVER_ADDITIONAL_ERL_ARGS": ERL_QUIET,
        }
        self.run([self.program], {**self._map(), **{f"RABBITMQ_{name}": value for name, value in told.items()}})
        self.listens()

    def version(self) -> str:
        return _debian("rabbitmq-server")


class NATS(Server):
    """NATS with JetStream and its MQTT listener."""

    name = "NATS JetStream"
    protocols = (4,)

    def prepare(self) -> None:
        (self.folder / "nats.conf").write_text(
            f'server_name: "titik"\nlisten: "127.0.0.1:{free_port()}"\n'
            f'jetstream {{ store_dir: "{self.folder}/jetstream" }}\nmqtt {{ listen: "127.0.0.1:{self.port}" }}\n'
        )

    def start(self) -> None:
        self.run([_found("nats-server"), "-c", str(self.folder / "nats.conf")])
        self.listens()

    def version(self) -> str:
        return _debian("nats-server")


class Ejabberd(_Erlang):
    """ejabberd's mod_mqtt: an XMPP server, to which every client is somebody."""

    name = "ejabberd mod_mqtt"
    username = "titik"
    protocols = (5, 4)

    def prepare(self) -> None:
        super().prepare()
        (self.folder / "ejabberd.yml").write_text(
            "hosts: [localhost]\nauth_method: [anonymous]\nanonymous_protocol: login_anon\n"
            f"listen:\n  - port: {self.port}\n    ip: 127.0.0.1\n    module: mod_mqtt\n    backlog: 100\n"
            "modules:\n  mod_mqtt: {}\n"
        )

    def start(self) -> None:
        folder = self.folder
        self.run(
            [
                _found("erl"),
                *("-sname", f"titik-{self.port}@localhost", "-noinput", *ERL_QUIET.split()),
                *("-kernel", "inet_dist_listen_min", str(self._distribution)),
                *("-kernel", "inet_dist_listen_max", str(self._distribution)),
                *("-mnesia", "dir", f'"{folder}/spool"', "-s", "ejabberd"),
            ],
            {
                **self._map(),
                "EJABBERD_CONFIG_PATH": str(folder / "ejabberd.yml"),
                "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
                "EJABBERD_LOG_LEVEL": "4",
                "ERL_LIBS": str(_libraries()),
            },
        )
        self.listens()

    def version(self) -> str:
        return _debian("ejabberd")


class Aedes(Server):
    """aedes, a broker in Node.js that keeps everything in memory."""

    name = "aedes, in memory"
    protocols = (4,)
    modules: ClassVar[Path] = Path(os.environ.get("TITIK_AEDES", "")) / "node_modules"
    """Where tools/brokers installed it."""

    def prepare(self) -> None:
        if not (self.modules / "aedes").is_dir():
            pytest.skip("aedes is not installed. Next: make brokers, where npm is")
        (self.folder / "node_modules").symlink_to(self.modules)
        shutil.copy(HERE / "aedes" / "serve.mjs", self.folder)

    def start(self) -> None:
        self.run([_found("node"), "serve.mjs", str(self.port)])
        self.listens()

    def version(self) -> str:
        told = (self.modules / "aedes" / "package.json").read_text()
        return told.partition('"version": "')[2].partition('"')[0]


def _found(program: str) -> str:
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert path, f"{program} is not installed. Next: tools/brokers"
    return path


def _debian(package: str) -> str:
    told = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True)
    return told.stdout.partition("-")[0]


def _libraries() -> Path:
    """Return the folder that holds ejabberd's own Erlang libraries."""
    return next(Path("/usr/lib").glob("*/ejabberd-*")).parent


SERVERS: tuple[type[Server], ...] = (Persistent, Forgetful, RabbitMQ, NATS, Ejabberd, Aedes)
