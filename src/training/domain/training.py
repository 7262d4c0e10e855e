"""One training run: from examples to a model, its operating points and its honest scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.domain.calibration import Platt, fit_platt
from training.domain.clusters import near_duplicate_clusters
from training.domain.configuration import LinearConfiguration
from training.domain.examples import CATEGORIES, Example, category_index
from training.domain.folds import grouped_folds
from training.domain.matrix import Windows, highest_by_text, windows_of
from training.domain.metrics import evaluate
from training.domain.model import LinearModel
from training.domain.operating_points import OperatingPoint, choose_operating_points
from training.domain.trainer import Head, fit_attack, fit_categories

type Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """`out_of_fold`: metrics of texts scored by a model that saw no near-duplicate of them."""

    model: LinearModel
    operating_points: dict[str, OperatingPoint]
    out_of_fold: dict[str, object]


def train_linear(
    examples: Sequence[Example], configuration: LinearConfiguration, progress: Progress
) -> TrainingRun:
    """Train, calibrate and choose thresholds; the same input gives the same result to the bit.

    Raises ValueError where the examples cannot train a model: one label only, too few clusters,
    or scores that do not rise with the label.
    """
    attack = np.array([example.attack for example in examples], np.bool_)
    if not attack.any() or attack.all():
        raise ValueError("attacks and benign texts are both needed to train")
    texts = [example.text for example in examples]
    progress(f"finding near-duplicates among {len(texts)} texts")
    clusters = near_duplicate_clusters(texts, configuration.seed)
    folds = grouped_folds(examples, clusters, configuration.folds, configuration.seed)
    progress("extracting features")
    windows = windows_of(texts, configuration, all_windows=False)
    logits = _out_of_fold_logits(windows, attack, folds, configuration, progress)
    calibration = fit_platt(logits, attack)
    scores = calibration.probabilities(logits)
    points = choose_operating_points(scores, attack)
    progress("fitting the model on all texts")
    model = _fit_all(windows, examples, attack, calibration, configuration)
    thresholds = {name: point.threshold for name, point in points.items()}
    summary = {
        "folds": configuration.folds,
        "clusters": int(np.unique(clusters).size),
        **evaluate(examples, scores, thresholds),
    }
    return TrainingRun(model, points, summary)


def _out_of_fold_logits(
    windows: Windows,
    attack: NDArray[np.bool_],
    folds: NDArray[np.intp],
    configuration: LinearConfiguration,
    progress: Progress,
) -> NDArray[np.float64]:
    logits = np.empty(attack.size)
    for fold in range(configuration.folds):
        progress(f"fold {fold + 1} of {configuration.folds}")
        held_out = folds == fold
        head = fit_attack(windows.of_texts(~held_out), attack, configuration)
        judged = windows.of_texts(held_out)
        highest = highest_by_text(head.logits(judged.rows), judged.text, attack.size)
        logits[held_out] = highest[held_out]
    return logits


def _fit_all(
    windows: Windows,
    examples: Sequence[Example],
    attack: NDArray[np.bool_],
    calibration: Platt,
    configuration: LinearConfiguration,
) -> LinearModel:
    head = fit_attack(windows, attack, configuration)
    attacks = windows.of_texts(attack)
    category = np.array(
        [category_index(example) if example.attack else -1 for example in examples], np.intp
    )
    heads: list[Head] = [
        head,
        *fit_categories(
            attacks, head.logits(attacks.rows), category, len(CATEGORIES), configuration
        ),
    ]
    return LinearModel(
        weights=np.stack([one.weights for one in heads]).astype(np.float16),
        biases=tuple(one.bias for one in heads),
        calibration=calibration,
        configuration=configuration,
    )
