"""The trained detector as it is served."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.domain.linear.calibration import Platt
from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.scorer import LinearScorer
from training.domain.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Quantised weights, shape (1 + categories, buckets), the attack head first; a bias a row."""

    weights: NDArray[np.float16]
    biases: tuple[float, ...]
    calibration: Platt
    configuration: LinearConfiguration

    def scorer(self) -> LinearScorer:
        """What judges texts with these weights, widened once for many calls."""
        return LinearScorer(
            weights=np.ascontiguousarray(self.weights.T, np.float32),
            biases=np.array(self.biases),
            slope=self.calibration.slope,
            intercept=self.calibration.intercept,
            ngrams=self.configuration.ngrams,
            window_size=self.configuration.window_size,
            window_overlap=self.configuration.window_overlap,
        )

    def judge(self, texts: Sequence[str]) -> Verdicts:
        """What the server answers for these texts, up to rounding: the highest window decides."""
        return self.scorer().judge(texts)
