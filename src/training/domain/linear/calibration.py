"""From logits to probabilities, and how far these are from the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.domain.linear.logistic import fit_one_feature


@dataclass(frozen=True, slots=True)
class Platt:
    """P(attack) = 1 / (1 + exp(-(slope * logit + intercept))); strictly increasing."""

    slope: float
    intercept: float

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities, the shape of `logits`."""
        return np.asarray(expit(self.slope * logits + self.intercept), np.float64)


def fit_platt(logits: NDArray[np.float64], attack: NDArray[np.bool_]) -> Platt:
    """Platt's sigmoid (1999) on logits of texts that the scoring model did not see.

    Raises ValueError where the logits do not rise with the label: such a model is worthless.
    """
    head = fit_one_feature(logits, attack)
    slope = float(head.weights[0])
    if slope <= 0:
        raise ValueError("the attack scores do not rise with the label; is the data mislabelled?")
    return Platt(slope, head.bias)


def expected_calibration_error(
    scores: NDArray[np.float64], attack: NDArray[np.bool_], bins: int = 15
) -> float:
    """ECE with equal-width bins (Guo et al., 2017): mean |accuracy - confidence|, by bin size."""
    which = np.minimum((scores * bins).astype(int), bins - 1)
    error = 0.0
    for index in range(bins):
        inside = which == index
        if inside.any():
            error += float(inside.mean() * abs(attack[inside].mean() - scores[inside].mean()))
    return error
