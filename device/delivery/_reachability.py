"""Whether what a station sends arrives: by the centre's own word, by receipts, and by what the broker refuses."""

import logging

from device.wire import Acked, Received, State, loads

log = logging.getLogger(__name__)

DEAF = 20.0
"""Seconds without a receipt, from the broker's PUBACK on, after which the centre's own word that it is there counts
for nothing."""


class Reachability:
    """What is known in one session; *trusting* is whether the broker's word is enough (``until = "puback"``)."""

    def __init__(self, *, trusting: bool) -> None:
        self._trusting = trusting
        self.centre: bool | None = True if trusting else None
        """Whether the centre says that it is there, ``None`` while it has said nothing."""
        self.deaf = False
        self.denied: set[str] = set()
        """Why nothing arrives, in words of ``state``."""
        self.large = False
        """Whether an event is larger than the broker takes."""
        self._life: object = None
        self._receipted = False

    def anew(self) -> None:
        """Begin a session: what the broker refused may be allowed now."""
        self.denied.clear()
        self.centre = True if self._trusting else None
        self._receipted = False

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the way to the centre; each of these keeps events here."""
        return (
            *sorted(self.denied),
            *(("deaf",) if self.deaf else ()),
            *(("too-large",) if self.large else ()),
        )

    @property
    def linked(self) -> bool:
        """Whether the centre is there to hold what is sent."""
        return self.centre is True and not self.deaf and not self.denied

    def heard(self, centre: Received) -> tuple[bool, bool]:
        """Take the centre's word; return whether it is back, and whether it has another life than before."""
        try:
            fields = loads(centre.body, 4096)
        except ValueError:
            return False, False  # not the centre's words: as good as none
        fields = fields if isinstance(fields, dict) else {}
        there = fields.get("state") == State.ONLINE
        back = there and (self.centre is False or "unrouted" in self.denied)
        reborn = there and self._life is not None and fields.get("centre") != self._life
        if there:
            self._life = fields.get("centre")
        self.centre = there or self._trusting
        return back, reborn

    def receipted(self) -> None:
        """Note that a receipt came: its topic may be read."""
        self._receipted = True

    def acked(self, acked: Acked, *, ours: bool) -> bool:
        """Take the broker's answer; *ours* is whether it is to an event. Return whether it has routed one."""
        if acked.refused:
            self.deny("refused", f"the broker refuses what we ask ({acked.name})", "check its ACL for this point")
        elif acked.unrouted and ours:
            self.deny("unrouted", "no centre listens at this broker", "titik-central status, at the office")
        elif ours:
            self.denied.clear()
            return True
        return False

    def deny(self, word: str, what: str, following: str) -> None:
        """Note why nothing of ours arrives, and say it once."""
        if word not in self.denied:
            log.error("%s; events are kept. Next: %s", what, following)
        self.denied.add(word)

    def judge(self, waiting: float | None) -> None:
        """Say whether receipts fail to come although the broker has had our events for *waiting* seconds.

        An ACL can drop them silently; where receipts came before, it is not the first thing to look at.
        """
        deaf = self.centre is True and waiting is not None and waiting > DEAF
        if deaf and not self.deaf:
            following = "titik-central status, at the office; then the broker's ACL: may this point read its receipts?"
            if not self._receipted:
                following = "check the broker's ACL: may this point read its receipts? Then titik-central status"
            log.error("no receipt for %d s although the centre says it is there. Next: %s", DEAF, following)
        self.deaf = deaf
