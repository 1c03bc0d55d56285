"""What the desk says when it will not or cannot: one line, Indonesian first, and the exit code it ends with."""

from device.system.errors import TitikError
from device.system.exit_codes import FAILED, MISSING


class RefusalError(TitikError):
    """The desk refuses, or fails, and says why in one line for a person; ends with 1."""

    exit_code = FAILED


class MissingError(RefusalError):
    """Something that the command needs is not on this machine; ends with 3."""

    exit_code = MISSING
