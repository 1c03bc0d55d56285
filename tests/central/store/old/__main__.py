"""Write anew what today's centre makes of old files: ``python -m tests.central.store.old``; then read the difference.

Only after a change that is meant to change it, such as another column. The old files themselves stay as they are.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.central.store.old import FILES, OLD, todays

for name in FILES:
    with TemporaryDirectory() as folder:
        text = "".join(f"{row}\n" for row in todays(name, Path(folder)))
    (OLD / f"{name}.today.txt").write_text(text, encoding="utf-8")
