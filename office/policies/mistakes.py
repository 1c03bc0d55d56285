"""Everything that is wrong with a policy's text, with the nearest word that there is."""

import re
import tomllib
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError

from device.model import Colour, Domain, Kind, Outcome, Reason, Statement
from device.verdict.policy import Policy, Range, Rule, When

_WORDS: Final = sorted(
    {str(word) for words in (Colour, Domain, Kind, Outcome, Reason, Statement) for word in words}
    | {name for table in (Policy, Rule, When, Range) for name in table.model_fields}
    | {"check", "refuse", "accept", "in", "out"}
)


def mistakes(text: str) -> list[str]:
    """Return everything that is wrong with a policy: where, what, and the nearest word that there is."""
    try:
        Policy.model_validate(tomllib.loads(text))
    except ValidationError as error:
        found = error.errors(include_url=False)
        places = [one["loc"] for one in found]
        return [
            _mistake(text, one)
            for one in found  # a list left empty because all in it is wrong is no mistake of its own
            if one["type"] != "too_short" or not any(_under(one["loc"], place) for place in places)
        ]
    except (ValueError, RecursionError) as error:  # TOML's own error names its line and column
        return [f"bukan TOML / not TOML: {error}"]
    return []


def _under(place: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    return len(other) > len(place) and other[: len(place)] == place


def _mistake(text: str, one: Any) -> str:
    place = list(one["loc"])
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
    if place[:1] == ["rule"] and len(place) > 1 and isinstance(place[1], int):
        begins = [match.start() for match in re.finditer(r"^[ \t]*\[\[\s*rule\s*\]\]", text, re.MULTILINE)]
        if place[1] < len(begins):
            line = text.count("\n", 0, begins[place[1]]) + 1
            where += f" (aturan mulai baris / the rule begins on line {line})"
    unknown = one["type"] == "extra_forbidden"
    wrote = str(place[-1]) if unknown and place else one.get("input")
    near = get_close_matches(wrote, _WORDS, 1, 0.6) if isinstance(wrote, str) else []
    hint = f". Maksudnya / did you mean {near[0]!r}?" if near and near[0] != wrote else ""
    return f"{where}: {one['msg']}{hint}"
