"""The office on paper: the points of the inventory, and the configuration files of every program."""

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from demo.scenes import SIZE
from device.config import PointSettings

INVENTORY = Path(__file__).resolve().parent.parent / "examples" / "inventory.toml"
POLICIES = ("staff", "brief-2021")


class Listed(PointSettings):
    """A point as the inventory has it."""

    title: str = ""


class _Inventory(BaseModel):
    point: tuple[Listed, ...] = Field(min_length=1)


def points(inventory: Path = INVENTORY) -> tuple[Listed, ...]:
    """Return the points of *inventory*; raises OSError, and ValueError for a file that is no inventory."""
    try:
        return _Inventory.model_validate(tomllib.loads(inventory.read_text(encoding="utf-8"))).point
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ValueError(f"{inventory}: not an inventory: {error}") from None


def station_toml(point: PointSettings, folder: Path, port: int, root: str) -> str:
    """Return the configuration of one station, whose things lie in *folder*; *root* is the desk's public key."""
    return _toml(
        {
            "": {"state": str(folder / "state")},
            "point": {"name": point.name, "site": point.site, "direction": point.direction},
            "camera": {
                "source": "pictures",
                "pictures": [str(folder / "pictures")],
                "size": list(SIZE),
                "fps": 8,
                "hold": 1.2,
                "gap": 1.0,
                "loop": True,
            },
            "pins": {"factory": "mock"},
            "broker": {"host": "127.0.0.1", "port": port},
            "clock": {"trust": "system"},
            "trust": {"bundle": str(folder.parent / "trust.cbor"), "roots": [root]},
            "policy": {"use": list(POLICIES)},
        }
    )


def centre_toml(database: Path, port: int) -> str:
    """Return the configuration of the centre."""
    return _toml({"broker": {"host": "127.0.0.1", "port": port}, "store": {"path": str(database)}})


def broker_conf(port: int, *, as_root: bool) -> str:
    """Return mosquitto's configuration: this machine only, and nothing on its disk, on which no promise rests.

    Started by root it stays root: a change of user would clear the signal that ends it with the demo.
    """
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "max_queued_messages 100000"]
    lines += ["set_tcp_nodelay true", "log_dest stderr", "log_type error", "log_type warning"]
    return "\n".join([*lines, *(["user root"] if as_root else [])]) + "\n"


def _toml(tables: dict[str, dict[str, Any]]) -> str:
    """Return *tables* as TOML; JSON's strings, numbers, booleans and lists are TOML's."""
    blocks = [
        "\n".join([*([f"[{name}]"] if name else []), *(f"{key} = {json.dumps(value)}" for key, value in table.items())])
        for name, table in tables.items()
    ]
    return "\n\n".join(blocks) + "\n"
