"""One training run: from examples to a model, its operating points and its honest scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.domain.checkpoints import NO_CHECKPOINTS, Checkpoints
from training.domain.examples import CATEGORIES, Example, category_index
from training.domain.linear.calibration import Platt, fit_platt
from training.domain.linear.clusters import near_duplicate_clusters
from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.fitting import fit_attack, fit_categories
from training.domain.linear.folds import grouped_folds
from training.domain.linear.kept_heads import KeptHeads
from training.domain.linear.logistic import Head
from training.domain.linear.matrix import windows_of
from training.domain.linear.metrics import evaluate, loss_and_area
from training.domain.linear.model import LinearModel
from training.domain.linear.operating_points import OperatingPoint, choose_operating_points
from training.domain.linear.out_of_fold import (
    attacks_of,
    fold_heads,
    judge_out_of_fold,
    with_embedded,
)
from training.domain.linear.shards import Shard, average, shard_count, shards_of, within_folds
from training.domain.normalisation.normaliser import normalise

type Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """`out_of_fold`: metrics of texts scored by a model that saw no near-duplicate of them.

    `by_fold`: `loss`, the mean log loss, and `auc`, where a fold has both labels.
    """

    model: LinearModel
    operating_points: dict[str, OperatingPoint]
    out_of_fold: dict[str, object]
    by_fold: tuple[dict[str, float], ...]


@dataclass(frozen=True, slots=True)
class _Heads:
    """Fitted on one shard, or the mean of several: one head a fold, the attack's, the categories'.

    The head of a fold saw nothing of that fold; the others saw all. A shard within a fold has none
    of them.
    """

    folds: list[Head]
    attack: Head
    categories: list[Head]


def train_linear(
    examples: Sequence[Example],
    configuration: LinearConfiguration,
    progress: Progress,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
) -> TrainingRun:
    """Train, calibrate and choose thresholds; the same input gives the same result to the bit.

    Texts are normalised first, since the server judges normalised texts. What is among the
    checkpoints is not fitted again.
    Raises ValueError where the examples cannot train a model: one label only, too few clusters,
    or scores that do not rise with the label.
    """
    attack = attacks_of(examples)
    if not attack.any() or attack.all():
        raise ValueError("attacks and benign texts are both needed to train")
    progress(f"normalising {len(examples)} texts")
    examples = list(map(_as_judged, examples))
    texts = [example.text for example in examples]
    progress(f"finding near-duplicates among {len(texts)} texts")
    clusters = near_duplicate_clusters(texts, configuration.seed)
    folds = grouped_folds(examples, clusters, configuration.folds, configuration.seed)
    shards = shards_of(texts, attack, folds, configuration)
    fitted = []
    for number, shard in enumerate(shards, start=1):
        progress(f"fitting shard {number} of {len(shards)}, {shard.members.size} texts")
        if np.unique(attack[shard.members]).size == 1:
            raise ValueError(
                f"{np.count_nonzero(attack)} attacks among {len(texts)} texts are too few to part "
                f"them into {len(shards)} shards: raise `shard_characters`, which takes more memory"
            )
        part = [examples[index] for index in shard.members.tolist()]
        kept = KeptHeads(checkpoints, number)
        of_shard = folds[shard.members] if shard.fold is None else None
        fitted.append(_fit(part, of_shard, configuration, progress, kept))
    heads = _average(fitted, shards, configuration.folds)
    progress(f"judging {len(texts)} texts out of fold")
    logits = judge_out_of_fold(texts, folds, heads.folds, configuration)
    calibration = fit_platt(logits, attack)
    scores = calibration.probabilities(logits)
    points = choose_operating_points(scores, attack)
    thresholds = {name: point.threshold for name, point in points.items()}
    summary = {
        "folds": configuration.folds,
        "clusters": int(np.unique(clusters).size),
        **evaluate(examples, scores, thresholds),
    }
    by_fold = tuple(
        loss_and_area(scores[folds == fold], attack[folds == fold])
        for fold in range(configuration.folds)
    )
    return TrainingRun(_model(heads, calibration, configuration), points, summary, by_fold)


def step_count(texts: Sequence[str], configuration: LinearConfiguration) -> int:
    """How often a training on these texts tells of its progress."""
    shards = shard_count(texts, configuration)
    fits = 1 if within_folds(shards, configuration) else configuration.folds + 1
    return 3 + shards * (fits + 1)


def _as_judged(example: Example) -> Example:
    text = normalise(example.text)
    return example if text == example.text else replace(example, text=text)


def _fit(
    examples: Sequence[Example],
    folds: NDArray[np.intp] | None,
    configuration: LinearConfiguration,
    progress: Progress,
    kept: KeptHeads,
) -> _Heads:
    known = _known(kept, 0 if folds is None else configuration.folds)
    if known is not None:
        return known
    texts = [example.text for example in examples]
    windows = windows_of(texts, configuration, all_windows=False)
    of_folds = (
        []
        if folds is None
        else list(fold_heads(windows, examples, folds, configuration, progress, kept))
    )
    progress("fitting the model on all texts")
    everything = np.ones(len(examples), np.bool_)
    taught, labelled = with_embedded(windows, examples, everything, configuration)
    attack = attacks_of(labelled)
    head = kept.get_or_fit("attack", lambda: fit_attack(taught, attack, configuration))
    attacks = taught.of_texts(attack)
    category = np.array([category_index(one) if one.attack else -1 for one in labelled], np.intp)
    deciding = head.logits(attacks.rows)
    categories = fit_categories(attacks, deciding, category, len(CATEGORIES), configuration)
    for name, one in zip(CATEGORIES, categories, strict=True):
        kept.put(name, one)
    return _Heads(of_folds, head, categories)


def _known(kept: KeptHeads, folds: int) -> _Heads | None:
    """The heads of a shard that was fitted whole before."""
    of_folds = kept.all_of([f"fold-{fold + 1}" for fold in range(folds)])
    attack = kept.get("attack")
    categories = kept.all_of(CATEGORIES)
    if of_folds is None or attack is None or categories is None:
        return None
    return _Heads(of_folds, attack, categories)


def _average(fitted: Sequence[_Heads], shards: Sequence[Shard], folds: int) -> _Heads:
    return _Heads(
        folds=[_of_others(fitted, shards, fold) for fold in range(folds)],
        attack=average([one.attack for one in fitted]),
        categories=[
            average(heads) for heads in zip(*(one.categories for one in fitted), strict=True)
        ],
    )


def _of_others(fitted: Sequence[_Heads], shards: Sequence[Shard], fold: int) -> Head:
    """The head that judges a fold: none of those that it is the mean of has seen the fold."""
    return average(
        [
            one.folds[fold] if shard.fold is None else one.attack
            for one, shard in zip(fitted, shards, strict=True)
            if shard.fold != fold
        ]
    )


def _model(heads: _Heads, calibration: Platt, configuration: LinearConfiguration) -> LinearModel:
    ordered = [heads.attack, *heads.categories]
    return LinearModel(
        weights=np.stack([one.weights for one in ordered]).astype(np.float16),
        biases=tuple(one.bias for one in ordered),
        calibration=calibration,
        configuration=configuration,
    )
