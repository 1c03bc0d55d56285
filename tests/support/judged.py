"""What was judged of a code, and the rules by which a sighting is shown."""

from device.model import Belief, Claims, Credential, Domain, Kind, Outcome, Reason, Verdict
from device.trust.bundle import Trust
from device.verdict.judge import Judged, Rules
from device.verdict.policy import Setting

QUIET, REPEAT, STRANGERS = 0.7, 10.0, 20
RULES = Rules(Trust(), (), Setting("bupati-1", "bupati", "in"))


def genuine(number: int, outcome: Outcome = Outcome.ADMIT) -> Judged:
    """Return what is judged of pass *number*."""
    credential = Credential(Kind.PASS, Domain.STAFF, "x", number.to_bytes(32, "big"), Claims())
    return Judged(Belief(Kind.PASS, None, credential), Verdict(outcome, Reason.STAFF))


def stranger() -> Judged:
    """Return what is judged of a text that is no pass."""
    return Judged(Belief(Kind.TEXT, Reason.NOT_A_PASS), Verdict(Outcome.REFUSE, Reason.NOT_A_PASS))
