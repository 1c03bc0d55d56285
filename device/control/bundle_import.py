"""``bundle-import``: a trust bundle from whoever may open the socket; it is believed as any other is."""

import logging

from device.control.context import Context
from device.control.control_socket import RequestRefusedError
from device.trust.bundle import BundleError

log = logging.getLogger(__name__)


def answer(station: Context, octets: bytes) -> str:
    """Follow the bundle in *octets*, and say which is in force; raises `RequestRefusedError`."""
    try:
        offer = station.ruleset.offer(octets)
    except BundleError as error:
        raise RequestRefusedError(str(error)) from None
    if offer.new:
        log.info("bundle version=%d was imported and is in force", offer.version)
    if not offer.kept:
        raise RequestRefusedError(
            f"bundle version {offer.version} is in force until the next start only: the disk did not take it."
            " Next: df -h /var/lib/private/titik, then the same again"
        )
    return f"bundle version {offer.version} is in force" + ("" if offer.new else ", and was before")
