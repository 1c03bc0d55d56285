"""What the desk says when it will not or cannot: one line, Indonesian first, and the exit code it ends with."""

from device.system.errors import TitikError


class RefusalError(TitikError):
    """The desk refuses, or fails, and says why in one line for a person; ends with 1."""

    exit_code = 1


class MissingError(RefusalError):
    """Something that the command needs is not on this machine; ends with 3."""

    exit_code = 3
