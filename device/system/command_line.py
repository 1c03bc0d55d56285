"""One style of command for the three programs: each stands in a file, adds itself, and is asked by a typed value."""

import sys
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from typing import Any, Concatenate, ParamSpec, TypeVar

from device.system.exit_codes import FAILED

A = TypeVar("A")
P = ParamSpec("P")
R = TypeVar("R")


def add_command(among: Any, name: str, says: str, epilog: str, **more: Any) -> ArgumentParser:
    """Return the parser of a new command *name*; *says* is its line in the list of all, and its description.

    *more* goes to the parser as it is. `answered_by` names what answers the command, once its arguments are added.
    """
    described = {"description": says, "epilog": epilog, "formatter_class": RawDescriptionHelpFormatter, **more}
    parser: ArgumentParser = among.add_parser(name, help=says, **described)
    return parser


def add_group(among: Any, name: str, says: str, epilog: str, **more: Any) -> Any:
    """Return what the commands under *name* are added to."""
    return add_command(among, name, says, epilog, **more).add_subparsers(required=True, metavar="COMMAND")


def answered_by(parser: ArgumentParser, asked: type[A], run: Callable[Concatenate[A, P], R]) -> None:
    """Let *run* answer the command of *parser*, with a value of the dataclass *asked*.

    Raises TypeError unless the fields of *asked* are exactly the arguments of *parser*, by name.
    """
    names = {field.name for field in fields(asked)}  # type: ignore[arg-type]  # a dataclass, as is said above
    typed = {action.dest for action in parser._actions if action.dest != SUPPRESS} - {"help", "version"}  # noqa: SLF001 - argparse tells it nowhere else
    if names != typed:
        raise TypeError(f"{parser.prog}: {asked.__name__} and the arguments differ by {sorted(names ^ typed)}")

    def answered(arguments: Namespace, *args: P.args, **kwargs: P.kwargs) -> R:
        return run(asked(**{name: getattr(arguments, name) for name in names}), *args, **kwargs)

    parser.set_defaults(answer=answered)


def exit_code(arguments: Namespace) -> int:
    """Let the command that *arguments* name answer with its exit code; nobody reads on, or Ctrl-C, is a failure."""
    try:
        return int(answer(arguments))
    except BrokenPipeError:
        with suppress(OSError):
            sys.stdout.close()
        return FAILED
    except KeyboardInterrupt:
        return FAILED


def answer(arguments: Namespace, *more: Any) -> Any:
    """Let the command that *arguments* name answer, and return what it returns; *more* goes to it as it is."""
    return arguments.answer(arguments, *more)
