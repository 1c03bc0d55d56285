"""What a bundle holds, in words for a person and for a program."""

from collections.abc import Iterator
from typing import Any

from device.trust.bundle import Trust
from device.verdict.policy import parse
from office.days import local


def lines(trust: Trust) -> Iterator[str]:
    """Yield what a bundle holds, for a person."""
    yield f"  versi / version {trust.version}, berikutnya sebelum / next due by {local(trust.next)}"
    for key in (key for group in trust.keys.values() for key in group):
        usages = "" if key.usages is None else f"  {', '.join(sorted(key.usages))}"
        kid = (key.kid or b"").hex()
        yield (
            f"  kunci / key {key.domain or '-':<8} {key.issuer or '-':<14} {kid}"
            f"  {local(key.since)} .. {local(key.until)}{usages}"
        )
    for text in trust.policies:
        policy = parse(text)
        dated = f" ({policy.since or ''}..{policy.until or ''})" if policy.since or policy.until else ""
        yield f"  aturan / policy {policy.name}{dated}: {policy.title}"
    for site, number in trust.capacities.items():
        yield f"  kapasitas / capacity {site}: {number}"
    if trust.roster.entries:
        yield f"  nomor terdaftar / listed numbers: {len(trust.roster.entries)}"
    yield f"  tercabut / revoked: {sum(len(hashes) for hashes in trust.revoked.values())}"


def described(trust: Trust) -> dict[str, Any]:
    """Return what a bundle holds, for a program to read; its policies by their names."""
    return {
        "version": trust.version,
        "issued": trust.issued and trust.issued.isoformat(),
        "next": trust.next and trust.next.isoformat(),
        "keys": [
            {
                "kid": (key.kid or b"").hex(),
                "issuer": key.issuer,
                "domain": key.domain,
                "from": key.since and key.since.isoformat(),
                "until": key.until and key.until.isoformat(),
                "usages": None if key.usages is None else sorted(key.usages),
            }
            for group in trust.keys.values()
            for key in group
        ],
        "revoked": {issuer: len(hashes) for issuer, hashes in trust.revoked.items()},
        "capacities": dict(trust.capacities),
        "roster": len(trust.roster.entries),
        "policies": [parse(text).name for text in trust.policies],
    }
