"""What a station says on its standard error, as values; and those as lines for a person."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

_SHOWN = re.compile(
    r"shown id=(?P<id>[0-9a-f]{32}) seq=(?P<seq>\d+) outcome=(?P<outcome>admit|check|refuse)"
    r" colour=(?P<colour>green|yellow|red|black|none) reason=(?P<reason>[a-z-]+) kind=(?P<kind>[a-z-]+)"
    r" repeat=(?P<repeat>yes|no)\Z"
)
_HELD = re.compile(r"held events=(?P<events>\d+) through=(?P<through>\d+) epoch=(?P<epoch>\S+)\Z")
_STATE = re.compile(r"state (?P<state>online|degraded|stopped)(?: (?P<words>.*))?\Z")

_MARK: Final = {"admit": "(+)", "check": "(?)", "refuse": "(x)"}
_DOES: Final = {"admit": "masuk / admit  ", "check": "periksa / check", "refuse": "tolak / refuse "}
_COLOUR: Final = {"green": "hijau", "yellow": "kuning", "red": "merah", "black": "hitam", "none": "-"}
_PAINT: Final = {"admit": "\x1b[32m", "check": "\x1b[33m", "refuse": "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Light:
    """A verdict went on disk, and its light on."""

    id: str
    seq: int
    outcome: str
    colour: str
    reason: str
    kind: str
    repeat: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The centre's receipt for some events came back."""

    events: int
    through: int


@dataclass(frozen=True, slots=True)
class Said:
    """What the station says of itself."""

    state: str
    words: str


Told: TypeAlias = Light | Held | Said


def parse(line: str) -> Told | None:
    """Return what *line* tells, ``None`` for any other line."""
    if (found := _SHOWN.match(line)) is not None:
        id_, seq, outcome, colour, reason, kind, repeat = found.groups()
        return Light(id_, int(seq), outcome, colour, reason, kind, repeat == "yes")
    if (found := _HELD.match(line)) is not None:
        return Held(int(found["events"]), int(found["through"]))
    if (found := _STATE.match(line)) is not None:
        return Said(found["state"], found["words"] or "")
    return None


def readable(told: Told, *, colour: bool) -> str:
    """Return *told* as one line for a person; *colour* adds to the words and marks, which say it all without."""
    match told:
        case Light():
            again = "  lagi / again" if told.repeat else ""
            verdict = f"{_MARK[told.outcome]} {_DOES[told.outcome]} {_COLOUR[told.colour]:<6}"
            painted = f"{_PAINT[told.outcome]}{verdict}{_PLAIN}" if colour else verdict
            return f"{painted} {told.reason:<14} {told.kind}{again}"
        case Held():
            return f"--> di pusat / at the centre: {told.events}, sampai nomor / up to {told.through}"
        case Said():
            return f"    {told.state} {told.words}".rstrip()
