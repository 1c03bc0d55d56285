"""A point as its operator has it: a folder with a configuration, a bundle, pictures as eyes, and the program."""

import re
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ed25519
from numpy.typing import NDArray
from PIL import Image

from device.trust.bundle import Key, Roots, Trust, spki_text, trusting
from office import bundle
from tests.support.codes import code, view
from tests.support.credentials import trust
from tests.support.world import Child, wait_for

NOW = datetime.now(UTC).replace(microsecond=0)
DATES = {"issued": NOW - timedelta(days=2), "expires": NOW + timedelta(days=30)}
"""When a pass that holds now was issued and expires."""
ROOT = ed25519.Ed25519PrivateKey.generate()
ROOTS = Roots(ROOT.public_key())
SHOWN = re.compile(
    r"^shown id=([0-9a-f]{32}) seq=(\d+) outcome=(\w+) colour=(\w+) reason=([a-z-]+)"
    r" kind=([a-z0-9-]+) repeat=(yes|no)$",
    re.MULTILINE,
)


def signed_bundle(**changed: Any) -> bytes:
    """Return a bundle of the keys in `credentials`, signed by `ROOT`."""
    span = {"since": NOW - timedelta(days=400), "until": NOW + timedelta(days=400)}
    keys: list[Key] = [replace(key, **span) for group in trust().keys.values() for key in group]  # type: ignore[arg-type]  # two dates
    told: Trust = replace(trusting(*keys), version=3, issued=NOW - timedelta(days=1), next=NOW + timedelta(days=90))
    return bundle.sign(replace(told, **changed), ROOT)


def save(path: Path, *codes: str, **more: Any) -> None:
    """Write a picture of *codes* side by side, renamed into place."""
    luma: NDArray[np.uint8] = view(*(code(text, 4, **more) for text in codes))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(luma).save(path.with_suffix(".part"), format="PNG")
    path.with_suffix(".part").rename(path)


@dataclass
class Station:
    """One point's folder, and the program running in it, bound to a ``with`` block."""

    folder: Path
    port: int
    name: str = "bupati-1"
    camera: Mapping[str, Any] = field(default_factory=dict)
    more: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    program: str = "device"

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    @property
    def outbox(self) -> Path:
        return self.folder / "state" / "outbox.db"

    @property
    def config(self) -> Path:
        return self.folder / "titik.toml"

    def write(self) -> None:
        """Write its configuration and bundle."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        (self.folder / "trust.cbor").write_bytes(signed_bundle())
        (self.folder / "secrets").mkdir(exist_ok=True)
        (self.folder / "secrets" / "fleet-secret").write_text("5a" * 32)
        camera = {
            "source": '"pictures"',
            "pictures": f'["{self.pictures}"]',
            "fps": 20,
            "hold": 0.3,
            "gap": 0.1,
            "loop": "false",
            **self.camera,
        }
        lines = [f"{key} = {value}" for key, value in camera.items()]
        self.config.write_text(
            f'state = "{self.folder}/state"\n[point]\nname = "{self.name}"\nsite = "bupati"\n'
            f'[camera]\n{chr(10).join(lines)}\n[pins]\nfactory = "mock"\n[clock]\ntrust = "system"\n'
            f'[policy]\nuse = ["staff", "brief-2021"]\n'
            f'[trust]\nbundle = "{self.folder}/trust.cbor"\nroots = ["{spki_text(ROOT.public_key())}"]\n'
            f"[broker]\nport = {self.port}\n{self.more}\n"
        )

    def __enter__(self) -> Self:
        if not self.config.exists():
            self.write()
        env = {"CREDENTIALS_DIRECTORY": str(self.folder / "secrets"), **self.env}
        command = [sys.executable, "-W", "error", "-m", self.program, "run", "--config", self.config]
        self.child = Child(command, self.folder, env)
        self.child.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.__exit__(kind, error, trace)

    def says(self, words: str, times: int = 1) -> None:
        """Wait until *words* stand *times* in what it said, over all its lives."""

        def said() -> bool:
            return self.child.err.count(words) >= times or self.child.process.poll() is not None

        wait_for(said, words)
        assert self.child.err.count(words) >= times, self.child.err[-3000:]

    def ends(self) -> int:
        """Wait for its end, and return its exit code."""
        return self.child.process.wait()

    def shown(self) -> list[tuple[str, ...]]:
        """Return what it showed: id, seq, outcome, colour, reason, kind, repeat."""
        return [match.groups() for match in SHOWN.finditer(self.child.err)]

    def recorded(self) -> list[str]:
        """Return the ids on its disk, held ones as well."""
        with closing(sqlite3.connect(f"file:{self.outbox}?mode=ro", uri=True)) as file:
            return [id_ for (id_,) in file.execute("SELECT id FROM event ORDER BY row")]

    def owed(self) -> int:
        """Return how many events no receipt has named."""
        with closing(sqlite3.connect(f"file:{self.outbox}?mode=ro", uri=True)) as file:
            return int(file.execute("SELECT count(*) FROM event WHERE held_at IS NULL").fetchone()[0])


def hold_up(station: Station, *texts: str) -> None:
    """Put pictures of *texts* where *station*'s camera finds them, one after the other."""
    for n, text in enumerate(texts):
        save(station.pictures / f"{n:03d}.png", text)
