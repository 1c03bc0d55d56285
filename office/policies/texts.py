"""The texts of policies: one that somebody wrote, or one that ships."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path

from device.verdict.policy import SHIPPED, Policy, PolicyError, parse
from office.desk.files import read
from office.desk.refusal import RefusalError
from office.policies.mistakes import mistakes


def texts(names: Sequence[str]) -> Iterator[str]:
    """Yield the text of each policy: a file, or one that ships; raises `RefusalError`."""
    found: list[Policy] = []
    for name in names:
        path, text = text_of(name)
        try:
            policy = parse(text)
        except PolicyError as error:
            raise RefusalError(
                f"{path}: bukan aturan / not a policy: {error}. Berikutnya / next: titik-office policy check {name}"
            ) from None
        if any(overlap(policy, other) for other in found):
            raise RefusalError(
                f"--policy {name}: nama {policy.name} dua kali untuk hari yang sama"
                f" / the name {policy.name} twice for the same days"
            )
        found.append(policy)
        yield text


def policies(names: Sequence[str]) -> tuple[Policy, ...]:
    """Return the policies of *names*; raises `RefusalError` that names all that is wrong with them."""
    found: list[Policy] = []
    wrong: list[str] = []
    for name in names:
        path, text = text_of(name)
        try:
            found.append(parse(text))
        except PolicyError as error:
            wrong += [f"  {path}: {one}" for one in mistakes(text) or [str(error)]]
    twice = {one.name for one, other in combinations(found, 2) if overlap(one, other)}
    wrong += [
        f"  nama {name} dua kali untuk hari yang sama / the name {name} twice for the same days"
        for name in sorted(twice)
    ]
    if wrong:
        raise RefusalError("Aturan salah: / The rules are wrong:\n" + "\n".join(wrong))
    return tuple(found)


def overlap(one: Policy, other: Policy) -> bool:
    """Return whether two policies of one name speak of the same day.

    A station chooses by name, so a rule changes on a day by two of one name: the one until, the other since.
    """
    first, last = date.min, date.max
    return (
        one.name == other.name
        and (one.since or first) <= (other.until or last)
        and (other.since or first) <= (one.until or last)
    )


def text_of(name: str) -> tuple[Path, str]:
    """Return the file and the text of a policy: a path, or a name of those that ship; raises `RefusalError`."""
    path = Path(name)
    if path.name == name and "." not in name:
        path = SHIPPED / f"{name}.toml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.toml")))
            raise RefusalError(f"{name}: aturan tidak dikenal / policy not known; ada / there are: {known}")
    return path, read(path).decode("utf-8", "replace")


def all_of(texts: Iterable[str]) -> tuple[Policy, ...]:
    """Return the policies that a bundle holds as *texts*; raises `RefusalError`."""
    try:
        return tuple(parse(text) for text in texts)
    except PolicyError as error:
        raise RefusalError(f"Aturan di bundel itu tidak terbaca / a policy of that bundle: {error}") from None
