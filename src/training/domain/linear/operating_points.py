"""Thresholds, chosen for a rate of false positives."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Rates on out-of-fold benign texts. A flag is an alarm too, so `sensitive` stays below 2 %.
FALSE_POSITIVE_RATES = {"sensitive": 0.015, "balanced": 0.01, "strict": 0.001}


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """`score >= threshold` is an alarm; the rates are those measured where it was chosen."""

    threshold: float
    chosen_for: str
    false_positive_rate: float
    recall: float


def choose_operating_points(
    scores: NDArray[np.float64], attack: NDArray[np.bool_]
) -> dict[str, OperatingPoint]:
    """One point per entry of `FALSE_POSITIVE_RATES`, on scores of texts the model did not see."""
    points = {}
    for name, rate in FALSE_POSITIVE_RATES.items():
        threshold = threshold_for(scores[~attack], rate)
        points[name] = OperatingPoint(
            threshold=threshold,
            chosen_for=f"at most {rate:.1%} false positives on out-of-fold benign training texts",
            false_positive_rate=float((scores[~attack] >= threshold).mean()),
            recall=float((scores[attack] >= threshold).mean()),
        )
    return points


def threshold_for(benign: NDArray[np.float64], rate: float) -> float:
    """The lowest threshold (six decimals, at most 1) that at most `rate` of `benign` reach."""
    allowed = math.floor(rate * benign.size)
    first_excluded = float(np.sort(benign)[::-1][allowed])
    return min(math.floor(first_excluded * 1e6 + 1) / 1e6, 1.0)
