"""What a point says of how it fares, as far as it can be read: a state, an info and a health in, values out."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from central.events import EPOCH_LENGTH, stamp
from device.model import Place
from device.system.log import shown
from device.wire import MAX_SEQ, State

MAX_FAULTS, MAX_WORD = 20, 40
"""Faults of one point, and characters of a word of its, that are told."""
MAX_AGE = 3_200_000_000.0
"""Seconds, a hundred years."""


def condition(
    state: Mapping[str, Any], info: Mapping[str, Any], health: Mapping[str, Any], health_at: str | None
) -> dict[str, Any]:
    """Return what a point said of itself, as fields of `status.PointStatus`; *health_at* is when its health came."""
    clock: Any = health.get("clock")
    clock = clock if isinstance(clock, dict) else {}
    faults = state.get("faults")
    words = [shown(word)[:MAX_WORD] for word in faults if isinstance(word, str)] if isinstance(faults, list) else []
    # A will was written when its session began; a health of the same opening of the outbox is newer.
    same = health.get("epoch") == state.get("epoch", health.get("epoch")) and state.get("state") != State.STOPPED
    newest = health if health and same else state
    owed, oldest = _number(newest.get("owed")), _place(newest.get("oldest"))
    at, said = _moment(health_at), _moment(clock.get("time"))
    return {
        "state": state.get("state"),
        "faults": tuple(words[:MAX_FAULTS]) if state.get("state") == State.DEGRADED else (),
        "owed": owed,
        "oldest": oldest if owed else None,
        "owed_since": _since(health, at) if owed and oldest == _place(health.get("oldest")) else None,
        "version": _word(info.get("version")) or _word(health.get("version")),
        "bundle": _number(info.get("bundle", health.get("bundle"))),
        "synced": clock.get("synced") if isinstance(clock.get("synced"), bool) else None,
        "skew": round((said - at).total_seconds(), 1) if said is not None and at is not None else None,
    }


def _since(health: Mapping[str, Any], at: datetime | None) -> str | None:
    """Return when the oldest event that is owed was, by its age or else by its own time; never after *at*."""
    age = health.get("oldest_age")
    if at is not None and isinstance(age, int | float) and not isinstance(age, bool) and 0 <= age <= MAX_AGE:
        return stamp(at - timedelta(seconds=age))
    oldest = health.get("oldest")
    said = _moment(oldest.get("time")) if isinstance(oldest, dict) else None
    return stamp(said) if said is not None and at is not None and said <= at else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SEQ else None


def _word(value: Any) -> str | None:
    return shown(value)[:MAX_WORD] if isinstance(value, str) else None


def _place(value: Any) -> Place | None:
    match value:
        case {"epoch": str(epoch), "seq": int(seq)} if len(epoch) in EPOCH_LENGTH and _number(seq):
            return Place(shown(epoch), seq)
        case _:
            return None


def _moment(value: Any) -> datetime | None:
    """Return an aware time, ``None`` for what is none."""
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
