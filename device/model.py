"""The nouns that every room of the station shares; frozen, and without any I/O."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the centre takes its nouns from here, too, and has no use for 20 MB of numpy
    import numpy as np
    from numpy.typing import NDArray

WITA = timezone(timedelta(hours=8), "WITA")
"""The office's civil time, Asia/Makassar: UTC+8 without summer time, so no zone database is needed."""


MAX_TEXT = 4300
"""Characters of a code's text; the largest QR holds 4,296 (ISO/IEC 18004, table 7)."""


class Frame(NamedTuple):
    """One picture of what stands before the lens, and the two clock readings by which its turn is judged and recorded.

    Other clocks are read beside them only for how long something took, when to try again, and whether the time can be
    trusted.
    """

    luma: "NDArray[np.uint8]"
    """Height x width, brightness only."""
    at: datetime
    """UTC, aware: for validity and the record."""
    tick: float
    """Monotonic seconds: for "how long since"."""


class Blind(NamedTuple):
    """A turn without a picture: the eye is away and is being reopened."""

    why: str
    at: datetime
    tick: float


class Colour(StrEnum):
    """What PeduliLindungi taught people to look for; only a policy gives one."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    BLACK = "black"


class Outcome(StrEnum):
    """What the guard does now."""

    ADMIT = "admit"
    CHECK = "check"
    REFUSE = "refuse"


class Reason(StrEnum):
    """Why; the closed list of ``design.md``, the same words on the wire, in tables and in code."""

    TWO_DOSES = "two-doses"
    ONE_DOSE = "one-dose"
    NO_DOSE = "no-dose"
    BOOSTER = "booster"
    RECOVERED = "recovered"
    TESTED = "tested"
    POSITIVE = "positive"
    CONTACT = "contact"
    STAFF = "staff"
    VISITOR = "visitor"
    LISTED = "listed"
    UNKNOWN = "unknown"
    NO_RULE = "no-rule"
    POLICY_ERROR = "policy-error"

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"
    UNKNOWN_ISSUER = "unknown-issuer"
    WRONG_DOMAIN = "wrong-domain"
    FORGED = "forged"
    MALFORMED = "malformed"
    NOT_SUPPORTED = "not-supported"
    NOT_A_PASS = "not-a-pass"  # noqa: S105 - a word of the closed list, not a password
    REPLAYED = "replayed"

    FULL = "full"
    MANUAL = "manual"
    CLOCK_UNTRUSTED = "clock-untrusted"
    WAIT = "wait"


class Fault(StrEnum):
    """What is out of order at a station, as its ``state`` says it; the courier's own words come on top."""

    CAMERA = "camera"
    OUTBOX = "outbox"
    SEALED = "sealed"
    POLICY = "policy"
    BUNDLE = "bundle"
    ROSTER = "roster"
    GLASS = "glass"
    READER = "reader"


class Kind(StrEnum):
    """The form of a code, told from its text alone."""

    HCERT = "hcert"
    PASS = "pass"  # noqa: S105 - a kind of credential, not a password
    SHC = "shc"
    DIVOC = "divoc"
    VDS_NC = "vds-nc"
    MDOC = "mdoc"
    VENUE = "venue"
    LISTED = "listed"
    """A text that the bundle's roster knows: unsigned, and anybody may copy it."""
    TEXT = "text"


class Domain(StrEnum):
    """What a key may vouch for."""

    HEALTH = "health"
    STAFF = "staff"
    VISITOR = "visitor"


class Statement(StrEnum):
    """Which of its three things a health certificate states."""

    VACCINATION = "vaccination"
    TEST = "test"
    RECOVERY = "recovery"


class Claims(NamedTuple):
    """What a credential says; ``None`` is *not said*, which is never the same as *no*."""

    statement: Statement | None = None
    doses: int | None = None
    series: int | None = None
    dose_on: date | None = None
    detected: bool | None = None
    sampled_at: datetime | None = None
    positive_on: date | None = None
    born: tuple[date, date] | None = None
    """Earliest and latest possible birth date; stays inside the station."""
    country: str | None = None
    pass_number: str | None = None


class Credential(NamedTuple):
    """A code whose signature holds, by a key that may vouch for what it says; or one that the roster lists."""

    kind: Kind
    domain: Domain
    issuer: str
    identity: bytes
    """32 bytes: the same for every re-encoding that the signer's signature allows."""
    claims: Claims
    not_before: datetime | None = None
    expires: datetime | None = None

    @property
    def genuine(self) -> bool:
        """Whether a signature says so; a listed number has none."""
        return self.kind is not Kind.LISTED


class Belief(NamedTuple):
    """What may be believed of one text: *reason* ``None`` is genuine and in force."""

    kind: Kind
    reason: Reason | None
    credential: Credential | None = None
    """There exactly when the signature holds or the roster lists it, so also for what is expired or revoked."""
    form: str | None = None
    """What it is called, where it is recognised and not read."""
    proven_at: datetime | None = None
    """When the phone that holds the pass says that it signed this showing."""
    live: bool = True
    """False where the pass names a phone, and that phone did not sign this showing just now."""


class Verdict(NamedTuple):
    """What one showing means at this point, now."""

    outcome: Outcome
    reason: Reason
    colour: Colour | None = None
    policy: str | None = None


class Place(NamedTuple):
    """Where an event stands among those of its point: *seq* counts without gaps inside *epoch*."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Event:
    """A verdict that counted, as it will stand at the centre."""

    place: Place
    id: str
    body: bytes
    """One CloudEvent, compact JSON."""
