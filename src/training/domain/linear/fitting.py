"""Fits the heads of the linear detector."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.logistic import Head, fit_sparse
from training.domain.linear.matrix import Windows, highest_by_text


def fit_attack(
    windows: Windows, attack: NDArray[np.bool_], configuration: LinearConfiguration
) -> Head:
    """The attack head, by multiple-instance rounds.

    `attack` has one entry per text. All windows of a benign text are benign, but an attack may
    fill only a part of its text: after the first round only those of its windows are kept that
    look like one, and always the highest ("mi-SVM", Andrews et al., 2003).
    """
    kept = windows
    head = _fit_scaled(kept, attack, configuration)
    for _ in range(configuration.rounds - 1):
        logits = head.logits(windows.rows)
        highest = highest_by_text(logits, windows.text, attack.size)[windows.text]
        kept = windows.where(~attack[windows.text] | (logits >= highest) | (logits > 0.0))
        head = _fit_scaled(kept, attack, configuration)
    return head


def fit_categories(
    windows: Windows,
    deciding: NDArray[np.float64],
    category: NDArray[np.intp],
    classes: int,
    configuration: LinearConfiguration,
) -> list[Head]:
    """One softmax head per category, fitted on the window that decides each attack.

    `windows` holds attacks alone; `deciding` their attack logits; `category` one index per text,
    below `classes`. A category without examples gets a head that keeps its share near zero.
    """
    highest = highest_by_text(deciding, windows.text, category.size)[windows.text]
    kept = windows.where(deciding >= highest)
    wanted = category[kept.text]
    present = np.unique(wanted)
    buckets = kept.rows.shape[1]
    heads = [Head(np.zeros(buckets), math.log(1e-6)) for _ in range(classes)]
    if present.size == 1:
        heads[int(present[0])] = Head(np.zeros(buckets), 0.0)
        return heads
    # One against the rest by the same solver: a softmax fit needs minutes for the same accuracy.
    for index in present.tolist():
        heads[index] = _fit(
            kept.rows, wanted == index, configuration.category_regularisation, configuration
        )
    return heads


def _fit_scaled(
    windows: Windows, attack: NDArray[np.bool_], configuration: LinearConfiguration
) -> Head:
    """Logistic regression on features scaled by their naive-Bayes log ratio (Wang, Manning, 2012).

    The scale is folded into the weights, so that serving knows nothing of it.
    """
    wanted = attack[windows.text]
    masses = [
        np.asarray(windows.rows[np.flatnonzero(side)].sum(axis=0), np.float64).ravel()
        + configuration.smoothing
        for side in (wanted, ~wanted)
    ]
    ratio = np.log((masses[0] / masses[0].sum()) / (masses[1] / masses[1].sum()))
    scale = np.abs(ratio).astype(np.float32)
    rows = windows.rows
    scaled = csr_array((rows.data * scale[rows.indices], rows.indices, rows.indptr), rows.shape)
    head = _fit(scaled, wanted, configuration.regularisation, configuration)
    return Head(head.weights * scale, head.bias)


def _fit(
    rows: csr_array[np.floating],
    positive: NDArray[np.bool_],
    regularisation: float,
    configuration: LinearConfiguration,
) -> Head:
    return fit_sparse(
        rows, positive, regularisation, configuration.seed, configuration.max_iterations
    )
