"""The configurations that the repository ships, with the paths and ports of a test."""

import shutil
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.world import REPOSITORY

EXAMPLES = REPOSITORY / "examples"


def _conf(port: int, files: Path, state: Path) -> str:
    """Return the shipped configuration with the deployment's paths and port replaced, and nothing else."""
    text = (EXAMPLES / "mosquitto.conf").read_text(encoding="utf-8")
    for shipped, here in (
        ("listener 8883\n", f"listener {port} 127.0.0.1\n"),
        ("/etc/mosquitto/titik/", f"{files}/"),
        ("/var/lib/mosquitto/", f"{state}/"),
        ("/run/mosquitto/", f"{state}/"),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    # Started by root, it would give up root for a user who may not enter this folder.
    return text + ("user root\n" if state.owner() == "root" else "")


def shipped_broker(port: int, folder: Path, authority: Authority) -> str:
    """Return the shipped configuration, to listen on *port*; its rules and certificates are put into *folder*/files."""
    state = folder / "state"
    state.mkdir()
    authority.server()
    shutil.copy(EXAMPLES / "mosquitto.acl", folder / "files" / "acl")
    return _conf(port, folder / "files", state)
