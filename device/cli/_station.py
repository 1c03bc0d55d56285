"""The station that runs here, asked for one thing: its answer is the command's."""

from collections.abc import Callable

from device.cli.say import say
from device.control.control_socket import NoStationError, RequestRefusedError
from device.system.exit_codes import DONE, FAILED, MISSING


def answered(asking: Callable[[], str], refused: str) -> int:
    """Print what *asking* the station gives and return the exit code; *refused* begins the sentence of a refusal."""
    try:
        print(asking())
    except RequestRefusedError as refusal:
        say(f"{refused}: {refusal}")
        return FAILED
    except NoStationError as error:
        say(f"{error}. Next: systemctl status titik, or run this with sudo")
        return MISSING
    return DONE
