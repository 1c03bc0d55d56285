"""Exit codes (``design.md``, The commands people type); argparse itself ends with `USAGE`."""

DONE, FAILED, USAGE, MISSING, CONFIG = 0, 1, 2, 3, 78
