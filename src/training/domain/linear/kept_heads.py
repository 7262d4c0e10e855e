"""The heads of one shard that a training which was broken off has left behind."""

from collections.abc import Callable, Sequence

import numpy as np

from training.domain.checkpoints import NO_CHECKPOINTS, Checkpoints, array_bytes, array_of
from training.domain.linear.logistic import Head


class KeptHeads:
    """Heads by the name of what they were fitted on, such as `fold-1`."""

    def __init__(self, checkpoints: Checkpoints, shard: int) -> None:
        self._checkpoints = checkpoints
        self._prefix = f"shard-{shard}-"

    def get(self, part: str) -> Head | None:
        """The head, to the bit, if it was fitted before."""
        content = self._checkpoints.load(self._prefix + part)
        if content is None:
            return None
        numbers = array_of(content)
        return Head(numbers[1:], float(numbers[0]))

    def all_of(self, parts: Sequence[str]) -> list[Head] | None:
        """All of these heads, or None where one is not there."""
        found = []
        for part in parts:
            head = self.get(part)
            if head is None:
                return None
            found.append(head)
        return found

    def put(self, part: str, head: Head) -> Head:
        """Keep a head, and give it back."""
        numbers = np.concatenate([[head.bias], head.weights])
        self._checkpoints.save(self._prefix + part, array_bytes(numbers))
        return head

    def get_or_fit(self, part: str, fit: Callable[[], Head]) -> Head:
        """The head, fitted only where it was not before."""
        known = self.get(part)
        return self.put(part, fit()) if known is None else known


NONE_KEPT = KeptHeads(NO_CHECKPOINTS, 1)
"""For a training that is done in one go."""
