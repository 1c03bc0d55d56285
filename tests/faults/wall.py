"""A station without a lens, as a program: the real outbox and courier, and a loop that decides all the time.

It writes each light into a record of its own after the outbox has taken the event and not before, as the real
loop does; the referee believes that record and nothing that was told over the network.
"""

import os
import secrets
import signal
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event as Flag

from device.config import BrokerSettings, DeliverySettings
from device.delivery.announcements import Notice, Sender
from device.delivery.courier import Courier
from device.model import Event, Place
from device.record.outbox import Outbox, RecordError
from device.wire import dumps

BOOT = secrets.token_hex(16)


def event(point: str, place: Place, at: datetime) -> Event:
    """Return an event at *place* in the shape of ``schemas/event.json``."""
    id_ = secrets.token_hex(16)
    body = {
        "specversion": "1.0",
        "type": "id.titik.scan",
        "source": f"/titik/{point}",
        "id": id_,
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z",
        "datacontenttype": "application/json",
        "data": {
            "point": point,
            "epoch": place.epoch,
            "seq": place.seq,
            "direction": "in",
            "outcome": "admit",
            "colour": "green",
            "reason": "staff",
            "policy": "staff",
            "credential": {"kind": "pass", "domain": "staff", "issuer": "bupati"},
            "holder": None,
            "repeat": False,
            "simulated": True,
            "clock": {"synced": True, "boot": BOOT, "uptime": round(time.clock_gettime(time.CLOCK_BOOTTIME), 3)},
            "took_ms": {"read": 9.1, "judge": 1.2},
        },
    }
    return Event(place, id_, dumps(body))


def main(folder: Path, point: str, port: int, until: str, rate: float) -> None:
    """Decide *rate* times a second until a file ``quiet`` lies in *folder*; deliver until SIGTERM."""
    stop = Flag()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    broker = BrokerSettings(port=port, keepalive=5)
    delivery = DeliverySettings(until="puback" if until == "puback" else "receipt")
    record = os.open(folder / "shown", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with (
        Outbox(folder / "outbox.db", delivery.most, point=point) as outbox,
        Courier(outbox, broker, delivery, Sender(point, BOOT, {"version": "wall"})) as courier,
    ):
        while not stop.wait(1 / rate):
            now = datetime.now(UTC)
            courier.tell(Notice(trusted_time=now))
            courier.check()
            if (folder / "quiet").exists():
                continue
            try:
                told = outbox.append(partial(event, point, at=now))
            except RecordError:
                continue  # no light is shown for what is not on the disk
            os.write(record, f"{told.id} {told.place.epoch} {told.place.seq}\n".encode())
            courier.wake()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
