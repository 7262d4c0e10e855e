"""The trained detector as it is served."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from training.domain.calibration import Platt
from training.domain.configuration import LinearConfiguration
from training.domain.matrix import highest_by_text, windows_of

_BATCH = 512


@dataclass(frozen=True, slots=True)
class Verdicts:
    """`scores`: shape (texts,). `categories`: shape (texts, categories); both in [0, 1]."""

    scores: NDArray[np.float64]
    categories: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Quantised weights, shape (1 + categories, buckets), the attack head first; a bias a row."""

    weights: NDArray[np.float16]
    biases: tuple[float, ...]
    calibration: Platt
    configuration: LinearConfiguration

    def judge(self, texts: Sequence[str]) -> Verdicts:
        """What the server answers for these texts, up to rounding: the highest window decides."""
        weights = self.weights.T.astype(np.float64)
        scores = []
        categories = []
        for first in range(0, len(texts), _BATCH):
            batch = texts[first : first + _BATCH]
            windows = windows_of(batch, self.configuration, all_windows=True)
            logits = np.asarray(windows.rows @ weights) + np.array(self.biases)
            highest = highest_by_text(logits[:, 0], windows.text, len(batch))
            at_highest = np.flatnonzero(logits[:, 0] >= highest[windows.text])
            _, first_of_text = np.unique(windows.text[at_highest], return_index=True)
            score = self.calibration.probabilities(highest)
            shares = softmax(logits[at_highest[first_of_text], 1:], axis=1)
            scores.append(score)
            categories.append(score[:, None] * shares)
        return Verdicts(np.concatenate(scores), np.concatenate(categories))
