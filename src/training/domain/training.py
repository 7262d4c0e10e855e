"""One training run: from examples to a model, its operating points and its honest scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.domain.calibration import Platt, fit_platt
from training.domain.clusters import near_duplicate_clusters
from training.domain.configuration import LinearConfiguration
from training.domain.embedding import embed_attacks
from training.domain.examples import CATEGORIES, Example, category_index
from training.domain.folds import grouped_folds
from training.domain.matrix import Windows, highest_by_text, windows_of
from training.domain.metrics import evaluate
from training.domain.model import LinearModel
from training.domain.operating_points import OperatingPoint, choose_operating_points
from training.domain.trainer import fit_attack, fit_categories

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
    attack = _attacks(examples)
    if not attack.any() or attack.all():
        raise ValueError("attacks and benign texts are both needed to train")
    texts = [example.text for example in examples]
    progress(f"finding near-duplicates among {len(texts)} texts")
    clusters = near_duplicate_clusters(texts, configuration.seed)
    folds = grouped_folds(examples, clusters, configuration.folds, configuration.seed)
    progress("extracting features")
    windows = windows_of(texts, configuration, all_windows=False)
    logits = out_of_fold_logits(windows, examples, folds, configuration, progress)
    calibration = fit_platt(logits, attack)
    scores = calibration.probabilities(logits)
    points = choose_operating_points(scores, attack)
    progress("fitting the model on all texts")
    model = _fit_all(windows, examples, calibration, configuration)
    thresholds = {name: point.threshold for name, point in points.items()}
    summary = {
        "folds": configuration.folds,
        "clusters": int(np.unique(clusters).size),
        **evaluate(examples, scores, thresholds),
    }
    return TrainingRun(model, points, summary)


def out_of_fold_logits(
    windows: Windows,
    examples: Sequence[Example],
    folds: NDArray[np.intp],
    configuration: LinearConfiguration,
    progress: Progress,
) -> NDArray[np.float64]:
    """Each text's highest logit by a head that saw nothing of its fold, shape (examples,).

    `windows` are those of all examples; `folds` has a fold number per example.
    """
    logits = np.empty(len(examples))
    for fold in range(configuration.folds):
        progress(f"fold {fold + 1} of {configuration.folds}")
        held_out = folds == fold
        taught, labelled = _with_embedded(windows, examples, ~held_out, configuration)
        head = fit_attack(taught, _attacks(labelled), configuration)
        judged = windows.of_texts(held_out)
        highest = highest_by_text(head.logits(judged.rows), judged.text, len(examples))
        logits[held_out] = highest[held_out]
    return logits


def _fit_all(
    windows: Windows,
    examples: Sequence[Example],
    calibration: Platt,
    configuration: LinearConfiguration,
) -> LinearModel:
    everything = np.ones(len(examples), np.bool_)
    taught, labelled = _with_embedded(windows, examples, everything, configuration)
    attack = _attacks(labelled)
    head = fit_attack(taught, attack, configuration)
    attacks = taught.of_texts(attack)
    category = np.array([category_index(one) if one.attack else -1 for one in labelled], np.intp)
    deciding = head.logits(attacks.rows)
    heads = [
        head,
        *fit_categories(attacks, deciding, category, len(CATEGORIES), configuration),
    ]
    return LinearModel(
        weights=np.stack([one.weights for one in heads]).astype(np.float16),
        biases=tuple(one.bias for one in heads),
        calibration=calibration,
        configuration=configuration,
    )


def _with_embedded(
    windows: Windows,
    examples: Sequence[Example],
    chosen: NDArray[np.bool_],
    configuration: LinearConfiguration,
) -> tuple[Windows, list[Example]]:
    """The chosen examples' windows and those of documents made from them, with all labels."""
    kept = windows.of_texts(chosen)
    made = embed_attacks(
        [example for example, keep in zip(examples, chosen.tolist(), strict=True) if keep],
        configuration.embedded,
        configuration.window_size,
        configuration.seed,
    )
    if made:
        more = windows_of([one.text for one in made], configuration, all_windows=True)
        kept = kept.followed_by(more, len(examples))
    return kept, [*examples, *made]


def _attacks(examples: Sequence[Example]) -> NDArray[np.bool_]:
    return np.array([example.attack for example in examples], np.bool_)
