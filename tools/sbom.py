"""Lists what each lock installs, as CycloneDX, in ``sbom/``: the same lock gives the same bytes.

    .venv/bin/python tools/sbom.py [FOLDER]

A component is a line of the lock, with every hash that pip may meet; what pulls it in is what the lock says of it.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

TREE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TREE))

from device import __version__  # noqa: E402 - from this tree, whatever is installed beside it

LOCKS = ("station", "pi", "centre", "desk")
"""What is put on machines; the other locks are for those who work on the product."""
_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\\n(?P<rest>(?:    .*\n)+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"#(?: via)? +(?!-c )((?:-r )?[a-z0-9][\w./-]*)")
_BUILD = "-r requirements/build.in"


class Pin(NamedTuple):
    """One package of a lock."""

    name: str
    version: str
    marker: str
    """On which machines alone it is installed, as PEP 508 has it; empty: on all."""
    hashes: list[str]
    via: list[str]
    """The packages that need it; ``titik`` for what it needs itself."""


def pins(lock: str) -> Iterator[Pin]:
    """Yield the packages in the text of a *lock*, as uv writes one."""
    for found in _PIN.finditer(lock):
        via = ["titik" if name == _BUILD else name for name in _VIA.findall(found["rest"])]
        yield Pin(found["name"], found["version"], found["marker"] or "", _HASH.findall(found["rest"]), via)


def component(pin: Pin) -> Component:
    """Return a *pin* as a component; each hash is one of a file that may be the one that is taken."""
    address = PackageURL("pypi", name=pin.name, version=pin.version)
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one) for one in pin.hashes]
    return Component(
        type=ComponentType.LIBRARY,
        name=pin.name,
        version=pin.version,
        purl=address,
        bom_ref=str(address),
        external_references=[
            ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(address)), hashes=hashes)
        ],
        properties=[Property(name="titik:only-where", value=pin.marker)] if pin.marker else [],
    )


def bill(lock: str) -> str:
    """Return the bill of materials of *lock*, without a date and a number that would be another each time."""
    titik = Component(
        type=ComponentType.APPLICATION,
        name="titik",
        version=__version__,
        bom_ref="titik",
        licenses=[DisjunctiveLicense(id="Apache-2.0")],
    )
    bom = Bom()
    bom.metadata.component = titik
    found = list(pins(lock))
    parts = [component(pin) for pin in found]
    bom.components.update(parts)
    for name, whole in [("titik", titik), *zip((pin.name for pin in found), parts, strict=True)]:
        bom.register_dependency(whole, [part for pin, part in zip(found, parts, strict=True) if name in pin.via])
    bom.serial_number = bom.metadata.timestamp = None  # type: ignore[assignment] # and so they are left out
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def main(folder: Path) -> None:
    """Write the bill of each lock into *folder*."""
    for name in LOCKS:
        lock = (TREE / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        (folder / f"{name}.cdx.json").write_text(bill(lock), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else TREE / "sbom")
