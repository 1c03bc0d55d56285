"""``clock-reset``: lowers a time floor that a wrong clock has raised."""

import logging

from device.control.context import Context

log = logging.getLogger(__name__)


def answer(station: Context, _octets: bytes) -> str:
    """Lower the floor, and say to which day."""
    station.floor.reset()
    log.info("the time floor was reset to %s", station.floor.value.date())
    return f"the time floor is {station.floor.value.date()} again"
