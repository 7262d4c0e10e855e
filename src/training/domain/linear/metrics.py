"""How good a detector is on labelled scores."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from training.domain.evaluation.sorted_scores import auc, grouped
from training.domain.examples import Example
from training.domain.linear.calibration import expected_calibration_error


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of benign and of attacking texts at or above a threshold; None without such texts."""

    false_positive_rate: float | None
    recall: float | None


def evaluate(
    examples: Sequence[Example],
    scores: NDArray[np.float64],
    thresholds: Mapping[str, float],
) -> dict[str, object]:
    """AUC, calibration error and rates at each threshold, over all and at `balanced` by source."""
    attack = np.array([example.attack for example in examples], np.bool_)
    both = bool(attack.any() and not attack.all())
    sources: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        sources.setdefault(example.source, []).append(index)
    return {
        "rows": len(examples),
        "attacks": int(attack.sum()),
        "auc": round(area_under_curve(scores, attack), 4) if both else None,
        "expected_calibration_error": round(expected_calibration_error(scores, attack), 4),
        "operating_points": {
            name: asdict(rates(scores, attack, threshold)) for name, threshold in thresholds.items()
        },
        "sources": {
            source: {
                "rows": len(rows),
                **asdict(rates(scores[rows], attack[rows], thresholds["balanced"])),
            }
            for source, rows in sorted(sources.items())
        },
    }


def rates(scores: NDArray[np.float64], attack: NDArray[np.bool_], threshold: float) -> Rates:
    """The rates at one threshold."""
    alarm = scores >= threshold

    def share(of: NDArray[np.bool_]) -> float | None:
        return round(float(alarm[of].mean()), 4) if of.any() else None

    return Rates(false_positive_rate=share(~attack), recall=share(attack))


def loss_and_area(scores: NDArray[np.float64], attack: NDArray[np.bool_]) -> dict[str, float]:
    """`loss`: the mean log loss of probabilities; `auc`, where both labels are there."""
    certain = np.clip(np.where(attack, scores, 1 - scores), 1e-15, 1)
    # Subtracted, not negated: a perfect fold's loss is 0, and not -0.
    measured = {"loss": float(0 - np.log(certain).mean())}
    if attack.any() and not attack.all():
        measured["auc"] = area_under_curve(scores, attack)
    return measured


def area_under_curve(scores: NDArray[np.float64], attack: NDArray[np.bool_]) -> float:
    """ROC AUC: the chance that an attack outscores a benign text, ties half (Mann-Whitney U)."""
    groups = grouped(scores)
    sides = np.stack([attack, ~attack]).astype(np.float64)
    attacks, benign = groups.sums(sides)
    return float(auc(attacks[None], benign[None])[0])
