"""How a command of any of the programs ends (``design.md``, The commands people type)."""

DONE, FAILED, USAGE, MISSING, CONFIG = 0, 1, 2, 3, 78
"""Done; refused or failed; not a command; something is missing on this machine; a mistake in the configuration."""
