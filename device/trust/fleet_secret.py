"""The pseudonym under which a person's showings of one day belong together, and of two days never do."""

import binascii
from datetime import date

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from device.trust.roster import RosterKey

SECRET_LENGTH = 32


class FleetSecret:
    """The 32 bytes that all points share; they never leave the device, and neither does a day's key."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_LENGTH:
            raise ValueError("a fleet secret has 32 bytes, written as 64 hexadecimal characters")
        self._secret = secret
        self._day: tuple[date, bytes] | None = None

    def holder(self, identity: bytes, day: date) -> str:
        """Return the pseudonym (32 hex characters) of *identity* on *day*, the office's own day."""
        if self._day is None or self._day[0] != day:
            info = f"titik holder {day.isoformat()}".encode()
            self._day = (day, HKDF(SHA256(), 32, salt=None, info=info).derive(self._secret))
        mac = HMAC(self._day[1], SHA256())
        mac.update(identity)
        return mac.finalize()[:16].hex()

    def roster_key(self) -> RosterKey:
        """Return the key under which the bundle's roster hashes numbers; another than any day's."""
        derived = HKDF(SHA256(), 36, salt=None, info=b"titik roster").derive(self._secret)
        return RosterKey(derived[:32], derived[32:])


def read_secret(text: str) -> FleetSecret:
    """Return the fleet secret that *text* writes in hexadecimal; raises ValueError, never quoting it."""
    try:
        return FleetSecret(binascii.unhexlify(text))
    except (binascii.Error, ValueError):
        raise ValueError("a fleet secret has 32 bytes, written as 64 hexadecimal characters") from None
