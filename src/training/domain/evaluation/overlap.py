"""How many rows of a suite a model was trained on: by text, but for case and white space."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.domain.evaluation.suite import Suite
from training.domain.fingerprints import comparable_bytes, fingerprints, is_member


class Overlap:
    """Is told of the training texts, as many at a time as there are at hand."""

    def __init__(self, suites: Sequence[Suite]) -> None:
        self._suites = [
            fingerprints(comparable_bytes(example.text) for example in suite.examples)
            for suite in suites
        ]
        self._wanted = np.unique(np.concatenate([np.empty(0, np.uint64), *self._suites]))
        self._found = np.zeros(self._wanted.shape, np.bool_)

    def add(self, trained_on: NDArray[np.uint64]) -> None:
        """The fingerprints of some training texts, in any order."""
        self._found |= is_member(self._wanted, np.sort(trained_on))

    def rows(self) -> tuple[int, ...]:
        """Of each suite, the rows whose texts were among them."""
        found = self._wanted[self._found]
        return tuple(int(is_member(suite, found).sum()) for suite in self._suites)
