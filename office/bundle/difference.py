"""What changed from one bundle to another: two values in, plain words out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from device.trust.bundle import Key, Trust, spki_text
from device.verdict.policy import parse
from office.bundle.contents import described


def between(old: Trust, new: Trust) -> dict[str, Any]:
    """Return what changed, for a program; parts that did not change are empty."""
    keys = [{_name(key): _said_of(key) for group in trust.keys.values() for key in group} for trust in (old, new)]
    policies = [_by_name(trust.policies) for trust in (old, new)]
    issuers = sorted({*old.revoked, *new.revoked})
    counts = {
        issuer: {
            "added": len(new.revoked.get(issuer, frozenset()) - old.revoked.get(issuer, frozenset())),
            "removed": len(old.revoked.get(issuer, frozenset()) - new.revoked.get(issuer, frozenset())),
        }
        for issuer in issuers
    }
    heads = [described(trust) for trust in (old, new)]
    return {
        **{word: [heads[0][word], heads[1][word]] for word in ("version", "issued", "next")},
        "roster": {
            "added": len(new.roster.entries.keys() - old.roster.entries.keys()),
            "removed": len(old.roster.entries.keys() - new.roster.entries.keys()),
        },
        "keys": _changes(*keys),
        "revoked": {issuer: count for issuer, count in counts.items() if any(count.values())},
        "policies": _changes(*policies),
        "capacities": {
            site: [old.capacities.get(site), new.capacities.get(site)]
            for site in sorted({*old.capacities, *new.capacities})
            if old.capacities.get(site) != new.capacities.get(site)
        },
    }


def lines(changes: Mapping[str, Any]) -> Iterator[str]:
    """Yield *changes* in lines for a person."""
    yield f"versi / version {changes['version'][0]} -> {changes['version'][1]}"
    for word, indonesian in (("issued", "ditandatangani"), ("next", "berikutnya sebelum")):
        old, new = changes[word]
        yield f"{indonesian} / {word} {old} -> {new}"
    yield from list(_changed_lines(changes)) or ["selain itu sama / otherwise the same"]


def _changed_lines(changes: Mapping[str, Any]) -> Iterator[str]:
    words = (("added", "+", "baru / new"), ("removed", "-", "dihapus / removed"), ("changed", "~", "diubah / changed"))
    for part, noun in (("keys", "kunci / key"), ("policies", "aturan / policy")):
        for word, sign, says in words:
            for name in changes[part][word]:
                yield f"{sign} {noun} {name}: {says}"
    for issuer, count in changes["revoked"].items():
        yield f"~ tercabut / revoked {issuer}: +{count['added']} -{count['removed']}"
    if any(changes["roster"].values()):
        yield f"~ nomor terdaftar / listed numbers: +{changes['roster']['added']} -{changes['roster']['removed']}"
    for site, (old, new) in changes["capacities"].items():
        yield f"~ kapasitas / capacity {site}: {'-' if old is None else old} -> {'-' if new is None else new}"


def _by_name(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the texts of each name, of which there may be two: the one until a day, the other since the next."""
    grouped: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name = parse(text).name
        grouped[name] = (*grouped.get(name, ()), text)
    return grouped


def _changes(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, list[str]]:
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
    }


def _name(key: Key) -> str:
    return f"{key.domain} {key.issuer} {(key.kid or b'').hex()}"


def _said_of(key: Key) -> tuple[object, ...]:
    """Return what *key* says, its public half as text: two readings of one key need not be equal objects."""
    return spki_text(key.public), key.since, key.until, key.usages
