"""The centre as a program, and points of a few lines that speak the real protocol to it."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from device.config import BrokerSettings
from device.mqtt_client import Link
from device.wire import Message, Quarantined, Receipt, Received, digest, parse_receipt
from tests.support.messages import POINT, schema
from tests.support.world import Child, Mosquitto, wait_for

FLEET = "titik/v1/fleet/centre"


class FakeStation:
    """A point that sends what it is told, and keeps what it hears."""

    def __init__(self, link: Link, point: str) -> None:
        self._link = link
        self._point = point
        self.heard: list[Received] = []

    def send(self, body: bytes, leaf: str = "event", *, retain: bool = False) -> None:
        self._link.publish(Message(f"titik/v1/{self._point}/{leaf}", body, retain=retain))

    def look(self) -> None:
        self.heard += [happened for happened in self._link.turn(0.05) if isinstance(happened, Received)]

    def receipts(self, count: int) -> list[Receipt | Quarantined]:
        """Return the first *count* answers, once they are there, and forget them."""
        topic = f"titik/v1/{self._point}/receipt"

        def told() -> list[Received]:
            self.look()
            return [got for got in self.heard if got.topic == topic]

        wait_for(lambda: len(told()) >= count, what=f"{count} receipts")
        answers = [got.body for got in self.heard if got.topic == topic]
        self.heard = [got for got in self.heard if got.topic != topic]
        for body in answers:
            schema("receipt").validate(json.loads(body))
        return [parse_receipt(body) for body in answers]

    def centre(self, word: str) -> dict[str, Any]:
        """Return what the centre says of itself, once its state is *word*."""

        def told() -> dict[str, Any] | None:
            self.look()
            said = [json.loads(got.body) for got in self.heard if got.topic == FLEET]
            return said[-1] if said and said[-1]["state"] == word else None

        said = wait_for(told, what=f"the centre says {word}")
        assert said is not None
        schema("centre-state").validate(said)
        return said


@contextmanager
def fake_station(broker: Mosquitto, point: str = POINT, protocol: int = 5) -> Iterator[FakeStation]:
    """Connect a point to *broker*, as long as the block lasts."""
    told = BrokerSettings(port=broker.port, protocol=protocol)  # type: ignore[arg-type]  # 4 or 5
    with Link(told, point, will=Message(f"titik/v1/{point}/state", b"{}")) as link:
        link.subscribe([f"titik/v1/{point}/receipt", FLEET])
        yield FakeStation(link, point)


class CentreProgram(Child):
    """``titik-central run`` in a folder."""

    def __init__(
        self,
        folder: Path,
        port: int,
        more: str = "",
        env: dict[str, str] | None = None,
        program: Sequence[str] = ("-W", "error", "-m", "central"),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "central.toml"
        self.database = folder / "central.db"
        self.config.write_text(
            f"[broker]\nport = {port}\n{more}\n[store]\npath = {json.dumps(str(self.database))}\n", encoding="utf-8"
        )
        super().__init__([sys.executable, *program, "run", "--config", self.config], folder, env)

    def rows(self) -> list[tuple[str, str, int]]:
        with closing(sqlite3.connect(self.database)) as file:
            return file.execute("SELECT source, epoch, seq FROM event ORDER BY seq").fetchall()

    def ids(self) -> list[str]:
        """Return the ids it holds, in the order of epochs' rows."""
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as file:
            return [id_ for (id_,) in file.execute("SELECT id FROM event ORDER BY time, seq")]

    def says(self, words: str, times: int = 1) -> None:
        wait_for(lambda: self.err.count(words) >= times, what=f"the centre logs {words!r}: {self.err}")


def receipt(centre_: str, *events: dict[str, Any]) -> Receipt:
    """Return the receipt for *events* that a centre of this life gives."""
    seqs = [told["data"]["seq"] for told in events]
    return Receipt(centre_, events[0]["data"]["epoch"], seqs[0], seqs[-1], len(seqs), digest(e["id"] for e in events))


def ask(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``titik-central`` and return what came of it."""
    command = [sys.executable, "-m", "central", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
