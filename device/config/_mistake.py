"""One mistake of a configuration as a sentence: file, key, value, what is allowed, and the nearest word.

The words are for who writes TOML and no Python; values are shown as TOML writes them.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

MAX_SHOWN = 60
"""Characters of a value that are shown."""
_MAX_NUMBER = 2**64
_UNQUOTED = re.compile(r"true|false|[+-]?[0-9][0-9_.]*")
_NOT_PLAIN = {bool: "true or false", str: "a text in quotes", Path: "a path in quotes"}


class Allowed(NamedTuple):
    """In an annotation: what is allowed there, where the type and its bounds do not say it well."""

    words: str


def sentence(one: Mapping[str, Any], model: Any, origin: Mapping[tuple[str, ...], Path], path: Path) -> str:
    """Return the sentence on *one* of pydantic's errors over *model*; *origin* is which file said what, else *path*."""
    loc: tuple[str | int, ...] = one["loc"]
    if one["type"] == "missing" and loc and isinstance(loc[-1], int):
        loc = loc[:-1]  # a list that is too short is one wrong value
    keys = tuple(part for part in loc if isinstance(part, str))
    file = next((origin[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in origin), path)
    key = ".".join(keys) or "the file"
    got = one["input"]
    if one["type"] == "missing" and len(keys) == len(one["loc"]):
        return f"{file}: {key} is missing; it has no default"
    if one["type"] == "value_error" and isinstance(got, dict):
        return f"{file}: [{key}] {one['msg'].removeprefix('Value error, ')}"
    nth = "".join(f", value {part + 1}" for part in loc if isinstance(part, int))
    wanted = _at(model, loc)
    if isinstance(got, list) and get_origin(_bare(wanted)[0]) is not tuple and len(got) == 1:
        hint = "; take the [ ] away"
    elif get_origin(_bare(wanted)[0]) is tuple and not isinstance(got, list):
        hint = f"; put [ ] around it: {keys[-1]} = [{toml(got)}]"
    elif one["type"] == "value_error":
        hint = f"; {one['msg'].removeprefix('Value error, ')}"
    else:
        hint = _unquoted(got, wanted) + _nearest_of(got, wanted)
    return f"{file}: {key}{nth} = {toml(got)}: should be {words(wanted)}{hint}"


def unknown(model: Any, tables: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each key of *tables* that *model* lacks, by its path, and a sentence with the words that it has there."""
    for key, value in tables.items():
        here, known = (*at, key), list(model.model_fields)
        if key not in known:
            near = _nearest(key, known) or f"; known here: {', '.join(known)}"
            yield here, f"unknown key {'.'.join(here)} is not used{near}"
        elif isinstance(value, dict) and hasattr(inner := model.model_fields[key].annotation, "model_fields"):
            yield from unknown(inner, value, here)


def words(annotation: Any) -> str:
    """Return what is allowed by a type: "a whole number from 5 to 3600"."""
    bare, notes = _bare(annotation)
    said = [note.words for note in notes if isinstance(note, Allowed)]
    if said:
        return said[0]
    if get_origin(bare) is Literal:
        *first, last = [toml(word) for word in get_args(bare)]
        return f"{', '.join(first)} or {last}" if first else last
    if get_origin(bare) is tuple:
        of = get_args(bare)
        if of[-1] is not Ellipsis:
            return f"[{', '.join(words(one) for one in of)}]"
        most = _bound(notes, "max_length")
        return f"a list in [ ]{'' if most is None else f', of {most} at most'}: each {words(of[0])}"
    if bare in (int, float):
        return ("a whole number" if bare is int else "a number") + _range(notes)
    return _NOT_PLAIN.get(bare, "a table of its own, in [ ] on a line before its keys")


def toml(value: Any) -> str:
    """Return *value* as TOML writes it, and not much of it."""
    if isinstance(value, bool | str):
        written = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, list):
        written = f"[{', '.join(toml(one) for one in value[:MAX_SHOWN])}]"
    elif isinstance(value, dict):
        written = "{...}"
    elif isinstance(value, int) and not -_MAX_NUMBER < value < _MAX_NUMBER:
        written = "a number without end"
    else:
        written = str(value)
    return written if len(written) <= MAX_SHOWN else f"{written[:MAX_SHOWN]}..."


def _at(model: Any, loc: tuple[str | int, ...]) -> Any:
    """Return the annotation at *loc* in *model*."""
    annotation = model
    for part in loc:
        bare, _ = _bare(annotation)
        if isinstance(part, int):
            of = get_args(bare)
            annotation = of[0] if of[-1] is Ellipsis else of[min(part, len(of) - 1)]
        else:
            field = bare.model_fields[part]
            annotation = Annotated[field.annotation, *(field.metadata or [None])]
    return annotation


def _bare(annotation: Any) -> tuple[Any, list[Any]]:
    """Return the type itself, without "or left out", and all that is noted beside it."""
    notes: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            notes += more
        elif get_origin(annotation) in (Union, UnionType):
            (annotation,) = [one for one in get_args(annotation) if one is not NoneType]
        else:
            return annotation, notes


def _bound(notes: list[Any], name: str) -> Any:
    """Return the bound of that *name* among *notes*, some of which have others inside."""
    for note in notes:
        for one in (note, *getattr(note, "metadata", ())):
            if (value := getattr(one, name, None)) is not None:
                return value
    return None


def _range(notes: list[Any]) -> str:
    least, most, above = (_bound(notes, name) for name in ("ge", "le", "gt"))
    if above is not None:
        return f" above {above}, and {most} at most"
    return "" if least is None else f" from {least} to {most}"


def _unquoted(got: Any, wanted: Any) -> str:
    """Return a hint where quotes are all that is wrong."""
    bare, _ = _bare(wanted)
    quoted = isinstance(got, str) and _UNQUOTED.fullmatch(got)
    text = bare in (str, Path) or (get_origin(bare) is Literal and isinstance(get_args(bare)[0], str))
    return ", without quotes" if quoted and not text else ""


def _nearest_of(got: Any, wanted: Any) -> str:
    bare, _ = _bare(wanted)
    if get_origin(bare) is not Literal or not isinstance(got, str):
        return ""
    return _nearest(got, [word for word in get_args(bare) if isinstance(word, str)])


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
