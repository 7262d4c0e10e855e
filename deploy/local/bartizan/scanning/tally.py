"""Counts of a scan, and the exit status that follows from them."""

from dataclasses import dataclass, field

from bartizan.scanning.rows import BadRow
from bartizan.scanning.verdicts import Outcome

ALLOWED = 0
DETECTED = 1
FAILED = 2


@dataclass(slots=True)
class Tally:
    """How many rows were allowed, flagged, blocked, and could not be judged."""

    decisions: dict[str, int] = field(default_factory=lambda: {"allow": 0, "flag": 0, "block": 0})
    bad: int = 0

    def add(self, outcome: Outcome) -> None:
        if isinstance(outcome, BadRow):
            self.bad += 1
        else:
            self.decisions[outcome[1].decision] += 1

    @property
    def status(self) -> int:
        """2 when anything could not be judged, else 1 when anything was detected, else 0."""
        if self.bad:
            return FAILED
        return DETECTED if self.decisions["flag"] + self.decisions["block"] else ALLOWED
