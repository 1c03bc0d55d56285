"""The rules in force, and how newer ones come: offered, checked, kept on disk, and only then followed.

A bundle comes with the image, as a retained message, or from a stick. It is believed if the regency's root
signed it, refused if it is older than the one in force, and the last good one is kept. Whoever offers does
the work; the loop only ever reads `Ruleset.rules`, which changes as a whole.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from device.config import StationSettings
from device.system.disk import read_bounded, write_whole
from device.trust.bundle import BundleError, Roots, Trust, open_bundle, root_key
from device.trust.fleet_secret import FleetSecret
from device.verdict.judge import Rules, choose
from device.verdict.policy import Setting
from device.wire import MAX_BUNDLE

log = logging.getLogger(__name__)

KEPT, HANDOVER = "bundle.cose", "handover.cose"
AHEAD = timedelta(days=2)
"""How far in the future a bundle may say it was issued: a desk's wrong clock would poison the station's floor."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What became of a bundle that was offered and believed."""

    version: int
    new: bool
    """Whether it took the place of another; the same bundle again changes nothing."""
    kept: bool = True
    """Whether it is on the disk as well, and so in force after the next start."""


class Ruleset:
    """Keeps `rules`; *folder* is the station's state, *secret* opens the roster.

    *now* gives the time, ``None`` while the clock is not trusted.
    """

    def __init__(
        self,
        settings: StationSettings,
        folder: Path,
        secret: FleetSecret | None,
        now: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._now = now
        self.kept = True
        """Whether what is in force is on the disk, too."""
        self._use = settings.policy.use
        self._folder = folder
        self._secret = secret
        self._setting = Setting(settings.point.name, settings.point.site, settings.point.direction)
        self._lock = Lock()
        self._octets = b""
        self._roots = self._configured(settings.trust.roots)
        self.rules = self._rules(Trust())
        self._recall()
        if settings.trust.bundle is not None:
            self._take_shipped(settings.trust.bundle)
        elif not self._octets:
            log.warning(
                "no trust bundle: every signer is unknown. Next: titik bundle import FILE, or [trust] bundle in the"
                " configuration"
            )

    def offer(self, octets: bytes) -> Offered:
        """Follow the bundle in *octets* from now on.

        Raises `BundleError`, and then the one in force stays. A disk that cannot keep it is said, not
        suffered: until the next start it is in force all the same. A handover counts whatever its version is, or
        a thief of the old root could forestall it by one great number.
        """
        with self._lock:
            version = self.rules.trust.version
            if octets == self._octets:
                self._keep_again()
                return Offered(version, new=False, kept=self.kept)
            trust = self._opened(octets)
            if trust.version < version and not trust.handover:
                raise BundleError(f"older than the one in force: version {trust.version}, and {version} is in force")
            if trust.version == version and self._octets and not trust.handover:
                raise BundleError(f"another bundle of version {version} is in force; sign it anew")
            now = self._now()
            if now is not None and trust.issued is not None and trust.issued > now + AHEAD:
                raise BundleError(f"issued in the future ({trust.issued:%Y-%m-%d}); is the desk's clock right?")
            self._keep(octets, trust)
            self._follow(octets, trust)
            return Offered(trust.version, new=True, kept=self.kept)

    def keep_again(self) -> None:
        """Write down what is in force, if the disk would not take it before."""
        with self._lock:
            self._keep_again()

    def _configured(self, roots: tuple[str, ...]) -> Roots | None:
        try:
            named = [root_key(text) for text in roots]
        except ValueError as error:
            log.error("[trust] roots: %s; no bundle is believed", error)  # noqa: TRY400 - the sentence is the whole story
            return None
        return Roots(*named) if named else None

    def _opened(self, octets: bytes) -> Trust:
        if self._roots is None:
            raise BundleError("no root is configured. Next: [trust] roots in the configuration")
        return open_bundle(octets, self._roots)

    def _recall(self) -> None:
        """Follow what was kept: the bundle by which the root was handed over, then the newest."""
        for name in (HANDOVER, KEPT):
            try:
                octets = read_bounded(self._folder / name, MAX_BUNDLE)
                if octets != self._octets:
                    self._follow(octets, self._opened(octets))
            except FileNotFoundError:
                continue
            except OSError as error:
                log.error("%s cannot be read: %s", self._folder / name, error.strerror)  # noqa: TRY400 - the sentence is the whole story
            except BundleError as error:
                if name != HANDOVER:  # else the configuration names the new root by now, and none is needed
                    self.kept = False
                    log.error("%s is not believed: %s", self._folder / name, error)  # noqa: TRY400 - as above

    def _take_shipped(self, path: Path) -> None:
        """Follow the bundle that came with the image, if it is newer than what was kept."""
        unknown = "" if self._octets else "; every signer is unknown"
        try:
            octets = read_bounded(path, MAX_BUNDLE)
        except OSError as error:
            log.error("%s cannot be read: %s%s", path, error.strerror, unknown)  # noqa: TRY400 - the sentence is the whole story
            return
        try:
            self.offer(octets)
        except BundleError as error:
            if self._octets:
                log.info("%s is passed over: %s", path, error)
            else:
                log.error("%s is not believed: %s%s", path, error, unknown)  # noqa: TRY400 - as above

    def _keep_again(self) -> None:
        if not self.kept and self._octets:
            self._keep(self._octets, self.rules.trust)

    def _keep(self, octets: bytes, trust: Trust) -> None:
        """Write the bundle down before it is followed; the one that hands over the root is kept for good."""
        try:
            if trust.handover:
                write_whole(self._folder / HANDOVER, octets)
            write_whole(self._folder / KEPT, octets)
            self.kept = True
        except OSError as error:
            self.kept = False
            log.error(  # noqa: TRY400 - the sentence is the whole story
                "bundle %d is in force and cannot be kept: %s. Next: df -h %s",
                trust.version,
                error.strerror,
                self._folder,
            )

    def _follow(self, octets: bytes, trust: Trust) -> None:
        if trust.handover and self._roots is not None and self._roots.next is not None:
            self._roots = Roots(self._roots.next)
            log.warning("the next root has taken over. Next: name it first in [trust] roots, then the one after it")
        self._octets = octets
        self.rules = self._rules(trust)

    def _rules(self, trust: Trust) -> Rules:
        """Return the rules that follow from *trust*; what cannot be read leads to no green light."""
        if trust.roster.entries:
            key = None if self._secret is None else self._secret.roster_key()
            if key is not None and key.check == trust.roster.check:
                trust = replace(trust, roster=replace(trust.roster, key=key))
            else:
                log.error("the roster was made under another fleet secret; the guard checks every number")
        policies, wrong = choose(self._use, trust)
        for sentence in wrong:
            log.error("%s", sentence)
        return Rules(trust, policies, self._setting, broken=bool(wrong))
