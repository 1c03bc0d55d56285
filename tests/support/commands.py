"""The commands of a program, out of its parser."""

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator


def whole(parser: ArgumentParser) -> Iterator[str]:
    """Yield every whole command of *parser*, as it is typed, without its arguments."""
    under = [one for one in parser._actions if isinstance(one, _SubParsersAction)]
    if not under:
        yield parser.prog
    for one in under[0].choices.values() if under else ():
        yield from whole(one)
