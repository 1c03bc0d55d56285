"""What installs from the package index is for `make wheel`; anywhere else it is not collected."""

import os

collect_ignore = [] if os.environ.get("TITIK_INSTALL") else ["test_documented.py"]
