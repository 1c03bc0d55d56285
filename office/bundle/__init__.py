"""The trust bundle, signed by the root: what the stations shall believe; `device.trust.bundle` writes and reads it."""

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ed25519

from device.trust.bundle import COSE_SIGN1, Trust, kid_of, payload
from office.keys.signing import sign1

ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""The dates of a bare key, which has none: whoever imports it at the desk vouches for it."""


def sign(trust: Trust, root: ed25519.Ed25519PrivateKey, old: ed25519.Ed25519PrivateKey | None = None) -> bytes:
    """Return the bundle: *trust* signed by *root*; raises ValueError as `payload` does.

    With the *old* root it is signed by that one inside and by *root* outside: whoever believes the old one and
    knows that *root* is to come after it believes *root* from then on.
    """
    if old is None:
        return sign1(payload(trust), root, kid_of(root.public_key()))
    inner = sign1(payload(trust), old, kid_of(old.public_key()))
    return sign1(inner, root, kid_of(root.public_key()), COSE_SIGN1)
