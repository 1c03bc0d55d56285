"""The cards of a whole list: every one signed and believed, or none made."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from device.model import Credential, Domain
from device.trust.bundle import Key
from office.desk.files import replace_file
from office.desk.refusal import RefusalError
from office.keys.signing import PrivateKey
from office.passes import qr, sheet
from office.passes.cardholders import MAX_UNIT, Cardholder
from office.passes.compose import Pass, TooLongError, compose, issue
from office.passes.sheet import Face, Sheets

PDF: Final = "kartu.pdf"
PICTURES: Final = "png"
Progress: TypeAlias = Callable[[Sequence[Any], str], Iterable[Any]]
"""Yields the things of a sequence, and says to somebody how far it is with what."""


class Made(NamedTuple):
    """A pass that is signed and believed, and its row."""

    person: Cardholder
    one: Pass
    text: str
    credential: Credential
    name: str
    """The name in the QR, which is shorter than the printed one where it had to be."""


class Series(NamedTuple):
    """What the cards of one list have in common."""

    office: str
    """The office's name, which is printed."""
    issuer: str
    domain: Domain
    until: date
    """The last day on which they are in force."""
    span: tuple[datetime, datetime]
    key: PrivateKey
    signer: Key
    """The same key as a station knows it."""


def make(  # noqa: PLR0913 - the list, what it is called, and how
    series: Series,
    listed: Sequence[Cardholder],
    file: Path,
    numbers: frozenset[str],
    *,
    now: datetime,
    progress: Progress,
    shorten: bool,
) -> list[Made]:
    """Return a pass for each of *listed*, signed, and believed at *now*.

    Raises `RefusalError` that names every wrong row of *file*; a number among *numbers* has a pass in force.
    """
    office = sheet.not_shown(series.office)
    wrong = [(0, f"nama kantor memuat huruf / the office's name has letters {office!r}")] if office else []
    wrong += list(flaws(listed, numbers))
    made: list[Made] = []
    for person in progress(listed, "ditandatangani / signed"):
        try:
            one = compose(series.issuer, person.number, person.name, series.span)
            text, credential, name = _fitting(one, series.key, series.signer, now, shorten=shorten)
            made.append(Made(person, one, text, credential, name))
        except RefusalError as refusal:
            wrong.append((person.line, str(refusal)))
    if wrong:
        raise RefusalError(_listed(file, wrong))
    return made


def write(folder: Path, series: Series, made: Sequence[Made], progress: Progress, *, pictures: bool) -> None:
    """Write the sheets, and a picture of each QR where *pictures* are wanted; raises OSError, `RefusalError`."""
    sheets = Sheets(f"{series.office} {series.domain} {series.until}")
    if pictures:
        (folder / PICTURES).mkdir(mode=0o700)
    for row, one in enumerate(progress(made, "digambar / drawn"), 1):
        rows = qr.modules(one.text)
        face = Face(series.office, series.domain, one.one.number, one.one.name, one.person.unit, series.until, rows)
        sheets.add(face)
        if pictures:  # the row first: on a stick that knows no capitals, a1 and A1 are one name
            name = f"{row:05}-{one.one.number.replace('/', '_')}.png"
            (folder / PICTURES / name).write_bytes(qr.png_of(rows))
    replace_file(folder / PDF, sheets.pdf())


def shorter(name: str) -> Iterator[str]:
    """Yield *name* without its titles, then with ever more initials from its second word on, then its first word.

    Titles are ``H``, ``Hj`` and longer words that end in a full stop before the name, and all behind the first
    comma; where nothing else is left, they are the name.
    """
    words = name.partition(",")[0].split()
    while len(words) > 1 and (words[0].rstrip(".") in {"H", "Hj"} or (len(words[0]) > 2 and words[0].endswith("."))):  # noqa: PLR2004 - `M.` is somebody's name
        words = words[1:]
    first, *rest = words or name.split()
    if " ".join([first, *rest]) != name:
        yield " ".join([first, *rest])
    for at in range(len(rest)):
        yield " ".join([first, *(f"{word[0]}." for word in rest[: at + 1]), *rest[at + 1 :]])
    if rest:
        yield first


def _fitting(one: Pass, key: PrivateKey, signer: Key, now: datetime, *, shorten: bool) -> tuple[str, Credential, str]:
    """Return the text of *one*, what is believed of it, and its name; where it may, shortened until it fits."""
    try:
        return (*issue(one, key, signer, now), one.name)
    except TooLongError as refusal:
        for name in shorter(one.name) if shorten else ():
            try:
                return (*issue(replace(one, name=name), key, signer, now), name)
            except TooLongError:
                continue
        raise RefusalError(f"{refusal}{'' if shorten else ' --shorten'}") from None


def flaws(listed: Sequence[Cardholder], numbers: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yield each line that cannot be a card, and why, besides what `compose` and `issue` say of it."""
    first: dict[str, int] = {}
    for person in listed:
        if person.number in first and person.number:
            before = first[person.number]
            yield person.line, f"nomor {person.number} sudah di baris {before} / is on line {before} already"
        first.setdefault(person.number, person.line)
        if person.number in numbers:
            yield (
                person.line,
                f"nomor {person.number} masih punya pas yang berlaku / has a pass in force: revoke, atau / or --again",
            )
        if strange := sheet.not_shown(" ".join((person.name + person.unit).split())):
            yield person.line, f"huruf ini tidak dapat dicetak / these letters cannot be printed: {strange!r}"
        if len(person.unit) > MAX_UNIT:
            yield person.line, f"unit lebih dari {MAX_UNIT} huruf / is longer than {MAX_UNIT} letters"


def _listed(file: Path, wrong: list[tuple[int, str]]) -> str:
    rows = "\n".join(f"  baris / line {line}: {why}" if line else f"  {why}" for line, why in sorted(wrong))
    lines = len({line for line, _ in wrong})
    return f"{file}: {lines} baris salah; tidak ada yang dibuat. / {lines} wrong rows; nothing was made.\n{rows}"
