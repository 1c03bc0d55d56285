"""What ``titik-central quarantine`` prints of a message, for a person."""

import json
from collections.abc import Callable, Iterator, Sequence

from central.store.quarantine import ClaimedRange, Held
from device.system.log import shown
from device.wire import parse

SHOWN = 65_536
"""Bytes of a body that are shown."""


def lines(found: Sequence[Held], civil: Callable[[str | None], str]) -> Iterator[str]:
    """Yield one line for each message, for a person; *civil* writes a time with its zone."""
    for held in found:
        whose = "; ".join(_span(span) for span in held.spans[:2]) + ("; ..." if len(held.spans) > 2 else "")  # noqa: PLR2004 - the two named here
        yield "  ".join(
            [
                f"{held.number:>4}",
                held.point or "-",
                civil(held.received),
                f"{held.bytes} B",
                f"{held.events} peristiwa/events" + (f": {whose}" if whose else ""),
                _became(held),
                shown(held.why),
            ]
        )


def body_lines(body: bytes) -> Iterator[str]:
    """Yield *body* in ASCII: JSON with one event a line, or bytes, what is not printable of them in hexadecimal."""
    try:
        value = parse(body[: SHOWN + 1], SHOWN)
        events = value if isinstance(value, list) else [value]
        texts = [json.dumps(event, sort_keys=True, ensure_ascii=True) for event in events]
    except (ValueError, RecursionError):  # no JSON, or none that can be written back
        texts = ["".join(chr(c) if 32 <= c < 127 and c != 92 else f"\\x{c:02x}" for c in body[:SHOWN])]  # noqa: PLR2004 - ASCII
    yield from texts
    if len(body) > SHOWN:
        yield f"... {len(body) - SHOWN} B"


def _span(span: ClaimedRange) -> str:
    return f"{span.point or '?'} {shown(span.epoch)} {span.first}-{span.last}"


def _became(held: Held) -> str:
    if not held.released:
        return "terbuka/open"
    last = held.released[-1]
    if not last.point:
        return "dilihat/seen"
    return f"dilepas/released: {last.point}" + ("" if not held.open else f", {last.left} terbuka/open")
