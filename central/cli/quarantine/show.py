"""``titik-central quarantine show``: one message, and what would become of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.cli._options import count
from central.cli.quarantine._options import answered, command
from device.system import log
from device.system.command_line import answered_by
from device.system.exit_codes import DONE


@dataclass(frozen=True)
class ShowOptions:
    """What is asked."""

    config: Path
    number: int


def add(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands, "show", "one message, escaped, and what would become of it", "sudo titik-central quarantine show 3"
    )
    parser.add_argument("number", type=count, metavar="N")
    answered_by(parser, ShowOptions, run)


def run(asked: ShowOptions) -> int:
    """Print it, and return the exit code."""
    return answered(asked.config, lambda database: _show(asked.number, database))


def _show(number: int, database: Path) -> int:
    from central.cli.quarantine.lines import body_lines, lines
    from central.problems import civil
    from central.store import release

    held, body, prospects = release.look(database, number)
    print("\n".join(lines([held], civil)))
    print(f"topik / topic: {log.shown(held.topic)}")
    print(f"sha256: {held.digest}")
    for review in held.released:
        became = f"release --as {review.point}: {review.taken}" if review.point else "dilihat / seen"
        print(f"{civil(review.at)}  {review.who}: {became}  {log.shown(review.why)}".rstrip())
    print("\n".join(body_lines(body)))
    for one in prospects:
        why = "" if one.why is None else f"; tidak semua / not all: {one.why}"
        print(f"release {held.number} --as {one.point}: {one.new} baru / new, {one.held} sudah ada / held already{why}")
    if not any(one.new or one.held for one in prospects):
        print("tidak ada yang dapat dilepas / nothing of it can be released. Next:")
        print(f"  sudo titik-central quarantine seen {held.number}")
    return DONE
