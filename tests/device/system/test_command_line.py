"""A command is asked by a typed value: its fields are the parser's arguments, all of them and no others."""

from argparse import ArgumentParser
from dataclasses import dataclass

import pytest

from device.system.command_line import add_command, add_group, answer, answered_by


@dataclass(frozen=True)
class Asked:
    file: str
    loud: bool


def replied(asked: Asked, more: int) -> tuple[Asked, int]:
    return asked, more


def test_a_command_is_answered_with_a_value_of_its_own_kind() -> None:
    parser = ArgumentParser()
    under = add_group(parser.add_subparsers(), "queue", "what is owed", "example: titik queue list")
    one = add_command(under, "list", "say it", "example: titik queue list")
    one.add_argument("file")
    one.add_argument("--loud", action="store_true")
    answered_by(one, Asked, replied)
    assert answer(parser.parse_args(["queue", "list", "a", "--loud"]), 7) == (Asked("a", loud=True), 7)


@pytest.mark.parametrize("names", [("file",), ("file", "--loud", "--more")])
def test_an_argument_that_nobody_reads_and_a_field_that_nobody_types_end_the_program(names: tuple[str, ...]) -> None:
    one = add_command(ArgumentParser().add_subparsers(), "list", "say it", "")
    for name in names:
        one.add_argument(name)
    with pytest.raises(TypeError, match="Asked and the arguments differ by"):
        answered_by(one, Asked, replied)
