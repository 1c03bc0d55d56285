"""``titik`` before the virtual camera: the product as it is, after what stands in for a Pi.

    python -m tests.rig.wall run --config FILE

The folder ``TITIK_RIG_WALL`` is how a test and this process speak. While the file ``stalled`` is there, the sensor
hangs; while ``gone`` is there, a camera is looked for in vain. ``pins`` gets a line for every change of a pin: seconds
(monotonic), GPIO number, level. ``TITIK_RIG_FPS`` is the sensor's pace; left out, it has none.
"""

import os
import sys
import warnings
from pathlib import Path
from time import monotonic
from typing import Any

from gpiozero.pins.mock import MockPin

from tests.rig import virtual

WALL = Path(os.environ["TITIK_RIG_WALL"])
FPS = os.environ.get("TITIK_RIG_FPS")


def _tell_pins() -> None:
    change = MockPin._change_state
    pins = os.open(WALL / "pins", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def told(self: Any, value: float) -> Any:
        changed = change(self, value)
        if changed:
            os.write(pins, f"{monotonic():.3f} {self.info.name.removeprefix('GPIO')} {value:g}\n".encode())
        return changed

    MockPin._change_state = told


if __name__ == "__main__":
    # The tests start programs with -W error; picamera2 0.3.38 starts its thread in a way that Python 3.10 deprecated.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"picamera2\.")
    _tell_pins()
    virtual.unplugged_while(WALL / "gone")
    if FPS:
        virtual.Sensor(float(FPS), WALL / "stalled")
    from device.__main__ import main

    sys.exit(main())
