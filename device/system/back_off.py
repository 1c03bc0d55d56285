"""How long to wait before the next try: longer each time in vain, and never longer than a bound."""


class BackOff:
    """Pauses in seconds, from *first* to *longest*, each twice the one before."""

    def __init__(self, first: float, longest: float) -> None:
        self.first = first
        self.longest = longest
        self.pause = first
        """The next one."""

    def lengthen(self) -> None:
        """Count one more try in vain."""
        self.pause = min(2 * self.pause, self.longest)

    def reset(self) -> None:
        """Begin anew: what was tried has worked, or has lasted."""
        self.pause = self.first
