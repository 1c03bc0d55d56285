"""What is out of order while the centre serves: logged once, noted for ``status``, said in the centre's own state."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from central.broker.bundle_publisher import PostingFault
from central.broker.twins import WINDOW
from central.store.database import Store
from central.store.troubles import CENTRE, LATE, RIVAL, TWIN, UNPOSTED

log = logging.getLogger(__name__)


class Alarms:
    """Follows what is out of order; what it notes goes to *store*, and each call may raise `StoreWriteError`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._on: set[tuple[str, str]] = set()
        """Point and word, as this process knows them."""
        self._fault: PostingFault | None = None

    def wire(self) -> dict[str, Any]:
        """Return what the centre's state says of it; nothing, where all is well."""
        faults = sorted({word for point, word in self._on if point == CENTRE})
        late = sorted(point for point, word in self._on if word == LATE)
        return {**({"faults": faults} if faults else {}), **({"late": late} if late else {})}

    def note_late(self, late: Mapping[str, int]) -> None:
        """Note which points wait for their receipts, and how many messages of each."""
        before = {point for point, word in self._on if word == LATE}
        for point in late.keys() - before:
            self._begin(point, LATE, {"waiting": late[point]})
            log.warning(
                "%s: it sends more than its share of a turn: %d messages wait here for their receipts, those of other"
                " points do not. Next: is it no longer the station that sends, revoke its certificate",
                point,
                late[point],
            )
        for point in before - late.keys():
            self._end(point, LATE)
            log.info("%s: nothing of it waits any more", point)

    def note_rival(self, life: str) -> None:
        """Note that another centre, of the database *life*, speaks under this one's name."""
        if self._begin(CENTRE, RIVAL, {"centre": life}):
            log.error(
                "another centre uses this one's name or certificate: its database is %s, ours %s; each ends the"
                " other's sessions. Next: systemctl disable --now titik-central on one of the two machines",
                ascii(life),
                self._store.life,
            )

    def note_fault(self, fault: PostingFault | None) -> None:
        """Note why the bundle is not posted, or that it is."""
        if fault == self._fault:
            return
        if fault is None:
            self._end(CENTRE, UNPOSTED)
        else:
            details = {"why": fault.why, "bytes": fault.bytes, "largest": fault.largest}
            self._begin(CENTRE, UNPOSTED, details)
            log.error("no bundle can be posted: %s. Next: %s", fault.why, fault.following)
        self._fault = fault

    def look_round(self, now: datetime) -> None:
        """End what was not noticed again for long, and what a process before this one left."""
        for one in self._store.troubles():
            mine = (one.point, one.word) in self._on
            if one.word in (TWIN, RIVAL):
                if timedelta() <= now - datetime.fromisoformat(one.seen) <= WINDOW:
                    self._on.add((one.point, one.word))
                else:
                    self._end(one.point, one.word)
                    log.info("%s: one alone uses the name again", one.point or "the centre")
            elif not mine:
                self._end(one.point, one.word)

    def _begin(self, point: str, word: str, details: dict[str, Any]) -> bool:
        with self._store.writing():
            new = self._store.trouble(point, word, details, datetime.now(UTC))
        self._on.add((point, word))
        return new

    def _end(self, point: str, word: str) -> None:
        with self._store.writing():
            self._store.over(point, word)
        self._on.discard((point, word))
