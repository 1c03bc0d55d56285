"""What is here needs brokers that tools/brokers installs; anywhere else nothing of it is collected."""

import os

collect_ignore_glob = [] if os.environ.get("TITIK_BROKERS") else ["test_*.py"]
