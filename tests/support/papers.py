"""The pages of the repository, and what a path within it looks like."""

import re

from tests.support.world import REPOSITORY

LINKING = sorted({*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")})
FOLDERS = tuple(path.name for path in REPOSITORY.iterdir() if path.is_dir() and path.name[0] not in "._")
OF_A_FILE = re.compile(rf"(?:{'|'.join(FOLDERS)})/[^\s`]*\Z")
