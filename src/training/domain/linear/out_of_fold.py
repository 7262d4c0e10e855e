"""Scores of texts by heads that saw none of their near-duplicates."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from training.domain.examples import Example
from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.embedding import embed_attacks
from training.domain.linear.fitting import fit_attack
from training.domain.linear.kept_heads import NONE_KEPT, KeptHeads
from training.domain.linear.logistic import Head
from training.domain.linear.matrix import Windows, highest_by_text, windows_of

_BATCH = 4096


def fold_heads(
    windows: Windows,
    examples: Sequence[Example],
    folds: NDArray[np.intp],
    configuration: LinearConfiguration,
    progress: Callable[[str], None],
    kept: KeptHeads = NONE_KEPT,
) -> Iterator[Head]:
    """For each fold, an attack head fitted on all texts but those of that fold.

    `windows` are those of all examples; `folds` has a fold number per example. Those that were
    kept are not fitted again.
    """
    for fold in range(configuration.folds):
        progress(f"fold {fold + 1} of {configuration.folds}")
        fit = partial(_fit_on, windows, examples, folds != fold, configuration)
        yield kept.get_or_fit(f"fold-{fold + 1}", fit)


def _fit_on(
    windows: Windows,
    examples: Sequence[Example],
    chosen: NDArray[np.bool_],
    configuration: LinearConfiguration,
) -> Head:
    taught, labelled = with_embedded(windows, examples, chosen, configuration)
    return fit_attack(taught, attacks_of(labelled), configuration)


def judge_out_of_fold(
    texts: Sequence[str],
    folds: NDArray[np.intp],
    heads: Sequence[Head],
    configuration: LinearConfiguration,
) -> NDArray[np.float64]:
    """Each text's highest logit by the head of its own fold, shape (texts,).

    Memory does not grow with the number of texts, but for the answer.
    """
    weights = np.stack([head.weights for head in heads], axis=1)
    biases = np.array([head.bias for head in heads])
    logits = np.empty(len(texts))
    for first in range(0, len(texts), _BATCH):
        batch = texts[first : first + _BATCH]
        windows = windows_of(batch, configuration, all_windows=False)
        own = folds[first : first + _BATCH][windows.text]
        of_folds = np.asarray(windows.rows @ weights, np.float64) + biases
        of_windows = of_folds[np.arange(own.size), own]
        logits[first : first + _BATCH] = highest_by_text(of_windows, windows.text, len(batch))
    return logits


def with_embedded(
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


def attacks_of(examples: Sequence[Example]) -> NDArray[np.bool_]:
    """Which examples are attacks, shape (examples,)."""
    return np.array([example.attack for example in examples], np.bool_)
