"""The sending sides of `bench.delivery`, each in a process of its own that holds nothing else.

python -m bench.senders drain OUTBOX PORT single|batched SECONDS
python -m bench.senders raw LINES PORT
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from time import monotonic, process_time

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from device.config import BrokerSettings, DeliverySettings
from device.delivery import in_flight
from device.delivery.announcements import Notice, Sender
from device.delivery.courier import Courier
from device.record.outbox import Outbox
from device.wire import Topics

POINT, RAW_POINT = "bupati-1", "bupati-2"
"""Who sends by the courier, and who by anything else: receipts for the one must not reach the other."""
TOPIC = Topics().of(RAW_POINT, "event")
PAHO_WINDOW = 20
"""Messages that paho may have unacknowledged; it is quickest there (measured)."""


def drain(path: Path, port: int, seconds: float, *, single: bool) -> dict[str, float]:
    """Send the backlog of one outbox until nothing is owed, or for *seconds*; return time, CPU and memory."""
    if single:
        in_flight.BATCH_ROWS = 1
    idle = resident()
    with Outbox(path, 5_000_000) as outbox:
        owed, began, cpu = outbox.depth().owed, monotonic(), process_time()
        delivery = DeliverySettings(window=100 if single else 8)
        with Courier(outbox, BrokerSettings(port=port), delivery, Sender(POINT, "b" * 32, {})) as courier:
            courier.tell(Notice(trusted_time=datetime.now(UTC)))
            pause = Flag()
            while outbox.depth().owed and monotonic() - began < seconds:
                pause.wait(0.02)
            took, cpu = monotonic() - began, process_time() - cpu
        done = owed - outbox.depth().owed
    return {
        "events": done,
        "seconds": took,
        "cpu_us": 1e6 * cpu / max(1, done),
        "idle_mib": idle,
        "resident_mib": resident(),
        "most_mib": resident("VmHWM"),
    }


def raw(lines: Path, port: int) -> dict[str, float]:
    """Publish events by paho alone, as its manual has it; return its beginning, and seconds until the last PUBACK."""
    said = lines.read_bytes().splitlines()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.max_inflight_messages_set(PAHO_WINDOW)
    client.max_queued_messages_set(0)
    left, done = [len(said)], Flag()

    def acknowledged(*_: object) -> None:
        left[0] -= 1
        if not left[0]:
            done.set()

    client.on_publish = acknowledged
    client.connect("127.0.0.1", port)
    client.loop_start()
    began, cpu = monotonic(), process_time()
    for body in said:
        client.publish(TOPIC, body, 1)
    if not done.wait(600):
        raise TimeoutError("paho's last PUBACK did not come")
    took, cpu = monotonic() - began, process_time() - cpu
    client.disconnect()
    client.loop_stop()
    return {"events": len(said), "began": began, "seconds": took, "cpu_us": 1e6 * cpu / len(said)}


def resident(what: str = "VmRSS") -> float:
    """Return this process's memory in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["drain", path, port, way, seconds]:
            print(json.dumps(drain(Path(path), int(port), float(seconds), single=way == "single")))
        case ["raw", lines, port]:
            print(json.dumps(raw(Path(lines), int(port))))
        case _:
            sys.exit(2)
