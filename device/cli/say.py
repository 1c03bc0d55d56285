"""What a command says beside its answer."""

import sys

from device.system.log import shown


def say(sentence: str) -> None:
    """Tell the operator something that is not the answer itself."""
    print(shown(sentence), file=sys.stderr)  # the name of a file may hold anything
