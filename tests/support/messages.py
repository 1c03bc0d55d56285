"""What points send, as plain values, and the schemas that hold it."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from jsonschema import Draft202012Validator

from device.wire import Received, batch, dumps
from tests.support.world import REPOSITORY

POINT = "bupati-1"
NOW = datetime(2026, 11, 22, 1, 2, 3, 456_000, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
TIME = "2026-11-22T01:02:03.456Z"


def schema(name: str) -> Draft202012Validator:
    """Return what holds a body against *name*'s schema."""
    told = json.loads((REPOSITORY / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(told)
    return Draft202012Validator(told)


def event(seq: int = 1, *, point: str = POINT, epoch: str = "7f3a9c1e", **changed: Any) -> dict[str, Any]:
    """Return one CloudEvent; its id follows from its place, which no station would do."""
    return {
        "specversion": "1.0",
        "type": "id.titik.scan",
        "source": f"/titik/{point}",
        "id": sha256(f"{point} {epoch} {seq}".encode()).hexdigest()[:32],
        "time": TIME,
        "datacontenttype": "application/json",
        "data": {
            "point": point,
            "epoch": epoch,
            "seq": seq,
            "direction": "in",
            "outcome": "admit",
            "colour": "green",
            "reason": "two-doses",
            "policy": "brief-2021",
            "credential": {"kind": "hcert", "domain": "health", "issuer": "ID", "doses": 2},
            "holder": "9f" * 16,
            "repeat": False,
            "simulated": False,
            "clock": {"synced": True, "boot": "b" * 32, "uptime": 5123.4},
            "took_ms": {"read": 9.1, "judge": 1.2},
        },
        **changed,
    }


def message(*events: Any, point: str = POINT, leaf: str = "event", retained: bool = False) -> Received:
    """Return a message as the broker brings it; bytes go as they are."""
    bodies = [told if isinstance(told, bytes) else dumps(told) for told in events]
    return Received(f"titik/v1/{point}/{leaf}", batch(bodies), retained)


def state(word: str, boot: str = "b1", *, retained: bool = False, **more: Any) -> Received:
    """Return what a point says of itself, or its broker after its end."""
    told = {"state": word, "boot": boot, "epoch": "7f3a9c1e", **more}
    return message(dumps(told), leaf="state", retained=retained)


def correction(seq: int, uptime: float, offset: Any, boot: str = "b" * 32) -> dict[str, Any]:
    """Return the event by which a point says how far its clock was off."""
    told = event(seq, type="id.titik.clock")
    clock = {"synced": True, "boot": boot, "uptime": uptime}
    return {**told, "data": {"point": POINT, "epoch": "7f3a9c1e", "seq": seq, "clock": clock, "offset": offset}}


def undated(seq: int, uptime: float, boot: str = "b" * 32) -> dict[str, Any]:
    """Return an event of a point that does not know the time."""
    told = event(seq, time=None)
    told["data"]["clock"] = {"synced": False, "boot": boot, "uptime": uptime}
    return told


def spans(start: int, count: int) -> list[list[object]]:
    """Return *count* epochs of five events each, as a state names what is kept."""
    return [[f"{n:06d}", 1, 5] for n in range(start, start + count)]
