"""What the guard says about an input."""

from collections.abc import Iterable
from enum import StrEnum


class Decision(StrEnum):
    """The three answers, from the mildest to the strictest."""

    ALLOW = "allow"
    FLAG = "flag"
    BLOCK = "block"

    @property
    def severity(self) -> int:
        """0 for allow, 1 for flag, 2 for block.

        Compare severities, never decisions: as strings, "allow" < "block" < "flag".
        """
        return _SEVERITY[self]


_SEVERITY = {Decision.ALLOW: 0, Decision.FLAG: 1, Decision.BLOCK: 2}


def strictest(decisions: Iterable[Decision]) -> Decision:
    """The severest of the decisions; allow when there is none."""
    return max(decisions, key=_SEVERITY.__getitem__, default=Decision.ALLOW)
