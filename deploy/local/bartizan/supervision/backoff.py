"""How long a crashed service waits before it is started again."""

from dataclasses import dataclass

FIRST = 0.5
LONGEST = 30.0
STEADY = 60.0
"""A run of this many seconds counts as sound: the next crash waits the first delay again."""


@dataclass(slots=True)
class Backoff:
    """Delays in seconds: they double from `FIRST` to `LONGEST` as crash follows crash."""

    crashes: int = 0

    def after(self, ran_for: float) -> float:
        """The delay before the next start, when the last run lasted `ran_for` seconds."""
        if ran_for >= STEADY:
            self.crashes = 0
        self.crashes += 1
        return min(LONGEST, FIRST * 2.0 ** min(self.crashes - 1, 16))
